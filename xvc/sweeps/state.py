"""How a sweep is: running, stopped, done, or left by a scheduler that was killed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from xvc.core.sweep import State, Sweep, Trial
from xvc.errors import LockBusy
from xvc.project import Project
from xvc.sweeps.drive import Progress, progress
from xvc.sweeps.shared import Folder, home_of, sweep_named, trials


class Condition(StrEnum):
    """What a sweep is doing."""

    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    LEFT = "interrupted"


@dataclass(frozen=True, slots=True)
class Looked:
    """A sweep as it is: its condition, its counts, its trials by number."""

    sweep: Sweep
    condition: Condition
    progress: Progress
    trials: tuple[Trial, ...]


def look(project: Project, name: str | None) -> Looked:
    """Look at a sweep, by the beginning of its id; the last one without.

    Raises:
        NoSweep: there is none.
        AmbiguousRun: several begin so.
        BadNote: it cannot be read.
    """
    sweep, folder = sweep_named(project, name)
    is_driven = _is_driven(folder)
    found = trials(home_of(project, sweep), sweep, folder)
    told = progress(sweep, found.values())
    condition = Condition.RUNNING if is_driven else _at_rest(told, folder)
    return Looked(sweep, condition, told, tuple(found.values()))


def _is_driven(folder: Folder) -> bool:
    try:
        with folder.lock.held(wait=0.0, doing="sweep status"):
            return False
    except LockBusy:
        return True


def _at_rest(told: Progress, folder: Folder) -> Condition:
    if not told.counts[State.WAITING] and not told.counts[State.RUNNING]:
        return Condition.DONE
    notes = folder.notes()
    was_stopped = bool(notes) and notes[-1].kind == "stopped"
    return Condition.STOPPED if was_stopped else Condition.LEFT
