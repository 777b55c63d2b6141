"""What becomes known of runs in the workers of pools, whose processes often end without a word.

`multiprocessing.Pool` ends its workers by SIGTERM, idle or at work, loky by SIGKILL once a task has
failed: no exit handler runs. So a worker leaves a file: which tasks failed, and, written by C code
when SIGTERM comes, what it was at. The next command reads it, in `xvc.recovery.ended_workers`.
Where a worker lives on, the errors of its tasks are let go long after the task: no trace is left.
"""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from xvc.system.process_id import current_owner

WRAPPERS = {
    "multiprocessing.pool": "ExceptionWithTraceback",
    "concurrent.futures.process": "_ExceptionWithTraceback",
    "joblib.externals.loky.process_executor": "_ExceptionWithTraceback",
    "loky.process_executor": "_ExceptionWithTraceback",
}
"""What each kind of worker calls with the error of a task, by its module."""


def hear_of_failed_tasks(tell: Callable[[BaseException], None]) -> None:
    """Have *tell* called with the error of each task of this worker that fails."""
    for name, wrapper in WRAPPERS.items():
        module = sys.modules.get(name)
        wrapped = getattr(module, wrapper, None)
        if module is not None and wrapped is not None:
            setattr(module, wrapper, _telling(wrapped, tell))


def _telling(
    wrapped: Callable[..., object], tell: Callable[[BaseException], None]
) -> Callable[..., object]:
    def noted(error: BaseException, *trace: object) -> object:
        tell(error)
        return wrapped(error, *trace)

    return noted


def is_pool_worker() -> bool:
    """Whether this process is a worker that `multiprocessing.Pool` ends by SIGTERM."""
    pool = sys.modules.get("multiprocessing.pool")
    if pool is None or threading.current_thread() is not threading.main_thread():
        return False
    frame = sys._getframe()
    while frame.f_back is not None:
        frame = frame.f_back
        if frame.f_code is pool.worker.__code__:
            return True
    return False


class LastWords:
    """The file of one worker; it goes when the process ends by itself.

    Where the pool ends its workers by SIGTERM, C code adds what the worker was at.
    """

    def __init__(self, folder: Path) -> None:
        owner = current_owner()
        self._pid, self._path = os.getpid(), folder / str(owner)
        self._file: TextIO | None = None
        self._is_watched = False
        # a handler of the user's knows better
        if is_pool_worker() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            with suppress(OSError, RuntimeError, ValueError):
                faulthandler.register(signal.SIGTERM, self._opened(), all_threads=False, chain=True)
                self._is_watched = True

    def _opened(self) -> TextIO:
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("w", encoding="utf-8")
        return self._file

    def say_failed(self, run: str, how: Mapping[str, str | None], journal: Path | None) -> None:
        """Say that a task failed, and with it a run, unless its journal grows afterwards."""
        if journal is None or os.getpid() != self._pid:
            return
        with suppress(OSError, ValueError):
            said = {
                "run": run,
                **how,
                "journal": journal.name,
                "size": journal.stat().st_size,
            }
            file = self._opened()
            file.write(f"{json.dumps(said)}\n")
            file.flush()

    def forget(self) -> None:
        """Be of no process any more: of none that was forked from the worker, nor after its end."""
        with suppress(OSError, ValueError):
            if self._is_watched:
                faulthandler.unregister(signal.SIGTERM)
            if os.getpid() == self._pid:
                self._path.unlink(missing_ok=True)
