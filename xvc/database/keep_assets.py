"""Putting assets into the DVC cache for a version: only those that the last one has not.

The pointer of the folder, as it lies in the tree, is the note of what is in: its list is read,
new files are added, nothing is hashed again. An asset that is listed and not here is of somebody
else's run, not pulled yet; it stays listed. What was deleted on purpose was taken off the list.
"""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor

from xvc.core.run import DataFile
from xvc.dvc.pointers import read_pointer
from xvc.dvc.repository import Dvc, pointer_of
from xvc.project import Project
from xvc.system.files import add_line, write_durably

_AT_ONCE = 8  # files put on the disk together: 2,000 take a quarter of the time


def keep_assets(project: Project, dvc: Dvc) -> dict[str, bytes]:
    """Write the pointer of the assets; returns it by its path from the top, nothing without any.

    The store's own snapshot is taken before: a row is logged after its asset is there, so every
    digest in that snapshot is found here.

    Raises:
        NoObject: the list of the last version's assets is not in the cache.
        ObjectCorrupt: its bytes are not what its name says.
        AssetCorrupt: a new asset's bytes are not what its name says.
    """
    assets = project.assets
    assets.clear()
    here = {f"{digest[:2]}/{digest}": digest for digest in assets.all()}
    listed, size = _listed(project, dvc)
    new = sorted(here.keys() - listed.keys())
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        kept = list(pool.map(lambda name: dvc.keep_file(assets.verify(here[name])), new))
    listed |= {name: md5 for name, (md5, _) in zip(new, kept, strict=True)}
    if not listed:
        return {}
    return _write(project, dvc, listed, size + sum(its for _, its in kept))


def take_off_list(project: Project, digests: Collection[str]) -> None:
    """Take deleted assets out of the folder's pointer, so that the next version lacks them.

    Raises:
        NoObject: the list of the last version's assets is not in the cache.
        ObjectCorrupt: its bytes are not what its name says.
    """
    if project.dvc is None:
        return
    listed, size = _listed(project, project.dvc)
    gone = {f"{digest[:2]}/{digest}" for digest in digests} & listed.keys()
    if gone:
        kept = {name: md5 for name, md5 in listed.items() if name not in gone}
        freed = sum(_size(project, project.dvc, name, listed[name]) for name in gone)
        _write(project, project.dvc, kept, size - freed)


def _size(project: Project, dvc: Dvc, name: str, md5: str) -> int:
    """The size of a listed asset in bytes; 0 when it is unknown, because the asset is not here."""
    places = (project.assets.folder / name, dvc.place(md5))
    return next((place.stat().st_size for place in places if place.is_file()), 0)


def _listed(project: Project, dvc: Dvc) -> tuple[dict[str, str], int]:
    place = pointer_of(project.assets.folder)
    pointer = read_pointer(place)
    if pointer is None:
        return {}, 0
    return dvc.listing(pointer.digest, project.relative(place)), pointer.size or 0


def _write(project: Project, dvc: Dvc, files: dict[str, str], size: int) -> dict[str, bytes]:
    folder = project.assets.folder
    pointer = pointer_of(folder)
    text = dvc.pointer_text(folder, DataFile(dvc.keep_listing(files), size))
    if not pointer.exists() or pointer.read_bytes() != text:
        write_durably(pointer, text)
    add_line(pointer.with_name(".gitignore"), f"/{folder.name}")
    return {project.relative(pointer): text}
