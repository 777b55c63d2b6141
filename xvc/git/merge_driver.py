"""The merge driver for the pointer of a store: what git has to be told of it.

An attribute in the tree, shared, names the driver; the program behind it is in the configuration
of this repository alone, because it is a path of this machine.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterable
from pathlib import Path

from xvc.git.commands import Git
from xvc.system.files import add_line

ATTRIBUTES = ".gitattributes"
USUAL_MARKS = 7
"""How long git's conflict marks are (``%L``), except when it merges ancestors for itself."""

_NAME = "xvc's merge of stores, row by row"


def driver_command() -> str:
    """Write the command, whole: hooks and GUIs have another PATH, and tests of git another folder.

    ``-P`` keeps the user's modules, which lie where git starts it, from standing in for ours.
    """
    return f"{shlex.quote(sys.executable)} -P -m xvc merge-driver %O %A %B %P %L"


def install(git: Git) -> bool:
    """Tell this repository's git which program merges; returns whether that is news to it."""
    wanted = {"merge.xvc.name": _NAME, "merge.xvc.driver": driver_command()}
    held = {key: git.text("config", "--local", key, accept=(0, 1)) for key in wanted}
    for key, value in wanted.items():
        if held[key] != value:
            git.call("config", "--local", key, value)
    return held != wanted


def attach(root: Path, pointers: Iterable[Path]) -> bool:
    """Name the driver in the attributes of *root*; returns whether they changed."""
    added = [_attached(root, each) for each in pointers if each.is_relative_to(root)]
    return any(added)


def _attached(root: Path, pointer: Path) -> bool:
    return add_line(
        root / ATTRIBUTES, f"{_pattern(pointer.relative_to(root).as_posix())} merge=xvc"
    )


def _pattern(path: str) -> str:
    """Write a path so that git takes none of it for a wildcard, nor a space for its end."""
    plain = re.sub(r"([\\*?\[])", r"\\\1", path)
    anchored = plain if "/" in plain else f"/{plain}"
    if re.search(r'[\s"]|^[!#]', anchored) is None:
        return anchored
    return '"' + re.sub(r'(["\\])', r"\\\1", anchored) + '"'
