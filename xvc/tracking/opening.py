"""Where a Tracker writes: the run that ``xvc run`` hands down, or one that it begins itself."""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

from xvc.core.byte_text import as_path, as_text
from xvc.core.ids import is_run_id, run_id
from xvc.core.run_context import VARIABLE, RunContext
from xvc.errors import BadValue, XvcError
from xvc.journal.layout import Room
from xvc.journal.writer import Journal
from xvc.tracking.null_journal import Unkept
from xvc.tracking.options import SKIP_INSERT, Options, StrPath
from xvc.types import Json, RunId

if TYPE_CHECKING:
    from xvc.project import Project

IN_MEMORY = ":memory:"


@dataclass(slots=True)
class Opened:
    """A run to log into; with ``owns_run`` the tracker that opened it also ends it.

    ``exit_code`` is where the code of a process is left that ends it before its code is known;
    ``last_words`` is the folder of those of workers whose pool ends them without a word;
    ``unheld`` lists at the end what ran and is not held;
    ``room`` is the private folder, None where nothing is kept.
    """

    track_id: RunId
    store: Path
    root: Path
    journal: Journal | Unkept
    owns_run: bool
    warnings: tuple[str, ...] = ()
    passing: Path | None = None
    context: RunContext | None = None
    at_end: Callable[[], None] = lambda: None
    unheld: Callable[[], list[str]] = list
    exit_code: Path | None = None
    last_words: Path | None = None
    room: Path | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class WantedRun:
    """Which run: what to call one that is begun, or the id or name of one to go on with.

    ``track_id`` is the id of a run to go on with, or that one is begun with.
    """

    name: str | None = None
    note: str | None = None
    nested: bool = False
    run: str | None = None
    resume: bool = False
    track_id: str | None = None

    def __post_init__(self) -> None:
        if self.track_id is not None and not is_run_id(self.track_id):
            way = "take one from Tracker.generate_track_id(); name= calls a run as you like"
            raise BadValue("track_id", f"{self.track_id!r} is no id of a run; {way}")
        if self.track_id is not None and self.run is not None:
            raise BadValue("track_id", "say it or run=, not both")
        if self.resume and not self.run:
            raise BadValue("resume", "name the run to go on with: run=ID or run=NAME")


def open_run(db: StrPath | None, options: Options, wanted: WantedRun) -> Opened:
    """Join the run that the environment names, when *db* is its store; else begin one.

    A *nested* one is begun in any case, as a child of the run that the environment names.

    Raises:
        NoRun: the run to go on with is named by its id, and there is none.
        AmbiguousRun: several runs answer to it.
        BadValue: ``run=`` without ``resume=True``; ``track_id=`` is no id of a run.
        NotAStore: *db* is something else.
        JournalFailed: nothing can be written.
    """
    context = RunContext.decode(os.environ.get(VARIABLE, ""))
    if db == SKIP_INSERT:
        return _skip(options, context, wanted)
    db = db if db is None or db == IN_MEMORY else as_path(db)
    if wanted.run is not None or wanted.track_id is not None:
        return _go_on(db, options, wanted, context.run if context else None)
    is_joined = context is not None and not wanted.nested
    if context is not None and is_joined and (db is None or context.is_store(Path(db).resolve())):
        return _join(context)
    return _begin(db, options, wanted, context.run if context else None)


def commit_of(folder: Path) -> dict[str, object]:
    """Return the commit of a folder's repository as ``git_commit_hash``; nothing without one."""
    from xvc.git.commands import Git, find  # late: for those who named a repository

    place = find(folder.resolve())
    commit = Git(place, os.environ).commit_of("HEAD") if place is not None else None
    return {} if commit is None else {"git_commit_hash": commit}


def _skip(options: Options, context: RunContext | None, wanted: WantedRun) -> Opened:
    joined = context.run if context is not None else run_id(os.urandom(8))
    run = RunId(wanted.track_id) if wanted.track_id is not None else joined
    place = Path(SKIP_INSERT)
    return Opened(run, place, options.folder, Unkept(), owns_run=False, context=context)


def _join(context: RunContext) -> Opened:
    from xvc.system.process_id import current_owner  # late: only where a run is joined

    facts: dict[str, Json] = {"owner": str(current_owner()), "store": as_text(context.store)}
    journal = Journal(context.folder, facts, sync_seconds=context.sync_seconds)
    from xvc.system.loaded_modules import leave_own_files, script_now  # late: as above

    place = Room(Path(context.room)).modules_of(context.run)
    atexit.register(leave_own_files, script_now(), place)
    return Opened(
        track_id=context.run,
        store=Path(context.store),
        root=Path(context.root),
        journal=journal,
        owns_run=False,
        context=context,
        room=Path(context.room),
    )


