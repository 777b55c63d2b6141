"""The trees that trials run in: each trial has one of its own, removed when the trial has ended.

A tree holds the code of the sweep, the data that DVC tracks, and what .worktreeinclude names: no
file that another trial has written, ignored or not. It is never used twice. The user's own tree is
never one of them, so what is edited meanwhile reaches no trial.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from xvc.core.sweep import Code, Sweep
from xvc.core.worktree import Losses, Record, Stage
from xvc.git.worktrees import Tree
from xvc.project import Project
from xvc.worktrees.add import made
from xvc.worktrees.remove import Removal, removed
from xvc.worktrees.set_up import set_up
from xvc.worktrees.shared import (
    every_tree,
    git_at,
    held,
    held_list,
    record_of,
    records,
    remember,
)


@dataclass
class Trees:
    """The trees of one sweep."""

    home: Project
    sweep: Sweep
    warnings: list[str] = field(default_factory=list)

    def make(self, number: int, attempt: int, ref: str) -> Path:
        """Make the tree for an attempt of a trial; returns the folder that its command runs in.

        Raises:
            GitFailed: git refused.
            TreeTaken: something else is at its place.
            LockBusy: another xvc is at it, for long.
        """
        if self.sweep.wish.away:
            return self.home.git.place.top / self.sweep.folder  # a clone has its like
        tree = self._made(self._name(number, attempt), self.sweep.codes[ref])
        folder = tree.path / self.sweep.folder
        folder.mkdir(parents=True, exist_ok=True)
        for out in self.sweep.wish.outs:
            self._remove_output(tree, Path(os.path.normpath(folder / out)))
        return folder

    def remove(self, number: int, attempt: int) -> None:
        """Remove the tree of an attempt; nothing happens when there is none.

        Raises:
            GitFailed: git refused.
            LockBusy: another xvc is at it, for long.
        """
        record = record_of(self.home.room, self._name(number, attempt))
        if record is not None:
            _remove(self.home, record)

    def _name(self, number: int, attempt: int) -> str:
        return f"{_prefix(self.sweep)}{number}-{attempt}"

    def _made(self, name: str, code: Code) -> Tree:
        home, room = self.home, self.home.room
        stale = record_of(room, name)
        if stale is not None:  # of a call that was killed before the trial began
            _remove(home, stale)
        with held(room, name, "sweep"):
            with held_list(home, f"sweep {name}"):
                main = every_tree(home)[0].path
                place = main.parent / f"{main.name}-{name}"
                record = Record(name, str(place), code.base, since=time.time_ns())
                tree, record = made(home, remember(room, record))
            # HEAD stays at the commit, so that a run knows it, and what was changed since.
            git_at(home, tree).call("read-tree", "--reset", "-u", code.snapshot)
            done = set_up(home, every_tree(home)[0], tree)
            self.warnings += [w for w in done.warnings if w not in self.warnings]
            remember(room, replace(record, stage=Stage.READY))
        return tree

    def _remove_output(self, tree: Tree, place: Path) -> None:
        """Take away what was left where a trial writes its output; the snapshot may hold it."""
        if not place.resolve().is_relative_to(tree.path) or place == tree.path:
            return
        below = place.relative_to(tree.path).as_posix()
        unless = ("--cached", "--ignore-unmatch", "-r", "-q")
        git_at(self.home, tree).call("rm", *unless, "--", f":(literal){below}")
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        else:
            place.unlink(missing_ok=True)


def remove_trees(home: Project, sweep: Sweep) -> None:
    """Remove the trees of a sweep; the runs and their journals are its home's and stay.

    Raises:
        GitFailed: git refused.
        LockBusy: another xvc is at it, for long.
    """
    for record in records(home.room):
        if record.name.startswith(_prefix(sweep)):
            _remove(home, record)


def _remove(home: Project, record: Record) -> None:
    plan = Removal(record.name, record.path, None, False, Losses())
    with held(home.room, record.name, "sweep"), held_list(home, f"remove {record.name}"):
        removed(home, record, plan)


def _prefix(sweep: Sweep) -> str:
    return f"sweep-{sweep.id}-"


@contextmanager
def trees_of(home: Project, sweep: Sweep) -> Iterator[Trees]:
    """Have trees for a sweep; they are removed after it."""
    try:
        yield Trees(home, sweep)
    finally:
        remove_trees(home, sweep)
