"""Named questions to an open store; every value is bound, nothing is written."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

from xvc.core.byte_text import as_text
from xvc.core.json_values import from_plain, to_plain
from xvc.core.record import environment_from
from xvc.core.run import Environment, RunRecord, Status
from xvc.core.run_inputs import is_digest
from xvc.errors import NoColumn
from xvc.journal.codec import from_cell, to_json
from xvc.store import runs
from xvc.store.columns import Column, is_held, known, tables
from xvc.store.schema import quoted
from xvc.store.system_table_checks import book_value
from xvc.types import Digest, Json, Nanoseconds, RunId

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_SECONDS = "seconds"
_OWN = {"track_id": "VARCHAR", "timestamp": "TIMESTAMP WITH TIME ZONE"}
_NEWEST = "ORDER BY started DESC NULLS LAST, id"
EXACT = 1 << 53
"""Integers below it are exact as floats, and so is what SQL says of their order."""

_TOLD_BY = 9  # conditions of a question
MANY = 3_000
"""So many runs are looked at one by one; of more the newest, and what SQL can say of all."""


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


def named_with(connection: DuckDBPyConnection, part: str) -> list[RunRecord]:
    """Read all runs whose given names have a text in them, newest first."""
    return runs.load(connection, f"WHERE contains(name, ?) {_NEWEST}", [part])


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


def has_metric(connection: DuckDBPyConnection, metric: str) -> bool:
    """Whether any run has a metric."""
    question = "SELECT 1 FROM runs WHERE json_exists(metrics, ?) LIMIT 1"
    return connection.execute(question, [pointer(metric)]).fetchone() is not None


def with_metric(connection: DuckDBPyConnection, metric: str) -> list[RunRecord]:
    """Read the runs that have a metric, newest first."""
    return runs.load(connection, f"WHERE json_exists(metrics, ?) {_NEWEST}", [pointer(metric)])


def foremost(
    connection: DuckDBPyConnection, metric: str, *, highest: bool, most: int
) -> list[RunRecord]:
    """Read the finished runs among which the first *most* by a metric are, newest first.

    Discarded ones are none of them.
    SQL compares as floats do: numbers that no float holds, and what is written as text, come along
    whatever they are.
    """
    order = "DESC" if highest else "ASC"
    found = connection.execute(
        f"""
        WITH held AS (
            SELECT id, started, json_type(metrics, $key) AS kind,
                try_cast(metrics ->> $key AS DOUBLE) AS number
            FROM runs WHERE status = 'finished' AND json_exists(metrics, $key)
                AND id NOT IN (SELECT unnest($gone::VARCHAR[]))
        ), judged AS (
            SELECT id, started, number, kind IN ('BIGINT', 'UBIGINT', 'DOUBLE')
                AND coalesce(isfinite(number) AND abs(number) < {EXACT}, false) AS is_exact
            FROM held WHERE kind NOT IN ('VARCHAR', 'BOOLEAN', 'NULL', 'ARRAY')
        )
        (SELECT id FROM judged WHERE is_exact
            ORDER BY number {order}, started NULLS FIRST, id LIMIT {int(most)})
        UNION ALL SELECT id FROM judged WHERE NOT is_exact
        """,
        {"key": pointer(metric), "gone": sorted(runs.discarded(connection))},
    ).fetchall()
    return by_ids(connection, [RunId(name) for (name,) in found])


def newest(connection: DuckDBPyConnection, most: int = MANY) -> list[RunRecord]:
    """Read the newest runs, the newest first."""
    return runs.load(connection, f"{_NEWEST} LIMIT {int(most)}")


def scores_around_one(connection: DuckDBPyConnection, metric: str) -> list[RunRecord]:
    """Read the number that runs have under a metric, how and when, and nothing else of them.

    None where all are at most one, or all are more: then they are on one scale.
    """
    found = connection.execute(
        """
        WITH held AS (
            SELECT id, status, epoch_us(started), try_cast(metrics ->> $key AS DOUBLE) AS number
            FROM runs WHERE json_type(metrics, $key) IN ('BIGINT', 'UBIGINT', 'DOUBLE')
        )
        SELECT * FROM held WHERE (SELECT min(number) <= 1 AND max(number) > 1 FROM held)
        """,
        {"key": pointer(metric)},
    ).fetchall()
    return [
        RunRecord(
            RunId(run),
            status=Status(status),
            started=None if began is None else Nanoseconds(began * 1000),
            metrics={metric: number},
        )
        for run, status, began, number in found
    ]


@dataclass(frozen=True, slots=True)
class RecordedFile:
    """A datum or an output that runs name, with the newest of these runs.

    The path of an output counts from the project's folder, that of data from the top of the tree.
    ``left_at`` is where a run left what was kept elsewhere as a model, from the project's folder.
    """

    run: RunId
    path: str
    digest: Digest
    size: int | None
    state: str | None
    is_output: bool
    left_at: str | None = None


_FILES = """
    SELECT arg_max(run, coalesce(started, epoch_ms(0))) AS run, file.key AS path,
        file.value->>'digest' AS digest, any_value(TRY_CAST(file.value->>'size' AS BIGINT)) AS size,
        file.value->>'state' AS state, is_output, file.value->>'left_at' AS left_at
    FROM (
        SELECT id AS run, started, data AS files, false AS is_output FROM runs
        UNION ALL SELECT id AS run, started, outs AS files, true AS is_output FROM runs
    ) AS named, json_each(named.files) AS file
    WHERE named.files::VARCHAR <> '{}' AND json_type(file.value) = 'OBJECT'
    GROUP BY ALL
    ORDER BY run DESC, path
