"""Gathering the runs of all work trees: each tree's store with its journals, and those left behind.

A run that several stores hold counts once, as its own tree knows it.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

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
from xvc.store.runs import discarded
from xvc.types import RunId
from xvc.worktrees.known_trees import every_tree, project_at

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(slots=True)
class _Gathered:
    """What was found so far: runs, and the ids of all, also of those that were not read."""

    most: int | None
    runs: dict[RunId, RunRecord] = field(default_factory=dict)
    ids: set[RunId] = field(default_factory=set)
    gone: set[RunId] = field(default_factory=set)
    warnings: list[str] = field(default_factory=list)
    has_discarded: bool = False

    def take(self, connection: DuckDBPyConnection, own: str | None) -> None:
        """Take the runs of a store, those of its own tree before what others hold of them."""
        self.ids |= query.ids(connection)
        if self.most is None:
            read = query.all_runs(connection)
        else:  # a run among the newest of all is among the newest of each store that has it
            read = query.newest(connection, self.most)
            self.has_discarded = self.has_discarded or bool(discarded(connection))
        for run in read:
            if run.id not in self.runs or run.code.worktree == own:
                self.runs[run.id] = run

    def take_rest(self, connection: DuckDBPyConnection) -> int:
        """Take the runs that no store had so far; returns how many."""
        fresh = query.ids(connection) - self.ids - self.gone
        self.ids |= fresh
        for run in query.by_ids(connection, fresh)[: self.most]:
            self.runs[run.id] = run
        return len(fresh)


def gather(project: Project, most: int | None = None) -> tuple[list[RunRecord], int]:
    """Read the runs of the repository, newest first; a tree that cannot be read is a warning.

    Args:
        project: of any tree.
        most: how many of the newest are wanted; None: all. Where any was discarded all are read.

    Returns:
        At least these runs, and how many there are.
    """
    found = _Gathered(most)
    if project.place is not None:
        listed = every_tree(project)
        for folder in left_behind(project.room, living_trees(listed)):
            with opened_journals(every_journal(folder)) as connection:
                found.take(connection, None)
        for tree in listed:
            if tree.is_bare or not tree.path.is_dir():
                continue
            there = project_at(project, tree)
            try:
                with opened(there) as connection:
                    found.take(connection, there.place.tree if there.place else None)
                    found.gone |= edits.deletions(connection).keys()
            except XvcError as err:
                found.warnings.append(f"{tree.path}: {err}. {err.hint}".rstrip())
            found.warnings += there.keeper.warnings
        _take_from_refs(project, found)
    else:
        with opened(project) as connection:
            found.take(connection, None)
    if most is not None and found.has_discarded:
        return gather(project)
    project.keeper.warnings += found.warnings
    runs = sorted(found.runs.values(), key=lambda run: (-(run.started or 0), run.id))
    return runs, len(found.ids)


def _take_from_refs(project: Project, found: _Gathered) -> None:
    """Add the runs of stores that only branches and versions lead to, and say where they are.

    A version's store is opened when not even its own run is known yet: later ones hold the rest.
    """
    known = {info.name: info.message.run for info in known_versions(project)}
    places: dict[str, int] = {}
    for store in stores(project):
        if store.is_version and known.get(store.name) in found.ids:
            continue
        with suppress(XvcError), db.reading(store.place) as connection:
            fresh = found.take_rest(connection)
            if fresh:
                places[store.name] = fresh
    if places:
        told = ", ".join(f"{count} in {name}" for name, count in places.items())
        found.warnings.append(f"in no work tree's store, but in those of refs: {told}")
