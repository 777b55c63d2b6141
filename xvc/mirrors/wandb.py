"""The sink ``wandb``: a run there with the id that it has here, so that it can be gone on with.

``sinks={"wandb": {"project": …, "entity": …, "mode": "offline"}}``: the arguments of `wandb.init`;
the project is the name of the project's folder unless given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from xvc.core.json_values import readable
from xvc.mirrors.sink import MirroredRun, MirrorRow, SinkKind
from xvc.types import Json


class WandbSink:
    """Logs rows at their steps; where a step goes back, wandb's own counter goes on."""

    def __init__(self, options: Mapping[str, object]) -> None:
        self._wandb: Any = import_module("wandb")
        self._options = dict(options)
        self._run: Any = None
        self._step = -1

    def begin(self, run: MirroredRun, known: str | None) -> str:
        """Begin the run, or go on with it."""
        wanted = {"project": run.project, "name": run.name or run.id, **self._options}
        # of a configured series `wandb.init` begins runs of xvc, which are mirrored: without end
        begin = vars(self._wandb).get("xvc_init", self._wandb.init)
        self._run = begin(id=run.id, resume="allow", **wanted)
        self._step = int(getattr(self._run, "step", 0) or 0) - 1
        return run.id

    def params(self, values: Mapping[str, Json]) -> None:
        """Put params into the run's config."""
        plain = {
            key: value if isinstance(value, bool | int | float | str) else readable(value)
            for key, value in values.items()
        }
        self._run.config.update(plain, allow_val_change=True)

    def rows(self, rows: Sequence[MirrorRow]) -> None:
        """Log each row."""
        for row in rows:
            self._step = max(self._step + 1, row.step)
            self._run.log({**row.values, "step": row.step}, step=self._step)

    def end(self, status: str | None) -> None:
        """Finish the run, with 0 for one that finished."""
        if self._run is not None:
            self._run.finish(exit_code=0 if status in ("finished", None) else 1)
            self._run = None


KIND = SinkKind(open=WandbSink)
