"""Runs that this tree's store lacks: told of, brought here by one merge, never half here."""

from __future__ import annotations

from pathlib import Path

import pytest

from surroundings import Calling, git

MAKE = (
    "import sys; open('m.txt', 'w').write(sys.argv[1]); import xvc; xvc.Tracker().log({'acc': 1})"
)


@pytest.fixture
def removed(project: Path, call_xvc: Calling) -> str:
    """The id of a run whose work tree somebody has removed by hand, unmerged; it left a model."""
    (project / ".gitignore").write_text("*.txt\n")
    git(project, "add", ".gitignore")
    git(project, "commit", "-qm", "ignore")
    call_xvc("run", "--", "python", "-c", MAKE, "0")
    there = Path(call_xvc("worktree", "add", "wt", "--json").data["path"])
    words = ("--model", "m.txt:net", "--", "python", "-c", MAKE, "1")
    run = call_xvc("run", "--json", *words, cwd=there).data["run"]
    git(project, "worktree", "remove", "--force", str(there))
    return str(run)


def listed(call_xvc: Calling) -> list[tuple[str, str]]:
    runs = call_xvc("ls", "--json", "--limit", "0").data["runs"]
    return sorted((run["id"], run["status"]) for run in runs)


def test_what_changes_a_run_wants_it_here_and_says_what_brings_it(
    removed: str, project: Path, call_xvc: Calling
) -> None:
    """Nothing is written for it before; after the merge that is named, each of the calls works."""
    call_xvc("get", removed, f"models/candidates/net/{removed}", "-o", "got")
    before = listed(call_xvc)
    calls = (
        ("model", "add", "got/m.txt", "--run", removed, "--name", "n"),
        ("tag", "minor", "--run", removed),
        ("note", removed, "good"),
        ("discard", removed, "-m", "bad"),
    )
    refused = [call_xvc(*words, "--json").json["error"] for words in calls]
    after = listed(call_xvc)
    (way,) = {error["hint"] for error in refused}
    words = way.split("`")[1].split()[1:]
    merged = call_xvc(*words)
    there = listed(call_xvc)
    done = [call_xvc(*words) for words in calls]

    assert {error["code"] for error in refused} == {"run-elsewhere"}
    assert words == ["merge", "worktree:exp-wt"]
    assert after == before
    assert merged.code == 0, merged.err
    assert (removed, "finished") in there
    assert [each.code for each in done] == [0] * len(calls), [each.err for each in done]
    assert "models/" not in git(project, "status", "--porcelain")


def test_a_removed_tree_is_merged_by_either_of_its_names(removed: str, call_xvc: Calling) -> None:
    """The one that xvc gave it, and git's; a tree that never was is refused with what there is."""
    none = call_xvc("merge", "worktree:other", "--json").json["error"]
    first = call_xvc("merge", "worktree:wt")
    again = call_xvc("merge", "wt", "--json")

    assert none["code"] == "no-source"
    assert first.code == 0, first.err
    assert (removed, "finished") in listed(call_xvc)
    assert again.code == 0, again.err
    assert call_xvc("show", removed, "--json").data["metrics"] == {"acc": 1}


def test_a_version_is_no_source_of_a_run_that_this_store_lacks(
    project: Path, call_xvc: Calling
) -> None:
    """A second version of it here would name a run that its store does not have."""
    there = Path(call_xvc("worktree", "add", "wt", "--json").data["path"])
    run = call_xvc("run", "--json", "--tag", "minor", "--", "true", cwd=there).data["run"]
    refused = [
        call_xvc("tag", "minor", "--run", name, "--json").json["error"] for name in (run, "e0.1.0")
    ]

    assert [error["code"] for error in refused] == ["run-elsewhere"] * 2
    assert all("xvc merge" in error["hint"] for error in refused)


def test_the_trials_of_a_removed_tree_are_not_run_again(project: Path, call_xvc: Calling) -> None:
    """Its sweep is finished, with their values, whether its tree was merged or not."""
    there = Path(call_xvc("worktree", "add", "wt", "--json").data["path"])
    code = "import sys, xvc; xvc.Tracker().log({'acc': float(sys.argv[1])})"
    asked = ("--param", "lr=0.2,0.3", "--metric", "acc:max", "--")
    swept = call_xvc("sweep", "--json", *asked, "python", "-c", code, "{lr}", cwd=there)
    git(project, "worktree", "remove", "--force", str(there))
    shown = call_xvc("sweep", "show", "--json").data
    resumed = call_xvc("sweep", "resume", "--json")

    assert swept.data["counts"]["finished"] == 2, swept.err
    assert shown["counts"]["finished"] == 2
    assert sorted(trial["value"] for trial in shown["trials"]) == [0.2, 0.3]
    assert resumed.data["counts"]["finished"] == 2
    assert listed(call_xvc) == []
