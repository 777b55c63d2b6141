"""Jobs as tasks of Dask distributed: on workers of this machine, or on those of a scheduler.

The workers need xvc, and the folders of the jobs, unless these are sent to them. Whatever becomes
of a worker or of the scheduler, its jobs end as lost; nothing is tried again here.
"""

# mypy: disable-error-code="no-untyped-call"
# (distributed has types for some of its functions only)

from __future__ import annotations

import os
import queue
import time
from concurrent.futures import CancelledError
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from xvc.core.job import Job, JobEnd
from xvc.errors import ExternalError, NoPackage, XvcError, error
from xvc.executors.job_queue import JobQueue
from xvc.executors.kind import ExecutorKind
from xvc.executors.shipping import Away, JobOutcome

if TYPE_CHECKING:
    from distributed import Client, Future

_TO_CONNECT = 30.0
_TO_GATHER = 60.0
_TO_END = 35.0  # what a child may take to end, see `child`


@error("no-scheduler")
class NoScheduler(ExternalError):
    """A Dask scheduler cannot be reached, or no longer."""

    address: str
    words: str
    says = "no Dask scheduler answers at {address}: {words!l}"
    way = "Start one with `dask scheduler`, or give no address to have workers here."


@dataclass(frozen=True, slots=True)
class _Task:
    job: Job
    token: str
    future: Future[JobOutcome]


class DaskExecutor(JobQueue):
    """Runs jobs on Dask workers.

    Args:
        address: of a scheduler, such as ``tcp://10.0.0.1:8786``; None starts workers here, one
            process a place.
        places: how many jobs run at once.
        away: what workers need that do not share our disk; None when they do.

    Raises:
        NoPackage: distributed is not installed.
        NoScheduler: the address does not answer.
    """

    def __init__(self, address: str | None, places: int, away: Away | None = None) -> None:
        super().__init__(places)
        self._address, self._away = address or "this machine", away
        self._opened = ExitStack()
        self._client = _connect(address, places, self._opened)
        from xvc.executors.dask_worker import Trials  # late: imports distributed, see _connect

        self._plugin = f"xvc-{os.urandom(6).hex()}"
        self._client.register_plugin(
            Trials(None if away is None else away.parcel), name=self._plugin
        )
        self._tasks: dict[str, _Task] = {}
        self._done: queue.SimpleQueue[str] = queue.SimpleQueue()

    @property
    def address(self) -> str:
        """Where the scheduler listens."""
        return str(self._client.scheduler_info(n_workers=0)["address"])

    def _begin(self, job: Job) -> None:
        from xvc.executors.dask_worker import run_job  # late: as above

        token = f"xvc-{job.key}-{os.urandom(6).hex()}"
        if self._client.status != "running":  # a future of it would wait for ever
            raise NoScheduler(self._address, "the connection was lost")
        words = (self._plugin, job, token)
        future = self._client.submit(run_job, *words, key=token, pure=False, retries=0)
        self._tasks[job.key] = _Task(job, token, future)
        future.add_done_callback(lambda _: self._done.put(job.key))

    def _under_way(self) -> int:
        return len(self._tasks)

    def _collect(self, seconds: float) -> list[JobEnd]:
        found: list[JobEnd] = []
        try:
            found.append(self._end_of(self._done.get(timeout=max(seconds, 0.001))))
            while True:
                found.append(self._end_of(self._done.get_nowait()))
        except queue.Empty:
            return found

    def _end_of(self, key: str) -> JobEnd:
        task = self._tasks.pop(key)
        outcome = _outcome(task.future)
        task.future.release()
        reason = outcome.reason
        try:
            self._keep(task.job, outcome)
        except (XvcError, OSError) as err:
            return JobEnd(key, None, f"what it brought back cannot be kept: {err}")
        finally:
            self._clear_mark(task.token)
        return JobEnd(key, outcome.exit_code, reason)

    def _keep(self, job: Job, outcome: JobOutcome) -> None:
        if outcome.output:
            log = Path(job.log)
            log.parent.mkdir(parents=True, exist_ok=True)
            with log.open("ab") as file:
                file.write(outcome.output)
        if self._away is not None and outcome.brought is not None:
            self._away.home.take_in(outcome.brought)

    def _clear_mark(self, token: str) -> None:
        from distributed import Event  # late: as above

        if self._client.status == "running":
            Event(token, client=self._client).clear()

    def _interrupt(self, key: str) -> None:
        from xvc.executors.dask_worker import stop_job  # late: as above

        task = self._tasks.get(key)
        if task is None or self._client.status != "running":
            return
        runs = self._client.run(stop_job, self._plugin, task.token, on_error="ignore")
        if not any(runs.values()):
            task.future.cancel()  # no worker has it yet; one that is given it knows better

    def close(self) -> None:
        """End what still runs, and the workers that were started here."""
        from xvc.executors.dask_worker import forget_clones  # late: as above

        self._waiting.clear()
        with self._opened:
            if self._client.status != "running":
                return
            for key in list(self._tasks):
                self._interrupt(key)
            deadline = time.monotonic() + _TO_END
            while self._tasks and time.monotonic() < deadline:
                self._collect(1.0)
            self._client.run(forget_clones, self._plugin, on_error="ignore")
            self._client.unregister_worker_plugin(self._plugin)


def check(address: str | None) -> None:
    """Check that a scheduler answers; without an address, that workers could be had here.

    Raises:
        NoPackage: distributed is not installed.
        NoScheduler: the address does not answer.
    """
    if address is not None:
        with ExitStack() as opened:
            _connect(address, 0, opened)
    elif find_spec("distributed") is None:
        raise NoPackage("distributed", "dask")


def _connect(address: str | None, places: int, opened: ExitStack) -> Client:
    try:
        from distributed import Client, LocalCluster  # late: an extra, and half a second
    except ImportError as err:
        raise NoPackage("distributed", "dask") from err
    where = address
    try:
        if where is None:
            cluster = LocalCluster(
                n_workers=places,
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                dashboard_address=None,
                memory_limit=0,  # it would count the worker, and not the trials
            )
            where = opened.enter_context(cluster).scheduler_address
        client = Client(where, timeout=_TO_CONNECT, set_as_default=False)
    except (OSError, ValueError) as err:
        raise NoScheduler(address or "this machine", str(err)) from err
    opened.push(client)
    return client


def _outcome(future: Future[JobOutcome]) -> JobOutcome:
    try:
        if future.status == "finished":
            return future.result(timeout=_TO_GATHER)
        failure = future.exception(timeout=_TO_GATHER) if future.status == "error" else None
    except (OSError, CancelledError) as err:
        failure = err
    if failure is None:
        return JobOutcome(None, reason="it was cancelled, or the scheduler was lost")
    words = str(failure).strip().splitlines() or [""]
    return JobOutcome(None, reason=f"{type(failure).__name__}: {words[0]}")


KIND = ExecutorKind(
    open=lambda opening: DaskExecutor(opening.request.address, opening.request.jobs, opening.away),
    check=lambda request: check(request.address),
)
