"""SQL answers with everything logged so far, writes nothing, and lets the store go."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from xvc import Reader, Tracker
from xvc.errors import BadQuery, BadValue, StoreFailed, WriteRefused


@pytest.fixture
def tracker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tracker]:
    monkeypatch.chdir(tmp_path)
    with Tracker("a.duckdb") as made:
        made.log_batch([{"accuracy": 0.9, "n": 1 << 70}, {"accuracy": 0.5, "n": None}])
        yield made


def open_files(path: Path) -> list[str]:
    """What this process has open of a store."""
    links = [f"/proc/self/fd/{name}" for name in os.listdir("/proc/self/fd")]
    return [link for link in links if os.path.exists(link) and os.readlink(link) == str(path)]


@pytest.mark.parametrize("table", ["events", "db.events", '"db"."events"', "EVENTS"])
def test_both_names_of_a_table(tracker: Tracker, table: str) -> None:
    """A table is found under its own name and in the store; a row just logged is there."""
    tracker.log({"accuracy": 0.95})

    found = tracker.conn.execute(f"SELECT accuracy FROM {table} WHERE accuracy > ?", [0.8])

    assert sorted(found.fetchall()) == [(0.9,), (0.95,)]


def test_a_store_called_db(tmp_path: Path) -> None:
    """A file whose own name is the store's other name is asked like any other."""
    with Tracker(tmp_path / "db.duckdb") as tracker:
        tracker.log({"x": 1})

        assert tracker.conn.execute("SELECT x FROM db.events").fetchall() == [(1,)]


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")
def test_the_store_is_let_go(tracker: Tracker, tmp_path: Path) -> None:
    """While an answer is kept, half read, nothing of the store is open, and others may write."""
    answer = tracker.conn.execute("FROM events ORDER BY accuracy")
    first = answer.fetchone()

    assert open_files(tmp_path / "a.duckdb") == []
    with duckdb.connect(tmp_path / "a.duckdb") as other:
        other.execute("CREATE TABLE theirs (x INT)")
    assert first is not None
    assert len(answer.fetchall()) == 1
    assert len(answer.df()) == 2
    assert answer.fetchone() is None


def test_every_way_to_fetch(tracker: Tracker) -> None:
    """Rows come one by one, in pieces, all, and as frames, under the names that were selected."""
    answer = tracker.conn.execute("SELECT accuracy AS a, n FROM events ORDER BY a")

    assert answer.columns == ["a", "n"]
    assert [part[0] for part in answer.description] == ["a", "n"]
    assert answer.fetchone() == (0.5, None)
    assert answer.fetchmany(5) == [(0.9, 1 << 70)]
    assert answer.df()["n"].tolist() == [None, 1 << 70]
    assert answer.pl()["a"].to_list() == [0.5, 0.9]
    assert answer.arrow().column_names == ["a", "n"]
    assert list(tracker.conn.execute("SELECT 1 UNION ALL SELECT 1")) == [(1,), (1,)]


@pytest.mark.parametrize(
    "sql",
    [
        *("DESCRIBE events", "SHOW TABLES", "SUMMARIZE events", "FROM events;", "VALUES (1) -- x"),
        *("WITH a AS (FROM events) FROM a", "PIVOT events ON accuracy USING count(*)"),
    ],
)
def test_every_kind_of_question(tracker: Tracker, sql: str) -> None:
    """What only asks is answered, however it is written."""
    assert tracker.conn.execute(sql).fetchall()


@pytest.mark.parametrize(
    "sql",
    [
        *("DELETE FROM events", "INSERT INTO events (track_id) VALUES ('x')", "DROP TABLE events"),
        *("UPDATE events SET accuracy = 1", "CREATE TABLE t (a INT)", "ATTACH 'x.db'", "COMMIT"),
        *("COPY events TO 'out.csv'", "SET threads = 1", "SELECT 1; DROP TABLE events"),
    ],
)
def test_what_writes_is_refused(tracker: Tracker, tmp_path: Path, sql: str) -> None:
    """A statement that changes anything is refused with the way to change rows; nothing changed."""
    with pytest.raises(WriteRefused) as caught:
        tracker.conn.execute(sql)

    assert "set_value" in caught.value.hint
    assert not (tmp_path / "out.csv").exists()
    assert len(tracker) == 2


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT checksum FROM events", "checksum"),
        ("SELECT * FROM corrupt", "corrupt"),
        ("SELEC 1", "SELEC"),
        ("SELECT 'a'::INT", "convert"),
        ("", "one statement"),
        ("SELECT 1; SELECT 2", "one statement"),
        ("SELECT 1) ; DROP TABLE events; SELECT (1", "syntax"),
    ],
)
def test_a_wrong_question_is_the_askers(tracker: Tracker, sql: str, said: str) -> None:
    """DuckDB's words come back, and the store is neither blamed nor set aside."""
    with pytest.raises(BadQuery, match=said):
        tracker.conn.execute(sql)

    assert [path.name for path in Path().glob("a.duckdb.*")] == ["a.duckdb.xvc-journals"]
    assert len(tracker) == 2


def test_a_file_that_cannot_be_read_is_no_damage_of_the_store(tracker: Tracker) -> None:
    """What goes wrong with another file in a query leaves the store where it is."""
    Path("torn.duckdb").write_text("corrupt")

    with pytest.raises((StoreFailed, BadQuery)):
        tracker.conn.execute("FROM read_parquet('torn.duckdb')")

    assert len(tracker) == 2


def test_threads_ask_at_once(tracker: Tracker) -> None:
    """Many threads ask one store while it is logged into, each sees a whole answer."""
    counts: list[int] = []

    def ask() -> None:
        for _ in range(5):
            counts.append(len(tracker.conn.execute("FROM db.events").fetchall()))
            tracker.log({"accuracy": math.nan})

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(counts) == 20
    assert all(2 <= count <= 22 for count in counts)
    assert len(tracker) == 22


def test_a_notebook_that_writes_does_not_stop_it(tracker: Tracker, tmp_path: Path) -> None:
    """While another connection of this process has the store open, answers still come."""
    len(tracker)
    with duckdb.connect(tmp_path / "a.duckdb", read_only=True):
        tracker.log({"accuracy": 0.1})

        assert tracker.conn.execute("SELECT count(*) FROM db.events").fetchone() == (3,)


def test_a_reader_asks_too(tracker: Tracker) -> None:
    """A Reader's `conn` sees every table of the store."""
    reader = Reader("a.duckdb")

    assert reader.conn.execute("SELECT count(*) FROM runs").fetchone() == (1,)


def test_a_backend_that_is_none(tracker: Tracker) -> None:
    """An unknown backend is named, with those that there are."""
    with pytest.raises(BadValue, match="pandas, polars, arrow"):
        tracker.to_df(backend="excel")  # type: ignore[call-overload]
