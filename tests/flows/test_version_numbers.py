"""Which number a version gets: a patch is one of the version that its run belongs to."""

from __future__ import annotations

from pathlib import Path

import pytest

from surroundings import Calling, git


@pytest.fixture
def lab(project: Path) -> Path:
    """A project with a script whose options are its params."""
    (project / "fit.py").write_text("import sys\nprint(sys.argv)\n")
    git(project, "add", ".")
    git(project, "commit", "-q", "-m", "A script")
    return project


def version_of(call_xvc: Calling, tag: str, *words: str, cwd: Path | None = None) -> str:
    """Make a run of the script a version; returns its name."""
    done = call_xvc("run", "--json", "--tag", tag, "--", "python", "fit.py", *words, cwd=cwd)
    assert done.code == 0, done.err + done.out
    return str(done.data["version"])


def test_a_seed_is_a_patch_of_what_it_repeats(lab: Path, call_xvc: Calling) -> None:
    """Whatever came after it: seeds of e0.1.0 are e0.1.1 and e0.1.2, of e0.2.0 e0.2.1."""
    names = [
        version_of(call_xvc, "minor", "--depth", "1", "--seed", "0"),
        version_of(call_xvc, "minor", "--depth", "2", "--seed", "0"),
        version_of(call_xvc, "patch", "--depth", "1", "--seed", "1"),
        version_of(call_xvc, "patch", "--depth", "2", "--seed", "1"),
        version_of(call_xvc, "patch", "--depth", "1", "--seed", "2"),
    ]

    assert names == ["e0.1.0", "e0.2.0", "e0.1.1", "e0.2.1", "e0.1.2"]


def test_what_builds_on_a_version_is_a_patch_of_it(lab: Path, call_xvc: Calling) -> None:
    """`--parent` says what a run belongs to where it repeats nothing; a dry run says it before."""
    version_of(call_xvc, "minor", "--depth", "1")
    version_of(call_xvc, "minor", "--depth", "2")
    call_xvc("run", "--parent", "e0.1.0", "--", "python", "fit.py", "--depth", "3")
    said = call_xvc("tag", "patch", "--run", "@", "--dry-run", "--json").data["version"]

    done = call_xvc("tag", "patch", "--run", "@", "--json").data["version"]

    assert (said, done) == ("e0.1.1", "e0.1.1")


def test_trees_number_apart(lab: Path, call_xvc: Calling) -> None:
    """Patches of two trees are of their own versions, and the list says the next numbers."""
    version_of(call_xvc, "minor", "--depth", "1")
    call_xvc("worktree", "add", "wide")
    tree = lab.parent / "exp-wide"
    (tree / "fit.py").write_text("print('wide')\n")
    git(tree, "commit", "-qam", "Wide")
    version_of(call_xvc, "minor", "--depth", "1", cwd=tree)
    (lab / "fit.py").write_text("print('narrow')\n")
    git(lab, "commit", "-qam", "Narrow")
    version_of(call_xvc, "minor", "--depth", "1")
    told = call_xvc("worktree", "list", "--json").data["worktrees"]

    there = version_of(call_xvc, "patch", "--depth", "9", cwd=tree)

    assert {each["name"]: (each["next_minor"], each["next_patch"]) for each in told} == {
        "main": ("e0.4.0", "e0.3.1"),
        "wide": ("e0.4.0", "e0.2.1"),
    }
    assert there == "e0.2.1"


def test_a_version_can_be_named(lab: Path, call_xvc: Calling) -> None:
    """`run --tag e0.2.1` makes that one; a taken or misspelt name is refused before the run."""
    version_of(call_xvc, "e0.2.0")
    named = version_of(call_xvc, "e0.2.1", "--depth", "3")
    before = call_xvc("ls", "--json").data["total"]

    taken = call_xvc("run", "--json", "--tag", "e0.2.0", "--", "python", "fit.py")
    wrong = call_xvc("run", "--json", "--tag", "mayor", "--", "python", "fit.py")

    assert named == "e0.2.1"
    assert (taken.json["error"]["code"], wrong.code) == ("tag-taken", 2)
    assert call_xvc("ls", "--json").data["total"] == before


def test_a_version_of_all_that_is_merged(lab: Path, call_xvc: Calling) -> None:
    """It has no run and the whole store, stands on the branch, and leaves edits alone."""
    version_of(call_xvc, "minor", "--depth", "1")
    call_xvc("run", "--", "python", "fit.py", "--depth", "2")
    (lab / "fit.py").write_text("print('in work')\n")
    made = call_xvc("tag", "--merged", "-m", "both ideas", "--json")
    status = call_xvc("status", "--json").data

    logged = call_xvc("log", "--json").data["versions"][0]

    assert (made.code, made.data["version"], made.data["run"]) == (0, "e0.2.0", None), made.err
    assert (logged["version"], logged["subject"], logged["run"]) == ("e0.2.0", "both ideas", None)
    assert git(lab, "rev-parse", "e0.2.0^{commit}") == git(lab, "rev-parse", "HEAD")
    assert git(lab, "diff", "--name-only").split() == ["fit.py"]
    assert call_xvc("get", "e0.2.0", "fit.py", "-o", "old.py").code == 0
    assert not status.get("unsaved_rows")


@pytest.mark.parametrize("words", [("--run", "@"), ("--commit",)])
def test_a_merged_version_has_no_run(words: tuple[str, ...], lab: Path, call_xvc: Calling) -> None:
    """With a run, or code to be committed, it is another thing: a wrong call."""
    assert call_xvc("tag", "--merged", *words).code == 2
    assert call_xvc("tag", "--merged").code == 1  # no run at all
