"""Which of some files got bytes since a moment, as the kernel saw it.

Times do not say it: `touch` sets them, and the same bytes written again change nothing else.
Knows Linux (inotify) only, and nothing of what is written through a mapping of the file into
memory, or from another machine: ask for the content, too.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
import sys
from collections.abc import Iterable

_MODIFIED, _NOT_FOLLOWED, _ONCE = 0x2, 0x02000000, 0x80000000
_EVENT = struct.Struct("iIII")
MOST_FILES = 2000
"""How many can be watched: each tells two things at most, and the kernel keeps 16,384."""


class WriteWatch:
    """Watches files from its making on, until it is closed."""

    def __init__(self, files: Iterable[str]) -> None:
        self._descriptor = -1
        self._names: dict[int, str] = {}
        self._written: set[str] = set()
        names = [*files][:MOST_FILES]
        if names and sys.platform == "linux":
            self._begin(names)

    def _begin(self, names: Iterable[str]) -> None:
        try:
            library = ctypes.CDLL(None, use_errno=True)
            self._descriptor = library.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
            mask = ctypes.c_uint32(_MODIFIED | _NOT_FOLLOWED | _ONCE)
            for name in names if self._descriptor >= 0 else ():
                key = library.inotify_add_watch(self._descriptor, os.fsencode(name), mask)
                if key >= 0:
                    self._names[key] = name
        except (OSError, AttributeError):  # a C library without it
            return

    def saw_nothing(self, file: str) -> bool:
        """Whether a file was watched, and nobody wrote to it; False where nothing is known."""
        self._read()
        return file in self._names.values() and file not in self._written

    def _read(self) -> None:
        while self._descriptor >= 0:
            try:
                found = os.read(self._descriptor, 1 << 16)
            except BlockingIOError:
                return
            at = 0
            while at < len(found):
                key, mask, _, length = _EVENT.unpack_from(found, at)
                at += _EVENT.size + length
                if mask & _MODIFIED and key in self._names:
                    self._written.add(self._names[key])

    def close(self) -> None:
        """Watch no more; what was not read is lost."""
        if self._descriptor >= 0:
            with contextlib.suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = -1
            self._names.clear()
