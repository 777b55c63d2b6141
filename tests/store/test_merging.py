"""Merging two stores loses nothing: held against a slow merge in plain Python."""

from __future__ import annotations

import itertools
import math
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xvc.core.ids import row_id
from xvc.core.merge import Choice, Side
from xvc.core.record import Kind
from xvc.errors import StoreCorrupt, TooNew
from xvc.journal.reader import journals
from xvc.journal.writer import Journal
from xvc.store import db
from xvc.store.fold import fold
from xvc.store.merge import Outcome, Source, merge_into
from xvc.types import RunId

RUN = RunId("bzk3nzk3r8d7")
IDS = [UUID(int=7 << 76 | 1 << 63 | number) for number in range(1, 9)]

Row = Mapping[str, Any]
History = dict[UUID, dict[str, Any]]

# Each column with values that DuckDB's own comparison or hash takes for one another.
VALUES: dict[str, tuple[str, list[Any]]] = {
    "loss": ("DOUBLE", [None, 0.0, -0.0, math.nan, math.inf, 0.1]),
    "Loss": ("BIGINT", [None, 0, 1, (1 << 53) + 1]),
    "tags": ("VARCHAR[]", [None, [], [None], ["a"], ["null"]]),
    "note": ("VARCHAR", [None, "", "null", "NULL", "it's"]),
    "mixed": ("VARIANT", [None, 1, 1.5, "1", "", True]),
}
COLUMN = {"Loss": "Loss_2"}

keys = st.sampled_from(sorted(VALUES))
edits = st.lists(
    st.tuples(
        st.sampled_from(["set", "set", "set", "new", "delete"]),
        st.sampled_from(IDS),
        keys,
        st.integers(0, 5),
    ),
    max_size=8,
)


def sign(value: Any) -> str:
    """Write a value so that different ones differ."""
    return f"{type(value).__name__} {value!r}"


def play(history: History, steps: Sequence[tuple[str, UUID, str, int]], room: int) -> History:
    """Carry out one side's edits; ``room`` keeps the new ids of the two sides apart."""
    rows = {key: dict(row) for key, row in history.items()}
    for number, (what, key, name, choice) in enumerate(steps):
        value = VALUES[name][1][choice % len(VALUES[name][1])]
        if what == "new":
            rows[UUID(int=key.int | (room + number) << 8)] = {name: value}
        elif what == "delete":
            rows.pop(key, None)
        elif key in rows:
            rows[key][name] = value
    return rows


def store(path: Path, rows: History, columns: Sequence[str] = tuple(VALUES)) -> Path:
    """Write a store that holds these rows."""
    db.create(path)
    with db.writing(path) as connection:
        connection.execute("CREATE TABLE events (row_id UUID, track_id VARCHAR, timestamp TIMESTAMPTZ)")
        connection.execute("INSERT INTO meta VALUES ('table', 'events')")
        taken: set[str] = set()
        for key in columns:
            kind = VALUES[key][0]
            name = f"{key}_2" if key.lower() in taken else key
            taken.add(name.lower())
            connection.execute(f'ALTER TABLE events ADD COLUMN "{name}" {kind}')
            connection.execute("INSERT INTO columns VALUES ('events', ?, ?, ?)", [key, name, kind])
        names = {key: name for key, name in connection.execute("SELECT key, column_name FROM columns").fetchall()}
        for key, row in rows.items():
            held = {k: v for k, v in row.items() if k in names}
            places = ", ".join(["row_id", *(f'"{names[k]}"' for k in held)])
            marks = ", ".join(["?", *(f"?::{VALUES[k][0]}" for k in held)])
            connection.execute(f"INSERT INTO events ({places}) VALUES ({marks})", [key, *held.values()])
    return path


def rows_of(path: Path) -> dict[UUID, dict[str, str]]:
    """Read a store's rows by logged key, each value as its sign; empty cells are left out."""
    with db.reading(path) as connection:
        names = dict(connection.execute("SELECT key, column_name FROM columns").fetchall())
        found = {}
        for key, column in names.items():
            for row, value in connection.execute(f'SELECT row_id, "{column}" FROM events').fetchall():
                found.setdefault(row, {})
                if value is not None:
                    found[row][key] = sign(value)
        return found


def slow(base: History | None, ours: History, theirs: History) -> tuple[dict, set]:
    """Merge in plain Python: rows that end well, and the places where both sides disagree."""
    merged: dict[UUID, dict[str, str]] = {}
    disputes: set[tuple[str, str | None]] = set()
    old = base or {}
    for key in {*ours, *theirs}:
        o, t, b = (_signs(side.get(key)) for side in (ours, theirs, old))
        if o is None or t is None:
            present, absent_had = (t, b) if o is None else (o, b)
            if b is None or present != b:
                merged[key] = present or {}
            if b is not None and present != b:
                disputes.add((str(key), None))
                if o is None:
                    del merged[key]
            continue
        row = {}
        for name in {*o, *t, *(b or {})}:
            values = [(side or {}).get(name) for side in (o, t, b)]
            mine, yours, was = values
            if mine == yours or (b is not None and yours == was):
                row[name] = mine
            elif b is not None and mine == was:
                row[name] = yours
            else:
                row[name] = mine
                disputes.add((str(key), name))
        merged[key] = {name: value for name, value in row.items() if value is not None}
    return merged, disputes


def _signs(row: Row | None) -> dict[str, str] | None:
    return None if row is None else {k: sign(v) for k, v in row.items() if v is not None}


def merge(folder: Path, ours: Path, theirs: Path, base: Path | None, choices: Any = None) -> tuple[Path, Outcome]:
    """Merge on a copy; returns it with the outcome."""
    copy = folder / f"merged-{len(list(folder.iterdir()))}.duckdb"
    shutil.copyfile(ours, copy)
    source = Source("them", theirs, theirs.name, base)
    return copy, merge_into(copy, source, choices or {}, folder)


@settings(max_examples=int(os.environ.get("XVC_HISTORIES", "40")), deadline=None)
@given(edits, edits, edits, st.booleans())
def test_a_merge_equals_the_slow_one(begin: Any, left: Any, right: Any, related: bool) -> None:
    """Random histories: the same rows, the same disputes, whichever side merges."""
    history = play({key: {"note": "null"} for key in IDS[:4]}, begin, 100)
    mine, yours = play(history, left, 200), play(history, right, 300)
    with TemporaryDirectory() as place:
        folder = Path(place)
        base = store(folder / "base.duckdb", history) if related else None
        ours, theirs = (store(folder / name, rows) for name, rows in (("o.duckdb", mine), ("t.duckdb", yours)))
        there, found = merge(folder, ours, theirs, base)
        back, again = merge(folder, theirs, ours, base)
        expected, disputes = slow(history if related else None, mine, yours)

        assert {(each.key, each.column) for each in found.conflicts} == disputes
        assert rows_of(there) == expected
        assert {each.place for each in again.conflicts} == {each.place for each in found.conflicts}
        flip = {each.place: Choice(Side.THEIRS) for each in again.conflicts}
        assert rows_of(merge(folder, theirs, ours, base, flip)[0]) == expected
        assert rows_of(back).keys() | {UUID(k) for k, c in disputes if c is None} == rows_of(there).keys() | {UUID(k) for k, c in disputes if c is None}


def test_a_case_of_this_module(tmp_path: Path) -> None:
    pass
