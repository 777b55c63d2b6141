"""Reading: every run's rows come back as they were logged, as frames, values and files."""

from __future__ import annotations

import math
import multiprocessing
import sqlite3
import time
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anyrows import rows, widens
from xvc import Reader, Tracker
from xvc.errors import BadValue, NoColumn, NoStore, NoTable, NotAStore, TooNew

SPAWN = multiprocessing.get_context("spawn")


def logged(db: Path, found: list[dict[str, Any]]) -> str:
    with Tracker(db) as tracker:
        tracker.log_batch(found)
        return tracker.track_id


def test_a_reader_has_every_run(plain: Path) -> None:
    """All runs' rows, or one run's, the first or the last of them."""
    first = logged(plain / "a.duckdb", [{"x": 1}, {"x": 2}])
    logged(plain / "a.duckdb", [{"x": 3}])
    reader = Reader("a.duckdb")

    assert reader.values("x") == [1, 2, 3]
    assert reader.to_df(track_id=first)["x"].tolist() == [1, 2]
    assert reader.to_df(track_id=first, tail=1)["x"].tolist() == [2]
    assert reader.head(2)["x"].tolist() == [1, 2]
    assert reader.tail(2)["x"].tolist() == [2, 3]
    assert Reader.read_db("a.duckdb", head=1)["x"].tolist() == [1]
    assert len(reader) == 3


def test_latest_is_the_latest(plain: Path) -> None:
    """`latest` is the last row by time, with every key that it has a value for and no other."""
    logged(plain / "a.duckdb", [{"x": 1, "gone": "a"}, {"x": 2, "none": None, "nested": [1]}])

    latest = Reader("a.duckdb").last

    assert (latest["x"], latest["nested"]) == (2, [1])
    assert latest.keys() == {"x", "nested", "track_id", "timestamp"}
    assert isinstance(latest["timestamp"], datetime)
    assert latest["timestamp"].tzinfo is not None


def test_columns_are_keys(plain: Path) -> None:
    """Keys that differ by case or punctuation are columns of their own, by their own names."""
    row = {"loss": 1.0, "Loss": 2.0, "val/loss": 3.0, "val.loss": 4.0, "timestamp": "mine"}
    logged(plain / "a.duckdb", [row])
    reader = Reader("a.duckdb")

    frame = reader.to_df()

    assert reader.columns == list(frame.columns)
    assert frame["Loss"].tolist() == [2.0]
    assert frame["timestamp_2"].tolist() == ["mine"]
    assert str(frame["timestamp"].dtype) == "datetime64[us, UTC]"
    assert reader.dtypes["val/loss"] == "DOUBLE"


@pytest.mark.parametrize("table", ["track", "group", "default", "my table", "Events"])
def test_any_name_is_a_table(plain: Path, table: str) -> None:
    """Words of SQL and of other programs are names of tables like any."""
    with Tracker("a.duckdb", table=table) as tracker:
        tracker.log({"x": 1})

    assert Reader("a.duckdb", table).to_df()["x"].tolist() == [1]
    assert Reader.read_db("a.duckdb", table=table.upper())["x"].tolist() == [1]


def test_pandas_has_python_values(plain: Path) -> None:
    """Nested, mixed and very large values are in a frame as they were logged, and gaps are gaps."""
    values = [1 << 70, "a", [1, {"b": math.inf}], {"c": b"x"}, None, math.nan, date(2020, 1, 1)]
    logged(plain / "a.duckdb", [{"mixed": value, "big": 1 << 70} for value in values])
    logged(plain / "a.duckdb", [{"nested": [1, math.inf], "bytes": b"q"}])

    frame = Reader("a.duckdb").to_df()

    assert frame["mixed"].tolist()[:5] == values[:5]
    assert math.isnan(frame["mixed"][5])
    assert frame["big"].tolist() == [1 << 70] * 7 + [None]
    assert frame["nested"].tolist() == [None] * 7 + [[1, math.inf]]
    assert frame["bytes"][7] == b"q"


