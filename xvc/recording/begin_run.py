"""Beginning a run: what it is made of, written down before anything runs.

Shared by ``xvc run`` and by a Tracker that stands alone. Whatever git, DVC or a settings file
refuses becomes a warning: a run is recorded with what is known.
"""

from __future__ import annotations

import errno
import os
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from shlex import quote
from typing import TypeVar

from xvc.core.best_effort import best_effort, in_words
from xvc.core.byte_text import as_text
from xvc.core.code_files import in_short, names_once
from xvc.core.human_units import few_of
from xvc.core.ids import run_id
from xvc.core.record import RecordKind, environment_facts, facts_of, run_from
from xvc.core.run import ABSENT, MODIFIED, DataFile, Environment, Origin, RunCode, RunRecord
from xvc.core.secrets import mask_argv, mask_texts, mask_values, secret_texts
from xvc.core.seed_names import is_seed
from xvc.core.summary import name_of, settled
from xvc.core.typed_value import TypedValue
from xvc.dvc.data_check import Looker
from xvc.dvc.pointers import Survey
from xvc.errors import BadValue, JournalFailed
from xvc.git.commands import TreeState
from xvc.git.snapshot import Snapshot, take
from xvc.journal.fallback_dir import make_fallback
from xvc.journal.writer import Journal
from xvc.project import Project
from xvc.recording.command_params import (
    Declared,
    declared_in,
    option_params,
    with_seeds_marked,
)
from xvc.recording.passing_folders import bring_code
from xvc.recording.run_times import not_named_yet, note_begin, written_by_runs
from xvc.recording.shell_words import handed_on
from xvc.recording.unheld_code import script_text, scripts_in, unheld_code
from xvc.recording.unheld_digests import unheld_digests
from xvc.system.environment import describe_environment, environment_digest
from xvc.system.files import keep_out_of_git
from xvc.system.lock import current_owner
from xvc.system.python_values import python_values
from xvc.system.value_files import parse_typed, read_told
from xvc.types import Json, Nanoseconds, RunId

T = TypeVar("T")


@dataclass(slots=True)
class Begun:
    """A run that exists: its record so far, its journal, and what went wrong on the way.

    ``said`` maps the params files to the keys of its params that only they say. ``held`` are paths,
    from the top, that DVC tracks or that the run is to leave.
    """

    record: RunRecord
    journal: Journal
    snapshot: Snapshot | None = None
    warnings: list[str] = field(default_factory=list)
    said: Mapping[Path, tuple[str, ...]] = field(default_factory=dict)
    held: Collection[str] = ()


