"""Giving a run a version, with the number of a patch from the version that the run belongs to."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from xvc.core.run import RunRecord
from xvc.core.tag_message import VersionInfo
from xvc.core.version import Bump
from xvc.history.find import versions
from xvc.history.numbering import family_of_tree
from xvc.project import Project
from xvc.recovery.lost_runs import opened
from xvc.runs.code_fingerprint import fingerprints
from xvc.runs.repeats import experiments, settings_of
from xvc.store import query
from xvc.types import RunId
from xvc.versions.tag import Tagged, TagRequest, chosen, tag

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_GENERATIONS = 50


def tag_run(project: Project, request: TagRequest) -> Tagged:
    """Give a run a version as `versions.tag.tag` does; a patch is one of the run's own family.

    That of its repeats, of what it builds on, of its work tree, of the commit that it ran on; in
    this order.

    Raises:
        XvcError: as `tag`.
    """
    if request.bump is Bump.PATCH and request.within is None and project.dvc is not None:
        infos = versions(project)
        family = _family(project, chosen(project, request), infos) if infos else None
        request = replace(request, within=family.name if family else None)
    return tag(project, request)


def _family(project: Project, record: RunRecord, infos: list[VersionInfo]) -> VersionInfo | None:
    by_run: dict[RunId, VersionInfo] = {}
    for info in infos:  # lowest first: the highest of a run counts
        if info.message.run is not None:
            by_run[info.message.run] = info
    with opened(project) as connection:  # of all runs only those with a version say anything
        found = query.by_ids(connection, {*by_run, record.id})
        above = _ancestors(connection, record)
    runs = {run.id: run for run in found}
    for name in [*_repeats(project, record, runs, by_run), *above]:
        if name in by_run:
            return by_run[name]
    tree = record.code.worktree
    made_here = {run.id for run in runs.values() if run.code.worktree == tree}
    return family_of_tree(project.git, infos, made_here, record.code.commit)


def _repeats(
    project: Project,
    record: RunRecord,
    runs: dict[RunId, RunRecord],
    by_run: dict[RunId, VersionInfo],
) -> list[RunId]:
    """Name the repeats of a run that have versions, that of the highest version first."""
    settings = settings_of(record)
    alike = [run for run in runs.values() if settings_of(run) == settings]
    groups = experiments(alike, fingerprints(project, alike)) if len(alike) > 1 else []
    group = next((each.runs for each in groups if record.id in {r.id for r in each.runs}), ())
    found = [run.id for run in group if run.id in by_run and run.id != record.id]
    return sorted(found, key=lambda name: by_run[name].version, reverse=True)


def _ancestors(connection: DuckDBPyConnection, record: RunRecord) -> list[RunId]:
    """Name what a run builds on, the nearest first."""
    found: list[RunId] = []
    base = record.parent
    while base is not None and base not in found and len(found) < _GENERATIONS:
        found.append(base)
        above = query.by_id(connection, base)
        base = above.parent if above is not None else None
    return found
