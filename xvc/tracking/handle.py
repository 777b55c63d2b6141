"""What the parts of a tracker see of it: the run, where it is written, and what was asked for.

Values only: the Tracker has these attributes, and no part needs to import it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from xvc.errors import XvcError
    from xvc.journal.writer import Journal
    from xvc.system.asset_files import Assets
    from xvc.tracking.null_journal import Unkept
    from xvc.tracking.options import Options
    from xvc.types import Row, RunId


class RunHandle(Protocol):
    """The run of a tracker, as its parts use it."""

    track_id: RunId
    table: str
    _options: Options
    _params: dict[str, object]
    _root: Path
    _journal: Journal | Unkept
    _noted: set[tuple[str, str]]

    @property
    def assets(self) -> Assets:
        """The assets of the store."""

    def _append(self, row: dict[str, object]) -> None:
        """Write a row down as it is."""

    def _log_what_fits(
        self, values: Row, instead: Callable[[object], str] | None = None
    ) -> tuple[dict[str, object], XvcError | None]:
        """Write down what can be kept of a row; returns it, and the error that names the rest."""
