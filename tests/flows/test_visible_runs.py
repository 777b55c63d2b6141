"""A run is gone only when somebody deletes it: visible where it was made, found from anywhere."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from surroundings import Calling, git


def ran(call_xvc: Calling, *words: str) -> str:
    done = call_xvc("run", "--json", *words, "--", "python", "train.py")
    return str(done.data["run"])


def listed(call_xvc: Calling, *words: str) -> list[str]:
    return sorted(run["id"] for run in call_xvc("ls", *words, "--json").data["runs"])


def test_a_run_stays_visible_from_its_branch(project: Path, call_xvc: Calling) -> None:
    """Whichever branch is tagged first, and though branch and tag of another go."""
    mine = ran(call_xvc)
    git(project, "switch", "-qc", "exp")
    theirs = ran(call_xvc, "--tag", "minor")
    git(project, "switch", "-q", "main")
    from_main = listed(call_xvc), listed(call_xvc, "--all")
    shown = call_xvc("show", theirs, "--json")
    git(project, "branch", "-qD", "exp")
    git(project, "tag", "-d", "e0.1.0")
    without = listed(call_xvc), listed(call_xvc, "--all")
    still = call_xvc("show", theirs[:8], "--json")
    ran(call_xvc, "--tag", "minor")
    after = listed(call_xvc, "--all")

    assert from_main == without == ([mine], sorted([mine, theirs]))
    assert "it is in that of e0.1.0" in " ".join(shown.json["warnings"])
    assert "exp (deleted)" in " ".join(still.json["warnings"])
    assert {mine, theirs} < {*after}
    assert call_xvc("get", theirs, "train.py", "-o", "got.py").code == 0
    assert call_xvc("status", "--json").data["unsaved_total"] == 0


def test_a_run_of_a_tree_that_somebody_removed_is_found(
    project: Path, tmp_path: Path, call_xvc: Calling
) -> None:
    """Whether git still knows the tree or not; xvc had no part in making or removing it."""
    git(project, "worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    done = call_xvc("run", "--json", "--", "python", "train.py", cwd=tmp_path / "side")
    shutil.rmtree(tmp_path / "side")
    run = done.data["run"]
    while_known = listed(call_xvc, "--all")
    git(project, "worktree", "prune")
    shown = call_xvc("show", run[:8], "--json")

    assert while_known == listed(call_xvc, "--all") == [run]
    assert "that of work tree side (removed)" in " ".join(shown.json["warnings"])
    assert call_xvc("get", run, "train.py", "-o", "got.py").code == 0
    left = [each["name"] for each in call_xvc("worktree", "list", "--json").data["worktrees"]]
    assert left == ["main", "side"]


def test_what_is_deleted_is_found_nowhere(project: Path, call_xvc: Calling) -> None:
    """An older version's store has it still; nobody shows it from there."""
    gone = ran(call_xvc, "--tag", "minor")
    ran(call_xvc, "--tag", "minor")
    call_xvc("db", "delete", gone, "--force", "--yes")
    git(project, "tag", "-d", "e0.1.0")

    assert gone not in listed(call_xvc, "--all")
    assert call_xvc("show", gone, "--json").json["error"]["code"] == "no-run"


def test_few_of_all_runs_are_the_newest_of_all(project: Path, call_xvc: Calling) -> None:
    """Not every run is read for that; the count is of all, discarded ones apart."""
    ran(call_xvc)
    call_xvc("worktree", "add", "w")
    call_xvc("run", "--", "python", "train.py", cwd=project.parent / "exp-w")
    newest = ran(call_xvc)

    def compared() -> tuple[tuple[Any, int], tuple[Any, int]]:
        few = call_xvc("ls", "--all", "--limit", "2", "--json").data
        whole = call_xvc("ls", "--all", "--limit", "0", "--json").data
        return (few["runs"], few["total"]), (whole["runs"][:2], whole["total"])

    before = compared()
    call_xvc("discard", newest, "--reason", "wrong")
    after = compared()

    assert before[0] == before[1]
    assert after[0] == after[1] != before[0]
    assert before[0][1] == 3
