"""A merge that is killed leaves the store of before or the merged one, and its sources alone."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from faulty import (
    POINTER,
    Repo,
    check_git,
    check_rows,
    check_versions,
    copy_repo,
    digest,
    tokens_in,
)
from forked import Fault


@pytest.fixture(scope="module")
def parted(tagged_template: Repo, tmp_path_factory: pytest.TempPathFactory) -> Repo:
    """``main`` and ``side`` parted after one run; each logged three rows more. We are on main."""
    repo = copy_repo(tagged_template, tmp_path_factory.mktemp("parted"))
    repo.git("checkout", "-qb", "side")
    assert repo.run_logging("side", 3, "--tag", "minor").code == 0
    repo.git("checkout", "-q", "main")
    assert repo.run_logging("main", 3, "--tag", "minor").code == 0
    assert repo.run_logging("unsaved", 2).code == 0
    return repo


def test_a_merge_that_is_killed_is_all_or_nothing(
    parted: Repo, tmp_path: Path, injector: Path, tally: Callable[[str], None]
) -> None:
    """Killed at any of its storage calls: old rows or all rows, and the same call completes it."""
    theirs = {f"side-{step}" for step in range(3)}
    counted = copy_repo(parted, tmp_path / "counted")
    assert counted.xvc("merge", "side", fault=Fault()).code == 0
    calls = counted.server.calls()
    outcomes = set()
    points = range(calls, 0, -max(1, calls // 3))
    for at in points:
        repo = copy_repo(parted, tmp_path / f"at-{at}")
        ended = repo.xvc("merge", "side", fault=Fault(at, "kill"))
        found = repo.tokens()
        outcomes.add(theirs <= set(found))
        assert theirs <= set(found) or not theirs & set(found), ended.said
        check_rows(
            repo, dict(found) if theirs <= set(found) else {**found, **dict.fromkeys(theirs, 1)}
        )
        repo.ran("merge", "side")
        check_rows(repo, repo.tokens())
        check_git(repo)
        check_versions(repo)
        shutil.rmtree(tmp_path / f"at-{at}")
    tally(f"merge: killed at {len(points)} of {calls} storage calls")

    assert outcomes == {True, False}


@pytest.mark.parametrize(
    "words",
    [
        ("merge", "side"),
        pytest.param(("rebase", "side", "--on", "token", "--yes"), marks=pytest.mark.sweep),
    ],
)
def test_what_was_published_before_a_kill_can_be_undone(
    words: tuple[str, ...], parted: Repo, tmp_path: Path, injector: Path
) -> None:
    """Killed at any of the last storage calls: undo takes back what happened, and only that."""
    parted.ran("ls")
    counted = copy_repo(parted, tmp_path / "counted")
    counted.ran("ls")  # the copy's DVC settings are of its own place from here on
    before, pointer = counted.tokens(), (counted.root / POINTER).read_bytes()
    assert counted.xvc(*words, fault=Fault()).code == 0
    seen = set()
    for at in range(calls := counted.server.calls(), calls - 36, -6):
        repo = copy_repo(parted, tmp_path / f"at-{at}")
        repo.ran("ls")
        repo.xvc(*words, fault=Fault(at, "kill"))
        is_done = (repo.root / POINTER).read_bytes() != pointer
        seen.add((is_done, (repo.room / "operations.jsonl").exists()))
        undone = repo.xvc("undo", "--yes", "--json")
        assert undone.code == (0 if is_done else 1), undone.said
        assert is_done or "nothing-to-undo" in undone.out + undone.err
        assert repo.tokens() == before
        shutil.rmtree(tmp_path / f"at-{at}")

    assert seen == {(False, False), (True, False), (True, True)}


def test_giving_up_while_killed_leaves_the_store(parted: Repo, tmp_path: Path) -> None:
    """A merge that was killed outright, with SIGKILL, is begun again by the same words."""
    repo = copy_repo(parted, tmp_path / "killed")
    before = digest(repo.store)
    running = repo.start("xvc", "merge", "side")
    running.signal_group(signal.SIGKILL)
    running.wait()

    assert digest(repo.store) == before or len(tokens_in(repo.store)) == 11
    repo.ran("merge", "side")
    check_rows(repo, repo.tokens())
