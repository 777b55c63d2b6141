"""Submodules: the trees that xvc makes have them, and a run says when one is not there."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from surroundings import Calling, git

_TRAIN = """\
import json, sys
sys.path.insert(0, "lib")
try:
    import value
except ImportError:
    value = None
json.dump({"accuracy": value.VALUE if value else 0}, open("metrics.json", "w"))
"""
RUN = ("run", "--json", "--", "python", "train.py")


@pytest.fixture
def outer(project: Path, tmp_path: Path) -> Path:
    """A project whose code imports a module of a submodule, which has a submodule itself."""
    deep, inner = tmp_path / "deep", tmp_path / "inner"
    for folder, name, text in ((deep, "d.txt", "deep"), (inner, "value.py", "VALUE = 1\n")):
        git(tmp_path, "init", "-q", str(folder))
        (folder / name).write_text(text)
        git(folder, "add", ".")
        git(folder, "commit", "-qm", "one")
    add = ("-c", "protocol.file.allow=always", "submodule", "--quiet", "add")
    git(inner, *add, str(deep), "deep")
    git(inner, "commit", "-qm", "deep")
    git(project, *add, str(inner), "lib")
    git(project, "-c", "protocol.file.allow=always", "submodule", "update", "--init", "--recursive")
    (project / "train.py").write_text(_TRAIN)
    git(project, "add", ".")
    git(project, "commit", "-qm", "lib")
    return project


def measured(call_xvc: Calling, run: str) -> object:
    return call_xvc("show", run, "--json").data["metrics"]["accuracy"]


def test_a_module_of_a_submodule_is_held_by_its_commit(outer: Path, call_xvc: Calling) -> None:
    """What it loads is no code that is lost, and the caches of Python are no change of it."""
    first = call_xvc(*RUN)
    (outer / "lib/__pycache__").mkdir(exist_ok=True)
    (outer / "lib/__pycache__/value.cpython-311.pyc").write_bytes(b"")
    second = call_xvc("run", "--json", "--tag", "minor", "--", "python", "train.py")

    assert first.json["warnings"] == second.json["warnings"] == []
    assert second.data["version"] == "e0.1.0"
    assert second.data["same_as"] == first.data["run"]


def test_each_tree_has_the_submodules(outer: Path, call_xvc: Calling) -> None:
    """Work trees, trials, reruns and checkouts run the same code as the tree beside them."""
    git(outer, "submodule", "absorbgitdirs")
    run = call_xvc("run", "--json", "--tag", "minor", "--", "python", "train.py").data["run"]
    call_xvc("worktree", "add", "w")
    tree = outer.parent / "exp-w"

    there = call_xvc(*RUN, cwd=tree).data["run"]
    swept = call_xvc("sweep", "-P", "a=1", "--", "python", "train.py", "--a", "{a}")
    trial = call_xvc("ls", "--json").data["runs"][0]["id"]
    again = call_xvc("rerun", run)
    call_xvc("checkout", "e0.1.0", "--path", str(outer.parent / "look"))

    assert (tree / "lib/deep/d.txt").read_text() == "deep"
    assert (outer.parent / "look/lib/value.py").is_file()
    assert [measured(call_xvc, each) for each in (run, there, trial)] == [1, 1, 1], swept.err
    assert again.code == 0
    assert git(tree, "status", "--porcelain", "--ignore-submodules=untracked") == ""


def test_a_removed_tree_leaves_nothing_in_the_submodule(outer: Path, call_xvc: Calling) -> None:
    """The submodule's own list of trees is as before."""
    before = [git(outer / name, "worktree", "list") for name in ("lib", "lib/deep")]
    call_xvc("worktree", "add", "w")
    listed = git(outer / "lib", "worktree", "list")

    call_xvc("worktree", "remove", "w", "--yes")

    assert "exp-w/lib" in listed
    assert [git(outer / name, "worktree", "list") for name in ("lib", "lib/deep")] == before


def test_a_submodule_that_is_not_here_is_named(outer: Path, call_xvc: Calling) -> None:
    """Its run says what brings it, and is not called the same as the run that had it."""
    call_xvc(*RUN)
    git(outer, "submodule", "--quiet", "deinit", "--all", "--force")

    run = call_xvc(*RUN)
    shown = call_xvc("show", run.data["run"], "--json").data
    again = call_xvc(*RUN)

    assert "`git submodule update --init lib`" in " ".join(run.json["warnings"])
    assert run.data["same_as"] is None
    assert shown["code"]["left_out"] == ["lib"]
    assert shown["code"]["incomplete"] == []
    assert again.data["same_as"] == run.data["run"]


def test_a_commit_that_the_submodule_lacks_is_named(outer: Path, call_xvc: Calling) -> None:
    """A tree at a commit whose submodule was never fetched is made, and says what brings it."""
    text = git(outer, "rev-parse", "HEAD")
    git(outer, "update-index", "--cacheinfo", f"160000,{text},lib")
    git(outer, "commit", "-qm", "elsewhere")

    added = call_xvc("worktree", "add", "w")

    assert added.code == 0
    assert "`git submodule update --init lib`" in added.err


def test_edits_in_the_submodule_of_a_tree_are_seen(outer: Path, call_xvc: Calling) -> None:
    """What is changed there is code that no version holds, as in the main tree."""
    call_xvc("worktree", "add", "w")
    tree = outer.parent / "exp-w"
    (tree / "lib/value.py").write_text("VALUE = 2\n")

    run = call_xvc(*RUN, cwd=tree)

    assert "code incomplete: lib" in " ".join(run.json["warnings"])
    assert (outer / "lib/value.py").read_text() == "VALUE = 1\n"
    shutil.rmtree(tree)
