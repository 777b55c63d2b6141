"""What runs kept: each asset with what is known of it, and who refers to it. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass

from xvc.core.asset import Asset
from xvc.errors import AmbiguousAsset, NoAsset
from xvc.project import Project
from xvc.store import assets


@dataclass(frozen=True, slots=True)
class ListedAsset:
    """An asset, how many cells hold its digest, and whether its bytes are in this tree."""

    asset: Asset
    references: int
    is_here: bool


def list_assets(project: Project) -> list[ListedAsset]:
    """List what the store knows of assets, newest first.

    Raises:
        StoreBusy: the store is being written by another program and cannot be rebuilt.
    """
    here = project.assets.all()
    with project.keeper.view() as connection:
        known = assets.listed(connection)
        counts = assets.references(connection, [asset.digest for asset in known])
    return [
        ListedAsset(asset, counts.get(asset.digest, 0), asset.digest in here)
        for asset in reversed(known)
    ]


def find_asset(project: Project, digest: str) -> ListedAsset:
    """Find one asset by its digest or the first eight letters of it, or more.

    Raises:
        NoAsset: the store knows of none.
        AmbiguousAsset: several begin so.
    """
    text = digest.lower()
    found = [each for each in list_assets(project) if each.asset.digest.startswith(text)]
    if not found or len(text) < 8:
        raise NoAsset(digest)
    if len(found) > 1:
        raise AmbiguousAsset(digest, tuple(each.asset.digest for each in found))
    return found[0]
