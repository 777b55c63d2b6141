"""What git hands to a merge driver: three pointers in files of its own, and where they belong."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from xvc.core.run import DataFile
from xvc.dvc.pointers import Pointer, parse_pointer
from xvc.dvc.repository import Dvc
from xvc.errors import BadValue


@dataclass(frozen=True, slots=True)
class DriverInput:
    """Three files that hold pointers (the result goes to *ours*), and the path in the tree.

    ``is_inner`` tells that git merges two ancestors into one: the user never sees that merge.
    """

    base: Path
    ours: Path
    theirs: Path
    path: str
    is_inner: bool = False

    def read(self) -> tuple[Pointer, Pointer, Pointer | None]:
        """Read our pointer, theirs and the ancestor's; None when both sides made their own.

        Raises:
            BadValue: a side is empty.
            PointerCorrupt: a file holds no pointer.
            Unresolved: one holds merge marks.
        """
        ours, theirs, base = (self._parsed(file) for file in (self.ours, self.theirs, self.base))
        if ours is None or theirs is None:
            raise BadValue("merge-driver", f"a side of {self.path} is empty")
        return ours, theirs, base

    def _parsed(self, file: Path) -> Pointer | None:
        text = file.read_bytes()
        return parse_pointer(text, self.path) if text.strip() else None

    def write_result(self, dvc: Dvc, name: str, merged: DataFile) -> None:
        """Give git the pointer of what came of it; its object must be in the cache by now.

        In one write and never empty. A sibling would stay in the user's tree after a kill, and the
        disk does not matter: git copies this file.
        """
        text = dvc.repointed(self.ours, name, merged)
        descriptor = os.open(self.ours, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(descriptor, text)
            os.ftruncate(descriptor, len(text))
        finally:
            os.close(descriptor)
