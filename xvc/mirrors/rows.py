"""Rows for a sink: out of journals while a run goes on, out of the store afterwards. Reads only."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

from xvc.core.json_values import from_plain
from xvc.core.record import STEPS, RecordKind
from xvc.journal.codec import CONTROL, decode_line, decode_name, from_json
from xvc.journal.writer import SUFFIX
from xvc.types import Json

MOST = 1 << 19
"""Bytes that are read at once, of one journal: what waits, waits on the disk."""

_LARGEST = 1 << 63
_NOT_FINITE = {"nan", "inf", "-inf"}


@dataclass(frozen=True, slots=True)
class Logged:
    """A row as it was logged: who wrote it, where in its journal, when, and its numbers."""

    writer: str
    sequence: int
    at: float
    values: Mapping[str, float]


def step_of(values: Mapping[str, float], place: int) -> int:
    """Read the step that a row says; else it is the row's place among those of its writer.

    >>> step_of({"epoch": 3.0, "loss": 0.5}, 7), step_of({"loss": 0.5}, 7)
    (3, 7)
    """
    said = (values.get(key) for key in STEPS)
    return next((int(each) for each in said if each is not None and each == each), place)  # noqa: PLR0124


@dataclass(slots=True)
class Fresh:
    """What is new: rows in their order, params, and whether there is more at once."""

    rows: list[Logged] = field(default_factory=list)
    params: dict[str, Json] = field(default_factory=dict)
    has_more: bool = False


@dataclass(slots=True)
class _Tail:
    """A journal that is read as it grows; one that has the run stays open, wherever it is moved."""

    file: BinaryIO | None = None
    position: int = 0
    has_run: bool = False


class Tails:
    """Follows what is logged into one run, in all journals of a folder that are new since then.

    Args:
        folder: of the journals.
        run: its id.
        own: a journal that is read from its beginning.
    """

    def __init__(self, folder: Path, run: str, own: Path) -> None:
        self._folder, self._run = folder, run
        self._passed = {name for name in _names(folder) if name != own.name}
        self._tails: dict[str, _Tail] = {}

    def read(self) -> Fresh:
        """Return what is new, `MOST` bytes of each journal at once."""
        fresh = Fresh()
        for name in sorted(_names(self._folder) - self._passed - self._tails.keys()):
            self._tails[name] = _Tail()
        for name, tail in [*self._tails.items()]:
            if tail.file is None:
                try:
                    tail.file = (self._folder / name).open("rb")
                except OSError:  # folded, and moved, just now: the rest is sent from the store
                    del self._tails[name]
                    continue
            self._read_one(tail.file, tail, fresh)
            if not tail.has_run:  # another run's: thousands may come and go beside a long one
                tail.file.close()
                tail.file = None
        return fresh

    def close(self) -> None:
        """Release the files."""
        for tail in self._tails.values():
            if tail.file is not None:
                tail.file.close()

    def _read_one(self, file: BinaryIO, tail: _Tail, fresh: Fresh) -> None:
        file.seek(tail.position)
        block = file.read(MOST)
        end = block.rfind(b"\n") + 1
        if not end and len(block) == MOST:  # one record is longer than a block
            block += file.readline()
            end = len(block) if block.endswith(b"\n") else 0
        tail.position += end
        fresh.has_more = fresh.has_more or (end > 0 and len(block) >= MOST)
        mine = f'"r":"{self._run}"'.encode()
        for line in block[:end].splitlines():
            if mine in line:
                tail.has_run = True
                self._take(line, fresh)

    def _take(self, line: bytes, fresh: Fresh) -> None:
        try:
            if line.startswith(CONTROL):
                fresh.params |= _params(from_json(line[1:]))
                return
            record = decode_line(line)
        except ValueError:
            return  # torn: the store says what became of it
        body = record.get("d")
        if record.get("r") == self._run and isinstance(body, dict):
            values = dict(_numbers(body))
            at, number = cast("float", record["t"]), cast("int", record["n"])
            fresh.rows.append(Logged(str(record["w"]), number, at, values))


def _names(folder: Path) -> set[str]:
    try:
        return {name for name in os.listdir(folder) if name.endswith(SUFFIX)}
    except OSError:
        return set()


def _params(control: Json) -> dict[str, Json]:
    facts = control.get("f") if isinstance(control, dict) else None
    if not isinstance(control, dict) or not isinstance(facts, dict):
        return {}
    if control.get("k") == RecordKind.BEGIN:
        facts = facts.get("params") or {}
    elif control.get("k") != RecordKind.PARAMS:
        return {}
    held = cast("dict[str, Json]", facts)
    return {key: cast("Json", from_plain(value)) for key, value in held.items()}


def _numbers(body: Mapping[str, Json]) -> Iterator[tuple[str, float]]:
    for name, value in body.items():
        tag, key = decode_name(name)
        is_number = isinstance(value, int | float) or value in _NOT_FINITE
        if tag in ("f", "i") and is_number:
            yield key, float(cast("float", value))


def numbers_of(row: Mapping[str, object]) -> dict[str, float]:
    """Take the numbers out of a row of the store.

    >>> numbers_of({"loss": 0.5, "step": 3, "ok": True, "name": "a", "none": None})
    {'loss': 0.5, 'step': 3.0}
    """
    return {
        key: float(value)
        for key, value in row.items()
        if isinstance(value, float)
        or (isinstance(value, int) and not isinstance(value, bool) and abs(value) < _LARGEST)
    }
