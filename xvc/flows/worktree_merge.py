"""Bringing a work tree's versions and rows to the branch we are on, where only that side has moved.

Refuses everything else: two stores that both grew are put together by merging. Files go over one by
one, each in one step, then index and branch: killed anywhere, the same call completes.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from xvc.adapters.branch import advance, clear
from xvc.adapters.dvc import parse_pointer, pointer_of
from xvc.adapters.git import Git, State
from xvc.adapters.lock import FileLock
from xvc.adapters.snapshot import private_index
from xvc.adapters.trees import Tree, base_of, is_ancestor
from xvc.errors import ConflictError
from xvc.flows.find import versions
from xvc.flows.unsaved import unsaved
from xvc.flows.worktree import NoTree, git_at, project_at, tree_named
from xvc.project import Project

_WAIT = 120.0
_GONE = "0" * 40


class CannotMerge(ConflictError):
    """A work tree's branch cannot simply be followed; nothing has moved."""

    code = "cannot-merge"

    def __init__(self, name: str, reason: str, way_out: str) -> None:
        super().__init__(name, reason, way_out)
        self.name, self.reason, self.way_out = name, reason, way_out

    def __str__(self) -> str:
        return f"work tree {self.name} is not merged: {self.reason}"

    @property
    def hint(self) -> str:
        """Names the way that fits the reason."""
        return f"{self.way_out.removesuffix('.')}."


@dataclass(frozen=True, slots=True)
class Merged:
    """What came over: the commits between, the versions among them, the files that changed."""

    name: str
    branch: str | None
    old: str
    new: str
    versions: tuple[str, ...]
    files: tuple[str, ...]

    @property
    def changed(self) -> bool:
        """Whether the branch has moved."""
        return self.old != self.new


def merge(project: Project, name: str, folder: Path, *, dry_run: bool = False) -> Merged:
    """Move the branch of this tree to where the work tree's is.

    Raises:
        NoTree: there is no such tree.
        CannotMerge: both sides have moved, or rows or files would be lost.
        LockBusy: another version is being made, for long.
        GitFailed: git refused.
    """
    record, tree = tree_named(project, name, folder)
    if tree is None or tree.commit is None or tree.gone is not None:
        raise NoTree(name)
    git, room = project.git, project.room
    with FileLock(room.version_lock).held(wait=_WAIT, doing="worktree merge"):
        clear(git, room.scratch)
        state = git.state()
        called = record.name if record else name
        if state.commit is None or is_ancestor(git, tree.commit, state.commit):
            return Merged(called, state.branch, tree.commit, tree.commit, (), ())
        _refuse_unsaved(project, called, tree)
        if not is_ancestor(git, state.commit, tree.commit):
            raise _apart(project, called, state.commit, tree)
        entries = git.between(state.commit, tree.commit)
        _refuse_changed(git, called, state, entries)
        new = set(git.text("tag", f"--merged={tree.commit}", f"--no-merged={state.commit}").split())
        names = tuple(info.name for info in versions(project) if info.name in new)
        if not dry_run:
            _follow(project, state, tree.commit, entries, called)
        return Merged(called, state.branch, state.commit, tree.commit, names, tuple(entries))


def _refuse_unsaved(project: Project, name: str, tree: Tree) -> None:
    """Rows that no version holds stay behind on that side, and are in the way on this one."""
    there = unsaved(project_at(project, tree))
    if there:
        runs = ", ".join(sorted(there))
        reason = f"its runs {runs} are in no version"
        raise CannotMerge(name, reason, f"`xvc -C {tree.path} tag` gives them one.")
    if changed := git_at(project, tree).state().changed:
        reason = f"it has uncommitted changes ({', '.join(changed[:5])})"
        raise CannotMerge(name, reason, f"Commit them in {tree.path}, or put them back.")
    project.keeper.refresh()
    if here := unsaved(project):
        reason = f"runs {', '.join(sorted(here))} of this tree are in no version"
        way = f"`xvc tag` gives them one; then `git merge {tree.branch or tree.commit}`."
        raise CannotMerge(name, reason, way)


