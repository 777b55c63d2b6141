"""Reading journals: what is new in each, checked, never past the last whole line.

A torn tail is passed over. Rot anywhere else is set apart and named: the records around it are
kept. Reads only; the one thing it writes is the quarantine, and that by its caller.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast
from zlib import crc32

from xvc.core.record import SCHEMA, Control, Kind
from xvc.errors import TooNew
from xvc.journal.codec import control_from, decode_line
from xvc.journal.writer import SUFFIX
from xvc.types import RunId

_CHAIN = re.compile(rb'"c":(\d+)')
_RUN = re.compile(rb'"r":"([a-z0-9]{12})"')
_CONTROL = b'{"k":'
_ROW = b'{"v":'


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a journal was read: bytes, the last sequence number, and the names it declared."""

    position: int = 0
    sequence: int = 0
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Slice:
    """What is new in one journal.

    ``data`` holds whole, sound lines only; ``names`` every name each table's rows may carry;
    ``damaged`` the lines that were set apart.
    """

    path: Path
    writer: str
    data: bytes
    mark: Mark
    controls: tuple[Control, ...]
    has_rows: bool
    damaged: tuple[bytes, ...] = ()


def journals(folder: Path) -> list[Path]:
    """List the journals of a folder, oldest name first; none when there is no folder."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.suffix == SUFFIX)


def is_written(path: Path) -> bool:
    """Whether a living process still holds this journal."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def read_new(path: Path, mark: Mark) -> Slice | None:
    """Read what follows *mark*; None when that is nothing.

    Raises:
        TooNew: a newer xvc wrote it.
        OSError: the file cannot be read.
    """
    data = _whole_lines(path, mark.position)
    if not data:
        return None
    _refuse_newer(data, path)
    end = mark.position + len(data)
    damaged: tuple[bytes, ...] = ()
    if not _is_sound(data):
        data, damaged = _set_apart(data, path)
    controls = tuple(_controls(data))
    names = _declared(controls, mark.names)
    if damaged:
        names = _spelled(data, names)
    sequence = _last_sequence(data, mark.sequence)
    return Slice(
        path=path,
        writer=path.name.removesuffix(SUFFIX),
        data=data,
        mark=Mark(end, sequence, names),
        controls=controls,
        has_rows=data.startswith(_ROW) or b"\n" + _ROW in data,
        damaged=damaged,
    )


def _whole_lines(path: Path, start: int) -> bytes:
    with path.open("rb") as file:
        file.seek(start)
        data = file.read()
    return data[: data.rfind(b"\n") + 1]


def _is_sound(data: bytes) -> bool:
    """Whether every byte before the last line is what the last line says it was."""
    last = data.rfind(b"\n", 0, len(data) - 1) + 1
    first, final = _CHAIN.search(data), _CHAIN.search(data, last)
    if first is None or final is None or first.start() > data.find(b"\n"):
        return False
    return crc32(memoryview(data)[:last], int(first[1])) == int(final[1]) and _parses(data[last:])


def _parses(line: bytes) -> bool:
    try:
        return cast("int", decode_line(line)["v"]) <= SCHEMA
    except ValueError:
        return False


def _refuse_newer(data: bytes, path: Path) -> None:
    """Look at the first record only: a newer number further on is rot."""
    try:
        version = cast("int", decode_line(data[: data.find(b"\n")])["v"])
    except ValueError:
        return
    if version > SCHEMA:
        raise TooNew(str(path), version, SCHEMA)


def _set_apart(data: bytes, path: Path) -> tuple[bytes, tuple[bytes, ...]]:
    """Sort lines into sound and damaged, by what their neighbours say of them."""
    lines = data.splitlines(keepends=True)
    sound: list[bytes] = []
    damaged: list[bytes] = []
    for place, line in enumerate(lines):
        following = lines[place + 1 :][:2]
        if _parses(line) and _vouched(line, following):
            sound.append(line)
            continue
        mended = _mended(sound[-1], line, following) if sound else None
        (damaged if mended is None else sound).append(line if mended is None else mended)
    return b"".join(sound), tuple(damaged)


def _vouched(line: bytes, following: Sequence[bytes]) -> bool:
    """Whether the next line's checksum, or the next but one's after mending, bears this one out."""
    own = _CHAIN.search(line)
    if own is None:
        return False
    if not following:
        return True  # the last line: nothing follows that could tell
    running = crc32(line, int(own[1]))
    claimed = _CHAIN.search(following[0])
    if claimed is not None and int(claimed[1]) == running:
        return True
    return _is_bad_itself(following, running)


def _is_bad_itself(following: Sequence[bytes], running: int) -> bool:
    """Whether the next line is the one that rotted: its successor disagrees with it too."""
    claimed = _CHAIN.search(following[0])
    if claimed is None or not _parses(following[0]):
        return True
    if len(following) < 2:
        return False
    successor = _CHAIN.search(following[1])
    if successor is None:
        return False
    if crc32(following[0], int(claimed[1])) == int(successor[1]):
        return False  # it is sound, so the line before it is not
    mended = _with_chain(following[0], running)
    return crc32(mended, running) == int(successor[1])


def _mended(before: bytes, line: bytes, following: Sequence[bytes]) -> bytes | None:
    """Put a rotted checksum right, when that is all that is wrong with the line."""
    own = _CHAIN.search(before)
    successor = _CHAIN.search(following[0]) if following else None
    if own is None or successor is None:
        return None
    running = crc32(before, int(own[1]))
    mended = _with_chain(line, running)
    sound = crc32(mended, running) == int(successor[1]) and _parses(mended)
    return mended if sound else None


def _with_chain(line: bytes, chain: int) -> bytes:
    return _CHAIN.sub(b'"c":%d' % chain, line, count=1)


def _controls(data: bytes) -> Iterable[Control]:
    start = 0 if data.startswith(_CONTROL) else data.find(b"\n" + _CONTROL) + 1
    while start or data.startswith(_CONTROL, start):
        end = data.index(b"\n", start)
        yield control_from(decode_line(data[start:end]))
        start = data.find(b"\n" + _CONTROL, end) + 1
        if not start:
            return


def _declared(
    controls: Iterable[Control], known: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    names = {table: dict.fromkeys(held) for table, held in known.items()}
    for control in controls:
        if control.kind == Kind.KEYS and control.table and isinstance(control.facts, list):
            names.setdefault(control.table, {}).update(dict.fromkeys(map(str, control.facts)))
    return {table: tuple(held) for table, held in names.items()}


def _spelled(data: bytes, known: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Collect names from the rows themselves: a declaration may be among the damaged."""
    names = {table: dict.fromkeys(held) for table, held in known.items()}
    for line in data.splitlines():
        found = decode_line(line)
        row = found.get("d")
        if "k" not in found and isinstance(row, dict):
            names.setdefault(str(found["e"]), {}).update(dict.fromkeys(row))
    return {table: tuple(held) for table, held in names.items()}


def _last_sequence(data: bytes, before: int) -> int:
    last = data.rstrip(b"\n").rfind(b"\n") + 1
    number = decode_line(data[last:]).get("n") if data else before
    return max(before, number) if isinstance(number, int) else before


def runs_named(paths: Iterable[Path]) -> set[RunId]:
    """List the runs that any record of these journals belongs to."""
    found: set[RunId] = set()
    for path in paths:
        found.update(RunId(name.decode()) for name in set(_RUN.findall(path.read_bytes())))
    return found
