"""Trials on machines that do not share our disk: workers with a home and a folder of their own."""

from __future__ import annotations

import os
import pickle
import shutil
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from surroundings import Calling, git, private_environment
from trials import appeared, ended, is_gone
from xvc.core.code_files import Limits
from xvc.core.job import Job
from xvc.dvc.pointers import render_pointer
from xvc.errors import DvcFailed
from xvc.executors.clone import ends_of, forget, home_of, run_away
from xvc.executors.dask import DaskExecutor
from xvc.executors.shipping import Away, Brought, pack
from xvc.git.snapshot import take
from xvc.project import Project
from xvc.types import RunId

TRAIN = """\
import json, os, sys
from pathlib import Path
from xvc import Tracker

rows = len(Path("data.csv").read_text().splitlines())
tracker = Tracker()
tracker.log({"rows": rows, "here": os.getcwd(), "object": {"weights": [1, 2, 3]}})
Path("model.bin").write_bytes(b"weights of " + sys.argv[1].encode())
tracker.log_artifact("model.bin")
Path("notes.txt").write_text("changed by the trial")
print("trained on", rows)
"""


@pytest.fixture
def away(project: Path, tmp_path: Path) -> Away:
    """A project whose data is in a remote alone, and the snapshot of its uncommitted code."""
    data, digest = b"1\n2\n3\n", "c0710d6b4f15dfa88f600b0e6b624077"
    place = tmp_path / "remote" / "files" / "md5" / digest[:2] / digest[2:]
    place.parent.mkdir(parents=True)
    place.write_bytes(data)
    (project / "data.csv.dvc").write_bytes(render_pointer("data.csv", digest, len(data)))
    (project / ".gitignore").write_text("/data.csv\nmetrics.json\n")
    private = project / ".dvc" / "config.local"
    remote = f"    remote = far\n['remote \"far\"']\n    url = {tmp_path / 'remote'}\n"
    private.write_text(private.read_text() + remote)
    (project / "notes.txt").write_text("as sent")
    git(project, "add", ".")
    git(project, "commit", "-qm", "data")
    (project / "train.py").write_text(TRAIN)  # not committed
    here = Project.find(project, dict(os.environ))
    snapshot = take(
        here.git,
        RunId("sweep0000000"),
        here.git.state(),
        limits=Limits(1 << 20, 1 << 20, 100),
        scratch=here.room.scratch,
        searched=here.room.searched,
    )
    return pack(
        here.git,
        snapshot.commit,
        here.store_path,
        here.room,
        here.dvc,
        scratch=str(tmp_path / "far"),
    )


def trial(folder: Path, *words: str, key: str = "one", name: str = "first") -> Job:
    command = (sys.executable, "-m", "xvc", "run", *words, "--", sys.executable, "train.py", name)
    return Job(key, command, str(folder), str(folder.parent / "logs" / key))


def elsewhere(tmp_path: Path) -> dict[str, str]:
    return private_environment(tmp_path / "worker-home")


def test_a_parcel_travels_and_shows_no_secret(away: Away) -> None:
    """It pickles, and what is written of it in a log names neither code nor credentials."""
    again = pickle.loads(pickle.dumps(away.parcel))

    assert again == away.parcel
    assert again.name == away.parcel.name
    assert "remote" not in repr(away.parcel)


def test_a_trial_needs_nothing_of_our_disk(
    away: Away, project: Path, tmp_path: Path, run_xvc: Calling
) -> None:
    """With the repository gone a trial has its code and its data; brought twice, it counts once."""
    hidden = project.rename(tmp_path / "hidden")
    outcome = run_away(
        away.parcel, trial(project, "--out", "model.bin"), elsewhere(tmp_path), lambda: False
    )
    hidden.rename(project)
    assert outcome.brought is not None
    away.home.take_in(outcome.brought)
    first = run_xvc("ls", "--json").data
    away.home.take_in(outcome.brought)
    second = run_xvc("ls", "--json").data

    assert outcome.exit_code == 0, outcome
    assert b"trained on 3" in outcome.output
    assert [run["metrics"]["rows"] for run in first["runs"]] == [3]
    assert second == first
    assert run_xvc("db", "head", "--json").data["total"] == 1


def test_a_run_that_was_brought_is_as_one_of_ours(
    away: Away, project: Path, tmp_path: Path, run_xvc: Calling
) -> None:
    """It is shown with its log, its code is the snapshot, and a version of it has its output."""
    outcome = run_away(
        away.parcel, trial(project, "--out", "model.bin"), elsewhere(tmp_path), lambda: False
    )
    shutil.rmtree(tmp_path / "far")
    assert outcome.brought is not None
    away.home.take_in(outcome.brought)
    shown = run_xvc("show", "--json").data
    assets = run_xvc("assets", "ls", "--json").data["assets"]
    tagged = run_xvc("tag", "minor", "--json")

    assert shown["code"]["commit"] == away.parcel.commit
    assert not shown["code"].get("is_dirty")
    assert shown["data"] == {"data.csv": shown["data"]["data.csv"]}
    assert Path(shown["log"]).read_bytes().startswith(b"trained on 3")
    assert tagged.code == 0, tagged.err
    assert run_xvc("get", "e0.1.0", "model.bin", "--out", str(tmp_path / "got")).code == 0
    assert (tmp_path / "got").read_bytes() == b"weights of first"
    assert len(list(away.home.assets.glob("??/*"))) == len(assets) == 1
    assert run_xvc("doctor").code == 0


