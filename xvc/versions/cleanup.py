"""Cleaning up: removing the trees that `xvc checkout` made, and of those only what is untouched.

Which those are was written down when they were made; no name and no folder is guessed from. What
has changes, runs or rows of its own stays and is named. Killed anywhere, the same call completes.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from xvc.core.human_units import counted
from xvc.core.worktree import Losses, Record, SetupStage
from xvc.errors import ConflictError, GitFailed, LockBusy, error
from xvc.git.worktrees import WorkTree, found_at
from xvc.history.find import versions
from xvc.project import Project
from xvc.recovery.lost_runs import opened
from xvc.store import query
from xvc.system.process_tree import is_anybody_in
from xvc.versions.checkout import asked_for, is_marked, name_of
from xvc.worktrees.known_trees import (
    every_tree,
    project_at,
    record_of,
    records,
    tree_list_lock,
    tree_lock,
    tree_named,
)
from xvc.worktrees.removal_check import losses, losses_without_folder
from xvc.worktrees.remove import (
    Removal,
    TreeInUse,
    is_filled,
    refuse_in_use,
    remove_as_planned,
)

_DAY = 24 * 60 * 60 * 10**9  # nanoseconds


@error("not-disposable")
class NotDisposable(ConflictError):
    """A work tree that `xvc checkout` did not make is not cleaned up."""

    name: str
    says = "work tree {name} was not made by `xvc checkout`"
    way = "`xvc worktree remove {name} --dry-run` shows what is in it alone."


@dataclass(frozen=True, slots=True)
class Cleaned:
    """One tree: whether it is removed, and what keeps it, a sentence each."""

    name: str
    path: str
    reasons: tuple[str, ...] = ()
    is_removed: bool = False


def cleanup(
    project: Project, names: Sequence[str], folder: Path, *, dry_run: bool
) -> list[Cleaned]:
    """Remove the named disposable trees, or all of them; returns each with its fate.

    Args:
        project: any tree's.
        names: names, versions, runs or paths (from *folder*).
        folder: where the call comes from.
        dry_run: only look.

    Raises:
        NoTree: a name is no tree's.
        NotDisposable: a named tree was not made by `xvc checkout`; nothing is removed.
        LockBusy: another xvc is at it, for long.
        GitFailed: git refused.
    """
    return [_cleaned(project, name, dry_run=dry_run) for name in _chosen(project, names, folder)]


def remove_idle(project: Project, but: str) -> list[Cleaned]:
    """Remove the disposable trees that are over: `xvc checkout` leaves none behind for long.

    Those are trees that were last asked for more than a day ago, that nobody stands in, and that
    hold nothing but recorded work. The tree called *but* stays; so does what is being worked on.
    """
    trees = {tree.path: tree for tree in every_tree(project)[1:]}
    now, found = time.time_ns(), list[Cleaned]()
    for record in records(project.room):
        path = Path(record.path)
        asked = asked_for(trees[path]) if path in trees else None
        if not record.is_disposable or record.name == but or asked is None or now - asked < _DAY:
            continue
        if is_anybody_in(path):
            continue
        with suppress(LockBusy, TreeInUse, GitFailed):  # the next call will do
            found.append(_cleaned(project, record.name, dry_run=False))
    return [each for each in found if each.is_removed]


def _chosen(project: Project, names: Sequence[str], folder: Path) -> list[str]:
    if not names:
        return [record.name for record in records(project.room) if record.is_disposable]
    return list(dict.fromkeys(_named(project, name, folder) for name in names))


def _named(project: Project, name: str, folder: Path) -> str:
    whole = name_of(every_tree(project)[0], name)
    known = next((each for each in records(project.room) if each.name == whole), None)
    record = known or tree_named(project, name, folder)[0]
    if record is None or not record.is_disposable:
        raise NotDisposable(name)
    return record.name


def _cleaned(project: Project, name: str, *, dry_run: bool) -> Cleaned:
    with tree_lock(project.room, name, "cleanup"):
        record = record_of(project.room, name)
        if record is None:  # another call has just removed it
            return Cleaned(name, "", is_removed=True)
        tree = next((t for t in every_tree(project)[1:] if t.path == Path(record.path)), None)
        reasons = tuple(_reasons(project, record, tree))
        if reasons or dry_run:
            return Cleaned(name, record.path, reasons)
        with tree_list_lock(project, f"cleanup {name}"):
            remove_as_planned(
                project,
                record,
                Removal(
                    name=name, path=record.path, branch=None, drops_branch=False, losses=Losses()
                ),
            )
        return Cleaned(name, record.path, is_removed=True)


def _reasons(project: Project, record: Record, tree: WorkTree | None) -> Iterator[str]:
    """Say why a tree is kept; one whose removal was begun is removed."""
    if record.stage is SetupStage.REMOVING:
        return
    try:
        refuse_in_use(project, record, tree)
    except TreeInUse as err:
        yield err.reason
        return
    if tree is None:
        if Path(record.path).exists():
            yield "what is at its place now is not the tree that xvc made"
        return
    if not os.path.lexists(tree.path):
        yield from losses_without_folder(project, tree).sentences
        if (place := found_at(project.git, tree)) is not None:
            yield f"somebody has moved it to {place}"
        return
    if record.stage is SetupStage.READY and not is_marked(tree, record):
        yield "the tree at its place now was not made by xvc"
    elif is_filled(tree):
        yield from _own(project, record, tree)


def _own(project: Project, record: Record, tree: WorkTree) -> Iterator[str]:
    """Name what only this tree has; what a version holds does not count."""
    yield from losses(project, every_tree(project)[0], tree).sentences
    tagged = {info.message.run for info in versions(project)}
    with opened(project_at(project, tree)) as connection:
        runs = len(query.ids_in(connection, record.tree, record.since) - tagged)
    if runs:
        yield f"{counted(runs, 'run')} of its own"
    if tree.branch is not None:
        yield f"branch {tree.branch}, begun in it"
