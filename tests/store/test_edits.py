"""Edits: rows end up as logged and then edited in order of time, however the records arrive."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import permutations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xvc.core.edit import Edit, JournalValue, RowCondition, facts_of_edit
from xvc.core.ids import row_id
from xvc.core.record import RecordKind
from xvc.journal.codec import encode_value
from xvc.journal.writer import Journal
from xvc.store import db, query
from xvc.store.columns import known, tables
from xvc.store.fold import fold
from xvc.types import RunId

RUNS = (RunId("b" * 12), RunId("c" * 12))
RUN = RUNS[0]
TABLES = ("events", "other")
BIG = (1 << 53) + 1


def typed(value: Any) -> JournalValue:
    tag, carried = encode_value("k", value)
    return JournalValue(tag, carried)  # type: ignore[arg-type]


def setting(key: str, value: Any, table: str = "events", **said: Any) -> Edit:
    return Edit(RecordKind.VALUE, table=table, key=key, value=typed(value), **said)


def noted(journal: Journal, edit: Edit) -> str:
    return str(journal.note(edit.kind, None, facts_of_edit(edit)))


def folded(store: Path, journals: Iterable[Path]) -> None:
    scratch = store.with_name("scratch")
    folders = (scratch, *{path.parent for path in journals})
    opening = db.writing(store, *folders) if store.exists() else db.creating(store, 0, *folders)
    with opening as connection:
        fold(connection, journals, scratch)


def held(store: Path) -> dict[str, dict[str, dict[str, Any]]]:
    """Every table: row id to what the row holds, with its run; what is None is left out."""
    return state_of(store)[0]


def state_of(store: Path) -> tuple[dict[str, Any], dict[str, Any], dict[str, dict[str, str]]]:
    """What a store holds: its rows as `held` gives them, each run's metrics, and its columns."""
    with db.reading(store, is_known=True) as connection:
        rows = {table: _rows(connection, table) for table in tables(connection)}
        metrics = {run.id: dict(run.metrics) for run in query.all_runs(connection)}
        columns = {
            table: {key: column.type for key, column in known(connection, table).items()}
            for table in tables(connection)
        }
    return {table: its for table, its in rows.items() if its}, metrics, columns


def _rows(connection: Any, table: str) -> dict[str, dict[str, Any]]:
    its = connection.execute(f'SELECT row_id::VARCHAR, track_id FROM "{table}"').fetchall()
    rows: dict[str, dict[str, Any]] = {name: {"run": run} for name, run in its}
    for key in known(connection, table):
        for run in RUNS:
            ids = [name for name, its in sorted(rows.items()) if its["run"] == run]
            values = query.values_of(connection, table, run, key)
            for name, value in zip(ids, values, strict=True):
                if value is not None:
                    rows[name][key] = value
    return rows


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal as people mean it: 1 is 1.0, true is not 1, NaN is NaN."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, float) and isinstance(other, float) and math.isnan(one):
        return math.isnan(other)
    return bool(one == other)


@dataclass(frozen=True)
class Said:
    """An edit as it was asked for: its id, and its values as Python has them."""

    id: str
    edit: Edit
    value: Any = None
    wanted: Any = None

    def concerns(self, name: str, table: str, run: RunId, row: dict[str, Any]) -> bool:
        edit = self.edit
        if (
            edit.kind is RecordKind.UNDO
            or edit.table not in (None, table)
            or edit.run not in (None, run)
        ):
            return False
        held = edit.where is None or same(row.get(edit.where.key), self.wanted)
        return held and (name < self.id or edit.is_tombstone)


