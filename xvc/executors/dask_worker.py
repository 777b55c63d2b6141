"""What runs inside a Dask worker: one job a task, in the thread that Dask gives it.

Dask begins a task again when its worker was lost. A trial that may have run half is not ours to
repeat, so an attempt after the first says that it is one and does nothing.
"""

# mypy: disable-error-code="no-untyped-call"
# (distributed has types for some of its functions only)

from __future__ import annotations

import os
from typing import cast

from distributed import Event, Worker, WorkerPlugin, get_worker

from xvc.core.job import Job
from xvc.errors import XvcError
from xvc.executors.child import locked_log, run
from xvc.executors.clone import forget, run_away
from xvc.executors.shipping import JobOutcome, Parcel


class Trials(WorkerPlugin):
    """What each worker is given once: the parcel, if jobs run without our disk; who shall stop."""

    def __init__(self, parcel: Parcel | None) -> None:
        self._parcel = parcel
        self._worker: Worker | None = None
        self._running: set[str] = set()
        self._stopped: set[str] = set()

    def setup(self, worker: Worker) -> None:
        """Remember whose it is."""
        self._worker = worker

    def teardown(self, worker: Worker) -> None:
        """Stop what runs here: the worker closes, and its jobs are lost."""
        self._worker = None

    def stop(self, token: str) -> bool:
        """Stop a task, or keep it from beginning; tells whether it runs here."""
        self._stopped.add(token)
        return token in self._running

    def forget(self) -> None:
        """Remove what was unpacked on this machine."""
        if self._parcel is not None:
            forget(self._parcel)

    def run(self, job: Job, token: str) -> JobOutcome:
        """Run a job; what keeps it from beginning is the reason of an outcome without a code."""
        self._running.add(token)
        try:
            return self._run(job, token)
        except (XvcError, OSError) as err:
            return JobOutcome(None, reason=f"{os.uname().nodename}: {err}")
        finally:
            self._running.discard(token)

    def _run(self, job: Job, token: str) -> JobOutcome:
        def is_stopped() -> bool:
            return self._is_unwanted(token)

        if self._parcel is not None:
            return run_away(self._parcel, job, dict(os.environ), is_stopped)
        with locked_log(job) as log:
            environment = {**os.environ, **job.environment}
            return JobOutcome(run(job.command, job.folder, environment, log, is_stopped))

    def _is_unwanted(self, token: str) -> bool:
        """Whether to stop: the job was cancelled, its client is gone, or the worker closes."""
        if token in self._stopped or self._worker is None:
            return True
        task = self._worker.state.tasks.get(token)
        return task is None or task.state == "cancelled"


def run_job(plugin: str, job: Job, token: str) -> JobOutcome:
    """Run a job as the task *token*."""
    begun = Event(token)
    if begun.is_set():
        return JobOutcome(None, reason="the worker that had begun it was lost")
    begun.set()
    return _trials(get_worker(), plugin).run(job, token)


def stop_job(plugin: str, token: str, dask_worker: Worker) -> bool:
    """Stop a task on this worker; tells whether it runs here."""
    return _trials(dask_worker, plugin).stop(token)


def forget_clones(plugin: str, dask_worker: Worker) -> None:
    """Remove what was unpacked on this worker's machine."""
    _trials(dask_worker, plugin).forget()


def _trials(worker: Worker, plugin: str) -> Trials:
    return cast("Trials", worker.plugins[plugin])