"""


def recorded_files(connection: DuckDBPyConnection) -> list[RecordedFile]:
    """List what runs have read or left and DVC keeps: each content at each path once."""
    found = connection.execute(_FILES).fetchall()
    return [
        RecordedFile(RunId(run), path, Digest(digest), size, state, is_output, left_at)
        for run, path, digest, size, state, is_output, left_at in found
        if is_digest(str(digest))
    ]


def with_files(connection: DuckDBPyConnection) -> list[RunRecord]:
    """Read the runs that have read or left anything that DVC keeps."""
    return runs.load(connection, "WHERE data::VARCHAR <> '{}' OR outs::VARCHAR <> '{}'")


def with_outs_or_at_work(connection: DuckDBPyConnection, first: int, last: int) -> list[RunRecord]:
    """Read the runs that have left outputs, or that went on between two times in nanoseconds."""
    where = (
        "WHERE outs::VARCHAR <> '{}' OR (epoch_us(started) <= ? "
        "AND (finished IS NULL OR epoch_us(finished) >= ?))"
    )
    return runs.load(connection, f"{where} {_NEWEST}", [last // 1000 + 1, first // 1000 - 1])


def statuses(connection: DuckDBPyConnection) -> dict[str, int]:
    """Count the runs of each status."""
    return dict(connection.execute("SELECT status, count(*) FROM runs GROUP BY status").fetchall())


def span(connection: DuckDBPyConnection) -> tuple[int, int] | None:
    """Say when the first and the last run began, in nanoseconds; None when none says."""
    found = connection.execute("SELECT epoch_us(min(started)), epoch_us(max(started)) FROM runs")
    row = found.fetchone()
    return None if row is None or row[0] is None else (row[0] * 1000, row[1] * 1000)


def _is_simple(value: object) -> bool:
    """Whether a value is written the same way wherever it is written."""
    if isinstance(value, str):
        return value.isascii()
    if isinstance(value, int | float):
        return math.isfinite(value) and abs(value) < EXACT
    return value is None


def pointer(key: str) -> str:
    """Write a key as a JSON pointer (RFC 6901)."""
    return "/" + key.replace("~", "~0").replace("/", "~1")


def page(
    connection: DuckDBPyConnection, *, sort: str | None, descending: bool, limit: int | None
) -> list[RunRecord]:
    """Read runs, newest first or by a column of `sortable`; those without a value come last."""
    most = "" if limit is None else f"LIMIT {int(limit)}"
    return runs.load(connection, f"{_order(sort, descending=descending)} {most}")


def _order(sort: str | None, *, descending: bool) -> str:
    if sort is None:
        return _NEWEST
    value = "finished - started" if sort == _SECONDS else quoted(sort)
    return f"ORDER BY {value} {'DESC' if descending else 'ASC'} NULLS LAST, id"


def ordered(connection: DuckDBPyConnection, *, sort: str | None, descending: bool) -> list[RunId]:
    """List the ids of all runs as `page` has them."""
    order = _order(sort, descending=descending)
    return [RunId(n) for (n,) in connection.execute(f"SELECT id FROM runs {order}").fetchall()]


def in_turn(connection: DuckDBPyConnection, names: Sequence[RunId]) -> list[RunRecord]:
    """Read these runs, in this order; a row without an id, of a store from elsewhere, is none."""
    by_id = {run.id: run for run in by_ids(connection, names)}
    return [by_id[name] for name in names if name in by_id]


def alike(
    connection: DuckDBPyConnection, folder: str | None, params: Mapping[str, Json]
) -> list[RunRecord]:
    """Read the newest runs of a folder that have these simple params, among perhaps others."""
    where, values = _has_params(params)
    where = ["folder IS NOT DISTINCT FROM ?", *where]
    values = [folder and as_text(folder), *values]
    limits = f"{' AND '.join(where[:_TOLD_BY])} {_NEWEST} LIMIT {MANY}"
    return runs.load(connection, f"WHERE {limits}", values[: 2 * _TOLD_BY - 1])


def keys(connection: DuckDBPyConnection) -> list[str]:
    """List every metric and param key of any run."""
    found = connection.execute(
        "SELECT unnest(json_keys(metrics)) AS key FROM runs "
        "UNION SELECT unnest(json_keys(params)) FROM runs ORDER BY key"
    ).fetchall()
    return [key for (key,) in found if key is not None]


def param_values(connection: DuckDBPyConnection, key: str) -> list[Json]:
    """List what runs have under a param, each once."""
    found = connection.execute("SELECT DISTINCT params -> ? FROM runs", [pointer(key)]).fetchall()
    return [cast("Json", from_plain(from_cell(text))) for (text,) in found if text is not None]


def of_ideas(connection: DuckDBPyConnection) -> list[RunRecord]:
    """Read the runs that have an idea, put another right or were decided about, newest first.

    And what they build on. Of each only what makes the tree: when it began, its idea, its parent,
    what it puts right and what was decided.
    """
    lacking = runs.lacking(connection)
    names = ("idea", "fixes", "decision")
    picked = {name: "NULL::VARCHAR" if name in lacking else name for name in names}
    found = connection.execute(
        f"""
        WITH RECURSIVE said AS (
            SELECT id, started, nullif(parent, '') AS parent,
                {", ".join(f"{column} AS {name}" for name, column in picked.items())}
            FROM runs
        ), wanted(its) AS (
            SELECT id FROM said WHERE concat(idea, fixes, decision) <> ''
            UNION SELECT coalesce(said.parent, fixes) FROM said JOIN wanted ON id = its
        )
        SELECT id, epoch_us(started), parent, {", ".join(names)} FROM said
        WHERE id IN (SELECT its FROM wanted WHERE its IS NOT NULL) {_NEWEST}
        """
    ).fetchall()
    return [
        RunRecord(
            RunId(run),
            started=None if began is None else Nanoseconds(began * 1000),
            parent=None if parent is None else RunId(parent),
            idea=idea,
            fixes=None if fixes is None else RunId(fixes),
            decision=decision,
        )
        for run, began, parent, idea, fixes, decision in found
    ]


def count(connection: DuckDBPyConnection, status: str | None = None) -> int:
    """Count runs."""
    where, values = ("WHERE status = ?", [status]) if status else ("", [])
    found = connection.execute(f"SELECT count(*) FROM runs {where}", values).fetchone()
    return int(found[0]) if found else 0


def of_command(
    connection: DuckDBPyConnection,
    like: RunRecord,
    params: Mapping[str, Json] = MappingProxyType({}),
) -> list[RunRecord]:
    """Read the newest runs of a command in its folder that have these simple params.

    A seed makes it another command.
    """
    where, values = _has_params(params)
    where = ["command::VARCHAR = ?", "folder IS NOT DISTINCT FROM ?", *where]
    values = [to_json(list(like.command)), like.folder, *values]
    limits = f"{' AND '.join(where[:_TOLD_BY])} {_NEWEST} LIMIT {MANY}"
    return runs.load(connection, f"WHERE {limits}", values[: 2 * _TOLD_BY - 2])


def _has_params(params: Mapping[str, Json]) -> tuple[list[str], list[object]]:
    """Write conditions, of two values each, on params that are written the same way everywhere."""
    where, values = list[str](), list[object]()
    for key, value in params.items():
        if key.isascii() and _is_simple(value):
            where.append("(params -> ?)::VARCHAR = (?::JSON -> '$')::VARCHAR")
            values += [pointer(key), to_json(to_plain(value))]
    return where, values


def near(
    connection: DuckDBPyConnection, like: RunRecord, params: Mapping[str, Json]
) -> list[RunRecord]:
    """Read the newest runs; of more, those of a run's command and of its params, too."""
    found = newest(connection, MANY)
    if len(found) < MANY:
        return found
    more = [*of_command(connection, like), *alike(connection, like.folder, params)]
    each = {run.id: run for run in (*found, *more)}
    return sorted(each.values(), key=lambda run: (-(run.started or 0), run.id))


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
    found = connection.execute(f"SELECT id, hash(runs) FROM runs {_NEWEST}").fetchall()
    return {RunId(run): mark for run, mark in found}


