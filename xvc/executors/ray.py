"""Jobs as tasks of Ray: on workers of this machine, or on those of a cluster.

The workers need xvc and the folders of the jobs. A job whose worker is lost ends as lost; nothing
is tried again here. Ray keeps one connection a process, so there is one executor at a time.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from typing import Any

from xvc.core.job import Job, JobEnd
from xvc.core.sweep import SweepRequest
from xvc.errors import ExternalError, NoPackage, XvcError, error
from xvc.executors.child import locked_log, run
from xvc.executors.job_queue import JobQueue
from xvc.executors.kind import ExecutorKind

_TO_END = 35.0  # what a child may take to end, see `child`


@error("no-ray-cluster")
class NoRayCluster(ExternalError):
    """A Ray cluster cannot be reached, or no longer."""

    address: str
    words: str
    says = "no Ray cluster answers at {address}: {words!l}"
    way = "Start one with `ray start --head`, or give no address to have workers here."


class RayExecutor(JobQueue):
    """Runs jobs on Ray workers, each of which counts as one CPU.

    Args:
        address: of a cluster, such as ``auto``, ``10.0.0.1:6379`` or ``ray://10.0.0.1:10001``; None
            starts workers here, one a place.
        places: how many jobs run at once.
        environment: all that a job gets on a worker that was started here.

    Raises:
        NoPackage: Ray is not installed.
        NoRayCluster: the address does not answer.
    """

    def __init__(self, address: str | None, places: int, environment: Mapping[str, str]) -> None:
        super().__init__(places)
        self._address = address or "this machine"
        with contextlib.ExitStack() as opened:
            # Ray tells of a lost worker on standard output, which is for our data.
            opened.enter_context(contextlib.redirect_stdout(sys.stderr))
            self._ray = _connect(address, places)
            opened.callback(self._ray.shutdown)
            self._opened = opened.pop_all()
        self._run = self._ray.remote(num_cpus=1, max_retries=0)(run_job)
        # Ray hides GPUs and takes OpenMP down to one thread in the workers that it starts.
        self._environment = dict(environment) if address is None else None
        self._tasks: dict[str, Any] = {}

    def _begin(self, job: Job) -> None:
        with self._reached():
            self._tasks[job.key] = self._run.remote(job, self._environment)

    def _under_way(self) -> int:
        return len(self._tasks)

    def _collect(self, seconds: float) -> list[JobEnd]:
        if not self._tasks:
            time.sleep(seconds)
            return []
        with self._reached():
            keys = {task: key for key, task in self._tasks.items()}
            self._ray.wait([*keys], timeout=max(seconds, 0.001))
            done, _ = self._ray.wait([*keys], num_returns=len(keys), timeout=0)
        return [self._end_of(keys[task]) for task in done]

    def _end_of(self, key: str) -> JobEnd:
        try:
            code, reason = self._ray.get(self._tasks.pop(key))
        except self._ray.exceptions.TaskCancelledError:
            return JobEnd(key, None, "stopped before it began")
        except (self._ray.exceptions.RayError, OSError) as err:
            words = str(err).strip().splitlines() or [""]  # its last line says what was raised
            return JobEnd(key, None, f"{type(err).__name__}: {words[-1].strip()}")
        return JobEnd(key, code, reason)

    def _interrupt(self, key: str) -> None:
        task = self._tasks.get(key)
        if task is not None:
            with self._reached():
                self._ray.cancel(task, force=False)

    def close(self) -> None:
        """End what still runs, and the workers that were started here."""
        self._waiting.clear()
        with self._opened:
            for key in list(self._tasks):
                self._interrupt(key)
            deadline = time.monotonic() + _TO_END
            while self._tasks and time.monotonic() < deadline:
                self._collect(1.0)

    @contextlib.contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except (self._ray.exceptions.RayError, OSError, RuntimeError) as err:
            raise NoRayCluster(self._address, str(err)) from err


def run_job(job: Job, environment: Mapping[str, str] | None) -> tuple[int | None, str]:
    """Run a job in a worker: its exit code, or None and what kept it from beginning.

    ``environment`` is that of the worker unless it is given.
    """
    try:
        with _interrupted() as asked, locked_log(job) as log:
            base = os.environ if environment is None else environment
            return run(job.command, job.folder, {**base, **job.environment}, log, asked.is_set), ""
    except (XvcError, OSError) as err:
        return None, f"{os.uname().nodename}: {err}"


@contextlib.contextmanager
def _interrupted() -> Iterator[threading.Event]:
    """Hear of `ray.cancel`: it interrupts the main thread, in which a task runs."""
    asked = threading.Event()
    before = signal.signal(signal.SIGINT, lambda number, frame: asked.set())
    # Ray blocks it in all that it starts, so that Ctrl-C ends its driver alone; a child would too.
    mask = signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    try:
        yield asked
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.signal(signal.SIGINT, before)


def check(request: SweepRequest) -> None:
    """Check that a cluster answers; without an address, that workers could be had here.

    Raises:
        NoPackage: Ray is not installed.
        NoRayCluster: the address does not answer.
    """
    if request.address is not None:
        _connect(request.address, 0).shutdown()
    elif find_spec("ray") is None:
        raise NoPackage("ray", "ray")


def _connect(address: str | None, places: int) -> Any:
    try:
        import ray  # late: an extra, and a second
    except ImportError as err:
        raise NoPackage("ray", "ray") from err
    ours: dict[str, Any] = {"num_cpus": places, "include_dashboard": False}
    ends = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(
            address or "local",  # without a word it would take whatever cluster it finds
            log_to_driver=False,
            logging_level=logging.ERROR,
            **({} if address else ours),
        )
    except Exception as err:  # one of a slow start is a plain Exception
        ray.shutdown()
        raise NoRayCluster(address or "this machine", str(err)) from err
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, ends)  # Ray takes it, to exit at once
    return ray


KIND = ExecutorKind(
    open=lambda opening: RayExecutor(
        opening.request.address, opening.request.jobs, opening.environment
    ),
    check=check,
)
