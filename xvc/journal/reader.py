"""Reading journals: what is new in each, checked, never past the last whole line.

In blocks, so that a journal of any size takes little memory. A torn tail is passed over; what rot
does is in `damage`. Reads only.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from zlib import crc32

from xvc.core.late_pattern import late
from xvc.core.record import SCHEMA, Control, RecordKind
from xvc.errors import TooNew
from xvc.journal.codec import CONTROL, control_from, decode_line
from xvc.journal.damage import CHAIN, is_record, set_apart
from xvc.journal.writer import SUFFIX
from xvc.types import RunId

_RUN = late(rb'"r":"([a-z0-9]{12})"')
_BORN = late(rb'"t":([0-9]+(?:\.[0-9]+)?)')
_BLOCK = 1 << 22
_END = 1 << 16

Names = Mapping[str, tuple[str, ...]]
"""For each table, the written names that its rows may carry."""


@dataclass(frozen=True, slots=True)
class ReadPosition:
    """How far a journal was read: bytes, the last sequence number, and the names it declared."""

    position: int = 0
    sequence: int = 0
    names: Names = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Slice:
    """What is new in one journal, from ``start`` up to ``mark.position``.

    ``mended`` is what stands for those bytes when some of them rotted: the sound lines;
    ``damaged`` are the lines that were set apart. No line is longer than ``longest``, in bytes.
    ``names`` are those that its rows carry, where they were looked at.
    """

    path: Path
    start: int
    mark: ReadPosition
    controls: tuple[Control, ...]
    has_rows: bool
    mended: bytes | None = None
    damaged: tuple[bytes, ...] = ()
    longest: int = 0
    names: Names | None = None

    @property
    def writer(self) -> str:
        """The writer's id, which names its journal."""
        return self.path.name.removesuffix(SUFFIX)

    @property
    def is_whole(self) -> bool:
        """Whether the journal's file, as it lies there, is this slice and nothing else."""
        if self.start != 0 or self.mended is not None or is_written(self.path):
            return False
        return self.path.stat().st_size == self.mark.position  # no torn tail, nothing added since

    def write_to(self, out: IO[bytes]) -> None:
        """Append the sound lines to a file."""
        if self.mended is not None:
            out.write(self.mended)
            return
        left = self.mark.position - self.start
        with self.path.open("rb") as file:
            file.seek(self.start)
            while left > 0 and (block := file.read(min(left, _BLOCK))):
                left -= out.write(block)


def journals(folder: Path) -> list[Path]:
    """List the journals of a folder that may be read, by name; none when there is no folder."""
    return sorted(path for path in _files(folder) if os.access(path, os.R_OK))


def barred_journals(folder: Path) -> list[Path]:
    """List those that may not be read, as what another user has written under a strict umask."""
    return sorted(path for path in _files(folder) if not os.access(path, os.R_OK) and path.exists())