def begin(
    project: Project,
    command: Sequence[str],
    *,
    folder: Path,
    params: Mapping[str, Json],
    outs: Collection[str] = (),
    models: Collection[str] = (),
    name: str | None = None,
    note: str | None = None,
    origin: Origin | None = None,
    program: str | None = None,
    keeps_data: bool = False,
    warnings: list[str] | None = None,
    run: RunId | None = None,
    seeded: Sequence[str] | None = None,
    gone: Collection[str] = (),
) -> Begun:
    """Take the code snapshot, append *started* and put it on the disk: from here the run exists.

    What cannot be found out, or cannot be written, is left out and named in *warnings*. *gone* are
    keys of params files that the copy which the command gets does not have.

    Raises:
        OutsideProject: a setting or a link leads out of the project; nothing was written.
        JournalFailed: there is no place at all to write to.
    """
    origin = origin or Origin()
    run = run or run_id(os.urandom(8))
    warnings = [] if warnings is None else warnings
    warnings += project.tolerate_settings()
    project.store_path  # noqa: B018 - what it refuses is refused before anything is written
    if project.place is None:  # it may become a repository, whose `git add -A` takes all
        with best_effort(warnings):
            keep_out_of_git(project.room.folder)
        warnings += _without_code(project)
    warnings += project.misplaced()
    state = _try(project.git.state, warnings) if project.place else None
    snapshot = _try(lambda: _snapshot(project, run, state, outs), warnings) if state else None
    if snapshot is not None:
        snapshot = _with_unheld(project, snapshot, command, folder, warnings)
        warnings += _try(lambda: _lacks(project, snapshot), warnings) or ()
        _try(lambda: bring_code(project, run), warnings)
    untracked = state.untracked if state else ()
    found = _try(lambda: _surveyed(project, untracked, warnings), warnings) or Survey()
    data = _try(lambda: project.data_inputs(found, (*outs, *models)), warnings) or {}
    data = _try(lambda: _as_it_is(project, data, keeps=keeps_data), warnings) or data
    warnings += _try(lambda: _other_data(project, data), warnings) or ()
    data = {
        **data,
        **(_try(lambda: _outside(project, run, state, (*outs, *models)), warnings) or {}),
    }
    environment = (
        _try(lambda: environment_now(project, program, warnings), warnings) or Environment()
    )
    read = FileParams()
    said = _try(lambda: _said(project, command, folder, params, warnings, read), warnings) or {}
    said = {key: value for key, value in said.items() if key not in gone}
    record = RunRecord(
        id=run,
        name=name,
        parent=origin.parent,
        idea=origin.idea,
        fixes=origin.fixes,
        labels=origin.labels,
        asked=tuple(params),
        seeded=_seeded(command, seeded, read, {**said, **params}),
        code=replace(
            _try(lambda: _code(project, state, snapshot, environment), warnings) or RunCode(),
            unread=tuple(map(as_text, read.unread)),
        ),
        data=data,
        command=tuple(command),
        folder=_folder(project, folder),
        params={**said, **params},
        started=Nanoseconds(time.time_ns()),
        host=os.uname().nodename,
        owner=str(current_owner()),
        environment=environment_digest(environment),
        note=note,
    )
    record = _masked(record, warnings)
    as_read = _try(lambda: run_from(facts_of(record), RunRecord(run)), [])  # bytes have become text
    record = record if as_read is None else as_read
    record, journal = _write_what_can_be(project, record, environment, warnings)
    with best_effort(warnings):
        ways = settled(project.settings.metrics_summary, project.settings.metrics_direction)
        if ways:
            journal.note(RecordKind.ENVIRONMENT, run, summary_facts(run, ways))
    with best_effort(warnings):
        if project.place is not None:
            leaves = [project.relative(project.root / path) for path in (*outs, *models)]
            note_begin(project.own_room, run, record.started or 0, journal.path, leaves)
    own = {path: read.only_in(path, params) for path in read.keys}
    leaves = [project.relative(project.root / path) for path in (*outs, *models)]
    tracked = [*(out.path for out in found.outs), *(each.path for each in found.pending)]
    return Begun(record, journal, snapshot, warnings, own, {*leaves, *tracked})


def _seeded(
    command: Sequence[str], seeded: Sequence[str] | None, read: FileParams, said: Mapping[str, Json]
) -> tuple[str, ...] | None:
    """Return the command with ``{seed}`` where a seed stands, if its words alone do not say so."""
    if seeded is not None:
        return tuple(seeded)
    texts = {key: TypedValue.of(value).text for key, value in said.items() if is_seed(key)}
    return with_seeds_marked(command, read.declared, texts) if texts else None


def summary_facts(run: RunId, ways: Mapping[str, str]) -> dict[str, Json]:
    """Write which values of metrics are those of a run: ``last``, ``min`` or ``max``."""
    return {"digest": name_of(run, time.time_ns()), "facts": dict(ways)}


