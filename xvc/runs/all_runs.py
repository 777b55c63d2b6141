"""Gathering the runs of all work trees: each tree's store with its journals, and those left behind.

A run that several stores hold counts once, as its own tree knows it.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress

from xvc.core.run import RunRecord
from xvc.errors import XvcError
from xvc.git.worktrees import living_trees
from xvc.history.find import known_versions
from xvc.history.other_stores import stores
from xvc.journal.folders import every_journal, left_behind
from xvc.project import Project
from xvc.recovery.lost_runs import opened
from xvc.store import db, edits, query
from xvc.store.orphan_journals import opened_journals
from xvc.types import RunId
from xvc.worktrees.known_trees import every_tree, project_at


def gather(project: Project) -> list[RunRecord]:
    """Read every run of the repository, newest first; a tree that cannot be read is a warning."""
    found: dict[RunId, RunRecord] = {}
    gone: set[RunId] = set()
    if project.place is not None:
        listed = every_tree(project)
        for folder in left_behind(project.room, living_trees(listed)):
            with opened_journals(every_journal(folder)) as connection:
                _take(found, query.all_runs(connection), None)
        for tree in listed:
            if tree.is_bare or not tree.path.is_dir():
                continue
            there = project_at(project, tree)
            try:
                with opened(there) as connection:
                    own = there.place.tree if there.place else None
                    _take(found, query.all_runs(connection), own)
                    gone |= edits.deletions(connection).keys()
            except XvcError as err:
                project.keeper.warnings.append(f"{tree.path}: {err}. {err.hint}".rstrip())
            project.keeper.warnings += there.keeper.warnings
        _take_from_refs(project, found, gone)
    else:
        with opened(project) as connection:
            _take(found, query.all_runs(connection), None)
    return sorted(found.values(), key=lambda run: (-(run.started or 0), run.id))


def _take_from_refs(
    project: Project, found: dict[RunId, RunRecord], gone: Collection[RunId]
) -> None:
    """Add the runs of stores that only branches and versions lead to, and say where they are.

    A version's store is opened when not even its own run is known yet: later ones hold the rest.
    """
    known = {info.name: info.message.run for info in known_versions(project)}
    places: dict[str, int] = {}
    for store in stores(project):
        if store.is_version and known.get(store.name) in found:
            continue
        with suppress(XvcError), db.reading(store.place) as connection:
            fresh = [run for run in query.all_runs(connection) if run.id not in {*found, *gone}]
            _take(found, fresh, None)
            if fresh:
                places[store.name] = len(fresh)
    if places:
        told = ", ".join(f"{count} in {name}" for name, count in places.items())
        project.keeper.warnings.append(f"in no work tree's store, but in those of refs: {told}")


def _take(found: dict[RunId, RunRecord], runs: list[RunRecord], own: str | None) -> None:
    for run in runs:
        if run.id not in found or run.code.worktree == own:
            found[run.id] = run
