"""Jobs through submitit: its local cluster, and a real one where there is one."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from loopback import MISSING, slurm_cluster
from trials import STUBBORN, appeared, ended, is_gone, job
from xvc.core.job import JobEnd
from xvc.executors.slurm import BadOptions, NoCluster, SlurmExecutor

TELLING = """import os, pathlib, time
pathlib.Path("pids").write_text(f"{os.getpid()} {os.getppid()}")
time.sleep(60)
"""
"""Says which process it is, and which one runs it."""


@pytest.fixture
def executor(tmp_path: Path) -> Iterator[SlurmExecutor]:
    """Two places on submitit's local cluster."""
    made = SlurmExecutor(tmp_path / "submitit", 2, cluster="local")
    yield made
    made.close()


def test_jobs_end_with_their_codes_and_their_output(
    executor: SlurmExecutor, tmp_path: Path
) -> None:
    """Two run at once; each has its code, its environment, its log."""
    program = "import os, sys; print(os.environ['LR']); sys.exit(int(os.environ['LR']))"
    for lr in ("0", "3"):
        executor.submit(job(tmp_path, program, lr, LR=lr))

    found = ended(executor, 2)

    assert found == {"0": JobEnd("0", 0), "3": JobEnd("3", 3)}
    assert [(tmp_path / "logs" / f"{lr}.log").read_text() for lr in "03"] == ["0\n", "3\n"]


def test_a_stopped_job_is_interrupted(executor: SlurmExecutor, tmp_path: Path) -> None:
    """The process gets SIGINT, which it may answer; nothing of it is left."""
    executor.submit(job(tmp_path, STUBBORN))
    pid = int(appeared(tmp_path / "pid"))
    executor.stop("one")

    found = ended(executor, 1)

    assert found == {"one": JobEnd("one", 7)}
    assert is_gone(pid)


def test_a_killed_submission_is_lost(executor: SlurmExecutor, tmp_path: Path) -> None:
    """Whoever ran the job is gone: it is lost, its process goes too, and the next job runs."""
    executor.submit(job(tmp_path, TELLING))
    pid, runner = map(int, appeared(tmp_path / "pids").split())
    controller = psutil.Process(runner).ppid()
    for each in (controller, runner):
        os.kill(each, signal.SIGKILL)
    lost = ended(executor, 1)
    executor.submit(job(tmp_path, "print('fine')", "next"))
    after = ended(executor, 1)

    assert lost["one"].exit_code is None
    assert lost["one"].reason
    assert after == {"next": JobEnd("next", 0)}
    assert is_gone(pid)


def test_an_unknown_option_is_refused(tmp_path: Path) -> None:
    """A wrong option is told before anything is submitted, and travels as other errors do."""
    with pytest.raises(BadOptions) as caught:
        SlurmExecutor(tmp_path, 1, cluster="local", options={"slurm_colour": "blue"})

    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_where_no_cluster_is_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without `srun` nothing is submitted."""
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(NoCluster, match="slurm"):
        SlurmExecutor(tmp_path, 1)


@pytest.fixture(scope="module")
def conf() -> Iterator[Path]:
    """The configuration of a real cluster, started for all tests here."""
    with slurm_cluster() as found:
        yield found


@pytest.fixture
def real(conf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SlurmExecutor]:
    """Two places on a real cluster."""
    monkeypatch.setenv("SLURM_CONF", str(conf))
    made = SlurmExecutor(tmp_path / "submitit", 2, options={"timeout_min": 5})
    yield made
    made.close()


slurm_is_here = pytest.mark.skipif(bool(MISSING), reason=f"SLURM is not here: no {MISSING}")


@slurm_is_here
def test_a_real_cluster_runs_jobs(real: SlurmExecutor, tmp_path: Path) -> None:
    """The same jobs, by sbatch: codes, environment and logs."""
    program = "import os, sys; print(os.environ['LR']); sys.exit(int(os.environ['LR']))"
    for lr in ("0", "3"):
        real.submit(job(tmp_path, program, lr, LR=lr))

    found = ended(real, 2)

    assert found == {"0": JobEnd("0", 0), "3": JobEnd("3", 3)}
    assert [(tmp_path / "logs" / f"{lr}.log").read_text() for lr in "03"] == ["0\n", "3\n"]


@slurm_is_here
def test_a_real_cluster_interrupts_a_stopped_job(real: SlurmExecutor, tmp_path: Path) -> None:
    """The process gets SIGINT; one that still stands in the queue never begins."""
    real.submit(job(tmp_path, STUBBORN))
    pid = int(appeared(tmp_path / "pid"))
    hold = {"timeout_min": 5, "slurm_additional_parameters": {"hold": True}}
    queued = SlurmExecutor(tmp_path / "queued", 1, options=hold)
    queued.submit(job(tmp_path, "open('begun', 'w')", "queued"))
    for executor, key in ((real, "one"), (queued, "queued")):
        executor.stop(key)

    found = ended(real, 1) | ended(queued, 1)

    assert found["one"] == JobEnd("one", 7)
    assert (found["queued"].exit_code, found["queued"].reason) == (None, "stopped before it began")
    assert is_gone(pid)
    states = subprocess.check_output(["squeue", "--states=PENDING", "--noheader"])
    assert states == b""
    assert not (tmp_path / "begun").exists()


@pytest.mark.sweep  # SLURM takes 15 seconds to notice it
@slurm_is_here
def test_a_job_whose_step_is_killed_is_lost(real: SlurmExecutor, tmp_path: Path) -> None:
    """That is noticed where there is no accounting database, and the next job runs."""
    real.submit(job(tmp_path, TELLING))
    pid, runner = map(int, appeared(tmp_path / "pids").split())
    os.kill(runner, signal.SIGKILL)
    lost = ended(real, 1)
    real.submit(job(tmp_path, "print('fine')", "next"))
    after = ended(real, 1)

    assert lost["one"].exit_code is None
    assert "no result" in lost["one"].reason
    assert after == {"next": JobEnd("next", 0)}
    assert is_gone(pid)
