"""Removing a work tree: refused without ``--yes`` while removal would lose something.

Journals, the code of runs and versions outlive it in every case: they lie in the folder that all
trees share. Killed anywhere, the same call completes.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path

from xvc.core.worktree import Losses, Record, SetupStage
from xvc.errors import BusyError, ConflictError, error
from xvc.git.submodules import forget_folders, linked_folders
from xvc.git.worktrees import WorkTree, drop_branch, forget_tree, holders
from xvc.journal.folders import every_journal, journal_folders, set_aside
from xvc.journal.reader import is_written, runs_named
from xvc.project import Project
from xvc.worktrees.known_trees import (
    NoTree,
    TreeMoved,
    every_tree,
    forget,
    git_at,
    log_of,
    refuse_moved,
    remember,
    scratch_of,
    tree_list_lock,
    tree_lock,
    tree_named,
)
from xvc.worktrees.removal_check import losses, losses_without_folder


@error("would-lose")
class WouldLose(ConflictError):
    """A work tree holds something of which there is no other copy."""

    name: str
    sentences: tuple[str, ...]
    says = "work tree {name} has {sentences:; }"
    way = (
        "Commit, `xvc tag` and `xvc worktree merge` what is wanted. "
        "`xvc worktree remove {name} --dry-run` shows what would go, `--yes` does it."
    )


@error("tree-in-use")
class TreeInUse(BusyError):
    """A work tree cannot go now: a run is in it, or it is locked, or we stand in it."""

    name: str
    reason: str
    says = "work tree {name}: {reason}"
    way = "Let the run end or stop it, `git worktree unlock`, or call from another tree."


@dataclass(frozen=True, slots=True)
class Removal:
    """What goes with a tree and what stays: the plan, and afterwards what was done.

    ``drops_branch`` is whether its branch goes: only one that xvc made and that another branch or
    a tag holds wholly. ``journals`` is where rows that no version holds are kept, None without any.
    """

    name: str
    path: str
    branch: str | None
    drops_branch: bool
    losses: Losses
    journals: str | None = None
    is_dry: bool = False


def remove(
    project: Project, name: str, folder: Path, *, yes: bool = False, dry_run: bool = False
) -> Removal:
    """Remove the tree that *name* or a path (from *folder*) means.

    Raises:
        NoTree: there is none; the main tree is never meant.
        WouldLose: something is in it alone, and *yes* was not said.
        TreeMoved: its folder is not where git has it; with *yes*, only if it is seen elsewhere.
        TreeReplaced: something else lies in its place.
        TreeInUse: a run is in it, git has it locked, or the call comes from inside.
        LockBusy: another xvc is at it, for long.
        GitFailed: git refused.
    """
    record, tree = tree_named(project, name, folder)
    called = record.name if record else tree.folder.name if tree and tree.folder else name
    with tree_lock(project.room, called, "worktree remove"):
        record, tree = tree_named(project, name, folder)
        record = record or _record_for(called, tree)
        if tree is not None and record.stage is not SetupStage.REMOVING:
            record = replace(record, branch=tree.branch, tree=_own_name(tree))
        plan = _planned(project, record, tree, yes=yes)
        if dry_run:
            return replace(plan, is_dry=True)
        if plan.losses and not yes:
            raise WouldLose(record.name, plan.losses.sentences)
        with tree_list_lock(project, f"remove {called}"):
            return remove_as_planned(project, record, plan)


def _record_for(name: str, tree: WorkTree | None) -> Record:
    if tree is None:
        raise NoTree(name)
    now = time.time_ns()
    return Record(
        name=name,
        path=str(tree.path),
        base=tree.commit or "",
        branch=tree.branch,
        made_branch=False,
        stage=SetupStage.READY,
        since=now,
    )


def _own_name(tree: WorkTree) -> str:
    return tree.folder.name if tree.folder else ""


def _planned(project: Project, record: Record, tree: WorkTree | None, *, yes: bool) -> Removal:
    """Find out what the removal deletes; one that was begun before is not refused for it."""
    refuse_in_use(project, record, tree)
    lost = _lost(project, record, tree, yes=yes)
    drops = _may_drop(project, record)
    return Removal(
        name=record.name, path=record.path, branch=record.branch, drops_branch=drops, losses=lost
    )


def _lost(project: Project, record: Record, tree: WorkTree | None, *, yes: bool) -> Losses:
    """Find out what is lost with a tree; of one that is half made or half removed, nothing."""
    path = Path(record.path)
    if record.stage is SetupStage.READY:
        if path.is_symlink():  # it was moved, and a link left: that would go, and not the tree
            raise TreeMoved(record.name, record.path, str(path.resolve()))
        try:
            refuse_moved(project, record.name, path, tree)
        except TreeMoved as err:
            if err.is_at or not yes:
                raise
            return losses_without_folder(project, tree) if tree is not None else Losses()
    if tree is None or not is_filled(tree) or record.stage is SetupStage.REMOVING:
        return Losses()
    return losses(project, every_tree(project)[0], tree)


def is_filled(tree: WorkTree) -> bool:
    """Whether git has come to the end of making a tree."""
    is_there = (tree.path / ".git").exists()
    return is_there and tree.folder is not None and (tree.folder / "index").exists()


def refuse_in_use(project: Project, record: Record, tree: WorkTree | None) -> None:
    """Refuse a tree that cannot go now.

    Raises:
        TreeInUse: a run is in it, git has it locked, or the call comes from inside.
    """
    if tree is not None and tree.locked is not None and tree.locked != "initializing":
        raise TreeInUse(record.name, f"git has it locked ({tree.locked or 'no reason given'})")
    if project.git.place.top == Path(record.path):
        raise TreeInUse(record.name, "this call comes from inside it")
    folders = journal_folders(project.room, record.tree) if record.tree else []
    live = [path for each in folders for path in every_journal(each) if is_written(path)]
    if live:
        names = ", ".join(sorted(runs_named(live))) or "a process"
        raise TreeInUse(record.name, f"{names} is still writing in it")


def _may_drop(project: Project, record: Record) -> bool:
    """Whether the branch may go with the tree: xvc has made it, and all of it is held elsewhere."""
    if not record.made_branch or record.branch is None:
        return False
    own = f"refs/heads/{record.branch}"
    commit = project.git.commit_of(own)
    used = {tree.branch for tree in every_tree(project) if str(tree.path) != record.path}
    if commit is None or record.branch in used:
        return False
    others = holders(project.git, commit, ("refs/heads/", "refs/remotes/", "refs/tags/"))
    return bool(set(others) - {own})


def remove_as_planned(project: Project, record: Record, plan: Removal) -> Removal:
    """Remove a tree, in an order in which the same call finds what a killed one left.

    The caller holds the tree and the list of trees, and has asked what would be lost.

    Raises:
        GitFailed: git refused.
    """
    git, room, path = project.git, project.room, Path(record.path)
    commit = git.commit_of(f"refs/heads/{record.branch}") if plan.drops_branch else None
    remember(room, replace(record, stage=SetupStage.REMOVING))
    trash = path.with_name(f".{path.name}.removed-{record.since}")
    if trash.exists():
        shutil.rmtree(trash)
    tree = next((each for each in every_tree(project) if each.path == path), None)
    linked = linked_folders(git_at(project, tree)) if tree is not None and is_filled(tree) else []
    if path.exists():
        os.rename(path, trash)  # from here on it is gone, in one step
    forget_tree(git, path)
    if trash.exists():
        shutil.rmtree(trash)
    forget_folders(linked)
    kept = [set_aside(room, folder) for folder in journal_folders(room, record.tree)]
    log = log_of(room, record.name)
    if commit is not None and record.branch is not None:
        drop_branch(git, record.branch, commit, log)
    forget(room, record.name)
    for folder in (scratch_of(room, record.name), log.folder):
        with contextlib.suppress(OSError):
            folder.rmdir()
    journals = next((str(each) for each in kept if each is not None), None)
    return replace(plan, journals=journals)
