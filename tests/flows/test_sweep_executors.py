"""Sweeps whose trials run elsewhere: Dask workers, machines without our disk, a cluster's queue."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import signal
import subprocess
import sys
import termios
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import psutil
import pytest

from loopback import MISSING, slurm_cluster
from surroundings import Calling, git, private_environment
from xvc.core.search_space import Choices
from xvc.core.sweep import SweepRequest
from xvc.executors.dask import NoScheduler
from xvc.project import Project
from xvc.sweeps.start import begin_sweep

SCRIPT = """\
import json, os, signal, sys, time
from pathlib import Path
a, out = float(os.environ["XVC_PARAM_A"]), Path(sys.argv[1])
with out.open("a") as told:
    port = os.environ.get("XVC_PORT", "no port")
    told.write(f"begin {os.environ['XVC_TRIAL']} {port} {os.getpid()}\\n")
if a == 2 and "--kill" in sys.argv and not out.with_suffix(".killed").exists():
    out.with_suffix(".killed").touch()
    import psutil
    psutil.Process(os.getppid()).parent().send_signal(signal.SIGKILL)
    time.sleep(60)
while "--hold" in sys.argv and not out.with_suffix(".go").exists():
    time.sleep(0.05)
json.dump({"accuracy": 1 - (a - 3) ** 2 / 100}, open("metrics.json", "w"))
sys.exit(3 if a == 99 else 0)
"""
VALUES = "a=1,3,99,4"
RAY = pytest.param(
    "ray",
    marks=pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed: extra `ray`"),
)

HIDING = """\
import os, sys
hidden = os.environ.get("HIDDEN", "/nowhere")
def look(event, words):
    if event in ("open", "os.listdir", "os.chdir") and str(words[0]).startswith(hidden + "/"):
        raise PermissionError(words[0])
sys.addaudithook(look)
"""
"""What keeps the Python of a worker, and of all that it starts, out of a folder."""


@pytest.fixture
def out(project: Path, tmp_path: Path) -> Path:
    """A project with a script that says in this file that it begins."""
    (project / "trial.py").write_text(SCRIPT)
    place = tmp_path / "out.txt"
    place.touch()
    return place


def words(*options: str, out: Path, how: str = "") -> tuple[str, ...]:
    script = ("python", "trial.py", str(out), *([how] if how else []))
    return ("sweep", *options, "--metric", "accuracy:max", "--json", "--", *script)


def begun(out: Path) -> Counter[str]:
    """How often each trial has begun."""
    return Counter(line.split()[1] for line in out.read_text().splitlines())


def finished(run_xvc: Calling) -> Counter[str]:
    """How many runs of each trial have finished."""
    runs = run_xvc("ls", "--limit", "0", "--json").data["runs"]
    return Counter(r["name"].partition("/")[2] for r in runs if r["status"] == "finished")


def once(*numbers: int) -> dict[str, int]:
    return {str(number): 1 for number in numbers}


def wait_for(place: Path, word: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not (place.exists() and word in place.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("executor", ["dask", RAY])
def test_trials_run_on_workers(out: Path, run_xvc: Calling, executor: str) -> None:
    """All run once, the one that fails stops no other, the best is known, no tree is left."""
    done = run_xvc(*words("-P", VALUES, "--executor", executor, "-j", "2", out=out), timeout=280)

    assert done.code == 1, done.err
    assert (done.data["counts"]["finished"], done.data["counts"]["failed"]) == (3, 1)
    assert done.data["best"]["params"] == {"a": 3}
    assert finished(run_xvc) == once(0, 1, 3)
    assert begun(out) == once(0, 1, 2, 3)
    assert "no port" in out.read_text()
    assert git(Path.cwd(), "worktree", "list").count("\n") == 0


@pytest.mark.parametrize("executor", ["dask", RAY])
def test_a_killed_worker_costs_no_trial(out: Path, run_xvc: Calling, executor: str) -> None:
    """One is killed in the middle of a trial: it is run again, and each has finished once."""
    options = ("-P", "a=1..3", "--executor", executor, "-j", "2")

    done = run_xvc(*words(*options, out=out, how="--kill"), timeout=280)

    assert done.code == 0, done.err
    assert done.data["counts"]["finished"] == 3
    assert finished(run_xvc) == once(0, 1, 2)
    assert begun(out)["1"] == 2
    assert max(count for number, count in begun(out).items() if number != "1") == 1


@contextmanager
def cluster(folder: Path, hidden: Path) -> Iterator[str]:
    """A scheduler, and a worker with a home of its own that cannot look into *hidden*."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(HIDING)
    told = folder / "scheduler.json"
    environment = private_environment(folder / "home")
    environment |= {"PYTHONPATH": str(folder), "HIDDEN": str(hidden)}
    dask = [sys.executable, "-m"]
    started = []
    for program in (
        ("dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"),
        ("dask_worker", "--nworkers", "2", "--nthreads", "1", "--no-dashboard"),
    ):
        name, *more = program
        call = [*dask, f"distributed.cli.{name}", *more, "--scheduler-file", str(told)]
        place = {"cwd": folder, "env": environment}
        started.append(subprocess.Popen(call, stderr=subprocess.DEVNULL, **place))
        wait_for(told, "address")
    try:
        yield json.loads(told.read_text())["address"]
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait()


