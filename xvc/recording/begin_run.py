"""Beginning a run: what it is made of, written down before anything runs.

Shared by ``xvc run`` and by a Tracker that stands alone. Whatever git, DVC or a settings file
refuses becomes a warning: a run is recorded with what is known.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from xvc.core.ids import run_id
from xvc.core.record import Kind, environment_facts, facts_of
from xvc.core.run import Code, Environment, RunRecord
from xvc.core.secrets import mask_argv, mask_values
from xvc.errors import JournalFailed, XvcError
from xvc.git.commands import State
from xvc.git.snapshot import Snapshot, take
from xvc.journal.fallback_dir import make_refuge
from xvc.journal.writer import Journal
from xvc.project import Project
from xvc.recording.command_params import option_values
from xvc.system.environment import describe_environment, environment_digest
from xvc.system.lock import current_owner
from xvc.system.value_files import metric_files_of, params_files_of, parse_typed, read_told
from xvc.types import Json, Nanoseconds, RunId

T = TypeVar("T")


@dataclass(slots=True)
class Begun:
    """A run that exists: its record so far, its journal, and what went wrong on the way."""

    record: RunRecord
    journal: Journal
    snapshot: Snapshot | None = None
    warnings: list[str] = field(default_factory=list)


def begin(
    project: Project,
    command: Sequence[str],
    *,
    folder: Path,
    params: Mapping[str, Json],
    outs: Collection[str] = (),
    name: str | None = None,
    note: str | None = None,
    parent: RunId | None = None,
    program: str | None = None,
) -> Begun:
    """Take the code snapshot, append *started* and put it on the disk: from here the run exists.

    Raises:
        BadSetting: the settings cannot be read.
        JournalFailed: there is no place at all to write to.
    """
    run = run_id(os.urandom(8))
    warnings: list[str] = []
    state = _try(project.git.state, warnings) if project.place else None
    snapshot = _try(lambda: _snapshot(project, run, state), warnings) if state else None
    untracked = state.untracked if state else ()
    data = _try(lambda: project.data_inputs(untracked, outs), warnings) or {}
    environment = _environment(project, program, warnings)
    record = RunRecord(
        id=run,
        name=name,
        parent=parent,
        code=_code(project, state, snapshot),
        data=data,
        command=mask_argv(command),
        folder=_folder(project, folder),
        params=mask_values({**_said(project, command, warnings), **params}),
        started=Nanoseconds(time.time_ns()),
        host=socket.gethostname(),
        owner=str(current_owner()),
        environment=environment_digest(environment),
        note=note,
    )
    journal = _write_down(project, record, environment, warnings)
    return Begun(record, journal, snapshot, warnings)


def _write_down(
    project: Project, record: RunRecord, environment: Environment, warnings: list[str]
) -> Journal:
    """Write the beginning where it belongs, else in the temporary folder, with a warning."""
    try:
        return _started(open_journal(project), record, environment)
    except JournalFailed as err:
        try:
            folder = make_refuge(project.room.journals)
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
    journal.note(Kind.ENVIRONMENT, record.id, facts)
    journal.note(Kind.BEGIN, record.id, facts_of(record))
    journal.flush()
    return journal


def open_journal(project: Project, folder: Path | None = None) -> Journal:
    """Open a journal of this process, where it belongs unless *folder* is named.

    Raises:
        JournalFailed: the file cannot be made.
    """
    facts: dict[str, Json] = {"owner": str(current_owner()), "store": str(project.store_path)}
    sync = project.settings.journal_sync
    return Journal(folder or project.room.journals, facts, sync_seconds=sync)


def _snapshot(project: Project, run: RunId, state: State) -> Snapshot:
    most = project.settings.snapshot_limit
    return take(project.git, run, state, most_bytes=most, scratch=project.room.scratch)


def _code(project: Project, state: State | None, snapshot: Snapshot | None) -> Code:
    if state is None or project.place is None:
        return Code()
    place = (project.home.place if project.home else None) or project.place
    code = Code(commit=state.commit, branch=state.branch, worktree=place.tree)
    if snapshot is None:
        return replace(code, is_dirty=bool(state.changed or state.untracked))
    return replace(
        code,
        snapshot=snapshot.commit,
        is_dirty=snapshot.is_dirty,
        left_out=snapshot.left_out,
    )


def _folder(project: Project, folder: Path) -> str:
    try:
        return folder.resolve().relative_to(project.root).as_posix()
    except ValueError:
        return str(folder)


def _environment(project: Project, program: str | None, warnings: list[str]) -> Environment:
    version = _try(project.git.version, warnings) if project.place else None
    environment = describe_environment(program, project.environment.get("PATH", ""), git=version)
    named = project.settings.environment_variables
    variables = {key: project.environment[key] for key in named if key in project.environment}
    return replace(environment, variables=variables)


def _said(project: Project, command: Sequence[str], warnings: list[str]) -> dict[str, Json]:
    """Params that files say, and over them those that the command's own options say."""
    found = _file_params(project, warnings)
    if project.settings.params_options:
        found |= {key: parse_typed(text).value for key, text in option_values(command).items()}
    return found


def _file_params(project: Project, warnings: list[str]) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for path in params_files(project):
        told = _try(lambda path=path: read_told(path), warnings)  # type: ignore[misc]
        if told is not None:
            found |= told.values
            warnings += told.warnings
    return found


def params_files(project: Project) -> list[Path]:
    """List the params files: from the settings, else params.yaml and what dvc.yaml names."""
    named = list(project.settings.params_files)
    if not named:
        named = ["params.yaml", *params_files_of(project.root / "dvc.yaml")]
    return [path for name in dict.fromkeys(named) if (path := project.root / name).is_file()]


def metrics_files(project: Project) -> list[Path]:
    """List the metric files, whether they exist or not: from the settings and from dvc.yaml."""
    named = [*project.settings.metrics_files, *metric_files_of(project.root / "dvc.yaml")]
    return [project.root / name for name in dict.fromkeys(named)]


def _try(step: Callable[[], T], warnings: list[str]) -> T | None:
    """Take one step of the record; a refusal is said and the run goes on."""
    try:
        return step()
    except (XvcError, OSError) as err:
        hint = err.hint if isinstance(err, XvcError) else ""
        warnings.append(f"{err}. {hint}".rstrip())
        return None
