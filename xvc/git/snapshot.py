"""The code of a run as a git commit: tracked, staged, changed and untracked files alike.

Built through a private index: the user's index, HEAD and stash stay as they are. Files that git
ignores, that look like secrets or that are very large are left out, and listed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import get_native_id

from xvc.core.secrets import looks_secret
from xvc.git.commands import Git, State

RUNS = "refs/xvc/runs/"
SWEEPS = "refs/xvc/sweeps/"
_GONE = f"000000 blob {'0' * 40}"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The commit that holds a tree as it was, and the index file that remembers its files."""

    commit: str
    tree: str
    is_dirty: bool
    left_out: tuple[str, ...]
    index: Path


def take(
    git: Git, run: str, state: State, *, most_bytes: int, scratch: Path, below: str = RUNS
) -> Snapshot:
    """Keep the tree under ``refs/xvc/runs/<run>``, on the disk when this returns.

    Args:
        git: the repository.
        run: whose code it is.
        state: the tree against HEAD, as just read.
        most_bytes: larger untracked files are left out.
        scratch: where the private index goes; the caller removes it after the run.
        below: where the ref goes, for what is no run.
    """
    top = git.place.top
    changed = [path for path in state.changed if not looks_secret(path)]
    added = [path for path in state.untracked if _fits(top / path, path, most_bytes)]
    taken = {*changed, *added}
    left_out = tuple(path for path in (*state.changed, *state.untracked) if path not in taken)
    index = private_index(git, scratch, run)
    if not changed and not added and state.commit is not None:
        commit, tree = state.commit, ""
    else:
        git.update_index(index, [*changed, *added])
        tree = git.write_tree(index)
        message = f"code of run {run}\n"
        commit = git.make_commit(tree, [state.commit], message, ours=True)
    git.keep(below + run, commit)
    return Snapshot(commit, tree, commit != state.commit, left_out, index)


def private_index(git: Git, scratch: Path, name: str) -> Path:
    """Copy the user's index; an empty one where there is none yet."""
    scratch.mkdir(parents=True, exist_ok=True)
    index = scratch / f"{name}.index"
    users = git.place.folder / "index"
    if users.exists():
        shutil.copyfile(users, index)
    return index


def tree_with(git: Git, scratch: Path, base: str | None, files: Mapping[str, bytes | None]) -> str:
    """Write a tree: *base* (None: nothing) with files of other content, or without those of None.

    The user's index, filters and work tree have no part in it.
    """
    index = scratch / f"tree-{os.getpid()}-{get_native_id()}.index"
    scratch.mkdir(parents=True, exist_ok=True)
    written = {path: text for path, text in files.items() if text is not None}
    removed = {path: _GONE for path, text in files.items() if text is None}
    try:
        if base is not None:
            git.read_tree(base, index)
        git.put(index, {**git.keep_blobs(written, scratch), **removed})
        return git.write_tree(index)
    finally:
        index.unlink(missing_ok=True)


def tree_now(git: Git, state: State, scratch: Path, counts: Callable[[str], bool]) -> str:
    """Write the tree of the files as they are now; *counts* chooses among the untracked ones."""
    index = private_index(git, scratch, f"now-{os.getpid()}")
    try:
        git.update_index(index, [*state.changed, *(p for p in state.untracked if counts(p))])
        return git.write_tree(index)
    finally:
        index.unlink(missing_ok=True)


def _fits(file: Path, path: str, most_bytes: int) -> bool:
    if path.endswith("/") or looks_secret(path):
        return False  # a folder here is a repository of its own
    try:
        return file.lstat().st_size <= most_bytes
    except OSError:
        return False
