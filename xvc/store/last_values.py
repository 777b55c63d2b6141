"""The last number of each key among the rows of each run: what a run's metrics are made of."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from xvc.core.json_values import from_plain
from xvc.core.nested import MOST_TEXT, above, is_within, numbers_in
from xvc.core.run import RunRecord
from xvc.journal.codec import from_cell
from xvc.store import runs
from xvc.store.columns import Column, known, tables
from xvc.store.schema import NUMERIC, quoted
from xvc.store.system_table_checks import book_value
from xvc.types import Json, RunId

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_AT_ONCE = 20  # columns a query: with 500, DuckDB's planner takes 3 s, in pieces 0.2 s
_NESTED = ("JSON", "VARIANT")
_NUMBER = "'^(U?INT[0-9]+|DOUBLE|FLOAT|DECIMAL)'"  # SQL of a user's may bring any of them


@dataclass(frozen=True, slots=True)
class Last:
    """A number and when it was logged, in microseconds since the epoch."""

    value: int | float
    at: int


Numbers = dict[RunId, dict[str, Last]]
"""By run and key."""


def last_numbers(
    connection: DuckDBPyConnection,
    table: str,
    columns: Iterable[Column],
    where: str = "true",
    values: Sequence[object] = (),
) -> Numbers:
    """Find the last number under each column, for each run with rows that *where* chooses.

    Numbers in dicts are found by their path. A run that has such rows and no number is in the
    answer, with nothing.
    """
    columns = list(columns)
    numbers = [column for column in columns if column.type in (*NUMERIC, "VARIANT")]
    found: Numbers = {}
    for start in range(0, max(1, len(numbers)), _AT_ONCE):
        some = numbers[start : start + _AT_ONCE]
        picked = ", ".join(["track_id", *(part for each in some for part in _last(each))])
        query = f"SELECT {picked} FROM {quoted(table)} WHERE {where} GROUP BY track_id"
        for run, *cells in connection.execute(query, list(values)).fetchall():
            held = found.setdefault(RunId(run), {})
            for column, value, at in zip(some, cells[::2], cells[1::2], strict=True):
                if value is not None:
                    number = value if isinstance(value, int | float) else float(value)
                    held[column.key] = Last(number, int(at))
    for column in columns:
        if column.type in _NESTED:
            _last_nested(connection, table, column, where, values, found)
    return found


def _last_nested(
    connection: DuckDBPyConnection,
    table: str,
    column: Column,
    where: str,
    values: Sequence[object],
    found: Numbers,
) -> None:
    """Find the last number of each path in the dicts under a column.

    The last dict of each structure has them all, so that a few are read and not every row.
    """
    name = quoted(column.name)
    is_dict = f"starts_with(variant_typeof({name}), 'OBJECT')"
    text = name if column.type == "JSON" else f"CASE WHEN {is_dict} THEN {name}::JSON END"
    dicts = connection.execute(
        f"SELECT track_id, arg_max(said, row_id), epoch_us(max(timestamp)), max(row_id) AS latest "
        f"FROM (SELECT track_id, row_id, timestamp, {text} AS said FROM {quoted(table)} "
        f"WHERE {where}) WHERE json_type(said) = 'OBJECT' AND length(said::VARCHAR) <= {MOST_TEXT} "
        "GROUP BY track_id, json_structure(said) ORDER BY latest",
        list(values),
    ).fetchall()
    for run, said, at, _ in dicts:
        held = found.setdefault(RunId(run), {})
        for path, number in numbers_in(column.key, from_plain(from_cell(said))).items():
            if path not in held or at >= held[path].at:
                held[path] = Last(number, int(at))


def _last(column: Column) -> tuple[str, str]:
    name = quoted(column.name)
    if column.type != "VARIANT":
        # rows of one microsecond go by their sequence; by a UUID itself, arg_max makes 0.0 of -0.0
        last = f"arg_max({name}, row_id::VARCHAR)"
        return last, f"epoch_us(max(timestamp) FILTER ({name} IS NOT NULL))"
    is_number = f"FILTER (regexp_matches(variant_typeof({name}), {_NUMBER}))"
    return f"arg_max({name}, row_id) {is_number}", f"epoch_us(max(timestamp) {is_number})"


def in_all_tables(
    connection: DuckDBPyConnection,
    ids: Collection[RunId] | None = None,
    keys: Collection[str] | None = None,
) -> Numbers:
    """Find the last number of keys in whichever table, of the runs named; None means all."""
    where, values = "true", list[object]()
    if ids is not None:
        where, values = "track_id IN (SELECT unnest(?::VARCHAR[]))", [sorted(ids)]
    found: Numbers = {}
    for table in tables(connection):
        held = known(connection, table).values()
        columns = [each for each in held if keys is None or _is_near(each.key, keys)]
        if not columns:
            continue
        for run, numbers in last_numbers(connection, table, columns, where, values).items():
            own = found.setdefault(run, {})
            for key, last in numbers.items():
                if key not in own or last.at >= own[key].at:
                    own[key] = last
    for run, ways in summaries(connection, found).items():
        for key, way in ways.items():
            if key in found[run] and (value := _extreme(connection, run, key, way)) is not None:
                found[run][key] = Last(value, found[run][key].at)
    return found


def summaries(
    connection: DuckDBPyConnection, ids: Collection[RunId]
) -> dict[RunId, dict[str, str]]:
    """Read of which metrics not the last value counts, for each of these runs that has such."""
    found: dict[RunId, dict[str, str]] = {}
    names = connection.execute(
        "SELECT split_part(digest, ':', 2), facts FROM environments "
        "WHERE starts_with(digest, 'summary:') ORDER BY digest"
    ).fetchall()
    for run, facts in names:
        if run in ids:
            ways = cast("dict[str, str]", book_value(connection, "environments", facts))
            found.setdefault(RunId(run), {}).update(ways)
    return found


def _extreme(connection: DuckDBPyConnection, run: RunId, key: str, way: str) -> int | float | None:
    """Find the lowest or highest number of a key in the rows of a run; NaN is neither."""
    if way not in ("min", "max"):
        return None
    from xvc.store import table_queries  # late: most metrics are their last value

    numbers: list[int | float] = []
    for table in tables(connection):
        field = table_queries.known_field(table_queries.fields(connection, table), key)
        number = field.number if field is not None else None
        if field is None or number is None:
            continue
        own = field.sql if field.is_number else number
        query = (
            f"SELECT {way}({own}) FILTER (NOT isnan({number})) FROM {quoted(table)} "
            "WHERE track_id = ?"
        )
        row = connection.execute(query, [run]).fetchone()
        numbers += [row[0]] if row and row[0] is not None else []
    return (min if way == "min" else max)(numbers) if numbers else None


def summarised(connection: DuckDBPyConnection, touched: dict[RunId, RunRecord]) -> None:
    """Give runs the values of their metrics that count, where that is not the last one."""
    for run, ways in summaries(connection, touched).items():
        now = in_all_tables(connection, [run], set(ways)).get(run, {})
        touched[run] = with_numbers(touched[run], now.keys() & ways.keys(), now)


def _is_near(key: str, keys: Collection[str]) -> bool:
    """Whether what is under a key and what is under one of the others can be one metric."""
    return any(is_within(key, each) or is_within(each, key) for each in keys)


def is_param(key: str, params: Mapping[str, Json]) -> bool:
    """Whether a key names a param of a run, or a part of one: what every row has is no metric."""
    return key in params or any(isinstance(params.get(each), dict) for each in above(key))


def with_numbers(run: RunRecord, keys: Collection[str], now: Mapping[str, Last]) -> RunRecord:
    """Give a run the metrics that its rows have now under *keys*; one without a number goes."""
    metrics, times = dict(run.metrics), dict(run.metric_times)
    beside = {path for path in {*metrics, *now} if any(is_within(path, key) for key in keys)}
    for key in {*keys, *beside}:
        if is_param(key, run.params):
            continue
        if key in now:
            metrics[key], times[key] = now[key].value, now[key].at
        else:
            metrics.pop(key, None)
            times.pop(key, None)
    return replace(run, metrics=metrics, metric_times=times)


def follow(connection: DuckDBPyConnection, before: Numbers, *others: str) -> None:
    """Bring the runs' metrics in line with rows that were changed from outside.

    Args:
        connection: an open store.
        before: what `in_all_tables` said before the change.
        others: tables of runs beside ``runs`` that are to follow, too.
    """
    after = in_all_tables(connection)
    changed = {
        run: keys
        for run in {*before, *after}
        if (keys := _changed(before.get(run, {}), after.get(run, {})))
    }
    if not changed:
        return
    for table in ("runs", *others):
        chosen = "WHERE id IN (SELECT unnest(?::VARCHAR[]))"
        found = runs.load(connection, chosen, [sorted(changed)], table=table)
        told = [with_numbers(run, changed[run.id], after.get(run.id, {})) for run in found]
        runs.save(connection, told, table=table)


def _changed(before: Mapping[str, Last], after: Mapping[str, Last]) -> set[str]:
    return {key for key in {*before, *after} if before.get(key) != after.get(key)}
