"""Work trees under faults: the same call completes what a kill broke off, and nothing is lost.

Each trial copies a repository, breaks one call off at its nth storage call, git's own calls
included, and then wants the same call to succeed, both trees to be clean, git to be sound and the
next run to work. The default suite takes some points; ``-m sweep`` takes them all.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from faulty import PYTHON, STORE, Repo, check_git, check_rows, copy_repo, tokens_in
from sweeping import ACTS, Operation, Sweeper

ADD = ("worktree", "add", "deeper", "--path", "trees/deeper")


@pytest.fixture(scope="session")
def with_data(tagged_template: Repo, tmp_path_factory: pytest.TempPathFactory) -> Repo:
    """A version, a tracked folder, a private setting and a file that trees get a copy of."""
    repo = copy_repo(tagged_template, tmp_path_factory.mktemp("with-data"))
    for number in range(3):
        repo.write(f"data/{number}.csv", f"row {number}\n")
    words = [PYTHON, "-m", "dvc", "add", "-q", "data"]
    subprocess.run(words, cwd=repo.root, env=repo.environment, check=True)
    repo.write(".env", "secret\n")
    repo.write(".worktreeinclude", ".env\n")
    repo.write(".gitignore", (repo.root / ".gitignore").read_text() + ".env\n")
    repo.commit("data")
    return repo


def tree_of(repo: Repo) -> Path:
    return repo.root / "trees" / "deeper"


def status(repo: Repo, *folder: str) -> str:
    return repo.git(*folder, "status", "--porcelain")


def no_locks(repo: Repo) -> None:
    held = [path for path in (repo.root / ".git").rglob("*.lock") if "xvc" not in path.parts]
    assert not held


def check_added(repo: Repo) -> None:
    """The tree is whole, as if nothing had happened."""
    tree = tree_of(repo)
    ended = repo.xvc(*ADD)
    assert ended.code == 0, ended.said
    assert repo.git("worktree", "list").count("\n") == 1
    assert repo.git("-C", str(tree), "branch", "--show-current") == "exp/deeper"
    assert [(tree / "data" / f"{n}.csv").read_text() for n in range(3)] == [
        f"row {n}\n" for n in range(3)
    ]
    assert (tree / ".env").read_text() == "secret\n"
    assert (tree / STORE).stat().st_nlink == 1
    assert (status(repo), status(repo, "-C", str(tree))) == ("", "")
    no_locks(repo)
    check_git(repo)
    ran = repo.run_logging("inside", 2, folder=tree)
    assert ran.code == 0, ran.said
    repo.ran("ls", folder=tree)
    check_rows(repo, tokens_in(tree / STORE))


def prepare_removal(repo: Repo) -> None:
    repo.ran(*ADD)
    assert repo.run_logging("inside", 2, folder=tree_of(repo)).code == 0
    repo.git("-C", str(tree_of(repo)), "commit", "--allow-empty", "-qm", "kept by its branch")


REMOVE = ("worktree", "remove", "deeper", "--yes")


def check_removed(repo: Repo) -> None:
    """Nothing of the tree is there but its branch and its rows."""
    ended = repo.xvc(*REMOVE)
    assert ended.code == 0 or "no-tree" in ended.err, ended.said
    assert list((repo.root / "trees").iterdir()) == []
    assert "\n" not in repo.git("worktree", "list")
    assert "kept by its branch" in repo.git("log", "-1", "--format=%s", "exp/deeper")
    assert status(repo) == ""
    no_locks(repo)
    check_git(repo)
    shown = repo.ran("ls", "--all", "--json").data
    assert {run["worktree"] for run in shown["runs"]} == {"main", "deeper"}


def prepare_merge(repo: Repo) -> None:
    repo.ran(*ADD)
    tree = tree_of(repo)
    (tree / "params.yaml").write_text("lr: 0.5\nmodel: deep\n")
    (tree / "added.py").write_text("print()\n")
    repo.git("-C", str(tree), "rm", "-q", ".worktreeinclude")
    repo.git("-C", str(tree), "add", "-A")
    repo.git("-C", str(tree), "commit", "-qm", "deeper")
    assert repo.run_logging("inside", 2, "--tag", "minor", folder=tree).code == 0


MERGE = ("worktree", "merge", "deeper")


def check_merged(repo: Repo) -> None:
    """The branch is where the tree's is, clean, with the rows of both."""
    ended = repo.xvc(*MERGE)
    assert ended.code == 0, ended.said
    assert repo.git("rev-parse", "main") == repo.git("rev-parse", "exp/deeper")
    assert status(repo) == ""
    assert not (repo.root / ".exp-merge").exists()
    no_locks(repo)
    check_git(repo)
    check_rows(repo, repo.tokens())