@pytest.mark.parametrize("backend", ["polars", "arrow"])
def test_other_frames(plain: Path, backend: Any) -> None:
    """Polars and Arrow have the same rows and names; what they have no type for is JSON text."""
    moment = datetime(2020, 1, 1, tzinfo=UTC)
    found = [{"x": 1, "X": 0.5, "m": 1, "z": moment}, {"x": None, "m": {"a": [1]}}]
    logged(plain / "a.duckdb", found)

    frame = Reader("a.duckdb").to_df(backend=backend)
    columns = frame.to_dict(as_series=False) if backend == "polars" else frame.to_pydict()

    assert columns["x"] == [1, None]
    assert columns["X"] == [0.5, None]
    assert columns["m"] == ["1", '{"a":[1]}']
    assert columns["z"][0] == moment


def test_files(plain: Path) -> None:
    """CSV and Parquet have every row; a file that was there is replaced, and nothing is left."""
    (plain / "o.csv").write_text("old")
    logged(plain / "a.duckdb", [{"x": 1, "X": [1]}, {"x": 2}])
    reader = Reader("a.duckdb")

    reader.to_csv("o.csv")
    reader.to_parquet(plain / "deep" / "o.parquet")

    assert pd.read_csv("o.csv")["x"].tolist() == [1, 2]
    assert pd.read_parquet(plain / "deep" / "o.parquet")["X_2"].tolist()[0] == "[1]"
    assert {path.name for path in plain.iterdir() if "new" in path.name} == set()


def test_printing(plain: Path) -> None:
    """Printed, a tracker is the last of its rows; in a notebook what was logged is escaped."""
    with Tracker("a.duckdb") as tracker:
        tracker.log_batch({"step": step, "name": "<script>"} for step in range(30))
        text, html = str(tracker), tracker._repr_html_()

    assert text.splitlines()[0].endswith("30 rows, the last 10")
    assert "29" in text.splitlines()[-1]
    assert "<script>" not in html
    assert html.count("<tr>") == 11


@pytest.mark.parametrize(
    ("ask", "error", "near"),
    [
        (lambda: Reader("a.duckdb", "evnts").to_df(), NoTable, "'events'"),
        (lambda: len(Reader("a.duckdb", "evnts")), NoTable, "'events'"),
        (lambda: Reader("a.duckdb").values("acuracy"), NoColumn, "'accuracy'"),
        (lambda: Reader("none.duckdb"), NoStore, "Tracker"),
        (lambda: Reader(), NoStore, "Tracker"),
        (lambda: Reader("folder"), NotAStore, "not touched"),
        (lambda: Tracker("folder"), NotAStore, "not touched"),
        (lambda: Reader("lite.db"), NotAStore, "not touched"),
        (lambda: Tracker("lite.db"), NotAStore, "not touched"),
        (lambda: Reader("other.duckdb"), NotAStore, "not touched"),
        (lambda: Tracker("other.duckdb"), NotAStore, "not touched"),
        (lambda: Reader("newer.duckdb").to_df(), TooNew, "Upgrade"),
        (lambda: Reader("a.duckdb").to_df(head=1, tail=1), BadValue, ""),
        (lambda: Reader("a.duckdb").head(-1), BadValue, ""),
    ],
)
def test_what_cannot_be_read(plain: Path, ask: Any, error: type[Any], near: str) -> None:
    """Each wrong path, table or column is an error of its own with a way out; no file changes."""
    logged(plain / "a.duckdb", [{"accuracy": 1}])
    len(Reader("a.duckdb"))
    (plain / "folder").mkdir()
    with sqlite3.connect("lite.db") as lite:
        lite.execute("CREATE TABLE t (a)")
    with duckdb.connect("other.duckdb") as other:
        other.execute("CREATE TABLE t (a INT)")
    with duckdb.connect("newer.duckdb") as newer:
        newer.execute("CREATE TABLE meta AS SELECT 'schema' AS key, '99' AS value")
    before = {path: path.stat().st_mtime_ns for path in plain.iterdir() if path.is_file()}

    with pytest.raises(error) as caught:
        ask()

    assert near in caught.value.hint
    assert {path: path.stat().st_mtime_ns for path in plain.iterdir() if path.is_file()} == before


