"""Values that a row cannot hold as they are: spread into columns, or kept as assets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from xvc.errors import BadValue

if TYPE_CHECKING:
    from xvc.tracking.tracker import Tracker


def spread(tracker: Tracker, row: Mapping[str, object], refused: BadValue) -> dict[str, object]:
    """Return a row that can be kept in the place of one that was refused.

    Raises:
        BadValue: *refused* itself, when nothing in the row can be spread.
    """
    raise refused
