"""Ports of this machine, each for one slot of one sweep as long as it is held."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path

from xvc.errors import LockBusy
from xvc.system.lock import FileLock

_TRIES = 50


def lease_port(locks: Path) -> tuple[int, FileLock]:
    """Find a free port and hold it against other sweeps; the lock gives it back.

    Another program may still take it: nothing listens on it until the trial does.

    Raises:
        OSError: no port is free.
        LockBusy: other sweeps hold every port that was tried.
    """
    for left in range(_TRIES, 0, -1):
        with contextlib.closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        lock = FileLock(locks / f"port-{port}")
        try:
            lock.acquire(0.0, "sweep")
        except LockBusy:
            if left == 1:
                raise
        else:
            return port, lock
    raise AssertionError