def ids(connection: DuckDBPyConnection) -> set[RunId]:
    """List every run id."""
    return {RunId(name) for (name,) in connection.execute("SELECT id FROM runs").fetchall()}


def known_among(connection: DuckDBPyConnection, names: Iterable[RunId]) -> set[RunId]:
    """List which of these runs are in the store."""
    found = connection.execute(
        "SELECT id FROM runs WHERE id IN (SELECT unnest(?::VARCHAR[]))", [list(names)]
    ).fetchall()
    return {RunId(name) for (name,) in found}


def newest_among(
    connection: DuckDBPyConnection, names: Iterable[RunId], but: Iterable[RunId]
) -> RunId | None:
    """Name the newest finished run of these that is not among *but*."""
    found = connection.execute(
        "SELECT id FROM runs WHERE status = 'finished' AND id IN (SELECT unnest(?::VARCHAR[])) "
        f"AND id NOT IN (SELECT unnest(?::VARCHAR[])) {_NEWEST} LIMIT 1",
        [list(names), list(but)],
    ).fetchone()
    return RunId(found[0]) if found else None


def environment(connection: DuckDBPyConnection, digest: str | None) -> Environment | None:
    """Read an environment by its digest."""
    if digest is None:
        return None
    found = connection.execute(
        "SELECT facts FROM environments WHERE digest = ?", [digest]
    ).fetchone()
    return environment_from(book_value(connection, "environments", found[0])) if found else None


def shared_facts(connection: DuckDBPyConnection, beginning: str) -> dict[str, Json]:
    """Read the facts that runs share, by names that begin so."""
    found = connection.execute(
        "SELECT digest, facts FROM environments WHERE starts_with(digest, ?)", [beginning]
    ).fetchall()
    return {digest: book_value(connection, "environments", facts) for digest, facts in found}


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
    if not is_held(connection, table):
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
    is_there = key in _OWN and is_held(connection, table)
    return Column(key, key, _OWN[key]) if is_there else None


def last_row(connection: DuckDBPyConnection, table: str) -> dict[str, object]:
    """Read the last row by its time: every key that it has a value for; empty without a row."""
    if not is_held(connection, table):
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
        return from_plain(from_cell(value))
    return from_plain(cast("Json", value)) if isinstance(value, list | dict) else value
