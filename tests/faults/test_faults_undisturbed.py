"""What belongs to the user stays as it was: index, HEAD, stash, secrets, ignored files."""

from __future__ import annotations

import duckdb
import pytest

from faulty import Repo, check_git, check_rows, check_versions, copy_repo, digest, object_of
from forked import Fault


@pytest.fixture
def busy(tagged: Repo) -> Repo:
    """A user in the middle of things: staged, changed, intended, untracked, ignored, stashed."""
    tagged.write("stashed.txt", "one\n")
    tagged.commit("stashed")
    tagged.write("stashed.txt", "two\n")
    tagged.git("stash")
    tagged.write("staged.txt", "staged\n")
    tagged.git("add", "staged.txt")
    tagged.write("staged.txt", "and changed again\n")
    tagged.write("intended.txt", "not yet\n")
    tagged.git("add", "--intent-to-add", "intended.txt")
    tagged.write("params.yaml", "lr: 0.2\nmodel: ridge\n")
    tagged.write("untracked/helper.py", "print('new')\n")
    tagged.write(".gitignore", "*.ignored\n")
    tagged.write("big.ignored", "no\n")
    tagged.write(".env", "TOKEN=hunter2\n")
    return tagged


def _state(repo: Repo) -> dict[str, str]:
    tree = (path for path in repo.root.rglob("*") if path.is_file())
    outside = (".git", ".dvc", "results", "__pycache__")
    files = {
        str(path): digest(path, "sha256")
        for path in tree
        if path.relative_to(repo.root).parts[0] not in outside
    }
    return {
        "index": repo.index(),
        "head": repo.git("symbolic-ref", "HEAD") + repo.git("rev-parse", "HEAD"),
        "branches": repo.git("for-each-ref", "refs/heads", "refs/stash"),
        "stash": repo.git("stash", "list"),
        "config": digest(repo.root / ".git" / "config"),
        **files,
    }


def test_a_run_touches_nothing_of_the_users(busy: Repo) -> None:
    """Index, HEAD, branches, stash, config and files are byte-identical over ``xvc run``."""
    before = _state(busy)

    ended = busy.run_logging("busy")

    assert ended.code == 0, ended.said
    assert _state(busy) == before
    check_git(busy)


def test_a_version_of_changed_code_touches_nothing_of_the_users(busy: Repo) -> None:
    """With uncommitted work the version stands beside the branch; the work stays uncommitted."""
    before = _state(busy)

    ended = busy.run_logging("busy", 3, "--tag", "patch")

    assert ended.code == 0, ended.said
    assert "e0.1.1" in busy.tags()
    assert _state(busy) == before
    check_versions(busy)
    check_git(busy)


def test_the_snapshot_holds_what_ran(busy: Repo) -> None:
    """Tracked, staged, intended and untracked files are in it as they are; ignored ones are not."""
    assert busy.run_logging("busy", 3, "--tag", "patch").code == 0

    files = busy.git("ls-tree", "-r", "--name-only", "e0.1.1").split("\n")

    assert {"staged.txt", "intended.txt", "untracked/helper.py", ".gitignore"} <= set(files)
    assert busy.git("show", "e0.1.1:staged.txt") == "and changed again"
    assert busy.git("show", "e0.1.1:params.yaml") == "lr: 0.2\nmodel: ridge"
    assert "big.ignored" not in files
    assert ".env" not in files
    hidden = busy.git("for-each-ref", "--format=%(refname)", "refs/xvc/runs").split()
    for ref in hidden:
        assert ".env" not in busy.git("ls-tree", "-r", "--name-only", ref).split("\n")


def test_a_clean_tree_is_clean_after_a_version(tagged: Repo) -> None:
    """The branch gets the pointer, and the index follows it: nothing is left to commit."""
    ended = tagged.run_logging("clean", 3, "--tag", "patch")

    assert ended.code == 0, ended.said
    assert tagged.git("status", "--porcelain") == ""
    assert tagged.git("rev-parse", "HEAD") == tagged.git("rev-parse", "e0.1.1^{commit}")


def test_staged_work_stays_staged_when_the_branch_gets_a_version(tagged: Repo) -> None:
    """Only the version's own paths follow in the index, byte for byte nothing else."""
    assert tagged.run_logging("clean").code == 0
    run = tagged.runs()[0]["id"]
    tagged.write("staged.txt", "mine\n")
    tagged.git("add", "staged.txt")
    before = tagged.git("ls-files", "-s", "staged.txt", "params.yaml", "log_rows.py")

    made = tagged.xvc("tag", "--run", run)

    assert made.code == 0, made.said
    assert tagged.git("ls-files", "-s", "staged.txt", "params.yaml", "log_rows.py") == before
    assert tagged.git("status", "--porcelain") == "A  staged.txt"
    check_git(tagged)