def test_trials_run_without_our_disk(
    out: Path, project: Path, tmp_path: Path, run_xvc: Calling
) -> None:
    """Workers that cannot look into the repository run all of it; every run is here afterwards."""
    with cluster(tmp_path / "far", project) as address:
        away = ("--executor", "dask", "--address", address, "--away", "-j", "2")
        done = run_xvc(
            *words("-P", VALUES, *away, "--scratch", str(tmp_path / "far"), out=out), timeout=180
        )

    assert done.code == 1, done.err
    assert (done.data["counts"]["finished"], done.data["counts"]["failed"]) == (3, 1)
    assert done.data["best"]["params"] == {"a": 3}
    assert finished(run_xvc) == begun(out) - Counter(once(2)) == once(0, 1, 3)
    best = run_xvc("show", done.data["best"]["run"], "--json").data
    assert best["metrics"] == {"accuracy": 1.0}
    assert best["params"] == {"a": 3}


def test_trials_that_cannot_be_prepared_say_why(
    out: Path, project: Path, tmp_path: Path, run_xvc: Calling
) -> None:
    """Data that no remote has: tried some times, then failed with the reason."""
    (project / "data.csv.dvc").write_text(
        "outs:\n- md5: c0710d6b4f15dfa88f600b0e6b624077\n  size: 6\n  hash: md5\n  path: data.csv\n"
    )
    away = ("--executor", "dask", "--away", "--scratch", str(tmp_path / "far"))

    done = run_xvc(*words("-P", "a=1", *away, out=out), timeout=180)

    assert done.code == 1, done.err
    trial = run_xvc("sweep", "show", "--json").data["trials"][0]
    assert trial["state"] == "failed"
    assert "lost 3 times" in trial["reason"]
    assert "data" in trial["reason"].partition("times")[2]
    assert not begun(out)


def test_trials_stand_in_the_queue_of_a_cluster(out: Path, run_xvc: Calling) -> None:
    """By submitit's local cluster: all run once, and the one that fails stops no other."""
    cluster = ("--executor", "slurm", "--slurm", "cluster=local", "--slurm", "timeout_min=5")

    done = run_xvc(*words("-P", "a=3,99,4", *cluster, "-j", "2", out=out), timeout=120)

    assert done.code == 1, done.err
    assert (done.data["counts"]["finished"], done.data["counts"]["failed"]) == (2, 1)
    assert done.data["best"]["params"] == {"a": 3}
    assert finished(run_xvc) == once(0, 2)


