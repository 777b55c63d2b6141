"""Named questions to an open store; every value is bound, nothing is written."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, cast

from xvc.core.objective import in_order
from xvc.core.plain import from_plain
from xvc.core.record import environment_from
from xvc.core.run import Environment, RunRecord
from xvc.errors import NoColumn
from xvc.journal.codec import from_json, to_json
from xvc.store import runs
from xvc.store.columns import Column, known, tables
from xvc.store.schema import quoted
from xvc.types import Json, RunId

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_SECONDS = "seconds"
_OWN = {"track_id": "VARCHAR", "timestamp": "TIMESTAMP WITH TIME ZONE"}
_NEWEST = "ORDER BY started DESC NULLS LAST, id"


def by_id(connection: DuckDBPyConnection, run: RunId) -> RunRecord | None:
    """Read one run."""
    found = runs.load(connection, "WHERE id = ?", [run])
    return found[0] if found else None


def by_prefix(connection: DuckDBPyConnection, prefix: str) -> list[RunId]:
    """List the ids that begin with *prefix*."""
    found = connection.execute(
        "SELECT id FROM runs WHERE starts_with(id, ?) ORDER BY id", [prefix]
    ).fetchall()
    return [RunId(name) for (name,) in found]


def by_given_name(connection: DuckDBPyConnection, name: str) -> RunRecord | None:
    """Read the newest run that was called so."""
    found = runs.load(connection, f"WHERE name = ? {_NEWEST} LIMIT 1", [name])
    return found[0] if found else None


def named_below(connection: DuckDBPyConnection, beginning: str) -> list[RunRecord]:
    """Read all runs whose given names begin so, newest first."""
    return runs.load(connection, f"WHERE starts_with(name, ?) {_NEWEST}", [beginning])


def latest(
    connection: DuckDBPyConnection,
    back: int,
    *,
    worktree: str | None = None,
    branch: str | None = None,
    status: str | None = None,
) -> RunRecord | None:
    """Read the run that began last, or *back* runs before it, among those that fit."""
    wanted = {"worktree": worktree, "branch": branch, "status": status}
    given = {column: value for column, value in wanted.items() if value is not None}
    where = " AND ".join(f"{column} = ?" for column in given) or "true"
    found = runs.load(
        connection, f"WHERE {where} {_NEWEST} LIMIT 1 OFFSET {int(back)}", list(given.values())
    )
    return found[0] if found else None


def with_metric(connection: DuckDBPyConnection, metric: str) -> list[RunRecord]:
    """Read the runs that have a metric, newest first."""
    return runs.load(connection, f"WHERE json_exists(metrics, ?) {_NEWEST}", [_pointer(metric)])


def _pointer(key: str) -> str:
    """Write a key as a JSON pointer (RFC 6901)."""
    return "/" + key.replace("~", "~0").replace("/", "~1")


def page(
    connection: DuckDBPyConnection, *, sort: str | None, descending: bool, limit: int | None
) -> list[RunRecord]:
    """Read runs, newest first or by a metric, param or column.

    Runs without a value come last, whichever way.
    """
    most = "" if limit is None else f"LIMIT {int(limit)}"
    if sort is None:
        return runs.load(connection, f"{_NEWEST} {most}")
    order = "DESC" if descending else "ASC"
    if sort in sortable():
        value = "finished - started" if sort == _SECONDS else quoted(sort)
        return runs.load(connection, f"ORDER BY {value} {order} NULLS LAST, id {most}")
    return _by_key(connection, sort, descending=descending, limit=limit)


def _by_key(
    connection: DuckDBPyConnection, key: str, *, descending: bool, limit: int | None
) -> list[RunRecord]:
    """Sort by a metric or a param as `in_order` does: SQL has neither our integers nor our NaN."""
    pointer = _pointer(key)
    found = connection.execute(
        "SELECT id, coalesce(metrics -> ?, params -> ?) FROM runs ORDER BY started NULLS FIRST, id",
        [pointer, pointer],
    ).fetchall()
    values = {RunId(n): from_plain(from_json(text)) if text else None for n, text in found}
    chosen = in_order(values, descending=descending)[:limit]
    read = runs.load(connection, "WHERE id IN (SELECT unnest(?::VARCHAR[]))", [chosen])
    by_id = {run.id: run for run in read}
    return [by_id[name] for name in chosen]


def keys(connection: DuckDBPyConnection) -> list[str]:
    """List every metric and param key of any run."""
    found = connection.execute(
        "SELECT unnest(json_keys(metrics)) AS key FROM runs "
        "UNION SELECT unnest(json_keys(params)) FROM runs ORDER BY key"
    ).fetchall()
    return [key for (key,) in found if key is not None]


def count(connection: DuckDBPyConnection, status: str | None = None) -> int:
    """Count runs."""
    where, values = ("WHERE status = ?", [status]) if status else ("", [])
    found = connection.execute(f"SELECT count(*) FROM runs {where}", values).fetchone()
    return int(found[0]) if found else 0


def of_command(connection: DuckDBPyConnection, like: RunRecord) -> list[RunRecord]:
    """Read the runs of a command in its folder, newest first; a seed makes it another command."""
    command = to_json(list(like.command))
    where = "WHERE command::VARCHAR = ? AND folder IS NOT DISTINCT FROM ?"
    return runs.load(connection, f"{where} {_NEWEST}", [command, like.folder])


def ids_in(connection: DuckDBPyConnection, worktree: str, since: int) -> set[RunId]:
    """List the runs that began in a work tree, from *since* on, in nanoseconds."""
    found = connection.execute(
        "SELECT id FROM runs WHERE worktree = ? AND epoch_us(started) >= ?",
        [worktree, since // 1000],
    ).fetchall()
    return {RunId(run) for (run,) in found}


def with_status(connection: DuckDBPyConnection, status: str) -> list[RunRecord]:
    """Read all runs of one status."""
    return runs.load(connection, f"WHERE status = ? {_NEWEST}", [status])


def all_runs(connection: DuckDBPyConnection) -> list[RunRecord]:
    """Read every run, newest first."""
    return runs.load(connection, _NEWEST)


def by_ids(connection: DuckDBPyConnection, wanted: Collection[RunId]) -> list[RunRecord]:
    """Read these runs, newest first."""
    where = f"WHERE id IN (SELECT unnest(?::VARCHAR[])) {_NEWEST}"
    return runs.load(connection, where, [list(wanted)])


def marks(connection: DuckDBPyConnection) -> dict[RunId, int]:
    """Map every run, newest first, to a number that another content gives another of.

    Only for comparing within one process: the numbers differ between versions of DuckDB.
    """
    found = connection.execute(
        f"SELECT id, hash(to_json(runs)::VARCHAR) FROM runs {_NEWEST}"
    ).fetchall()
    return {RunId(run): mark for run, mark in found}


def ids(connection: DuckDBPyConnection) -> set[RunId]:
    """List every run id."""
    return {RunId(name) for (name,) in connection.execute("SELECT id FROM runs").fetchall()}


def environment(connection: DuckDBPyConnection, digest: str | None) -> Environment | None:
    """Read an environment by its digest."""
    if digest is None:
        return None
    found = connection.execute(
        "SELECT facts FROM environments WHERE digest = ?", [digest]
    ).fetchone()
    return environment_from(from_json(found[0])) if found else None


def shared_facts(connection: DuckDBPyConnection, beginning: str) -> dict[str, Json]:
    """Read the facts that runs share, by names that begin so."""
    found = connection.execute(
        "SELECT digest, facts FROM environments WHERE starts_with(digest, ?)", [beginning]
    ).fetchall()
    return {digest: from_json(facts) for digest, facts in found}


def row_counts(connection: DuckDBPyConnection) -> dict[str, int]:
    """Count the rows of each event table."""
    counts = {}
    for table in tables(connection):
        found = connection.execute(f"SELECT count(*) FROM {quoted(table)}").fetchone()
        counts[table] = int(found[0]) if found else 0
    return counts


def sortable() -> tuple[str, ...]:
    """List the columns of runs by which a list can be sorted, and how long they took."""
    return *(
        n for n, kind in runs.COLUMNS.items() if kind != "JSON" and n not in runs.LATER
    ), _SECONDS


def rows_of(connection: DuckDBPyConnection, table: str, run: RunId | None) -> int:
    """Count the rows of a run, or of all, in an event table; 0 when there is no such table."""
    if table.lower() not in map(str.lower, tables(connection)):
        return 0
    where, values = _of_run(run)
    found = connection.execute(f"SELECT count(*) FROM {quoted(table)} {where}", values).fetchone()
    return int(found[0]) if found else 0


def _of_run(run: RunId | None) -> tuple[str, list[object]]:
    return ("", []) if run is None else ("WHERE track_id = ?", [run])


def values_of(
    connection: DuckDBPyConnection, table: str, run: RunId | None, key: str
) -> list[object]:
    """Read one key of the rows of a run, or of all, as they were logged, oldest first.

    None where a row lacks it. Unless they were logged as keys, too, ``track_id`` and
    ``timestamp`` are the table's own.

    Raises:
        NoColumn: the table has no such key.
    """
    column = column_of(connection, table, key)
    where, values = _of_run(run)
    found = connection.execute(
        f"SELECT {quoted(column.name)} FROM {quoted(table)} {where} ORDER BY row_id", values
    ).fetchall()
    return [as_logged(value, column.type) for (value,) in found]


def column_of(connection: DuckDBPyConnection, table: str, key: str) -> Column:
    """Find the column of a key; ``track_id`` and ``timestamp`` are as in `values_of`.

    Raises:
        NoColumn: the table has no such key.
    """
    held = known(connection, table)
    column = held.get(key) or _own_column(connection, table, key)
    if column is None:
        raise NoColumn(key, (*held, *_OWN))
    return column


def _own_column(connection: DuckDBPyConnection, table: str, key: str) -> Column | None:
    is_there = key in _OWN and table.lower() in map(str.lower, tables(connection))
    return Column(key, key, _OWN[key]) if is_there else None


def last_row(connection: DuckDBPyConnection, table: str) -> dict[str, object]:
    """Read the last row by its time: every key that it has a value for; empty without a row."""
    if table.lower() not in map(str.lower, tables(connection)):
        return {}
    held = known(connection, table)
    columns = [*held.values(), *(Column(key, key, kind) for key, kind in _OWN.items())]
    picked = ", ".join(quoted(column.name) for column in columns)
    found = connection.execute(
        f"SELECT {picked} FROM {quoted(table)} ORDER BY timestamp DESC, row_id DESC LIMIT 1"
    ).fetchone()
    pairs = zip(columns, found or (), strict=False)
    return {each.key: as_logged(value, each.type) for each, value in pairs if value is not None}


def as_logged(value: object, kind: str) -> object:
    """Undo what the journal did to a nested value; any other comes out of DuckDB as it went in."""
    if kind == "JSON" and isinstance(value, str):
        return from_plain(from_json(value))
    return from_plain(cast("Json", value)) if isinstance(value, list | dict) else value
