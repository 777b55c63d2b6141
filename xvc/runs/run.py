"""Running a command as a run: begun before it starts, ended whatever happens.

The child's exit code is the answer whatever goes wrong beside it; what went wrong is a warning.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from xvc.core.best_effort import best_effort, in_words
from xvc.core.byte_text import as_text
from xvc.core.human_units import few_of
from xvc.core.model import ModelFile
from xvc.core.record import RecordKind
from xvc.core.run import DataFile, Origin, RunRecord, Status
from xvc.core.run_context import VARIABLE, RunContext
from xvc.core.secrets import secret_texts
from xvc.core.version import Version
from xvc.errors import BadValue, ConflictError, NoCommand, TagTaken, XvcError
from xvc.project import Project
from xvc.recording.begin_run import Begun, begin
from xvc.recording.requested_params import RequestedParams
from xvc.recovery.recover import mend
from xvc.runs.pipeline_runs import refuse_overlaps
from xvc.runs.request import RunRequest
from xvc.runs.run_end import Recorder, WantedOutputs, interrupt, note_end, reason_of, status_of
from xvc.runs.run_params import look_who_used, settled, with_copy
from xvc.runs.usage_over_time import UsageKeeper, usage_file
from xvc.store.db import has_room
from xvc.store.idle_instance import warm_up
from xvc.system.process import Ending, Ladder, Launch
from xvc.system.process import run as run_process
from xvc.system.signal_pipe import PASSING, STOPPING, held_back
from xvc.types import CommitId, Json, Nanoseconds, RunId

if TYPE_CHECKING:
    from xvc.mirrors.live import Mirror
    from xvc.versions.tag import Tagged

UNTAGGED = 4
"""The exit code when the command is done, and the version that was asked for could not be made."""


@dataclass(frozen=True, slots=True)
class Ran:
    """A run that has ended, the version it got, and what went wrong beside it.

    ``exit_code`` is the command's own, or `UNTAGGED` where that is 0 and the version that was
    asked for could not be made: ``untagged`` says why, and ``next`` how to make it.
    ``is_interrupted``: a Ctrl-C, TERM or HUP came, whatever the command made of it. ``same_as`` is
    a run before of the same code, data, command and params, where that was asked.
    """

    record: RunRecord
    exit_code: int
    tagged: Tagged | None = None
    warnings: tuple[str, ...] = ()
    untagged: str | None = None
    next: tuple[str, ...] = ()
    is_interrupted: bool = False
    same_as: RunId | None = None


def run(
    project: Project,
    request: RunRequest,
    sink: Callable[[int, bytes], None],
    tell: Callable[[str], None] = lambda _: None,
    held: contextlib.ExitStack | None = None,
) -> Ran:
    """Run a command and keep it.

    Whatever goes wrong beside the command is a warning: it runs, and its end is recorded.

    Args:
        project: where.
        request: what.
        sink: gets every piece of output, with 1 or 2, as it comes.
        tell: gets a line before the command starts, when the same has run before.
        held: keeps signals from ending the process until the caller has told how the run ended;
            without it they are kept until this returns.

    Raises:
        NoCommand: it cannot be started; the run is kept as failed.
        OutsideProject: a setting or a tracked link leads out of the project; nothing was started.
        BadValue: a declared output lies outside the project or overlaps what DVC tracks, a model
            has no name, or a params file cannot be changed or copied.
        ParamInFile: a param was asked for that a params file says otherwise.
        NoRun: nothing answers to the reference of a parent, or of what it fixes.
    """
    if held is None:
        with contextlib.ExitStack() as own:
            return run(project, request, sink, tell, own)
    models = _parsed(request)
    origin = _origin(project, request)
    warnings: list[str] = []
    request = replace(request, outs=_places(project, request, warnings))
    request = _with_usable_settings(project, request, warnings)
    request = replace(request, fold=request.fold and has_room())  # else the next reader folds
    if request.outs:
        refuse_overlaps(project, request.outs)
    asked, values = settled(project, request)
    patterns = _patterns(project, request, warnings)
    early = held.enter_context(held_back(PASSING))
    with best_effort(warnings):
        if request.fold:
            warm_up(project.store_path)  # DuckDB loads while git and the command work
    with best_effort(warnings):
        mend(project)
    begun: Begun | None = None
    with best_effort(warnings):
        begun = _begun(project, request, origin, models, values, warnings, asked.gone)
    if begun is None:
        return _unrecorded(project, request, sink, warnings)
    same = None
    if request.looks_back and request.fold:
        with best_effort(warnings):
            same = _look_back(project, begun, tell)
    held.enter_context(held_back(STOPPING))
    mirrors = _mirrors(project, request, begun)
    secrets = secret_texts({key: typed.text for key, typed in request.params.items()})
    recorder = Recorder(
        project, begun, sink, capture=request.captures, patterns=patterns, secrets=secrets
    )
    wanted = WantedOutputs.now(project.root, request.outs, models)
    for unwatch in (recorder.unwatch, wanted.before.close):
        held.callback(unwatch)
    ending = _ending(project, begun, request, asked, recorder, early)
    kept = note_end(project, begun, wanted, ending, recorder)
    record = _finished(begun.record, recorder, ending)
    tagged: Tagged | None = None
    untagged: str | None = "it was interrupted before that."
    try:
        with held_back(STOPPING, interrupt):
            _complete(project, begun, request, kept)
            tagged, untagged = _tagged(project, request, record)
            warnings += [tagged.without] if tagged is not None and tagged.without else []
            _finish_mirrors(project, begun, mirrors)
    except KeyboardInterrupt:
        warnings.append("interrupted; the next xvc command brings the store up to date")
        ending = replace(ending, interrupted=True)
    same_as = _same_after_all(same, record, warnings) if same is not None else None
    ran = _ran(request, record, ending, warnings, tagged=tagged, untagged=untagged)
    return replace(ran, same_as=same_as)


def _mirrors(project: Project, request: RunRequest, begun: Begun) -> list[Mirror]:
    """Begin to mirror the run, by what its processes write into their journals."""
    if not request.sinks:
        return []
    with best_effort(begun.warnings):
        from xvc.mirrors.ledger import asked_sinks  # late: for those who asked for a sink
        from xvc.mirrors.live import begin_mirrors

        run = (begun.record.id, begun.record.name, project.root.name)
        sinks, warnings = asked_sinks(request.sinks), begun.warnings
        room = project.room.folder
        return begin_mirrors(room, begun.journal.path, run, sinks, warnings.append)
    return []


def _finish_mirrors(project: Project, begun: Begun, mirrors: Sequence[Mirror]) -> None:
    """Send the rest of the run to its sinks: those of the call, and those of its `Tracker`."""
    for mirror in mirrors:
        mirror.close()
    with best_effort(begun.warnings):
        if not (project.room.folder / "mirrors").is_dir():
            return
        from xvc.mirrors.resume import finish_mirrors  # late: opens DuckDB

        begun.warnings += finish_mirrors(project, begun.record.id)


def refuse_taken(project: Project, version: str) -> None:
    """Look before a run whether the version that it is to become can be made.

    Raises:
        BadVersion: it is no version, nor major, minor or patch.
        TagTaken: it exists.
    """
    prefix = project.settings.tag_prefix
    name = Version.parse(version, prefix).name(prefix)
    if project.place is not None:
        holder = project.git.commit_of(f"refs/tags/{name}")
        if holder is not None:
            raise TagTaken(name, CommitId(holder))


def _patterns(
    project: Project, request: RunRequest, warnings: list[str]
) -> tuple[re.Pattern[str], ...]:
    return capture_patterns(project, warnings, request.capture_patterns) if request.captures else ()


def capture_patterns(
    project: Project, warnings: list[str], asked: Sequence[str] = ()
) -> tuple[re.Pattern[str], ...]:
    """Read how metrics are printed: as the call says, then as the settings do.

    Those of a clone's settings that the user has not allowed are left out, with a warning.

    Raises:
        BadValue: one is no regular expression, or names no group.
    """
    found, refused = [], project.refused_captures()
    if refused:
        warnings.append(
            "the project's settings want metrics read by their own `capture.patterns`, though one "
            "may never end; `xvc trust` allows it. They were read by xvc's own patterns"
        )
    own = [text for text in project.settings.capture_patterns if text not in refused]
    for text in (*asked, *own):
        try:
            pattern = re.compile(text)
        except re.error as err:
            raise BadValue(
                "--capture-pattern", f"{text!r} is no regular expression: {err}"
            ) from err
        if not pattern.groupindex:
            says = f"{text!r} names no group; write (?P<loss>[0-9.]+), or groups name and value"
            raise BadValue("--capture-pattern", says)
        found.append(pattern)
    return tuple(found)


def _with_usable_settings(project: Project, request: RunRequest, warnings: list[str]) -> RunRequest:
    """Use what can be used of the settings; with a broken one nothing but the journal is written.

    Where the store lies may be what is broken.
    """
    mistakes = [*project.tolerate_settings()]
    if project.home is not None:
        mistakes += project.home.tolerate_settings()
    project.store_path  # noqa: B018 - what it refuses is refused before anything is written
    if not mistakes:
        return request
    warnings += mistakes
    why = "the settings cannot be used: " + "; ".join(mistakes)
    return replace(request, fold=False, untaggable=why if request.tag else None)


def _ending(
    project: Project,
    begun: Begun,
    request: RunRequest,
    asked: RequestedParams,
    recorder: Recorder,
    early: list[int],
) -> Ending:
    try:
        launch = _launch(project, request, begun, asked)
        places = asked.places(begun.said)
        recorder.watch_params(places, request.folder, launch.environment)
        ending = run_process(launch, sink=recorder.take, signals=early)
        recorder.look_at_params()
    except (NoCommand, BadValue) as err:
        asked.forget()
        _end_unstarted(project, begun, err)
        raise
    _tell_of(ending, begun.warnings)
    if not request.folder.is_dir():
        begun.warnings.append(f"{request.folder}, where the command ran, is not there any more")
    begun.warnings += asked.warnings
    with best_effort(begun.warnings):
        use = look_who_used(project, request, asked, recorder.unopened, begun.warnings)
        recorder.note_use(use, asked.wanted)
        recorder.note_doubts(use, request.folder, launch.environment)
        return replace(ending, refused=use.refused)
    return ending


def _tell_of(ending: Ending, warnings: list[str]) -> None:
    if ending.unwatched is not None:
        warnings.append(
            f"the command ran without its output and its use of the machine being recorded: "
            f"{ending.unwatched}"
        )
    if ending.failure is not None:
        warnings.append(f"beside the command: {ending.failure}")


def _complete(
    project: Project, begun: Begun, request: RunRequest, kept: Mapping[str, DataFile]
) -> None:
    """Bring the store up to date and the models to their places."""
    with best_effort(begun.warnings):
        if request.fold:
            project.keeper.refresh()
            begun.warnings += project.keeper.warnings
    with best_effort(begun.warnings):
        if request.fold:
            _tell_of_judge(project, begun)
    with best_effort(begun.warnings):
        if kept:
            from xvc.models.add import land_models  # late: most runs leave no model

            land_models(project, begun.record.id, kept)


def _tell_of_judge(project: Project, begun: Begun) -> None:
    """Warn where the judge is not what it was for the run before: a better score may be that."""
    if not project.settings.has_judge:
        return
    from xvc.history.judging import differing, judges  # late: most settings name none
    from xvc.store import query

    with project.keeper.view() as connection:
        done = (query.latest(connection, back, status=Status.FINISHED.value) for back in (0, 1))
        before = next((run for run in done if run and run.id != begun.record.id), None)
    told = len(project.keeper.warnings)
    known = judges(project, [begun.record, *([before] if before is not None else [])])
    begun.warnings += project.keeper.warnings[told:]
    if before is None:
        return
    if parts := differing(known.get(before.id), known.get(begun.record.id)):
        begun.warnings.append(
            f"the judge has changed since run {before.id}: {', '.join(parts)}; this run is not "
            "ranked with earlier ones"
        )


def _ran(
    request: RunRequest,
    record: RunRecord,
    ending: Ending,
    warnings: list[str],
    *,
    tagged: Tagged | None = None,
    untagged: str | None = None,
) -> Ran:
    is_interrupted = ending.interrupted
    if request.tag is None or tagged is not None:
        code = ending.shell_code
        return Ran(record, code, tagged, tuple(warnings), is_interrupted=is_interrupted)
    again = _tag_later(record, str(request.version or request.tag.value))
    warnings.append(
        f"no version was made: {untagged} The run is kept; `{again}` gives it a version"
    )
    code = ending.shell_code or (0 if request.tag_optional else UNTAGGED)
    return Ran(
        record=record,
        exit_code=code,
        tagged=None,
        warnings=tuple(warnings),
        untagged=untagged,
        next=(again,),
        is_interrupted=is_interrupted,
    )


def _tag_later(record: RunRecord, wanted: str) -> str:
    """Name the call that gives the run its version, as it will be accepted."""
    from xvc.versions.base import refuse_incomplete  # late: few runs miss their version

    try:
        refuse_incomplete(record)
    except ConflictError:
        return f"xvc tag {wanted} --incomplete --run {record.id}"
    return f"xvc tag {wanted} --run {record.id}"


def _begun(
    project: Project,
    request: RunRequest,
    origin: Origin,
    models: Sequence[ModelFile],
    values: Mapping[str, Json],
    warnings: list[str],
    gone: Collection[str],
) -> Begun:
    """Begin the run; the outputs and models that it is to leave are none of its data."""
    made = (os.path.relpath(request.folder / each.path, project.root) for each in models)
    return begin(
        project,
        request.command,
        folder=request.folder,
        params=values,
        outs=request.outs,
        models=tuple(made),
        name=request.name,
        note=request.note,
        origin=origin,
        program=request.command[0],
        warnings=warnings,
        keeps_data=request.keeps_data,
        seeded=request.seeded,
        gone=gone,
    )


def _look_back(project: Project, begun: Begun, tell: Callable[[str], None]) -> RunRecord | None:
    from xvc.runs.similar_runs import (  # late: only some runs ask
        result,
        seen_before,
        unseen_in_words,
    )

    before = seen_before(project, begun.record)
    if before is None:
        return None
    if before.unseen:
        begun.warnings.append(
            f"{unseen_in_words(before.unseen)}: what run {before.run.id} found "
            "there is not known to be what lies there now. `dvc add` keeps data"
        )
        return None
    said = result(before.run)
    tell(f"the same code, data and params ran before: {before.run.id}{f'  {said}' if said else ''}")
    return before.run


def _same_after_all(before: RunRecord, record: RunRecord, warnings: list[str]) -> RunId | None:
    """Name the run before if this one read the same: what it would read was not known before."""
    from xvc.runs.similar_runs import read_otherwise  # late: only where the same ran before

    if others := read_otherwise(before, record):
        warnings.append(
            f"{few_of(others)}: not known to be what run {before.id} read, so this is no repeat of "
            "that. `dvc add` keeps data"
        )
        return None
    return before.id


def pinned(project: Project, request: RunRequest) -> RunRequest:
    """Name by their ids the runs that a request refers to: of several runs of it, ``@`` moves on.

    Raises:
        NoRun: nothing answers to a reference.
    """
    origin = _origin(project, request)
    return replace(
        request,
        parent=request.parent and origin.parent,
        fixes=request.fixes and origin.fixes,
    )


def _origin(project: Project, request: RunRequest) -> Origin:
    """Find the runs that are named as where this one comes from; else it is whose process it is."""
    outer = RunContext.decode(project.environment.get(VARIABLE, ""))
    named = [name for name in (request.parent, request.fixes) if name is not None]
    found: dict[str, RunId] = {}
    if named:
        from xvc.history.find import find  # late: most runs name none, and it asks the store

        ids = (each.record.id for each in find(project, named))
        found = dict(zip(named, ids, strict=True))
    parent = outer.run if outer else None
    return Origin(
        parent=parent if request.parent is None else found[request.parent],
        fixes=None if request.fixes is None else found[request.fixes],
        idea=request.idea,
        labels=request.labels,
    )


def _end_unstarted(project: Project, begun: Begun, err: XvcError) -> None:
    facts: dict[str, Json] = {"status": Status.FAILED.value, "reason": str(err)}
    with best_effort(begun.warnings):
        begun.journal.note(RecordKind.END, begun.record.id, {**facts, "finished": time.time_ns()})
        begun.journal.close()
        project.keeper.refresh()


def read_back(project: Project, ran: Ran) -> Ran:
    """Add what the run's own processes recorded: their params and metrics are in the store."""
    from xvc.store import query  # late: a run that is only run asks nothing

    if not has_room():
        return ran
    with project.keeper.view() as connection:
        record = query.by_id(connection, ran.record.id)
    return ran if record is None else replace(ran, record=record)


