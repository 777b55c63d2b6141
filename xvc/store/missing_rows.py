"""What another store has that this one lacks: its runs and rows by their ids. Changes neither.

The rows of both are paired as a merge pairs them, so that both tell the same values apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from xvc.core.name_words import catalog_name
from xvc.core.record import facts_of
from xvc.core.run import RunRecord
from xvc.errors import StoreCorrupt
from xvc.journal.codec import to_json
from xvc.store import cell_edits, db
from xvc.store.alignment import OURS, THEIRS, MergedTable, align
from xvc.store.columns import known, tables
from xvc.store.edits import deleted_runs, in_force
from xvc.store.merge import pair_rows
from xvc.store.query import as_logged, by_ids
from xvc.store.rebase import RowsDoubled
from xvc.store.schema import literal, quoted, same_name
from xvc.types import RunId

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_AT_ONCE = 5000


@dataclass(frozen=True, slots=True)
class LoggedRow:
    """One row of an event table, as it would be logged."""

    id: UUID
    run: RunId
    values: Mapping[str, object]


@dataclass(slots=True)
class MissingRows:
    """What is to be copied, and what is not: of a run that had not ended here, its end.

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


def missing_rows(ours: Path, theirs: Path, table: str | None) -> MissingRows:
    """Compare two stores; *table* leaves only its rows and their runs.

    Args:
        ours: a private copy of this store: its columns are made to hold what the other one has.
        theirs: the other store.
        table: an event table of theirs.

    Raises:
        RowsDoubled: rows of one side have doubled or empty ids, so that they cannot be paired.
        StoreComputes: one holds more than plain tables.
        StoreBusy: another program writes to the other store.
        StoreCorrupt: one does not open, is no store, or lacks a table of its own.
        TooNew: a newer xvc wrote one.
    """
    with db.side_by_side({OURS: ours, THEIRS: theirs}, OURS, ours.parent) as connection:
        paired = {catalog_name(each.name): each for each in align(connection, (OURS, THEIRS))}
        connection.execute(f"USE {THEIRS}")
        listed = [catalog_name(name) for name in tables(connection)]
        names = [name for name in listed if table is None or name == catalog_name(table)]
        for name in names:
            if name not in paired or THEIRS not in paired[name].names:
                raise StoreCorrupt(str(theirs), f"its table {name} is missing")
        wanted = [paired[name] for name in names]
        connection.execute(f"USE {OURS}")
        found = MissingRows()
        gone = sorted(deleted_runs(connection))
        connection.execute("CREATE TEMP TABLE gone AS SELECT unnest(?::VARCHAR[]) AS run", [gone])
        connection.execute("CREATE TEMP TABLE concerned (run VARCHAR)")
        for each in wanted:
            _sort_rows(connection, each, found)
        _sort_runs(connection, paired["runs"], found, has_all=table is None)
        return found


def _sort_rows(connection: DuckDBPyConnection, table: MergedTable, found: MissingRows) -> None:
    """Sort their rows of an event table: missing, present, hidden or differing."""
    _pair(connection, table)
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE rows AS SELECT k AS id, run, CASE "
        f"WHEN {_is_hidden(connection, table.name)} THEN 'hidden' WHEN orow IS NULL THEN 'missing' "
        f"WHEN is_equal THEN 'present' ELSE 'differing' END AS fate "
        f"FROM pairs JOIN (SELECT rowid AS its, track_id AS run FROM {table.at(THEIRS)}) "
        "ON its = trow"
    )
    connection.execute("INSERT INTO concerned SELECT DISTINCT run FROM rows")
    connection.execute("DELETE FROM rows WHERE run IN (FROM gone)")
    counts = dict(connection.execute("SELECT fate, count(*) FROM rows GROUP BY 1").fetchall())
    found.hidden += counts.get("hidden", 0)
    found.present += counts.get("present", 0)
    if counts.get("missing"):
        missing = "SELECT id, run FROM rows WHERE fate = 'missing' ORDER BY id"
        rows = connection.execute(missing).fetchall()
        found.rows[table.name] = [row for row, _ in rows]
        found.of |= {RunId(run) for _, run in rows}
    differing = "SELECT id FROM rows WHERE fate = 'differing' ORDER BY id"
    its = connection.execute(differing).fetchall()
    found.differing += [f"row {row} of {table.name}" for (row,) in its]


