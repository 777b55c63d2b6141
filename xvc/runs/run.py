"""Running a command as a run: begun before it starts, ended whatever happens.

The child's exit code is the answer even when tracking failed; what failed is a warning.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from xvc.core.model import ModelFile
from xvc.core.record import Kind
from xvc.core.run import DataFile, RunRecord, Status
from xvc.core.run_context import VARIABLE, RunContext
from xvc.core.typed import Typed, is_equal
from xvc.core.version import Bump
from xvc.errors import BadValue, JournalFailed, NoCommand, XvcError
from xvc.project import Project
from xvc.recording.asked_params import Asked, differences, unused, variable_of
from xvc.recording.begin_run import Begun, begin, metrics_files, params_files
from xvc.recording.command_params import option_values
from xvc.recording.param_files import copy_with, placed, refuse_beside_files, set_in_files
from xvc.recovery.recover import mend
from xvc.runs.capture import LineMetrics
from xvc.store.db import warm_up
from xvc.system.output_log import OutputLog
from xvc.system.process import Ending, Ladder, Launch
from xvc.system.process import run as run_process
from xvc.system.value_files import parse_typed, read_values
from xvc.types import Json, Nanoseconds, Row, RunId

if TYPE_CHECKING:
    from xvc.versions.tag import Tagged

_TABLE = "events"


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What ``xvc run`` was asked for; ``timeout`` in seconds.

    Without ``fold`` what was recorded stays in its journal, for the next command that reads.
    ``write_params`` is for a copy of the params file, ``edit_params`` sets params in the files that
    say them; of ``must_use`` the run fails when nothing takes one of them up.
    """

    command: tuple[str, ...]
    folder: Path
    params: Mapping[str, Typed] = field(default_factory=dict)
    name: str | None = None
    note: str | None = None
    outs: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    capture: bool = False
    write_params: bool = False
    edit_params: bool = False
    must_use: tuple[str, ...] = ()
    timeout: float | None = None
    tag: Bump | None = None
    fold: bool = True


@dataclass(frozen=True, slots=True)
class Ran:
    """A run that has ended, the version it got, and what went wrong beside it."""

    record: RunRecord
    exit_code: int
    tagged: Tagged | None = None
    warnings: tuple[str, ...] = ()


def run(project: Project, request: RunRequest, sink: Callable[[int, bytes], None]) -> Ran:
    """Run a command and keep it.

    Args:
        project: where.
        request: what.
        sink: gets every piece of output, with 1 or 2, as it comes.

    Raises:
        NoCommand: it cannot be started; the run is kept as failed.
        BadSetting: the settings cannot be read; nothing was started.
        BadValue: a declared output lies outside the project, a model has no name, or a params
            file cannot be changed or copied.
        ParamInFile: a param was asked for that a params file says otherwise.
    """
    models = _parsed(request)
    request = replace(request, outs=_places(project, request))
    asked, values = _settled(project, request)
    if request.fold:
        warm_up()  # DuckDB loads while git and the command work
    mend(project)
    try:
        begun = _begun(project, request, values)
    except JournalFailed as err:
        return _unrecorded(project, request, sink, err)
    stale = {path: _stamp(path) for path in metrics_files(project)}
    recorder = _Recorder(project, begun, request, sink)
    try:
        ending = run_process(_launch(project, request, begun, asked), sink=recorder.take)
    except (NoCommand, BadValue) as err:
        asked.forget()
        _end_unstarted(project, begun, err)
        raise
    recorder.close()
    begun.warnings += asked.warnings
    ignored = ""
    with _forgiving(begun.warnings):
        ignored = _look_who_used(project, request, asked, ending, begun.warnings)
    with _forgiving(begun.warnings):
        _read_metrics(stale, recorder)
    kept: dict[str, DataFile] = {}
    with _forgiving(begun.warnings):
        kept = _models(project, begun, models, ending)
    with _forgiving(begun.warnings):
        outs = _outs(project, request, begun.warnings) | kept
        _end(project, begun, ending, outs, ignored)
    record = _finished(begun.record, recorder, ending, ignored)
    with _forgiving(begun.warnings):
        if request.fold:
            project.keeper.refresh()
            begun.warnings += project.keeper.warnings
    with _forgiving(begun.warnings):
        if kept:
            from xvc.models.add import land_models  # late: most runs leave no model

            land_models(project, record.id, kept)
    tagged = _tagged(project, request, record, begun.warnings)
    return Ran(record, ending.shell_code, tagged, tuple(begun.warnings))


