"""Merging the lists of assets that two branches made: an asset is named by its content.

So there are no conflicts: what either side added is in, what one side deleted is out.
"""

from __future__ import annotations

from shlex import quote

from xvc.core.run import DataFile
from xvc.dvc.pointers import Pointer
from xvc.dvc.repository import Dvc
from xvc.merging.driver_input import DriverInput
from xvc.merging.sources import NotFetched


class AssetsAway(NotFetched):
    """A list of assets that git wants merged is not in the DVC cache; git has stopped."""

    code = "assets-away"

    @property
    def hint(self) -> str:
        """Says what fetches it, and how to go on after git has stopped."""
        return (
            f"Fetch it with `dvc fetch --all-commits {quote(self.path)}`, then "
            f"`git checkout -m {quote(self.path)}` and `git add` it; nothing was changed."
        )


def merge_assets(dvc: Dvc, given: DriverInput) -> None:
    """Merge the lists that three pointers name and give git the pointer.

    Raises:
        AssetsAway: a list is not in the DVC cache.
        ObjectCorrupt: one has rotted there.
        PointerCorrupt: a file holds no pointer.
    """
    ours, theirs, base = given.read()
    mine, yours, was = (_listed(dvc, each, given) for each in (ours, theirs, base))
    new = {name: md5 for name, md5 in yours.items() if name not in mine and name not in was}
    gone = mine.keys() & was.keys() - yours.keys()
    kept = {name: md5 for name, md5 in mine.items() if name not in gone} | new
    grown = sum(_size(dvc, md5) for md5 in new.values())
    size = (ours.size or 0) + grown - sum(_size(dvc, mine[name]) for name in gone)
    given.write_result(dvc, ours.path, DataFile(dvc.keep_listing(kept), size))


def _listed(dvc: Dvc, pointer: Pointer | None, given: DriverInput) -> dict[str, str]:
    if pointer is None:
        return {}
    if not dvc.holds(pointer.digest):
        raise AssetsAway(pointer.digest, given.path)
    return dvc.listing(pointer.digest, given.path)


def _size(dvc: Dvc, md5: str) -> int:
    """The bytes of an asset; 0 when it is not in the cache."""
    place = dvc.place(md5)
    return place.stat().st_size if place.is_file() else 0
