"""Values that a row cannot hold as they are: spread into columns, or kept as assets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from xvc.errors import BadValue
from xvc.tracking.objects import keep_objects
from xvc.tracking.unpack import plainer, put, unpacked

if TYPE_CHECKING:
    from xvc.tracking.handle import RunHandle


def spread(tracker: RunHandle, row: Mapping[str, object], refused: BadValue) -> dict[str, object]:
    """Return a row that can be kept in the place of one that was refused.

    Raises:
        BadValue: a value cannot be kept in any way; *refused* itself, when it is about a key; a
            field's column meets another value of the row.
        AssetFailed: an object could not be written.
    """
    unpacked_row = _unpack(row)
    kept = keep_objects(tracker, unpacked_row or row)
    if unpacked_row is None and not kept:
        raise refused
    return {**(unpacked_row or row), **kept}


def _unpack(row: Mapping[str, object]) -> dict[str, object] | None:
    """Dataclasses and models as columns, paths and enums as text; None when there are none."""
    columns = {key: unpacked(key, value) for key, value in row.items()}
    found = {key: plainer(value) for key, value in row.items() if columns[key] is None}
    for key, parts in columns.items():
        for name, part in (parts or {}).items():
            put(found, name, part, key)
    is_same = found.keys() == row.keys() and all(found[key] is row[key] for key in row)
    return None if is_same else found
