"""Gathering the runs of all work trees: each tree's store with its journals, and those left behind.

A run that several stores hold counts once, as its own tree knows it.
"""

from __future__ import annotations

from xvc.core.run import RunRecord
from xvc.errors import XvcError
from xvc.journal.folders import every_journal
from xvc.project import Project
from xvc.recovery.lost_runs import opened
from xvc.store import query
from xvc.store.orphan_journals import opened_apart
from xvc.types import RunId
from xvc.worktrees.list import left_behind
from xvc.worktrees.shared import every_tree, project_at


def gather(project: Project) -> list[RunRecord]:
    """Read every run of the repository, newest first; a tree that cannot be read is a warning."""
    found: dict[RunId, RunRecord] = {}
    if project.place is not None:
        for folder in left_behind(project.room):
            with opened_apart(every_journal(folder)) as connection:
                _take(found, query.all_runs(connection), None)
        for tree in every_tree(project):
            if tree.is_bare or not tree.path.is_dir():
                continue
            there = project_at(project, tree)
            try:
                with opened(there) as connection:
                    own = there.place.tree if there.place else None
                    _take(found, query.all_runs(connection), own)
            except XvcError as err:
                project.keeper.warnings.append(f"{tree.path}: {err}. {err.hint}".rstrip())
            project.keeper.warnings += there.keeper.warnings
    else:
        with opened(project) as connection:
            _take(found, query.all_runs(connection), None)
    return sorted(found.values(), key=lambda run: (-(run.started or 0), run.id))


def _take(found: dict[RunId, RunRecord], runs: list[RunRecord], own: str | None) -> None:
    for run in runs:
        if run.id not in found or run.code.worktree == own:
            found[run.id] = run