def _settled(project: Project, request: RunRequest) -> tuple[Asked, dict[str, Json]]:
    """Bring what was asked for to where the command reads it; returns the values to be recorded."""
    wanted = request.params
    values = {key: typed.value for key, typed in wanted.items()}
    place = project.room.scratch / f"asked-{os.getpid()}-{os.urandom(4).hex()}"
    if request.write_params:
        source = _params_source(project, wanted)
        copy = place.with_name(f"{place.name}.params{source.suffix}")
        copied = copy_with(source, copy, wanted)
        return Asked(wanted, place, frozenset(wanted), copy), copied
    edits = placed(project, wanted)
    in_files = frozenset(key for held in edits.values() for key in held)
    if request.edit_params:
        set_in_files(edits)
    else:
        refuse_beside_files(edits)
    _refuse_beside_options(project, request)
    return Asked(wanted, place, in_files), {k: v for k, v in values.items() if k not in in_files}


def _params_source(project: Project, wanted: Mapping[str, Typed]) -> Path:
    """Choose the file that is copied: the one that says a param which was asked for."""
    files = [*placed(project, wanted), *params_files(project), project.root / "params.yaml"]
    return files[0]


def _refuse_beside_options(project: Project, request: RunRequest) -> None:
    """Refuse a param that the command's own options say otherwise: it would use those."""
    said = option_values(request.command) if project.settings.params_options else {}
    for key, typed in request.params.items():
        other = said.get(key)
        if other is not None and not is_equal(parse_typed(other).value, typed.value):
            raise BadValue(f"-P {key}", f"{typed.text} is asked for, and the command says {other}")


def _look_who_used(
    project: Project, request: RunRequest, asked: Asked, ending: Ending, warnings: list[str]
) -> str:
    """Say which params nothing has taken up; returns why the run has failed by that."""
    if not asked.wanted:
        return ""
    reported = asked.reported()
    asked.forget()
    told = differences(asked, reported)
    command = _with_copy(request.command, "")
    git = project.git if project.place is not None else None
    said = option_values(command)
    left = unused(asked, {*reported, *said}, git, command, request.folder)
    for key in left:
        told[key] = (
            f"{key}: nothing has taken it up; put {{{key}}} into the command of a sweep, or read "
            f"{variable_of(key)} or a Tracker's params in the script"
        )
    failed = [says for key, says in told.items() if key in request.must_use]
    if failed and _status(ending) is Status.FINISHED:
        return "; ".join(failed)
    warnings += told.values()
    return ""


def _with_copy(command: tuple[str, ...], copy: str) -> tuple[str, ...]:
    return tuple(part.replace("{params}", copy) for part in command)


def _begun(project: Project, request: RunRequest, values: Mapping[str, Json]) -> Begun:
    outer = RunContext.decode(project.environment.get(VARIABLE, ""))
    return begin(
        project,
        request.command,
        folder=request.folder,
        params=values,
        outs=request.outs,
        name=request.name,
        note=request.note,
        parent=outer.run if outer else None,
        program=request.command[0],
    )


def _end_unstarted(project: Project, begun: Begun, err: XvcError) -> None:
    facts: dict[str, Json] = {"status": Status.FAILED.value, "reason": str(err)}
    with _forgiving(begun.warnings):
        begun.journal.note(Kind.END, begun.record.id, {**facts, "finished": time.time_ns()})
        begun.journal.close()
        project.keeper.refresh()


def read_back(project: Project, ran: Ran) -> Ran:
    """Add what the run's own processes recorded: their params and metrics are in the store."""
    from xvc.store import query  # late: a run that is only run asks nothing

    with project.keeper.view() as connection:
        record = query.by_id(connection, ran.record.id)
    return ran if record is None else replace(ran, record=record)


def _places(project: Project, request: RunRequest) -> tuple[str, ...]:
    """Name the declared outputs from the project's root; they were typed in the current folder."""
    named = []
    for out in request.outs:
        place = Path(os.path.normpath(request.folder / out))
        if place == project.root or not place.is_relative_to(project.root):
            raise BadValue("--out", f"{out} lies outside {project.root}")
        named.append(place.relative_to(project.root).as_posix())
    if named and project.place is not None:
        tops = [project.relative(project.root / name) for name in named]
        held = project.git.listed(*(f":(literal){path}" for path in tops))
        if held:
            raise BadValue(
                "--out", f"git tracks {held[0]}; `git rm --cached {held[0]}` gives it to DVC"
            )
    return tuple(dict.fromkeys(named))


