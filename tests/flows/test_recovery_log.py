"""The recovery log: one shape of note, each kind says how it ends, old notes are taken over."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from surroundings import Calling, git
from xvc.dvc.pointers import read_pointer
from xvc.recovery import recover
from xvc.recovery.kind import ChangeKind
from xvc.system.pending import PendingLog

OPERATION = {
    "id": "aaaaaaaa",
    "at": 1.5,
    "tree": "main",
    "command": "merge",
    "what": "merged side",
    "undo": "as before",
    "was": "0" * 32,
}
"""A merge as its note and its line in the operation log say it, but for what it made."""


@pytest.fixture
def room(project: Path) -> Path:
    return project / ".git" / "xvc"


def said(room: Path) -> list[str]:
    """What the operation log of the project says was done."""
    place = room / "operations.jsonl"
    lines = place.read_text().splitlines() if place.exists() else []
    return [json.loads(line)["what"] for line in lines]


def test_what_is_noted_is_read_until_it_is_taken_off(tmp_path: Path) -> None:
    """A note survives its process with its kind, tree and facts."""
    log = PendingLog(tmp_path / "pending")
    change = log.note("models", {"commit": "abc", "rows": [1, None]}, version=3, tree="main")

    assert log.of("models", "main") == [change]
    assert (log.of("models"), log.of("refs", "main")) == ([], [])
    change.take_off()
    assert log.all() == []


def test_a_note_of_a_newer_xvc_is_not_written_over(tmp_path: Path) -> None:
    """The same kind in two shapes is two files."""
    log = PendingLog(tmp_path)
    log.note("models", {"new": True}, version=2, tree="main")
    log.note("models", {"new": False}, version=1, tree="main")

    assert {each.version for each in log.of("models", "main")} == {1, 2}


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"kind": "refs"}', '{"kind": "a", "version": ""}']
)
def test_what_is_no_note_goes(tmp_path: Path, text: str) -> None:
    """A file that nothing can be done with does not keep every command busy."""
    place = tmp_path / "refs.json"
    place.write_text(text)

    assert PendingLog(tmp_path).all() == []
    assert not place.exists()


@pytest.mark.parametrize("name", recover.OWN)
def test_every_kind_that_is_registered_is_one(name: str) -> None:
    """The rooms that know how a change ends are named by text: each text leads to a kind."""
    assert isinstance(recover.kind_of(name), ChangeKind)


@pytest.mark.parametrize("is_old", [True, False])
@pytest.mark.parametrize("happened", [True, False])
def test_an_operation_that_was_broken_off_is_in_the_log_if_it_happened(
    project: Path, room: Path, call_xvc: Calling, *, happened: bool, is_old: bool
) -> None:
    """The pointer decides, whichever xvc wrote the note."""
    call_xvc("run", "--tag", "minor", "--", "python", "train.py", "--lr", "0.1")
    held = read_pointer(project / "results" / "experiments.duckdb.dvc").digest
    facts = {**OPERATION, "made": held if happened else "f" * 32}
    if is_old:
        (room / "intended").mkdir()
        (room / "intended" / "main.jsonl").write_text(json.dumps(facts) + "\n")
    else:
        PendingLog(room / "pending").note("operation", facts, tree="main")

    assert call_xvc("ls").code == 0
    assert said(room) == (["merged side"] if happened else [])
    assert call_xvc("ls").code == 0
    assert len(said(room)) == happened
    assert PendingLog(room / "pending").all() == []
    assert not (room / "intended" / "main.jsonl").exists()


@pytest.mark.parametrize("is_old", [True, False])
@pytest.mark.parametrize("happened", [True, False])
def test_a_change_of_the_models_is_completed_if_the_branch_has_it(
    project: Path, room: Path, call_xvc: Calling, *, happened: bool, is_old: bool
) -> None:
    """Its tag and its line in the operation log follow the branch, or nothing does."""
    parent = git(project, "rev-parse", "HEAD")
    git(project, "commit", "-q", "--allow-empty", "-m", "promoted")
    commit = git(project, "rev-parse", "HEAD")
    if not happened:
        git(project, "reset", "-q", "--hard", parent)
    facts = {
        "operation": "bbbbbbbb",
        "parent": parent,
        "commit": commit,
        "branch": "main",
        "marks": [{"name": "digits#production#1", "message": "first", "commit": None}],
        "run": "",
        "row": {},
        "command": "model promote",
        "what": "promoted digits",
        "hindrance": "it is a promotion",
    }
    if is_old:
        (room / "tmp").mkdir(exist_ok=True)
        (room / "tmp" / "landing-main.json").write_text(json.dumps(facts))
    else:
        PendingLog(room / "pending").note("models", facts, tree="main")

    assert call_xvc("ls").code == 0
    assert said(room) == (["promoted digits"] if happened else [])
    assert git(project, "tag", "-l") == ("digits#production#1" if happened else "")
    assert PendingLog(room / "pending").all() == []
    assert not (room / "tmp" / "landing-main.json").exists()


@pytest.mark.parametrize("is_old", [True, False])
def test_a_lock_that_a_killed_git_has_left_goes(
    project: Path, room: Path, call_xvc: Calling, *, is_old: bool
) -> None:
    """What the note names is taken away when its content is what git was to write."""
    commit = git(project, "rev-parse", "HEAD")
    lock = project / ".git" / "refs" / "heads" / "main.lock"
    facts = {"new": commit, "locks": [str(lock)]}
    if is_old:
        (room / "tmp").mkdir(exist_ok=True)
        note = room / "tmp" / "refs-being-moved"
        note.write_text(json.dumps(facts))
    else:
        note = PendingLog(room / "pending").note("refs", facts).path
    lock.write_text(f"{commit}\n")
    for path in (note, lock):
        os.utime(path, (1e9, 1e9))  # nobody has come by for long

    assert call_xvc("ls").code == 0
    assert not lock.exists()
    assert PendingLog(room / "pending").all() == []
    assert not (room / "tmp" / "refs-being-moved").exists()


def test_a_lock_of_somebody_else_stays_and_so_does_the_note(
    project: Path, room: Path, call_xvc: Calling
) -> None:
    """Another content is not ours: nothing is taken away."""
    lock = project / ".git" / "refs" / "heads" / "main.lock"
    facts = {"new": git(project, "rev-parse", "HEAD"), "locks": [str(lock)]}
    change = PendingLog(room / "pending").note("refs", facts)
    lock.write_text("0" * 40)

    assert call_xvc("ls").code == 0
    assert lock.exists()
    assert PendingLog(room / "pending").all() == [change]


def test_files_for_merge_drivers_go_in_the_tree_that_they_are_in(
    project: Path, room: Path, call_xvc: Calling
) -> None:
    """Whichever work tree is the next to call xvc."""
    assert call_xvc("worktree", "add", "side", "--path", "../side").code == 0
    PendingLog(room / "pending").note("merge-files", {"top": str(project)})
    left = project / ".merge_file_abc123"
    left.touch()

    assert call_xvc("ls", cwd=project.parent / "side").code == 0
    assert not left.exists()


def test_a_note_of_a_newer_xvc_stays_for_it(project: Path, room: Path, call_xvc: Calling) -> None:
    """What this xvc cannot know it neither completes nor forgets."""
    log = PendingLog(room / "pending")
    newer = [log.note("operation", {}, version=9, tree="main"), log.note("gadget", {}, tree="main")]

    assert call_xvc("ls").code == 0
    assert {each.kind for each in log.all()} == {each.kind for each in newer}


def test_a_note_of_another_tree_waits_for_it(project: Path, room: Path, call_xvc: Calling) -> None:
    """The files of a tree are completed from within it."""
    change = PendingLog(room / "pending").note("models", {}, tree="worktree-side")

    assert call_xvc("ls").code == 0
    assert PendingLog(room / "pending").all() == [change]


def test_a_merge_of_work_trees_is_forgotten_when_the_branch_is_elsewhere(
    project: Path, room: Path, call_xvc: Calling
) -> None:
    """Its commit waits for the same call, as long as that can come."""
    log = PendingLog(room / "pending")
    facts = {"ours": git(project, "rev-parse", "HEAD"), "theirs": "1" * 40, "commit": "2" * 40}
    change = log.note("worktree-merge", facts, tree="main", name="2" * 40)

    assert call_xvc("ls").code == 0
    assert log.all() == [change]
    git(project, "commit", "-q", "--allow-empty", "-m", "another")
    assert call_xvc("ls").code == 0
    assert log.all() == []
