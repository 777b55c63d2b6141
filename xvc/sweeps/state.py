"""How a sweep is: running, stopped, done, or left by a scheduler that was killed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from xvc.core.sweep import Sweep, Trial, TrialStatus, best_of
from xvc.errors import LockBusy
from xvc.project import Project
from xvc.sweeps.cloned_sweeps import ClonedSweep, find_cloned
from xvc.sweeps.drive import Progress, progress
from xvc.sweeps.sweep_folder import Folder, NoSweep, home_of, sweep_named, trials


class SweepState(StrEnum):
    """What a sweep is doing."""

    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    LEFT = "interrupted"
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True, slots=True)
class SweepStatus:
    """A sweep as it is: its condition, its counts, its trials by number.

    Of one that was begun in another clone, ``where`` says in words what is known from where.
    """

    sweep: Sweep
    condition: SweepState
    progress: Progress
    trials: tuple[Trial, ...]
    where: str | None = None


def sweep_status(project: Project, name: str | None) -> SweepStatus:
    """Look at a sweep, by the beginning of its id; the last one without, those begun here first.

    Raises:
        NoSweep: there is none.
        AmbiguousRun: several begin so.
        BadNote: it cannot be read.
    """
    try:
        sweep, folder = sweep_named(project, name)
    except NoSweep:
        there = find_cloned(project, name)
        if there is None:
            raise
        return _elsewhere(there)
    is_driven = _is_driven(folder)
    found = trials(home_of(project, sweep), sweep, folder)
    so_far = progress(sweep, found.values())
    condition = SweepState.RUNNING if is_driven else _at_rest(so_far, folder)
    return SweepStatus(sweep, condition, so_far, tuple(found.values()))


def _elsewhere(found: ClonedSweep) -> SweepStatus:
    sweep, known = found.sweep, tuple(found.trials.values())
    counts = {state: sum(trial.state is state for trial in known) for state in TrialStatus}
    so_far = Progress(
        sweep, counts, best_of(known, sweep.request.direction, sweep.request.repeats_by)
    )
    store = "" if found.where is None else f"; its runs are in the store of {found.where}"
    where = f"begun in another clone, {len(known)} of {sweep.total} trials have runs here{store}"
    return SweepStatus(
        sweep=sweep, condition=SweepState.ELSEWHERE, progress=so_far, trials=known, where=where
    )


def _is_driven(folder: Folder) -> bool:
    try:
        with folder.lock.held(wait=0.0, doing="sweep status"):
            return False
    except LockBusy:
        return True


def _at_rest(so_far: Progress, folder: Folder) -> SweepState:
    if not so_far.counts[TrialStatus.WAITING] and not so_far.counts[TrialStatus.RUNNING]:
        return SweepState.DONE
    notes = folder.notes()
    was_stopped = bool(notes) and notes[-1].kind == "stopped"
    return SweepState.STOPPED if was_stopped else SweepState.LEFT
