"""Questions of one process share one DuckDB, which holds no file between them."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from xvc.errors import StoreFailed
from xvc.store import db
from xvc.store.idle_instance import reading_own


def _tables(path: Path) -> set[str]:
    with reading_own(path) as connection:
        return {name for (name,) in connection.execute("SHOW TABLES").fetchall()}


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Make an empty store, in a folder whose name SQL could take for something else."""
    folder = tmp_path / "it's, a store"
    folder.mkdir()
    db.create(folder / "s.duckdb")
    return folder / "s.duckdb"


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[object]]:
    """List what DuckDB is started for from now on."""
    real, seen = duckdb.connect, []

    def noted(*rest: object, **named: object) -> object:
        seen.append(rest)
        return real(*rest, **named)  # type: ignore[call-overload]

    monkeypatch.setattr(duckdb, "connect", noted)
    return seen


def test_questions_start_one_duckdb(store: Path, tmp_path: Path, started: list[object]) -> None:
    """Of one store they do; another store gets another, for neither may see the other."""
    first = _tables(store)
    same = _tables(store)
    asked_once = len(started)
    db.create(tmp_path / "other.duckdb")
    _tables(tmp_path / "other.duckdb")

    assert first == same != set()
    assert asked_once == 1


def test_between_questions_others_write(store: Path) -> None:
    """Another process writes then, and the next question sees it."""
    before = _tables(store)
    program = (
        "import duckdb, sys; duckdb.connect(sys.argv[1]).execute('CREATE TABLE fresh (a INT)')"
    )
    subprocess.run([sys.executable, "-c", program, str(store)], check=True)

    assert _tables(store) - before == {"fresh"}


def test_a_question_reaches_no_other_file(store: Path, tmp_path: Path) -> None:
    """Neither to read it, nor to attach it, nor to copy into it; and no setting is changed."""
    (tmp_path / "private.txt").write_text("mine")
    db.create(tmp_path / "other.duckdb")
    for tried in (
        f"SELECT content FROM read_text('{tmp_path}/private.txt')",
        f"ATTACH '{tmp_path}/other.duckdb' AS other",
        f"COPY (SELECT 1) TO '{tmp_path}/made.csv'",
        "SET enable_external_access = true",
        "SET memory_limit = '1MB'",
        "CREATE TABLE mine (a INT)",
    ):
        with pytest.raises(StoreFailed), reading_own(store) as connection:
            connection.execute(tried)

    assert not (tmp_path / "made.csv").exists()
    assert "runs" in _tables(store)


def test_nothing_of_a_question_is_left_for_the_next(store: Path) -> None:
    """Tables and variables of one question are not those of the next."""
    with reading_own(store) as connection:
        connection.execute("CREATE TEMP TABLE left_over (a INT)")
        connection.execute("SET VARIABLE mine = 7")
    with reading_own(store) as connection:
        (value,) = connection.execute("SELECT getvariable('mine')").fetchall()[0]

    assert value is None
    assert "left_over" not in _tables(store)


def _asked_in_child(path: Path, answers: multiprocessing.SimpleQueue[set[str]]) -> None:
    answers.put(_tables(path))


def test_a_forked_child_asks_by_its_own(store: Path) -> None:
    """The threads of a DuckDB stay in the parent: a child that used it would wait for ever."""
    here = _tables(store)
    context = multiprocessing.get_context("fork")
    answers: multiprocessing.SimpleQueue[set[str]] = context.SimpleQueue()
    child = context.Process(target=_asked_in_child, args=(store, answers))
    child.start()
    child.join(60)

    assert child.exitcode == 0
    assert answers.get() == here