def test_an_index_that_the_user_holds_makes_a_version_wait(tagged: Repo) -> None:
    """``git commit`` with an open editor holds the index: busy, and nothing has moved."""
    assert tagged.run_logging("clean").code == 0
    lock = tagged.root / ".git" / "index.lock"
    lock.write_bytes(b"")
    head = tagged.git("rev-parse", "HEAD")

    made = tagged.xvc("tag")

    assert made.code == 5, made.said
    assert lock.exists()
    assert tagged.git("rev-parse", "HEAD") == head
    assert tagged.tags() == ["e0.1.0"]
    lock.unlink()
    tagged.ran("tag")
    assert tagged.git("status", "--porcelain") == ""
    check_versions(tagged)


def _text_of(repo: Repo) -> bytes:
    """Collect everything xvc has written down: store, journals, logs, snapshots, tags."""
    with duckdb.connect(str(repo.store), read_only=True) as connection:
        tables = [name for (name,) in connection.execute("SHOW TABLES").fetchall()]
        rows = "".join(str(connection.execute(f'FROM "{t}"').fetchall()) for t in tables)
    files = [path.read_bytes() for path in repo.room.rglob("*") if path.is_file()]
    objects = repo.git("cat-file", "--batch-all-objects", "--batch-check").split("\n")
    texts = [repo.git("cat-file", "-p", line.split()[0]) for line in objects]
    held = object_of(repo, "HEAD").read_bytes()
    return b"\n".join([rows.encode(), *files, "\n".join(texts).encode(), held])


def test_secrets_are_not_written_down(tagged: Repo) -> None:
    """Neither the environment nor passwords in the command, nor ``.env``, reach any record."""
    tagged.write(".env", "DB=env-file-secret\n")
    tagged.write("deploy/id_rsa", "key-file-secret\n")
    secret = {"AWS_SECRET_ACCESS_KEY": "environment-secret", "HARMLESS": "environment-plain"}
    words = ["--token=option-secret", "--password", "spaced-secret", "https://u:url-secret@x.org"]

    ended = tagged.xvc("run", "--tag", "patch", "--", "true", *words, more=secret)

    assert ended.code == 0, ended.said
    written = _text_of(tagged)
    leaked = [
        word
        for word in (
            *("env-file-secret", "key-file-secret", "environment-secret", "environment-plain"),
            *("option-secret", "spaced-secret", "url-secret"),
        )
        if word.encode() in written
    ]
    assert leaked == []
    assert b"--token=***" in written


def test_a_listed_variable_is_stored_and_no_other(tagged: Repo) -> None:
    """``environment.variables`` names what may be recorded."""
    settings = tagged.root / "xvc.yaml"
    settings.write_text(settings.read_text() + "\nenvironment:\n  variables: [CUDA_VISIBLE]\n")
    tagged.commit("settings")
    more = {"CUDA_VISIBLE": "device-seven", "OTHER": "not-this-one"}

    ended = tagged.xvc("run", "--tag", "patch", "--", "true", more=more)

    assert ended.code == 0, ended.said
    written = _text_of(tagged)
    assert b"device-seven" in written
    assert b"not-this-one" not in written
    check_rows(tagged, tagged.tokens())


@pytest.fixture
def half_moved(tagged: Repo) -> Repo:
    """A repository whose ``xvc tag`` was killed while git was about to move the branch."""
    assert tagged.run_logging("second").code == 0
    trial = copy_repo(tagged, tagged.root.parent / "trial")
    for each in (tagged, trial):
        each.ran("ls")  # the copy's DVC settings are of its own place from here on
    log = trial.aside / "points"
    assert trial.xvc("tag", fault=Fault(), more={"FAULT_LOG": str(log)}).code == 0
    lines = (line.split() for line in log.read_text().splitlines())
    at = next(int(n) for n, _, op, p in lines if op == "rename" and p.endswith("refs/heads/main"))
    assert tagged.xvc("tag", fault=Fault(at, "kill")).code == -9
    return tagged


@pytest.mark.usefixtures("injector")
def test_the_users_next_commit_works_after_any_xvc_command(half_moved: Repo) -> None:
    """git leaves the locks of what was killed; the next list takes them away."""
    locks = [half_moved.root / ".git" / name for name in ("refs/heads/main.lock", "index.lock")]
    assert all(lock.exists() for lock in locks)

    half_moved.ran("ls")

    assert not any(lock.exists() for lock in locks)
    half_moved.write("mine.txt", "mine\n")
    half_moved.commit("mine")
    assert half_moved.run_logging("third", 3, "--tag", "patch").code == 0
    check_git(half_moved)
    check_versions(half_moved)


@pytest.mark.usefixtures("injector")
def test_a_lock_of_the_users_own_git_is_left_alone(half_moved: Repo) -> None:
    """What another git has locked since is not ours, although a note names the same file."""
    lock = half_moved.root / ".git" / "refs" / "heads" / "main.lock"
    lock.write_text(half_moved.git("rev-parse", "HEAD~1") + "\n")

    half_moved.ran("ls")

    assert lock.exists()
    lock.unlink()
    half_moved.ran("tag")
    check_git(half_moved)
    check_versions(half_moved)