def as_it_would_be(
    project: Project,
    command: Sequence[str],
    folder: Path,
    params: Mapping[str, Json],
    warnings: list[str],
    seeded: Sequence[str] | None = None,
) -> tuple[RunRecord, str]:
    """Describe a run that is not begun, and the tree of its code; nothing is recorded.

    The tree is empty text where there is no git, or it refused.
    """
    state = _try(project.git.state, warnings) if project.place else None
    tree = _try(lambda: _tree(project, state), warnings) if state else None
    untracked = state.untracked if state else ()
    data = _try(lambda: _tracked(project, untracked, (), warnings), warnings) or {}
    data = _try(lambda: looked_at(project, data), warnings) or data
    data = {**data, **(_try(lambda: _outside(project, "now", state, ()), warnings) or {})}
    read = FileParams()
    said = _try(lambda: _said(project, command, folder, params, warnings, read), warnings) or {}
    program = command[0] if command else None
    environment = _try(lambda: environment_now(project, program, warnings), warnings)
    in_place = environment.in_place if environment else {}
    record = RunRecord(
        id=run_id(os.urandom(8)),
        code=RunCode(unread=tuple(map(as_text, read.unread)), unheld=in_place),
        data=data,
        command=tuple(command),
        folder=_folder(project, folder),
        params={**said, **params},
        started=Nanoseconds(time.time_ns()),
        asked=tuple(params),
        seeded=_seeded(command, seeded, read, {**said, **params}),
    )
    return run_from(facts_of(_masked(record, warnings)), RunRecord(record.id)), tree or ""


def _masked(record: RunRecord, warnings: list[str]) -> RunRecord:
    """Mask what is secret: by its name, by its shape, and wherever else a secret param stands."""

    def masked() -> RunRecord:
        texts = secret_texts(record.params)
        name, note, idea = mask_texts([record.name, record.note, record.idea], texts)
        return replace(
            record,
            params=mask_texts(mask_values(record.params), texts),
            command=mask_texts(mask_argv(record.command), texts),
            seeded=record.seeded and mask_texts(mask_argv(record.seeded), texts),
            name=name,
            note=note,
            idea=idea,
        )

    return _try(masked, warnings) or replace(record, params={}, command=(), seeded=None)


def _tree(project: Project, state: TreeState) -> str:
    found = take(
        project.git,
        f"look-{os.getpid()}",
        state,
        limits=project.snapshot_limits,
        scratch=project.room.scratch,
        searched=project.room.searched,
        below=None,
        written=lambda paths: results_among(project, paths),
    )
    found.index.unlink(missing_ok=True)
    return found.tree or (project.git.tree_of(state.commit) if state.commit else "")


def _tracked(
    project: Project, untracked: Collection[str], outs: Collection[str], warnings: list[str]
) -> dict[str, DataFile]:
    """Choose the inputs among the data that DVC tracks."""
    return project.data_inputs(_surveyed(project, untracked, warnings), outs)


def _surveyed(project: Project, untracked: Collection[str], warnings: list[str]) -> Survey:
    """Read what data DVC tracks; a pointer that cannot be read costs a warning and itself."""
    found = project.survey(untracked)
    warnings += [f"{problem}. {problem.hint}".rstrip() for problem in found.problems]
    warnings += [
        f"{each.path} is not downloaded yet, so it is not among the run's data; "
        f"`dvc update {quote(each.said_by)}` brings it"
        for each in found.pending
        if each.is_imported
    ]
    return found


def _write_what_can_be(
    project: Project, record: RunRecord, environment: Environment, warnings: list[str]
) -> tuple[RunRecord, Journal]:
    """Write the beginning down; of one that has no form in a journal, what has."""
    bare = RunRecord(record.id, started=record.started, host=record.host, owner=record.owner)
    *better, last = (record, replace(record, params={}), replace(bare, code=record.code))
    for each in better:
        try:
            return each, _write_down(project, each, environment, warnings)
        except (TypeError, ValueError, RecursionError, BadValue) as err:
            warnings.append(f"part of this run has no form in a journal: {in_words(err)}")
    return last, _write_down(project, last, Environment(), warnings)


