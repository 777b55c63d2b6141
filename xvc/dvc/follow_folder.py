"""Bringing a folder whose files are named by their content in line with its pointer.

What the pointer lists and the cache holds is put there. What it does not list is taken away only
where the cache holds the very bytes, and never more than is hashed in a second.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from xvc.dvc.cache_links import Linker
from xvc.dvc.pointers import read_pointer
from xvc.dvc.repository import Dvc, pointer_of
from xvc.errors import XvcError
from xvc.system.files import md5_of

_MOST = 1 << 28  # bytes


def bring_listed(dvc: Dvc, folder: Path) -> int:
    """Put the files that the pointer of a folder lists to the others; returns how many.

    Raises:
        NoObject: the list is not in the cache.
        ObjectCorrupt: its bytes are not what its name says.
        OSError: the disk refused.
    """
    linker = Linker(("reflink", "copy"), dvc.root / ".dvc" / "tmp" / "xvc-links")
    real = folder.resolve()
    for name, digest in _listed(dvc, folder).items():
        place, target = dvc.object_of(digest), folder / name
        if place.is_file() and target.parent.resolve().is_relative_to(real):
            linker.put(place, target, is_own=True)
    linker.clear()
    return sum(linker.made.values())


def take_unlisted(dvc: Dvc, folder: Path) -> None:
    """Take away what the pointer of a folder does not list and the cache holds.

    Raises:
        NoObject: the list is not in the cache.
        ObjectCorrupt: its bytes are not what its name says.
        OSError: the disk refused.
    """
    listed, left = _listed(dvc, folder), _MOST
    for path in [each for each in folder.rglob("*") if each.is_file() and not each.is_symlink()]:
        if path.relative_to(folder).as_posix() in listed:
            continue
        left -= path.stat().st_size
        if left < 0:
            break
        if _is_held(dvc, path):
            path.unlink()
    for place in sorted(folder.rglob("*"), reverse=True):
        with suppress(OSError):  # no folder, or something is in it
            os.rmdir(place)


def _is_held(dvc: Dvc, path: Path) -> bool:
    with suppress(XvcError):
        return dvc.verify(md5_of(path), path.name).stat().st_size == path.stat().st_size
    return False


def _listed(dvc: Dvc, folder: Path) -> dict[str, str]:
    place = pointer_of(folder)
    pointer = read_pointer(place)
    return dvc.listing(pointer.digest, place.name) if pointer is not None else {}
