"""Runs jobs as processes of this machine.

The log of a job is locked as long as its process lives, whoever started it: `is_live` tells that
of a job whose scheduler was killed. Nothing is polled; a thread waits for each process.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import queue
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path

from xvc.core.job import Job, JobEnd
from xvc.executors.kind import ExecutorKind
from xvc.system.process_id import Owner, is_alive


class LocalExecutor:
    """Processes of this machine, *places* at once; *environment* is what all of them get."""

    def __init__(self, places: int, environment: Mapping[str, str]) -> None:
        self._places, self._environment = places, dict(environment)
        self._waiting: deque[Job] = deque()
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._ended: queue.SimpleQueue[JobEnd] = queue.SimpleQueue()

    @property
    def places(self) -> int:
        """How many jobs can run at once."""
        return self._places

    def submit(self, job: Job) -> None:
        """Take a job on."""
        self._waiting.append(job)
        self._fill()

    def wait(self, seconds: float) -> Sequence[JobEnd]:
        """Return what has ended since the last call, waiting at most so long for the first."""
        found: list[JobEnd] = []
        with contextlib.suppress(queue.Empty):
            found.append(self._ended.get(timeout=seconds))
            while True:
                found.append(self._ended.get_nowait())
        for ended in found:
            self._running.pop(ended.key, None)
        self._fill()
        return found

    def stop(self, key: str) -> None:
        """End a job, with the time to end well that `xvc run` gives its command."""
        for job in [job for job in self._waiting if job.key == key]:
            self._waiting.remove(job)
            self._ended.put(JobEnd(key, None, "stopped before it began"))
        process = self._running.get(key)
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()

    def close(self) -> None:
        """End what still runs and wait for it."""
        self._waiting.clear()
        for key in list(self._running):
            self.stop(key)
        for process in self._running.values():
            process.wait()

    def _fill(self) -> None:
        while self._waiting and len(self._running) < self._places:
            job = self._waiting.popleft()
            try:
                process = self._start(job)
            except OSError as err:
                self._ended.put(JobEnd(job.key, 127, err.strerror or str(err)))
                continue
            self._running[job.key] = process
            threading.Thread(target=self._attend, args=(job.key, process), daemon=True).start()

    def _start(self, job: Job) -> subprocess.Popen[bytes]:
        with Path(job.log).open("ab") as log:
            fcntl.flock(log, fcntl.LOCK_EX)
            return subprocess.Popen(
                job.command,
                cwd=job.folder,
                env={**self._environment, **job.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def _attend(self, key: str, process: subprocess.Popen[bytes]) -> None:
        code = process.wait()
        if code >= 0:
            self._ended.put(JobEnd(key, code))
        else:
            self._ended.put(JobEnd(key, None, f"killed by {signal.Signals(-code).name}"))


def is_live(log: Path) -> bool:
    """Whether the process of the job that writes this log lives."""
    try:
        with log.open("rb") as opened:
            fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def tell_to_end(owner: Owner) -> None:
    """Ask the `xvc run` that another scheduler started to end its trial well."""
    if is_alive(owner):
        with contextlib.suppress(OSError):
            os.kill(owner.pid, signal.SIGTERM)


KIND = ExecutorKind(open=lambda opening: LocalExecutor(opening.request.jobs, opening.environment))
