"""What lies behind links of the code that lead out of the tree, as a run found it.

Git holds such a link and not what it leads to. Names, sizes, times and inodes are looked at, as DVC
does to see whether a file changed; no byte is read, for a clone's link may lead to anything. So two
runs that found the same had the same bytes, and of two that did not nothing is known.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from xvc.core.code_files import is_document, is_junk
from xvc.core.run import OUTSIDE, DataFile
from xvc.project import Project
from xvc.system.path_containment import is_inside

_MOST_FILES = 10_000
_MOST_SECONDS = 0.5  # a slow file system of several machines
_DIGITS = 10


def outside_data(
    project: Project, run: str, links: Iterable[str], leaves: Collection[str]
) -> dict[str, DataFile]:
    """Map those links that lead out of the tree to what tells what lies behind them.

    Args:
        project: whose tree is looked at.
        run: stands in what tells it where there is too much to be looked at: it is like no other.
        links: their paths from the top; none that leads to a document is taken.
        leaves: what the run is to leave, from the top: no input.
    """
    top, passed = project.git.place.top, {*leaves, *project.never_inputs()}
    found: dict[str, DataFile] = {}
    for path in links:
        place = top / path
        is_passed = any(path == each or path.startswith(f"{each}/") for each in passed)
        is_passed |= is_inside(place, top) or is_document(path, project.settings.tag_ignore)
        if not is_passed:
            found[path] = DataFile(f"{OUTSIDE}:{_told(place) or run}", state=OUTSIDE)
    return found


def _told(place: Path) -> str | None:
    """Tell what lies somewhere from what lay there before; None where it is too much."""
    until, lines = time.monotonic() + _MOST_SECONDS, list[str]()
    try:
        facts = place.stat()
        if not stat.S_ISDIR(facts.st_mode):
            lines.append(_line("", facts))
        for name, each in _below(str(place), "") if stat.S_ISDIR(facts.st_mode) else ():
            lines.append(_line(name, each))
            if len(lines) > _MOST_FILES or time.monotonic() > until:
                return None
    except FileNotFoundError:
        lines.append("nothing")
    except OSError:
        return None
    text = "\n".join(sorted(lines)).encode("utf-8", "surrogateescape")
    return hashlib.sha256(text).hexdigest()[:_DIGITS]


def _line(name: str, facts: os.stat_result) -> str:
    return f"{name} {facts.st_ino} {facts.st_size} {facts.st_mtime_ns} {facts.st_ctime_ns}"


def _below(folder: str, above: str) -> Iterator[tuple[str, os.stat_result]]:
    """List the files below a folder; links in it are followed to files, not to folders."""
    with os.scandir(folder) as entries:
        for entry in entries:
            name = above + entry.name
            if is_junk(name):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _below(entry.path, f"{name}/")
            else:
                yield name, entry.stat(follow_symlinks=not _is_broken(entry))


def _is_broken(entry: os.DirEntry[str]) -> bool:
    return entry.is_symlink() and not os.path.exists(entry.path)
