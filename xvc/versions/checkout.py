"""Checking out a version or a run as a disposable tree beside the project, to look and to try.

It is a work tree like others, detached at that commit, its data linked from the cache. It is
written down as disposable before it is made: killed anywhere, the same call completes.
"""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass, replace
from pathlib import Path

from xvc.core.worktree import Record, SetupStage
from xvc.git.worktrees import WorkTree, forget_tree
from xvc.history.revision import Revision, revision_of
from xvc.project import Project
from xvc.system.files import write_durably
from xvc.worktrees.add import make_as_recorded, refuse_another, refuse_used
from xvc.worktrees.known_trees import (
    every_tree,
    forget,
    record_of,
    remember,
    tree_list_lock,
    tree_lock,
)
from xvc.worktrees.set_up import SetUp, set_up

_MARK = "xvc-checkout"


@dataclass(frozen=True, slots=True)
class CheckedOut:
    """A tree that is ready: where, at what, whether it is new, and what was put there."""

    name: str
    path: str
    at: str
    commit: str
    is_new: bool
    done: SetUp


def checkout(project: Project, reference: str, *, path: Path | None = None) -> CheckedOut:
    """Make a tree of what *reference* stands for, ``<project>-<version or run>`` beside the main.

    Args:
        project: any tree's.
        reference: a version or a run.
        path: another folder.

    Raises:
        BadReference: the text can name nothing.
        NoRun: nothing answers to it.
        NoVersion: there is no such version.
        NoCode: the run's code is not here.
        OutsideProject: on the way to *path* a link that git tracks leads out of the project.
        TreeTaken: name or folder are in use.
        LockBusy: another xvc is at it, for long.
        GitFailed: git refused.
    """
    if path is not None:
        project.refuse_way_out(path)
    point = revision_of(project, reference)
    main = every_tree(project)[0]
    name = name_of(main, point.name)
    room = project.room
    with tree_lock(room, name, "checkout"):
        with tree_list_lock(project, f"checkout {name}"):
            record = _planned(project, main, name, point, path)
            is_new = record.stage is SetupStage.MAKING
            tree, record = make_as_recorded(project, record)
        if is_new:
            _mark(tree, record)
        elif tree.folder is not None and is_marked(tree, record):
            os.utime(tree.folder / _MARK)  # asked for again: it is in use
        done = set_up(project, main, tree)
        remember(room, replace(record, stage=SetupStage.READY))
        return CheckedOut(
            name=name, path=record.path, at=point.name, commit=record.base, is_new=is_new, done=done
        )


def name_of(main: WorkTree, at: str) -> str:
    """Name the tree of a version or run: a part of a folder's name, whatever the tag's prefix."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", f"{main.path.name}-{at}").lstrip(".-")


def _planned(
    project: Project, main: WorkTree, name: str, point: Revision, path: Path | None
) -> Record:
    """Write down what is to be made, or find what a call before this one wrote down."""
    known = record_of(project.room, name)
    if known is not None and known.is_disposable and _is_gone(known):
        forget_tree(project.git, Path(known.path))  # somebody has deleted the folder
        forget(project.room, name)
        known = None
    if known is not None:
        refuse_another(known, point.commit, path)
        return known
    place = (path or main.path.parent / name).resolve()
    refuse_used(project, place)
    fresh = Record(name, str(place), point.commit, since=time.time_ns(), is_disposable=True)
    return remember(project.room, fresh)


def _is_gone(known: Record) -> bool:
    return known.stage is SetupStage.READY and not Path(known.path).exists()


def _mark(tree: WorkTree, record: Record) -> None:
    """Mark git's own part of the tree: it goes with it, so another tree there has no mark."""
    if tree.folder is not None:
        write_durably(tree.folder / _MARK, f"{record.since}\n".encode())


def asked_for(tree: WorkTree) -> int | None:
    """When a marked tree was last checked out, in nanoseconds since 1970; None without its mark."""
    if tree.folder is None or not (tree.folder / _MARK).is_file():
        return None
    return (tree.folder / _MARK).stat().st_mtime_ns


def is_marked(tree: WorkTree, record: Record) -> bool:
    """Whether this is the tree that was made, and not another at its place."""
    if tree.folder is None or not (tree.folder / _MARK).is_file():
        return False
    return (tree.folder / _MARK).read_text(encoding="utf-8") == f"{record.since}\n"
