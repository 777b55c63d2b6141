"""Taking out of the cache what nothing needs: what stays, what goes, and when nothing happens."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from surroundings import Calling, git
from xvc.dvc.pointers import render_pointer
from xvc.dvc.repository import Dvc, pointer_of


def keep(project: Path, text: str) -> str:
    """Put a text into the cache; returns its digest."""
    place = project / "kept.txt"
    place.write_text(text)
    digest = Dvc(project, {}).keep_file(place)[0]
    place.unlink()
    return digest


def point(folder: Path, digest: str, name: str = "x.csv") -> None:
    """Write a pointer that names an object."""
    pointer_of(folder / name).write_bytes(render_pointer(name, digest, 4))


def committed(project: Path, digest: str) -> str:
    """Commit a pointer, take the commit off the branch again, and return it."""
    point(project, digest)
    git(project, "add", "-f", "x.csv.dvc")
    git(project, "commit", "-qm", "with data")
    commit = git(project, "rev-parse", "HEAD")
    git(project, "reset", "-q", "--hard", "HEAD~1")
    git(project, "reflog", "expire", "--expire=now", "--all")
    (project / ".git" / "ORIG_HEAD").unlink(missing_ok=True)
    return commit


def by_tag(project: Path, digest: str) -> None:
    git(project, "tag", "-am", "stage", "net#production#1", committed(project, digest))


def by_branch(project: Path, digest: str) -> None:
    git(project, "branch", "aside", committed(project, digest))


def by_remote_branch(project: Path, digest: str) -> None:
    git(project, "update-ref", "refs/remotes/origin/aside", committed(project, digest))


def by_run(project: Path, digest: str) -> None:
    git(project, "update-ref", "refs/xvc/runs/aaaaaaaaaaaa", committed(project, digest))


def by_older_commit(project: Path, digest: str) -> None:
    point(project, digest)
    git(project, "add", "-f", "x.csv.dvc")
    git(project, "commit", "-qm", "with data")
    git(project, "rm", "-q", "x.csv.dvc")
    git(project, "commit", "-qm", "without")


def by_reflog(project: Path, digest: str) -> None:
    point(project, digest)
    git(project, "add", "-f", "x.csv.dvc")
    git(project, "commit", "-qm", "with data")
    git(project, "reset", "-q", "--hard", "HEAD~1")


def by_stash(project: Path, digest: str) -> None:
    point(project, digest)
    git(project, "add", "-f", "x.csv.dvc")
    git(project, "stash", "-q")


def by_index(project: Path, digest: str) -> None:
    point(project, digest)
    git(project, "add", "-f", "x.csv.dvc")
    (project / "x.csv.dvc").unlink()


def by_file(project: Path, digest: str) -> None:
    point(project, digest)


def by_ignored_file(project: Path, digest: str) -> None:
    (project / ".git/info/exclude").write_text("*.dvc\n")
    point(project, digest)


def by_file_of_another_tree(project: Path, digest: str) -> None:
    git(project, "worktree", "add", "-q", "--detach", "../other")
    point(project.parent / "other", digest)


def by_head_of_another_tree(project: Path, digest: str) -> None:
    git(project, "worktree", "add", "-q", "--detach", "../other", committed(project, digest))
    (project.parent / "other" / "x.csv.dvc").unlink()


def by_unfinished_merge(project: Path, digest: str) -> None:
    note = project / ".git/xvc/merges/main/state.json"
    note.parent.mkdir(parents=True, exist_ok=True)
    path = Dvc(project, {}).place(digest)
    note.write_text(json.dumps({"sources": [{"path": str(path), "base": None}]}))


def by_journal(project: Path, digest: str) -> None:
    journal = project / ".git/xvc/journals/worktree-gone/abc.jsonl"
    journal.parent.mkdir(parents=True, exist_ok=True)
    journal.write_text(json.dumps({"outs": {"m.bin": {"digest": digest}}}) + "\n")


def by_folder(project: Path, digest: str) -> None:
    listing = Dvc(project, {}).keep_listing({"a.csv": digest})
    pointer_of(project / "folder").write_bytes(render_pointer("folder", listing, 4, 1))


ROOTS: list[Callable[[Path, str], None]] = [
    *(by_tag, by_branch, by_remote_branch, by_run, by_older_commit, by_reflog, by_stash),
    *(by_index, by_file, by_ignored_file, by_file_of_another_tree, by_head_of_another_tree),
    *(by_unfinished_merge, by_journal, by_folder),
]


@pytest.mark.parametrize("root", ROOTS, ids=lambda each: each.__name__)
def test_what_something_needs_stays(
    root: Callable[[Path, str], None], project: Path, call_xvc: Calling
) -> None:
    """Whatever names an object, it stays, and only what nothing names goes."""
    wanted, useless = keep(project, "rows"), keep(project, "junk")
    root(project, wanted)

    said = [call_xvc("gc", "--yes", "--grace", "0", "--json") for _ in range(2)]

    assert [each.code for each in said] == [0, 0], said[0].err
    assert said[0].data["newly_marked"]["objects"] == said[1].data["deleted"]["objects"] == 1
    assert said[1].data["deleted"]["bytes"] == 4
    assert Dvc(project, {}).holds(wanted)
    assert not Dvc(project, {}).holds(useless)


def test_what_an_untagged_run_left_stays(project: Path, run_xvc: Calling) -> None:
    """The outputs of a run without a version, its rows versioned by a later one."""
    (project / "leave.py").write_text("open('m.bin', 'w').write('weights')\n")
    run_xvc("run", "--out", "m.bin", "--", "python", "leave.py")
    digest = Dvc(project, {}).keep_file(project / "m.bin")[0]
    run_xvc("run", "--tag", "minor", "--", "python", "train.py")

    said = [run_xvc("gc", "--yes", "--grace", "0", "--json") for _ in range(2)]

    assert said[1].data["marked"]["objects"] == 0, said[1].err
    assert Dvc(project, {}).holds(digest)


def test_nothing_goes_before_its_time(project: Path, call_xvc: Calling) -> None:
    """The first call only marks; one within the grace deletes nothing; without --yes none does."""
    digest = keep(project, "junk")

    first = call_xvc("gc", "--yes", "--grace", "0", "--json")
    early = call_xvc("gc", "--yes", "--json")
    asked = call_xvc("gc", "--grace", "0", "--json")

    assert [each.data["deleted"]["objects"] for each in (first, early, asked)] == [0, 0, 0]
    assert [each.data["due"]["objects"] for each in (first, early, asked)] == [0, 0, 1]
    assert (asked.code, Dvc(project, {}).holds(digest)) == (4, True)


def test_a_plan_marks_nothing(project: Path, call_xvc: Calling) -> None:
    """`--dry-run` twice, and the second has nothing that is due."""
    keep(project, "junk")

    said = [call_xvc("gc", "--dry-run", "--grace", "0", "--json") for _ in range(2)]

    assert [each.data["due"]["objects"] for each in said] == [0, 0]
    assert not (project / ".git/xvc/gc").exists()


@pytest.mark.parametrize("way", ["named", "written again"])
def test_what_is_needed_again_is_no_longer_marked(
    way: str, project: Path, call_xvc: Calling
) -> None:
    """A pointer that names a marked object, or a writer that keeps it again, takes the mark off."""
    digest = keep(project, "junk")
    call_xvc("gc")
    if way == "named":
        point(project, digest)
    else:
        keep(project, "junk")

    said = call_xvc("gc", "--yes", "--grace", "0", "--json")

    assert said.data["no_longer_marked"] == 1
    assert Dvc(project, {}).holds(digest)


def torn_pointer(project: Path) -> None:
    (project / "x.csv.dvc").write_text("outs:\n- md5: abc\n  path: x.csv\n")


def marks_in_a_pointer(project: Path) -> None:
    (project / "x.csv.dvc").write_text("<<<<<<< ours\n=======\n>>>>>>> theirs\n")


def torn_pointer_of_a_branch(project: Path) -> None:
    torn_pointer(project)
    git(project, "add", "-f", "x.csv.dvc")
    git(project, "commit", "-qm", "torn")
    git(project, "branch", "aside")
    git(project, "reset", "-q", "--hard", "HEAD~1")


def list_that_is_missing(project: Path) -> None:
    by_folder(project, keep(project, "rows"))
    next(path for path in (project / ".dvc/cache").rglob("*.dir")).unlink()


def list_that_rotted(project: Path) -> None:
    by_folder(project, keep(project, "rows"))
    listing = next(path for path in (project / ".dvc/cache").rglob("*.dir"))
    listing.chmod(0o644)
    listing.write_text("[]")


def tree_that_is_away(project: Path) -> None:
    git(project, "worktree", "add", "-q", "--detach", "../other")
    git(project, "worktree", "lock", "../other")
    shutil.rmtree(project.parent / "other")


def object_of_git_that_is_gone(project: Path) -> None:
    commit = committed(project, "0" * 32)
    git(project, "branch", "aside", commit)
    tree = git(project, "rev-parse", f"{commit}^{{tree}}")
    (project / ".git/objects" / tree[:2] / tree[2:]).unlink()


UNREADABLE: dict[Callable[[Path], None], str] = {
    torn_pointer: "unreadable-root",
    marks_in_a_pointer: "unreadable-root",
    torn_pointer_of_a_branch: "unreadable-at",
    list_that_is_missing: "unreadable-root",
    list_that_rotted: "object-corrupt",
    tree_that_is_away: "unreadable-root",
    object_of_git_that_is_gone: "git-failed",
}


@pytest.mark.parametrize("damage", UNREADABLE, ids=lambda each: each.__name__)
def test_where_something_cannot_be_read_nothing_happens(
    damage: Callable[[Path], None], project: Path, call_xvc: Calling
) -> None:
    """An unreadable root is named; what was due stays, and stays marked."""
    digest = keep(project, "junk")
    call_xvc("gc")
    marks = (project / ".git/xvc/gc/marks.json").read_bytes()
    damage(project)

    said = call_xvc("gc", "--yes", "--grace", "0", "--json")

    assert said.json["error"]["code"] == UNREADABLE[damage]
    assert said.json["error"]["message"]
    assert Dvc(project, {}).holds(digest)
    assert (project / ".git/xvc/gc/marks.json").read_bytes() == marks


def test_a_cache_of_others_is_left_alone(project: Path, tmp_path: Path, call_xvc: Calling) -> None:
    """A cache outside the repository is refused, until somebody says that it is nobody else's."""
    local = project / ".dvc/config.local"
    local.write_text(f"{local.read_text()}[cache]\n    dir = {tmp_path / 'shared'}\n")
    keep(project, "junk")

    refused = call_xvc("gc", "--json")
    insisted = call_xvc("gc", "--shared-cache", "--json")

    assert (refused.code, refused.json["error"]["code"]) == (4, "shared-cache")
    assert insisted.data["newly_marked"]["objects"] == 1


def test_half_made_objects_go_when_they_are_old(project: Path, call_xvc: Calling) -> None:
    """What a killed writer left goes after a day; what one may be writing now stays."""
    keep(project, "rows")
    home = project / ".dvc/cache/files/md5"
    for name in (".7.old", ".8.new"):
        (home / name).write_text("half")
        (home / f"{name}.getting-x" / "new").mkdir(parents=True)
        (home / f"{name}.getting-x" / "new" / "object").write_text("half")
    old = home / ".7.old.getting-x"
    for path in (home / ".7.old", old / "new" / "object", old / "new", old):
        os.utime(path, (1e9, 1e9))

    call_xvc("gc", "--yes")

    assert sorted(path.name for path in home.glob(".*")) == [".8.new", ".8.new.getting-x"]


def test_a_span_that_is_none_is_refused(project: Path, call_xvc: Calling) -> None:
    """`--grace soon` names the shapes that can be read."""
    said = call_xvc("gc", "--grace", "soon", "--json")

    assert (said.code, said.json["error"]["code"]) == (2, "bad-value")
