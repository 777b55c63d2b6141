"""The state of a project in few words: for whoever has not seen it, or has forgotten."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from xvc.core.direction import Direction
from xvc.core.model import PRODUCTION
from xvc.core.run import RunRecord, Status
from xvc.git.commands import TreeState
from xvc.history.find import known_versions, runs_of, versions_by_run
from xvc.history.judging import judged_alike
from xvc.history.missing import missing_versions, warning_of
from xvc.history.unversioned import taggable, unsaved
from xvc.merging import unfinished
from xvc.models.list import assignments
from xvc.models.stages import current
from xvc.project import Project
from xvc.recording.begin_run import modified_data
from xvc.recovery.lost_runs import opened
from xvc.runs.code_fingerprint import fingerprints
from xvc.runs.digest import (
    FAILED,
    Best,
    Discarded,
    Failed,
    Staged,
    SweptRuns,
    Tried,
    best_runs,
    discarded,
    failures,
    judged,
    sweeps,
    tried,
)
from xvc.runs.list import of_series
from xvc.runs.repeats import with_shared_settings
from xvc.store import query
from xvc.types import RunId
from xvc.worktrees.list import TreeInfo, list_trees

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_SWEEPS, _DISCARDED = 3, 5


@dataclass(frozen=True, slots=True)
class Brief:
    """Where things stand; ``undecided`` is None without an unfinished merge.

    ``changed`` counts files that git has otherwise, or not at all, and data that DVC has otherwise.
    Of ``tried`` there are ``ideas``, of ``discarded`` ``all_discarded`` in all.
    """

    root: str
    branch: str | None
    changed: int
    runs: int
    running: int
    failed: int
    latest_version: str | None
    versions: int
    unsaved_rows: int
    unsaved_runs: int
    taggable: RunId | None
    undecided: int | None
    best: tuple[Best, ...]
    tried: tuple[Tried, ...]
    failures: tuple[Failed, ...]
    trees: tuple[TreeInfo, ...]
    names: dict[RunId, str]
    ideas: int = 0
    discarded: tuple[Discarded, ...] = ()
    all_discarded: int = 0
    luck: str | None = None
    sweeps: tuple[SweptRuns, ...] = ()
    swept: int = 0
    production: tuple[Staged, ...] = ()
    warnings: tuple[str, ...] = ()


def brief(project: Project, series: str | None = None) -> Brief:
    """Look at the runs, the versions and the trees of a project.

    Args:
        project: where.
        series: look at the runs of this series alone; versions and trees are of all.

    Raises:
        BadValue: no run is of that series.
        BadSetting: a declared direction is neither ``max`` nor ``min``.
        BadRecord: the note of a work tree is torn.
        GitFailed: git refused.
    """
    infos = known_versions(project)
    declared = project.settings.metrics_direction
    with opened(project) as connection:
        runs = query.newest(connection)
        counts = query.statuses(connection)
        if series is not None:
            runs = of_series(query.named_below(connection, f"{series}/") or runs, series)
            counts = dict(Counter(run.status.value for run in runs))
        leading = _leading(connection, runs, declared)
        known = query.known_among(connection, runs_of(infos))
    total = sum(counts.values())
    if total > len(runs):
        project.keeper.warnings.append(
            f"what was tried, what failed and sweeps are told of the newest {len(runs):,} of "
            f"{total:,} runs; the counts and the best runs are of all"
        )
    state = project.git.state() if project.place else None
    bad = failures(runs)
    code = fingerprints(project, with_shared_settings(runs))
    swept = sweeps(runs, declared)
    trees = tuple(list_trees(project)) if project.place else ()
    kept, rows = _unsaved_here(project, trees)
    if missing := missing_versions(project, infos, known):
        project.keeper.warnings.append(warning_of(missing))
    merging = unfinished.read(project.room)
    alike = judged_alike(project, leading)
    project.keeper.warnings += [alike.warning] if alike.warning else []
    ideas = tried(runs, code, declared, otherwise=set(alike.others))
    gone = discarded(runs, code)
    return Brief(
        root=str(project.root),
        branch=state.branch if state else None,
        changed=_changed(project, state) if state else 0,
        runs=total,
        running=counts.get(Status.RUNNING, 0),
        failed=sum(counts.get(status, 0) for status in FAILED),
        latest_version=infos[-1].name if infos else None,
        versions=len(infos),
        unsaved_rows=rows,
        unsaved_runs=len(kept),
        taggable=taggable(project, kept),
        undecided=merging.open if merging else None,
        best=tuple(best_runs(alike.runs, declared, among=runs)),
        tried=ideas.first,
        ideas=ideas.total,
        discarded=tuple(gone[:_DISCARDED]),
        all_discarded=len(gone),
        luck=ideas.luck,
        failures=tuple(bad),
        trees=trees,
        names=versions_by_run(infos),
        sweeps=tuple(_with_counts(project, swept[:_SWEEPS])),
        swept=len(swept),
        production=_production(project) if project.place else (),
        warnings=tuple(project.keeper.warnings),
    )


def _unsaved_here(project: Project, trees: Sequence[TreeInfo]) -> tuple[tuple[RunId, ...], int]:
    """Return the runs of this tree that no version holds, and their rows."""
    here = next((tree for tree in trees if tree.is_here and not tree.warnings), None)
    if here is not None:
        return here.unsaved_runs, here.unsaved
    counted = unsaved(project)
    return tuple(counted), sum(counted.values())


def _changed(project: Project, state: TreeState) -> int:
    changed = len(state.changed) + len(state.untracked)
    return changed + len(modified_data(project, state.untracked))


def _leading(
    connection: DuckDBPyConnection, runs: Sequence[RunRecord], declared: Mapping[str, str]
) -> list[RunRecord]:
    """Add to the newest runs those of all that are best by a telling metric."""
    found = {run.id: run for run in runs}
    for each in judged(runs, declared) if len(runs) == query.MANY else ():
        highest = each.direction is Direction.MAX
        for run in query.foremost(connection, each.metric, highest=highest, most=1):
            found.setdefault(run.id, run)
    return list(found.values())


def _with_counts(project: Project, swept: Sequence[SweptRuns]) -> Iterator[SweptRuns]:
    """Count the trials of sweeps that are known here as `xvc sweep show` does, begun or not."""
    if not swept:
        return
    from xvc.sweeps.cloned_sweeps import told_ids  # late: only where there are sweeps
    from xvc.sweeps.state import sweep_status
    from xvc.sweeps.sweep_folder import BadNote, NoSweep, sweep_ids

    known = {*sweep_ids(project), *told_ids(project)}
    for each in swept:
        counts = each.counts
        with suppress(BadNote, NoSweep):  # then its runs tell what they can
            if each.name in known:
                counts = sweep_status(project, each.name).progress.counts
        yield replace(each, counts=counts)


def _production(project: Project) -> tuple[Staged, ...]:
    """Say which version of which model is in production, by the tags alone."""
    history = assignments(project)
    now = (current(history, name, PRODUCTION) for name in sorted({each.name for each in history}))
    return tuple(Staged(each.name, each.evidence.version) for each in now if each is not None)
