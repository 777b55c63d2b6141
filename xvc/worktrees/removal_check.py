"""Finding what removing a work tree would lose: what no version, branch or other tree has."""

from __future__ import annotations

import filecmp
from pathlib import Path

from xvc.core.human_units import counted
from xvc.core.worktree import Losses
from xvc.dvc.outputs import members
from xvc.dvc.pointers import Out, tracked_outs
from xvc.dvc.repository import Dvc
from xvc.errors import CorruptError, NoObject, PointerCorrupt, Unresolved
from xvc.git.commands import Git
from xvc.git.worktrees import WorkTree
from xvc.history.unversioned import unsaved
from xvc.project import Project
from xvc.store.db import stores_set_aside
from xvc.store.state import StoreState, stamp_of
from xvc.system.files import md5_of
from xvc.worktrees.known_trees import git_at, project_at


def losses(project: Project, main: WorkTree, tree: WorkTree) -> Losses:
    """Look for everything that only this tree has.

    Raises:
        GitFailed: git cannot say.
    """
    there, git = project_at(project, tree), git_at(project, tree)
    is_edited = there.store_path.exists() and not _is_as_left(there)  # before it is taken in
    there.keeper.refresh()
    state = git.state()
    kept = (*state.changed, *(p for p in state.untracked if not _is_same(main, tree, p)))
    counts = unsaved(there)
    return Losses(
        rows=tuple(f"run {run} ({counted(rows, 'row')})" for run, rows in sorted(counts.items())),
        stores=tuple(_odd_stores(there, is_edited=is_edited or not counts)),
        commits=tuple(_commits_alone(git, tree)),
        files=tuple(kept),
        outputs=tuple(_changed_outputs(there, tree)),
    )


def losses_without_folder(project: Project, tree: WorkTree) -> Losses:
    """Look for what git alone has of a tree whose folder is not there.

    Raises:
        GitFailed: git cannot say.
    """
    return Losses(commits=tuple(_commits_alone(project.git, tree)))


def _is_same(main: WorkTree, tree: WorkTree, path: str) -> bool:
    """Whether the main tree has the same file: one that was copied from there."""
    there = main.path / path
    if main.is_bare or not there.is_file():
        return False
    return filecmp.cmp(there, tree.path / path, shallow=False)


def _odd_stores(there: Project, *, is_edited: bool) -> list[str]:
    """Stores that were set aside, and the one that another program has changed.

    With every row in a version, xvc leaves a store that is some version's, byte for byte.
    """
    store = there.store_path
    if not store.parent.is_dir():
        return []
    found = stores_set_aside(store)
    if is_edited and store.exists() and not _is_held_whole(there):
        found.append(store)
    return [there.relative(path) for path in found]


def _is_as_left(there: Project) -> bool:
    return StoreState.read(there.room.store_state).stamp == stamp_of(there.store_path)


def _is_held_whole(there: Project) -> bool:
    return there.dvc is not None and there.dvc.holds(md5_of(there.store_path))


def _commits_alone(git: Git, tree: WorkTree) -> list[str]:
    """Commits of a detached HEAD that no ref leads to; a branch keeps its own."""
    if tree.branch is not None or tree.commit is None:
        return []
    words = ("--not", "--branches", "--remotes", "--tags", "--glob=refs/xvc/")
    return [name[:10] for name in git.text("rev-list", tree.commit, *words).splitlines()]


def _changed_outputs(there: Project, tree: WorkTree) -> list[str]:
    dvc = there.dvc
    if dvc is None:
        return []
    files = there.git.listed("*.dvc", "dvc.lock", "*/dvc.lock")
    found = []
    for file in files:
        try:
            outs = tracked_outs(tree.path, [file])
        except (PointerCorrupt, Unresolved):
            found.append(file)
            continue
        found += [
            out.path
            for out in outs
            if out.path not in there.own_pointers() and is_changed(dvc, tree.path, out)
        ]
    return list(dict.fromkeys(found))


def is_changed(dvc: Dvc, top: Path, out: Out) -> bool:
    """Whether a file of an output holds bytes that the cache does not."""
    place = top / out.path
    try:
        known = members(dvc, out)
    except (NoObject, CorruptError):
        known = {}
    files = [place] if place.is_file() else []
    files += [each for each in place.rglob("*") if each.is_file()] if place.is_dir() else []
    return any(not _is_held(dvc, f, known.get(f.relative_to(top).as_posix())) for f in files)


def _is_held(dvc: Dvc, path: Path, likely: Path | None) -> bool:
    """Whether the cache has a file's bytes; a hardlink of an object needs no reading."""
    if path.is_symlink() or (likely is not None and path.samefile(likely)):
        return True
    return dvc.has_bytes_of(path)
