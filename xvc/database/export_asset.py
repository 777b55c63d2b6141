"""Copying an asset out of the store, its bytes as they are: nothing is unpickled, nothing runs."""

from __future__ import annotations

from pathlib import Path

from xvc.errors import ConflictError
from xvc.project import Project


class TargetExists(ConflictError):
    """Something is already where a copy is to go."""

    code = "target-exists"

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path

    def __str__(self) -> str:
        return f"{self.path} is already there"

    @property
    def hint(self) -> str:
        """Names both ways on."""
        return "Choose another name, or add `--yes` to replace it."


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