def _unrecorded(
    project: Project,
    request: RunRequest,
    sink: Callable[[int, bytes], None],
    err: JournalFailed,
) -> Ran:
    """Run the command all the same: there is no place at all to write it down."""
    settings = project.settings
    ladder = Ladder(settings.interrupt_seconds, settings.terminate_seconds)
    asked = Asked(request.params, project.room.scratch)
    environment = {**project.environment, **asked.environment()}
    launch = Launch(request.command, request.folder, environment, request.timeout, ladder)
    ending = run_process(launch, sink=sink)
    record = RunRecord(RunId("unrecorded"), exit_code=ending.exit_code)
    warning = f"{err}. {err.hint} This run is not recorded"
    return Ran(record.ended(_status(ending)), ending.shell_code, None, (warning,))


def _tagged(
    project: Project, request: RunRequest, record: RunRecord, warnings: list[str]
) -> Tagged | None:
    if request.tag is None:
        return None
    if record.status is not Status.FINISHED:
        warnings.append(
            f"the run is {record.status.value}, so it got no version; "
            f"to give it one all the same: `xvc tag {request.tag.value} --run {record.id}`"
        )
        return None
    from xvc.versions.tag import TagRequest, tag  # late: a run without a version needs none of it

    try:
        return tag(project, TagRequest(bump=request.tag, run=record.id, just_ran=True))
    except (XvcError, OSError) as err:
        hint = err.hint if isinstance(err, XvcError) else ""
        later = (
            f"The run is kept; `xvc tag {request.tag.value} --run {record.id}` gives it a version"
        )
        warnings.append(" ".join(part for part in (f"{err}.", hint, later) if part))
        return None


def _launch(project: Project, request: RunRequest, begun: Begun, asked: Asked) -> Launch:
    settings = project.settings
    context = RunContext(
        run=begun.record.id,
        root=str(project.root),
        store=str(project.store_path),
        room=str(project.room.folder),
        tree=project.room.tree,
        journals=str(begun.journal.path.parent),
        sync_seconds=settings.journal_sync,
        asked=asked.write(),
        own_store=str(project.own_store_path),
    )
    environment = {**project.environment, VARIABLE: context.encode(), "XVC_RUN": begun.record.id}
    environment |= asked.environment()
    command = request.command
    if asked.copy is not None:
        environment["XVC_PARAMS_FILE"] = str(asked.copy)
        command = _with_copy(command, str(asked.copy))
    ladder = Ladder(settings.interrupt_seconds, settings.terminate_seconds)
    interval = settings.system_interval
    return Launch(command, request.folder, environment, request.timeout, ladder, interval)


class _Recorder:
    """Where the child's output goes: to the caller, into the log, and through the metric reader."""

    def __init__(
        self,
        project: Project,
        begun: Begun,
        request: RunRequest,
        sink: Callable[[int, bytes], None],
    ) -> None:
        self._sink, self._begun = sink, begun
        self.path = project.room.logs / f"{begun.record.id}.log"
        self._log = OutputLog(self.path, project.settings.output_limit)
        self._reader = LineMetrics(loose=True) if request.capture else None
        self.metrics: dict[str, Json] = {}

    def take(self, stream: int, chunk: bytes) -> None:
        self._log.write(chunk)
        if self._reader is not None and stream == 1:
            self.log_all(dict([pair]) for pair in self._reader.feed(chunk))
        self._sink(stream, chunk)

    def log_all(self, rows: Iterable[Row]) -> None:
        for row in rows:
            with _forgiving(self._begun.warnings):
                self._begun.journal.row(self._begun.record.id, _TABLE, row)
                self.metrics |= dict(row)  # type: ignore[arg-type]

    def close(self) -> None:
        self._log.close()
        if self._reader is not None:
            self.log_all(dict([pair]) for pair in self._reader.close())
        if self._log.failure:
            self._begun.warnings.append(f"the output log is not complete: {self._log.failure}")


