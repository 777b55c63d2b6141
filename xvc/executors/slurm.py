"""Jobs on a SLURM cluster, by submitit. The cluster's machines share the disk with the asker.

Each job is one submission; submitit keeps its files in a folder that all machines see. A job that
SLURM puts back in the queue is lost and not run twice: whoever asked decides.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from xvc.core.job import Job, JobEnd
from xvc.core.sweep import SweepRequest
from xvc.errors import ExternalError, NoPackage, UsageError, error
from xvc.executors.child import locked_log, run
from xvc.executors.job_queue import JobQueue
from xvc.executors.kind import ExecutorKind, Opening
from xvc.executors.squeue import UNDER_WAY, Queue
from xvc.types import Json

if TYPE_CHECKING:
    from submitit import AutoExecutor
    from submitit import Job as Submitted

_LONGEST = 24 * 60  # minutes; submitit's default of five minutes ends most training
_HERE = "local"  # submitit's name for processes of this machine
_PAUSE = 0.2
_LAG = 10.0  # seconds after its end in which a result may still come through a network disk
_MERCY = 45.0  # seconds from the request to stop until the cluster is told


@error("no-cluster")
class NoCluster(ExternalError):
    """The cluster cannot be used from here, or did not take a job."""

    cluster: str
    words: str
    says = "the cluster {cluster!r} takes no jobs from here: {words!l}"
    way = "Call it where `sbatch` and `srun` are, and look at `sinfo`."


@error("bad-cluster-options")
class BadOptions(UsageError):
    """An option for the cluster is none that submitit knows, or has a value it cannot take."""

    words: str
    says = "an option for the cluster cannot be used: {words!l}"
    way = "Such as timeout_min, mem_gb, cpus_per_task, gpus_per_node, slurm_partition."


@dataclass(slots=True)
class _Submission:
    job: Submitted[int]
    files: Path
    stopped_at: float = inf
    ended_at: float | None = None

    @property
    def request(self) -> Path:
        return self.files.with_suffix(".stop")


class SlurmExecutor(JobQueue):
    """Runs jobs on a cluster.

    Args:
        folder: for submitit's files, seen by all machines. What an asker that was killed has left
            in the queue from there does not begin any more.
        places: how many jobs are with the cluster at once.
        cluster: ``slurm``; ``local`` runs processes here, by the same way.
        options: as submitit's AutoExecutor takes them, such as ``timeout_min`` (a day when not
            said), ``gpus_per_node``, ``slurm_partition``.

    Raises:
        NoPackage: submitit is not installed.
        NoCluster: there is no such cluster here.
        BadOptions: an option cannot be used.
    """

    def __init__(
        self,
        folder: Path,
        places: int,
        *,
        cluster: str = "slurm",
        options: Mapping[str, Json] | None = None,
    ) -> None:
        super().__init__(places)
        self._folder, self._cluster = folder, cluster
        self._executor = _executor(folder, cluster, options or {})
        self._queue = None if cluster == _HERE else Queue()
        withdraw(folder)
        self._active: dict[str, _Submission] = {}

    def _begin(self, job: Job) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        files = self._folder / f"xvc-{os.urandom(6).hex()}"
        _leave(files).touch()
        try:
            submitted = self._executor.submit(run_once, job, str(files))
        except (OSError, RuntimeError) as err:  # submitit's own are RuntimeErrors
            _leave(files).unlink()
            raise NoCluster(self._cluster, str(err)) from err
        self._active[job.key] = _Submission(submitted, files)

    def _under_way(self) -> int:
        return len(self._active)

    def _collect(self, seconds: float) -> list[JobEnd]:
        deadline = time.monotonic() + seconds
        while True:
            found = [end for key in list(self._active) if (end := self._look(key)) is not None]
            if found or time.monotonic() >= deadline:
                return found
            time.sleep(max(0.0, min(_PAUSE, deadline - time.monotonic())))

    def _look(self, key: str) -> JobEnd | None:
        held = self._active[key]
        if time.monotonic() - held.stopped_at > _MERCY:
            held.job.cancel(check=False)
            held.stopped_at = inf
        end = self._end_of(key, held)
        if end is not None:
            self._forget(key)
        return end

    def _forget(self, key: str) -> None:
        held = self._active.pop(key)
        for file in (held.request, _mark(held.files), _leave(held.files)):
            file.unlink(missing_ok=True)

    def _end_of(self, key: str, held: _Submission) -> JobEnd | None:
        os.listdir(self._folder)  # a network disk remembers for a while what was not there
        if not held.job.paths.result_pickle.exists():
            return self._lost(key, held)
        failure = held.job.exception()
        if failure is not None:
            return JobEnd(key, None, _last_line(str(failure)))
        return JobEnd(key, held.job.result())

    def _lost(self, key: str, held: _Submission) -> JobEnd | None:
        """Tell that a job is over without a result; one may still come through a network disk."""
        state = held.job.state if self._queue is None else self._queue.state(held.job.job_id)
        if state in UNDER_WAY:
            held.ended_at = None
            return None
        now = time.monotonic()
        held.ended_at = now if held.ended_at is None else held.ended_at
        if now - held.ended_at < _LAG and state != "INTERRUPTED":
            return None
        return JobEnd(key, None, f"it left no result (state {state})")

    def _interrupt(self, key: str) -> None:
        held = self._active.get(key)
        if held is None:
            return
        held.request.touch()
        held.stopped_at = min(held.stopped_at, time.monotonic())
        try:
            _leave(held.files).unlink()
        except FileNotFoundError:
            return  # it has begun, and sees the request
        held.job.cancel(check=False)
        self._forget(key)
        self._left.append(JobEnd(key, None, "stopped before it began"))

    def close(self) -> None:
        """End what still runs; what does not end within a minute is left to the cluster."""
        self._waiting.clear()
        for key in list(self._active):
            self._interrupt(key)
        deadline = time.monotonic() + _MERCY + _LAG
        while self._active and time.monotonic() < deadline:
            self._collect(1.0)


def _executor(folder: Path, cluster: str, options: Mapping[str, Json]) -> AutoExecutor:
    try:
        import submitit  # late: an extra, and only a sweep on a cluster needs it
    except ImportError as err:
        raise NoPackage("submitit", "slurm") from err
    try:
        made = submitit.AutoExecutor(folder=folder, cluster=cluster)
    except (RuntimeError, ValueError) as err:
        raise NoCluster(cluster, str(err)) from err
    wanted: dict[str, Any] = {"name": "xvc", "timeout_min": _LONGEST, **options}
    try:
        made.update_parameters(**wanted)
    except (NameError, AssertionError, ValueError, TypeError) as err:
        raise BadOptions(str(err)) from err
    return made


def check(cluster: str, options: Mapping[str, Json]) -> None:
    """Check that a cluster can be used with these options; nothing is submitted, nothing left.

    Raises:
        NoPackage: submitit is not installed.
        NoCluster: there is no such cluster here.
        BadOptions: an option cannot be used.
    """
    with TemporaryDirectory() as folder:  # submitit makes one, whatever it is for
        _executor(Path(folder), cluster, options)


def run_once(job: Job, files: str) -> int:
    """Run a job on the machine that the cluster chose; its output goes to the job's own log.

    Raises:
        RuntimeError: this very submission has begun before, or was withdrawn.
    """
    own = Path(files)
    with locked_log(job) as log:  # first, so that what has begun is seen to live
        try:
            os.rename(_leave(own), _mark(own))
        except FileNotFoundError:
            raise RuntimeError("it was withdrawn, or the machine that began it was lost") from None
        environment = {**os.environ, **job.environment}
        return run(job.command, job.folder, environment, log, own.with_suffix(".stop").exists)


def withdraw(folder: Path) -> None:
    """Keep what stands in the cluster's queue, submitted from a folder, from beginning."""
    for leave in folder.glob("xvc-*.may"):
        leave.unlink(missing_ok=True)


