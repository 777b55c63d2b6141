"""Jobs on Ray: workers of this machine, one of them killed; a cluster that is not there."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import tomllib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from surroundings import Calling, private_environment
from trials import STUBBORN, appeared, ended, is_gone, job
from xvc.core.job import Job, JobEnd
from xvc.core.sweep import SweepRequest
from xvc.errors import NoPackage
from xvc.executors.kind import ExecutorKind
from xvc.executors.ray import KIND, NoRayCluster, RayExecutor

ray = pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed: the extra `ray`")


@pytest.fixture(scope="module")
def executor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RayExecutor]:
    """Two workers, for all tests here: Ray takes seconds to start."""
    made = RayExecutor(None, 2, private_environment(tmp_path_factory.mktemp("ray-home")))
    yield made
    made.close()


def test_ray_comes_through_the_entry_point_alone() -> None:
    """What a package of others would write is all that registers it."""
    house = Path(__file__).parents[2]
    project = tomllib.loads((house / "pyproject.toml").read_text())["project"]
    naming = [
        path.relative_to(house).as_posix()
        for path in (house / "xvc").rglob("*.py")
        if "xvc.executors.ray" in path.read_text() or "import ray" in path.read_text()
    ]

    assert project["entry-points"]["xvc.executors"] == {"ray": "xvc.executors.ray:KIND"}
    assert naming == ["xvc/executors/ray.py"]
    assert isinstance(KIND, ExecutorKind)


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is begun, with an address and without one."""
    monkeypatch.setitem(sys.modules, "ray", None)

    with pytest.raises(NoPackage, match="ray") as here:
        RayExecutor(None, 1, {})
    with pytest.raises(NoPackage) as there:
        KIND.check(SweepRequest({}, ("true",), executor="ray", address="10.0.0.1:6379"))

    assert "xvc-experiments[ray]" in here.value.hint
    assert there.value.hint == here.value.hint


def test_what_is_said_of_a_cluster_travels() -> None:
    """The error survives the way between processes."""
    error = NoRayCluster("10.0.0.1:6379", "it was refused")

    again = pickle.loads(pickle.dumps(error))

    assert str(again) == "no Ray cluster answers at 10.0.0.1:6379: it was refused"


@ray
def test_a_job_of_ray_has_our_environment(executor: RayExecutor, tmp_path: Path) -> None:
    """Exit code, folder and both streams are the job's own; what Ray sets for workers is not."""
    program = """import os, sys
print(os.getcwd(), os.environ["LR"], os.environ.get("OMP_NUM_THREADS"))
sys.exit("no luck")
"""
    executor.submit(job(tmp_path, program, LR="0.1"))

    found = ended(executor, 1)

    assert found == {"one": JobEnd("one", 1)}
    threads = os.environ.get("OMP_NUM_THREADS")
    said = (tmp_path / "logs" / "one.log").read_text()
    assert sorted(said.splitlines()) == sorted([f"{tmp_path} 0.1 {threads}", "no luck"])


@ray
def test_a_command_that_ray_cannot_start_says_so(executor: RayExecutor, tmp_path: Path) -> None:
    """It ends as in a shell, with 127 and a word in its log."""
    executor.submit(Job("one", ("no-such-program",), str(tmp_path), str(tmp_path / "log")))

    found = ended(executor, 1)

    assert found["one"].exit_code == 127
    assert "no-such-program" in (tmp_path / "log").read_text()


@ray
def test_a_stop_reaches_the_job_and_it_ends_as_it_likes(
    executor: RayExecutor, tmp_path: Path
) -> None:
    """The process gets SIGINT, which Ray blocks in its workers, and may answer it."""
    executor.submit(job(tmp_path, STUBBORN))
    pid = int(appeared(tmp_path / "pid"))
    executor.stop("one")

    found = ended(executor, 1)

    assert found["one"].exit_code == 7
    assert is_gone(pid)


@ray
def test_no_more_jobs_than_places_and_one_in_line_leaves_it(
    executor: RayExecutor, tmp_path: Path
) -> None:
    """Two run at once, each waiting for the other; a third that is stopped never begins."""
    program = """import pathlib, sys, time
pathlib.Path(f"here-{sys.argv[1]}").touch()
while len(list(pathlib.Path().glob("here-*"))) < 2:
    time.sleep(0.02)
"""
    for key in ("0", "1", "2"):
        wanted = job(tmp_path, program, key)
        executor.submit(Job(key, (*wanted.command, key), wanted.folder, wanted.log))
    executor.stop("2")
    executor.stop("nobody")

    found = ended(executor, 3)

    assert found["2"] == JobEnd("2", None, "stopped before it began")
    assert {found["0"].exit_code, found["1"].exit_code} == {0}
    assert not (tmp_path / "here-2").exists()


@ray
def test_a_killed_ray_worker_loses_its_job_once(executor: RayExecutor, tmp_path: Path) -> None:
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
    assert "died" in lost["one"].reason
    assert after == {"next": JobEnd("next", 0)}
    assert (tmp_path / "begun").read_text() == "again\n"
    assert is_gone(pid)


@ray
def test_a_cluster_that_is_not_there_begins_no_sweep(project: Path, run_xvc: Calling) -> None:
    """It is asked before anything is written down."""
    words = ("--param", "x=1,2", "--executor", "ray", "--address", "ray://127.0.0.1:9", "--json")

    refused = run_xvc("sweep", *words, "--", "true", "{x}")

    assert refused.json["error"]["code"] == "no-ray-cluster"
    assert run_xvc("sweep", "status", "--json").json["error"]["code"] == "no-sweep"