def test_what_outlives_a_killed_sweep_is_waited_for(
    out: Path, project: Path, run_xvc: Calling
) -> None:
    """The cluster runs on when we are killed: resumed, that trial counts, and is not run again."""
    options = ("-P", "a=1,2", "--executor", "slurm", "--slurm", "cluster=local")
    sweep = subprocess.Popen(
        [sys.executable, "-m", "xvc", *words(*options, out=out, how="--hold")],
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_for(out, "begin 0")
    sweep.send_signal(signal.SIGKILL)
    sweep.wait()
    status = run_xvc("sweep", "status", "--json").data
    resumed = subprocess.Popen([sys.executable, "-m", "xvc", "sweep", "resume"])
    time.sleep(2)
    out.with_suffix(".go").touch()
    code = resumed.wait(timeout=60)

    assert [trial["trial"] for trial in status["running"]] == [0]
    assert code == 0
    assert finished(run_xvc) == once(0, 1)
    assert begun(out) == once(0, 1)


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A real SLURM cluster, which `sbatch` finds."""
    if MISSING:
        pytest.skip(f"SLURM is not here: no {MISSING}")
    with slurm_cluster() as conf:
        monkeypatch.setenv("SLURM_CONF", str(conf))
        yield


@pytest.mark.usefixtures("queue")
def test_trials_stand_in_the_queue_of_a_real_cluster(out: Path, run_xvc: Calling) -> None:
    """By sbatch: all run once, two at a time, and the one that fails stops no other."""
    done = run_xvc(*words("-P", VALUES, "--executor", "slurm", "-j", "2", out=out), timeout=180)

    assert done.code == 1, done.err
    assert (done.data["counts"]["finished"], done.data["counts"]["failed"]) == (3, 1)
    assert done.data["best"]["params"] == {"a": 3}
    assert finished(run_xvc) == once(0, 1, 3)
    assert begun(out) == once(0, 1, 2, 3)


DASK, HERE = ("--executor", "dask"), ("--executor", "slurm", "--slurm", "cluster=local")


def started(*options: str, out: Path) -> tuple[subprocess.Popen[bytes], int]:
    """A sweep whose first trial has begun, and holds; and that trial's process id."""
    call = [sys.executable, "-m", "xvc", *words("-P", "a=1,2", *options, out=out, how="--hold")]
    sweep = subprocess.Popen(call, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(out, "\n")
    return sweep, int(out.read_text().split()[-1])


def assert_stopped(run_xvc: Calling, out: Path, pid: int) -> None:
    status = run_xvc("sweep", "status", "--json").data
    counts = status["counts"]
    assert (status["state"], counts["waiting"], counts["running"]) == ("stopped", 2, 0)
    assert [run["status"] for run in run_xvc("ls", "--json").data["runs"]] == ["interrupted"]
    assert not psutil.pid_exists(pid)
    assert begun(out) == once(0)
    assert git(Path.cwd(), "worktree", "list").count("\n") == 0


@pytest.mark.parametrize(
    "executor",
    [DASK, HERE, pytest.param(("--executor", "ray"), marks=RAY.marks)],
    ids=["dask", "submitit", "ray"],
)
def test_a_sweep_elsewhere_is_stopped(
    out: Path, run_xvc: Calling, executor: tuple[str, ...]
) -> None:
    """`xvc sweep stop`: the running trial is interrupted, and recorded so; nothing goes on."""
    sweep, pid = started(*executor, out=out)

    stopped = run_xvc("sweep", "stop", "--json", timeout=90)

    assert (stopped.code, sweep.wait(timeout=60)) == (0, 130), stopped.err
    assert_stopped(run_xvc, out, pid)


@pytest.mark.usefixtures("queue")
def test_a_sweep_on_a_real_cluster_is_stopped(out: Path, run_xvc: Calling) -> None:
    """The same, and its queue is empty."""
    sweep, pid = started("--executor", "slurm", out=out)

    stopped = run_xvc("sweep", "stop", "--json", timeout=90)

    assert (stopped.code, sweep.wait(timeout=60)) == (0, 130), stopped.err
    assert_stopped(run_xvc, out, pid)


def test_what_a_killed_sweep_left_running_is_stopped(out: Path, run_xvc: Calling) -> None:
    """The scheduler is gone, the job runs on: it is interrupted all the same."""
    sweep, pid = started(*HERE, out=out)
    sweep.kill()
    sweep.wait()

    stopped = run_xvc("sweep", "stop", "--json", timeout=90)

    assert stopped.code == 0, stopped.err
    assert_stopped(run_xvc, out, pid)


@pytest.mark.parametrize("executor", ["local", "dask", RAY])
def test_a_key_at_the_terminal_ends_a_sweep_well(
    out: Path, run_xvc: Calling, executor: str
) -> None:
    """Ctrl-C: the running trial is interrupted, the sweep is stopped, the exit code says so."""
    options = ("-P", "a=1,2", "--executor", executor)
    terminal, its = pty.openpty()
    sweep = subprocess.Popen(
        [sys.executable, "-m", "xvc", *words(*options, out=out, how="--hold")],
        stdin=its,
        stdout=its,
        stderr=its,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(its)
    wait_for(out, "begin 0")
    os.write(terminal, b"\x03")
    with contextlib.suppress(OSError):  # the other end is closed
        while os.read(terminal, 4096):
            pass
    code = sweep.wait(timeout=60)
    os.close(terminal)

    status = run_xvc("sweep", "status", "--json").data
    runs = run_xvc("ls", "--json").data["runs"]
    assert code == 130
    assert (status["state"], status["counts"]["waiting"]) == ("stopped", 2)
    assert [run["status"] for run in runs] == ["interrupted"]
    assert git(Path.cwd(), "worktree", "list").count("\n") == 0


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (("--executor", "mainframe"), "mainframe"),
        (("--executor", "dask", "--gpus", "0,1"), "gpus"),
        (("--executor", "slurm", "--away"), "away"),
        (("--address", "tcp://127.0.0.1:1"), "address"),
        (("--executor", "dask", "--scratch", "far"), "scratch"),
        (("--executor", "dask", "--away", "--ref", "main"), "refs"),
        (("--executor", "slurm", "--slurm", "timeout"), "slurm"),
    ],
)
def test_what_does_not_go_together_is_refused(
    project: Path, run_xvc: Calling, options: tuple[str, ...], word: str
) -> None:
    """Before anything is begun, and with the word that is wrong."""
    refused = run_xvc("sweep", "-P", "a=1", *options, "--json", "--", "true", "{a}")

    assert (refused.code, refused.json["error"]["code"]) == (2, "bad-sweep")
    assert word in refused.json["error"]["message"]
    assert run_xvc("sweep", "status").code == 1


def test_an_option_that_the_cluster_has_not_is_refused(project: Path, run_xvc: Calling) -> None:
    """submitit's own word, from a file; no sweep was begun."""
    (project / "s.yaml").write_text(
        "params: {a: [1]}\ncommand: 'true'\nexecutor: slurm\nslurm: {cluster: local, colour: 1}\n"
    )

    refused = run_xvc("sweep", "-f", "s.yaml", "--json")

    assert refused.json["error"]["code"] == "bad-cluster-options"
    assert_nothing_was_begun(project, run_xvc)


def test_a_scheduler_that_does_not_answer_begins_no_sweep(
    project: Path, run_xvc: Calling, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked before anything is written down."""
    monkeypatch.setattr("xvc.executors.dask._TO_CONNECT", 0.3)
    request = SweepRequest(
        {"a": Choices((1,))}, ("true",), executor="dask", address="tcp://127.0.0.1:9", away=True
    )

    with pytest.raises(NoScheduler):
        begin_sweep(Project.find(project, os.environ), request, ".")

    assert_nothing_was_begun(project, run_xvc)


@pytest.mark.usefixtures("queue")
def test_what_a_real_cluster_does_not_take_is_forgotten(project: Path, run_xvc: Calling) -> None:
    """A partition that it has not is known when the first trial is submitted."""
    options = ("--executor", "slurm", "--slurm", "slurm_partition=gpu")

    refused = run_xvc("sweep", "-P", "a=1,2", *options, "--json", "--", "true", "{a}")

    assert refused.json["error"]["code"] == "no-cluster"
    assert "gpu" in refused.json["error"]["message"]
    assert git(project, "worktree", "list").count("\n") == 0
    assert_nothing_was_begun(project, run_xvc)


def assert_nothing_was_begun(project: Path, run_xvc: Calling) -> None:
    assert run_xvc("sweep", "status", "--json").json["error"]["code"] == "no-sweep"
    assert not git(project, "for-each-ref", "refs/xvc/sweeps")
    assert not [*(project / ".git" / "xvc").glob("sweeps/*")]
    assert run_xvc("ls", "--json").data["runs"] == []
