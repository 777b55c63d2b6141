"""The code of a run as a git commit: tracked, staged, changed and untracked files alike.

Built through a private index: the user's index, HEAD and stash stay as they are. Files that git
ignores, that look like secrets, that runs have written or that are very large are left out, and
listed. Files that git was told not to look at are looked at.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import get_native_id

from xvc.core.code_files import MANY_FILES, Limits, in_short, installed_folders, is_source, that_fit
from xvc.errors import GitFailed
from xvc.git.commands import Git, TreeState
from xvc.git.index_copy import copy_index
from xvc.git.secret_files import holding_secrets, is_withheld
from xvc.git.submodules import absent_submodules, changed_submodules

RUNS = "refs/xvc/runs/"
SWEEPS = "refs/xvc/sweeps/"
LOGS = "refs/xvc/logs/"
"""What runs printed, each a blob: it goes where the code of the run goes, when that is pushed."""
USAGE = ".usage"
"""How the name of what a run used over time ends, beside what it printed."""
STORES = "refs/xvc/stores/"
"""The last version on each branch: its store stays within reach when the branch goes."""
_POINTER = ".dvc"
_OF_THIS_MACHINE = "/.dvc/config.local"  # xvc sets it itself; no code, though somebody tracks it
_GONE = f"000000 blob {'0' * 40}"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The commit that holds a tree as it was, and the index file that remembers its files.

    ``left_out`` is what git does not ignore and the commit does not hold; ``written`` is what of it
    runs have written, ``incomplete`` what is code, as far as names can tell, ``secrets`` where a
    secret stands, or could, in files that were left out for it, ``refused`` what git said of files
    that it could not take in. ``absent`` are submodules that are not in the tree. ``lacking`` is
    what of ``left_out`` may be data: files that are no code, no secret and of no package, and
    folders with a slash in place of many.
    """

    commit: str
    tree: str
    is_dirty: bool
    left_out: tuple[str, ...]
    index: Path
    written: tuple[str, ...] = ()
    incomplete: tuple[str, ...] = ()
    secrets: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    absent: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()


def take(
    git: Git,
    run: str,
    state: TreeState,
    *,
    limits: Limits,
    scratch: Path,
    searched: Path,
    below: str | None = RUNS,
    written: Callable[[Sequence[str]], set[str]] = lambda _: set(),
) -> Snapshot:
    """Keep the tree under ``refs/xvc/runs/<run>``, on the disk when this returns.

    Args:
        git: the repository.
        run: whose code it is.
        state: the tree against HEAD, as just read.
        limits: how much of what git does not track is taken.
        scratch: where the private index goes; the caller removes it after the run.
        searched: the file that remembers in which texts no secret was found.
        below: where the ref goes, for what is no run; None only says what the tree is.
        written: tells which of some files runs have written: they are results, no code.
    """
    index, hidden = private_index(git, scratch, run), git.hidden()
    if hidden:
        git.unhide(index, hidden)
    touched = (*state.changed, *hidden)
    chosen = _chosen(git.place.top, state.untracked, limits, written)
    named = [path for path in touched if is_withheld(path, limits.allowed)]
    changed = [path for path in touched if path not in named]
    commit, tree = state.commit, ""
    secrets = holding_secrets(
        git,
        commit,
        (*changed, *chosen.taken),
        limits.allowed,
        memory=searched,
        at_most=limits.file_bytes,
    )
    changed = [path for path in changed if path not in secrets]
    taken = [path for path in chosen.taken if path not in secrets]
    withheld = [path for path in touched if path not in changed]
    modules, absent = changed_submodules(git, state.modules), absent_submodules(git)
    own = [path for path in withheld if not f"/{path}".endswith(_OF_THIS_MACHINE)]
    unheld = [*own, *modules, *chosen.too_large]
    unheld += [path for path in secrets if is_source(path)]
    refused: dict[str, str] = {}
    if changed or taken or commit is None:
        _take_back(git, index, commit, withheld)
        refused = _refused(git, index, [*changed, *taken])
        unheld += refused
        tree = git.write_tree(index)
        if below is not None and (commit is None or tree != git.tree_of(commit)):
            message = f"code of run {run}\n"
            commit = git.make_commit(tree, [state.commit], message, ours=True)
    if below is not None and commit is not None:
        git.keep(below + run, commit)
    held = {*changed, *taken} - {*unheld}
    lacking = [path for path in (*touched, *state.untracked) if path not in held]
    return Snapshot(
        commit=commit or "",
        tree=tree,
        is_dirty=commit != state.commit,
        left_out=(*in_short(dict.fromkeys((*lacking, *modules))), *absent),
        index=index,
        written=tuple(chosen.written),
        incomplete=tuple(dict.fromkeys(unheld)),
        secrets=secrets,
        refused=refused,
        absent=absent,
        lacking=_that_may_be_data(lacking, {*touched, *unheld, *secrets}, limits),
    )


