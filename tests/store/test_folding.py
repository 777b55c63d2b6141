"""Folding keeps every row once, with its values and types, in whatever order and pieces."""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta, timezone
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from anyrows import (
    BIG,
    HUGE,
    KEYS,
    alike,
    rows,
    widens,
)
from xvc.core.ids import row_id
from xvc.core.record import RecordKind
from xvc.errors import BadValue, TooNew
from xvc.journal.reader import journals
from xvc.journal.writer import Journal
from xvc.store import db, query, runs
from xvc.store.columns import known, tables
from xvc.store.fold import fold
from xvc.store.schema import quoted
from xvc.types import RunId

RUN = RunId("bzk3nzk3r8d7")


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    return tmp_path / "scratch"


def columns_of(store: Path, table: str) -> dict[str, str]:
    with db.reading(store) as connection:
        return {key: column.type for key, column in known(connection, table).items()}


def read(store: Path, table: str = "events") -> dict[Any, dict[str, Any]]:
    """Every row by its id: key to value, as the library reads them."""
    with db.reading(store) as connection:
        found = connection.execute(f"SELECT row_id FROM {quoted(table)} ORDER BY row_id").fetchall()
        kept: dict[Any, dict[str, Any]] = {name: {} for (name,) in found}
        for key in known(connection, table):
            held = query.values_of(connection, table, RUN, key)
            for name, value in zip(kept, held, strict=True):
                kept[name][key] = value
    return kept


def folded(store: Path, folder: Path, order: Sequence[Path] | None = None) -> int:
    if not store.exists():
        db.create(store)
    scratch = store.with_name("scratch")
    with db.writing(store, scratch, folder) as connection:
        found = sorted(folder.glob("*.jsonl")) if order is None else order
        return fold(connection, found, scratch).rows


@settings(max_examples=12, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), rows), min_size=1, max_size=8), st.data())
def test_any_order_and_any_pieces_give_the_same_rows(
    logged: list[tuple[int, dict[str, Any]]], data: st.DataObject
) -> None:
    """Rows of several writers, folded at any moments in any order, are all there, once."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        journals = [Journal(folder / "j", {}) for _ in range(3)]
        store = folder / "s.duckdb"
        expected: dict[Any, dict[str, Any]] = {}
        for writer, row in logged:
            journal = journals[writer]
            at = journal.row(RUN, "events", row)
            expected[row_id(at, journal._sequence, journal.writer)] = row
            if data.draw(st.booleans(), label="fold now"):
                folded(store, folder / "j", data.draw(st.permutations([j.path for j in journals])))
        for journal in journals:
            journal.close()
        folded(store, folder / "j")
        again = folded(store, folder / "j")
        found = read(store)

    assert again == 0
    assert found.keys() == expected.keys()
    for at, row in expected.items():
        for key, value in found[at].items():
            assert widens(row.get(key), value), (key, row.get(key), value)
        assert {key for key in row if row[key] is not None} <= found[at].keys()


@settings(max_examples=8, deadline=None)
@given(st.lists(rows, min_size=1, max_size=6), st.data())
def test_the_order_of_files_leaves_no_trace(
    logged: list[dict[str, Any]], data: st.DataObject
) -> None:
    """Two stores that folded the same journals at once, in different orders, hold equal tables."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        journals = [Journal(folder / "j", {}) for _ in range(2)]
        for place, row in enumerate(logged):
            journals[place % 2].row(RUN, "events", row)
        for journal in journals:
            journal.close()
        files = [journal.path for journal in journals]
        db.create(folder / "one.duckdb")
        folded(folder / "one.duckdb", folder, data.draw(st.permutations(files)))
        db.create(folder / "two.duckdb")
        folded(folder / "two.duckdb", folder, data.draw(st.permutations(files)))
        events = [read(folder / f"{name}.duckdb") for name in ("one", "two")]

    assert events[0].keys() == events[1].keys()
    for at in events[0]:
        assert alike(events[0][at], events[1][at])


_TABLES = ("events", "Events", "losses", "other", "\"odd'.", "é", "É", "t", "ſ")


