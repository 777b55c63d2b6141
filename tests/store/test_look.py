"""Questions to a store: a filter means in SQL what it means of runs; figures and extremes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import cast

import pytest
from duckdb import DuckDBPyConnection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xvc.core.expression import And, Compare, Expression, Not, Operator, Or, Present
from xvc.core.filter import evaluate
from xvc.errors import BadQuery, BadValue
from xvc.journal.layout import Room
from xvc.journal.writer import Journal
from xvc.store import sql, validation_queries
from xvc.store import table_queries as look
from xvc.store.keeper import Keeper
from xvc.types import RunId

KEYS = ("whole", "broken", "truth", "text", "mixed", "Mixed")
ROWS: list[dict[str, object]] = [
    {"whole": 1, "broken": 0.5, "truth": True, "text": "svm", "mixed": 1, "Mixed": "a"},
    {"whole": 2, "broken": math.nan, "truth": False, "text": "", "mixed": "svm", "Mixed": True},
    {"whole": -3, "broken": math.inf, "text": "it's", "mixed": 0.5, "Mixed": 7},
    {"whole": (1 << 63) - 1, "broken": -1.0, "mixed": True, "text": "1"},
    {"mixed": math.nan, "truth": True},
    {"whole": 1 << 70, "broken": 1e300, "mixed": "1", "text": "SVM"},
]
VALUES = st.one_of(
    st.sampled_from([1, 2, 0.5, -3, "svm", "", "1", "sv", True, False, (1 << 63) - 1, 1 << 70]),
    st.integers(-5, 5),
    st.floats(),
)
LEAVES = st.one_of(
    st.builds(Compare, st.sampled_from(KEYS), st.sampled_from(Operator), VALUES),
    st.builds(Present, st.sampled_from(KEYS)),
)
FILTERS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(And, st.tuples(inner, inner)),
        st.builds(Or, st.tuples(inner, inner)),
    ),
    max_leaves=4,
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckDBPyConnection]:
    """A store that holds ROWS, in order."""
    folder: Path = tmp_path_factory.mktemp("look")
    room = Room(folder / "room")
    journal = Journal(room.journals, {})
    for number, row in enumerate(ROWS):
        journal.row(RunId("k7f3m2q9x1b4"), "events", {"number": number, **row})
    journal.close()
    with Keeper(folder / "a.duckdb", room, None).view() as connection:
        yield connection


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(FILTERS)
def test_a_filter_means_the_same_everywhere(store: DuckDBPyConnection, where: Expression) -> None:
    """The rows that SQL finds are those for which the filter of `xvc ls` holds."""
    wanted = look.WantedRows("events", ("number",), where)
    found = look.rows(store, wanted, None, newest=False).rows

    holds = [n for n, row in enumerate(ROWS) if evaluate(where, row.__getitem__)]  # type: ignore[arg-type]
    assert [number for (number,) in found] == holds


def test_null_is_what_is_not_there(store: DuckDBPyConnection) -> None:
    """In rows, a key that was not logged is null, and so it is not present."""
    for where in (Compare("truth", Operator.EQUAL, None), Not(Present("truth"))):
        wanted = look.WantedRows("events", ("number",), where)

        assert look.rows(store, wanted, None, newest=False).rows == ((2,), (3,), (5,))


def test_values_come_back_as_they_were_logged(store: DuckDBPyConnection) -> None:
    """Rows hold the values with their types, mixed columns included."""
    found = look.rows(store, look.WantedRows("events", KEYS), None, newest=True).rows

    logged = [tuple(row.get(key) for key in KEYS) for row in ROWS]
    assert repr(list(found)) == repr(logged)


@pytest.mark.parametrize(
    ("key", "largest", "numbers"),
    [
        ("broken", True, [2, 5, 0, 3]),
        ("broken", False, [3, 0, 5, 2]),
        ("whole", True, [5, 3, 1, 0, 2]),
        ("mixed", True, [0, 2]),
        ("text", False, [1, 3, 5, 2, 0]),
    ],
)
def test_extremes(
    store: DuckDBPyConnection, key: str, *, largest: bool, numbers: list[int]
) -> None:
    """Infinity is the largest number, NaN and what is no number are none."""
    wanted = look.WantedRows("events", ("number",))
    found = look.extremes(store, wanted, key, None, largest=largest)

    assert [number for (number,) in found.rows] == numbers
    assert found.total == len(numbers)


def test_figures_of_mixed_values(store: DuckDBPyConnection) -> None:
    """The numbers among mixed values are described; NaN is counted apart."""
    found = look.described(store, look.WantedRows("events", ("mixed", "truth")))
    mixed, truth = (dict(zip(found.columns, row, strict=True)) for row in found.rows)

    assert (mixed["values"], mixed["nan"], mixed["mean"], mixed["max"]) == (6, 1, 0.75, 1)
    assert (truth["values"], truth["missing"], truth["mean"]) == (3, 3, None)


def test_many_keys_are_described(tmp_path: Path) -> None:
    """Figures of more columns than one query takes belong each to its own."""
    room = Room(tmp_path / "room")
    journal = Journal(room.journals, {})
    journal.row(RunId("k7f3m2q9x1b4"), "events", {f"k{n}": n for n in range(130)})
    journal.close()
    with Keeper(tmp_path / "a.duckdb", room, None).view() as connection:
        found = look.about(connection, look.WantedRows("events")).rows

    assert [(row[0], row[5]) for row in found[3:]] == [(f"k{n}", n) for n in range(130)]


class Counting:
    """A connection that counts what it is asked."""

    def __init__(self, connection: DuckDBPyConnection) -> None:
        self.connection, self.asked = connection, 0

    def execute(self, *words: object) -> DuckDBPyConnection:
        self.asked += 1
        return self.connection.execute(*words)  # type: ignore[arg-type]


def test_a_wide_table_is_described_as_a_narrow_one_and_in_few_questions(tmp_path: Path) -> None:
    """Of each key the same figures as alone, whatever its type; filters and no rows included."""
    room = Room(tmp_path / "room")
    journal = Journal(room.journals, {})
    kinds = [1, 0.5, math.nan, "a", "", True, None, b"x", [1], {"a": 1}, date(2020, 1, 2)]
    for row in range(3):
        values = {f"k{n}": kinds[(n + row * (n % 37 == 0)) % 11] for n in range(400)}
        journal.row(RunId(f"k7f3m2q9x1b{row % 2}"), "events", {"row": row, **values})
    journal.close()
    with Keeper(tmp_path / "a.duckdb", room, None).view() as connection:
        counting = cast("DuckDBPyConnection", Counting(connection))
        for where in (
            None,
            Compare("row", Operator.AT_LEAST, 1),
            Compare("row", Operator.BELOW, 0),
        ):
            for ask in (look.described, look.about):
                wide = ask(counting, look.WantedRows("events", where=where)).rows
                shown = {str(row[0]): row for row in wide if str(row[0]).startswith("k")}
                for key in (f"k{n}" for n in range(0, 400, 37)):
                    (alone,) = ask(connection, look.WantedRows("events", (key,), where)).rows
                    assert repr(shown[key]) == repr(alone)
        every = validation_queries.logged(connection, "events")
        told = [*validation_queries.filled(counting, "events", every)]
        held = validation_queries.presence(counting, "events", every)
        for each in every[::37]:
            assert repr([*validation_queries.filled(connection, "events", [each])]) == repr(
                [one for one in told if one.field == each]
            )
            for run, keys in validation_queries.presence(connection, "events", [each]).items():
                assert (each.label in held[run]) is (each.label in keys)

    assert cast("Counting", counting).asked < 150  # 20 columns in each: 195


def test_many_tables_are_listed_by_one_look_at_their_columns(tmp_path: Path) -> None:
    """DuckDB lists the columns of all tables to name those of one: 10,000 took minutes."""
    room = Room(tmp_path / "room")
    journal = Journal(room.journals, {})
    for number in range(30):
        journal.row(RunId("k7f3m2q9x1b4"), f"t{number}", {f"k{n}": n for n in range(number)})
    journal.close()
    with Keeper(tmp_path / "a.duckdb", room, None).view() as connection:
        counting = Counting(connection)
        found = look.overview(cast("DuckDBPyConnection", counting)).rows

    shown = {row[0]: row[1:3] for row in found}
    assert [shown[f"t{n}"] for n in range(1, 30)] == [(1, 3 + n) for n in range(1, 30)]
    assert counting.asked == 3 + 2 * len(found)


def test_distinct_values_of_few_rows_are_counted(tmp_path: Path) -> None:
    """Each of 500 row ids is told; DuckDB's estimate is some of them off, even of six."""
    room = Room(tmp_path / "room")
    journal = Journal(room.journals, {})
    for number in range(500):
        journal.row(RunId("k7f3m2q9x1b4"), "events", {"n": number % 3})
    journal.close()
    with Keeper(tmp_path / "a.duckdb", room, None).view() as connection:
        found = look.about(connection, look.WantedRows("events")).rows

    assert {row[0]: row[4] for row in found if row[0] in ("row_id", "n")} == {"row_id": 500, "n": 3}