def _that_may_be_data(
    lacking: Sequence[str], others: Collection[str], limits: Limits
) -> tuple[str, ...]:
    foreign = installed_folders(lacking)
    by_folder: dict[str, list[str]] = {}
    for path in lacking:
        is_other = path in others or path.startswith(foreign) or path.endswith("/")
        if not is_other and not is_withheld(path, limits.allowed):
            by_folder.setdefault(path.rpartition("/")[0], []).append(path)
    many = {folder for folder, held in by_folder.items() if folder and len(held) > MANY_FILES}
    few = (path for folder, held in by_folder.items() if folder not in many for path in held)
    return (*(f"{folder}/" for folder in sorted(many)), *few)


def _take_back(git: Git, index: Path, commit: str | None, paths: Sequence[str]) -> None:
    """Have in an index file what HEAD has of files that are withheld, whatever is staged."""
    if paths:
        committed = git.blobs(commit) if commit else {}
        git.put(index, {path: committed.get(path, _GONE) for path in paths})


@dataclass(frozen=True, slots=True)
class _Chosen:
    """What of the untracked files is taken, what runs wrote, and which scripts are too large."""

    taken: tuple[str, ...]
    written: tuple[str, ...]
    too_large: tuple[str, ...]


def _chosen(
    top: Path,
    untracked: Sequence[str],
    limits: Limits,
    written: Callable[[Sequence[str]], set[str]],
) -> _Chosen:
    foreign = installed_folders(untracked)
    own = [path for path in untracked if not path.startswith(foreign)]
    results = written([path for path in own if not is_source(path)]) if own else set()
    sizes = {path: _size(top, path, limits) for path in own if path not in results}
    known = {path: size for path, size in sizes.items() if size is not None}
    small = {path: size for path, size in known.items() if size <= limits.file_bytes}
    fitting = that_fit(small, limits)
    too_large = [path for path in known if path not in fitting and is_source(path)]
    return _Chosen(
        tuple(path for path in small if path in fitting),
        tuple(path for path in own if path in results),
        tuple(too_large),
    )


def _refused(git: Git, index: Path, paths: Sequence[str]) -> dict[str, str]:
    """Bring files into an index file; returns those that git cannot hold, with what it said."""
    try:
        git.update_index(index, paths)
    except GitFailed as err:
        if len(paths) <= 1:
            return dict.fromkeys(paths, str(err))
        half = len(paths) // 2
        return _refused(git, index, paths[:half]) | _refused(git, index, paths[half:])
    return {}


def private_index(git: Git, scratch: Path, name: str) -> Path:
    """Copy the user's index; an empty one where there is none yet."""
    scratch.mkdir(parents=True, exist_ok=True)
    return copy_index(git.place.folder / "index", scratch / f"{name}.index")


def tree_with(git: Git, scratch: Path, base: str | None, files: Mapping[str, bytes | None]) -> str:
    """Write a tree: *base* (None: nothing) with files of other content, or without those of None.

    What the work tree holds as it is given here, git reads there: a filter, line ends and the mode
    count as for `git add`, so that the tree is clean afterwards. Pointers keep their bytes.

    Raises:
        GitFailed: git could not, for example because a filter that is required is not installed.
    """
    index = scratch / f"tree-{os.getpid()}-{get_native_id()}.index"
    scratch.mkdir(parents=True, exist_ok=True)
    written = {path: text for path, text in files.items() if text is not None}
    removed = {path: _GONE for path, text in files.items() if text is None}
    there = [path for path, text in written.items() if _is_there(git.place.top / path, text)]
    others = {path: text for path, text in written.items() if path not in there}
    try:
        if base is not None:
            git.read_tree(base, index)
        git.put(index, {**git.keep_blobs(others, scratch), **removed})
        git.update_index(index, there)
        return git.write_tree(index)
    finally:
        index.unlink(missing_ok=True)


def _is_there(path: Path, content: bytes) -> bool:
    """Whether the work tree has a file of the user's with just this content."""
    if path.suffix == _POINTER or path.is_symlink():
        return False
    try:
        return path.read_bytes() == content
    except OSError:
        return False


def tree_now(git: Git, state: TreeState, scratch: Path, counts: Callable[[str], bool]) -> str:
    """Write the tree of the files as they are now; *counts* chooses among the untracked ones."""
    index = private_index(git, scratch, f"now-{os.getpid()}")
    try:
        if hidden := git.hidden():
            git.unhide(index, hidden)
        _refused(git, index, [*state.changed, *hidden, *(p for p in state.untracked if counts(p))])
        return git.write_tree(index)
    finally:
        index.unlink(missing_ok=True)


def _size(top: Path, path: str, limits: Limits) -> int | None:
    """The bytes of a file that can be taken; None for a secret, and for another repository."""
    if path.endswith("/") or is_withheld(path, limits.allowed):
        return None
    try:
        return os.lstat(os.path.join(top, path)).st_size
    except OSError:
        return None
