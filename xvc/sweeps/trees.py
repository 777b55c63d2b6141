"""The trees that trials run in: each trial has one of its own, removed when the trial has ended."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from xvc.core.sweep import Sweep
from xvc.project import Project
from xvc.worktrees.run_trees import (
    clear_outputs,
    make_tree_for,
    place_in,
    remove_tree_for,
    remove_trees_for,
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
        sweep = self.sweep
        if sweep.request.away:
            return self.home.git.place.top / sweep.folder  # a clone has the same folders
        code = sweep.codes[ref]
        name = self._name(number, attempt)
        tree, done = make_tree_for(self.home, name, code.base, code.snapshot, "sweep")
        self.warnings += [w for w in done.warnings if w not in self.warnings]
        folder = tree.path / sweep.folder
        folder.mkdir(parents=True, exist_ok=True)
        outs = (place_in(tree, sweep.folder, out) for out in sweep.request.outs)
        clear_outputs(self.home, tree, outs)
        return folder

    def remove(self, number: int, attempt: int) -> None:
        """Remove the tree of an attempt; nothing happens when there is none.

        Raises:
            GitFailed: git refused.
            LockBusy: another xvc is at it, for long.
        """
        remove_tree_for(self.home, self._name(number, attempt), "sweep")

    def _name(self, number: int, attempt: int) -> str:
        return f"{_prefix(self.sweep)}{number}-{attempt}"


def remove_trees(home: Project, sweep: Sweep) -> None:
    """Remove the trees of a sweep; the runs and their journals are its home's and stay.

    Raises:
        GitFailed: git refused.
        LockBusy: another xvc is at it, for long.
    """
    remove_trees_for(home, _prefix(sweep), "sweep")


def _prefix(sweep: Sweep) -> str:
    return f"sweep-{sweep.id}-"


@contextmanager
def trees_of(home: Project, sweep: Sweep) -> Iterator[Trees]:
    """Have trees for a sweep; they are removed after it."""
    try:
        yield Trees(home, sweep)
    finally:
        remove_trees(home, sweep)
