"""What another store has that this one lacks: its runs and rows by their ids. Reads only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast
from uuid import UUID

from xvc.core.edit import JournalValue
from xvc.core.record import facts_of
from xvc.core.run import RunRecord
from xvc.journal.codec import encode_value, to_json
from xvc.store import cell_edits
from xvc.store.columns import known, tables
from xvc.store.db import beside_it
from xvc.store.edits import deleted_runs, in_force
from xvc.store.query import all_runs, as_logged
from xvc.store.schema import quoted
from xvc.types import Json, RunId

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_AT_ONCE = 5000


@dataclass(frozen=True, slots=True)
class Kept:
    """One row of an event table, as it would be logged."""

    id: UUID
    run: RunId
    values: Mapping[str, object]


@dataclass(slots=True)
class Lack:
    """What is to be copied, and what is not.

    ``rows`` are of the runs ``of``; rows ``present`` are here and the same; runs ``deleted`` and
    ``hidden`` rows were deleted here; ``differing`` names what is not the same on both sides.
    """

    runs: list[RunRecord] = field(default_factory=list)
    rows: dict[str, list[UUID]] = field(default_factory=dict)
    of: set[RunId] = field(default_factory=set)
    present: int = 0
    deleted: set[RunId] = field(default_factory=set)
    hidden: int = 0
    differing: list[str] = field(default_factory=list)


def lacking(here: DuckDBPyConnection, there: DuckDBPyConnection, table: str | None) -> Lack:
    """Compare two stores; *table* leaves only its rows and their runs."""
    gone = deleted_runs(here)
    found = Lack()
    named: set[RunId] = set()
    for name in tables(there):
        if table is None or name.lower() == table.lower():
            named |= _compare_table(here, there, name, gone, found)
    mine = {run.id: run for run in all_runs(here)}
    for run in all_runs(there):
        if run.id in gone and (table is None or run.id in named):
            found.deleted.add(run.id)
        elif table is not None and run.id not in named:
            continue
        elif run.id not in mine:
            found.runs.append(run)
        elif to_json(_facts(run)) != to_json(_facts(mine[run.id])):
            found.differing.append(f"run {run.id}")
    return found


def _facts(run: RunRecord) -> Json:
    return dict(sorted(facts_of(run).items()))


def _compare_table(
    here: DuckDBPyConnection,
    there: DuckDBPyConnection,
    table: str,
    gone: set[RunId],
    found: Lack,
) -> set[RunId]:
    """Sort the rows of a table; returns the runs they are of."""
    is_here = table.lower() in {name.lower() for name in tables(here)}
    aside, emptied = _hidden(here, table)
    runs: set[RunId] = set()
    for batch in batches(there, table):
        runs |= {row.run for row in batch}
        alive = [row for row in batch if row.run not in gone]
        wanted = [row for row in alive if row.id not in aside and str(row.id) > emptied]
        found.hidden += len(alive) - len(wanted)
        mine = _by_id(here, table, [row.id for row in wanted]) if is_here else {}
        for row in wanted:
            if row.id not in mine:
                found.rows.setdefault(table, []).append(row.id)
                found.of.add(row.run)
            elif _is_same(row, mine[row.id]):
                found.present += 1
            else:
                found.differing.append(f"row {row.id} of {table}")
    return runs


def _hidden(connection: DuckDBPyConnection, table: str) -> tuple[set[UUID], str]:
    """List the deleted rows of a table, and name the last edit that emptied it."""
    if not cell_edits.has_aside(connection, table):
        return set(), ""
    found = connection.execute(f"SELECT row_id FROM set_aside.{quoted(table)}").fetchall()
    its = "kind = 'delete' AND lower(table_name) = lower(?)"
    emptied = [edit.id for edit in in_force(connection, its, [table])]
    return {name for (name,) in found}, max(emptied, default="")


def batches(connection: DuckDBPyConnection, table: str) -> Iterator[list[Kept]]:
    """Read a table's rows, some thousand at a time, in the order in which they were logged."""
    asked = beside_it(connection)  # its own: the caller asks other things in between
    yield from _read(asked, connection, table, "true", [])


def _by_id(connection: DuckDBPyConnection, table: str, ids: list[UUID]) -> dict[UUID, Kept]:
    where = "row_id IN (SELECT unnest(?::UUID[]))"
    found = _read(beside_it(connection), connection, table, where, [[str(name) for name in ids]])
    return {row.id: row for batch in found for row in batch}


def _read(
    asked: DuckDBPyConnection,
    connection: DuckDBPyConnection,
    table: str,
    where: str,
    values: list[object],
) -> Iterator[list[Kept]]:
    columns = list(known(connection, table).values())
    picked = ", ".join(["row_id", "track_id", *(quoted(column.name) for column in columns)])
    asked.execute(f"SELECT {picked} FROM {quoted(table)} WHERE {where} ORDER BY row_id", values)
    while rows := asked.fetchmany(_AT_ONCE):
        yield [
            Kept(
                name,
                RunId(run),
                {
                    c.key: as_logged(v, c.type)
                    for c, v in zip(columns, its, strict=True)
                    if v is not None
                },
            )
            for name, run, *its in rows
        ]


def _is_same(one: Kept, other: Kept) -> bool:
    if one.run != other.run or one.values.keys() != other.values.keys():
        return False
    return all(_typed(value).equals(_typed(other.values[key])) for key, value in one.values.items())


def _typed(value: object) -> JournalValue:
    tag, carried = encode_value("value", value)
    return JournalValue(tag, cast("Json", carried))
