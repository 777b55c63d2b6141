"""The Tracker: what training code holds. One line logs, any number of processes and threads.

Inside ``xvc run`` it joins that run; elsewhere it begins one of its own and ends it with the
process. A row that `Tracker.log` has returned survives a kill; `Tracker.flush` survives a power
cut. The one place in the library that reads the environment: a parent hands its run down there.
"""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Self

from xvc.core.plain import to_plain
from xvc.core.record import Kind
from xvc.core.run import Status
from xvc.errors import BadValue
from xvc.tracking.edits import Edits
from xvc.tracking.objects import Stored, keep_artifact
from xvc.tracking.opening import IN_MEMORY, open_run
from xvc.tracking.options import Options, StrPath
from xvc.types import Json, Row

if TYPE_CHECKING:
    from types import TracebackType

_RESERVED = ("meta", "runs", "environments", "folds", "columns", "edits", "assets")


class Tracker(Edits, Stored):
    """Logs rows of one run into one event table.

    Args:
        db: the store, a path; None is the project's, or the one of the run that this joins;
            `Tracker.IN_MEMORY` is one that goes when the tracker is closed.
        params: values added to every row from now on.
        table: the event table; any name but the store's own tables.
        cache: a folder; `track` and `wrap` then take results of equal calls from there.
        log_system_params: whether tracked functions record processor, memory and disk.
        log_network_params: whether they record bytes sent and received.
        measurement_interval: seconds between two looks at them.
        git_root: the folder whose repository the run belongs to; None is the current one.
        logs_path: a folder; every row goes into a log file there as well.
        logs_stdout: whether every row goes to standard output as well.
        jsonl: a file; every row goes there as one flat JSON line as well.
        raise_on_error: whether an exception of a tracked function goes on, once recorded.
        reset: whether what the table holds is deleted first.
        warnings: whether what could not be done is said through Python's warnings.
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

    IN_MEMORY = IN_MEMORY

    def __init__(
        self,
        db: str | os.PathLike[str] | None = None,
        params: Mapping[str, object] | None = None,
        *,
        table: str = "events",
        cache: StrPath | None = None,
        log_system_params: bool = False,
        log_network_params: bool = False,
        measurement_interval: float = 1.0,
        git_root: StrPath | None = None,
        logs_path: StrPath | None = None,
        logs_stdout: bool = False,
        jsonl: StrPath | None = None,
        raise_on_error: bool = True,
        reset: bool = False,
        warnings: bool = True,
        name: str | None = None,
        note: str | None = None,
    ) -> None:
        if not table or table.lower() in _RESERVED:
            raise BadValue("table", f"{table!r} is reserved; choose another name")
        self.table = table
        self._options = Options(
            cache=cache, log_system_params=log_system_params, log_network_params=log_network_params,
            measurement_interval=measurement_interval, git_root=git_root, logs_path=logs_path,
            logs_stdout=logs_stdout, jsonl=jsonl, raise_on_error=raise_on_error, reset=reset,
            warnings=warnings
        )  # fmt: skip
        self.latest: dict[str, object] = {}
        self._params: dict[str, object] = {}
        self._noted: set[tuple[str, str]] = set()
        opened = open_run(db, self._options, name, note)
        self.track_id, self._journal = opened.track_id, opened.journal
        self._store, self._root = opened.store, opened.root
        self._owns_run, self._passing = opened.owns_run, opened.passing
        self.warnings = opened.warnings
        self._finish_at_exit()
        if params:
            self.set_params(params)

    def _finish_at_exit(self) -> None:
        self._pid = os.getpid()
        atexit.register(self._at_exit)

    def log(self, values: Row) -> dict[str, object]:
        """Append one row and return it in full: with the params, ``track_id`` and ``timestamp``.

        The timestamp is in seconds since the epoch; frames and the store have it as a time.
        An object that no cell can hold, or an array of more than 1,024 elements, is pickled as an
        asset: the row has its digest, and `get` brings it back. Log the digest, a text, where the
        same object is meant again: that saves pickling it.

        Raises:
            BadValue: a key or value cannot be kept; nothing was written.
            AssetFailed: the disk refused an object; no row was written.
            JournalFailed: the disk refused; this row is not kept, all before are.
        """
        row = {**self._params, **values}
        try:
            row["timestamp"] = self._journal.row(self.track_id, self.table, row)
        except BadValue as err:  # dataclasses, models, arrays: what a row cannot hold as it is
            row = self._spread(row, err)
            row["timestamp"] = self._journal.row(self.track_id, self.table, row)
        row["track_id"] = self.track_id
        self.latest = row
        return row

    def _spread(self, row: Row, refused: BadValue) -> dict[str, object]:
        from xvc.tracking.values import spread  # late: most rows hold plain values

        return spread(self, row, refused)

    def log_artifact(self, path: StrPath, name: str | None = None) -> str:
        """Keep a file or a folder as an asset of the run and return its digest (sha256).

        Files are kept once by their bytes, in folders too. *name* is the path's last part unless
        given.

        Raises:
            BadValue: there is no such file or folder, or something in it is neither.
            AssetFailed: the disk refused.
        """
        return keep_artifact(self, path, name)

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

    def __repr__(self) -> str:
        return f"<Tracker run {self.track_id}, table {self.table}, store {self._store}>"


def _plain(params: Mapping[str, object]) -> Json:
    try:
        return {key: to_plain(value) for key, value in params.items()}
    except TypeError as err:
        raise BadValue("params", f"cannot keep a {err}") from err
