"""Commits and transfers through GitPython: patches of code, progress in words."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from surroundings import Calling, git
from xvc.errors import GitFailed
from xvc.git.remote import fetch, send
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
