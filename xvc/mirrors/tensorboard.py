"""The sink ``tensorboard``: event files, through tensorboardX or torch's writer.

``sinks={"tensorboard": {"log_dir": "runs"}}`` gets a folder for each run, called by its id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from xvc.core.json_values import readable
from xvc.mirrors.sink import MirroredRun, MirrorRow, SinkKind
from xvc.types import Json


def _writer() -> Any:
    try:
        return import_module("tensorboardX").SummaryWriter
    except ImportError:
        return import_module("torch.utils.tensorboard").SummaryWriter


class TensorBoardSink:
    """Writes scalars with their steps and times, params as text."""

    def __init__(self, options: Mapping[str, object]) -> None:
        self._make = _writer()
        self._folder = Path(str(options.get("log_dir", "runs"))).absolute()
        self._writer: Any = None

    def begin(self, run: MirroredRun, known: str | None) -> str:
        """Open a file of events; going on makes another one in the same folder."""
        place = str(self._folder / run.id)
        self._writer = self._make(place)
        return place

    def params(self, values: Mapping[str, Json]) -> None:
        """Write params as text."""
        lines = "\n".join(f"{key}: {readable(value)}  " for key, value in values.items())
        self._writer.add_text("params", lines)

    def rows(self, rows: Sequence[MirrorRow]) -> None:
        """Write the numbers, and have the file on the disk."""
        for row in rows:
            for key, value in row.values.items():
                self._writer.add_scalar(key, value, row.step, row.at)
        self._writer.flush()

    def end(self, status: str | None) -> None:
        """Close the file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None


KIND = SinkKind(open=TensorBoardSink)