def _places(project: Project, request: RunRequest, warnings: list[str]) -> tuple[str, ...]:
    """Name the declared outputs from the project's root; they were typed in the current folder."""
    named = []
    for out in request.outs:
        place = Path(os.path.normpath(request.folder / out))
        if place == project.root or not place.is_relative_to(project.root):
            raise BadValue("--out", f"{out} lies outside {project.root}")
        if (way := project.way_out(place.parent)) is not None:
            raise project.outside(way)
        if (link := _link_above(place, project.root)) is not None:
            raise BadValue("--out", f"{out} lies behind the link {link}; name where that leads to")
        inside = place.relative_to(project.root).as_posix()
        if as_text(inside) == inside:
            named.append(inside)
        else:
            warnings.append(f"--out {as_text(inside)} is not kept: DVC takes names in UTF-8 only")
    if named and project.place is not None:
        tops = [project.relative(project.root / name) for name in named]
        held: list[str] = []
        with best_effort(warnings):
            held = project.git.listed(*(f":(literal){path}" for path in tops))
        if held:
            raise BadValue(
                "--out",
                f"git tracks {held[0]}; `git rm --cached {quote(held[0])}` gives it to DVC",
            )
    return tuple(dict.fromkeys(named))


def _link_above(place: Path, root: Path) -> Path | None:
    """Find a link among the folders above a path: git keeps no pointer behind one."""
    above = (each for each in place.parents if each.is_relative_to(root) and each != root)
    return next((each.relative_to(root) for each in above if each.is_symlink()), None)


