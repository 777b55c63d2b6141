"""A fault at every storage call of log, fold, run and tag: what was acknowledged is there.

Each trial copies a repository, runs one command with a fault at its nth storage call, and then
wants all of it: the next list, run and version work unaided, every acknowledged row is there once,
git is sound, versions resolve, and the user's index and HEAD are the old or the new ones. The
default suite takes some points of each; ``-m sweep`` takes them all, or with FAULT_EVERY=5 each
fifth.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from faulty import Repo, check_git, check_rows, check_versions, copy_repo, set_aside, tokens_in
from forked import Fault, Outcome
from sweeping import chosen

pytestmark = pytest.mark.usefixtures("injector")


@dataclass(frozen=True)
class Operation:
    """A command, the repository it starts from, and whether it may move the branch."""

    name: str
    words: tuple[str, ...]
    start: str
    is_clean: bool = True
    tags: bool = False


_LOGS = ("--", "python", "log_rows.py", "swept", "3")
OPERATIONS = [
    Operation("log", ("log_rows.py", "swept", "4"), "new"),
    Operation("first fold", ("xvc", "ls"), "new, waiting"),
    Operation("fold", ("xvc", "ls"), "tagged, waiting"),
    Operation("run", ("xvc", "run", *_LOGS), "tagged"),
    Operation("run --tag", ("xvc", "run", "--tag", "patch", *_LOGS), "tagged", tags=True),
    Operation(
        "run --tag, dirty", ("xvc", "run", "--tag", "patch", *_LOGS), "dirty", False, tags=True
    ),
    Operation("first tag", ("xvc", "tag"), "new, ran", tags=True),
    Operation("tag", ("xvc", "tag"), "tagged, ran", tags=True),
]
ACTS = {
    "kill": Fault(1, "kill"),
    "kill one": Fault(1, "kill", group=False),
    "torn": Fault(1, "torn"),
    "no space": Fault(1, "28", group=False),
    "full disk": Fault(1, "sticky:28", group=False),
    "bad disk": Fault(1, "5", group=False),
}


@pytest.fixture(scope="session")
def starts(
    template: Repo, tagged_template: Repo, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Repo]:
    """Makes each starting point once."""
    made: dict[str, Repo] = {}

    def start(name: str) -> Repo:
        if name not in made:
            kind, _, more = name.partition(", ")
            base = template if kind == "new" else tagged_template
            made[name] = copy_repo(base, tmp_path_factory.mktemp("start"))
            _prepare(made[name], kind, more)
        return made[name]

    return start


def _prepare(repo: Repo, kind: str, more: str) -> None:
    if kind == "dirty":
        repo.write("staged.txt", "staged\n")
        repo.git("add", "staged.txt")
        repo.write("intended.txt", "not yet\n")
        repo.git("add", "--intent-to-add", "intended.txt")
        repo.write("params.yaml", "lr: 0.2\nmodel: ridge\n")
        repo.write("untracked.txt", "new\n")
    if more == "waiting":
        script = str(repo.root / "log_rows.py")
        assert repo.start(script, "waiting", "3").wait().code == 0
        assert repo.start(script, "more", "3").wait().code == 0
    if more == "ran":
        assert repo.run_logging("ran").code == 0


def _trial(start: Repo, operation: Operation, fault: Fault, place: Path) -> tuple[int, Outcome]:
    """Run the command in a copy; returns the calls that were counted and how it ended."""
    repo = copy_repo(start, place)
    words = operation.words
    if words[0] != "xvc":
        words = (str(repo.root / words[0]), *words[1:])
    before = (repo.index(), repo.git("rev-parse", "HEAD"), repo.git("stash", "list"))

    ended = repo.start(*words, fault=fault).wait()
    calls = repo.server.calls()

    assert "xvc/cli/app.py" not in ended.err, f"a traceback: {ended.said}"
    assert "Fatal Python" not in ended.err, ended.said
    if fault.at:
        _check_undisturbed(repo, operation, before)
        _check_after(repo, operation, before)
    return calls, ended


def _check_undisturbed(repo: Repo, operation: Operation, before: tuple[str, str, str]) -> None:
    """Right after the fault: the old state, or what a version makes on purpose."""
    index, head, stash = before
    now = repo.git("rev-parse", "HEAD")
    assert repo.git("stash", "list") == stash
    if not (operation.tags and operation.is_clean):
        assert repo.index() == index
        assert now == head
        return
    assert now == head or repo.git("rev-parse", "HEAD^") == head
    if now == head:
        staged = repo.git("diff", "--cached", "--name-only").split()
        assert set(staged) <= {"results/experiments.duckdb.dvc", "results/.gitignore"}
    else:
        assert repo.git("diff", "--cached", "--name-only") == ""


def _check_after(repo: Repo, operation: Operation, before: tuple[str, str, str]) -> None:
    """The next commands work without a repair by hand, and everything is there."""
    for words in (("ls",), ("run", *_LOGS[:3], "after", "2"), ("tag",)):
        outcome = repo.xvc(*words)
        assert outcome.code == 0, f"afterwards, xvc {words[0]}: {outcome.said}"
    repo.ran("ls")
    check_rows(repo, tokens_in(repo.store))
    check_git(repo)
    check_versions(repo)
    assert not set_aside(repo)
    assert not set_aside(repo, "kept")
    locks = list((repo.root / ".git").glob("*.lock"))
    locks += list((repo.root / ".git" / "refs" / "heads").rglob("*.lock"))
    assert not locks
    if operation.is_clean:
        assert repo.git("status", "--porcelain") == ""
    else:
        assert repo.index() == before[0]


def _sweep(
    operation: Operation, act: str, starts: Callable[[str], Repo], place: Path, most: int | None
) -> tuple[int, int, list[str]]:
    """Hit *most* points, or all; returns the points, the trials and what went wrong."""
    start = starts(operation.start)
    points, counted = _trial(start, operation, Fault(), place / "counting")
    assert counted.code == 0, counted.said
    places = chosen(points, most, list(ACTS).index(act))
    trials, wrong, at, every = 0, [], places.start, places.step
    while True:
        fault = Fault(at, ACTS[act].act, ACTS[act].group)
        trial = place / str(at)
        try:
            calls, _ = _trial(start, operation, fault, trial)
        except AssertionError as err:
            wrong.append(f"{operation.name}, {act} at {at}: {err}")
            calls = max(at, points - every)
        trials += 1
        shutil.rmtree(trial, ignore_errors=True)
        if trials == most:
            return points, trials, wrong
        if calls < at or (at > points + 20 and not wrong):
            return points, trials - 1, wrong
        if at > points + 20:
            return points, trials, wrong
        at += every


def _told(operation: Operation, act: str, points: int, trials: int, wrong: list[str]) -> str:
    return f"{operation.name:17} {act:10} {points:4} points, {trials:4} trials, {len(wrong)} failed"


@pytest.mark.sweep
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_every_point(
    operation: Operation,
    act: str,
    starts: Callable[[str], Repo],
    tmp_path: Path,
    tally: Callable[[str], None],
) -> None:
    """A fault at any storage call loses nothing, disturbs nothing and blocks nothing."""
    points, trials, wrong = _sweep(operation, act, starts, tmp_path, None)
    tally(_told(operation, act, points, trials, wrong))

    assert not wrong, "\n\n".join(wrong[:10])


@pytest.mark.parametrize("act", ["kill", "full disk"])
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_one_point(
    operation: Operation,
    act: str,
    starts: Callable[[str], Repo],
    tmp_path: Path,
    tally: Callable[[str], None],
) -> None:
    """The same at one point, for every day."""
    points, trials, wrong = _sweep(operation, act, starts, tmp_path, 1)
    tally(_told(operation, act, points, trials, wrong))

    assert not wrong, "\n\n".join(wrong[:10])