def ask_to_end(folder: Path) -> None:
    """Have all that was submitted from a folder end, and nothing more begin."""
    withdraw(folder)
    for mark in folder.glob("xvc-*.begun"):
        mark.with_suffix(".stop").touch()


def _leave(files: Path) -> Path:
    return files.with_suffix(".may")


def _mark(files: Path) -> Path:
    return files.with_suffix(".begun")


def _last_line(words: str) -> str:
    lines = [line for line in words.splitlines() if line.strip(" -")]
    raised = [line for line in lines if "Error: " in line]
    return (raised or lines or ["no message"])[-1].strip()


def _files(folder: Path) -> Path:
    """Where submitit keeps its files of a sweep."""
    return folder / "submitit"


def _cluster(request: SweepRequest) -> tuple[str, dict[str, Json]]:
    options = {key: value for key, value in request.slurm.items() if key != "cluster"}
    return str(request.slurm.get("cluster", "slurm")), options


def _opened(opening: Opening) -> SlurmExecutor:
    cluster, options = _cluster(opening.request)
    files = _files(opening.folder)
    return SlurmExecutor(files, opening.request.jobs, cluster=cluster, options=options)


KIND = ExecutorKind(
    open=_opened,
    check=lambda request: check(*_cluster(request)),
    end=lambda folder: ask_to_end(_files(folder)),
)
