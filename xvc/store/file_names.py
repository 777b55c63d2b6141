"""The names by which DuckDB finds files."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path


def file_name(path: Path) -> str:
    """Name a file for DuckDB, which takes UTF-8 only; a folder with other bytes has a number."""
    try:
        return os.fsencode(path).decode()  # in an ASCII locale Python's own text is another
    except UnicodeDecodeError:
        return f"/proc/self/fd/{_opened(path.parent, os.getpid())}/{path.name}"


def folder_name(folder: Path) -> str:
    """Name a folder as `file_name` names the files in it; one that is not there holds none."""
    if not folder.is_dir():  # it may be made yet
        return os.fsencode(folder).decode("utf-8", "replace")
    return str(Path(file_name(folder / "any")).parent)


@cache
def _opened(folder: Path, process: int) -> int:
    """Open a folder for as long as the process lives; *process* keeps a fork from sharing it."""
    return os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
