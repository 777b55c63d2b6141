"""Commits and transfers through GitPython: patches of code, progress in words."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from surroundings import Calling, git
from xvc.errors import GitFailed
from xvc.git.remote import fetch, send
from xvc.git.tree_objects import read_trees
from xvc.project import Project


def test_transfers_say_how_far_they_are(project: Path, tmp_path: Path) -> None:
    """Fetching and pushing hand on git's progress, in words, and its failures as without."""
    git(tmp_path, "init", "-q", "--bare", "hub.git")
    git(project, "remote", "add", "origin", str(tmp_path / "hub.git"))
    here = Project.find(project, os.environ).git
    said: list[str] = []
    head = here.commit_of("HEAD")
    assert head is not None
    send(here, "origin", {"refs/heads/main": head}, said.append)
    fetch(here, "origin", [], said.append)

    assert any(line.startswith("sending objects: ") for line in said)
    assert here.refs("refs/remotes/origin/") == {"refs/remotes/origin/main": head}
    with pytest.raises(GitFailed):
        fetch(here, "nowhere", ["refs/heads/x:refs/heads/x"], said.append)


def test_the_code_of_a_run_is_shown_as_a_patch(project: Path, call_xvc: Calling) -> None:
    """What no commit has is in it, untracked files too; a clean run has none."""
    call_xvc("run", "--", "python", "train.py")
    clean = call_xvc("show", "--code").out
    (project / "train.py").write_text((project / "train.py").read_text() + "# tried\n")
    (project / "extra.py").write_text("x = 1\n")
    call_xvc("run", "--", "python", "train.py")
    shown = json.loads(call_xvc("show", "--code", "--json").out)["data"]["patch"]

    assert clean == "the code is that of the commit, without a change\n"
    assert "+# tried\n" in shown
    assert "--- /dev/null\n+++ b/extra.py\n" in shown
    assert "+x = 1\n" in shown


def test_files_are_read_whatever_they_are_called(project: Path) -> None:
    """A name with a line break is one name, and mixes up no other."""
    names = ("a\nb.txt", "plain.txt", "größe.txt")
    for name in names:
        (project / name).write_text(f"in {name}")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "names")
    here = Project.find(project, os.environ).git

    found = here.read_each([f"HEAD:{name}" for name in (*names, "ab\nsent.txt", "no.txt")])

    assert found == {
        **{f"HEAD:{name}": f"in {name}".encode() for name in names},
        "HEAD:ab\nsent.txt": None,
        "HEAD:no.txt": None,
    }


def test_what_git_said_once_is_asked_again_when_it_may_differ(project: Path) -> None:
    """The files of the index and the tags are kept for a command, and never when they changed."""
    here = Project.find(project, os.environ).git
    before = {*here.tracked()}, [tag.name for tag in here.tags("e")]
    (project / "new.py").write_text("x = 1\n")
    git(project, "add", "new.py")
    added = {*here.tracked()} - before[0]
    names = []
    for number in range(3):  # within one tick of a clock that is coarse
        git(project, "tag", "-a", f"e0.0.{number}", "-m", "x")
        names.append([tag.name for tag in here.tags("e")])
    git(project, "pack-refs", "--all")
    packed = [tag.name for tag in here.tags("e")]
    git(project, "tag", "-d", "e0.0.1")

    assert before[1] == []
    assert added == {"new.py"}
    assert names == [[f"e0.0.{k}" for k in range(number + 1)] for number in range(3)]
    assert packed == names[-1]
    assert [tag.name for tag in here.tags("e")] == ["e0.0.0", "e0.0.2"]


def test_old_tags_are_asked_for_once(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tags that nobody has touched for seconds are not asked for at each step of a command."""
    git(project, "tag", "-a", "e0.1.0", "-m", "x")
    here = Project.find(project, os.environ).git
    for kept in (here.place.common / "refs/tags", here.place.common / "packed-refs"):
        if kept.exists():
            os.utime(kept, (1_000_000_000, 1_000_000_000))
    first = here.tags("e")
    monkeypatch.setattr(here, "call", None)

    assert here.tags("e") == first != []


def test_trees_are_read_with_all_that_is_below_them(project: Path) -> None:
    """However deep, many or absent they are; git is started once."""
    for number in range(1200):
        path = project / f"deep/{number % 40}/{number}/file.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(str(number))
    git(project, "add", "-A")
    git(project, "commit", "-qm", "deep")
    here = Project.find(project, os.environ).git
    top = here.trees_of(["HEAD", "0" * 40])
    absent = "0" * len(top["HEAD"])

    found = read_trees(here, [top["HEAD"], absent, ""])

    assert [*top] == ["HEAD"]
    assert absent not in found
    files = [each for its in found.values() for each in its if each.name == "file.txt"]
    assert len(files) == len({each.object for each in files}) == 1200
    assert all(each.object in found for its in found.values() for each in its if each.is_folder)


def test_a_git_that_ends_in_the_middle_of_an_answer_is_named(project: Path) -> None:
    """A broken repository is git's failure in its own words, and no short answer."""
    here = Project.find(project, os.environ).git
    tree = here.tree_of("HEAD")
    (project / ".git/config").write_text("[core\n")

    with pytest.raises(GitFailed, match="config"):
        read_trees(here, [tree])
