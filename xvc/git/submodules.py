"""Submodules of a work tree: which are not there, and having them in a linked tree as in another.

git makes linked trees without them, so code that a tree has in a submodule would be missing from
the trees beside it. Each is a linked tree of the submodule's own repository; nothing is fetched.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from shlex import quote

from xvc.core.code_files import is_junk
from xvc.errors import GitFailed
from xvc.git.commands import Git, find
from xvc.system.path_containment import is_inside

_MODE = "160000"
_NO_HOOKS = ("-c", f"core.hooksPath={os.devnull}")


def submodules(git: Git) -> dict[str, str]:
    """Map the submodules of a tree's index, by path from its top, to the commits they are at."""
    if not (git.place.top / ".gitmodules").exists():
        return {}
    found = {}
    for record in os.fsdecode(git.call("ls-files", "-z", "--stage")).split("\0"):
        meta, _, path = record.partition("\t")
        if meta.startswith(_MODE):
            found[path] = meta.split(" ")[1]
    return found


def absent_submodules(git: Git) -> tuple[str, ...]:
    """Name the submodules whose files are not in the tree."""
    return tuple(path for path in submodules(git) if not _is_there(git.place.top / path))


def put_submodules(git: Git, giving: Path) -> Iterator[str]:
    """Have in a tree the submodules that another tree of the repository has; say what cannot be.

    What is there stays as it is. Submodules in submodules are had, too.

    Args:
        git: of the tree that gets them.
        giving: the top of the other.
    """
    top = git.place.top
    for path, commit in submodules(git).items():
        source, target = giving / path, top / path
        place = find(source) if _is_there(source) else None
        if place is None or not is_inside(target.parent, top):
            continue
        own = git.at(place)
        if not _is_there(target):
            if target.is_dir() and any(target.iterdir()):
                continue
            try:
                words = ("--quiet", "--detach", "--force", "--", str(target), commit)
                own.call(*_NO_HOOKS, "worktree", "add", *words)
            except GitFailed:
                yield (
                    f"submodule {path} is at {commit[:10]}, which {source} has not: "
                    f"`git submodule update --init {quote(path)}` in {top} brings it"
                )
                continue
        inner = find(target)
        if inner is not None and inner.top == target:
            yield from put_submodules(git.at(inner), source)


def linked_folders(git: Git) -> list[Path]:
    """Name git's own folders of the submodules that `put_submodules` had in a tree."""
    found = []
    for path in submodules(git):
        place = find(git.place.top / path)
        if place is not None and place.top == git.place.top / path:
            found += [*linked_folders(git.at(place)), place.folder]
    return found


def forget_folders(folders: list[Path]) -> None:
    """Let the repositories of submodules forget the linked trees that these folders are of."""
    for folder in folders:
        if folder.parent.name == "worktrees" and (folder / "gitdir").is_file():
            shutil.rmtree(folder, ignore_errors=True)


def ignored_paths(git: Git, paths: Collection[str]) -> set[str]:
    """Tell which of these paths git ignores; of one in a submodule that is asked, not this."""
    if not paths:
        return set()
    found, rest = set[str](), set(paths)
    for module in submodules(git):
        place = find(git.place.top / module)
        below = {path for path in rest if path.startswith(f"{module}/")}
        rest -= below
        if below and place is not None and place.top == git.place.top / module:
            own = {path.removeprefix(f"{module}/") for path in below}
            found |= {f"{module}/{path}" for path in ignored_paths(git.at(place), own)}
    return found | (git.ignored(rest) if rest else set())


def changed_submodules(git: Git, modules: Iterable[str]) -> list[str]:
    """Choose the submodules with changes that matter: caches of an interpreter do not."""
    return [path for path in modules if _is_changed(git, path)]


def _is_changed(git: Git, path: str) -> bool:
    place = find(git.place.top / path)
    if place is None or place.top != git.place.top / path:
        return True
    flags = ("--porcelain", "-z", "--untracked-files=all", "--ignore-submodules=none")
    said = os.fsdecode(git.at(place).call("status", *flags)).split("\0")
    return any(not (line.startswith("?? ") and is_junk(line[3:])) for line in said if line)


def _is_there(folder: Path) -> bool:
    return os.path.lexists(folder / ".git")
