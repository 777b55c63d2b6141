"""Whether a path, all links followed, lies inside a work tree.

A setting or a tracked link of a cloned repository may lead anywhere on this machine. Reads only;
code that opens such a path calls this first.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from shlex import quote

from xvc.errors import OutsideProject

_PRIVATE = (".git", ".dvc")
_CACHE = "cache.dir in the settings of DVC"
_STAY = "`dvc cache dir --local cache` keeps the objects inside the project"
_CACHE_NAMES = ("files", "runs", "tmp", "lock", ".gitignore", "CACHEDIR.TAG", "lost+found")


def is_inside(path: Path, top: Path) -> bool:
    """Whether a path is in a folder when every link on the way to it is followed.

    What does not exist yet is inside when the folder that it would be made in is.
    """
    real, home = os.path.realpath(path), os.path.realpath(top)
    return real == home or real.startswith(home.rstrip("/") + "/")


def is_named_inside(name: str, root: Path, top: Path) -> bool:
    """Whether a path that a file of a clone names lies in the tree, links not followed.

    Names that git or DVC keep for themselves are not the tree's either.

    Args:
        name: as it is written down, from *root*.
        root: the project.
        top: the work tree that the project is in.
    """
    whole = Path(os.path.normpath(root / os.path.expanduser(name)))
    if whole == top or not whole.is_relative_to(top):
        return False
    return not {part.casefold() for part in whole.relative_to(top).parts} & set(_PRIVATE)


def way_out(path: Path, top: Path) -> Path | None:
    """Find the link on the way to a path that leads out of *top*; None where the path stays in.

    >>> way_out(Path("/usr/no/such"), Path("/usr"))
    """
    if is_inside(path, top):
        return None
    place = top
    for part in Path(os.path.normpath(path)).relative_to(top).parts:
        place /= part
        if place.is_symlink() and not is_inside(place, top):
            return place
    return path


def refuse_cache(cache: Path, top: Path, *, may_make: Callable[[], bool]) -> None:
    """Let a cache outside the tree be one: a folder that is there and holds nothing but a cache.

    Args:
        cache: the folder that DVC's settings name.
        top: the work tree.
        may_make: tells whether the user's own settings name it; then it may be missing yet.

    Raises:
        OutsideProject: it is missing, or something else is kept there.
    """
    if is_inside(cache, top):
        return
    if not os.path.lexists(cache):
        if may_make():
            return
        way = f"If it is to be the cache, make it: `mkdir -p {quote(str(cache))}`. {_STAY}"
        raise OutsideProject(_CACHE, str(cache), str(top), way)
    if not holds_only_objects(cache):
        raise OutsideProject(_CACHE, str(cache), str(top), _STAY)


def holds_only_objects(folder: Path) -> bool:
    """Whether a folder holds nothing but what DVC keeps in one; true where nothing can be seen."""
    try:
        return all(_is_of_cache(name) for name in os.listdir(folder))
    except OSError:
        return True  # it is made, or the system says why it cannot be, where it is used


def _is_of_cache(name: str) -> bool:
    is_older = len(name) == 2 and set(name) <= set("0123456789abcdef")
    return is_older or name in _CACHE_NAMES or name.startswith((".nfs", ".snapshot"))