@settings(max_examples=4, deadline=None)
@example([(table, {"loss": -0.0}) for table in _TABLES], False)
@given(
    st.lists(
        st.tuples(st.sampled_from(_TABLES), rows),
        min_size=1,
        max_size=16,
    ),
    st.booleans(),
)
def test_tables_read_together_are_as_if_read_one_by_one(
    logged: list[tuple[str, dict[str, Any]]], in_two: bool
) -> None:
    """Many tables of a fold are read at once: columns, rows and metrics are those of each alone."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        journal = Journal(folder / "j", {})
        found = []
        for place, several in enumerate((1, 1000)):
            for table, row in logged if not place else ():
                journal.row(RUN, table, row)
            store = folder / f"{several}.duckdb"
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("xvc.store.fold.SEVERAL", several)
                if in_two:
                    half = journal.path.read_bytes().splitlines(keepends=True)
                    (folder / "half").mkdir(exist_ok=True)
                    first = folder / "half" / journal.path.name
                    first.write_bytes(b"".join(half[: len(half) // 2]))
                    folded(store, first.parent)
                folded(store, folder / "j")
            with db.reading(store) as connection:
                (run,) = runs.load(connection) or [None]
                shapes = {
                    table: list(known(connection, table).values())
                    for table in sorted(tables(connection))
                }
            stored = [read(store, table) for table in shapes]
            found.append((run and run.metrics, run and run.metric_times, shapes, stored))
        journal.close()
    (metrics, times, shapes, stored), other = found

    assert shapes == other[2]
    assert times == other[1]
    assert alike(metrics, other[0])
    for mine, theirs in zip(stored, other[3], strict=True):
        assert mine.keys() == theirs.keys()
        assert all(alike(mine[at], theirs[at]) for at in mine)


@pytest.mark.parametrize(
    "logged",
    [
        [-BIG, BIG - 1],
        [BIG, 1 - HUGE, HUGE - 1, 0],
        [True, False, None],
        [math.nan, math.inf, -math.inf, -0.0, 5e-324, 1.7976931348623157e308],
        ["", "a\0b", "'\"", "NaN", "日本", "\u2028", "null"],
        [b"", b"\0\xff"],
        [datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999999)],
        [datetime(2020, 1, 1, tzinfo=timezone(timedelta(hours=-3)))],
        [date.min, date.max],
        [[], {}, [1, [2.5, {"a": None}]], {"$float": "nan"}, [b"x", math.nan]],
        [1, 2.5, True, "x", b"y", None, [1], {"a": math.nan}, date(2020, 1, 1)],
        [(1 << 53) + 1, 0.5],
        [0.5, 1 << 70, -1],
        ["x" * 2_000_000],
    ],
    ids=lambda logged: type(logged[0]).__name__,
)
def test_values_come_back_as_they_were(tmp_path: Path, logged: list[Any]) -> None:
    """Extremes of every type, alone in a column or mixed, are read back equal and of their type."""
    journal = Journal(tmp_path / "j", {})
    for value in logged:
        journal.row(RUN, "events", {"k": value})
    folded(tmp_path / "s.duckdb", tmp_path / "j")
    with db.reading(tmp_path / "s.duckdb") as connection:
        found = query.values_of(connection, "events", RUN, "k")

    assert len(found) == len(logged)
    assert all(map(alike, logged, found)), found


@pytest.mark.parametrize(
    ("logged", "column"),
    [
        ([1, 2], "BIGINT"),
        ([1, BIG], "HUGEINT"),
        ([1, 2.5], "DOUBLE"),
        ([1 << 53, 2.5], "DOUBLE"),
        ([(1 << 53) + 1, 2.5], "VARIANT"),
        ([2.5, 1 << 60], "VARIANT"),
        ([1, "x"], "VARIANT"),
        ([True, 1], "VARIANT"),
        ([None, None], "NULL"),
        ([None, 3], "BIGINT"),
        ([np.float32(1.5), 2], "DOUBLE"),
    ],
)
@pytest.mark.parametrize("at_once", [True, False])
def test_a_column_is_as_wide_as_its_values_need(
    tmp_path: Path, logged: list[Any], column: str, at_once: bool
) -> None:
    """A column's type depends on what it holds, not on how many folds brought it."""
    journal = Journal(tmp_path / "j", {})
    store = tmp_path / "s.duckdb"
    for value in logged:
        journal.row(RUN, "events", {"k": value})
        if not at_once:
            folded(store, tmp_path / "j")
    folded(store, tmp_path / "j")

    assert columns_of(store, "events") == {"k": column}


