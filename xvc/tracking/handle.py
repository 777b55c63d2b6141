"""What the parts of a tracker see of it: the run, where it is written, and what was asked for.

Values only: the Tracker has these attributes, and no part needs to import it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from xvc.journal.writer import Journal
    from xvc.system.asset_files import Assets
    from xvc.tracking.null_journal import Unkept
    from xvc.tracking.options import Options
    from xvc.types import Row, RunId


class RunHandle(Protocol):
    """The run of a tracker, as its parts use it."""

    track_id: RunId
    _options: Options
    _params: dict[str, object]
    _root: Path
    _journal: Journal | Unkept
    _noted: set[tuple[str, str]]

    @property
    def assets(self) -> Assets:
        """The assets of the store."""

    def log(self, values: Row) -> dict[str, object]:
        """Write a row down; returns it whole."""