def _write_down(
    project: Project, record: RunRecord, environment: Environment, warnings: list[str]
) -> Journal:
    """Write the beginning where it belongs, else in the temporary folder, with a warning."""
    try:
        return _started(open_journal(project), record, environment)
    except JournalFailed as err:
        try:
            folder = make_fallback(project.room.journals)
        except OSError:
            raise err from None
        journal = _started(open_journal(project, folder), record, environment)
        warnings.append(
            f"{err}; this run is recorded in {folder}, "
            "and the next xvc command that can write brings it home"
        )
        return journal


def _started(journal: Journal, record: RunRecord, environment: Environment) -> Journal:
    facts: dict[str, Json] = {
        "digest": record.environment,
        "facts": environment_facts(environment),
    }
    try:
        journal.note(RecordKind.ENVIRONMENT, record.id, facts)
        journal.note(RecordKind.BEGIN, record.id, facts_of(record))
    except BaseException:
        journal.close()
        raise
    journal.flush()
    return journal


def open_journal(project: Project, folder: Path | None = None) -> Journal:
    """Open a journal of this process, where it belongs unless *folder* is named.

    Raises:
        JournalFailed: the file cannot be made.
    """
    facts: dict[str, Json] = {
        "owner": str(current_owner()),
        "store": as_text(str(project.store_path)),
    }
    sync = project.settings.journal_sync
    return Journal(folder or project.room.journals, facts, sync_seconds=sync)


def _snapshot(project: Project, run: RunId, state: TreeState, outs: Collection[str]) -> Snapshot:
    """Keep the code; a declared output that is there already, a link for example, is none of it."""
    own = tuple(project.relative(project.root / out) for out in outs)
    own += tuple(project.own_pointers())  # not ignored without `xvc init`
    code = tuple(
        path
        for path in state.untracked
        if not any(path == out or path.startswith(f"{out}/") for out in own)
    )
    return take(
        project.git,
        run,
        replace(state, untracked=code),
        limits=project.snapshot_limits,
        scratch=project.room.scratch,
        searched=project.room.searched,
        written=lambda paths: results_among(project, paths),
    )


def _with_unheld(
    project: Project,
    snapshot: Snapshot,
    command: Sequence[str],
    folder: Path,
    warnings: list[str],
) -> Snapshot:
    """Name among what is incomplete the code that the command is known to run from elsewhere."""
    apart = [path for path in snapshot.left_out if path.endswith("/")]
    searched = project.environment.get("PYTHONPATH", "")
    found = _try(lambda: unheld_code(project.git, command, folder, apart, searched), warnings) or []
    names = (*snapshot.incomplete, *(as_text(path) for path in found))
    return replace(snapshot, incomplete=tuple(dict.fromkeys(names)))


def modified_data(project: Project, untracked: Collection[str]) -> list[str]:
    """Name the data, from the top, that holds other bytes than its pointer names.

    What cannot be read is not among it.
    """
    warnings = list[str]()
    data = _try(lambda: _tracked(project, untracked, (), warnings), warnings) or {}
    found = _try(lambda: looked_at(project, data), warnings) or data
    return [path for path, file in found.items() if file.state == MODIFIED]


def looked_at(project: Project, data: Mapping[str, DataFile]) -> dict[str, DataFile]:
    """Look whether data, by paths from the top, is what its pointers name.

    Raises:
        OSError: a file cannot be read.
        GitFailed: git cannot say what ``.dvcignore`` takes out.
    """
    if not data or project.place is None or project.dvc is None:
        return dict(data)
    git, patterns = project.git, project.dvc.root / ".dvcignore"
    looker = Looker(
        dvc=project.dvc,
        top=project.place.top,
        memory=project.own_room.data_looks,
        environment=project.environment,
        ignored=lambda folder: git.matched(patterns, folder) if patterns.is_file() else set(),
    )
    return looker.look(data)