@dataclass
class Told:
    """What was recorded, and what it must come to."""

    rows: list[tuple[str, str, RunId, dict[str, Any]]] = field(default_factory=list)
    edits: list[Said] = field(default_factory=list)

    def outcome(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Change every row by every edit in force behind it, in order: the rule, in a few lines."""
        gone: set[str | None] = set()
        for said in reversed(self.edits):
            if said.edit.kind is RecordKind.UNDO and said.id not in gone:
                gone.add(said.edit.undone)
        force = [said for said in self.edits if said.id not in gone]
        found: dict[str, dict[str, dict[str, Any]]] = {}
        for name, table, run, values in self.rows:
            row: dict[str, Any] | None = dict(values)
            for said in force:
                if row is not None and said.concerns(name, table, run, row):
                    deletes = said.edit.kind is RecordKind.DELETE
                    row = None if deletes else {**row, str(said.edit.key): said.value}
            if row is not None:
                its = {key: value for key, value in row.items() if value is not None}
                found.setdefault(table, {})[name] = {**its, "run": run}
        return found


KEYS = ("a", "A")
VALUES = (
    *(0, 1, -3, BIG, 1 << 70, True, False, 0.5, 1.0, 2.0**60, math.inf, "1", "x", "", b"\0"),
    *(None, date(2020, 1, 1), datetime(2020, 1, 1, tzinfo=UTC), [1, {"a": None}], {"b": 2.5}),
)
single = st.sampled_from([value for value in VALUES if not isinstance(value, list | dict)])
acts = st.one_of(
    st.tuples(
        st.just("row"),
        st.sampled_from(TABLES),
        st.sampled_from(RUNS),
        st.dictionaries(st.sampled_from(KEYS), st.sampled_from(VALUES), max_size=2),
    ),
    st.tuples(
        st.just("set"),
        st.just("events"),
        st.sampled_from([*RUNS, None]),
        st.tuples(st.sampled_from(KEYS), st.sampled_from(VALUES)),
        st.none() | st.tuples(st.sampled_from(KEYS), single),
    ),
    st.tuples(st.just("delete"), st.sampled_from(RUNS)),
    st.tuples(st.just("reset"), st.sampled_from(TABLES)),
    st.tuples(st.just("undo"), st.integers(0, 5)),
)


def record(journal: Journal, act: tuple[Any, ...], told: Told) -> None:
    kind, *rest = act
    if kind == "row":
        table, run, values = rest
        at = journal.row(run, table, values)
        name = str(row_id(at, journal._sequence, journal.writer))
        told.rows.append((name, table, run, values))
        return
    said: tuple[Any, ...] = ()
    if kind == "set":
        table, run, (key, value), where = rest
        said = (value, where[1] if where else None)
        condition = RowCondition(where[0], typed(where[1])) if where else None
        edit = setting(key, value, table, run=run, where=condition)
    elif kind == "delete":
        edit = Edit(RecordKind.DELETE, run=rest[0])
    elif kind == "reset":
        edit = Edit(RecordKind.DELETE, table=rest[0])
    elif not told.edits:
        return
    else:
        edit = Edit(RecordKind.UNDO, undone=told.edits[rest[0] % len(told.edits)].id)
    told.edits.append(Said(noted(journal, edit), edit, *said))


def agrees(found: Any, expected: Any) -> bool:
    if isinstance(expected, dict) and isinstance(found, dict):
        keys = found.keys() == expected.keys()
        return keys and all(agrees(found[key], expected[key]) for key in expected)
    return same(found, expected)


histories = st.lists(st.tuples(st.integers(0, 2), acts), min_size=1, max_size=10)


@settings(max_examples=6, deadline=None)
@given(histories, st.data())
def test_any_order_and_any_pieces_give_the_same_tables(
    recorded: list[tuple[int, tuple[Any, ...]]], data: st.DataObject
) -> None:
    """Rows, values set, deletions and undoing by three writers come to the same, however folded.

    Some journals wait while others are folded: edits come before their rows, and after later ones.
    """
    folded_in_any_order(recorded, data)


@pytest.mark.sweep
@pytest.mark.timeout(3600)
@settings(max_examples=250, deadline=None)
@given(histories, st.data())
def test_any_order_gives_the_same_tables_for_long(
    recorded: list[tuple[int, tuple[Any, ...]]], data: st.DataObject
) -> None:
    """As above, for long."""
    folded_in_any_order(recorded, data)


def folded_in_any_order(recorded: list[tuple[int, tuple[Any, ...]]], data: st.DataObject) -> None:
    """Fold what was recorded in pieces, again, and at once; hold each against what it comes to."""
    told = Told()
    with TemporaryDirectory() as name:
        folder = Path(name)
        journals = [Journal(folder / "j", {}) for _ in range(3)]
        paths = [journal.path for journal in journals]
        pieces, whole = folder / "pieces.duckdb", folder / "whole.duckdb"
        for writer, act in recorded:
            record(journals[writer], act, told)
            some = data.draw(st.sets(st.sampled_from(range(3))), label="fold now")
            if some:
                folded(pieces, [paths[place] for place in some])
        folded(pieces, data.draw(st.permutations(paths)))
        before = held(pieces)
        folded(pieces, paths)
        folded(whole, data.draw(st.permutations(paths)))
        found, numbers, shapes = zip(state_of(pieces), state_of(whole), strict=True)

    assert agrees(before, told.outcome()), (before, told.outcome())
    assert agrees(found[0], before)
    assert agrees(found[1], before), (found[1], before)
    assert agrees(*numbers)
    assert shapes[0] == shapes[1]


def test_a_column_that_is_widened_as_rows_are_put_back(tmp_path: Path) -> None:
    """A deleted run stays deleted when an undo, a row of it and other values come in one fold."""
    told, deleted = Told(), RunId(RUNS[0])
    one, other = (Journal(tmp_path / "j", {}) for _ in range(2))
    record(one, ("row", "other", deleted, {}), told)
    record(one, ("delete", deleted), told)
    record(one, ("set", "events", deleted, ("a", 0), None), told)
    record(one, ("reset", "events"), told)
    folded(tmp_path / "store.duckdb", [one.path])
    record(one, ("row", "events", RUNS[1], {"a": "x", "A": 0}), told)
    record(one, ("row", "events", deleted, {}), told)
    record(other, ("undo", 2), told)
    folded(tmp_path / "store.duckdb", [one.path, other.path])

    assert agrees(held(tmp_path / "store.duckdb"), told.outcome())


def a_set(key: str, value: Any, where: tuple[str, Any] | None = None) -> tuple[Any, ...]:
    return "set", "events", RUN, (key, value), where


def a_row(**values: Any) -> tuple[Any, ...]:
    return "row", "events", RUN, values


@pytest.mark.parametrize(
    "recorded",
    [
        [(0, a_row(a=0)), (1, a_set("a", 1)), (2, a_set("a", 2))],
        [(0, a_row(a=0)), (1, a_set("a", 1)), (2, a_set("A", 5, ("a", 0)))],
        [(0, a_row(a=0)), (1, a_set("a", 1)), (2, a_set("A", 5, ("a", 1)))],
        [(0, a_set("a", 1)), (0, a_set("A", 5, ("a", 1))), (0, a_set("a", 2)), (1, a_row(a=0))],
        [(0, a_row(a=0)), (0, a_set("a", 1)), (0, a_set("A", 5, ("a", 1))), (0, a_set("a", 2))],
        [(0, a_row(a=0)), (1, ("delete", RUN)), (2, a_row(a=1)), (0, a_row(a=2))],
        [(0, a_row(a=0)), (1, ("reset", "events")), (2, a_row(a=1)), (0, a_set("a", 3))],
        [(0, a_row(a=BIG)), (0, a_set("a", 1)), (1, a_row(a=0.5)), (2, ("undo", 0))],
        [(0, a_row(a=BIG)), (0, ("reset", "events")), (1, a_row(a=0.5)), (2, ("undo", 0))],
        [(0, a_row(a=0)), (1, a_set("a", 1)), (2, ("undo", 0)), (1, ("undo", 1))],
    ],
)
def test_every_order_of_arrival_comes_to_the_same(
    tmp_path: Path, recorded: list[tuple[int, tuple[Any, ...]]]
) -> None:
    """Late rows, late edits, conditions on what was set, undoing: in all orders of writers."""
    told = Told()
    journals = [Journal(tmp_path / "j", {}) for _ in range(3)]
    for writer, act in recorded:
        record(journals[writer], act, told)
    found = []
    for number, order in enumerate(permutations(journal.path for journal in journals)):
        store = tmp_path / f"{number}.duckdb"
        for path in order:
            folded(store, [path])
        found.append(state_of(store))

    assert all(agrees(rows, told.outcome()) for rows, _, _ in found), (found, told.outcome())
    assert all(agrees(numbers, found[0][1]) for _, numbers, _ in found)
    assert all(shape == found[0][2] for _, _, shape in found)


ALIKE = (0.0, -0.0, 0, False, math.nan, 1.0, True, None)


def test_values_that_sql_takes_for_equal_are_set_and_put_back(tmp_path: Path) -> None:
    """0.0 becomes -0.0 and 1 true, and the reverse; undone, each is as it was logged."""
    pairs = {f"k{n}": pair for n, pair in enumerate((a, b) for a in ALIKE for b in ALIKE)}
    journal, store, told = Journal(tmp_path / "j", {}), tmp_path / "a.duckdb", Told()
    table, run = TABLES[0], RUNS[0]
    record(journal, ("row", table, run, {key: logged for key, (logged, _) in pairs.items()}), told)
    folded(store, [journal.path])

    for key, (_, other) in pairs.items():
        record(journal, ("set", table, run, (key, other), None), told)
    folded(store, [journal.path])
    (changed,) = held(store)[table].values()
    for place in range(len(pairs)):
        record(journal, ("undo", place), told)
        told.edits.pop()  # it is no edit that a further undo counts
    folded(store, [journal.path])
    (undone,) = held(store)[table].values()

    expected = {key: (_exact(logged), _exact(other)) for key, (logged, other) in pairs.items()}
    found = {key: (_exact(undone.get(key)), _exact(changed.get(key))) for key in pairs}
    assert found == expected


def _exact(value: object) -> str:
    """Tell a number with its sign; 1 and 1.0 may share a column of floats."""
    return repr(float(value) if type(value) is int else value)