def prepare_join(repo: Repo) -> None:
    prepare_merge(repo)
    assert repo.run_logging("ours", 2, "--tag", "minor").code == 0


def check_joined(repo: Repo) -> None:
    """One commit has both sides, and the tree is clean, with the rows of both."""
    ended = repo.xvc(*MERGE)
    assert ended.code == 0, ended.said
    repo.git("merge-base", "--is-ancestor", "exp/deeper", "main")
    assert repo.git("rev-list", "--count", "--merges", "main") == "1"
    assert (repo.root / "added.py").exists()
    assert status(repo) == ""
    assert not (repo.root / ".exp-merge").exists()
    no_locks(repo)
    check_git(repo)
    check_rows(repo, repo.tokens())


OPERATIONS = {
    "add": Operation(ADD, check_added),
    "remove": Operation(REMOVE, check_removed, prepare_removal),
    "merge": Operation(MERGE, check_merged, prepare_merge),
    "join": Operation(MERGE, check_joined, prepare_join),
}


@pytest.mark.sweep
@pytest.mark.timeout(3600)
@pytest.mark.usefixtures("injector")
@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("name", OPERATIONS)
def test_every_point_of_a_tree(
    name: str, act: str, with_data: Repo, tmp_path: Path, tally: Callable[[str], None]
) -> None:
    """A fault at any storage call: the same call completes, and nothing is lost."""
    wrong = Sweeper(with_data, tmp_path, tally).sweep(name, OPERATIONS[name], act, None)

    assert not wrong, "\n\n".join(wrong[:10])


@pytest.mark.usefixtures("injector")
@pytest.mark.parametrize("act", ["kill", "no space"])
@pytest.mark.parametrize("name", OPERATIONS)
def test_one_point_of_a_tree(
    name: str, act: str, with_data: Repo, tmp_path: Path, tally: Callable[[str], None]
) -> None:
    """The same at one point, for every day."""
    wrong = Sweeper(with_data, tmp_path, tally).sweep(name, OPERATIONS[name], act, 1)

    assert not wrong, "\n\n".join(wrong[:10])


def test_eight_trees_at_once(with_data: Repo, tmp_path: Path) -> None:
    """Eight calls at the same time make eight whole trees."""
    repo = copy_repo(with_data, tmp_path)

    started = [repo.start("xvc", "worktree", "add", f"t{number}") for number in range(8)]
    ended = [running.wait() for running in started]

    assert [outcome.code for outcome in ended] == [0] * 8, [outcome.said for outcome in ended]
    trees = [repo.root.parent / f"exp-t{number}" for number in range(8)]
    assert [status(repo, "-C", str(tree)) for tree in trees] == [""] * 8
    assert all((tree / "data" / "2.csv").read_text() == "row 2\n" for tree in trees)
    assert repo.git("worktree", "list").count("\n") == 8
    no_locks(repo)
    check_git(repo)


def test_one_tree_that_eight_ask_for(with_data: Repo, tmp_path: Path) -> None:
    """Eight calls for the same tree: one makes it, all are told that it is there."""
    repo = copy_repo(with_data, tmp_path)

    started = [repo.start("xvc", *ADD, "--json") for _ in range(8)]
    ended = [running.wait() for running in started]

    assert [outcome.code for outcome in ended] == [0] * 8, [outcome.said for outcome in ended]
    assert sorted(outcome.data["changed"] for outcome in ended) == [False] * 7 + [True]
    check_added(repo)
