"""Jobs on a Dask cluster: processes on this machine, one of them killed."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from surroundings import private_environment
from trials import STUBBORN, appeared, ended, is_gone, job
from xvc.core.job import Job, JobEnd
from xvc.executors.dask import DaskExecutor, NoScheduler


@pytest.fixture(scope="module")
def executor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskExecutor]:
    """Two workers, for all tests here: a cluster takes seconds to start."""
    before = dict(os.environ)
    os.environ.update(private_environment(tmp_path_factory.mktemp("dask-home")))
    made = DaskExecutor(None, 2)
    yield made
    made.close()
    os.environ.clear()
    os.environ.update(before)


def test_a_job_ends_with_its_code_and_its_output(executor: DaskExecutor, tmp_path: Path) -> None:
    """Exit code, folder, environment and both streams are the job's own."""
    program = "import os, sys; print(os.getcwd(), os.environ['LR']); sys.exit('no luck')"
    executor.submit(job(tmp_path, program, LR="0.1"))

    found = ended(executor, 1)

    assert found == {"one": JobEnd("one", 1)}
    said = (tmp_path / "logs" / "one.log").read_text()
    assert sorted(said.splitlines()) == sorted([f"{tmp_path} 0.1", "no luck"])


def test_jobs_run_side_by_side_and_no_more_than_places(
    executor: DaskExecutor, tmp_path: Path
) -> None:
    """Two of three meet each other; the third begins when one has ended."""
    program = """import os, pathlib, sys, time
pathlib.Path(f"here-{sys.argv[1]}").touch()
while len(list(pathlib.Path().glob("here-*"))) < 2:
    time.sleep(0.02)
print(len(list(pathlib.Path().glob("here-*"))))
time.sleep(0.3)
os.remove(f"here-{sys.argv[1]}") if sys.argv[1] != "0" else None
"""
    for key in ("0", "1", "2"):
        wanted = job(tmp_path, program, key)
        executor.submit(Job(key, (*wanted.command, key), wanted.folder, wanted.log))

    found = ended(executor, 3)

    assert {each.exit_code for each in found.values()} == {0}
    assert {(tmp_path / "logs" / f"{key}.log").read_text() for key in found} == {"2\n"}


def test_a_command_that_is_not_there_says_so(executor: DaskExecutor, tmp_path: Path) -> None:
    """It ends as in a shell, with 127 and a word in its log."""
    executor.submit(Job("one", ("no-such-program",), str(tmp_path), str(tmp_path / "log")))

    found = ended(executor, 1)

    assert found["one"].exit_code == 127
    assert "no-such-program" in (tmp_path / "log").read_text()


def test_stop_interrupts_and_the_job_ends_as_it_likes(
    executor: DaskExecutor, tmp_path: Path
) -> None:
    """The process gets SIGINT, which it may answer; nothing of it is left."""
    executor.submit(job(tmp_path, STUBBORN))
    pid = int(appeared(tmp_path / "pid"))
    executor.stop("one")

    found = ended(executor, 1)

    assert found["one"].exit_code == 7
    assert is_gone(pid)


def test_a_job_in_line_leaves_it(executor: DaskExecutor, tmp_path: Path) -> None:
    """Stopped before its turn, it never begins; a stop of nothing does nothing."""
    for key in ("0", "1", "2"):
        executor.submit(job(tmp_path, "import time; time.sleep(0.5); open('begun', 'a')", key))
    executor.stop("2")
    executor.stop("nobody")

    found = ended(executor, 3)

    assert found["2"] == JobEnd("2", None, "stopped before it began")
    assert {found["0"].exit_code, found["1"].exit_code} == {0}


def test_a_killed_worker_loses_its_job_once(executor: DaskExecutor, tmp_path: Path) -> None:
    """The job is lost and not run again; its process goes too; the next job runs."""
    program = """import os, pathlib, time
with open("begun", "a") as file:
    print("again", file=file)
pathlib.Path("pids").write_text(f"{os.getpid()} {os.getppid()}")
time.sleep(60)
"""
    executor.submit(job(tmp_path, program))
    pid, worker = map(int, appeared(tmp_path / "pids").split())
    os.kill(worker, signal.SIGKILL)
    lost = ended(executor, 1)
    executor.submit(job(tmp_path, "print('fine')", "next"))
    after = ended(executor, 1)

    assert lost["one"].exit_code is None
    assert "lost" in lost["one"].reason or "Killed" in lost["one"].reason
    assert after == {"next": JobEnd("next", 0)}
    assert (tmp_path / "begun").read_text() == "again\n"
    assert is_gone(pid)


def test_nothing_runs_on_when_the_asker_is_killed(executor: DaskExecutor, tmp_path: Path) -> None:
    """A scheduler elsewhere outlives the sweep; the process of its job does not."""
    program = "import os, time; open('pid', 'w').write(str(os.getpid())); time.sleep(60)"
    log = str(tmp_path / "log")
    asking = f"""import sys
from xvc.core.job import Job
from xvc.executors.dask import DaskExecutor
executor = DaskExecutor({executor.address!r}, 1)
executor.submit(Job("one", (sys.executable, "-c", {program!r}), {str(tmp_path)!r}, {log!r}))
executor.wait(60.0)
"""
    asker = subprocess.Popen([sys.executable, "-c", asking])
    pid = int(appeared(tmp_path / "pid"))
    asker.kill()
    asker.wait()

    assert is_gone(pid)


def test_with_the_scheduler_its_jobs_are_lost(tmp_path: Path) -> None:
    """What was with it ends as lost, what was not cannot begin, and the answer is no hang."""
    told = tmp_path / "scheduler.json"
    words = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(told)]
    scheduler = subprocess.Popen(
        [sys.executable, "-m", "distributed.cli.dask_scheduler", *words], stderr=subprocess.DEVNULL
    )
    appeared(told)
    executor = DaskExecutor(json.loads(told.read_text())["address"], 1)
    for key in ("with it", "in line"):
        executor.submit(job(tmp_path, "print('never')", key))
    scheduler.kill()
    scheduler.wait()
    lost = ended(executor, 1)

    assert lost["with it"].exit_code is None
    with pytest.raises(NoScheduler):
        executor.wait(0.0)
    executor.close()


def test_an_address_where_nobody_answers_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong address is an error with the way out, and travels as others do."""
    monkeypatch.setattr("xvc.executors.dask._TO_CONNECT", 0.3)

    with pytest.raises(NoScheduler) as caught:
        DaskExecutor("tcp://127.0.0.1:9", 1)

    assert "tcp://127.0.0.1:9" in str(caught.value)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