@pytest.mark.parametrize("name", ['a"b', "drop table x; --", "group", "ключ", "a.b"])
def test_names_are_never_sql(tmp_path: Path, name: str) -> None:
    """Tables and keys of any name are read by it."""
    room = Room(tmp_path / "room")
    journal = Journal(room.journals, {})
    journal.row(RunId("k7f3m2q9x1b4"), name, {name: 1})
    journal.close()
    with Keeper(tmp_path / "a.duckdb", room, None).view() as connection:
        wanted = look.WantedRows(name, (name,), Compare(name, Operator.EQUAL, 1))

        assert look.rows(connection, wanted, 1, newest=True).rows == ((1,),)
        assert look.described(connection, wanted).rows[0][0] == name
        assert look.points(connection, wanted, [name], name) == [("1", 1.0)]


def test_nested_values_have_no_order(tmp_path: Path) -> None:
    """The largest of dicts is not guessed."""
    room = Room(tmp_path / "room")
    journal = Journal(room.journals, {})
    journal.row(RunId("k7f3m2q9x1b4"), "events", {"nested": {"a": 1}})
    journal.close()
    with Keeper(tmp_path / "a.duckdb", room, None).view() as connection:
        wanted = look.WantedRows("events")
        with pytest.raises(BadValue, match="no order"):
            look.extremes(connection, wanted, "nested", 1, largest=True)


def test_columns_of_one_name_stay_apart(tmp_path: Path) -> None:
    """An answer in SQL never hides a column behind another."""
    room = Room(tmp_path / "room")
    with Keeper(tmp_path / "a.duckdb", room, None).view() as connection:
        found = sql.answer(connection, "SELECT 1 AS x, 2 AS x, 3.5 AS y", 10)

    assert (found.columns, found.rows) == (("x", "x_2", "y"), ((1, 2, 3.5),))


def test_a_failed_change_leaves_no_trace(tmp_path: Path) -> None:
    """When a statement fails, the file has the bytes that it had, and nothing lies beside."""
    room = Room(tmp_path / "room")
    keeper = Keeper(tmp_path / "a.duckdb", room, None)
    journal = Journal(room.journals, {})
    journal.row(RunId("k7f3m2q9x1b4"), "events", {"x": 1})
    journal.close()
    keeper.refresh()
    before = keeper.path.read_bytes()
    with pytest.raises(BadQuery):
        sql.change(keeper, "DELETE FROM events; INSERT INTO nowhere VALUES (1)", keeps=False)

    assert keeper.path.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.duckdb", "room"]
