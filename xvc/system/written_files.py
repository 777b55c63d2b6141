"""Which files below a path were written within a span of time, and which lay there before it.

Looks at times, sizes and inodes, never at bytes: a change of rights alone writes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path

Stamp = tuple[int, int, int]
Stamps = Mapping[str, Stamp]

_CLOCK = 20_000_000  # nanoseconds by which a file system's clock may lag


def stamps_of(path: Path) -> dict[str, Stamp]:
    """Stamp what is at a path: each file of a folder by its path below, a file by ``""``.

    A link at *path* itself is followed; what is not there has no stamps.
    """
    root = os.path.realpath(path)
    if not os.path.isdir(root):
        return _stamped({"": root})
    found = {}
    for folder, _, names in os.walk(root):
        for name in names:
            file = os.path.join(folder, name)
            found[os.path.relpath(file, root)] = file
    return _stamped(found)


def _stamped(files: Mapping[str, str]) -> dict[str, Stamp]:
    found = {}
    for name, file in files.items():
        try:
            facts = os.lstat(file)
        except OSError:
            continue
        found[name] = (facts.st_ino, facts.st_size, facts.st_mtime_ns)
    return found


def not_written(path: Path, before: Stamps, since: int) -> list[str]:
    """List the files at a path that are as they were *before*, or are older than *since*.

    Names are those of `stamps_of`; *since* is in nanoseconds since the epoch.
    """
    root = os.path.realpath(path)
    return sorted(
        name
        for name, stamp in stamps_of(path).items()
        if before.get(name) == stamp or _changed(os.path.join(root, name)) < since - _CLOCK
    )


def is_untouched(path: Path, before: Stamps, older: Collection[str]) -> bool:
    """Whether all files at a path are *older* ones, and none was taken away."""
    now = stamps_of(path)
    return bool(now) and len(older) == len(now) and not before.keys() - now.keys()


def _changed(file: str) -> int:
    try:
        return os.lstat(file.rstrip("/")).st_ctime_ns
    except OSError:
        return 0


def times_of(path: Path) -> dict[str, tuple[int, int]]:
    """Map the files at a path, named as by `stamps_of`, to when bytes and entry changed last."""
    root = os.path.realpath(path)
    return {
        name: (stamp[2], _changed(os.path.join(root, name)))
        for name, stamp in stamps_of(path).items()
    }
