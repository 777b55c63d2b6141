"""One DuckDB for all the questions of a process: to start another costs 15 ms, to attach 2 ms.

Between two questions the store is detached, so that nobody waits for it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from xvc.store import db
from xvc.store.file_names import file_name
from xvc.store.schema import literal
from xvc.system.files import stand_somewhere
from xvc.system.standard_streams import make_real

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_idle: list[tuple[str, DuckDBPyConnection]] = []
"""The instance that no question uses, with the one file that it may attach; one at most."""

_warming: list[Thread] = []
"""The thread that starts it, one at most."""


@contextmanager
def reading_own(path: Path) -> Iterator[DuckDBPyConnection]:
    """Open a store for a question in xvc's own words, as `db.reading` does for one it knows.

    For SQL of a user's it is no place: that could detach the store and attach it for writing.

    Raises:
        StoreBusy: another program has it open for writing.
        StoreCorrupt: it does not open.
        StoreFailed: DuckDB refused a query.
    """
    make_real()
    stand_somewhere(path.parent)
    with db.mapped(path):
        name = file_name(path)
        instance = _taken(name)
        try:
            with instance.cursor() as connection:
                connection.execute(f"ATTACH {literal(name)} AS {db.NAME} (READ_ONLY)")
                connection.execute(f"USE {db.NAME}")
                db.refuse_newer(connection, path)
                yield connection
            instance.execute(f"DETACH {db.NAME}")
        except BaseException:
            instance.close()
            raise
    close_idle()
    _idle.append((name, instance))


def warm_up(path: Path) -> None:
    """Load DuckDB, and start it for a store that is there, while the caller waits for git.

    An interpreter that ends waits for it: taken away in the middle, the import crashes.
    """
    _warming[:] = [Thread(target=_warm_up, args=(path,))]
    _warming[0].start()


def _warm_up(path: Path) -> None:
    import_module("duckdb")
    with suppress(Exception):  # who asks says why it cannot be started
        if path.exists():
            _idle.append((file_name(path), db.started_for(file_name(path))))


def _taken(name: str) -> DuckDBPyConnection:
    """Take the idle instance if it may attach this file, else start one."""
    with suppress(IndexError):
        _warming.pop().join()
    with suppress(IndexError):  # another thread may be quicker
        own, instance = _idle.pop()
        if own == name:
            return instance
        instance.close()
    return db.started_for(name)


def close_idle() -> None:
    """Close the instance that no question uses."""
    with suppress(IndexError):
        while True:
            _idle.pop()[1].close()


os.register_at_fork(before=close_idle)  # its threads would be missing in the child
