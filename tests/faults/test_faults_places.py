"""Odd places: no identity, no branch, no HEAD, hooks, worktrees, no DVC, no git."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from faulty import Repo, check_git, check_rows, check_versions, copy_repo


def _forget_identity(repo: Repo) -> None:
    (repo.aside / "home" / ".gitconfig").write_text("[user]\n\tuseConfigOnly = true\n")


def test_without_an_identity_runs_work_and_tags_say_so(repo: Repo) -> None:
    """A run needs no name; a version does, and the hint says how to set one."""
    _forget_identity(repo)

    ended = repo.run_logging("nameless")
    tag = repo.xvc("tag")
    both = repo.run_logging("both", 3, "--tag", "patch")

    assert ended.code == 0, ended.said
    assert tag.code == 1, tag.said
    assert "error[no-identity]" in tag.err
    assert "git config user.name" in tag.err
    assert both.code == 4, both.said
    assert "git does not know your name" in both.err
    assert not repo.tags()
    check_rows(repo, repo.tokens())
    check_git(repo)
    repo.git("config", "user.name", "Ada")
    repo.git("config", "user.email", "ada@example.org")
    repo.ran("tag")
    assert repo.tags() == ["e0.0.1"]
    assert repo.git("status", "--porcelain") == ""


def test_an_unborn_branch_has_runs_and_versions(bare: Repo) -> None:
    """Nothing is committed yet: runs are recorded, and the first version is the first commit."""
    shutil.rmtree(bare.root / ".git")
    bare.git("init", "-q")
    bare.ran("init", "--no-commit")

    ended = bare.run_logging("unborn")
    tag = bare.xvc("tag")

    assert ended.code == 0, ended.said
    assert tag.code == 0, tag.said
    assert bare.tags() == ["e0.0.1"]
    check_rows(bare, bare.tokens())
    check_versions(bare)
    assert bare.git("show", "e0.0.1:log_rows.py")


def test_a_detached_head_has_runs_and_versions(tagged: Repo) -> None:
    """No branch is made or moved; HEAD stays detached."""
    tagged.git("checkout", "-q", "--detach")
    main = tagged.git("rev-parse", "refs/heads/main")

    ended = tagged.run_logging("detached", 3, "--tag", "patch")

    assert ended.code == 0, ended.said
    assert tagged.tags() == ["e0.1.0", "e0.1.1"]
    assert tagged.git("rev-parse", "refs/heads/main") == main
    assert tagged.git("rev-parse", "--abbrev-ref", "HEAD") == "HEAD"
    assert tagged.git("rev-parse", "HEAD") == tagged.git("rev-parse", "e0.1.1^{commit}")
    assert tagged.git("status", "--porcelain") == ""
    check_versions(tagged)
    check_git(tagged)


def test_nothing_lands_in_the_repository_of_an_outer_hook(
    tagged: Repo, bare_template: Repo, tmp_path: Path
) -> None:
    """A hook sets GIT_DIR and GIT_INDEX_FILE; neither that repository nor its index is touched."""
    outer = copy_repo(bare_template, tmp_path / "outer")
    before = {path: path.read_bytes() for path in outer.root.rglob("*") if path.is_file()}
    hook = {
        "GIT_DIR": str(outer.root / ".git"),
        "GIT_INDEX_FILE": str(outer.root / ".git" / "index"),
        "GIT_WORK_TREE": str(outer.root),
        "GIT_PREFIX": "",
        "GIT_OBJECT_DIRECTORY": str(outer.root / ".git" / "objects"),
    }

    ended = tagged.run_logging("hooked", 3, "--tag", "patch", more=hook)

    assert ended.code == 0, ended.said
    assert tagged.tags() == ["e0.1.0", "e0.1.1"]
    assert {p: p.read_bytes() for p in outer.root.rglob("*") if p.is_file()} == before
    check_rows(tagged, tagged.tokens())
    check_git(tagged)


def test_a_hook_that_calls_xvc_works(tagged: Repo) -> None:
    """``post-commit`` may call ``xvc run --tag``: git holds no lock then, and nothing recurses."""
    hook = tagged.root / ".git" / "hooks" / "post-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexec python -m xvc run --tag patch -- true\n")
    hook.chmod(0o755)
    tagged.write("notes.txt", "one\n")

    tagged.commit("notes")

    assert tagged.tags() == ["e0.1.0", "e0.1.1"]
    assert tagged.git("status", "--porcelain") == ""
    check_git(tagged)


def test_a_linked_worktree_has_its_own_store_and_shares_versions(
    tagged: Repo, tmp_path: Path
) -> None:
    """Runs of a worktree are its own; its journals outlive it; versions are numbered together."""
    place = tmp_path / "linked"
    tagged.git("worktree", "add", "-q", "-b", "side", str(place))

    ended = tagged.run_logging("side", folder=place)
    tag = tagged.xvc("tag", folder=place)

    assert ended.code == 0, ended.said
    assert tag.code == 0, tag.said
    assert tagged.tags() == ["e0.1.0", "e0.1.1"]
    found = tagged.seen(place)
    assert {f"side-{step}" for step in range(3)} <= set(found)
    check_rows(tagged, found)
    assert tagged.git("status", "--porcelain") == ""
    check_git(tagged)


def test_removing_a_worktree_loses_no_journal(tagged: Repo, tmp_path: Path) -> None:
    """What a worktree logged lies in the common folder when the worktree is gone."""
    place = tmp_path / "linked"
    tagged.git("worktree", "add", "-q", "-b", "side", str(place))
    assert tagged.run_logging("side", folder=place).code == 0

    tagged.git("worktree", "remove", "--force", str(place))

    kept = b"".join(path.read_bytes() for path in (tagged.room / "journals").rglob("*.jsonl"))
    assert all(f"side-{step}".encode() in kept for step in range(3))


def test_without_dvc_runs_are_kept_and_tags_say_what_is_missing(bare: Repo) -> None:
    """A git repository is enough to run and list."""
    ended = bare.run_logging("plain")
    tag = bare.xvc("tag")

    assert ended.code == 0, ended.said
    check_rows(bare, bare.tokens())
    assert tag.code == 1, tag.said
    assert "xvc init" in tag.err
    assert bare.git("status", "--porcelain", "--untracked-files=no") == ""


def test_outside_git_runs_are_kept(bare: Repo) -> None:
    """A folder is enough to run and list; a version needs git and says so."""
    shutil.rmtree(bare.root / ".git")

    ended = bare.run_logging("plain")
    tag = bare.xvc("tag")

    assert ended.code == 0, ended.said
    check_rows(bare, bare.tokens())
    assert tag.code == 1, tag.said
    assert "xvc init" in tag.err


def test_a_machine_without_git_runs_and_lists(tagged: Repo, tmp_path: Path) -> None:
    """No git program: runs are recorded and listed, and what needs git says so."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "true", "env"):
        (tools / name).symlink_to(str(shutil.which(name)))
    poor = {"PATH": str(tools)}

    ended = tagged.run_logging("gitless", more=poor)
    listed = tagged.xvc("ls", "--json", more=poor)
    status = tagged.xvc("status", more=poor)
    log = tagged.xvc("log", more=poor)

    assert ended.code == 0, ended.said
    assert listed.code == 0, listed.said
    assert listed.data["total"] == 2
    assert status.code == 0, status.said
    assert log.code == 1, log.said
    assert "error[git-failed]" in log.err
    check_rows(tagged, tagged.tokens())


