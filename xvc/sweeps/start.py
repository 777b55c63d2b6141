"""Beginning a sweep: the code as it is now, and all that was asked for, on the disk."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from xvc.core.ids import run_id
from xvc.core.secret_names import is_secret_name
from xvc.core.sweep import REF, Sampler, Sweep, SweepRequest, TrialCode, command_of
from xvc.errors import XvcError
from xvc.executors import executor_kind
from xvc.executors.shipping import check_store
from xvc.git.snapshot import SWEEPS
from xvc.project import Project
from xvc.sweeps.drive import Progress, SweepOutcome, drive, points_in
from xvc.sweeps.optuna_study import check_sampler
from xvc.sweeps.reach import check_reach, lacking
from xvc.sweeps.request import BadSweep, total_of
from xvc.sweeps.sweep_folder import Folder, folder_of
from xvc.types import Json
from xvc.worktrees.run_trees import code_here, warnings_of_lacking

_ID_LENGTH = 6


def begin_sweep(
    project: Project, request: SweepRequest, folder: str
) -> tuple[Sweep, Folder, tuple[str, ...]]:
    """Write a sweep down; nothing runs yet. Returns it, where it is, and warnings.

    Args:
        project: whose store will keep the runs.
        request: what was asked for.
        folder: where the command runs, from the top of the work tree.

    Raises:
        NoProject: there is no git, so no code could be kept for the trials.
        NoBase: there is no commit yet.
        BadSweep: a ref names no commit.
        BadValue: trials on other machines could have no store like ours.
        NoSampler: the sampler needs Optuna, which is missing.
        NoPackage: what the executor needs is not installed.
        NoScheduler: there is no Dask scheduler at the address.
        NoCluster: SLURM takes no jobs from here.
        BadOptions: SLURM has no such option.
    """
    if project.place is None:
        raise project.no_git()
    # First what only trials need: a sweep that cannot run is not written down.
    check_sampler(request.sampler, prune=request.prune)
    executor_kind(request.executor).check(request)
    if request.away:
        check_store(project.place.top, project.store_path)
    check_reach(project, request, folder)
    name = run_id(os.urandom(8))[:_ID_LENGTH]
    codes, left_out = _codes(project, request, name)
    sweep = Sweep(
        id=name,
        created=time.time_ns(),
        root=str(project.root),
        folder=folder,
        total=total_of(request),
        codes=codes,
        request=request,
    )
    where = folder_of(project, name)
    where.save(sweep)
    kept = _keep_secret(where, request)
    return sweep, where, (*left_out, *kept, *lacking(project, request, folder))


def _keep_secret(where: Folder, request: SweepRequest) -> tuple[str, ...]:
    """Let nobody else read the values of secret params, which a resume needs as they are."""
    names = [key for key in request.space if is_secret_name(key)]
    if not names:
        return ()
    where.path.chmod(0o700)
    return (
        f"the values of {', '.join(names)} stand unmasked in {where.path}, because a resume needs "
        "them; trials can take secrets from the environment instead",
    )


@dataclass(frozen=True, slots=True)
class SweepPlan:
    """What a sweep would try: how many trials, and the command of the first."""

    total: int
    command: tuple[str, ...]
    warnings: tuple[str, ...] = ()


def plan_sweep(project: Project, request: SweepRequest, folder: str) -> SweepPlan:
    """Say what a sweep would try; nothing is written down.

    Raises:
        NoProject: there is no git, so no code could be kept for the trials.
        BadSweep: a param reaches nothing.
        NoSampler: the sampler needs Optuna, which is missing.
    """
    if project.place is None:
        raise project.no_git()
    check_sampler(request.sampler, prune=request.prune)
    check_reach(project, request, folder)
    known = (
        request if request.sampler is not Sampler.TPE else replace(request, sampler=Sampler.RANDOM)
    )
    first = next(points_in(known))
    return SweepPlan(
        total_of(request), command_of(request, first), tuple(lacking(project, request, folder))
    )


def sweep_all(
    project: Project, request: SweepRequest, folder: str, tell: Callable[[Progress], None]
) -> SweepOutcome:
    """Begin a sweep and run it to its end, or until it is stopped.

    One that is refused before any trial could begin is forgotten, as by a cluster that has no such
    partition. Raises what `begin_sweep` and `drive` raise; the arguments are theirs.
    """
    sweep, where, left_out = begin_sweep(project, request, folder)
    try:
        done = drive(project, sweep, where, tell)
    except XvcError:
        if not request.away and not where.has_begun:  # what began away is told at its end
            where.forget()
            project.git.call("update-ref", "-d", SWEEPS + sweep.id)
        raise
    return replace(done, warnings=(*left_out, *done.warnings))


def _codes(
    project: Project, request: SweepRequest, name: str
) -> tuple[dict[str, TrialCode], tuple[str, ...]]:
    git = project.git
    if request.refs:
        found = {ref: git.commit_of(ref) for ref in request.refs}
        missing = [f"ref: {ref} names no commit" for ref, commit in found.items() if not commit]
        if missing:
            raise BadSweep(tuple(missing))
        return {ref: TrialCode(commit, commit) for ref, commit in found.items() if commit}, ()
    here = code_here(project, name, below=SWEEPS)
    return {"": TrialCode(here.base, here.snapshot)}, warnings_of_lacking(here)


def code_of(sweep: Sweep, params: Mapping[str, Json]) -> tuple[str, TrialCode]:
    """Return the ref of a trial ("" without one) and its code."""
    ref = str(params[REF]) if sweep.request.refs else ""
    return ref, sweep.codes[ref]