def _as_it_is(
    project: Project, data: Mapping[str, DataFile], *, keeps: bool
) -> dict[str, DataFile]:
    """Look at the data; *keeps* puts what is modified into the DVC cache."""
    found = looked_at(project, data)
    for path, file in found.items() if keeps and project.dvc is not None else ():
        if project.dvc is not None and file.state == MODIFIED:
            kept = project.dvc.keep(project.git.place.top / path)
            found[path] = replace(file, digest=kept.digest, size=kept.size)
    return found


def _outside(
    project: Project, run: str, state: TreeState | None, leaves: Collection[str]
) -> dict[str, DataFile]:
    """Tell what links of the code lead to that leave the tree."""
    if state is None:
        return {}
    top = project.git.place.top
    links = [p for p in (*project.git.links(), *state.untracked) if os.path.islink(top / p)]
    if not links:
        return {}
    from xvc.recording.outside_data import outside_data  # late: few trees have links

    return outside_data(project, run, links, {project.relative(project.root / p) for p in leaves})


def _other_data(project: Project, data: Mapping[str, DataFile]) -> list[str]:
    """Say in one line which data is not what its pointer names, with what mends it."""
    absent = [path for path, file in data.items() if file.state == ABSENT]
    changed = {path: file for path, file in data.items() if file.state == MODIFIED}
    said = []
    if absent:
        said.append(f"data absent: {few_of(absent)}; `xvc pull` brings it")
    old = [path for path, f in changed.items() if project.dvc and project.dvc.holds(f.digest)]
    new = [path for path in changed if path not in old]
    if old:
        said.append(
            f"data modified: {few_of(old)} holds another version than its pointer names; "
            "`xvc pull` puts that in place"
        )
    made = {path for path in project.stage_outs() if path in new} if new else set[str]()
    if made:
        name = next(path for path in new if path in made)
        said.append(
            f"data modified: {few_of([*filter(made.__contains__, new)])} holds bytes that dvc.lock "
            f"does not name; `dvc repro` makes it again, `dvc commit {quote(name)}` records them"
        )
    if new := [path for path in new if path not in made]:
        said.append(
            f"data modified: {few_of(new)} holds bytes that its pointer does not name; "
            f"`dvc add {quote(new[0])}` records them"
        )
    return ["; ".join(said)] if said else []


def results_among(project: Project, paths: Sequence[str]) -> set[str]:
    """Tell which untracked files, named from the top, runs have written; params are the user's."""
    named = {project.relative(path) for path in params_files(project)}
    written = written_by_runs(project.own_room, project.git.place.top, paths)
    return written - named


def _lacks(project: Project, snapshot: Snapshot) -> list[str]:
    """Say what the snapshot lacks: code at every run, all else once."""
    said = []
    if snapshot.refused:
        where = [f"{path} ({why})" for path, why in snapshot.refused.items()]
        said.append(f"code incomplete: what cannot be held is {few_of(where)}")
    others = [path for path in snapshot.incomplete if path not in snapshot.refused]
    if others:
        names = ", ".join(in_short(others))
        said.append(
            f"code incomplete: {names}. git ignores it, or it is secret, too large, outside or "
            "another repository's: no version tells what ran"
        )
    if snapshot.secrets:
        where = [f"{path} ({at})" for path, at in snapshot.secrets.items()]
        said.append(
            "not in the code of this run, because a secret stands there, or could: "
            f"{few_of(where)}. Have it in the environment; what is none: `snapshot.allow` in the "
            "settings"
        )
    if refused := project.refused_patterns():
        said.append(
            f"the project's settings want {few_of(sorted(refused))} in the code of runs, though it "
            "looks like secrets; `xvc trust` allows it"
        )
    if snapshot.absent:
        first = snapshot.absent[0]
        said.append(
            f"submodules that are not here: {few_of(snapshot.absent)}; "
            f"`git submodule update --init {quote(first)}` brings it"
        )
    if snapshot.written:
        said += unnamed_results(project, snapshot.written)
    said += _too_much(project, snapshot)
    return said