def test_a_thousand_keys_that_nearly_meet(tmp_path: Path) -> None:
    """Keys that differ by case, sign or script alone stay apart; rows of 0, 1 and 500 keys fit."""
    journal = Journal(tmp_path / "j", {})
    wide = {f"k{number}": number for number in range(500)}
    for row in ({key: key for key in KEYS}, {}, {"one": 1}, wide):
        journal.row(RUN, "events", row)
    folded(tmp_path / "s.duckdb", tmp_path / "j")
    first, empty, single, last = read(tmp_path / "s.duckdb").values()

    assert {key: first[key] for key in KEYS} == {key: key for key in KEYS}
    assert set(empty.values()) == {None}
    assert single["one"] == 1
    assert {key: last[key] for key in wide} == wide


@pytest.mark.parametrize(
    "table", ["track", "group", "default", "select", "a b", "x'y", 'q"z', "ünï", "main", "a\0b"]
)
def test_any_word_can_name_a_table(tmp_path: Path, table: str) -> None:
    """Tables and columns called like SQL words work, for DuckDB's own users too."""
    journal = Journal(tmp_path / "j", {})
    journal.row(RUN, table, {"order": 1, "group": 2})
    folded(tmp_path / "s.duckdb", tmp_path / "j")
    with db.reading(tmp_path / "s.duckdb") as connection:
        found = query.values_of(connection, table, RUN, "order")
        counts = query.row_counts(connection)

    assert found == [1]
    assert counts == {table: 1}


@pytest.mark.parametrize(
    "table", ["meta", "runs", "Columns", "folds", "environments", "edits", "assets", ""]
)
def test_a_table_of_the_store_is_refused(tmp_path: Path, table: str) -> None:
    """Rows never go into the tables that the store itself needs."""
    from xvc import Tracker

    with pytest.raises(BadValue, match="reserved"):
        Tracker(tmp_path / "s.duckdb", table=table)

    assert not (tmp_path / "s.duckdb").exists()


def test_the_id_in_sql_is_the_id_in_python(tmp_path: Path) -> None:
    """A row's id in the store is the one that `core.ids.row_id` computes; ids sort by time."""
    journal = Journal(tmp_path / "j", {})
    expected = []
    for number in range(300):
        at = journal.row(RUN, "events", {"n": number})
        expected.append(row_id(at, journal._sequence, journal.writer))
    folded(tmp_path / "s.duckdb", tmp_path / "j")
    with db.reading(tmp_path / "s.duckdb") as connection:
        found = connection.execute("SELECT row_id FROM events ORDER BY n").fetchall()

    assert [name for (name,) in found] == expected == sorted(expected)


def test_watermarks_follow_the_file(tmp_path: Path) -> None:
    """After a fold the store knows each writer's last record and byte, and reads no byte twice."""
    journal = Journal(tmp_path / "j", {})
    journal.row(RUN, "events", {"a": 1})
    folded(tmp_path / "s.duckdb", tmp_path / "j")
    size = journal.path.stat().st_size
    with db.reading(tmp_path / "s.duckdb") as connection:
        found = connection.execute("SELECT writer, sequence, position FROM folds").fetchall()

    assert found == [(journal.writer, journal._sequence, size)]


def test_a_newer_store_is_refused(tmp_path: Path) -> None:
    """A store of a newer schema is opened neither for reading nor for writing."""
    store = tmp_path / "s.duckdb"
    db.create(store)
    with duckdb.connect(str(store)) as connection:
        connection.execute("UPDATE meta SET value = '99' WHERE key = 'schema'")
    before = store.read_bytes()

    for opened in (db.reading, db.writing):
        with pytest.raises(TooNew) as caught, opened(store):
            pass
        assert caught.value.found == 99
    assert store.read_bytes() == before


