"""Stopping a sweep from another terminal, and taking failed trials up again."""

from __future__ import annotations

import time

from xvc.core.run import Status
from xvc.core.sweep import Sweep, TrialStatus
from xvc.executors import executor_kind
from xvc.executors.local import tell_to_end
from xvc.project import Project
from xvc.sweeps.cloned_sweeps import sweep_here
from xvc.sweeps.state import SweepStatus, sweep_status
from xvc.sweeps.sweep_folder import Folder, home_of, runs_of, trials
from xvc.sweeps.trees import remove_trees
from xvc.system.process_id import Owner

_WAIT = 120.0  # seconds for running trials to end well
_PAUSE = 0.1


def stop(project: Project, name: str | None) -> SweepStatus:
    """Stop a sweep: its running trials end well, no other begins. Returns when all is quiet.

    A sweep whose scheduler was killed is put in order: what still runs ends, its trees go.

    Raises:
        NoSweep: there is none.
        SweepElsewhere: it was begun in another clone.
        LockBusy: its trials do not end.
    """
    sweep, folder = sweep_here(project, name)
    home = home_of(project, sweep)
    folder.stop.touch()
    with folder.lock.held(wait=_WAIT, doing="sweep stop"):
        _end_orphans(home, sweep, folder)
        remove_trees(home, sweep)
        folder.note("stopped", -1)
        folder.stop.unlink(missing_ok=True)
    return sweep_status(project, sweep.id)


def _end_orphans(home: Project, sweep: Sweep, folder: Folder) -> None:
    executor_kind(sweep.request.executor).end(folder.path)
    deadline = time.monotonic() + _WAIT
    ended: set[str] = set()
    while _running(home, sweep, folder) and time.monotonic() < deadline:
        for run in runs_of(home, sweep):
            if run.status is Status.RUNNING and run.owner and run.id not in ended:
                ended.add(run.id)
                tell_to_end(Owner.parse(run.owner))
        time.sleep(_PAUSE)


def _running(home: Project, sweep: Sweep, folder: Folder) -> bool:
    found = trials(home, sweep, folder).values()
    return any(trial.state is TrialStatus.RUNNING for trial in found)


def requeue_failed(project: Project, name: str | None) -> list[int]:
    """Forget how the failed trials of a sweep ended, so that they are run again.

    Raises:
        NoSweep: there is none.
        SweepElsewhere: it was begun in another clone.
        LockBusy: it is running.
    """
    sweep, folder = sweep_here(project, name)
    with folder.lock.held(wait=0.0, doing="sweep retry"):
        found = trials(home_of(project, sweep), sweep, folder)
        failed = [n for n, trial in found.items() if trial.state is TrialStatus.FAILED]
        for number in failed:
            folder.note("again", number)
    return failed