def _too_much(project: Project, snapshot: Snapshot) -> list[str]:
    told = (*snapshot.incomplete, *snapshot.secrets, *snapshot.absent)
    results = {*in_short(snapshot.written), *told}
    large = [name for name in snapshot.left_out if name not in results]
    fresh = not_named_yet(project.own_room, [name.partition(" (")[0] for name in large])
    new = [name for name in large if name.partition(" (")[0] in fresh]
    if not new:
        return []
    return [
        f"not in the code of this run: {few_of(new)}; too many, too large, secret or another "
        "repository. What is data belongs to `dvc add` or .gitignore, what is code to `git add`"
    ]


def unnamed_results(project: Project, paths: Sequence[str]) -> list[str]:
    """Say once of files that runs wrote that they are no code, and what can be done with them."""
    names = names_once(paths)
    fresh = {*not_named_yet(project.own_room, names.values())}
    new = [path for path in paths if names[path] in fresh]
    if not new:
        return []
    return [
        f"{few_of(in_short(new))}: written by a run, so no code of later runs. "
        "To keep it with its run, name it with --out or --model; else ignore it in .gitignore"
    ]


def _code(
    project: Project,
    state: TreeState | None,
    snapshot: Snapshot | None,
    environment: Environment,
) -> RunCode:
    if state is None or project.place is None:
        return RunCode()
    place = (project.home.place if project.home else None) or project.place
    code = RunCode(
        commit=state.commit,
        branch=state.branch,
        worktree=place.tree,
        unheld=environment.in_place,
    )
    if snapshot is None:
        return replace(code, is_dirty=bool(state.changed or state.untracked))
    return replace(
        code,
        snapshot=snapshot.commit,
        is_dirty=snapshot.is_dirty,
        left_out=snapshot.left_out,
        incomplete=snapshot.incomplete,
        unheld={
            **code.unheld,
            **unheld_digests(
                project.git, [path for path in snapshot.incomplete if path not in snapshot.secrets]
            ),
        },
    )


def _folder(project: Project, folder: Path) -> str:
    try:
        return folder.resolve().relative_to(project.root).as_posix()
    except ValueError:
        return str(folder)


def environment_now(project: Project, program: str | None, warnings: list[str]) -> Environment:
    """Describe what a program would run on here, now."""
    version = _try(project.git.version, warnings) if project.place else None
    path = project.environment.get("PATH", "")
    environment = describe_environment(program, path, git=version, state_of=_state_of(project))
    variables = _variables(project, warnings)
    return replace(environment, variables=variables)


def _state_of(project: Project) -> Callable[[Path], str] | None:
    if project.place is None:
        return None

    def state(folder: Path) -> str:
        from xvc.recording.code_in_place import state_in_place  # late: few install in place

        return state_in_place(project.git, folder)

    return state


def _variables(project: Project, warnings: list[str]) -> dict[str, str]:
    """Read the variables that the settings name, and that the user lets be recorded."""
    named = project.settings.environment_variables
    refused = set(project.asked_variables()) - project.trusted.variables if named else set()
    if refused:
        names = ", ".join(f"${name}" for name in sorted(refused))
        warnings.append(
            f"the project's settings ask for {names}; `xvc trust` lets them be recorded"
        )
    held = {key: project.environment[key] for key in named if key in project.environment}
    return {key: str(text) for key, text in mask_values(held).items() if key not in refused}


@dataclass(slots=True)
class FileParams:
    """What params files said: the paths of those not read in full, and each file's keys.

    ``told`` are keys that the command's own options say over them, ``declared`` what options the
    scripts declare.
    """

    unread: list[str] = field(default_factory=list)
    keys: dict[Path, tuple[str, ...]] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)
    declared: Declared = field(default_factory=Declared)

    def only_in(self, path: Path, asked: Collection[str]) -> tuple[str, ...]:
        """List the keys that nothing but a file says."""
        return tuple(key for key in self.keys[path] if key not in self.told and key not in asked)