def _pair(connection: DuckDBPyConnection, table: MergedTable) -> None:
    """Write the rows of both sides into ``pairs``, each of theirs with one of ours at the most."""
    pair_rows(connection, table)
    found = connection.execute(
        "SELECT count(*), count(DISTINCT k) FROM pairs WHERE trow IS NOT NULL"
    ).fetchone()
    if table.key is None or found is None or found[0] != found[1]:
        raise RowsDoubled(table.name)


def _is_hidden(connection: DuckDBPyConnection, table: str) -> str:
    """Write the condition that a row was deleted here: alone, or when its table was emptied."""
    if not cell_edits.has_aside(connection, table):
        return "false"
    its = f"kind = 'delete' AND {same_name('table_name')}"
    emptied = max((edit.id for edit in in_force(connection, its, [table])), default=None)
    aside = f"k IN (SELECT row_id FROM {OURS}.set_aside.{quoted(table)})"
    return aside if emptied is None else f"({aside} OR k <= {literal(emptied)}::UUID)"


def _sort_runs(
    connection: DuckDBPyConnection, table: MergedTable, found: MissingRows, *, has_all: bool
) -> None:
    """Sort their runs, all or those of the rows: missing, deleted here, or differing."""
    _pair(connection, table)
    among = "true" if has_all else "k IN (FROM concerned)"
    rows = connection.execute(
        "SELECT k, k IN (FROM gone), orow IS NULL FROM pairs "
        f"WHERE trow IS NOT NULL AND is_equal IS NOT TRUE AND {among}"
    ).fetchall()
    found.deleted = {RunId(run) for run, is_gone, _ in rows if is_gone}
    alive = [(RunId(run), is_missing) for run, is_gone, is_missing in rows if not is_gone]
    changed = [run for run, is_missing in alive if not is_missing]
    ours = {run.id: run for run in by_ids(connection, changed)}
    connection.execute(f"USE {THEIRS}")
    found.runs = by_ids(connection, [run for run, is_missing in alive if is_missing])
    for run in by_ids(connection, changed):
        if _facts(run) == _facts(ours[run.id]):  # it is written otherwise, and says the same
            continue
        if not _goes_on(ours[run.id], run):
            found.differing.append(f"run {run.id}")
        elif run.status.is_final:
            found.runs.append(run)


def _goes_on(ours: RunRecord, theirs: RunRecord) -> bool:
    """Whether ours is what was copied of a run that had not ended: of its end we know nothing."""
    begun = (ours.started, ours.host, ours.owner)
    return not ours.status.is_final and begun == (theirs.started, theirs.host, theirs.owner)


def _facts(run: RunRecord) -> str:
    return to_json(dict(sorted(facts_of(run).items())))


def read_rows(
    connection: DuckDBPyConnection, table: str, ids: Sequence[UUID]
) -> Iterator[LoggedRow]:
    """Read these rows of an open store, some thousand at a time."""
    columns = list(known(connection, table).values())
    picked = ", ".join(["row_id", "track_id", *(quoted(column.name) for column in columns)])
    asked = f"SELECT {picked} FROM {quoted(table)} WHERE row_id IN (SELECT unnest(?::UUID[]))"
    for first in range(0, len(ids), _AT_ONCE):
        some = [str(row) for row in ids[first : first + _AT_ONCE]]
        for row, run, *its in connection.execute(f"{asked} ORDER BY row_id", [some]).fetchall():
            pairs = zip(columns, its, strict=True)
            values = {c.key: as_logged(v, c.type) for c, v in pairs if v is not None}
            yield LoggedRow(row, RunId(run), values)