def test_an_engine_of_another_program(plain: Path) -> None:
    """A program that names another engine runs, and is told that there is one."""
    logged(plain / "a.duckdb", [{"x": 1}])

    with pytest.warns(UserWarning, match="the store is DuckDB"):
        found = Reader.read_db("a.duckdb", engine="sqlite", table="events")

    assert found["x"].tolist() == [1]
    with Tracker("a.duckdb", engine="duckdb") as tracker:
        assert tracker.values("x") if len(tracker) else True


def test_a_project_is_read_from_elsewhere(project: Path, run_xvc: Any, tmp_path: Path) -> None:
    """A store is named by its path from any folder; rows still in journals are there, too."""
    with Tracker() as tracker:
        tracker.log({"x": 1})
        found = Reader(project / "results" / "experiments.duckdb").values("x")

    assert found == [1]
    assert Reader().values("x") == [1]


def write_rows(db: str, given: list[dict[str, Any]]) -> None:
    """In another process: log rows as given."""
    with Tracker(db) as tracker:
        for row in given:
            tracker.log(row)


@settings(max_examples=2, deadline=None)
@given(st.lists(rows, min_size=3, max_size=12))
def test_rows_of_several_processes(found: list[dict[str, Any]]) -> None:
    """Rows of any values from three processes are all read back equal, each way of reading."""
    numbered = [{**row, "number": at} for at, row in enumerate(found)]
    with TemporaryDirectory() as name:
        db = str(Path(name) / "a.duckdb")
        processes = [
            SPAWN.Process(target=write_rows, args=(db, numbered[at::3])) for at in (0, 1, 2)
        ]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        reader = Reader(db)
        numbers: list[Any] = reader.values("number")
        frame = reader.to_df()
        asked = reader.conn.execute("SELECT number FROM db.events ORDER BY row_id").fetchall()
        held = {key: reader.values(key) for row in numbered for key in row}

    assert sorted(numbers) == list(range(len(found)))
    assert frame["number"].tolist() == numbers == [number for (number,) in asked]
    for place, number in enumerate(numbers):
        for key, value in numbered[number].items():
            assert widens(value, held[key][place]), (key, value, held[key][place])


def write_steps(db: str, count: int) -> None:
    """In another process: log so many rows."""
    with Tracker(db) as tracker:
        for step in range(count):
            tracker.log({"step": step, "loss": 1 / (step + 1)})


@pytest.mark.sweep
def test_eight_processes_and_a_reader() -> None:
    """8 × 10,000 rows while a reader polls: no error, never fewer than before, none missing."""
    with TemporaryDirectory() as name:
        db = str(Path(name) / "a.duckdb")
        processes = [SPAWN.Process(target=write_steps, args=(db, 10_000)) for _ in range(8)]
        began = time.perf_counter()
        for process in processes:
            process.start()
        counts = [0]
        while any(process.is_alive() for process in processes):
            try:
                counts.append(len(Reader(db)))
            except (NoStore, NoTable):
                time.sleep(0.05)  # none of them has come so far
        for process in processes:
            process.join()
        counts.append(len(Reader(db)))
        took = time.perf_counter() - began
        totals = Reader(db).to_df().groupby("track_id")["step"].sum()

    print(f"80,000 rows of 8 processes in {took:.1f} s, looked at {len(counts) - 1} times")
    assert counts == sorted(counts)
    assert counts[-1] == 80_000
    assert totals.tolist() == [49_995_000] * 8
