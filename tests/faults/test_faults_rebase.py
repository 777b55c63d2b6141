"""Rebase, ``merge --continue`` and ``merge --abort`` under faults: all old, or all new.

Each trial copies a repository, breaks one call off at its nth storage call, git's own calls
included, and then wants the store of before or the finished one, the sources as they were, git to
be sound, and the same call to complete. The default suite takes some points; ``-m sweep`` takes
them all, or with FAULT_EVERY=5 each fifth.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from faulty import Repo, check_git, check_versions, copy_repo, digest, object_of, tokens_in
from forked import Fault, Outcome
from sweeping import chosen

pytestmark = pytest.mark.usefixtures("injector")

ACTS = {
    "kill": Fault(1, "kill"),
    "kill one": Fault(1, "kill", group=False),
    "torn": Fault(1, "torn"),
    "no space": Fault(1, "28", group=False),
    "bad disk": Fault(1, "5", group=False),
}
FIRST = [f"first-{step}" for step in range(3)]
SIDE = [f"side-{step}" for step in range(3)]
MAIN = [f"main-{step}" for step in range(5)]
UNSAVED = ["unsaved-0", "unsaved-1"]
OLD = {*FIRST, *MAIN, *UNSAVED}


@dataclass(frozen=True)
class Operation:
    """A command, what is done before it, and the rows that are there when it is done."""

    words: tuple[str, ...]
    before: tuple[tuple[str, ...], ...]
    new: frozenset[str]


_DISPUTE = (("merge", "side"), ("merge", "--theirs"))
OPERATIONS = {
    "rebase": Operation(
        ("rebase", "side", "--on", "step", "--yes"), (), frozenset([*SIDE, "main-3", "main-4"])
    ),
    "continue": Operation(("merge", "--continue"), _DISPUTE, frozenset([*OLD, *SIDE])),
    "abort": Operation(("merge", "--abort"), _DISPUTE, frozenset(OLD)),
}


def _annotated(repo: Repo, branch: str) -> None:
    """Change the note of the first run by hand, and keep that as a version."""
    repo.ran("ls")
    first = "(SELECT min_by(id, started) FROM runs)"
    with duckdb.connect(str(repo.store)) as connection:
        connection.execute(f"UPDATE runs SET note = ? WHERE id = {first}", [branch])
    repo.ran("tag", "patch")


@pytest.fixture(scope="session")
def disputed(tagged_template: Repo, tmp_path_factory: pytest.TempPathFactory) -> Repo:
    """Both sides logged the steps 0 to 2 anew and changed one note; main has unsaved rows."""
    repo = copy_repo(tagged_template, tmp_path_factory.mktemp("disputed"))
    repo.git("checkout", "-qb", "side")
    assert repo.run_logging("side", 3, "--tag", "minor").code == 0
    _annotated(repo, "side")
    repo.git("checkout", "-q", "main")
    assert repo.run_logging("main", 5, "--tag", "minor").code == 0
    _annotated(repo, "main")
    assert repo.run_logging("unsaved", 2).code == 0
    return repo


def _begun(start: Repo, operation: Operation, place: Path) -> Repo:
    repo = copy_repo(start, place)
    for words in operation.before:
        assert repo.xvc(*words).code in (0, 4)
    return repo


def _check(repo: Repo, name: str, ended: Outcome) -> bool:
    """Hold what a fault left to the promises; returns whether the operation was done."""
    operation = OPERATIONS[name]
    assert "Traceback" not in ended.err, f"a traceback: {ended.said}"
    theirs = object_of(repo, "side")
    assert digest(theirs) == theirs.parent.name + theirs.name, "the source has changed"
    found = set(repo.tokens())
    assert found in (OLD, operation.new), f"{sorted(found)}: {ended.said}"
    if name == "rebase" and found == operation.new:
        _check_backup(repo)
    again = repo.xvc(*operation.words)
    assert again.code == 0 or "no-merge" in again.err, again.said
    assert repo.tokens() == Counter(dict.fromkeys(operation.new, 1))
    assert repo.xvc("merge", "--continue", "--json").code != 0, "something is still unfinished"
    check_git(repo)
    check_versions(repo)
    left = [path.name for path in repo.store.parent.glob(".*.before*")]
    assert not left or ended.code, left  # a disk that refuses to delete leaves it
    return found == operation.new


def _check_backup(repo: Repo) -> None:
    """Some backup tag leads to an object with every row of before."""
    tags = repo.git("tag", "--list", "xvc/backup/*").split()
    assert any(set(tokens_in(object_of(repo, f"refs/tags/{tag}"))) == OLD for tag in tags)


def sweep(start: Repo, name: str, act: str, place: Path, most: int | None) -> tuple[str, list[str]]:
    """Hit *most* points, or all; returns a line of figures and what failed."""
    operation = OPERATIONS[name]
    counting = _begun(start, operation, place / "counting")
    ended = counting.xvc(*operation.words, fault=Fault())
    assert ended.code == 0, ended.said
    points = counting.server.calls()
    wrong, trials, done = [], 0, 0
    for at in chosen(points, most, list(ACTS).index(act)):
        repo = _begun(start, operation, place / str(at))
        ended = repo.xvc(*operation.words, fault=Fault(at, ACTS[act].act, ACTS[act].group))
        trials += 1
        try:
            done += _check(repo, name, ended)
        except AssertionError as err:
            wrong.append(f"{name}, {act} at {at} of {points}: {err}")
        shutil.rmtree(place / str(at))
    figures = f"{points:4} points, {trials:4} trials, {done:4} done, {len(wrong)} failed"
    return f"{name:8} {act:10} {figures}", wrong


@pytest.mark.sweep
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("name", OPERATIONS)
def test_every_point_of_a_rebase_and_of_an_unfinished_merge(
    name: str, act: str, disputed: Repo, tmp_path: Path, tally: Callable[[str], None]
) -> None:
    """A fault at any storage call: old or new, the sources untouched, and the call completes."""
    figures, wrong = sweep(disputed, name, act, tmp_path, None)
    tally(figures)

    assert not wrong, "\n\n".join(wrong[:10])


@pytest.mark.parametrize("act", ["kill", "no space"])
@pytest.mark.parametrize("name", OPERATIONS)
def test_one_point_of_a_rebase_and_of_an_unfinished_merge(
    name: str, act: str, disputed: Repo, tmp_path: Path, tally: Callable[[str], None]
) -> None:
    """A fault at some storage calls: old or new, the sources untouched, and the call completes."""
    figures, wrong = sweep(disputed, name, act, tmp_path, 1)
    tally(figures)

    assert not wrong, "\n\n".join(wrong[:10])