def _go_on(db: StrPath | None, options: Options, wanted: WantedRun, parent: RunId | None) -> Opened:
    """Go on with a run; one that nobody has begun yet is begun under that name or id."""
    from xvc.tracking.resuming import resumed  # late: reads the store

    if wanted.run is not None and not wanted.resume:
        said = f"add resume=True to go on with {wanted.run!r}; name= calls a new run so"
        raise BadValue("run", said)
    parent = parent if wanted.track_id is not None else None
    if db == IN_MEMORY:  # no run is there yet, whatever it is called
        return _begin(db, options, wanted, parent)
    project = _project_for(None if db is None else Path(db), options.folder)
    found = resumed(project, str(wanted.run or wanted.track_id), may_begin=wanted.run is None)
    if found is None:
        return _begin(db, options, wanted, parent)
    run, journal, is_ours = found
    end = _at_end(project, run) if is_ours else lambda: None
    return Opened(
        track_id=run,
        store=project.store_path,
        root=project.root,
        journal=journal,
        owns_run=is_ours,
        at_end=end,
        exit_code=_exit_code(project, run),
        last_words=project.room.last_words,
        room=project.room.folder,
        name=wanted.run,
    )


def _begin(
    db: StrPath | None,
    options: Options,
    wanted: WantedRun,
    parent: RunId | None,
) -> Opened:
    from xvc.core.run import Origin
    from xvc.recording.begin_run import begin  # late: loads yaml and asks git

    passing = Path(mkdtemp(prefix="xvc-memory-")) if db == IN_MEMORY else None
    place = passing / "memory.duckdb" if passing else db
    folder = options.folder
    project = _project_for(None if place is None else Path(place), folder)
    begun = begin(
        project,
        sys.argv,
        folder=folder,
        params={},
        origin=Origin(parent=parent),
        name=wanted.name or wanted.run,
        note=wanted.note,
        run=None if wanted.track_id is None else RunId(wanted.track_id),
    )
    if project.room.folder.parent == project.store_path.parent:
        _hide(project.room.folder)
    if begun.snapshot is not None:
        begun.snapshot.index.unlink(missing_ok=True)
    return Opened(
        track_id=begun.record.id,
        store=project.store_path,
        root=project.root,
        journal=begun.journal,
        owns_run=True,
        warnings=(
            *begun.warnings,
            *_of_name(project, speaks=options.warnings),
            *_of_passing(project),
        ),
        passing=passing,
        at_end=_at_end(project, begun.record.id) if passing is None else lambda: None,
        unheld=_unheld(project),
        exit_code=_exit_code(project, begun.record.id) if passing is None else None,
        last_words=project.room.last_words if passing is None else None,
        room=project.room.folder,
        name=wanted.name or wanted.run,
    )


def _project_for(place: Path | None, folder: Path) -> Project:
    from xvc.project import Project  # late: joining needs it not

    project = Project.find(folder, os.environ)
    found = project if place is None else _kept_in(project, place.resolve(), folder)
    if found.is_alone:
        return found
    from xvc.recording.passing_folders import lasting  # late: as above

    return lasting(found)


def _of_passing(project: Project) -> tuple[str, ...]:
    from xvc.recording.passing_folders import warning_of  # late: as above

    said = warning_of(project)
    return () if said is None else (said,)


def _of_name(project: Project, *, speaks: bool) -> tuple[str, ...]:
    if "?" not in str(project.store_path.absolute()):
        return ()
    from xvc.store.db import StoreMisnamed  # late: nobody else needs it

    rows, words = project.room.journals, StoreMisnamed(str(project.store_path), "")
    said = f"{words}. The rows are kept in {rows}; rename what has the question mark"
    if speaks:
        warnings.warn(said, RuntimeWarning, stacklevel=5)
    return (said,)


def _at_end(project: Project, run: RunId) -> Callable[[], None]:
    if project.place is None:
        return lambda: _fold(project)
    from xvc.recording.run_times import note_end  # late: as above

    room = project.own_room
    return lambda: note_end(room, run)


def _unheld(project: Project) -> Callable[[], list[str]]:
    """List at the end what this process ran and git does not hold, as far as it can be found."""
    if project.place is None:
        return list
    from xvc.system.loaded_modules import own_files, script_now  # late: as above

    script = script_now()
    searched = os.environ.get("PYTHONPATH", "")

    def listed() -> list[str]:
        from xvc.recording.unheld_code import unheld_modules  # late: as above

        with contextlib.suppress(XvcError, OSError):
            files = own_files(script)
            if len(files) < 2:
                return []  # the script alone, which was looked at when the run began
            found = unheld_modules(project.git, files, (), project.root, searched)
            return [as_text(name) for name in found]
        return []

    return listed


def _exit_code(project: Project, run: RunId) -> Path:
    return project.room.exit_codes / run


def _fold(project: Project) -> None:
    """Make the store a DuckDB file that has the run; what cannot be done now the next call does."""
    if project.store_path.parent.is_dir():
        with contextlib.suppress(XvcError, OSError):
            project.keeper.refresh(wait=0.0)


def _kept_in(project: Project, store: Path, folder: Path) -> Project:
    """Choose the store that keeps the runs: of this project, of another, or on its own."""
    from xvc.project import Project  # late: as above
    from xvc.store.path_check import refuse_other_files

    home = Project.of_store(store, os.environ, project)
    if home is project:
        return project
    if not home.is_alone:
        return project.recorded_in(home)
    alone = Project.find(folder, os.environ, {"database": str(store)})
    if store.exists():
        refuse_other_files(store, alone.room)
    return alone


def _hide(folder: Path) -> None:
    from xvc.system.files import add_line  # late: only outside a repository

    with contextlib.suppress(OSError):  # journals beside a store are no code of anyone's
        add_line(folder / ".gitignore", "*")
