"""git's work trees: made, found and forgotten so that a kill in between leaves nothing in the way.

Never takes away a file of a tree that git has finished; what git itself left half made is known by
its own mark. The caller holds the lock of work trees.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from xvc.errors import GitFailed
from xvc.git.branch import clear, noted
from xvc.git.commands import Git, RepositoryPaths, main_tree
from xvc.system.pending import PendingChange, PendingLog

_HALF_MADE = b"initializing"  # what `git worktree add` writes into `locked` until it is done

MERGE_FILES = "merge-files"
"""The kind of change that is noted: git writes files for merge drivers into a tree."""
_DRIVER_FILES = ".merge_file_??????"
_LOOKED_AT = 5000  # folders in which a tree that was moved is looked for: some 50 ms


@dataclass(frozen=True, slots=True)
class WorkTree:
    """A work tree as git lists it; ``folder`` is its own part of the git folder.

    ``gone`` says why git would forget it, ``locked`` why nobody may remove it; None without.
    """

    path: Path
    commit: str | None
    branch: str | None
    folder: Path | None = None
    is_bare: bool = False
    gone: str | None = None
    locked: str | None = None


def living_trees(listed: Iterable[WorkTree]) -> set[str]:
    """Name, as git does, the linked trees whose folders are there."""
    return {tree.folder.name for tree in listed if tree.folder and tree.path.is_dir()}


def trees(git: Git) -> list[WorkTree]:
    """List the work trees, the main one first."""
    folders = _folders(git.place.common)
    found: list[WorkTree] = []
    for facts in _listed(git):
        path = Path(facts["worktree"])
        if not found and "bare" not in facts:
            path = _main_path(git.place.common, path)
        branch = facts.get("branch", "").removeprefix("refs/heads/") or None
        commit = facts.get("HEAD", "").strip("0") and facts["HEAD"]
        tree = WorkTree(
            path=path,
            commit=commit or None,
            branch=branch,
            folder=folders.get(path) if found else git.place.common,
            is_bare="bare" in facts,
            gone=facts.get("prunable"),
            locked=facts.get("locked"),
        )
        found.append(tree)
    return found


def _listed(git: Git) -> Iterator[dict[str, str]]:
    """Read what git says of each tree; a git before 2.36 cannot say a path with a newline."""
    try:
        said, end = git.text("worktree", "list", "--porcelain", "-z"), "\0"
    except GitFailed:
        said, end = git.text("worktree", "list", "--porcelain"), "\n"
    for block in said.split(2 * end):
        facts = dict(line.partition(" ")[::2] for line in block.split(end) if line)
        if "worktree" in facts:
            yield facts


def _main_path(common: Path, listed: Path) -> Path:
    """Name the main tree; of a submodule git lists its part of the outer git folder instead."""
    named = main_tree(common)
    return named if named is not None and (named / ".git").is_file() else listed


def _folders(common: Path) -> dict[Path, Path]:
    """Map the paths of linked trees to their parts of the git folder."""
    found = {}
    for folder in _parts(common):
        with contextlib.suppress(OSError):
            found[_tree_of(folder)] = folder
    return found


def _parts(common: Path) -> list[Path]:
    home = common / "worktrees"
    return sorted(path for path in home.iterdir() if path.is_dir()) if home.is_dir() else []


def _tree_of(folder: Path) -> Path:
    text = os.fsdecode((folder / "gitdir").read_bytes()).strip()
    return Path(os.path.normpath(folder / text)).parent


def path_of(common: Path, own: str) -> Path | None:
    """Tell where the linked tree is that git calls *own*; None where there is none any more."""
    with contextlib.suppress(OSError):
        path = _tree_of(common / "worktrees" / own)
        return path if path.is_dir() else None
    return None


def moved_trees(git: Git) -> list[Path]:
    """List the linked trees whose own file leads to another place than this repository's.

    As after the repository was moved, or copied with its trees left where they are.
    """
    return [
        path
        for path, folder in _folders(git.place.common).items()
        if path.is_dir() and not leads_to(path, folder)
    ]


def leads_to(path: Path, folder: Path) -> bool:
    """Whether the tree at *path* says of itself that *folder* is its part of the git folder."""
    return _leads_to(path / ".git") == folder.resolve()


def _leads_to(mark: Path) -> Path | None:
    try:
        text = os.fsdecode(mark.read_bytes()).strip()
    except OSError:
        return None
    return (mark.parent / text.removeprefix("gitdir:").strip()).resolve()


def found_at(git: Git, tree: WorkTree) -> Path | None:
    """Look for a listed tree that somebody has moved without git; None where it is not seen.

    Looked through are the folders beside where it was, beside the other trees and in the main one,
    and those in each of them; at most some thousand.
    """
    if tree.folder is None or tree.path.is_dir():
        return None
    place = git.place
    near = [place.top, place.top.parent, place.common.parent, tree.path.parent]
    near += [path.parent for path in _folders(place.common)]
    beside = dict.fromkeys(each for folder in near for each in (folder, *_subfolders(folder)))
    inside = (each for folder in beside for each in _subfolders(folder))
    near_first = itertools.islice(itertools.chain(beside, inside), _LOOKED_AT)
    return next((folder for folder in near_first if leads_to(folder, tree.folder)), None)


def _subfolders(folder: Path) -> list[Path]:
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        return [
            Path(entry.path)
            for entry in itertools.islice(entries, _LOOKED_AT)
            if entry.is_dir(follow_symlinks=False)
        ]
    return []


def place_of(git: Git, tree: WorkTree) -> RepositoryPaths:
    """Name the places of a listed tree."""
    return RepositoryPaths(tree.path, tree.folder or git.place.common, git.place.common)


def make_tree(
    git: Git, path: Path, *, branch: str | None, base: str, scratch: Path, log: PendingLog
) -> None:
    """Make a tree without files on *branch*, which begins at *base* where there is none yet.

    Without a branch it is detached at *base*.

    Raises:
        GitFailed: git refused.
    """
    ref = f"refs/heads/{branch}"
    clear(git, log)
    drop_half_made(git, path, scratch)
    if branch is not None and git.commit_of(ref) is None:
        with noted(git, log, base, [ref]):
            git.move_branch(branch, base, None, "xvc worktree add")
    if path not in _folders(git.place.common):
        where = (str(path), branch) if branch is not None else (str(path), base)
        how = ("--no-checkout", "--quiet", *(() if branch is not None else ("--detach",)))
        git.call("worktree", "add", *how, "--", *where)


def drop_half_made(git: Git, path: Path, scratch: Path) -> None:
    """Take away what a killed `git worktree add` of ours has left; it had written no file yet.

    Until then a torn file of it can keep git from listing any tree.
    """
    for folder in _parts(git.place.common):
        if not folder.name.startswith(path.name) or not _is_half_made(folder):
            continue
        try:
            is_ours = _tree_of(folder) == path
        except OSError:  # killed before it wrote whose it is
            is_ours = scratch.exists() and folder.stat().st_mtime >= scratch.stat().st_ctime - 1
        if is_ours:
            shutil.rmtree(folder)
            mark = path / ".git"
            if mark.is_file() and str(folder) in mark.read_text(encoding="utf-8"):
                mark.unlink()
    with contextlib.suppress(OSError):
        if (path / ".git").is_file() and not (path / ".git").read_bytes():
            (path / ".git").unlink()
        path.rmdir()  # only when it is empty


def _is_half_made(folder: Path) -> bool:
    with contextlib.suppress(OSError):
        return (folder / "locked").read_bytes().strip() == _HALF_MADE
    return not (folder / "gitdir").exists() or not (folder / "HEAD").exists()


def fill_tree(git: Git, files: str) -> None:
    """Write the files of a commit or a tree into a work tree without any; one with an index stays.

    git writes the index last, so without one no earlier call came to its end.
    """
    if (git.place.folder / "index").exists():
        return
    (git.place.folder / "index.lock").unlink(missing_ok=True)
    git.call("read-tree", "--reset", "-u", files)  # `reset` would lock ORIG_HEAD as well


def forget_tree(git: Git, path: Path) -> None:
    """Let git forget a tree whose files are gone; nothing happens when it knows of none.

    Raises:
        GitFailed: git refused.
    """
    folder = _folders(git.place.common).get(path)
    if folder is None or path.exists():
        return
    if (folder / "gitdir").exists() and (folder / "HEAD").exists():
        git.call("worktree", "remove", "--force", "--force", "--", str(path), accept=(0, 128))
    if folder.exists():
        shutil.rmtree(folder)


def drop_branch(git: Git, branch: str, commit: str, log: PendingLog) -> None:
    """Delete a branch, only where it was thought to be; nothing happens when there is none.

    Raises:
        GitFailed: it has moved meanwhile.
    """
    ref = f"refs/heads/{branch}"
    clear(git, log)
    if git.commit_of(ref) is None:
        return
    with noted(git, log, "", [ref, "packed-refs"]):
        git.call("update-ref", "-d", "--end-of-options", ref, commit)


def holders(git: Git, commit: str, prefixes: Iterable[str]) -> list[str]:
    """List the refs below *prefixes* from which a commit can be reached."""
    words = (f"--contains={commit}", "--format=%(refname)")
    return git.text("for-each-ref", *words, *prefixes).splitlines()


def is_ancestor(git: Git, old: str, new: str) -> bool:
    """Whether *new* has *old* in its history."""
    base = git.text("merge-base", "--", old, new, accept=(0, 1))
    return base == old or base == git.commit_of(old)


def base_of(git: Git, one: str, other: str) -> str | None:
    """Return the best common ancestor of two commits."""
    return git.text("merge-base", "--", one, other, accept=(0, 1)) or None


@dataclass(frozen=True, slots=True)
class MergedTree:
    """What git makes of two commits: a tree without conflicts, or the paths that have some."""

    tree: str | None
    conflicts: tuple[str, ...] = ()


def joined(git: Git, ours: str, theirs: str, log: PendingLog) -> MergedTree | None:
    """Merge two commits, merge drivers included, without touching a file of the tree or the index.

    Returns None when this git cannot: it came with 2.38. The caller holds the lock of versions.

    Raises:
        GitFailed: git refused; so it does where the two have nothing in common.
    """
    flags = ("--write-tree", "--name-only", "--no-messages", "-z")
    drop_merge_files(log)
    change = log.note(MERGE_FILES, {"top": str(git.place.top)})
    output = git.call("merge-tree", *flags, ours, theirs, accept=(0, 1, 129))
    change.take_off()
    tree, *paths = os.fsdecode(output).rstrip("\0").split("\0")
    if not tree:
        return None
    return MergedTree(None, tuple(paths)) if paths else MergedTree(tree)


def drop_merge_files(log: PendingLog) -> None:
    """Take away the files for merge drivers that a killed `joined` has left in a tree."""
    for change in log.of(MERGE_FILES):
        take_away_merge_files(change)
        change.take_off()


def take_away_merge_files(change: PendingChange) -> None:
    """Take away what git wrote for merge drivers since a change was noted.

    Raises:
        KeyError: the facts are not those of this version.
    """
    for path in Path(str(change.facts["top"])).glob(_DRIVER_FILES):
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_mtime >= change.since:
                path.unlink()


def untracked_like(git: Git, patterns: Path) -> list[str]:
    """List the files that git does not track and that fit a file of gitignore patterns.

    Folders that are repositories of their own are left out.
    """
    flags = ("-z", "--others", "--ignored", f"--exclude-from={patterns}")
    found = os.fsdecode(git.call("ls-files", *flags)).split("\0")
    return [path for path in found if path and not path.endswith("/")]
