"""The Tracker: what training code holds. One line logs, any number of processes and threads.

Inside ``xvc run`` it joins that run; elsewhere it begins one of its own and ends it with the
process. A row that `Tracker.log` has returned survives a kill; `Tracker.flush` survives a power
cut. The one place in the library that reads the environment: a parent hands its run down there.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, NoReturn, ParamSpec, Self, TypeVar, cast

from xvc.core.edit import Edit, facts_of_edit
from xvc.core.json_values import to_plain
from xvc.core.record import RecordKind
from xvc.core.run import Status
from xvc.errors import BadValue, XvcError
from xvc.journal.edit_builder import holds, labelling, saying
from xvc.journal.writer import Journal
from xvc.store.schema import check_table
from xvc.tracking.edits import Edits
from xvc.tracking.objects import Stored, keep_artifact
from xvc.tracking.opening import IN_MEMORY, Opened, WantedRun, commit_of, open_run
from xvc.tracking.options import (
    SKIP_INSERT,
    OptionAttributes,
    Options,
    StrPath,
    check_engine,
    check_status,
)
from xvc.tracking.requested_params import (
    AskedParams,
    asked_params,
    other_names,
    say_used,
    with_asked,
)
from xvc.types import Json, Row, RunId

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from xvc.core.cache_entry import Explanation
    from xvc.mirrors.live import Mirror
    from xvc.tracking.caching import Caching
    from xvc.tracking.endings import RunOutcome
    from xvc.tracking.streams import Streams

Sinks = Sequence[str] | Mapping[str, Mapping[str, object]]
"""Names of sinks, or their options by name."""

Params = Mapping[str, object] | object
"""Values by name: a mapping, a dataclass, a pydantic model or a Namespace."""

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


class Tracker(Edits, Stored, OptionAttributes):
    """Logs rows of one run into one event table.

    Within `xvc run` it joins that run, whose every process is looked at. Alone it knows the code
    of its own process only, not what that starts; what `params.yaml` says is then among the run's
    params whether or not the script has read it.

    Args:
        db: the store, a path; None is the project's, or the one of the run that this joins;
            `Tracker.IN_MEMORY` is one that goes when the tracker is closed; `Tracker.SKIP_INSERT`
            is none at all: rows go to the log and the JSONL file only.
        params: values added to every row from now on: a dict, a dataclass or a Namespace.
        table: the event table; any name but the store's own tables.
        cache: a folder; `track` and `wrap` then take results of equal calls from there. Equal is
            all code that the function reaches, its arguments by content, and the params. Not part
            of it: what lies behind a path, environment variables, the time, randomness, other
            programs and services, and what packages keep for all (seeds, precision, options).
            Whatever of that decides the result goes into ``depends=``, or is an argument:
            `xvc.File` for a file. An object is what it pickles.
        log_system_params: whether tracked functions record processor, memory and disk.
        log_network_params: whether they record bytes sent and received.
        measurement_interval: seconds between two looks at them.
        git_root: the folder whose repository the run belongs to, and whose commit every row has
            as ``git_commit_hash``; None is the current one, and rows have none.
        logs_path: a folder; every row goes into a log file there as well, one file a day.
        logs_stdout: whether every row goes to standard output as well.
        logs_file_format: what the log files are called, ``{time:YYYY-MM-DD}.log`` unless given;
            `Reader.read_logs` reads those that end in ``.log``.
        jsonl: a file; every row goes there as one flat JSON line as well.
        raise_on_error: whether an exception of a tracked function goes on, once recorded.
        reset: whether what the table holds is deleted first.
        warnings: whether what could not be done is said through Python's warnings.
        name: what to call the run, when it begins one.
        note: a line about it, when it begins one.
        run: with ``resume=True`` the id or name of a run to go on with, from any process. Of a
            name that no run has yet, one is begun.
        resume: whether to go on with *run*. While the process that began it lives, that one ends
            it; else this tracker does.
        config: another name for *params*, which go over it where both are given.
        engine: "duckdb"; other names are taken with a warning, and make no difference.
        compress: True is taken with a warning, too: DuckDB compresses.
        nested: whether to begin a run of its own inside `xvc run`, as a child of that run.
        track_id: the id of the run, from `Tracker.generate_track_id`; a run of that id is gone on
            with.
        sinks: other trackers that get the numbers and params, too: ``["mlflow"]``, or options by
            name, ``{"jsonl": {"path": "rows.jsonl"}}``. A thread sends them; one that fails or is
            not installed costs a warning, and `xvc mirror --resume` sends what it has missed.

    Raises:
        BadValue: *table* is reserved; *run* without *resume*, or the reverse; *track_id* is no
            id of a run.
        NoRun: *run* is the id of none.
        NotAStore: *db* is a folder, or a file of another program.
        JournalFailed: nothing can be written.

    >>> import tempfile, os
    >>> tracker = Tracker(os.path.join(tempfile.mkdtemp(), "t.duckdb"), params={"lr": 0.1})
    >>> tracker.log({"loss": 0.5})["lr"]
    0.1
    >>> tracker.close()
    """

    IN_MEMORY = IN_MEMORY
    SKIP_INSERT = SKIP_INSERT

    latest: dict[str, object]
    _params: dict[str, object]

    def __init__(
        self,
        db: str | os.PathLike[str] | None = None,
        params: Params | None = None,
        *,
        table: str = "events",
        cache: StrPath | None = None,
        log_system_params: bool = False,
        log_network_params: bool = False,
        measurement_interval: float = 1.0,
        git_root: StrPath | None = None,
        logs_path: StrPath | None = None,
        logs_stdout: bool = False,
        logs_file_format: str | None = None,
        jsonl: StrPath | None = None,
        raise_on_error: bool = True,
        reset: bool = False,
        warnings: bool = True,
        name: str | None = None,
        note: str | None = None,
        config: Params | None = None,
        run: str | None = None,
        resume: bool = False,
        engine: str = "duckdb",
        compress: bool = False,
        nested: bool = False,
        track_id: str | None = None,
        sinks: Sinks | None = None,
    ) -> None:
        check_engine(engine, compress=compress)
        if db is not None and not isinstance(db, str | os.PathLike):
            raise BadValue(
                "db",
                f"the file of a store, as 'results.duckdb', not one {type(db).__name__}; params "
                "have a name, as Tracker(params={'lr': 0.1})",
            )
        self.table = check_table(table)
        self._options = Options(
            cache=cache,
            log_system_params=log_system_params,
            log_network_params=log_network_params,
            measurement_interval=measurement_interval,
            git_root=git_root,
            logs_path=logs_path,
            logs_stdout=logs_stdout,
            logs_file_format=logs_file_format,
            jsonl=jsonl,
            raise_on_error=raise_on_error,
            reset=reset,
            warnings=warnings,
            sinks=_asked(sinks),
        )
        wanted = WantedRun(
            name=name, note=note, nested=nested, run=run, resume=resume, track_id=track_id
        )
        self._enter(open_run(db, self._options, wanted))
        if reset:
            self._record(Edit(RecordKind.DELETE, table))
        for given in (config, params):
            if given is not None:
                self.set_params(given)

    def _enter(self, opened: Opened) -> None:
        self.latest, self._params = {}, {}
        self._context, self._asked = opened.context, asked_params(opened.context)
        self._other_names = other_names(self._asked)
        self._noted: set[tuple[str, str]] = set()
        self._track_id, self._journal = opened.track_id, opened.journal
        self._store, self._root = opened.store, opened.root
        self._owns_run, self._passing = opened.owns_run, opened.passing
        self._at_end, self._exit_code = opened.at_end, opened.exit_code
        self._unheld = opened.unheld
        self.warnings, self._streams = opened.warnings, self._open_streams()
        self._mirrors = self._begin_mirrors(opened)
        if self._options.git_root is not None:
            self._params |= commit_of(self._options.folder)
        self._pid = os.getpid()
        if self._owns_run:
            from xvc.tracking.endings import endings  # late: a run that is joined has its own end

            endings().add(self, opened.last_words)

    def _open_streams(self) -> Streams | None:
        wanted = (self._options.logs_path, self._options.jsonl, self._options.logs_stdout)
        if wanted == (None, None, False):
            return None
        from xvc.tracking.streams import Streams  # late: loguru, for those who asked for a log

        return Streams(self._options, self.track_id)

    def _begin_mirrors(self, opened: Opened) -> Sequence[Mirror]:
        if not self._options.sinks or opened.room is None or not isinstance(self._journal, Journal):
            return ()
        from xvc.mirrors.live import begin_mirrors  # late: for those who asked for a sink

        return begin_mirrors(
            opened.room,
            self._journal.path,
            (self.track_id, opened.name, opened.root.name),
            self._options.sinks,
            self._say_later,
        )

    def _say_later(self, words: str) -> None:
        """Warn from a thread: of no line of the user's code."""
        if self._options.warnings and sys is not None and sys.stderr is not None:
            sys.stderr.write(f"xvc: {words}\n")

    @property
    def logger(self) -> Streams:
        """Writes to the log: ``monitor`` and ``experiment`` rows, ``info`` and so on messages.

        Without ``logs_path=``, ``logs_stdout=`` or ``jsonl=`` it takes the same and writes nothing.
        """
        if self._streams is not None:
            return self._streams
        from xvc.tracking.streams import Streams  # late: as above

        return Streams(self._options, self.track_id)

    @staticmethod
    def generate_track_id() -> str:
        """Make an id for a run, as ``track_id=`` and the attribute `track_id` take it."""
        from xvc.core.ids import run_id

        return run_id(os.urandom(8))

    @property
    def track_id(self) -> RunId:
        """The id of the run. Setting it ends this run and begins another, or goes on with one.

        The params go along; a run that is joined, or whose process goes on elsewhere, is not
        ended. Inside `xvc run` the other one is its child.

        Raises:
            BadValue: it is no id of a run; `generate_track_id` makes one.
            JournalFailed: nothing can be written.
        """
        return self._track_id

    @track_id.setter
    def track_id(self, run: str) -> None:
        if run == self._track_id:
            return
        wanted, params = WantedRun(track_id=run), dict(self._params)
        passing, self._passing = self._passing, None  # a store in memory stays
        self.close()
        self._enter(open_run(self._store, self._options, wanted))
        self._passing = passing or self._passing
        self.set_params(params)

    def log(
        self, values: Row | None = None, *, step: int | None = None, **more: object
    ) -> dict[str, object]:
        """Append one row and return it in full: with the params, ``track_id`` and ``timestamp``.

        The timestamp is in seconds since the epoch; frames and the store have it as a time.
        An object that no cell can hold, or an array of more than 1,024 elements, is pickled as an
        asset: the row has its digest, and `get` brings it back. Log the digest, a text, where the
        same object is meant again: that saves pickling it. Keys of dicts that are no text become
        text, as JSON writes them; a duration is its seconds, a missing value of pandas None.
        The numbers in a dict are metrics by their path: ``{"val": {"acc": 0.9}}`` is ``val.acc``.

        Args:
            values: values by key.
            step: a value for the key ``step``.
            more: further values by key, ``log(loss=0.5)``.

        Raises:
            BadValue: a key or value cannot be kept, and the row was written without it; or *values*
                is no mapping, and there is no row.
            AssetFailed: the disk refused an object; the row was written without it.
            JournalFailed: the disk refused; this row is not kept, all before are.
        """
        if step is not None:
            more["step"] = step
        try:
            given = {} if values is None else values  # a pandas Series has no truth
            row = {**self._params, **given, **more}
        except TypeError as err:
            raise _no_row("log", values) from err
        try:
            row["timestamp"] = self._journal.row(self._track_id, self.table, row)
        except BadValue:  # dataclasses, models, arrays: what a row cannot hold as it is
            row, refused = self._log_what_fits(row)
            if refused is not None:
                raise refused from None
            return row
        row["track_id"] = self._track_id
        self.latest = row
        if self._streams:
            self._streams.row(row)
        return row

    def _log_what_fits(
        self, values: Row, instead: Callable[[object], str] | None = None
    ) -> tuple[dict[str, object], XvcError | None]:
        from xvc.tracking.values import fitting  # late: most rows hold plain values

        row, refused = fitting(self, values, instead)
        if row or refused is None:
            self._append(row)
        return row, refused

    def _append(self, row: dict[str, object]) -> None:
        """Append a row, as `log` does without a call."""
        row["timestamp"] = self._journal.row(self._track_id, self.table, row)
        row["track_id"] = self._track_id
        self.latest = row
        if self._streams:
            self._streams.row(row)

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

    def track(
        self,
        func: Callable[..., _Result],
        args: Sequence[object] | None = None,
        kwargs: Mapping[str, object] | None = None,
        params: Mapping[str, object] | None = None,
        *,
        depends: object = None,
        cache_force: bool = False,
    ) -> _Result:
        """Call *func* and log the call as one row; returns what the function returns.

        The row has ``function_name``, ``args`` and ``kwargs`` as text (1,000 characters, secrets
        masked), ``error``, ``function_time`` in seconds and ``function_result``; a dict is its
        own columns instead, and a dataclass or pydantic model among the arguments is one column
        a field, ``config_lr``. An exception is recorded with its ``traceback`` and goes on; with
        ``raise_on_error=False`` it does not, and the answer is None. Coroutines are recorded when
        they end; generators when they are exhausted or closed, with ``function_items``.

        Args:
            func: anything that can be called.
            args: its positional arguments. A mapping here is *params*, and what follows are *args*
                and *kwargs*: the order of xetrack.
            kwargs: its keyword arguments.
            params: values for this row, over those of the tracker.
            depends: with a cache, what else decides the result and is no argument: files as
                `xvc.File`, environment variables, a day, a client's settings. A function is
                called, and what it returns counts.
            cache_force: with a cache, whether to call the function even where the result is
                there; what it returns takes that one's place.

        Raises:
            BadValue: *func* cannot be called; *args* is no list or tuple; *params* has a key that
                is no text.

        >>> import tempfile, os
        >>> tracker = Tracker(os.path.join(tempfile.mkdtemp(), "t.duckdb"))
        >>> tracker.track(max, [3, 5]), tracker.latest["args"]
        (5, '[3, 5]')
        >>> tracker.close()
        """
        from xvc.tracking.functions import track  # late: who only logs never needs it

        found = track(self, func, args, kwargs, params, depends, computes=cache_force)
        return cast("_Result", found)

    def wrap(
        self, params: Mapping[str, object] | None = None, *, depends: object = None
    ) -> Callable[[Callable[_Arguments, _Result]], Callable[_Arguments, _Result]]:
        """Decorate a function, so that `track` records every call of it.

        Functions and methods of every kind keep their kind: ``async def`` and generators, too.

        Args:
            params: values for each of its rows, over those of the tracker.
            depends: as of `track`; a function is called at each call.

        Raises:
            BadValue: what is decorated cannot be called; *params* has a key that is no text.
        """
        from xvc.tracking.functions import wrap  # late: who only logs never needs it

        def decorate(
            function: Callable[_Arguments, _Result],
        ) -> Callable[_Arguments, _Result]:
            return cast("Callable[_Arguments, _Result]", wrap(self, function, params, depends))

        return decorate

    def set_params(self, params: Params) -> None:
        """Add values to every later row, and to the run's params: whatever `log` takes.

        Secrets among them are masked, by their names and by what they look like.

        Raises:
            BadValue: a key or value cannot be kept; the others are.
            AssetFailed: the disk refused an object; the other values are kept.
            JournalFailed: the disk refused.
        """
        said, refused = self._say_params(params)
        self._params |= said
        if refused is not None:
            raise refused

    def _say_params(self, params: Params) -> tuple[dict[str, object], XvcError | None]:
        """Add to the run's params alone; return what could be kept of them, and what could not."""
        from xvc.core.secrets import mask_values  # late, as below
        from xvc.tracking.values import fitting, named  # late: joining a run needs them not

        said, refused = fitting(self, named(params))
        plain = with_asked(cast("dict[str, Json]", to_plain(said)), self._other_names)
        self._journal.note(RecordKind.PARAMS, self.track_id, plain)
        if self._context is not None and self._context.asked:
            say_used(self._context, plain)
        return mask_values(said), refused

    def set_param(self, key: str, value: object) -> None:
        """Add one value to every later row, and to the run's params."""
        self.set_params({key: value})

    def _record(self, edit: Edit) -> None:
        self._journal.note(edit.kind, None, facts_of_edit(edit))

    def _follow(self, edit: Edit, value: object) -> None:
        if self.latest and edit.run in (None, self.track_id) and holds(edit.where, self.latest):
            self.latest = {**self.latest, str(edit.key): value}

    @property
    def params(self) -> dict[str, object]:
        """The params of the run: what a sweep or ``xvc run -P`` asks for over those that were set.

        So ``Tracker(params={"lr": 0.1}).params["lr"]`` makes any script one that can be swept. A
        value that was asked for is the run's once the script has read it here, and added to every
        later row; until then the run has what the script has set.
        """
        if not self._asked:
            return dict(self._params)
        return AskedParams(self._params, self._asked, self._take_asked)

    def _take_asked(self, key: str) -> None:
        if key in self._asked:
            self.set_param(key, self._asked.pop(key))

    @cached_property
    def _caching(self) -> Caching:
        from xvc.tracking.caching import Caching  # late: loads diskcache, for cached calls only

        return Caching(self._options.cache, speaks=self._options.warnings)

    def _generate_cache_key(
        self,
        function: Callable[..., object],
        args: Sequence[object],
        kwargs: Mapping[str, object],
        params: Mapping[str, object],
    ) -> str | None:
        """The key of a call, as `Reader.read_cache` takes it; None when it cannot be keyed."""
        return self._caching.key(function, args, kwargs, {**self._params, **params})

    def explain(
        self,
        function: Callable[..., object],
        args: Sequence[object] = (),
        kwargs: Mapping[str, object] | None = None,
        params: Mapping[str, object] | None = None,
        *,
        depends: object = None,
    ) -> Explanation:
        """Say whether a call is in the cache, or how it differs from the nearest that is.

        Raises:
            Unkeyable: an argument, or something that the function reaches, can be neither
                followed nor told by its content.
            TypeError: the arguments are none of the function's.
        """
        from xvc.tracking.calls import depending  # late: who only logs never needs it

        merged = {**self._params, **(params or {})}
        if depends is not None:
            merged |= depending(depends)
        return self._caching.explain(function, args, kwargs or {}, merged)

    def summary(self, ways: Mapping[str, str] | None = None, **more: str) -> None:
        """Say which value of a metric is the run's: ``summary(acc="best", loss="min")``.

        ``last`` unless said otherwise; ``best``, ``min`` and ``max`` look at all rows of the run,
        those before this call too. It is what `xvc show`, `xvc ls`, ``best:`` and `xvc compare`
        have. The setting ``metrics.summary`` says so for every run.

        Raises:
            BadValue: a way is none of these, or nobody knows which value of a metric is best.
        """
        from xvc.core.summary import settled  # late: few scripts say so
        from xvc.recording.begin_run import summary_facts

        wanted = {**(ways or {}), **more}
        is_asked = "best" in wanted.values()
        declared = self._project().settings.metrics_direction if is_asked else {}
        facts = summary_facts(self._track_id, settled(wanted, declared))
        self._journal.note(RecordKind.ENVIRONMENT, self._track_id, facts)

    def note(
        self, text: str | None = None, *, name: str | None = None, labels: Iterable[str] = ()
    ) -> None:
        """Say something of the run: a line about it, its name, more labels; the last text counts.

        What ``xvc note`` said of it before is replaced, too. An empty text takes the line back.

        Raises:
            BadValue: a text cannot be kept, or a label has a comma.
            JournalFailed: the disk refused.
        """
        texts = {"note": text, "name": name}
        made = [saying(self.track_id, key, said) for key, said in texts.items() if said is not None]
        for edit in (*made, *(labelling(self.track_id, label) for label in labels)):
            self._record(edit)

    def reclassify(self, status: str) -> None:
        """Change what is on record of how the run ended, also after `close`.

        Raises:
            BadValue: there is no such status.
            JournalFailed: nothing can be written.
        """
        check_status(status)
        self._journal.note(RecordKind.SET, self.track_id, {"status": status})

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
        check_status(status)
        is_own = os.getpid() == self._pid  # in a forked child the run is its parent's
        if self._owns_run and is_own:
            from time import time_ns

            facts: dict[str, object] = {"status": status, "reason": reason, "finished": time_ns()}
            if unheld := self._unheld():
                facts["unheld"] = unheld
            self._journal.note(RecordKind.END, self.track_id, to_plain(facts))
            self._owns_run = False
            self._journal.close()
            self._close_mirrors(status)
            self._at_end()
        else:
            self._close_mirrors("")
        self._journal.close()
        caching = self.__dict__.pop("_caching", None)
        if caching is not None:
            caching.close()
        if self._passing is not None and is_own:
            from shutil import rmtree

            rmtree(self._passing, ignore_errors=True)

    def _close_mirrors(self, status: str) -> None:
        mirrors, self._mirrors = self._mirrors, ()
        for mirror in mirrors:
            mirror.close(status)

    @property
    def written(self) -> int:
        """How many records this process has written for the run."""
        return self._journal.written

    @property
    def journal_path(self) -> Path | None:
        """The file that this process writes for the run; None where it writes none."""
        return self._journal.path if isinstance(self._journal, Journal) else None

    @property
    def is_open(self) -> bool:
        """Whether the run is this tracker's own and has not ended."""
        return self._owns_run

    def end(self, outcome: RunOutcome) -> None:
        """End the run as it ended; no error is raised, for nothing is left that could handle one.

        Called when the process ends or the tracker is dropped: use `close` yourself.
        """
        if outcome.is_guess and self._owns_run and self._exit_code is not None:
            from xvc.system.exit_code import leave_exit_code  # late: loads ctypes

            leave_exit_code(self._exit_code)
        try:
            self.close(outcome.status.value, outcome.reason)
        except Exception as err:  # noqa: BLE001 - there is no caller
            if sys.stderr is not None:
                sys.stderr.write(f"xvc: the end of run {self.track_id} is not on record: {err}\n")

    def __del__(self) -> None:
        if self.__dict__.get("_owns_run") and os.getpid() == self._pid and sys is not None:
            from xvc.tracking.endings import endings

            endings().drop(self, sys._getframe().f_back)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        from xvc.tracking.endings import outcome_of

        outcome = outcome_of(error)
        self.close(outcome.status.value, outcome.reason)

    def finish(self) -> None:
        """End the run well: another name for `close`."""
        self.close()

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied: a file is written by one tracker of one process.

        Raises:
            BadValue: always; it says what to do instead.
        """
        way = "make a Tracker where the rows are logged; within `xvc run` it joins the same run"
        raise BadValue("tracker", f"it cannot be pickled or copied; {way}")

    def __repr__(self) -> str:
        return f"<Tracker run {self.track_id}, table {self.table}, store {self._store}>"


def _no_row(called: str, values: object) -> BadValue:
    shape = f"values by key, as {called}({{'loss': 0.5}}) or {called}(loss=0.5)"
    return BadValue(called, f"{shape}, not one {type(values).__name__}")


def _asked(sinks: Sinks | None) -> dict[str, dict[str, object]]:
    if not sinks:
        return {}
    from xvc.mirrors.ledger import asked_sinks  # late: for those who asked for a sink

    return asked_sinks(sinks)
