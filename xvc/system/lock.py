"""Locks between processes: ``flock`` on a file of its own that is never deleted.

Whoever holds one writes into it who it is, for messages only: the lock is the kernel's, and ends
with its process. A lock says nothing about threads' data; never put one on the store.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import threading
import time
import weakref
from collections.abc import Iterator
from pathlib import Path

from xvc.errors import BadValue, LockBusy
from xvc.system.lease import Lease, holder_of
from xvc.system.process_id import Owner, current_owner, is_alive
from xvc.system.standard_streams import make_real

__all__ = ["FileLock", "Owner", "current_owner", "is_alive"]

_NO_FLOCK = (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.005, 0.2
_RECORD_BYTES = 4096


class FileLock:
    """A lock named by its file; not reentrant, and not inherited by child processes.

    Two locks on the same path exclude each other within one process too.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.is_held = False
        self._fd: int | None = None
        self._lease: Lease | None = None
        self._one_thread = threading.Lock()
        _LOCKS.add(self)

    def acquire(self, wait_seconds: float, doing: str) -> None:
        """Take the lock, trying once and then again for *wait_seconds*; *doing* is for others.

        Raises:
            LockBusy: somebody holds it still; ``.holder`` says who, and at what.
            OSError: the file cannot be created or opened.
        """
        deadline, pause = time.monotonic() + wait_seconds, _FIRST_PAUSE
        while not self._take(doing):
            left = deadline - time.monotonic()
            if left <= 0:
                raise LockBusy(self.path.name, _describe(self.path))
            time.sleep(min(pause, left))
            pause = min(pause * 2, _LONGEST_PAUSE)

    def release(self) -> None:
        """Let go; nothing happens when it is not held."""
        with self._one_thread:
            if not self.is_held:
                return
            lease, self._lease, self.is_held = self._lease, None, False
            if lease is not None:
                lease.give_back()
            elif self._fd is not None:
                with contextlib.suppress(OSError):  # a full disk leaves an old name in there
                    os.ftruncate(self._fd, 0)
                # Not by closing alone: a copy in a child that was forked just now would keep it.
                fcntl.flock(self._fd, fcntl.LOCK_UN)
            self._close()

    @contextlib.contextmanager
    def held(self, *, wait: float, doing: str) -> Iterator[None]:
        """Hold the lock for a ``with``; see `acquire`.

        Raises:
            LockBusy: somebody holds it still after *wait* seconds.
            OSError: the file cannot be created or opened.
        """
        self.acquire(wait, doing)
        try:
            yield
        finally:
            self.release()

    def forget(self) -> None:
        """Close what a fork has copied; the lock stays with the process that took it."""
        self._lease, self.is_held = None, False
        self._one_thread = threading.Lock()
        self._close()  # no unlocking: that would unlock the parent's as well

    def _take(self, doing: str) -> bool:
        with self._one_thread:
            if self.is_held:
                return False
            self.path.parent.mkdir(parents=True, exist_ok=True)
            make_real()
            self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
            try:
                self.is_held = self._claim(self._fd, f"{current_owner()}\n{doing}\n")
            finally:
                if not self.is_held:
                    self._close()
            return self.is_held

    def _claim(self, fd: int, note: str) -> bool:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as err:
            if err.errno in (errno.EWOULDBLOCK, errno.EACCES):
                return False
            if err.errno not in _NO_FLOCK:
                raise
            self._lease = Lease.claim(self.path, note)
            return self._lease is not None
        if not _is_at(fd, self.path):  # somebody has deleted the file: this one excludes nobody
            return False
        with contextlib.suppress(OSError):  # for messages only
            os.ftruncate(fd, 0)
            os.pwrite(fd, note.encode(), 0)
        return True

    def _close(self) -> None:
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)


def _is_at(fd: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), path.stat())
    except FileNotFoundError:
        return False


def _describe(path: Path) -> str:
    """Return the holder of a lock for a person: ``pid 4242 (fold)``; empty if it has just gone."""
    try:
        note = path.read_bytes()[:_RECORD_BYTES].decode(errors="replace") or holder_of(path)
        record, _, doing = note.partition("\n")
        owner = Owner.parse(record)
    except (OSError, BadValue):
        return ""
    here = current_owner().host
    place = "" if owner.host == here else f" on {owner.host}"
    return f"pid {owner.pid}{place} ({doing.strip()})"


_LOCKS: weakref.WeakSet[FileLock] = weakref.WeakSet()


def _forget_all() -> None:
    for lock in tuple(_LOCKS):
        lock.forget()


# The one thing done at import: Python offers no way to take a fork hook back, so there is one for
# all locks, and it knows them weakly.
os.register_at_fork(after_in_child=_forget_all)
