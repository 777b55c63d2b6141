"""The last number of each key among the rows of each run: what a run's metrics are made of."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from xvc.core.run import RunRecord
from xvc.store import runs
from xvc.store.columns import Column, known, tables
from xvc.store.schema import NUMERIC, quoted
from xvc.types import RunId

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_AT_ONCE = 20  # columns a query: with 500, DuckDB's planner takes 3 s, in pieces 0.2 s
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

    A run that has such rows and no number is in the answer, with nothing.
    """
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
    return found


def _last(column: Column) -> tuple[str, str]:
    name = quoted(column.name)
    if column.type != "VARIANT":
        last = f"arg_max({name}, row_id)"  # rows of one microsecond go by their sequence
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
        columns = [each for each in held if keys is None or each.key in keys]
        if not columns:
            continue
        for run, numbers in last_numbers(connection, table, columns, where, values).items():
            own = found.setdefault(run, {})
            for key, last in numbers.items():
                if key not in own or last.at >= own[key].at:
                    own[key] = last
    return found


def with_numbers(run: RunRecord, keys: Collection[str], now: Mapping[str, Last]) -> RunRecord:
    """Give a run the metrics that its rows have now under *keys*; one without a number goes."""
    metrics, times = dict(run.metrics), dict(run.metric_times)
    for key in keys:
        if key in run.params:
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
