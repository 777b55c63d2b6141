"""Deleting an asset: a plan first, then its bytes. Versions keep what they hold.

Cells that hold the digest stay as they are, unless they are to be emptied, by edits. Killed
anywhere, the same call completes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from xvc.core.asset import Asset, removal
from xvc.core.record import RecordKind
from xvc.database.keep_assets import take_off_list
from xvc.database.list_assets import ListedAsset, find_asset, list_assets
from xvc.dvc.pointers import parse_pointer
from xvc.dvc.repository import Dvc, pointer_of
from xvc.errors import NoAsset
from xvc.history.find import versions
from xvc.journal.edit_builder import setting
from xvc.project import Project
from xvc.recording.begin_run import open_journal
from xvc.recording.edit_records import write_down
from xvc.store.assets import holders
from xvc.system.lock import FileLock

_WAIT = 120.0  # seconds for a version that is being made


@dataclass(frozen=True, slots=True)
class AssetDeletion:
    """What goes: the asset, and for a folder those of its files that nothing else holds.

    ``version`` is the newest that still has it, None when no version does; ``files`` are digests,
    ``way_back`` a command that brings it back out of the version.
    """

    asset: Asset
    files: tuple[str, ...]
    references: int
    version: str | None
    way_back: str | None
    is_done: bool = False


def delete_asset(
    project: Project, digest: str, *, clear: bool = False, dry_run: bool = False
) -> AssetDeletion:
    """Plan a deletion and, unless *dry_run*, do it; *clear* empties the cells that hold it.

    Raises:
        NoAsset: the store knows of no such asset.
        AmbiguousAsset: several begin so.
        NoObject: the list of the last version's assets is not in the DVC cache.
        LockBusy: a version is being made, for long.
    """
    project.room.version_lock.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(project.room.version_lock).held(wait=_WAIT, doing="delete an asset"):
        found = find_asset(project, digest)
        files = _files(project, found.asset)
        version = _newest_version_with(project, found.asset.digest)
        back = _way_back(project, found.asset.digest, version) if version else None
        if not dry_run:
            if clear and found.references:
                _empty_cells(project, found.asset.digest)
            _delete(project, found.asset.digest, files)
        return AssetDeletion(
            asset=found.asset,
            files=files,
            references=found.references,
            version=version,
            way_back=back,
            is_done=not dry_run,
        )


def _empty_cells(project: Project, digest: str) -> None:
    with project.keeper.view() as connection:
        places = holders(connection, digest)
    write_down(project, *(setting(table, key, None, None, (key, digest)) for table, key in places))


def _delete(project: Project, digest: str, files: tuple[str, ...]) -> None:
    """Off the list first: killed after it, the file is merely new to the next version."""
    take_off_list(project, files)
    for each in files:
        project.assets.remove(each)
    journal = open_journal(project)
    journal.note(RecordKind.ASSET, None, removal(digest))
    journal.close()
    project.keeper.refresh()


def _files(project: Project, asset: Asset) -> tuple[str, ...]:
    if asset.kind != "folder":
        return (asset.digest,)
    others = [each for each in list_assets(project) if each.asset.digest != asset.digest]
    used = {each.asset.digest for each in others}
    for each in others:
        used.update(_parts(project, each))
    own = _parts(project, ListedAsset(asset, 0, is_here=True))
    return (*(each for each in own if each not in used), asset.digest)


def _parts(project: Project, each: ListedAsset) -> Iterable[str]:
    if each.asset.kind != "folder":
        return ()
    try:
        return dict.fromkeys(p.digest for p in project.assets.parts(each.asset.digest) or ())
    except NoAsset:
        return ()  # its list is not here, so neither can it be read nor are its files known


def _newest_version_with(project: Project, digest: str) -> str | None:
    pointer, name = project.relative(pointer_of(project.assets.folder)), f"{digest[:2]}/{digest}"
    looked: dict[str, bool] = {}
    for info in reversed(versions(project)):
        text = project.git.read(info.commit, pointer)
        if text is None or project.dvc is None:
            continue
        listing = parse_pointer(text, pointer).digest
        if listing not in looked:
            looked[listing] = _holds(project.dvc, listing, name, pointer)
        if looked[listing]:
            return info.name
    return None


def _holds(dvc: Dvc, listing: str, name: str, pointer: str) -> bool:
    """Whether a version's list has the asset; one that is not fetched cannot be asked."""
    return dvc.holds(listing) and name in dvc.listing(listing, pointer)


def _way_back(project: Project, digest: str, version: str) -> str:
    place = project.relative(project.assets.folder / digest[:2] / digest)
    return f"dvc get . {place} --rev {version} -o {place}"