@pytest.mark.parametrize(
    "content", [b"", b"\0\0\0\0", b"rubbish\n"], ids=["empty", "zeros", "rubbish"]
)
def test_a_corrupt_head_stops_no_run(tagged: Repo, content: bytes) -> None:
    """The command runs, its code comes back, a warning says what is wrong, and lists work."""
    head = tagged.root / ".git" / "HEAD"
    good = head.read_bytes()
    head.write_bytes(content)

    ended = tagged.run_logging("headless")
    listed = tagged.xvc("ls", "--json")

    assert ended.code == 0, ended.said
    assert "warning" in ended.err
    assert listed.code == 0, listed.said
    assert listed.data["total"] == 2
    head.write_bytes(good)
    check_rows(tagged, tagged.tokens())
    assert tagged.run_logging("again", 3, "--tag", "patch").code == 0
    check_git(tagged)


def test_an_object_database_that_lost_head_stops_no_run(tagged: Repo) -> None:
    """HEAD names a commit that is not there: the run is recorded, with a warning."""
    (tagged.root / ".git" / "refs" / "heads" / "main").write_text("1" * 40 + "\n")

    ended = tagged.run_logging("lost")

    assert ended.code == 0, ended.said
    assert "warning" in ended.err
    check_rows(tagged, tagged.seen())
