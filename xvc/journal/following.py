"""Following what running processes log: the values of one key, as they come.

For whoever has to decide while a run is under way. Reads journals only; what is folded meanwhile
and moved has been read, or is of no use to a run that has ended.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

from xvc.core.nested import above, numbers_in
from xvc.core.record import STEPS, RecordKind
from xvc.journal.codec import CONTROL, decode_line, encode_key
from xvc.journal.reader import ReadPosition, Slice, journals, read_new
from xvc.types import Json


@dataclass(frozen=True, slots=True)
class ReportedValue:
    """One value of the key: of which named run, at which step, counted from 0 without one."""

    name: str
    step: int
    value: float


@dataclass
class Follower:
    """Follows the runs whose names begin with *beginning*, for one key of their rows."""

    folder: Path
    beginning: str
    key: str
    _marks: dict[str, ReadPosition] = field(default_factory=dict)
    _names: dict[str, str] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)
    _params: dict[str, dict[str, Json]] = field(default_factory=dict)

    @property
    def _written(self) -> str:
        return encode_key(self.key)

    def read(self) -> list[ReportedValue]:
        """Return what is new since the last call, in the order of each writer."""
        fresh = [part for path in journals(self.folder) if (part := self._new(path)) is not None]
        for part in fresh:  # beginnings first: the rows of a run are another process's
            for control in part.controls:
                if control.run is None or not isinstance(control.facts, dict):
                    continue
                if control.kind == RecordKind.BEGIN:
                    name = str(control.facts.get("name", ""))
                    if name.startswith(self.beginning):
                        self._names[control.run] = name
                elif control.kind == RecordKind.PARAMS:
                    self._params.setdefault(control.run, {}).update(control.facts)
        return [report for part in fresh for report in self._reports(part)]

    def _new(self, path: Path) -> Slice | None:
        try:
            part = read_new(path, self._marks.get(path.name, ReadPosition()))
        except FileNotFoundError:  # folded, and moved, just now
            return None
        if part is not None:
            self._marks[path.name] = part.mark
        return part

    def _reports(self, part: Slice) -> Iterator[ReportedValue]:
        if not part.has_rows or not self._names:
            return
        lines = BytesIO()
        try:
            part.write_to(lines)
        except FileNotFoundError:
            return
        for line in lines.getvalue().splitlines():
            if not line.startswith(CONTROL):
                yield from self._reported(decode_line(line))

    def _within(self, row: dict[str, Json]) -> Json:
        """Find the value of the key in a dict of the row."""
        for key in above(self.key):
            if isinstance(held := row.get(f"j:{encode_key(key)}"), dict):
                return numbers_in(key, held).get(self.key)
        return None

    def _reported(self, record: dict[str, Json]) -> Iterator[ReportedValue]:
        run, row = str(record.get("r")), record.get("d")
        if run not in self._names or not isinstance(row, dict):
            return
        value = row.get(f"f:{self._written}", row.get(f"i:{self._written}", self._within(row)))
        if isinstance(value, int | float):
            count = self._counts.get(run, 0)
            self._counts[run] = count + 1
            yield ReportedValue(self._names[run], self._step(run, row, count), float(value))

    def _step(self, run: str, row: dict[str, Json], count: int) -> int:
        """Read the step that a row says; a param in every row, ``epoch=10``, is none."""
        params = self._params.get(run, {})
        for key in STEPS:
            said = row.get(f"i:{key}")
            if isinstance(said, int) and params.get(key) != said:
                return said
        return count