def _said(
    project: Project,
    command: Sequence[str],
    folder: Path,
    asked: Collection[str],
    warnings: list[str],
    read: FileParams,
) -> dict[str, Json]:
    """Params that files say, and over them those that the command's own options say."""
    found = file_params(project, warnings, read)
    if project.settings.params_options:
        with best_effort(warnings):
            declared = read.declared = declared_options(command, folder)
            words, _ = handed_on(command, scripts_in(folder))
            options = option_params(words, {*found, *asked}, declared)
            for key, said in _in_dispute(words, folder, options, declared).items():
                warnings.append(
                    f"{key} is not on record: the command says {options.pop(key)}, {said}"
                )
                found.pop(key, None)
            read.told |= options.keys()
            found |= {key: parse_typed(text).value for key, text in options.items()}
    return found


def declared_options(command: Sequence[str], folder: Path) -> Declared:
    """Read which options the scripts that a command names declare."""
    return declared_in(script_text(command, folder))


def _in_dispute(
    words: Sequence[str], folder: Path, options: Mapping[str, str], declared: Declared
) -> dict[str, str]:
    """Find options that a Python file behind them gives another value, as nanoGPT reads both.

    Which of the two counts, the script alone knows.
    """
    files = [at for at, word in enumerate(words) if word.endswith(".py")]
    found: dict[str, str] = {}
    text_of = scripts_in(folder)
    for at in files if "-m" in words else files[1:]:  # first, the script
        with suppress(ValueError, RecursionError, MemoryError):
            values = python_values(text_of(words[at]))
            for key in (
                option_params(words[:at], (), declared).keys() & values.keys() & options.keys()
            ):
                if parse_typed(options[key]).value != values[key]:
                    found[key] = f"and {words[at]} behind it says {values[key]!r}"
    return found


def file_params(
    project: Project, warnings: list[str], noted: FileParams | None = None
) -> dict[str, Json]:
    """Read what the params files say, and note where."""
    noted = FileParams() if noted is None else noted
    problems = [each for every in project.pipelines().values() for each in every.problems]
    said = [f"{each}. {each.hint}" for each in problems]
    warnings += [text for text in said if text not in warnings]
    read: dict[str, Mapping[str, Json]] = {}
    for path, keys in (_try(lambda: _declared_params(project), warnings) or {}).items():
        noted.unread.append(project.relative(path))
        name = os.path.relpath(path, project.root)
        with best_effort(warnings), _without_params(path, name):
            values = read_told(path, keys)
            read[name] = values.values
            warnings += values.warnings
            if values.is_whole:
                noted.unread.pop()
    warnings += project.unread
    for name, names in names_apart(read).items():
        noted.keys[project.root / name] = tuple(names.values())
    return apart(read)


@contextmanager
def _without_params(path: Path, name: str) -> Iterator[None]:
    """Say of a file that cannot be read what follows from it."""
    try:
        yield
    except FileNotFoundError as err:
        why = "the setting params.files names it, and it is not there"
        if path.is_symlink():
            why = (
                f"it is a link to {os.readlink(path)}, where nothing is; runs have no params of it"
            )
        raise BadValue(name, why) from err
    except (BadValue, OSError) as err:
        why = err.reason if isinstance(err, BadValue) else err.strerror or str(err)
        if isinstance(err, OSError) and err.errno == errno.ELOOP:
            why = "it is a link to itself"
        raise BadValue(name, f"{why}; until it is mended, runs have no params of it") from err


def apart(read: Mapping[str, Mapping[str, Json]]) -> dict[str, Json]:
    """Join the values of several files; DVC's rule names a key that two have with its file.

    >>> apart({"a.json": {"acc": 1, "n": 2}, "b.json": {"acc": 3}})
    {'a.json:acc': 1, 'n': 2, 'b.json:acc': 3}
    """
    names = names_apart(read)
    return {
        names[file][key]: value for file, values in read.items() for key, value in values.items()
    }


