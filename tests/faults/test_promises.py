"""README's table of what can be relied on: each row has a check here, and each check a row."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from faulty import Repo, check_git, check_rows, check_versions, copy_repo, tokens_in
from forked import Fault
from pages import README

_HEADING = "## What you can rely on\n"
_KILLED = """
import os, signal
from xvc import Tracker
Tracker().log({"token": "logged"})
os.write(os.open(os.environ["ACKS"], os.O_WRONLY | os.O_CREAT), b"logged\\n")
os.kill(os.getpid(), signal.SIGKILL)
"""
_FLUSHED = """
import os, signal
from xvc import Tracker
tracker = Tracker()
tracker.log({"token": "flushed"})
tracker.flush()
os.kill(os.getpid(), signal.SIGKILL)
"""


@dataclass(frozen=True)
class Row:
    """A row of the table: what a row or a run is, and which calls make it so."""

    name: str
    calls: tuple[str, ...]


def rows() -> list[Row]:
    """Read the table of README."""
    section = README.read_text().partition(_HEADING)[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [Row(each[0], tuple(re.findall(r"`([^`]*)`", each[1]))) for each in cells]


def _logged(repo: Repo, scratch: Path) -> None:
    """The process is killed right after `log` has returned: the row is there."""
    ended = repo.start(str(repo.write("killed.py", _KILLED))).wait()

    assert ended.code == -9
    assert repo.acks() == ["logged"]
    check_rows(repo, repo.tokens())


def _durable(repo: Repo, scratch: Path) -> None:
    """What `flush` leaves in a journal is on the disk, by its name; a run's may be in the store."""
    for number, words in enumerate(
        ((str(repo.write("flushed.py", _FLUSHED)),), ("xvc", "run", "--", *repo.logging("run")))
    ):
        log = scratch / str(number)
        repo.start(*words, fault=Fault(), more={"FAULT_LOG": str(log)}).wait()

        calls = [line.split(" ", 3)[2:] for line in log.read_text().splitlines()]
        written = {path for name, path in calls if name == "write" and "/journals/" in path}
        assert written
        for path in written:
            _check_on_disk(path, calls)


def _check_on_disk(journal: str, calls: list[list[str]]) -> None:
    """A journal is synced after its last row, or set aside once the store that took it is."""
    last = max(at for at, call in enumerate(calls) if call == ["write", journal])
    folded = f"/folded/{Path(journal).name}"
    ends = (at for at, call in enumerate(calls) if call[0] == "rename" and call[1].endswith(folded))
    end = next(ends, None)
    synced = [there for name, there in calls[last:end] if name == "fsync"]
    if end is None:
        assert {journal, str(Path(journal).parent)} <= set(synced)
    else:
        assert [there for there in synced if "experiments.duckdb" in there]


def _versioned(repo: Repo, scratch: Path) -> None:
    """A version that was made is whole; a kill on the way leaves none, and the next call makes it.

    The kill comes in the middle; the sweeps of the other tests take every point.
    """
    assert repo.run_logging("ran").code == 0
    killed, counted = copy_repo(repo, scratch / "killed"), copy_repo(repo, scratch / "counted")
    assert counted.start("xvc", "tag", fault=Fault()).wait().code == 0
    middle = Fault(counted.server.calls() // 2, "kill")

    assert killed.start("xvc", "tag", fault=middle).wait().code != 0

    before, after = repo.tags(), counted.tags()
    assert len(after) == len(before) + 1
    assert killed.tags() in (before, after)
    for each in (counted, killed):
        check_versions(each)
        check_git(each)
        check_rows(each, each.tokens())
    killed.ran("tag")
    assert killed.tags() == after


def _replicated(repo: Repo, scratch: Path) -> None:
    """The project is deleted after a push: a clone has its rows."""
    repo.git("init", "-q", "--bare", str(scratch / "hub.git"))
    repo.git("remote", "add", "origin", str(scratch / "hub.git"))
    (scratch / "shelf").mkdir()
    shelf = f"[core]\n    remote = shelf\n['remote \"shelf\"']\n    url = {scratch / 'shelf'}\n"
    (repo.root / ".dvc/config").write_text(shelf)
    repo.commit("remotes")
    assert repo.run_logging("versioned", 3, "--tag", "minor").code == 0
    repo.ran("push")
    rows_before = repo.tokens()

    shutil.rmtree(repo.root)
    words = ["git", "clone", "-q", str(scratch / "hub.git"), str(repo.root)]
    subprocess.run(words, env=repo.environment, check=True)
    repo.ran("pull")

    assert tokens_in(repo.store) == rows_before
    check_rows(repo, rows_before)


@dataclass(frozen=True)
class Check:
    """How a row of the table is checked, and the calls that it is about."""

    check: Callable[[Repo, Path], None]
    calls: tuple[str, ...]


CHECKS = {
    "logged": Check(_logged, ("log",)),
    "durable": Check(_durable, ("flush",)),
    "versioned": Check(_versioned, ("xvc tag", "xvc run --tag")),
    "replicated": Check(_replicated, ("xvc push",)),
}


def test_the_table_and_the_checks_name_the_same() -> None:
    """A row without a check says what nobody looked at; a check without a row is forgotten."""
    assert {row.name: row.calls for row in rows()} == {
        name: each.calls for name, each in CHECKS.items()
    }


@pytest.mark.usefixtures("injector")
@pytest.mark.parametrize("name", CHECKS)
def test_what_readme_promises_holds(name: str, repo: Repo, tmp_path: Path) -> None:
    """Each row of the table, as its check says it."""
    CHECKS[name].check(repo, tmp_path)
