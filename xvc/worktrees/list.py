"""Listing work trees: what each has that no version holds, how busy it is, what is odd about it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from xvc.core.worktree import Record, SetupStage
from xvc.errors import XvcError
from xvc.git.worktrees import WorkTree, found_at
from xvc.history.find import known_versions
from xvc.history.numbering import NextNumbers, family_of_tree, next_numbers
from xvc.history.owner import own_versions
from xvc.history.unversioned import rows_in, unsaved
from xvc.journal.folders import (
    every_journal,
    journal_folders,
    last_written,
    left_behind,
    unheld_journals,
)
from xvc.journal.layout import Room
from xvc.journal.reader import is_written, runs_named
from xvc.project import Project
from xvc.recovery.lost_runs import opened
from xvc.store import query
from xvc.types import RunId
from xvc.worktrees.known_trees import TreeMoved, every_tree, git_at, project_at, records


class TreeRole(StrEnum):
    """What a tree is to xvc."""

    MAIN = "main"
    READY = "ready"
    UNKNOWN = "not adopted"
    MAKING = "half made"
    REMOVING = "half removed"
    UNREADABLE = "unreadable"
    MISSING = "missing"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class TreeInfo:
    """One tree; ``unsaved`` counts rows in no version, ``active`` is in nanoseconds.

    ``is_at`` is where a missing one is seen, that somebody has moved. ``next`` are the numbers of
    its next versions, as long as no other tree takes them.
    """

    name: str
    path: str
    condition: TreeRole
    branch: str | None = None
    base: str | None = None
    runs: int = 0
    unsaved: int = 0
    unsaved_runs: tuple[RunId, ...] = ()
    changed: tuple[str, ...] = ()
    active: int | None = None
    live: tuple[RunId, ...] = ()
    is_here: bool = False
    locked: str | None = None
    is_at: str | None = None
    next: NextNumbers | None = None
    warnings: tuple[str, ...] = ()


def list_trees(project: Project) -> list[TreeInfo]:
    """List every tree of the repository, then what trees that are gone have left.

    Raises:
        NoProject: there is no repository.
        BadRecord: a note is torn.
    """
    known = {each.path: each for each in records(project.room)}
    listed = every_tree(project)
    found = [
        _info(project, tree, known.pop(str(tree.path), None), is_main=tree is listed[0])
        for tree in listed
        if not tree.is_bare
    ]
    found += [_lost(record) for record in known.values()]
    named = {tree.folder.name for tree in listed if tree.folder}  # a missing one is among *found*
    named |= {record.tree for record in known.values() if record.tree}
    return found + [_left(folder) for folder in left_behind(project.room, named)]


def _info(project: Project, tree: WorkTree, record: Record | None, *, is_main: bool) -> TreeInfo:
    own = tree.folder.name if tree.folder and not is_main else "main"
    info = TreeInfo(
        name=record.name if record else own,
        path=str(tree.path),
        condition=_condition(tree, record, is_main=is_main),
        branch=tree.branch,
        base=record.base if record else None,
        is_here=tree.path == project.git.place.top,
        locked=tree.locked,
    )
    if info.condition is TreeRole.MISSING:
        info = _seen(project, tree, info)
    if info.condition in (TreeRole.MISSING, TreeRole.MAKING, TreeRole.REMOVING):
        return replace(info, unsaved=_rows_left(project.room, own))
    try:
        return _looked_at(project, tree, info, own, record.since if record else 0)
    except XvcError as err:
        role = info.condition if is_main else TreeRole.UNREADABLE
        said = f"{tree.path}: {err}. {err.hint}".rstrip()
        return replace(info, condition=role, warnings=(said,))


def _seen(project: Project, tree: WorkTree, info: TreeInfo) -> TreeInfo:
    """Say where a tree lies that somebody has moved without git."""
    place = found_at(project.git, tree)
    if place is None:
        return info
    said = TreeMoved(info.name, info.path, str(place))
    is_here = place == project.git.place.top
    return replace(info, is_at=str(place), is_here=is_here, warnings=(f"{said}. {said.hint}",))


def _condition(tree: WorkTree, record: Record | None, *, is_main: bool) -> TreeRole:
    if is_main:
        return TreeRole.MAIN
    if record is not None and record.stage is SetupStage.REMOVING:
        return TreeRole.REMOVING
    if tree.gone is not None or not tree.path.is_dir():
        return TreeRole.MISSING
    if record is None:
        return TreeRole.UNKNOWN
    return TreeRole.READY if record.stage is SetupStage.READY else TreeRole.MAKING


def _looked_at(project: Project, tree: WorkTree, info: TreeInfo, own: str, since: int) -> TreeInfo:
    there = project_at(project, tree)
    with opened(there) as connection:
        made_here = query.ids_in(connection, own, since)
    counts = unsaved(there)
    state = git_at(project, tree).state()
    held = [path for path in every_journal(there.room.journals) if is_written(path)]
    return replace(
        info,
        runs=len(made_here),
        unsaved=sum(counts.values()),
        unsaved_runs=tuple(sorted(counts)),
        changed=(*state.changed, *state.untracked),
        active=_last_active(tree, there.room.journals),
        live=tuple(sorted(runs_named(held))),
        next=_next(project, there, made_here, state.commit),
        warnings=tuple(there.keeper.warnings),
    )


def _next(
    project: Project, there: Project, made_here: Collection[RunId], commit: str | None
) -> NextNumbers:
    taken = known_versions(project, of_all=True)
    infos = own_versions(project, taken)
    family = family_of_tree(there.git, infos, made_here, commit)
    return next_numbers(infos, family, project.settings.tag_prefix, taken)


def _last_active(tree: WorkTree, journals: Path) -> int | None:
    times = [last_written(journals)]
    if tree.folder is not None:
        log = tree.folder / "logs" / "HEAD"
        times += [log.stat().st_mtime] if log.exists() else []
    return int(max(times) * 1e9) or None


def _rows_left(room: Room, tree: str) -> int:
    folders = journal_folders(room, tree)
    return sum(sum(rows_in(unheld_journals(folder)).values()) for folder in folders)


def _lost(record: Record) -> TreeInfo:
    half = {SetupStage.MAKING: TreeRole.MAKING, SetupStage.REMOVING: TreeRole.REMOVING}
    condition = half.get(record.stage, TreeRole.MISSING)
    return TreeInfo(
        name=record.name,
        path=record.path,
        condition=condition,
        branch=record.branch,
        base=record.base,
    )


def _left(folder: Path) -> TreeInfo:
    counts = rows_in(unheld_journals(folder))
    return TreeInfo(
        folder.name.removeprefix("worktree-"),
        str(folder),
        TreeRole.REMOVED,
        runs=len(counts),
        unsaved=sum(counts.values()),
        unsaved_runs=tuple(sorted(counts)),
        active=int(last_written(folder) * 1e9),
    )
