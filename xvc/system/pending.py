"""Changes that are under way: a JSON file each, in one folder, ``{kind, version, tree, facts}``.

A change is noted before its first step and taken off after its last. A note that nobody is at work
on tells what a kill broke off. Whoever writes or reads notes holds the lock of their kind.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from xvc.system.files import make_folder, write_durably
from xvc.types import Json

_ENDING = ".json"


@dataclass(frozen=True, slots=True)
class PendingChange:
    """A change that was noted and not taken off yet.

    ``tree`` is the work tree that it belongs to, empty for what the whole repository shares;
    ``version`` counts the shapes that the facts of its kind have had.
    """

    kind: str
    version: int
    tree: str
    facts: Mapping[str, Json]
    path: Path

    @property
    def since(self) -> float:
        """When it was noted, in seconds since the epoch; 0 when it is taken off by now."""
        try:
            return self.path.stat().st_mtime
        except FileNotFoundError:
            return 0.0

    def take_off(self) -> None:
        """Forget it: it is complete, or was given up."""
        self.path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class PendingLog:
    """The changes that are noted in a folder; there is no folder before the first."""

    folder: Path

    def note(
        self,
        kind: str,
        facts: Mapping[str, Json],
        *,
        version: int = 1,
        tree: str = "",
        name: str = "",
    ) -> PendingChange:
        """Put a note on the disk, in place of the one of the same kind, tree and *name*.

        Raises:
            OSError: the disk refused.
        """
        make_folder(self.folder)
        shape = f"v{version}" if version > 1 else ""  # an older xvc does not write over it
        path = self.folder / f"{'+'.join(filter(None, (kind, tree, name, shape)))}{_ENDING}"
        said = {"kind": kind, "version": version, "tree": tree, "facts": facts}
        write_durably(path, json.dumps(said).encode())
        return PendingChange(kind=kind, version=version, tree=tree, facts=facts, path=path)

    def all(self) -> list[PendingChange]:
        """Read the changes, by kind and tree. What is no note is taken off."""
        try:
            paths = sorted(path for path in self.folder.iterdir() if path.suffix == _ENDING)
        except OSError:  # nothing was noted yet, or this user may not look
            return []
        return [found for path in paths if (found := _read(path)) is not None]

    def of(self, kind: str, tree: str = "") -> list[PendingChange]:
        """Read the changes of one kind and tree."""
        return [found for found in self.all() if (found.kind, found.tree) == (kind, tree)]


def _read(path: Path) -> PendingChange | None:
    try:
        said = json.loads(path.read_bytes())
        facts = cast("Mapping[str, Json]", said["facts"])
        return PendingChange(
            kind=str(said["kind"]),
            version=int(said["version"]),
            tree=said["tree"],
            facts=facts,
            path=path,
        )
    except (ValueError, KeyError, TypeError):
        with suppress(OSError):  # a tree that cannot be written keeps it
            path.unlink(missing_ok=True)
        return None
    except OSError:
        return None  # it is complete by now, or another user's
