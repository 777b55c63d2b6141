"""Values that a row cannot hold as they are: spread into columns, or kept as assets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from xvc.errors import BadValue
from xvc.tracking.objects import keep_objects

if TYPE_CHECKING:
    from xvc.tracking.tracker import Tracker


def spread(tracker: Tracker, row: Mapping[str, object], refused: BadValue) -> dict[str, object]:
    """Return a row that can be kept in the place of one that was refused.

    Raises:
        BadValue: a value cannot be kept in any way; *refused* itself, when it is about a key.
        AssetFailed: an object could not be written.
    """
    kept = keep_objects(tracker, row)
    if not kept:
        raise refused
    return {**row, **kept}
