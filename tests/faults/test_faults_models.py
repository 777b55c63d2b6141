"""Models under faults: a promotion, rollback, pruning or addition is there or it is not.

Each trial copies a repository, breaks one call off at its nth storage call, git's own calls
included, looks that production, tags and branch agree after the next command, and then wants the
same call to succeed. The default suite takes some points; ``-m sweep`` takes them all.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from faulty import Repo, check_git, copy_repo
from sweeping import ACTS, Operation, Sweeper

LEAVE = (
    "import sys\nopen('model.bin', 'w').write(sys.argv[1])\nprint('METRIC acc=' + sys.argv[1])\n"
)
CANDIDATES = "models/candidates/digits"
HELD = "models/production/digits/model.bin"


@pytest.fixture(scope="session")
def with_models(template: Repo, tmp_path_factory: pytest.TempPathFactory) -> Repo:
    """Three candidates with acc 0.1, 0.2 and 0.3; the second, then the third were promoted."""
    repo = copy_repo(template, tmp_path_factory.mktemp("with-models"))
    repo.write("leave.py", LEAVE)
    repo.commit("leave")
    for acc in ("0.1", "0.2", "0.3"):
        words = ("run", "--capture", "--tag", "patch", "--model", "model.bin:digits", "--")
        ended = repo.xvc(*words, "python", "leave.py", acc)
        assert ended.code == 0, ended.said
    repo.ran("model", "promote", "e0.0.2")
    repo.ran("model", "promote", "e0.0.3")
    repo.write("late.bin", "late")
    repo.commit("late")
    at = repo.ran("show", "e0.0.1", "--json").data["started"]
    os.utime(repo.root / "late.bin", ns=(at, at))  # as if that run had written it
    assert (repo.root / HELD).read_text() == "0.3"
    return repo


def check_agreement(repo: Repo) -> str:
    """After any next command tags, pointer and files say the same; returns what is served."""
    repo.ran("ls")
    assert repo.git("status", "--porcelain") == ""
    held = [path for path in (repo.root / ".git").rglob("*.lock") if "xvc" not in path.parts]
    assert not held
    check_git(repo)
    last = repo.ran("model", "history", "digits", "--json").data["history"][0]
    served = (repo.root / HELD).read_text()
    assert f"e0.0.{served[-1]}" == last["version"]
    rows = repo.ran("db", "sql", "SELECT tag FROM models", "--json").data["rows"]
    assert len(rows) == len(repo.git("tag", "-l", "digits#production#*").split())
    leftovers = [path for path in (repo.root / "models").rglob(".*") if path.name != ".gitignore"]
    assert leftovers == []
    return served


def check_promoted(repo: Repo) -> None:
    assert check_agreement(repo) in ("0.3", "0.1")
    repo.ran("model", "promote", "e0.0.1")
    assert check_agreement(repo) == "0.1"


def check_rolled_back(repo: Repo) -> None:
    if check_agreement(repo) == "0.3":
        repo.ran("model", "rollback")
    assert check_agreement(repo) == "0.2"


def check_pruned(repo: Repo) -> None:
    check_agreement(repo)
    assert len(list((repo.root / CANDIDATES).glob("*.dvc"))) in (1, 3)
    repo.ran("model", "prune", "--keep", "1", "--by", "acc", "--yes")
    check_agreement(repo)
    assert len(list((repo.root / CANDIDATES).iterdir())) == 3
    repo.ran("get", "e0.0.1", "model:digits/model.bin", "-o", "../back")
    assert (repo.root.parent / "back").read_text() == "0.1"


ADD = ("model", "add", "late.bin", "--run", "e0.0.1", "--name", "late")


def check_added(repo: Repo) -> None:
    check_agreement(repo)
    repo.ran(*ADD)
    check_agreement(repo)
    listed = repo.ran("model", "list", "late", "--json").data["models"]
    assert [each["version"] for each in listed] == ["e0.0.1"]
    repo.ran("get", "e0.0.1", "model:late/late.bin", "-o", "../late")


OPERATIONS = {
    "promote": Operation(("model", "promote", "e0.0.1"), check_promoted),
    "rollback": Operation(("model", "rollback"), check_rolled_back),
    "prune": Operation(("model", "prune", "--keep", "1", "--by", "acc", "--yes"), check_pruned),
    "add": Operation(ADD, check_added),
}


@pytest.mark.sweep
@pytest.mark.timeout(3600)
@pytest.mark.usefixtures("injector")
@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("name", OPERATIONS)
def test_every_point_of_a_model(
    name: str, act: str, with_models: Repo, tmp_path: Path, tally: Callable[[str], None]
) -> None:
    """A fault at any storage call: old or new, and the same call completes."""
    wrong = Sweeper(with_models, tmp_path, tally).sweep(name, OPERATIONS[name], act, None)

    assert not wrong, "\n\n".join(wrong[:10])


@pytest.mark.usefixtures("injector")
@pytest.mark.parametrize("name", OPERATIONS)
def test_one_point_of_a_model(
    name: str, with_models: Repo, tmp_path: Path, tally: Callable[[str], None]
) -> None:
    """The same at one point, for every day."""
    wrong = Sweeper(with_models, tmp_path, tally).sweep(name, OPERATIONS[name], "kill", 1)

    assert not wrong, "\n\n".join(wrong[:10])
