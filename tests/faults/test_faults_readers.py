"""Other programs hold the store: nobody is stopped for long, and nothing is lost."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from faulty import PYTHON, Repo, check_rows, check_versions, set_aside
from forked import Fault

_HOLD = """
import sys, duckdb
with duckdb.connect(sys.argv[1], read_only=sys.argv[2] == "read") as held:
    if sys.argv[2] == "write":
        held.execute("CREATE TABLE mine AS SELECT 42 AS answer")
    print("open", flush=True)
    for line in sys.stdin:
        print(held.execute(line).fetchall(), flush=True)
"""


class Holder:
    """A program that has the store open, as a notebook does."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, query: str) -> str:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(query + "\n")
        self._process.stdin.flush()
        return self._process.stdout.readline()


@contextmanager
def _held(repo: Repo, how: str) -> Iterator[Holder]:
    command = [PYTHON, "-c", _HOLD, str(repo.store), how]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "open\n"
            yield Holder(process)
        finally:
            assert process.stdin
            process.stdin.close()


def test_runs_end_and_appear_while_a_notebook_reads(tagged: Repo) -> None:
    """A store held open read-only the whole time stops no run, no fold and no version."""
    with _held(tagged, "read") as notebook:
        codes = [tagged.run_logging(f"held{number}").code for number in range(3)]
        tag = tagged.xvc("tag")
        listed = tagged.ran("ls", "--json").data
        during = notebook.ask("SELECT count(*) FROM events")

    assert codes == [0, 0, 0]
    assert tag.code == 0, tag.said
    assert listed["total"] == 4
    assert during == "[(3,)]\n"  # what it had when it opened
    check_rows(tagged, tagged.tokens())
    check_versions(tagged)


def test_a_program_that_writes_to_the_store_stops_no_run(tagged: Repo) -> None:
    """Lists answer from a copy, runs end, a version says busy; later everything is there."""
    with _held(tagged, "write"):
        ended = tagged.run_logging("held")
        listed = tagged.xvc("ls", "--json")
        seen = tagged.seen()
        tag = tagged.xvc("tag")

    assert ended.code == 0, ended.said
    assert listed.code == 0, listed.said
    assert listed.data["total"] == 2
    check_rows(tagged, seen)
    assert tag.code == 5, tag.said
    assert "hint:" in tag.err
    tagged.ran("tag")
    check_rows(tagged, tagged.tokens())
    check_versions(tagged)
    assert not set_aside(tagged)


def test_what_another_program_wrote_into_the_store_is_kept(tagged: Repo) -> None:
    """A table of the user's own is still in the store, or in the file that the warning names."""
    with _held(tagged, "write"):
        pass

    ended = tagged.run_logging("second", 3, "--tag", "patch")

    assert ended.code == 0, ended.said
    kept = [tagged.store, *set_aside(tagged, "kept")]
    assert [_has_table(path, "mine") for path in kept].count(True) == 1
    assert all(path.name in ended.err for path in kept[1:])
    check_rows(tagged, tagged.tokens())


def _has_table(path: Path, name: str) -> bool:
    with duckdb.connect(str(path), read_only=True) as connection:
        return (name,) in connection.execute("SHOW TABLES").fetchall()


@pytest.mark.usefixtures("injector")
def test_a_log_that_a_killed_fold_left_is_not_laid_beside_a_new_store(tagged: Repo) -> None:
    """A notebook opens what a killed fold left; folding beside it leaves no stale log."""
    assert tagged.start(str(tagged.root / "log_rows.py"), "waiting", "3").wait().code == 0
    log = tagged.aside / "points"
    tagged.xvc("ls", fault=Fault(), more={"FAULT_LOG": str(log)})
    lines = [line.split() for line in log.read_text().splitlines()]
    at = next(int(n) for n, _, op, path in lines if op == "pwrite" and path.endswith(".duckdb"))
    assert tagged.start(str(tagged.root / "log_rows.py"), "more", "3").wait().code == 0
    killed = tagged.xvc("ls", fault=Fault(at, "kill"))
    wal = tagged.store.with_name(tagged.store.name + ".wal")
    assert killed.code == -9
    assert wal.exists()

    with _held(tagged, "read"):
        codes = [tagged.run_logging(f"held{number}").code for number in range(2)]
        listed = tagged.xvc("ls")

    assert codes == [0, 0]
    assert listed.code == 0, listed.said
    check_rows(tagged, tagged.tokens())
    tagged.ran("tag")
    check_rows(tagged, tagged.tokens())
    assert not set_aside(tagged)
