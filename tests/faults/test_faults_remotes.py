"""Push and gc under faults: no version on the git remote without its objects, nothing needed gone.

Each trial copies a repository with both its remotes, breaks one call off at its nth storage call,
git's own calls included, looks at what the remotes have then, and wants the same call to complete.
The default suite takes some points; ``-m sweep`` takes them all.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from faulty import PYTHON, Repo, check_git, check_versions, copy_repo, digest
from sweeping import ACTS, Operation, Sweeper

GIT_REMOTE, DVC_REMOTE = ".remotes/git", ".remotes/dvc"
JUNK = "7" * 4096


@pytest.fixture(scope="session")
def with_remotes(tagged_template: Repo, tmp_path_factory: pytest.TempPathFactory) -> Repo:
    """A version, a tracked folder in a second one, and two empty remotes inside the repository."""
    repo = copy_repo(tagged_template, tmp_path_factory.mktemp("with-remotes"))
    with (repo.root / ".git/info/exclude").open("a") as excluded:
        excluded.write("/.remotes/\n")
    for number in range(3):
        repo.write(f"data/{number}.csv", f"row {number}\n")
    words = [PYTHON, "-m", "dvc", "add", "-q", "data"]
    subprocess.run(words, cwd=repo.root, env=repo.environment, check=True)
    repo.commit("data")
    ended = repo.run_logging("second", 2, "--tag", "minor")
    assert ended.code == 0, ended.said
    repo.git("init", "-q", "--bare", GIT_REMOTE)
    shutil.rmtree(repo.root / GIT_REMOTE / "hooks")
    repo.git("remote", "add", "origin", f"./{GIT_REMOTE}")
    local = repo.root / ".dvc/config.local"
    head = local.read_text().replace("[core]\n", "[core]\n    remote = storage\n", 1)
    local.write_text(f"{head}['remote \"storage\"']\n    url = ../{DVC_REMOTE}\n")
    return repo


def stored(repo: Repo, name: str) -> Path:
    return repo.root / DVC_REMOTE / "files/md5" / name[:2] / name[2:]


def check_stored(repo: Repo, name: str, ref: str) -> None:
    place = stored(repo, name)
    assert place.is_file(), f"{ref} is on the git remote, {name} not on the DVC remote"
    assert digest(place) == name.removesuffix(".dir"), f"{ref}: {name} is not whole"
    if name.endswith(".dir"):
        for entry in json.loads(place.read_bytes()):
            check_stored(repo, entry["md5"], ref)


def check_remotes(repo: Repo) -> list[str]:
    """Whatever ref is on the git remote, every object that it names is whole on the DVC remote."""
    there = str(repo.root / GIT_REMOTE)
    refs = repo.git("-C", there, "for-each-ref", "--format=%(refname)").split()
    trees = [ref for ref in refs if not ref.startswith("refs/xvc/logs/")]  # a log is a file
    for ref in trees:
        for path in repo.git("-C", there, "ls-tree", "-r", "--name-only", ref).split():
            if path.endswith(".dvc"):
                found = yaml.safe_load(repo.git("-C", there, "show", f"{ref}:{path}"))
                check_stored(repo, found["outs"][0]["md5"], ref)
    return refs


PUSH = ("push", "--runs")


def check_pushed(repo: Repo) -> None:
    check_remotes(repo)
    ended = repo.xvc(*PUSH)
    if (
        ended.code == 5
    ):  # the remote's own git was killed, too: its lock is for its keeper to remove
        assert "upstream-locked" in ended.err, ended.said
        for lock in (repo.root / GIT_REMOTE).rglob("*.lock"):
            lock.unlink()
        ended = repo.xvc(*PUSH)
    assert ended.code == 0, ended.said
    refs = check_remotes(repo)
    assert {"refs/heads/main", "refs/tags/e0.1.0", "refs/tags/e0.2.0"} <= set(refs)
    assert sum(ref.startswith("refs/xvc/runs/") for ref in refs) == 2
    check_git(repo)


def prepare_gc(repo: Repo) -> None:
    for number in range(3):
        text = f"{number}{JUNK}".encode()
        repo.write("junk", text.decode())
        name = digest(repo.root / "junk")
        place = repo.root / ".dvc/cache/files/md5" / name[:2] / name[2:]
        place.parent.mkdir(exist_ok=True)
        (repo.root / "junk").rename(place)
    repo.ran("gc")


GC = ("gc", "--yes", "--grace", "0")


def check_collected(repo: Repo) -> None:
    check_versions(repo)
    for path in (repo.root / "data").iterdir():
        name = digest(path)
        assert (repo.root / ".dvc/cache/files/md5" / name[:2] / name[2:]).is_file()
    ended = repo.xvc(*GC)
    assert ended.code == 0, ended.said
    again = repo.ran(*GC, "--json").data
    assert again["marked"]["objects"] == 0
    junk = [p for p in (repo.root / ".dvc/cache").rglob("*") if p.is_file() and JUNK in _text(p)]
    assert junk == []
    check_versions(repo)
    check_git(repo)


def _text(path: Path) -> str:
    return path.read_bytes().decode("latin-1")


OPERATIONS = {
    "push": Operation(PUSH, check_pushed),
    "gc": Operation(GC, check_collected, prepare_gc),
}


@pytest.mark.sweep
@pytest.mark.timeout(3600)
@pytest.mark.usefixtures("injector")
@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("name", OPERATIONS)
def test_every_point_of_a_remote(
    name: str, act: str, with_remotes: Repo, tmp_path: Path, tally: Callable[[str], None]
) -> None:
    """A fault at any storage call: no version before its objects, and the same call completes."""
    wrong = Sweeper(with_remotes, tmp_path, tally).sweep(name, OPERATIONS[name], act, None)

    assert not wrong, "\n\n".join(wrong[:10])


@pytest.mark.usefixtures("injector")
@pytest.mark.parametrize("act", ["kill", "no space"])
@pytest.mark.parametrize("name", OPERATIONS)
def test_one_point_of_a_remote(
    name: str, act: str, with_remotes: Repo, tmp_path: Path, tally: Callable[[str], None]
) -> None:
    """The same at one point, for every day."""
    wrong = Sweeper(with_remotes, tmp_path, tally).sweep(name, OPERATIONS[name], act, 1)

    assert not wrong, "\n\n".join(wrong[:10])