def test_a_metric_survives_a_word_in_its_column(tmp_path: Path) -> None:
    """One run that logs a text under a metric's name takes that metric from no other run."""
    journal = Journal(tmp_path / "j", {})
    others = [RunId("c" * 12), RunId("d" * 12), RunId("f" * 12)]
    for run, value in zip(others, ("n/a", 0.5, BIG), strict=True):
        journal.row(run, "events", {"acc": value})
        folded(tmp_path / "s.duckdb", tmp_path / "j")
    with db.reading(tmp_path / "s.duckdb") as connection:
        found = [query.by_id(connection, run) for run in others]

    assert [run.metrics for run in found if run] == [{}, {"acc": 0.5}, {"acc": BIG}]


def test_the_last_value_counts_whoever_folds_it(tmp_path: Path) -> None:
    """The metric of a run is the last one logged, in one fold as in many."""
    journal = Journal(tmp_path / "j", {})
    numbers = count()
    results = []
    for pieces in (1, 3):
        store = tmp_path / f"{pieces}.duckdb"
        for value in (3.0, 1.0, 2.0):
            journal.row(RUN, "events", {"loss": value, "step": next(numbers)})
            if pieces == 3:
                folded(store, tmp_path / "j")
        folded(store, tmp_path / "j")
        with db.reading(store) as connection:
            run = query.by_id(connection, RUN)
        results.append(run.metrics["loss"] if run else None)

    assert results == [2.0, 2.0]


@pytest.mark.parametrize(
    "row",
    [
        {"": 1},
        {"a": object()},
        {"a": "\ud800"},
        {1: 2},
        {"a": [object()]},
        {"a": {"b": ...}},
    ],
    ids=["empty-key", "object", "half-a-character", "number-as-key", "object-in-list", "ellipsis"],
)
def test_a_bad_row_leaves_no_trace(tmp_path: Path, row: dict[str, Any]) -> None:
    """What cannot be read back is refused whole, and rows around it are kept."""
    journal = Journal(tmp_path / "j", {})
    journal.row(RUN, "events", {"a": 1})
    with pytest.raises(BadValue):
        journal.row(RUN, "events", {"good": 1, **row})
    journal.row(RUN, "events", {"a": 2})
    folded(tmp_path / "s.duckdb", tmp_path / "j")

    assert [found["a"] for found in read(tmp_path / "s.duckdb").values()] == [1, 2]


def test_two_trees_that_fold_at_once_keep_their_own_runs(tmp_path: Path) -> None:
    """Work trees share one scratch folder, and nothing in it by name."""

    def fold_often(tree: str) -> list[str]:
        store, folder = tmp_path / f"{tree}.duckdb", tmp_path / tree
        db.create(store)
        for number in range(30):
            journal = Journal(folder, {})
            journal.note(RecordKind.BEGIN, RunId(f"{tree}{number:08d}"), {"status": "running"})
            journal.close()
            with db.writing(store, tmp_path / "tmp", folder) as connection:
                fold(connection, journals(folder), tmp_path / "tmp")
        with db.reading(store) as connection:
            return sorted(run.id for run in query.all_runs(connection))

    with ThreadPoolExecutor() as pool:
        found = dict(zip(("main", "side"), pool.map(fold_often, ("main", "side")), strict=True))
    assert found == {
        tree: [f"{tree}{number:08d}" for number in range(30)] for tree in ("main", "side")
    }


def test_a_nested_key_with_a_nul_in_a_mixed_column(tmp_path: Path) -> None:
    """Keys of nested dicts are whole, whatever their column holds beside them."""
    rows = [{"k": True}, {"k": {"a\0b": 1}}, {"k": {"a": 2}}]
    journal = Journal(tmp_path / "j", {})
    for row in rows:
        journal.row(RUN, "events", row)
    journal.close()
    folded(tmp_path / "s.duckdb", tmp_path / "j")
    with db.reading(tmp_path / "s.duckdb") as connection:
        found = query.values_of(connection, "events", RUN, "k")

    assert found == [row["k"] for row in rows]
