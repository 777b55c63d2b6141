"""Copies of git's index file, which keep its time.

git compares times by the second. A file that changed in the second of the index, or after it, is
read again; in a copy that is younger than the index, git would take such a file for unchanged.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path


def copy_index(index: Path, copy: Path) -> Path:
    """Copy an index file; there is no copy afterwards where there is no index. Returns *copy*."""
    copy.unlink(missing_ok=True)
    with contextlib.suppress(FileNotFoundError), index.open("rb") as source:
        with copy.open("wb") as target:
            shutil.copyfileobj(source, target)
        known = os.fstat(
            source.fileno()
        )  # of what was copied: git may have renamed another over it
        os.utime(copy, ns=(known.st_atime_ns, known.st_mtime_ns))
    return copy