def _unrecorded(
    project: Project,
    request: RunRequest,
    sink: Callable[[int, bytes], None],
    warnings: list[str],
) -> Ran:
    """Run the command all the same: there is no place at all to write it down."""
    settings = project.settings
    ladder = Ladder(settings.interrupt_seconds, settings.terminate_seconds)
    asked = RequestedParams(request.params, project.room.scratch)
    environment = {**project.environment, **asked.environment()}
    warnings.append("this run is not recorded")
    launch = Launch(
        argv=request.command,
        folder=request.folder,
        environment=environment,
        timeout=request.timeout,
        ladder=ladder,
    )
    ending = run_process(launch, sink=sink)
    _tell_of(ending, warnings)
    record = RunRecord(RunId("unrecorded"), exit_code=ending.exit_code).ended(status_of(ending))
    if request.tag is None:
        code, is_cut = ending.shell_code, ending.interrupted
        return Ran(record, code, None, tuple(warnings), is_interrupted=is_cut)
    why = "the run is not recorded"
    code = ending.shell_code or (0 if request.tag_optional else UNTAGGED)
    return Ran(
        record=record,
        exit_code=code,
        tagged=None,
        warnings=(*warnings, f"no version was made: {why}"),
        untagged=why,
    )


def _tagged(
    project: Project, request: RunRequest, record: RunRecord
) -> tuple[Tagged | None, str | None]:
    """Make the version that was asked for; or say why there is none."""
    if request.tag is None:
        return None, None
    if request.untaggable is not None:
        return None, f"{request.untaggable}."
    if record.status is not Status.FINISHED:
        return None, f"the run is {_HOW.get(record.status, record.status.value)}."
    try:
        from xvc.runs.versioning import tag_run  # late: a run without a version needs none of it
        from xvc.versions.tag import TagRequest

        wanted = TagRequest(
            bump=request.tag if request.version is None else None,
            version=request.version,
            run=record.id,
            just_ran=True,
            incomplete=request.incomplete,
            within=request.within,
        )
        return tag_run(project, wanted), None
    except Exception as err:  # noqa: BLE001 - as in `best_effort`, with the reason as the answer
        words = in_words(err)
        return None, words if words.endswith(".") else f"{words}."


