"""Trees for one run each: made at a commit and its files, with its data, and removed afterwards.

A tree holds the code, the data that DVC tracks, and what .worktreeinclude names: no file that
another run has written, ignored or not. It is never used twice. The user's own tree is never one of
them, so what is edited meanwhile reaches no run.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from xvc.core.code_files import in_short
from xvc.core.worktree import Losses, Record, SetupStage
from xvc.git.snapshot import take
from xvc.git.worktrees import WorkTree
from xvc.project import Project
from xvc.recording.begin_run import results_among
from xvc.worktrees.add import NoBase, make_as_recorded
from xvc.worktrees.known_trees import (
    every_tree,
    git_at,
    record_of,
    records,
    remember,
    tree_list_lock,
    tree_lock,
)
from xvc.worktrees.remove import Removal, remove_as_planned
from xvc.worktrees.set_up import SetUp, set_up


@dataclass(frozen=True, slots=True)
class CodeHere:
    """The code as it lies in a work tree: its commit, and its files as a commit or a tree.

    ``lacking`` are files that no tree of it will have, because they are secret or large.
    """

    base: str
    snapshot: str
    lacking: tuple[str, ...] = ()


def code_here(home: Project, name: str, *, below: str | None = None) -> CodeHere:
    """Read the code as it is now, without what runs have written.

    Args:
        home: whose work tree.
        name: what the code is for.
        below: where the ref goes that keeps it; without one it is kept by the first run of it.

    Raises:
        NoBase: there is no commit yet.
    """
    git = home.git
    state = git.state()
    if state.commit is None:
        raise NoBase("HEAD")
    found = take(
        git,
        name,
        state,
        limits=home.snapshot_limits,
        scratch=home.room.scratch,
        searched=home.room.searched,
        below=below,
        written=lambda paths: results_among(home, paths),
    )
    found.index.unlink(missing_ok=True)
    results = in_short(found.written)  # no run is to see what another has written
    lacking = tuple(path for path in found.left_out if path not in results)
    snapshot = found.commit if below is not None else found.tree or found.commit
    return CodeHere(state.commit, snapshot, lacking)


def warnings_of_lacking(code: CodeHere) -> tuple[str, ...]:
    """Say what the trees of such code will not have."""
    if not code.lacking:
        return ()
    named = ", ".join(code.lacking[:5]) + (" …" if len(code.lacking) > 5 else "")
    return (f"trials have no {named} (secret or large); a .worktreeinclude copies files to them",)


def make_tree_for(
    home: Project, name: str, base: str, snapshot: str, doing: str
) -> tuple[WorkTree, SetUp]:
    """Make a tree beside the main one with HEAD at *base* and the files of *snapshot*.

    One of the same name is what a killed call left: it is removed first.

    Raises:
        GitFailed: git refused.
        TreeTaken: something else is at its place.
        LockBusy: another xvc is at it, for long.
    """
    remove_tree_for(home, name, doing)
    room = home.room
    with tree_lock(room, name, doing):
        with tree_list_lock(home, f"{doing} {name}"):
            main = every_tree(home)[0]
            place = main.path.parent / f"{main.path.name}-{name}"
            record = Record(name, str(place), base, since=time.time_ns())
            # HEAD is at the commit, so that a run knows it, and what was changed since.
            tree, record = make_as_recorded(home, remember(room, record), files=snapshot)
        done = set_up(home, main, tree, is_passing=True)
        remember(room, replace(record, stage=SetupStage.READY))
    return tree, done


def remove_tree_for(home: Project, name: str, doing: str) -> None:
    """Remove such a tree; its runs and their journals are its home's and stay.

    Nothing happens when there is none.

    Raises:
        GitFailed: git refused.
        LockBusy: another xvc is at it, for long.
    """
    record = record_of(home.room, name)
    if record is not None:
        plan = Removal(
            name=record.name, path=record.path, branch=None, drops_branch=False, losses=Losses()
        )
        with tree_lock(home.room, name, doing), tree_list_lock(home, f"remove {name}"):
            remove_as_planned(home, record, plan)


def remove_trees_for(home: Project, prefix: str, doing: str) -> None:
    """Remove all such trees whose names begin so. Raises what `remove_tree_for` does."""
    for record in records(home.room):
        if record.name.startswith(prefix):
            remove_tree_for(home, record.name, doing)


def clear_outputs(home: Project, tree: WorkTree, places: Iterable[Path]) -> None:
    """Take away what was left where a run writes its outputs; the snapshot may hold it."""
    for place in places:
        if not place.resolve().is_relative_to(tree.path) or place == tree.path:
            continue
        below = place.relative_to(tree.path).as_posix()
        unless = ("--cached", "--ignore-unmatch", "-r", "-q")
        git_at(home, tree).call("rm", *unless, "--", f":(literal){below}")
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        else:
            place.unlink(missing_ok=True)


def place_in(tree: WorkTree, folder: str, path: str) -> Path:
    """Name a file of a tree by its path from a folder below the top."""
    return Path(os.path.normpath(tree.path / folder / path))