def names_apart(read: Mapping[str, Mapping[str, Json]]) -> dict[str, dict[str, str]]:
    """Map the keys of each file to what they are called beside those of the others."""
    counts = Counter(key for values in read.values() for key in values)
    return {
        file: {key: key if counts[key] == 1 else f"{file}:{key}" for key in values}
        for file, values in read.items()
    }


_USUAL = "params.yaml"


def _declared_params(project: Project) -> dict[Path, tuple[str, ...]]:
    """Map the params files to the keys that count; none: all of them.

    params.yaml is one if it is there; `xvc init` names it for whoever comes to have one.
    """
    declared: dict[Path, tuple[str, ...]] = {
        project.root / name: () for name in declared_names(project)
    }
    for pipeline in project.pipelines().values():
        for name, keys in pipeline.params_files().items():
            if _is_inside(name):
                declared.setdefault(project.top / name, keys)
    named = {project.root / name for name in project.settings.params_files if name != _USUAL}
    return {
        path: keys
        for path, keys in declared.items()
        if project.may_read(path) and (os.path.lexists(path) or path in named)
    }


def declared_names(project: Project) -> tuple[str, ...]:
    """Name the files that say nothing but params, from the project's root."""
    return project.settings.params_files or (_USUAL,)


def params_files(project: Project) -> list[Path]:
    """List the params files: from the settings, else params.yaml, and what pipelines name."""
    return [path for path in _declared_params(project) if path.is_file()]


def metrics_files(project: Project) -> list[Path]:
    """List the metric files, whether they exist or not: from the settings and from pipelines."""
    named = [project.root / name for name in project.settings.metrics_files]
    found = [file for place in named for file in _expanded(project, place)]
    return list(dict.fromkeys([*found, *pipeline_metrics(project)]))


def pipeline_metrics(project: Project, stages: Collection[str] | None = None) -> list[Path]:
    """List the metric files that the stages of pipelines declare, whether they exist or not.

    With *stages*, named in full, only those of these.
    """
    pipelines = project.pipelines().items()
    declared = [
        name for file, each in pipelines for name in each.metric_files(_of_file(file, stages))
    ]
    named = [name for name in declared if _is_inside(name)]
    return [file for name in named for file in _expanded(project, project.top / name)]


def _of_file(file: str, stages: Collection[str] | None) -> set[str] | None:
    """Name the stages of one ``dvc.yaml`` as it does; None stands for all of them."""
    if stages is None:
        return None
    return {name.removeprefix(f"{file}:") for name in stages if name.startswith(f"{file}:")}


def _is_inside(name: str) -> bool:
    """Whether a pipeline names a file of the tree: a clone decides of no other."""
    return not name.startswith(("/", "../")) and name != ".."


def lock_files(project: Project) -> list[Path]:
    """List the locks of the project's pipelines that are there."""
    return [place for name in project.locks() if (place := project.top / name).is_file()]


def _expanded(project: Project, place: Path) -> list[Path]:
    """List the files of a folder of metrics, as DVC does; a file stands for itself."""
    if not project.may_read(place):
        return []
    if not place.is_dir():
        return [place]
    return sorted(path for path in place.rglob("*") if path.is_file())


def _without_code(project: Project) -> list[str]:
    """Say that a repository which only variables name is not looked at."""
    said = [project.environment.get(name) for name in ("GIT_DIR", "GIT_WORK_TREE")]
    named, tree = (Path(os.path.abspath(project.root / (each or ""))) for each in said)
    if not all(said) or not (named / "HEAD").is_file() or not project.root.is_relative_to(tree):
        return []
    return [
        f"only GIT_DIR says that this is the work tree of {named}: the run is recorded without "
        "its code, and gets no version; `xvc init` says what to do"
    ]


def _try(step: Callable[[], T], warnings: list[str]) -> T | None:
    """Take one step of the record; what goes wrong is said, and the run goes on."""
    with best_effort(warnings):
        return step()
    return None