_HOW = {Status.FAILED: "one that failed", Status.TIMED_OUT: "one that took too long"}


def _launch(project: Project, request: RunRequest, begun: Begun, asked: RequestedParams) -> Launch:
    settings = project.settings
    ours: dict[str, str] = {}
    with best_effort(begun.warnings):
        ours[VARIABLE] = _context(project, begun, asked).encode()
    environment = {**project.environment, **ours, "XVC_RUN": begun.record.id}
    environment |= asked.environment()
    command = request.command
    if asked.copy is not None:
        environment["XVC_PARAMS_FILE"] = str(asked.copy)
        command = with_copy(command, str(asked.copy))
    ladder = Ladder(settings.interrupt_seconds, settings.terminate_seconds)
    keeper = UsageKeeper(usage_file(project, begun.record.id))
    return Launch(
        argv=command,
        folder=request.folder,
        environment=environment,
        timeout=request.timeout,
        ladder=ladder,
        interval=settings.system_interval,
        on_look=keeper.take,
    )


def _context(project: Project, begun: Begun, asked: RequestedParams) -> RunContext:
    named = ""
    with best_effort(begun.warnings if asked.wanted else []):  # Trackers join without it, too
        named = asked.write(listens=bool(begun.said or begun.record.params))
    return RunContext(
        run=begun.record.id,
        root=str(project.root),
        store=str(project.store_path),
        room=str(project.room.folder),
        tree=project.room.tree,
        journals=str(begun.journal.path.parent),
        sync_seconds=project.settings.journal_sync,
        asked=named,
        own_store=str(project.own_store_path),
    )


def _parsed(request: RunRequest) -> tuple[ModelFile, ...]:
    if not request.models:
        return ()
    from xvc.models.add import parse_models  # late: as above

    return parse_models(request.models, request.folder)


def _finished(record: RunRecord, recorder: Recorder, ending: Ending) -> RunRecord:
    metrics = {**record.metrics, **recorder.metrics}
    data = {**record.data, **recorder.data}
    ended = replace(record, metrics=metrics, data=data, finished=Nanoseconds(time.time_ns()))
    return ended.ended(
        status_of(ending),
        exit_code=ending.exit_code,
        signal=ending.signal,
        reason=reason_of(ending, recorder),
    )
