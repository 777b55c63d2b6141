"""Finding the record that a store cannot take: what was read of journals, cut into halves.

Pure but for reading the journals. A record is found by cutting until one is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO

from xvc.core.record import Control
from xvc.journal.codec import CONTROL, control_from, decode_line
from xvc.journal.reader import Names, ReadPosition, Slice, spelled

_FEW = 10_000


def halves(parts: Sequence[Slice]) -> tuple[Sequence[Slice], Sequence[Slice]] | None:
    """Cut what was read into an earlier and a later half; None when it is one record.

    Lines of a journal that rotted are one record here: where they ended in it is not known.
    """
    if len(parts) > 1:
        middle = len(parts) // 2
        return parts[:middle], parts[middle:]
    (part,) = parts
    lines = lines_of(part)
    if len(lines) < 2 or part.mended is not None:
        return None
    middle = len(lines) // 2
    before, after = lines[:middle], lines[middle:]
    cut = part.start + sum(map(len, before))
    number = decode_line(before[-1])["n"]
    sequence = number if isinstance(number, int) else part.mark.sequence
    first = replace(
        part,
        mark=ReadPosition(cut, sequence, part.mark.names),
        controls=_controls(before),
        has_rows=_has_rows(before),
        names=_names(before),
    )
    second = replace(
        part,
        start=cut,
        controls=_controls(after),
        has_rows=_has_rows(after),
        names=_names(after),
    )
    return (first,), (second,)


def lines_of(part: Slice) -> list[bytes]:
    """Read the records of a slice, one line each."""
    out = BytesIO()
    part.write_to(out)
    return out.getvalue().splitlines(keepends=True)


def _controls(lines: Sequence[bytes]) -> tuple[Control, ...]:
    return tuple(control_from(decode_line(line)) for line in lines if line.startswith(CONTROL))


def _has_rows(lines: Sequence[bytes]) -> bool:
    return any(not line.startswith(CONTROL) for line in lines)


def _names(lines: Sequence[bytes]) -> Names | None:
    """List the names of few rows: a name that no room is left for is not that of every row."""
    return spelled(b"".join(lines), {}) if len(lines) <= _FEW else None


def nothing_of(part: Slice) -> Slice:
    """Make the slice that passes over everything in this one."""
    return replace(part, mended=b"", controls=(), has_rows=False)