def test_the_next_trial_begins_as_the_first_did(away: Away, project: Path, tmp_path: Path) -> None:
    """A clone is used again, without what the trial before changed and recorded."""
    outcomes = [
        run_away(away.parcel, trial(project, name=name), elsewhere(tmp_path), lambda: False)
        for name in ("first", "second")
    ]

    brought = [outcome.brought or Brought() for outcome in outcomes]
    assert [set(each.refs.values()) for each in brought] == [{away.parcel.commit}] * 2
    assert [len(each.logs) for each in brought] == [1, 1]
    assert not set(brought[0].journals) & set(brought[1].journals)
    assert len(list(home_of(away.parcel).glob("*/.git"))) == 1


def test_a_run_that_was_killed_there_is_brought_as_lost(
    away: Away, project: Path, tmp_path: Path, run_xvc: Calling
) -> None:
    """Only that machine can tell that the process is gone; what was logged before is kept."""
    kill = "import os, signal; from xvc import Tracker; Tracker().log({'a': 1}); "
    kill += "os.kill(os.getppid(), signal.SIGKILL)"
    words = (sys.executable, "-m", "xvc", "run", "--", sys.executable, "-c", kill)
    job = Job("one", words, str(project), str(tmp_path / "log"))
    outcome = run_away(away.parcel, job, elsewhere(tmp_path), lambda: False)
    assert outcome.brought is not None
    away.home.take_in(outcome.brought)
    runs = run_xvc("ls", "--json").data["runs"]

    assert outcome.exit_code == 128 + signal.SIGKILL
    assert [(run["status"], run["metrics"]) for run in runs] == [("lost", {"a": 1})]


def test_code_that_a_trial_wrote_is_brought(away: Away, project: Path, tmp_path: Path) -> None:
    """A run within the run, of changed code, has a snapshot of its own; we get its commit."""
    script = "echo 'answer = 42' > fresh.py; echo changed > notes.txt; python -m xvc run -- true"
    words = ("xvc", "run", "--", "sh", "-c", script)
    job = Job("one", words, str(project), str(tmp_path / "log"))
    outcome = run_away(away.parcel, job, elsewhere(tmp_path), lambda: False)
    assert outcome.brought is not None
    away.home.take_in(outcome.brought)
    inner = set(outcome.brought.refs.values()) - {away.parcel.commit}

    assert outcome.exit_code == 0, outcome
    assert [git(project, "show", f"{commit}:fresh.py") for commit in inner] == ["answer = 42"]
    assert git(project, "rev-parse", *outcome.brought.refs).split() == [
        *outcome.brought.refs.values()
    ]


def test_trials_at_once_have_clones_apart(away: Away, project: Path, tmp_path: Path) -> None:
    """Two threads of a worker, or two workers of a machine, never share a tree."""
    meet = "import os, time, pathlib; pathlib.Path(f'../{os.getcwd()[-1]}.here').touch()\n"
    meet += "while len(list(pathlib.Path('..').glob('*.here'))) < 2: time.sleep(0.05)"
    words = ("xvc", "run", "--", sys.executable, "-c", meet)
    jobs = [Job(key, words, str(project), str(tmp_path / key)) for key in "ab"]
    with ThreadPoolExecutor(2) as threads:
        outcomes = list(
            threads.map(
                lambda job: run_away(away.parcel, job, elsewhere(tmp_path), lambda: False), jobs
            )
        )
    forget(away.parcel)

    assert [outcome.exit_code for outcome in outcomes] == [0, 0]
    assert not list(tmp_path.glob("far/*/*/*"))


def test_long_output_keeps_its_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left out is counted, and what fits is whole."""
    monkeypatch.setattr("xvc.executors.clone._MOST_OUTPUT", 4)
    (tmp_path / "short").write_bytes(b"12345678")
    (tmp_path / "long").write_bytes(b"head and tail")
    with (tmp_path / "short").open("rb") as short, (tmp_path / "long").open("rb") as long:
        found = ends_of(short), ends_of(long)

    assert found == (b"12345678", b"head\n... 5 bytes left out ...\ntail")


@pytest.fixture
def executor(away: Away, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DaskExecutor]:
    """One worker with a home and a folder of its own."""
    with monkeypatch.context() as there:
        for name, value in elsewhere(tmp_path).items():
            there.setenv(name, value)
        there.chdir(tmp_path)
        made = DaskExecutor(None, 1, away)
    yield made
    made.close()


def test_a_lost_worker_is_a_trial_to_be_repeated(
    executor: DaskExecutor, away: Away, project: Path, tmp_path: Path, run_xvc: Calling
) -> None:
    """The worker is killed in the middle; the second attempt counts, and the first does not."""
    hold = "; import time; open('../pids', 'w').write(f'{os.getpid()} {os.getppid()}')"
    code = f"import os, sys{hold}; time.sleep(60)"
    words = (sys.executable, "-m", "xvc", "run", "--", sys.executable, "-c", code)
    executor.submit(Job("one", words, str(project), str(tmp_path / "log")))
    pid, parent = map(int, appeared(home_of(away.parcel) / "pids").split())
    worker = psutil.Process(parent).ppid()
    os.kill(worker, signal.SIGKILL)
    lost = ended(executor, 1)
    is_gone(pid)
    executor.submit(trial(project, key="again"))
    after = ended(executor, 1)
    runs = run_xvc("ls", "--json").data["runs"]

    assert lost["one"].exit_code is None
    assert after["again"].exit_code == 0, after
    assert [run["status"] for run in runs] == ["finished"]
    assert b"trained on 3" in (project.parent / "logs" / "again").read_bytes()
    executor.close()
    assert not home_of(away.parcel).joinpath("0").exists()


def test_data_that_no_remote_has_is_said(away: Away, project: Path, tmp_path: Path) -> None:
    """A trial that cannot have its data does not begin."""
    shutil.rmtree(tmp_path / "remote")

    with pytest.raises(DvcFailed, match=r"data"):
        run_away(away.parcel, trial(project), elsewhere(tmp_path), lambda: False)
