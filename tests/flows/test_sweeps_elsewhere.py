"""Sweeps seen from where they were not begun: a clone, a copy, the tree that is left."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from remotes import use_remote
from surroundings import Called, Calling, git

Clone = Callable[[], Path]


def swept(call_xvc: Calling, *values: str, cwd: Path | None = None) -> str:
    """Sweep the learning rate; returns the id of the sweep."""
    words = ("sweep", "--param", f"lr={','.join(values)}", "--metric", "accuracy:max", "--json")
    done = call_xvc(*words, "--", "python", "train.py", "--lr", "{lr}", cwd=cwd)
    assert done.code == 0, done.err
    return str(done.data["sweep"])


@pytest.fixture
def clone(
    project: Path, call_xvc: Calling, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Clone:
    """What pushes all there is and goes into a clone that has pulled it."""
    use_remote(project, {"url": str(tmp_path / "shelf")})
    (project / ".dvc" / "config").write_text((project / ".dvc" / "config.local").read_text())
    git(project, "commit", "-qam", "remote")
    git(tmp_path, "init", "-q", "--bare", "origin.git")
    git(project, "remote", "add", "origin", str(tmp_path / "origin.git"))

    def cloned() -> Path:
        assert call_xvc("push", cwd=project).code == 0
        git(tmp_path, "clone", "-q", "origin.git", "clone")
        monkeypatch.chdir(tmp_path / "clone")
        assert call_xvc("pull").code == 0
        return tmp_path / "clone"

    return cloned


def states(shown: Called) -> dict[int, tuple[str, object]]:
    """What is said of each trial: its state and its param."""
    return {each["trial"]: (each["state"], each["params"]["lr"]) for each in shown.data["trials"]}


def test_a_clone_shows_a_sweep_and_cannot_go_on_with_it(call_xvc: Calling, clone: Clone) -> None:
    """Its trials, its metric and its best are told by the runs; what goes on there is refused."""
    sweep = swept(call_xvc, "0.1", "0.20")
    best = call_xvc("sweep", "show", "--json").data["best"]
    call_xvc("tag", "minor", "--run", "best:accuracy")
    clone()

    shown = call_xvc("sweep", "show", sweep[:4], "--json")
    last = call_xvc("sweep", "status", "--json")
    refused = [call_xvc("sweep", verb, sweep, "--json") for verb in ("resume", "retry", "stop")]

    assert shown.data["state"] == last.data["state"] == "elsewhere"
    assert states(shown) == {0: ("finished", 0.1), 1: ("finished", "0.20")}
    assert {**shown.data["best"], "attempts": 1} == {**best, "attempts": 1}
    assert (shown.data["total"], shown.data["metric"]) == (2, "accuracy")
    assert {each.json["error"]["code"] for each in refused} == {"sweep-elsewhere"}
    assert call_xvc("sweep", "show", "nosuch", "--json").json["error"]["code"] == "no-sweep"


def test_a_trial_that_gets_its_version_in_a_clone_names_its_sweep(
    call_xvc: Calling, clone: Clone
) -> None:
    """The message of the version says which trial of what it was, as where it was begun."""
    sweep = swept(call_xvc, "0.1", "0.2")
    call_xvc("tag", "minor", "--run", f"{sweep}/0")
    there = clone()

    made = call_xvc("tag", "minor", "--run", f"{sweep}/1")

    assert made.code == 0, made.err
    said = git(there, "tag", "-n99", "--list", "e0.2.0")
    assert f"{sweep} trial 1 of 2: grid by accuracy over lr=0.1,0.2" in said


def test_a_sweep_of_another_branch_is_found(project: Path, call_xvc: Calling, clone: Clone) -> None:
    """A clone on main shows a sweep whose runs are in the store of another branch, and says so."""
    call_xvc("run", "--tag", "minor", "--", "python", "train.py")
    git(project, "switch", "-qc", "other")
    sweep = swept(call_xvc, "0.1", "0.2")
    call_xvc("tag", "minor", "--run", "best:accuracy")
    git(project, "push", "-q", "origin", "other")
    git(project, "switch", "-q", "main")
    clone()

    shown = call_xvc("sweep", "show", sweep)

    assert shown.code == 0, shown.err
    assert "its runs are in the store of" in shown.out
    assert "2 finished" in shown.out


def test_what_is_missing_of_a_sweep_runs_where_its_tree_is_gone(
    project: Path, call_xvc: Calling
) -> None:
    """Resumed in the tree that is left, its trials are recorded there, and no folder comes back."""
    there = Path(call_xvc("worktree", "add", "s", "--json").data["path"])
    (there / "train.py").write_text("import sys, os\nsys.exit(not os.path.exists('../go'))\n")
    git(there, "commit", "-qam", "fails at first")
    call_xvc("sweep", "--param", "lr=0.1,0.2", "--", "python", "train.py", "{lr}", cwd=there)
    call_xvc("run", "--tag", "minor", "--", "python", "-c", "pass", cwd=there)
    call_xvc("worktree", "merge", "s")
    removed = call_xvc("worktree", "remove", "s", "--yes")
    (project.parent / "go").touch()

    again = call_xvc("sweep", "retry", "--json")

    assert removed.code == 0, removed.err
    assert not there.exists()
    assert again.code == 0, again.err
    assert again.data["counts"]["finished"] == 2
    runs = call_xvc("ls", "--json", "--limit", "0").data["runs"]
    assert sum(run["status"] == "finished" for run in runs) == 3


def test_a_copy_of_a_project_goes_on_with_its_own_trials(
    project: Path, call_xvc: Calling, tmp_path: Path
) -> None:
    """What a copied repository resumes or retries is recorded in the copy, not in the original."""
    (project / "train.py").write_text("import sys, os\nsys.exit(not os.path.exists('../go'))\n")
    git(project, "commit", "-qam", "fails at first")
    call_xvc("sweep", "--param", "lr=0.1,0.2", "--", "python", "train.py", "{lr}")
    copy = tmp_path / "elsewhere" / "copy"
    shutil.copytree(project, copy, symlinks=True)
    (copy.parent / "go").touch()

    again = call_xvc("sweep", "retry", "--json", cwd=copy)

    assert again.code == 0, again.err
    assert again.data["counts"]["finished"] == 2
    assert call_xvc("sweep", "show", "--json", cwd=copy).data["counts"]["finished"] == 2
    assert call_xvc("sweep", "show", "--json").data["counts"]["failed"] == 2
