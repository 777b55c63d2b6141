"""What a merge of tables does to rows, against a slow reference in plain Python."""

from __future__ import annotations

import math
import os
import struct
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xvc.core.account import Account
from xvc.core.table_merge import RowsRefused, Style
from xvc.store.db import on_files
from xvc.store.parquet import read_table
from xvc.store.parquet_merge import Meeting, merge_by_key, merge_rows
from xvc.store.parquet_union import unite
from xvc.store.parquet_write import expect_writable, write_table

Row = dict[str, object]
Joining = Callable[..., tuple[list[Row], Account]]
TYPES = {
    "key": pa.int64(),
    "f1-score": pa.float64(),
    "group": pa.list_(pa.float64()),
    "it's": pa.struct([("a", pa.string()), ("b", pa.list_(pa.int32()))]),
}
floats = st.sampled_from([0.0, -0.0, math.nan, math.inf, 0.1, None])
rows = st.fixed_dictionaries(
    {"key": st.integers(0, 3)},
    optional={
        "f1-score": floats,
        "group": st.none() | st.lists(floats, max_size=2),
        "it's": st.none()
        | st.fixed_dictionaries(
            {"a": st.sampled_from(["x", "", None]), "b": st.sampled_from([None, [], [1]])}
        ),
    },
)
tables = st.lists(rows, max_size=5)
histories = st.lists(tables, min_size=2, max_size=3)
many = settings(
    max_examples=int(os.environ.get("MERGE_EXAMPLES", "10")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def exact(value: object) -> object:
    """The value, so that equal ones have equal bits; any NaN is NaN."""
    if isinstance(value, float):
        return "nan" if math.isnan(value) else struct.pack(">d", value)
    if isinstance(value, list):
        return ("list", *map(exact, value))
    if isinstance(value, dict):
        return ("record", *((name, exact(value[name])) for name in sorted(value)))
    return value


def counted(table: Iterable[Row]) -> Counter[object]:
    """How often each row is there; a column that is not there is empty."""
    return Counter(tuple(exact(row.get(name)) for name in TYPES) for row in table)


def write(path: Path, table: Sequence[Row], order: Iterable[str] = TYPES) -> Path:
    """Write a table with the columns that its rows have, in some order."""
    names = [name for name in order if name == "key" or any(name in row for row in table)]
    arrays = {name: pa.array([row.get(name) for row in table], TYPES[name]) for name in names}
    pq.write_table(pa.table(arrays), path)
    return path


@pytest.fixture
def joined(tmp_path: Path) -> Joining:
    """Merge tables of Python rows; returns the rows of the result, and the account."""

    def run(history: Sequence[Sequence[Row]], *keys: str, **how: bool) -> tuple[list[Row], Account]:
        orders = [list(TYPES), list(reversed(TYPES)), list(TYPES)]
        paths = [
            write(tmp_path / f"{place}.parquet", table, orders[place])
            for place, table in enumerate(history)
        ]
        out, trial = tmp_path / "out.parquet", tmp_path / "trial.parquet"
        with on_files(out, tmp_path / "spill", "500MB") as connection:
            base, *others = (read_table(connection, path) for path in paths)
            shape = unite(connection, (base, *others), keys, {})
            expect_writable(connection, shape, trial)
            meeting = Meeting(connection, shape, base, tuple(others))
            decided = merge_by_key(meeting, keys, **how) if keys else merge_rows(meeting)
            write_table(meeting, decided, out, Style(), trial)
        return pq.read_table(out).to_pylist(), decided.account

    return run


def union(history: list[list[Row]]) -> Counter[object]:
    """The reference of a merge without a key: each row as often as where it is most."""
    wanted: Counter[object] = Counter()
    for table in history:
        wanted |= counted(table)
    return wanted


def by_key(history: list[list[Row]]) -> Counter[object] | None:
    """The reference of a merge by key; None where rows of one key differ."""
    distinct = counted(row for table in history for row in table).keys()
    per_key = Counter(row[0] for row in distinct)
    return None if any(count > 1 for count in per_key.values()) else Counter(distinct)


def rebased(history: list[list[Row]]) -> Counter[object]:
    """The reference of a rebase in which the later row of a key stands."""
    last = {row["key"]: row for table in history[1:] for row in table}
    kept = [row for row in history[0] if row["key"] not in last]
    return counted([*kept, *last.values()])


def united(history: list[list[Row]], joined: Joining) -> list[object]:
    """Merge without a key, merge again, and the other way round; with how many rows came again."""
    found, account = joined(history)
    again, twice = joined([found, *history[1:]])
    turned, _ = joined(history[::-1])
    return [*map(counted, (found, again, turned)), account.result, twice.taken]


def merged_by_key(history: list[list[Row]], joined: Joining) -> list[object]:
    """Merge by key, both ways round; None where that is refused."""
    done: list[object] = []
    for order in (history, history[::-1]):
        try:
            done.append(counted(joined(order, "key", replaces=False, takes_last=False)[0]))
        except RowsRefused:
            done.append(None)
    return done


def replaced(history: list[list[Row]], joined: Joining) -> list[object]:
    """Rebase, and rebase again; with how many rows came or went again."""
    found, account = joined(history, "key", replaces=True, takes_last=True)
    again, twice = joined([found, *history[1:]], "key", replaces=True, takes_last=True)
    moved = twice.taken + twice.replacing + twice.replaced
    return [counted(found), counted(again), account.result, moved]


@many
@given(history=histories)
def test_without_a_key_each_row_is_there_as_often_as_where_it_is_most(
    history: list[list[Row]], joined: Joining
) -> None:
    """Merging is the union of multisets: to the last bit, and in any order of the tables."""
    wanted = union(history)

    assert united(history, joined) == [wanted, wanted, wanted, wanted.total(), 0]


@many
@given(history=histories)
def test_with_a_key_rows_are_there_once_or_refused(
    history: list[list[Row]], joined: Joining
) -> None:
    """Equal rows of a key are one row; rows that differ are refused, in whichever table."""
    wanted = by_key(history)

    assert merged_by_key(history, joined) == [wanted, wanted]


@many
@given(history=histories)
def test_a_rebase_replaces_the_rows_of_its_keys_only(
    history: list[list[Row]], joined: Joining
) -> None:
    """Rows of other keys are kept, the later of several stands, a second time does nothing."""
    wanted = rebased(history)

    assert replaced(history, joined) == [wanted, wanted, wanted.total(), 0]


@pytest.mark.sweep
@pytest.mark.timeout(3600)
@settings(many, max_examples=500)
@given(history=histories)
def test_five_hundred_histories_of_tables(history: list[list[Row]], joined: Joining) -> None:
    """All of the above, for long."""
    whole, keyed, last = union(history), by_key(history), rebased(history)

    assert united(history, joined) == [whole, whole, whole, whole.total(), 0]
    assert merged_by_key(history, joined) == [keyed, keyed]
    assert replaced(history, joined) == [last, last, last.total(), 0]
