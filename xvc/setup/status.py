"""Where things stand: what is recorded, what a version holds, what is not in one yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from xvc.core.run import RunRecord, Status
from xvc.errors import XvcError
from xvc.history.find import known_versions, runs_of
from xvc.history.missing import missing_versions, warning_of
from xvc.history.unversioned import taggable, unsaved
from xvc.journal.reader import is_written, journals
from xvc.merging import unfinished
from xvc.project import Project
from xvc.recovery.lost_runs import reap
from xvc.store import query
from xvc.types import RunId


@dataclass(frozen=True, slots=True)
class ProjectStatus:
    """The state of a project; ``unsaved`` counts, by run, the rows that no version holds yet.

    ``missing`` names the versions of this branch whose run the store lacks; ``undecided`` counts
    the open conflicts of an unfinished merge, None when there is none; ``taggable`` is the newest
    run that a version would save.
    """

    root: str
    branch: str | None
    store: str
    pointer: str | None
    runs: int
    rows: dict[str, int]
    running: tuple[RunRecord, ...]
    lost: tuple[RunId, ...]
    unsaved: Mapping[RunId, int]
    live_journals: int
    waiting_journals: int
    latest_version: str | None
    versions: int
    missing: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    undecided: int | None = None
    taggable: RunId | None = None


def status(project: Project) -> ProjectStatus:
    """Look at the project; folds what waits."""
    warnings: list[str] = []
    lost = reap(project)
    branch = _branch(project, warnings)
    infos = known_versions(project)
    with project.keeper.view() as connection:
        count = query.count(connection)
        running = query.with_status(connection, Status.RUNNING.value)
        known = query.known_among(connection, runs_of(infos))
        rows = query.row_counts(connection)
    missing = missing_versions(project, infos, known)
    if missing:
        warnings.append(warning_of(missing))
    waiting = journals(project.room.journals)
    live = [path for path in waiting if is_written(path)]
    pointer = project.keeper.pointer
    merging = unfinished.read(project.room)
    kept = unsaved(project)
    return ProjectStatus(
        root=str(project.root),
        branch=branch,
        store=project.relative(project.store_path) if project.place else str(project.store_path),
        pointer=pointer.digest if pointer else None,
        runs=count,
        rows=rows,
        running=tuple(running),
        lost=tuple(lost),
        unsaved=kept,
        live_journals=len(live),
        waiting_journals=len(waiting) - len(live),
        latest_version=infos[-1].name if infos else None,
        versions=len(infos),
        missing=tuple(info.name for info in missing),
        warnings=(*warnings, *project.keeper.warnings),
        undecided=merging.open if merging else None,
        taggable=taggable(project, kept) if merging is None else None,
    )


def _branch(project: Project, warnings: list[str]) -> str | None:
    if project.place is None:
        return None
    try:
        return project.git.state().branch
    except XvcError as err:
        warnings.append(str(err))
        return None