def _stamp(path: Path) -> tuple[int, ...]:
    try:
        facts = path.stat()
    except OSError:
        return ()
    return (facts.st_ino, facts.st_size, facts.st_mtime_ns)


def _read_metrics(stale: Mapping[Path, tuple[int, ...]], recorder: _Recorder) -> None:
    """Read the metric files that this run wrote; an untouched one speaks of an older run."""
    for path, before in stale.items():
        now = _stamp(path)
        if now and now != before:
            values = read_values(path)
            recorder.log_all([{k: v for k, v in values.items() if isinstance(v, int | float)}])


def _end(
    project: Project,
    begun: Begun,
    ending: Ending,
    outs: Mapping[str, DataFile],
    ignored: str,
) -> None:
    facts: dict[str, Json] = {
        "status": Status.FAILED.value if ignored else _status(ending).value,
        "exit_code": ending.exit_code,
        "signal": ending.signal,
        "finished": time.time_ns(),
        "usage": _usage(ending),
        "log": str(project.room.logs / f"{begun.record.id}.log"),
    }
    if ignored:
        facts["reason"] = ignored
    if outs:
        facts["outs"] = {path: {"digest": f.digest, "size": f.size} for path, f in outs.items()}
    if begun.snapshot is not None:
        with _forgiving(begun.warnings):
            facts["touched"] = _touched(project, begun)
        begun.snapshot.index.unlink(missing_ok=True)
    begun.journal.note(Kind.END, begun.record.id, facts)
    begun.journal.close()


def _outs(project: Project, request: RunRequest, warnings: list[str]) -> dict[str, DataFile]:
    """Keep the declared outputs in the DVC cache as this run left them."""
    found: dict[str, DataFile] = {}
    for out in request.outs:
        place = project.root / out
        if project.dvc is None:
            warnings.append(f"--out {out} needs DVC here; run `xvc init`")
        elif not place.exists():
            warnings.append(f"the run was to leave {out}, and it is not there")
        else:
            with _forgiving(warnings):
                found[out] = project.dvc.keep(place)
    return found


def _parsed(request: RunRequest) -> tuple[ModelFile, ...]:
    if not request.models:
        return ()
    from xvc.models.add import parse_models  # late: as above

    return parse_models(request.models, request.folder)


def _models(
    project: Project, begun: Begun, models: tuple[ModelFile, ...], ending: Ending
) -> dict[str, DataFile]:
    """Keep the models of a run that has finished; what a failed one left may be half of one."""
    if not models or _status(ending) is not Status.FINISHED:
        return {}
    from xvc.models.add import keep_models  # late: as above

    run, since = begun.record.id, begun.record.started or 0
    return keep_models(project, run, since, models, begun.warnings)


def _touched(project: Project, begun: Begun) -> Json:
    """Name the tracked files that changed during the run, with what they held afterwards."""
    if begun.snapshot is None:
        return {}
    found: dict[str, Json] = {}
    for path in project.git.stale(begun.snapshot.index):
        file = project.git.place.top / path
        found[path] = project.git.hash_file(file) if file.is_file() else None
    return found


def _usage(ending: Ending) -> Json:
    return {key: value for key, value in asdict(ending.usage).items() if value is not None}


def _status(ending: Ending) -> Status:
    if ending.timed_out:
        return Status.TIMED_OUT
    if ending.out_of_memory:
        return Status.OUT_OF_MEMORY
    if ending.interrupted and ending.shell_code != 0:
        return Status.INTERRUPTED
    if ending.signal is not None:
        return Status.KILLED
    return Status.FINISHED if ending.exit_code == 0 else Status.FAILED


def _finished(record: RunRecord, recorder: _Recorder, ending: Ending, ignored: str) -> RunRecord:
    metrics = {**record.metrics, **recorder.metrics}
    ended = replace(record, metrics=metrics, finished=Nanoseconds(time.time_ns()))
    status = Status.FAILED if ignored else _status(ending)
    reason = ignored or None
    return ended.ended(status, exit_code=ending.exit_code, signal=ending.signal, reason=reason)


@contextlib.contextmanager
def _forgiving(warnings: list[str]) -> Iterator[None]:
    """What xvc cannot do beside a run is said, and the run goes on."""
    try:
        yield
    except (XvcError, OSError) as err:
        hint = err.hint if isinstance(err, XvcError) else ""
        warnings.append(f"{err}. {hint}".rstrip())
