"""The state of a project in few words: for whoever has not seen it, or has forgotten."""

from __future__ import annotations

from dataclasses import dataclass

from xvc.core.model import PRODUCTION
from xvc.core.run import Status
from xvc.history.find import known_versions, versions_by_run
from xvc.history.missing import missing_versions, warning_of
from xvc.history.unversioned import taggable, unsaved
from xvc.merging import unfinished
from xvc.models.list import assignments
from xvc.models.stages import current
from xvc.project import Project
from xvc.recovery.lost_runs import opened
from xvc.runs.code_fingerprint import fingerprints
from xvc.runs.digest import Best, Failed, Swept, Tried, best_runs, failures, sweeps, tried
from xvc.runs.list import of_series
from xvc.runs.repeats import in_question
from xvc.store import query
from xvc.types import RunId
from xvc.worktrees.list import TreeInfo, list_trees

_SWEEPS = 3


@dataclass(frozen=True, slots=True)
class Staged:
    """The version of a model that is in production."""

    model: str
    version: str


@dataclass(frozen=True, slots=True)
class Brief:
    """Where things stand; ``undecided`` is None without an unfinished merge.

    ``changed`` counts files that git has otherwise, or not at all.
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
    sweeps: tuple[Swept, ...] = ()
    swept: int = 0
    production: tuple[Staged, ...] = ()
    warnings: tuple[str, ...] = ()


def brief(project: Project, series: str | None = None) -> Brief:
    """Look at the runs, the versions and the trees of a project; of a series, at its runs alone.

    Raises:
        BadValue: no run is of that series.
        BadSetting: a declared direction is neither ``max`` nor ``min``.
        BadRecord: the note of a work tree is torn.
        GitFailed: git refused.
    """
    infos = known_versions(project)
    with opened(project) as connection:
        runs = query.page(connection, sort=None, descending=True, limit=None)
    every = {run.id for run in runs}
    if series is not None:
        runs = of_series(runs, series)
    state = project.git.state() if project.place else None
    bad, failed = failures(runs)
    declared = project.settings.metrics_direction
    code = fingerprints(project, in_question(runs))
    swept = sweeps(runs, declared)
    rows = unsaved(project)
    if series is not None:
        rows = {run: count for run, count in rows.items() if run in {each.id for each in runs}}
    if missing := missing_versions(project, infos, every):
        project.keeper.warnings.append(warning_of(missing))
    merging = unfinished.read(project.room)
    return Brief(
        root=str(project.root),
        branch=state.branch if state else None,
        changed=len(state.changed) + len(state.untracked) if state else 0,
        runs=len(runs),
        running=sum(run.status is Status.RUNNING for run in runs),
        failed=failed,
        latest_version=infos[-1].name if infos else None,
        versions=len(infos),
        unsaved_rows=sum(rows.values()),
        unsaved_runs=len(rows),
        taggable=taggable(project, runs, rows),
        undecided=merging.open if merging else None,
        best=tuple(best_runs(runs, declared)),
        tried=tuple(tried(runs, code, declared)),
        failures=tuple(bad),
        trees=tuple(list_trees(project)) if project.place else (),
        names=versions_by_run(infos),
        sweeps=tuple(swept[:_SWEEPS]),
        swept=len(swept),
        production=_production(project) if project.place else (),
        warnings=tuple(project.keeper.warnings),
    )


def _production(project: Project) -> tuple[Staged, ...]:
    """Say which version of which model is in production, by the tags alone."""
    history = assignments(project)
    now = (current(history, name, PRODUCTION) for name in sorted({each.name for each in history}))
    return tuple(Staged(each.name, each.evidence.version) for each in now if each is not None)
