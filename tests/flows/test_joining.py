"""`xvc init`, in a fresh folder and in a DVC project that has lived without it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import surroundings
from surroundings import Calling, git

FIT = """\
import json
import pickle

import yaml

lr = yaml.safe_load(open("params.yaml"))["lr"]
rows = len(open("data.csv").readlines())
pickle.dump(lr, open("model.pkl", "wb"))
json.dump({"accuracy": 1 - lr / rows}, open("scores.json", "w"))
"""
PIPELINE = """\
stages:
  fit:
    cmd: python fit.py
    deps: [fit.py, data.csv]
    params: [lr]
    outs: [model.pkl]
    metrics:
    - scores.json:
        cache: false
"""


def dvc(*words: str) -> str:
    return surroundings.dvc(Path.cwd(), *words)


@pytest.fixture
def pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A DVC project with a remote, data, params.yaml and a pipeline that has been run once."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    git(folder, "init", "-q")
    dvc("init", "-q")
    dvc("remote", "add", "-q", "-d", "store", str(tmp_path / "remote"))
    (folder / "fit.py").write_text(FIT)
    (folder / "params.yaml").write_text("lr: 0.1\n")
    (folder / "dvc.yaml").write_text(PIPELINE)
    (folder / "data.csv").write_text("1\n2\n")
    dvc("add", "-q", "data.csv")
    dvc("repro", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "pipeline")
    return folder


def test_a_dvc_project_is_joined(pipeline: Path, call_xvc: Calling) -> None:
    """What is there is found and used; the user's files stay as they are."""
    before = (pipeline / "dvc.yaml").read_text(), (pipeline / ".dvc/config").read_text()
    made = call_xvc("init", "--json")
    again = call_xvc("init", "--json")

    joined = " ".join(made.data["joined"])
    assert all(word in joined for word in ("params.yaml", "scores.json", "remote store"))
    assert ((pipeline / "dvc.yaml").read_text(), (pipeline / ".dvc/config").read_text()) == before
    assert git(pipeline, "status", "--porcelain") == ""
    assert (made.data["changed"], again.data["changed"]) == (True, False)


def test_a_pipeline_run_by_run(pipeline: Path, call_xvc: Calling) -> None:
    """`xvc run --tag -- dvc repro` twice: two versions on main, with params, metrics and data."""
    call_xvc("init")
    for lr in ("0.2", "0.4"):
        (pipeline / "params.yaml").write_text(f"lr: {lr}\n")
        git(pipeline, "commit", "-qam", f"lr {lr}")
        assert call_xvc("run", "--tag", "minor", "--", "dvc", "repro", "-q").code == 0
    answer = call_xvc("compare", "e0.1.0", "e0.2.0", "--json")
    (row,) = [row for row in answer.data["metrics"] if row["key"] == "accuracy"]
    lines = git(pipeline, "tag", "-l", "e*", "-n1").splitlines()

    assert row["values"] == [0.9, 0.8]
    assert [line.split(" | ")[0].split()[1] for line in lines] == ["lr=0.2", "lr=0.4"]
    assert all("data=" in line for line in lines)
    assert git(pipeline, "status", "--porcelain") == ""
    assert git(pipeline, "branch", "--contains", "e0.2.0").strip("* ") == "main"
    dvc("push", "-q", "--all-tags")
    git(pipeline, "checkout", "-q", "e0.1.0")
    dvc("checkout", "-q")
    assert "up to date" in dvc("status")
    assert json.loads((pipeline / "scores.json").read_text()) == {"accuracy": 0.9}


def test_the_first_repro_inside_a_run(pipeline: Path, call_xvc: Calling) -> None:
    """The files that a first `dvc repro` makes are in its version, and the next run is clean."""
    git(pipeline, "rm", "-q", "--cached", "dvc.lock", "scores.json")
    (pipeline / "dvc.lock").unlink()
    (pipeline / "model.pkl").unlink()
    (pipeline / ".gitignore").write_text("/data.csv\n")
    git(pipeline, "commit", "-qam", "before the first repro")
    call_xvc("init")
    first = call_xvc("run", "--tag", "minor", "--", "dvc", "repro", "-q")
    second = call_xvc("run", "--tag", "minor", "--", "dvc", "repro", "-q", "--force")

    assert (first.code, second.code) == (0, 0)
    assert git(pipeline, "status", "--porcelain") == ""
    assert git(pipeline, "branch", "--contains", "e0.2.0").strip("* ") == "main"


def test_a_fresh_folder(tmp_path: Path, call_xvc: Calling, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder becomes a project whose first run can be a version at once."""
    folder = tmp_path / "fresh"
    folder.mkdir()
    monkeypatch.chdir(folder)
    made = call_xvc("init")
    ran = call_xvc("run", "--tag", "minor", "--", "true")

    assert (made.code, ran.code) == (0, 0)
    assert git(folder, "tag") == "e0.1.0"
    assert git(folder, "status", "--porcelain") == ""


def test_the_other_program_of_that_name(
    tmp_path: Path, call_xvc: Calling, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where another xvc lives, nothing is touched."""
    (tmp_path / "theirs" / ".xvc").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "theirs")
    made = call_xvc("init", "--json")

    assert made.code == 4
    assert made.json["error"]["code"] == "foreign-project"
    assert [path.name for path in (tmp_path / "theirs").iterdir()] == [".xvc"]


def test_the_users_work_is_not_committed(
    tmp_path: Path, call_xvc: Calling, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Staged and unstaged work stays what it was."""
    folder = tmp_path / "busy"
    folder.mkdir()
    monkeypatch.chdir(folder)
    git(folder, "init", "-q")
    for name in ("one.py", "two.py"):
        (folder / name).write_text("1\n")
    git(folder, "add", "one.py")
    call_xvc("init")

    assert git(folder, "status", "--porcelain").splitlines() == ["A  one.py", "?? two.py"]
    assert "one.py" not in git(folder, "ls-tree", "-r", "--name-only", "HEAD").split()
