"""The Reader: every run's rows of one event table, while others write. Never makes anything."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from xvc.core.byte_text import as_path
from xvc.tracking.edits import Edits
from xvc.tracking.objects import Stored
from xvc.tracking.options import StrPath, check_engine
from xvc.types import RunId

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from pandas import DataFrame

    from xvc.project import Project


class Reader(Edits, Stored):
    """Reads the rows of all runs in one table.

    Args:
        db: the store, a path; None is the one of the project that the current folder is in.
        table: the event table.
        engine: "duckdb"; other names are taken with a warning, and make no difference.

    Raises:
        NoStore: nothing was ever logged there.
        NotAStore: *db* is a folder, or a file of another program.
        TooNew: a newer xvc wrote it.

    >>> import tempfile, os
    >>> from xvc import Tracker
    >>> db = os.path.join(tempfile.mkdtemp(), "t.duckdb")
    >>> with Tracker(db) as tracker:
    ...     row = tracker.log({"loss": 0.5})
    >>> Reader(db).values("loss")
    [0.5]
    """

    def __init__(
        self, db: StrPath | None = None, table: str = "events", *, engine: str = "duckdb"
    ) -> None:
        check_engine(engine)
        self.table = table
        project = _project_of(None if db is None else as_path(db).resolve())
        self._store, self._root = project.store_path, project.root
        need_store(project)

    @property
    def _own(self) -> RunId | None:
        return None

    def _project(self) -> Project:
        return _project_of(self._store)

    def _check(self, connection: DuckDBPyConnection) -> None:
        from xvc.store.extract import held_table, need_table

        if self.table == "default" and held_table(connection, "default") is None:
            self.table = "events"  # what other trackers call the table that nobody named
        need_table(connection, self.table)

    def latest(self) -> DataFrame:
        """Return the rows of the run that logged last, as a pandas frame, oldest first.

        Empty when no row was logged. `last` is the one row that was logged last.
        """
        return self.to_df(track_id=str(self.last.get("track_id", "")))

    @property
    def last(self) -> dict[str, object]:
        """The last row by its time, of whichever run: every key that it has a value for.

        ``timestamp`` is a time with zone. Empty when no row was logged.
        """
        from xvc.store.query import last_row

        with self._view() as connection:
            return last_row(connection, self.table)

    @classmethod
    def read_db(
        cls,
        db: StrPath | None = None,
        *,
        table: str = "events",
        track_id: str | None = None,
        head: int | None = None,
        tail: int | None = None,
        engine: str = "duckdb",
    ) -> DataFrame:
        """Return the rows of a store's table as a pandas frame; raises what Reader does."""
        check_engine(engine)
        return cls(db, table).to_df(track_id=track_id, head=head, tail=tail)

    @staticmethod
    def read_jsonl(path: StrPath) -> DataFrame:
        """Return what ``Tracker(jsonl=…)`` wrote as a pandas frame, in the order of the lines.

        Lines that are no rows (one torn by a full disk) are passed over, with a warning.

        Raises:
            NoStore: there is no such file.
        """
        from xvc.sinks.lines import read_lines
        from xvc.store.frames import from_rows

        return from_rows(read_lines(Path(path)))

    @staticmethod
    def read_logs(path: StrPath, limit: int | None = None) -> DataFrame:
        """Return the rows in a log file, or in every ``.log`` of a folder, as a pandas frame.

        Other lines are passed over. Rows come back as from `read_jsonl`.

        Args:
            path: the file or the folder.
            limit: of a folder only the last so many files by name, as days are called; None is all.

        Raises:
            NoStore: there is no such file or folder.
            BadValue: *limit* is below 0.
        """
        from xvc.sinks.lines import read_log
        from xvc.store.frames import from_rows

        return from_rows(read_log(Path(path), limit))

    @staticmethod
    def read_cache(cache: StrPath, key: str) -> dict[str, object]:
        """Return what a cache holds under a key: ``result``, and ``cache``, the run it is of.

        Unpickling runs code: read only what you or your team have stored.

        Raises:
            NoCache: there is no cache in the folder *cache*.
            NoEntry: it has no such key.
        """
        from xvc.tracking.caching import read_cache  # late: the cache is a door of its own

        return read_cache(cache, key)

    @staticmethod
    def scan_cache(cache: StrPath) -> Iterator[tuple[str, dict[str, object]]]:
        """Go through a cache: keys, and what `read_cache` returns for each; rotten ones are told.

        Raises:
            NoCache: there is no cache in the folder *cache*.
        """
        from xvc.tracking.caching import scan_cache  # late: the cache is a door of its own

        return scan_cache(cache)

    @staticmethod
    def delete_cache_by_track_id(cache: StrPath, track_id: str) -> int:
        """Delete the results that a run computed; returns how many.

        Raises:
            NoCache: there is no cache in the folder *cache*.
        """
        from xvc.tracking.caching import delete_cache_by_track_id  # late: as above

        return delete_cache_by_track_id(cache, track_id)

    def __repr__(self) -> str:
        return f"<Reader of table {self.table}, store {self._store}>"


def _project_of(store: Path | None) -> Project:
    """Find the project that a store is of: its own folder's, or one that it alone makes."""
    from xvc.project import Project  # late: loads yaml, and the package is imported for less

    if store is None:
        return Project.find(Path.cwd(), os.environ)
    return Project.of_store(store, os.environ)


def need_store(project: Project) -> None:
    """Refuse a place where nothing was ever logged.

    Raises:
        NoStore: it is such a place.
        NotAStore: what is there is something else.
    """
    from xvc.errors import NoStore
    from xvc.journal.reader import journals
    from xvc.store.path_check import refuse_other_files

    keeper = project.keeper
    is_empty = keeper.path.is_file() and keeper.path.stat().st_size == 0
    if keeper.path.exists() and not is_empty:
        refuse_other_files(keeper.path, keeper.room)
    elif not (journals(keeper.room.journals) or journals(keeper.room.folded) or keeper.pointer):
        raise NoStore(str(keeper.path))
