"""The trees that trials run in: made from the code of the sweep, removed when it has ended.

The user's own tree is never one of them, so what is edited meanwhile reaches no trial.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from xvc.core.sweep import Code, Sweep
from xvc.core.worktree import Losses, Record, Stage
from xvc.git.worktrees import forget_tree
from xvc.project import Project
from xvc.worktrees.add import made
from xvc.worktrees.remove import Removal, removed
from xvc.worktrees.set_up import set_up
from xvc.worktrees.shared import (
    every_tree,
    forget,
    git_at,
    held,
    held_list,
    record_of,
    records,
    remember,
)

_PREFIX = "sweep-"


@dataclass
class Trees:
    """The trees of one sweep, each made when a trial first needs it."""

    home: Project
    sweep: Sweep
    warnings: list[str] = field(default_factory=list)
    _ready: dict[str, Path] = field(default_factory=dict)

    def folder(self, slot: int, ref: str) -> Path:
        """Return the folder that a trial's command runs in; its tree is ready.

        Raises:
            GitFailed: git refused.
            TreeTaken: something else is at its place.
            LockBusy: another xvc is at it, for long.
        """
        if self.sweep.wish.away:
            return self.home.git.place.top / self.sweep.folder  # a clone has its like
        code = self.sweep.codes[ref]
        name = self._name(slot, ref)
        if name not in self._ready:
            self._ready[name] = self._made(name, code)
        elif self.sweep.own_trees:
            tree = self._ready[name]
            git = git_at(self.home, next(t for t in every_tree(self.home) if t.path == tree))
            git.call("read-tree", "--reset", "-u", code.snapshot)
        folder = self._ready[name] / self.sweep.folder
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _name(self, slot: int, ref: str) -> str:
        own = slot if self.sweep.own_trees else 0
        at = f"-{list(self.sweep.codes).index(ref)}" if ref else ""
        return f"{_PREFIX}{self.sweep.id}-{own}{at}"

    def _made(self, name: str, code: Code) -> Path:
        home, room = self.home, self.home.room
        with held(room, name, "sweep"):
            with held_list(home, f"sweep {name}"):
                record = self._planned(name, code)
                tree, record = made(home, record)
            # HEAD stays at the commit, so that a run knows it, and what was changed since.
            git_at(home, tree).call("read-tree", "--reset", "-u", code.snapshot)
            done = set_up(home, every_tree(home)[0], tree)
            self.warnings += [w for w in done.warnings if w not in self.warnings]
            remember(room, replace(record, stage=Stage.READY))
        return tree.path

    def _planned(self, name: str, code: Code) -> Record:
        room = self.home.room
        known = record_of(room, name)
        if known is not None and known.stage is Stage.MAKING:
            return known
        if known is not None and known.stage is Stage.READY and Path(known.path).exists():
            return known
        if known is not None:
            removed(self.home, known, _plan(known))
            forget_tree(self.home.git, Path(known.path))
            forget(room, name)
        main = every_tree(self.home)[0].path
        place = main.parent / f"{main.name}-{name}"
        return remember(room, Record(name, str(place), code.base, since=time.time_ns()))


def remove_trees(home: Project, sweep: Sweep) -> None:
    """Remove the trees of a sweep; the runs and their journals are its home's and stay.

    Raises:
        GitFailed: git refused.
        LockBusy: another xvc is at it, for long.
    """
    room = home.room
    for record in records(room):
        if record.name.startswith(f"{_PREFIX}{sweep.id}-"):
            with held(room, record.name, "sweep"), held_list(home, f"remove {record.name}"):
                removed(home, record, _plan(record))


@contextmanager
def trees_of(home: Project, sweep: Sweep) -> Iterator[Trees]:
    """Have trees for a sweep; they are removed after it."""
    try:
        yield Trees(home, sweep)
    finally:
        remove_trees(home, sweep)


def _plan(record: Record) -> Removal:
    return Removal(record.name, record.path, None, False, Losses())
