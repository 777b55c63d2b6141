"""Which files below a path were written within a span of time, and which lay there before it.

A change of rights alone, or of a time, writes nothing. Bytes are looked at only where times,
sizes and inodes leave it open.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from xvc.system.file_watch import MOST_FILES, FileWatch
from xvc.system.files import md5_of

Stamp = tuple[int, int, int]
Stamps = Mapping[str, Stamp]

_CLOCK = 20_000_000  # nanoseconds by which a file system's clock may lag
_HASHED = 64 << 20  # bytes before a run: a tenth of a second


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
    stamps = {name: stamp_of(file) for name, file in files.items()}
    return {name: stamp for name, stamp in stamps.items() if stamp is not None}


def stamp_of(file: str) -> Stamp | None:
    """Read what another writing changes: inode, size and time; None for what is not there."""
    try:
        facts = os.lstat(file)
    except OSError:
        return None
    return (facts.st_ino, facts.st_size, facts.st_mtime_ns)


class Before:
    """What lay at some paths when a run began, and whether bytes were written to it since.

    A file that has only another time, as after `touch`, was not written: the kernel saw no
    writing, and the bytes are the same. Where the kernel cannot be asked, or the files are large,
    another time counts as writing. ``close`` ends the watching.
    """

    def __init__(self, paths: Iterable[Path] = ()) -> None:
        self._stamps: dict[Path, Stamps] = {}
        self._digests: dict[str, str] = {}
        left = _HASHED
        for path in paths:
            self._stamps[path] = stamps_of(path)
            root = os.path.realpath(path)
            for name, (_, size, _) in self._stamps[path].items():
                if size > left or len(self._digests) == MOST_FILES:
                    continue
                if (digest := _digest(_file(root, name))) is not None:
                    left -= size
                    self._digests[_file(root, name)] = digest
        self._watch = FileWatch(self._digests)

    def not_written(self, path: Path, since: int) -> list[str]:
        """List the files at a path that are as they were, or are older than *since*.

        Names are those of `stamps_of`; *since* is in nanoseconds since the epoch.
        """
        root, lay = os.path.realpath(path), self._stamps.get(path, {})
        return sorted(
            name
            for name, stamp in stamps_of(path).items()
            if lay.get(name) == stamp
            or _changed(_file(root, name)) < since - _CLOCK
            or self._is_only_touched(_file(root, name), lay.get(name), stamp)
        )

    def is_untouched(self, path: Path, older: Collection[str]) -> bool:
        """Whether all files at a path are *older* ones, and none was taken away."""
        now = stamps_of(path)
        gone = self._stamps.get(path, {}).keys() - now.keys()
        return bool(now) and len(older) == len(now) and not gone

    def _is_only_touched(self, file: str, was: Stamp | None, now: Stamp) -> bool:
        is_same_file = was is not None and was[:2] == now[:2]
        return (
            is_same_file
            and self._watch.saw_nothing(file)
            and _digest(file) == self._digests.get(file)
        )

    def close(self) -> None:
        """Watch no more: from here on another time counts as writing."""
        self._watch.close()


def _file(root: str, name: str) -> str:
    return os.path.join(root, name) if name else root


def _digest(file: str) -> str | None:
    """Hash a regular file; None for what is none, or cannot be read."""
    try:
        return md5_of(Path(file)) if stat.S_ISREG(os.lstat(file).st_mode) else None
    except OSError:
        return None


def _changed(file: str) -> int:
    try:
        return os.lstat(file).st_ctime_ns
    except OSError:
        return 0


def times_of(path: Path) -> dict[str, tuple[int, int]]:
    """Map the files at a path, named as by `stamps_of`, to when bytes and entry changed last."""
    root = os.path.realpath(path)
    return {
        name: (stamp[2], _changed(_file(root, name))) for name, stamp in stamps_of(path).items()
    }
