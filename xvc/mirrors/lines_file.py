"""The sink ``jsonl``: a file that every row is appended to, for tools that follow a file.

``sinks={"jsonl": {"path": "rows.jsonl"}}``; without a path ``mirror.jsonl`` in the current folder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from xvc.mirrors.sink import MirroredRun, MirrorRow, SinkKind
from xvc.sinks.lines import Lines, line_of
from xvc.types import Json


class LinesSink:
    """Appends lines of JSON: params first, then rows, then the end."""

    def __init__(self, options: Mapping[str, object]) -> None:
        self._lines = Lines(Path(str(options.get("path", "mirror.jsonl"))).absolute())
        self._run, self._at = "", 0.0

    def begin(self, run: MirroredRun, known: str | None) -> str:
        """Remember the run."""
        self._run = run.id
        return run.id

    def params(self, values: Mapping[str, Json]) -> None:
        """Write the params as one line."""
        self._lines.write(line_of(values, self._at, "PARAMS", self._run))

    def rows(self, rows: Sequence[MirrorRow]) -> None:
        """Write each row as a line."""
        for row in rows:
            self._at = row.at
            self._lines.write(line_of({**row.values, "step": row.step}, row.at, "ROW", self._run))

    def end(self, status: str | None) -> None:
        """Write how it ended, and close the file."""
        if status is not None:
            self._lines.write(line_of({"status": status}, self._at, "END", self._run))
        self._lines.close()


KIND = SinkKind(open=LinesSink)
