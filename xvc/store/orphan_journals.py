"""Reading journals that no store has folded: those of removed work trees.

They are folded into a temporary store, which is deleted afterwards; the journals are not changed.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from xvc.store import db
from xvc.store.fold import fold

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@contextmanager
def opened_journals(journals: Sequence[Path]) -> Iterator[DuckDBPyConnection]:
    """Open what these journals hold, for reading.

    Raises:
        StoreFailed: DuckDB refused a query.
    """
    folder = Path(tempfile.mkdtemp(prefix="xvc-apart-"))
    try:
        store = folder / "apart.duckdb"
        fold_into(store, journals, folder)
        with db.reading(store) as connection:
            yield connection
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def fold_into(store: Path, journals: Sequence[Path], scratch: Path) -> None:
    """Make a store, where there is no file yet, of what these journals hold.

    Raises:
        StoreFailed: DuckDB refused.
    """
    db.create(store)
    with db.writing(store, scratch, *{path.parent for path in journals}) as connection:
        fold(connection, journals, scratch)
