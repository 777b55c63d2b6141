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
_KEEPING = (stat.S_ISREG, stat.S_ISDIR, stat.S_ISLNK)  # what has the bytes that were put there


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
            found[path] = DataFile(f"{OUTSIDE}:{told(place) or run}", state=OUTSIDE)
    return found


def told(place: Path) -> str | None:
    """Tell what lies somewhere from what lay there before; None where it cannot be told.

    That is where there is too much, and of what says other bytes each time, as a device does.
    """
    until, lines = time.monotonic() + _MOST_SECONDS, list[str]()
    try:
        for name, facts in _at(place):
            if not any(is_kind(facts.st_mode) for is_kind in _KEEPING):
                return None
            lines.append(name if stat.S_ISDIR(facts.st_mode) else _line(name, facts))
            if len(lines) > _MOST_FILES or time.monotonic() > until:
                return None
    except OSError:
        return None
    text = "\n".join(sorted(lines)).encode("utf-8", "surrogateescape")
    return hashlib.sha256(text).hexdigest()[:_DIGITS]


def _line(name: str, facts: os.stat_result) -> str:
    return f"{name} {facts.st_ino} {facts.st_size} {facts.st_mtime_ns} {facts.st_ctime_ns}"


def _at(place: Path) -> Iterator[tuple[str, os.stat_result]]:
    """List a file, or a folder and all below it; links are followed, to each folder once."""
    facts = _stat(str(place))
    waiting, passed = [("", str(place), facts)], set[tuple[int, int]]()
    while waiting:
        name, path, facts = waiting.pop()
        key = (facts.st_dev, facts.st_ino)
        yield name, facts
        if not stat.S_ISDIR(facts.st_mode) or key in passed:
            continue
        passed.add(key)
        with os.scandir(path) as entries:
            for entry in entries:
                within = f"{name}{entry.name}"
                if is_junk(within):
                    continue
                each = _stat(entry.path)
                if stat.S_ISDIR(each.st_mode):
                    waiting.append((f"{within}/", entry.path, each))
                else:
                    yield within, each


def _stat(path: str) -> os.stat_result:
    """Look at a file, or at the link to it where that leads nowhere."""
    try:
        return os.stat(path)
    except OSError:
        facts = os.lstat(path)
        if stat.S_ISLNK(facts.st_mode):
            return facts
        raise
