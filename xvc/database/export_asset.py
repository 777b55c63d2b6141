"""Copying an asset out of the store, its bytes as they are: nothing is unpickled, nothing runs."""

from __future__ import annotations

from pathlib import Path

from xvc.errors import TargetExists
from xvc.project import Project


def export_asset(project: Project, digest: str, target: Path, *, replace: bool) -> Path:
    """Copy an asset to *target* and return that.

    Raises:
        TargetExists: something is there, and *replace* does not hold.
        NoAsset: it is not in this tree.
        AmbiguousAsset: several begin so.
        AssetCorrupt: its bytes are not what its name says.
    """
    if target.exists() and not replace:
        raise TargetExists(str(target))
    return project.assets.export(digest, target)
