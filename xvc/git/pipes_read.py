"""Pipes in place of files that git reads by their names: git waits for them for ever."""

from __future__ import annotations

import os
import stat
from pathlib import Path

_RULES = frozenset({".gitignore", ".gitattributes"})
_SHARED = ("info/exclude", "info/attributes", "info/sparse-checkout")


def pipe_at_top(top: Path, common: Path) -> Path | None:
    """Find a pipe among the files that git reads at a tree's top and in its own folder."""
    named = [*(top / name for name in (*_RULES, ".gitmodules")), *(common / n for n in _SHARED)]
    return next((path for path in named if _is_pipe(path)), None)


def pipe_below(top: Path, common: Path) -> Path | None:
    """Find a pipe among the rules in the folders of a tree, whichever git comes to."""
    for folder, folders, files in os.walk(top):
        folders[:] = [name for name in folders if Path(folder, name) != common]
        for name in _RULES.intersection(files):
            if _is_pipe(path := Path(folder, name)):
                return path
    return None


def _is_pipe(path: Path) -> bool:
    try:
        return stat.S_ISFIFO(path.stat().st_mode)
    except OSError:
        return False
