"""What the commands on sweeps share: the folder of each, its notes, and the state of its trials.

A sweep is written down before anything starts, in the private room; its notes are only added to.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from xvc.core.run import RunRecord
from xvc.core.sweep import Note, Sweep, Trial, trials_of
from xvc.errors import AmbiguousRun, CorruptError, NotFoundError, error
from xvc.executors.local import is_live
from xvc.history.other_stores import other_stores
from xvc.project import Project
from xvc.recovery.lost_runs import opened
from xvc.store import edits, query
from xvc.system.files import make_folder, write_durably
from xvc.system.lock import FileLock
from xvc.types import Json, RunId

_FACTS = "sweep.json"


@error("no-sweep")
class NoSweep(NotFoundError):
    """No sweep answers to a name."""

    name: str
    way = "`xvc sweep --param lr=0.1,0.01 -- python train.py` begins one and says its name."

    def __str__(self) -> str:
        return f"there is no sweep {self.name!r}" if self.name else "no sweep was begun here yet"


@error("bad-note")
class BadNote(CorruptError):
    """What was written down of a sweep cannot be read."""

    path: str
    reason: str
    says = "{path}: {reason}"
    way = "Its runs are safe, `xvc ls` shows them; the sweep itself cannot go on."


@dataclass(frozen=True)
class Folder:
    """Where a sweep is written down."""

    path: Path

    @cached_property
    def lock(self) -> FileLock:
        """Held by the one process that starts trials."""
        return FileLock(self.path / "lock")

    @property
    def stop(self) -> Path:
        """There as long as the sweep is to stop."""
        return self.path / "stop"

    @property
    def points(self) -> Path:
        """Optuna's journal."""
        return self.path / "optuna.log"

    def log(self, number: int, attempt: int) -> Path:
        """Name the file that gets what a trial prints."""
        return self.path / "logs" / f"{number}.{attempt}.log"

    def save(self, sweep: Sweep) -> None:
        """Write a sweep down, on the disk when this returns."""
        make_folder(self.path / "logs")
        text = json.dumps(sweep.facts, ensure_ascii=False, indent=1)
        write_durably(self.path / _FACTS, text.encode())

    @property
    def has_begun(self) -> bool:
        """Whether any trial ever began; its log is the first that it writes."""
        return any((self.path / "logs").iterdir())

    def forget(self) -> None:
        """Remove all that was written down."""
        (self.path / _FACTS).unlink()  # first: without it, nothing is a sweep
        shutil.rmtree(self.path)

    def load(self) -> Sweep:
        """Read the sweep.

        Raises:
            BadNote: it cannot be read.
        """
        path = self.path / _FACTS
        try:
            return Sweep.from_facts(json.loads(path.read_bytes()))
        except (OSError, ValueError, KeyError, TypeError) as err:
            raise BadNote(str(path), f"{type(err).__name__}: {err}") from err

    def note(self, kind: str, number: int, **facts: Json) -> Note:
        """Add a note, on the disk when this returns."""
        note = Note(kind, number, time.time_ns(), facts)
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        descriptor = os.open(self._notes, flags, 0o666)
        try:
            size = os.fstat(descriptor).st_size
            is_torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
            os.write(descriptor, (b"\n" if is_torn else b"") + note.line())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        return note

    def notes(self) -> list[Note]:
        """Read the notes in order; a torn one is passed over."""
        if not self._notes.exists():
            return []
        lines = self._notes.read_bytes().splitlines()
        return [note for line in lines if (note := Note.read(line)) is not None]

    @property
    def _notes(self) -> Path:
        return self.path / "notes.jsonl"


def folder_of(project: Project, sweep_id: str) -> Folder:
    """Name the folder of a sweep."""
    return Folder(project.room.sweeps / sweep_id)


def sweep_ids(project: Project) -> list[str]:
    """List the sweeps that were begun here, the newest last."""
    return sorted(each.parent.name for each in project.room.sweeps.glob(f"*/{_FACTS}"))