def _files(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from (path for path in folder.iterdir() if path.suffix == SUFFIX)


def born(path: Path) -> float:
    """When a journal's first record was written, in seconds since the epoch; 0 when none says."""
    with path.open("rb") as file:
        found = _BORN.search(file.read(4096))
    return float(found[1]) if found else 0.0


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


def is_read(path: Path, position: int) -> bool:
    """Whether no whole line follows *position*: what follows is nothing, or a torn tail."""
    with path.open("rb") as file:
        return next(_blocks(file, position), None) is None


def read_new(path: Path, mark: ReadPosition, most: int | None = None) -> Slice | None:
    """Read what follows *mark*; None when that is nothing.

    With *most* it ends soon after so many records that are no rows; what follows is the next slice.

    Raises:
        TooNew: a newer xvc wrote it.
        OSError: the file cannot be read.
    """
    controls: list[Control] = []
    position, last, has_rows, longest = mark.position, b"", False, 0
    with path.open("rb") as file:
        for block in _blocks(file, mark.position):
            if position == 0:
                _refuse_newer(block[:8192], path)
            last = _last_line(block)
            if not _is_sound(block, last):
                return _read_damaged(path, mark)
            controls += _controls(block)
            has_rows = has_rows or _has_rows(block)
            position += len(block)
            longest = max(longest, len(block))  # it is one line and not much more, or short
            if most is not None and len(controls) >= most:
                break
    if not last:
        return None
    sequence = int(str(decode_line(last)["n"]))
    return Slice(
        path=path,
        start=mark.position,
        mark=ReadPosition(position, sequence, _declared(controls, mark.names)),
        controls=tuple(controls),
        has_rows=has_rows,
        longest=longest,
    )


def _blocks(file: IO[bytes], start: int) -> Iterator[bytes]:
    """Read whole lines, a few megabytes at a time; half a line at the end is left."""
    file.seek(start)
    rest = b""
    while read := file.read(_BLOCK):
        cut = read.rfind(b"\n") + 1
        if not cut:
            rest += read
            continue
        yield rest + read[:cut]
        rest = read[cut:]


def _last_line(block: bytes) -> bytes:
    return block[block.rfind(b"\n", 0, len(block) - 1) + 1 :]


def _is_sound(block: bytes, last: bytes) -> bool:
    """Whether every byte before the last line is what the last line says it was.

    The first line of the next block says it of this last one; of the file's last nothing does.
    """
    first, final = CHAIN.search(block, 0, 4096), CHAIN.search(last)
    if first is None or final is None or not is_record(last):
        return False
    before = memoryview(block)[: len(block) - len(last)]
    return crc32(before, int(first[1])) == int(final[1])


def _refuse_newer(block: bytes, path: Path) -> None:
    """Look at the first record, when the second vouches for it: any other newer number is rot."""
    first, _, rest = block.partition(b"\n")
    vouching = CHAIN.search(rest, 0, 4096)
    if vouching is not None and int(vouching[1]) != crc32(first + b"\n"):
        return
    try:
        version = decode_line(first)["v"]
    except ValueError:
        return
    if isinstance(version, int) and version > SCHEMA:
        raise TooNew(str(path), version, SCHEMA)


def _controls(block: bytes) -> Iterator[Control]:
    """Find the records that are no rows: a raw tab begins each, and JSON holds no other."""
    start = block.find(CONTROL)
    while start >= 0:
        end = block.index(b"\n", start)
        yield control_from(decode_line(block[start:end]))
        start = block.find(CONTROL, end)


def _has_rows(block: bytes) -> bool:
    return not block.startswith(CONTROL) or re.search(rb"\n[^\t]", block) is not None


def _declared(controls: Iterable[Control], known: Names) -> dict[str, tuple[str, ...]]:
    names = {table: dict.fromkeys(held) for table, held in known.items()}
    for control in controls:
        if control.kind == RecordKind.KEYS and control.table and isinstance(control.facts, list):
            names.setdefault(control.table, {}).update(dict.fromkeys(map(str, control.facts)))
    return {table: tuple(held) for table, held in names.items()}


def _read_damaged(path: Path, mark: ReadPosition) -> Slice:
    """Read a journal that rotted, all at once and line by line; its sound lines are kept."""
    with path.open("rb") as file:
        data = b"".join(_blocks(file, mark.position))
    mended, damaged = set_apart(data)
    controls = tuple(_controls(mended))
    # A declaration may be among the damaged, so the rows themselves are asked.
    names = spelled(mended, _declared(controls, mark.names))
    numbers = [decode_line(line)["n"] for line in mended.splitlines()]
    sequence = max([mark.sequence, *(n for n in numbers if isinstance(n, int))])
    return Slice(
        path=path,
        start=mark.position,
        mark=ReadPosition(mark.position + len(data), sequence, names),
        controls=controls,
        has_rows=bool(mended) and _has_rows(mended),
        mended=mended,
        damaged=damaged,
        longest=len(mended),
    )


def spelled(data: bytes, known: Names) -> dict[str, tuple[str, ...]]:
    """List, for each table, the names that rows carry, after those that are known."""
    names = {table: dict.fromkeys(held) for table, held in known.items()}
    for line in data.splitlines():
        found = decode_line(line)
        row = found.get("d")
        if isinstance(row, dict):
            names.setdefault(str(found["e"]), {}).update(dict.fromkeys(row))
    return {table: tuple(held) for table, held in names.items()}


def last_written(paths: Iterable[Path], run: RunId) -> int | None:
    """When the newest of these journals that names a run was written, in nanoseconds.

    Only the ends of each are looked at: whoever writes for one run names it in both.
    """
    for at, path in sorted(((path.stat().st_mtime_ns, path) for path in paths), reverse=True):
        with path.open("rb") as file:
            head = file.read(_END)
            file.seek(max(0, path.stat().st_size - _END))
            if run.encode() in head or run.encode() in file.read():
                return at
    return None


def count_rows(
    path: Path, start: int, counts: Counter[RunId], *, apart_from: str | None = None
) -> None:
    """Add to *counts* the rows of each run behind *start*; of one that has no rows 0.

    Rows of the table *apart_from* are not counted.
    """
    passed = f'","e":"{apart_from}"'.encode()
    with path.open("rb") as file:
        for block in _blocks(file, start):
            found: dict[bytes, int] = {}
            last = b""
            # a pattern for the whole line takes three times as long
            for line in block.splitlines():
                at = line.find(b'"r":"') + 5
                if at > 4 and line[at + 12 : at + 13] == b'"':
                    run = line[at : at + 12]
                    if line.startswith(CONTROL) or line.startswith(passed, at + 12):
                        if run != last:  # most are followed by others of their run
                            found.setdefault(run, 0)
                    else:
                        found[run] = found.get(run, 0) + 1
                    last = run
            for run, rows in found.items():
                counts[RunId(run.decode())] += rows


def runs_named(paths: Iterable[Path]) -> set[RunId]:
    """List the runs that any record of these journals belongs to."""
    found: set[RunId] = set()
    for path in paths:
        with path.open("rb") as file:
            for block in _blocks(file, 0):
                found.update(RunId(name.decode()) for name in set(_RUN.findall(block)))
    return found
