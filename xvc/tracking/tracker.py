"""The Tracker: what training code holds. One line logs, any number of processes and threads.

Inside ``xvc run`` it joins that run; elsewhere it begins one of its own and ends it with the
process. A row that `Tracker.log` has returned survives a kill; `Tracker.flush` survives a power
cut. The one place in the library that reads the environment: a parent hands its run down there.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Self

from xvc.core.context import VARIABLE, RunContext
from xvc.core.plain import to_plain
from xvc.core.record import Kind
from xvc.core.run import Status
from xvc.errors import BadValue
from xvc.journal.writer import Journal
from xvc.types import Json, Row, RunId

if TYPE_CHECKING:
    from types import TracebackType

    from pandas import DataFrame

    from xvc.store.keeper import Keeper

_RESERVED = ("meta", "runs", "environments", "folds", "columns")


class Tracker:
    """Logs rows of one run into one event table.

    Args:
        db: the store, a path; None is the project's, or the one of the run that this joins;
            `Tracker.IN_MEMORY` is one that goes when the tracker is closed.
        params: values added to every row from now on.
        table: the event table; any name but the store's own tables.
        name: what to call the run, when it begins one.
        note: a line about it, when it begins one.

    Raises:
        BadValue: *table* is reserved.
        JournalFailed: nothing can be written.

    >>> import tempfile, os
    >>> tracker = Tracker(os.path.join(tempfile.mkdtemp(), "t.duckdb"), params={"lr": 0.1})
    >>> tracker.log({"loss": 0.5})["lr"]
    0.1
    >>> tracker.close()
    """

    IN_MEMORY = ":memory:"

    def __init__(
        self,
        db: str | os.PathLike[str] | None = None,
        params: Mapping[str, object] | None = None,
        *,
        table: str = "events",
        name: str | None = None,
        note: str | None = None,
    ) -> None:
        if not table or table.lower() in _RESERVED:
            raise BadValue("table", f"{table!r} is reserved; choose another name")
        self.table = table
        self.latest: dict[str, object] = {}
        self._params: dict[str, object] = {}
        self._owns_run = False
        self._passing: TemporaryDirectory[str] | None = None
        self.warnings: tuple[str, ...] = ()
        context = RunContext.decode(os.environ.get(VARIABLE, ""))
        if context is not None and (db is None or Path(db).resolve() == Path(context.store)):
            self._join(context)
        else:
            self._begin(db, name, note, context)
        if params:
            self.set_params(params)

    def _join(self, context: RunContext) -> None:
        from xvc.adapters.owner import current_owner  # late: only where a run is joined

        self.track_id: RunId = context.run
        self._store, self._root = Path(context.store), Path(context.root)
        facts = {"owner": str(current_owner()), "store": context.store}
        self._journal = Journal(context.folder, facts, sync_seconds=context.sync_seconds)
        self._finish_at_exit()

    def _begin(
        self,
        db: str | os.PathLike[str] | None,
        name: str | None,
        note: str | None,
        context: RunContext | None,
    ) -> None:
        from xvc.adapters.files import add_line
        from xvc.beginning import begin  # late: loads yaml and asks git, which joining needs not
        from xvc.project import Project

        if db == self.IN_MEMORY:
            self._passing = TemporaryDirectory(prefix="xvc-memory-")
            db = Path(self._passing.name) / "memory.duckdb"
        project = Project.find(Path.cwd(), os.environ)
        if db is not None and Path(db).resolve() != project.store_path:
            project = Project.find(Path.cwd(), os.environ, {"database": str(Path(db).resolve())})
        begun = begin(
            project,
            sys.argv,
            folder=Path.cwd(),
            params={},
            name=name,
            note=note,
            parent=context.run if context else None,
        )
        self.track_id = begun.record.id
        self.warnings = tuple(begun.warnings)
        self._store, self._root = project.store_path, project.root
        self._journal = begun.journal
        self._owns_run = True
        if project.room.folder.parent == self._store.parent:
            with contextlib.suppress(OSError):  # journals beside a store are no code of anyone's
                add_line(project.room.folder / ".gitignore", "*")
        if begun.snapshot is not None:
            begun.snapshot.index.unlink(missing_ok=True)
        self._finish_at_exit()

    def _finish_at_exit(self) -> None:
        self._pid = os.getpid()
        atexit.register(self._at_exit)

    def log(self, values: Row) -> dict[str, object]:
        """Append one row and return it in full: with the params, ``track_id`` and ``timestamp``.

        The timestamp is in seconds since the epoch; frames and the store have it as a time.

        Raises:
            BadValue: a key or value cannot be kept; nothing was written.
            JournalFailed: the disk refused; this row is not kept, all before are.
        """
        row = {**self._params, **values}
        at = self._journal.row(self.track_id, self.table, row)
        row["timestamp"] = at
        row["track_id"] = self.track_id
        self.latest = row
        return row

    def log_batch(self, rows: Iterable[Row]) -> list[dict[str, object]]:
        """Log several rows; returns them in full."""
        return [self.log(row) for row in rows]

    def set_params(self, params: Mapping[str, object]) -> None:
        """Add values to every later row, and to the run's params."""
        self._journal.note(Kind.PARAMS, self.track_id, _plain(params))
        self._params |= params

    def set_param(self, key: str, value: object) -> None:
        """Add one value to every later row, and to the run's params."""
        self.set_params({key: value})

    @property
    def params(self) -> dict[str, object]:
        """The values that are added to every row."""
        return dict(self._params)

    def note(self, text: str) -> None:
        """Write a line about the run; the last one counts."""
        self._journal.note(Kind.SET, self.track_id, {"note": text})

    def flush(self) -> None:
        """Put every row on the disk.

        Raises:
            JournalFailed: the disk refused.
        """
        self._journal.flush()

    def close(self, status: str = Status.FINISHED.value, reason: str | None = None) -> None:
        """End the run, if it is this tracker's own, and put everything on the disk.

        Raises:
            BadValue: there is no such status.
            JournalFailed: the disk refused.
        """
        if status not in set(Status):
            raise BadValue("status", f"{status!r} is none of {', '.join(sorted(set(Status)))}")
        if self._owns_run:
            from time import time_ns

            facts = {"status": status, "reason": reason, "finished": time_ns()}
            self._journal.note(Kind.END, self.track_id, to_plain(facts))
            self._owns_run = False
        self._journal.close()
        if self._passing is not None:
            self._passing.cleanup()

    def _at_exit(self) -> None:
        if os.getpid() != self._pid:
            return  # a forked child: the run is its parent's
        self._end(getattr(sys, "last_value", None))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end(error)

    def _end(self, error: BaseException | None) -> None:
        if error is None:
            self.close()
            return
        status = Status.INTERRUPTED if isinstance(error, KeyboardInterrupt) else Status.FAILED
        self.close(status.value, f"{type(error).__name__}: {error}".removesuffix(": "))

    @property
    def _keeper(self) -> Keeper:
        from xvc.project import Project  # late: reading is not what logging should pay for

        project = Project.find(self._root, os.environ)
        if project.store_path != self._store:
            project = Project.find(self._root, os.environ, {"database": str(self._store)})
        return project.keeper

    def to_df(self, *, all: bool = False) -> DataFrame:  # noqa: A002 - the word users know
        """Return the rows of this run, or of all runs, as a pandas frame, oldest first."""
        from xvc.frame import to_pandas
        from xvc.store.query import selection

        with self._keeper.view() as connection:
            question = selection(connection, self.table, None if all else self.track_id)
            return to_pandas(connection, *question)

    def __bool__(self) -> bool:
        """True: a tracker without rows is a tracker."""
        return True

    def __len__(self) -> int:
        """How many rows this run has in the table."""
        from xvc.store.query import rows_of

        with self._keeper.view() as connection:
            return rows_of(connection, self.table, self.track_id)

    def __getitem__(self, key: str) -> list[object]:
        """The values of one key in this run's rows, oldest first; None where a row lacks it.

        Raises:
            KeyError: no row has the key.
        """
        from xvc.store.query import values_of

        with self._keeper.view() as connection:
            return values_of(connection, self.table, self.track_id, key)

    def __repr__(self) -> str:
        return f"<Tracker run {self.track_id}, table {self.table}, store {self._store}>"


def _plain(params: Mapping[str, object]) -> Json:
    try:
        return {key: to_plain(value) for key, value in params.items()}
    except TypeError as err:
        raise BadValue("params", f"cannot keep a {err}") from err
