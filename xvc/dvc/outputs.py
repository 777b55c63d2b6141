"""The files of tracked outputs in DVC's cache. Reads only."""

from __future__ import annotations

from pathlib import Path

from xvc.dvc.pointers import Out
from xvc.dvc.repository import Dvc
from xvc.errors import NoObject

_FOLDER = ".dir"


def object_of(dvc: Dvc, digest: str, out: Out | None = None) -> Path:
    """Name the cache object of a digest, as *out* means it; those of DVC 2 lie elsewhere."""
    return dvc.object_of(digest, is_old=out is not None and out.is_old)


def note_old(dvc: Dvc, out: Out) -> None:
    """Remember that a pointer of DVC 2 names an object, which so has another place."""
    if out.is_old:
        dvc.of_dvc_2.add(out.digest)


def members(dvc: Dvc, out: Out) -> dict[str, Path]:
    """Map the files of an output, by path from the top, to their cache objects.

    Raises:
        NoObject: the folder's list, or one of the objects, is not in the cache.
        ObjectCorrupt: the list is not what its name says, or the sizes are not and so one object.
        BadListing: the list names a file outside the folder.
    """
    digests = digests_of(dvc, out)
    found = {path: object_of(dvc, digest, out) for path, digest in digests.items()}
    sizes = 0
    for place in found.values():
        try:
            sizes += place.stat().st_size
        except FileNotFoundError:
            raise NoObject(place.parent.name + place.name, out.path) from None
    if out.size is not None and sizes != out.size:  # reading them all tells which one it is
        for path, place in found.items():
            dvc.refuse_wrong(digests[path], place)
    return found


def digests_of(dvc: Dvc, out: Out) -> dict[str, str]:
    """Map the files of an output, by path from the top, to their digests.

    Raises:
        NoObject: the folder's list is not in the cache.
        ObjectCorrupt: the list is not what its name says.
        BadListing: the list names a file outside the folder.
    """
    note_old(dvc, out)
    if not out.digest.endswith(_FOLDER):
        return {out.path: out.digest}
    listed = dvc.listing(out.digest, out.path)
    if out.is_old:
        dvc.of_dvc_2.update(listed.values())
    return {f"{out.path}/{name}": digest for name, digest in listed.items()}
