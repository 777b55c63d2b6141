"""Putting a new file where DVC may track one: beside it or as part of a tracked folder.

Object, file, pointer, each on the disk before the next; a link into the cache is replaced, never
written through. Refuses to guess: a folder whose list is not in the cache stays as it is.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from xvc.core.run import DataFile
from xvc.dvc.pointers import Pointer, read_pointer
from xvc.dvc.repository import Dvc, pointer_of
from xvc.errors import NoObject, NoProject
from xvc.system.files import md5_of, sync_folder, write_durably
from xvc.types import Digest


@dataclass(frozen=True, slots=True)
class Tracking:
    """What tracks a file: the tracked path, itself or a folder above, and its pointer."""

    path: Path
    pointer: Pointer

    def names(self, dvc: Dvc, file: Path) -> str | None:
        """Return the digest that the pointer gives to the file, if any.

        Raises:
            NoObject: the folder's list is not in the cache.
            ObjectCorrupt: its bytes are not what its name says.
        """
        if file == self.path:
            return self.pointer.digest
        listing = dvc.listing(self.pointer.digest, self.path.name)
        return listing.get(file.relative_to(self.path).as_posix())


def tracking_of(file: Path) -> Tracking | None:
    """Find the pointer that covers a file; None where nothing tracks it."""
    for path in (file, *file.parents):
        found = read_pointer(pointer_of(path)) if path.name else None
        if found is not None and (path == file or found.digest.endswith(".dir")):
            return Tracking(path, found)
    return None


def real_place(file: Path, dvc: Dvc | None) -> Path:
    """Name the file to replace: a link's target, unless that is an object of the cache."""
    if not file.is_symlink():
        return file
    target = file.resolve()
    in_cache = dvc is not None and target.is_relative_to(dvc.cache.resolve())
    return file if in_cache else target


def expect_trackable(file: Path, dvc: Dvc | None) -> None:
    """Look, before anything is done, whether the pointer of a file can follow it.

    Raises:
        NoProject: there is a pointer and no DVC repository.
        NoObject: the list of the folder it is in is not in the cache.
        ObjectCorrupt: that list is not what its name says.
    """
    found = tracking_of(file)
    if found is None:
        return
    if dvc is None:
        raise NoProject(str(file.parent), "a DVC repository")
    found.names(dvc, file)


def replace_tracked(fresh: Path, file: Path, dvc: Dvc | None) -> Digest | None:
    """Put a finished file in the place of another; returns its digest where DVC tracks it."""
    found = tracking_of(file)
    kept = dvc.keep_file(fresh) if found is not None and dvc is not None else None
    if file.is_file() and not file.is_symlink() and file.stat().st_nlink == 1:
        fresh.chmod(file.stat().st_mode & 0o777)
    os.replace(fresh, file)
    sync_folder(file.parent)
    if found is None or dvc is None or kept is None:
        return None
    _point(dvc, found, file, DataFile(*kept))
    return kept[0]


def follow(file: Path, dvc: Dvc | None) -> Digest | None:
    """Let a pointer name the file as it is, where a killed call left them apart."""
    found = tracking_of(file)
    if found is None or dvc is None or found.names(dvc, file) == md5_of(file):
        return None
    kept = dvc.keep_file(file)
    _point(dvc, found, file, DataFile(*kept))
    return kept[0]


def _point(dvc: Dvc, found: Tracking, file: Path, held: DataFile) -> None:
    """Write the pointer, of the file or of the folder that it is in."""
    if file != found.path:
        name = file.relative_to(found.path).as_posix()
        listing = dvc.listing(found.pointer.digest, found.path.name)
        before = _size_of(dvc, listing[name], file) if name in listing else 0
        size = (found.pointer.size or 0) - before + (held.size or 0)
        held = DataFile(dvc.keep_listing({**listing, name: held.digest}), size)
    write_durably(pointer_of(found.path), dvc.pointer_text(found.path, held))


def _size_of(dvc: Dvc, digest: str, file: Path) -> int:
    try:
        return dvc.place(digest).stat().st_size
    except FileNotFoundError:
        raise NoObject(digest, file.name) from None