def _apart(project: Project, name: str, ours: str, tree: Tree) -> CannotMerge:
    """Say what both sides have that the other has not, and what puts it together."""
    git, theirs = project.git, str(tree.commit)
    branch = tree.branch or theirs
    base = base_of(git, ours, theirs)
    was, here, there = (_store_at(project, commit) for commit in (base, ours, theirs))
    if was not in (here, there):
        names = [
            _versions_between(project, one, other)
            for one, other in ((theirs, ours), (ours, theirs))
        ]
        sides = [", ".join(each) or "a changed store" for each in names]
        reason = f"both stores have grown since they parted: here {sides[0]}, there {sides[1]}"
        way = f"`git merge {branch}` puts both together; `xvc merge {branch}` takes its rows only."
        return CannotMerge(name, reason, way)
    reason = "this branch has commits of its own"
    return CannotMerge(
        name, reason, f"Only one store has grown: `git merge {branch}` loses no row."
    )


def _store_at(project: Project, commit: str | None) -> str | None:
    path = project.relative(pointer_of(project.store_path))
    text = project.git.read(commit, path) if commit else None
    return parse_pointer(text, path).digest if text is not None else None


def _versions_between(project: Project, old: str, new: str) -> list[str]:
    found = project.git.text("tag", f"--merged={new}", f"--no-merged={old}").split()
    return [info.name for info in versions(project) if info.name in found]


def _refuse_changed(git: Git, name: str, state: State, entries: Mapping[str, str]) -> None:
    """Refuse over changes of the user's; what a killed call has put there already is none."""
    touched = [path for path in (*state.changed, *state.untracked) if path in entries]
    changed = [path for path in touched if not _is_there(git, path, entries[path])]
    changed += [path for path in state.changed if path not in entries]
    ignored = git.ignored(set(entries) - set(touched))
    changed += [path for path in ignored if not _is_there(git, path, entries[path])]
    if changed:
        reason = f"files here have changed ({', '.join(sorted(changed)[:5])})"
        raise CannotMerge(name, reason, "Commit them, or put them back.")


def _is_there(git: Git, path: str, entry: str) -> bool:
    """Whether a file of the tree is what an entry of the new commit says."""
    place, wanted = git.place.top / path, entry.rpartition(" ")[2]
    if not os.path.lexists(place):
        return wanted == _GONE
    if place.is_symlink() or not place.is_file():
        return False
    return git.text("hash-object", f"--path={path}", "--", str(place)) == wanted


def _follow(
    project: Project, state: State, new: str, entries: Mapping[str, str], name: str
) -> None:
    git, scratch = project.git, project.room.scratch
    index = private_index(git, scratch, f"merge-{os.getpid()}")
    fresh = git.place.top / ".exp-merge"
    shutil.rmtree(fresh, ignore_errors=True)  # of a call that was killed
    try:
        git.put(index, entries)
        _write_out(git, index, fresh, entries)
        for path, entry in entries.items():
            _lay(fresh / "new" / path, git.place.top / path, is_gone=entry.endswith(_GONE))
        why = f"xvc worktree merge {name}"
        advance(git, scratch, state.commit, state.branch, new, why)
    finally:
        index.unlink(missing_ok=True)
        shutil.rmtree(fresh, ignore_errors=True)
    git.call("update-index", "-q", "--refresh", accept=(0, 1))
    project.keeper.refresh()


def _write_out(git: Git, index: Path, fresh: Path, entries: Mapping[str, str]) -> None:
    """Have git write the new files, with its filters, into a folder that it ignores."""
    fresh.mkdir()
    (fresh / ".gitignore").write_text("*\n")
    paths = b"".join(os.fsencode(p) + b"\0" for p, e in entries.items() if not e.endswith(_GONE))
    if paths:
        flags = ("--force", "-z", "--stdin", f"--prefix={fresh.name}/new/")
        git.call("checkout-index", *flags, index=index, stdin=paths)


def _lay(source: Path, target: Path, *, is_gone: bool) -> None:
    if is_gone:
        target.unlink(missing_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    os.replace(source, target)
