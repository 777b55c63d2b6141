"""Which of some files were written, touched, opened or read since a moment, as the kernel saw it.

Times do not say it: `touch` sets them, the same bytes written again change nothing else, and
most systems do not note every reading. Knows Linux (inotify) only, not who did it, and nothing of
what is written through a mapping of the file into memory, or from another machine: ask for the
content, too.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import struct
import sys
from collections.abc import Iterable

READ, MODIFIED, TOUCHED, OPENED = 0x1, 0x2, 0x4, 0x20
_NOT_FOLLOWED, _ONCE, _LOST = 0x02000000, 0x80000000, 0x4000
_EVENT = struct.Struct("iIII")
MOST_FILES = 2000
"""How many can be watched: each tells two things at most, and the kernel keeps 16,384."""


class FileWatch:
    """Watches files from its making on, until it is closed, for some kinds of acts.

    `MODIFIED`: bytes; `TOUCHED`: times or rights; `OPENED`; `READ`. Of several kinds so many acts
    may be seen that the kernel drops the rest: then nothing is known. With *once* a file is watched
    until the first of them.
    """

    def __init__(self, files: Iterable[str], acts: int = MODIFIED, *, once: bool = False) -> None:
        self._descriptor, self._acts = -1, acts
        self._once = once or acts in (MODIFIED, TOUCHED, OPENED)
        self._names: dict[int, list[str]] = {}  # hard links are one file to the kernel
        self._seen: dict[str, int] = {}
        names = [*files][:MOST_FILES]
        if names and sys.platform == "linux":
            self._begin(names)

    def _begin(self, names: Iterable[str]) -> None:
        try:
            library = ctypes.CDLL(None, use_errno=True)
            self._descriptor = library.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
            mask = ctypes.c_uint32(self._acts | _NOT_FOLLOWED | _ONCE * self._once)
            for name in names if self._descriptor >= 0 else ():
                key = library.inotify_add_watch(self._descriptor, os.fsencode(name), mask)
                if key >= 0:
                    self._names.setdefault(key, []).append(name)
        except (OSError, AttributeError):  # a C library without it
            return

    def saw_nothing(self, file: str) -> bool:
        """Whether a file was watched, and nobody did it; False where nothing is known."""
        seen = self.seen()
        return any(file in names for names in self._names.values()) and file not in seen

    def seen(self) -> dict[str, int]:
        """Map the files to which something was done to what it was, the kinds together."""
        while self._descriptor >= 0:
            try:
                found = os.read(self._descriptor, 1 << 16)
            except BlockingIOError:
                break
            at = 0
            while at < len(found):
                key, mask, _, length = _EVENT.unpack_from(found, at)
                at += _EVENT.size + length
                if mask & _LOST:
                    self.close()
                elif mask & self._acts:
                    for name in self._names.get(key, ()):
                        self._seen[name] = self._seen.get(name, 0) | mask & self._acts
        return self._seen

    def close(self) -> None:
        """Watch no more; what was not read is lost."""
        if self._descriptor >= 0:
            with contextlib.suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = -1
            self._names.clear()
            self._seen.clear()


_LOCAL = frozenset(
    (
        *("ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "bcachefs", "jfs", "reiserfs"),
        *("tmpfs", "ramfs", "overlay", "vfat", "exfat"),
    )
)
_MOUNTS = "/proc/self/mountinfo"


def is_local(file: str) -> bool:
    """Whether only this machine reads and writes a file, its links followed: then all is seen."""
    try:
        with open(_MOUNTS, "rb") as mounts:
            lines = [os.fsdecode(line) for line in mounts]
    except OSError:
        return False
    return kind_of_system(os.path.realpath(file), lines) in _LOCAL


def kind_of_system(path: str, mounts: Iterable[str]) -> str:
    """Name the kind of file system that a path is in, by the lines of ``mountinfo``.

    >>> mounts = ["1 0 8:1 / / rw - ext4 /dev/sda rw", "2 1 0:9 / /home rw - nfs4 s:/home rw"]
    >>> kind_of_system("/home/a/b", mounts), kind_of_system("/homely", mounts)
    ('nfs4', 'ext4')
    """
    best, kind = -1, ""
    for line in mounts:
        before, _, behind = line.partition(" - ")
        point = _unescaped(before.split(" ")[4]).rstrip("/")
        if len(point) >= best and (path == point or path.startswith(f"{point}/")):
            best, kind = len(point), behind.partition(" ")[0]
    return kind


def _unescaped(point: str) -> str:
    """Read a path in which the kernel wrote blanks in octal."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), point)
