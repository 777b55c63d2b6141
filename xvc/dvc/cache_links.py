"""Putting cache objects into a work tree: by reflink or hardlink, so that nothing is held twice.

What is going to be written gets bytes of its own: a write through a hardlink would change the
object, and with it every version that names it. Never replaces what is there.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

_FICLONE = 0x40049409
_CANNOT = (
    *(errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.EOPNOTSUPP),
    *(errno.ENOTTY, errno.EINVAL, errno.ENOSYS, errno.EACCES),
)
_KINDS = ("reflink", "hardlink", "symlink", "copy")


def link_kinds(setting: str) -> tuple[str, ...]:
    """Read DVC's ``cache.type``; without one, data is linked wherever that can be.

    >>> link_kinds("symlink, hardlink")
    ('symlink', 'hardlink', 'copy')
    """
    said = [word.strip(" '\"") for word in setting.split(",")]
    kinds = [word for word in said if word in _KINDS] or ["reflink", "hardlink"]
    return (*dict.fromkeys([*kinds, "copy"]),)


@dataclass(slots=True)
class Linker:
    """Puts objects into one tree.

    Args:
        kinds: what may be tried for data, in order.
        scratch: a folder of the tree's file system; half-made copies lie there.

    ``made`` counts the files by kind.
    """

    kinds: Sequence[str]
    scratch: Path
    made: dict[str, int] = field(default_factory=dict)
    _useless: set[str] = field(default_factory=set)

    def put(self, source: Path, target: Path, *, is_own: bool) -> bool:
        """Put an object at *target* unless something is there; tells whether it was put.

        *is_own*: it will be written, so it shares its bytes by reflink or not at all.

        Raises:
            OSError: the target cannot be written.
        """
        if os.path.lexists(target):
            return False
        target.parent.mkdir(parents=True, exist_ok=True)
        for kind in ("reflink", "copy") if is_own else self.kinds:
            if kind not in self._useless and self._put_by(kind, source, target, is_own=is_own):
                self.made[kind] = self.made.get(kind, 0) + 1
                return True
        return False

    def _put_by(self, kind: str, source: Path, target: Path, *, is_own: bool) -> bool:
        try:
            match kind:
                case "hardlink":
                    _protect(source)
                    os.link(source, target)
                case "symlink":
                    target.symlink_to(source)
                case _:
                    self._put_copy(kind, source, target, is_own=is_own)
        except FileExistsError:
            return False
        except OSError as err:
            if kind == "copy" or err.errno not in _CANNOT:
                raise
            self._useless.add(kind)  # asked once: the cache is one file system, the tree another
            return False
        return True

    def _put_copy(self, kind: str, source: Path, target: Path, *, is_own: bool) -> None:
        self.scratch.mkdir(parents=True, exist_ok=True)
        fresh = self.scratch / f"{os.getpid()}-{os.urandom(4).hex()}"
        try:
            if kind == "reflink":
                _clone(source, fresh)
            else:
                shutil.copyfile(source, fresh)
            if not (is_own or kind == "copy"):  # else as the umask has it
                fresh.chmod(0o444)
            os.replace(fresh, target)
        finally:
            fresh.unlink(missing_ok=True)

    def clear(self) -> None:
        """Take away what a killed call has left."""
        shutil.rmtree(self.scratch, ignore_errors=True)


def _clone(source: Path, target: Path) -> None:
    with source.open("rb") as reading, target.open("wb") as writing:
        fcntl.ioctl(writing.fileno(), _FICLONE, reading.fileno())


def _protect(source: Path) -> None:
    """Take the right to write from an object before it gets a second name."""
    mode = source.stat().st_mode
    if mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH):
        with contextlib.suppress(PermissionError):
            source.chmod(stat.S_IMODE(mode) & 0o444)