def sweep_named(project: Project, name: str | None) -> tuple[Sweep, Folder]:
    """Find a sweep by its id or the beginning of it; without a name the last one.

    Raises:
        NoSweep: there is none.
        AmbiguousRun: several begin so.
        BadNote: it cannot be read.
    """
    home = project.room.sweeps
    held = [path for path in home.iterdir() if (path / _FACTS).exists()] if home.is_dir() else []
    fitting = [Folder(path) for path in held if path.name.startswith(name or "")]
    if not fitting:
        raise NoSweep(name or "")
    if name is not None and len(fitting) > 1:
        raise AmbiguousRun(name, tuple(sorted(each.path.name for each in fitting)))
    found = [(folder.load(), folder) for folder in fitting]
    return max(found, key=lambda pair: pair[0].created)


def home_of(project: Project, sweep: Sweep) -> Project:
    """Find the project whose store keeps the runs of a sweep, from any tree of the repository.

    Those of a tree that was merged and removed are in the store of the tree that asks, as are those
    of a copy of the repository.
    """
    if str(project.root) == sweep.root or not Path(sweep.root).is_dir():
        return project
    there = Project.find(Path(sweep.root), project.environment)
    return there if there.room.folder == project.room.folder else project  # else we are a copy


def runs_of(home: Project, sweep: Sweep, number: int | None = None) -> list[RunRecord]:
    """Read the runs of a sweep, or of one trial (and others); those of dead processes are lost."""
    with opened(home) as connection:
        return query.named_below(connection, f"{sweep.id}/{'' if number is None else number}")


def trials(home: Project, sweep: Sweep, folder: Folder) -> dict[int, Trial]:
    """Compute the state of the trials that were asked for, by number."""
    notes = folder.notes()
    starts = starts_of(notes)
    # First who lives, then the runs: one that ends in between has said so by then.
    live = {n for n in starts if is_live(folder.log(n, starts[n]))}
    runs = runs_of(home, sweep)
    runs += _runs_elsewhere(home, sweep, starts.keys() - live, {run.name for run in runs})
    return dict(sorted(trials_of(notes, runs, live, sweep.request.metric, sweep.id).items()))


def one_trial(home: Project, sweep: Sweep, folder: Folder, number: int) -> Trial:
    """Compute the state of one trial that was asked for, and whose process has ended.

    Whether its log is still locked is not asked: by a process that it left, for a moment.
    """
    runs = runs_of(home, sweep, number)
    return trials_of(folder.notes(), runs, set(), sweep.request.metric, sweep.id)[number]


def _runs_elsewhere(
    home: Project, sweep: Sweep, started: Iterable[int], known: Collection[str | None]
) -> list[RunRecord]:
    """Read the runs of trials that this store lacks: their tree may be removed and not merged."""
    missing = {f"{sweep.id}/{number}" for number in started} - {*known}
    if not missing:
        return []
    with opened(home) as connection:
        gone = edits.deletions(connection)
    found: dict[RunId, RunRecord] = {}
    for other in other_stores(home):
        runs = query.named_below(other.connection, f"{sweep.id}/")
        found = {run.id: run for run in runs if run.name in missing and run.id not in gone} | found
    return [*found.values()]


def starts_of(notes: list[Note]) -> dict[int, int]:
    """Map each trial that was ever started to the number of its last attempt."""
    return {
        note.number: int(str(note.facts["attempt"])) for note in notes if note.kind == "started"
    }


def slots_of(notes: list[Note]) -> dict[int, int]:
    """Map each trial that was ever started to the slot of its last attempt."""
    return {note.number: int(str(note.facts["slot"])) for note in notes if note.kind == "started"}


def load_sweep(project: Project, sweep_id: str) -> Sweep:
    """Read a sweep that was begun here, by its whole id.

    Raises:
        NoSweep: none here has it.
        BadNote: it cannot be read.
    """
    folder = folder_of(project, sweep_id)
    if not (folder.path / _FACTS).exists():
        raise NoSweep(sweep_id)
    return folder.load()
