"""Edits: what was set and deleted after it was logged, kept for ever and applied in order of time.

A row has what was logged, changed by every edit in force that came after it. Mostly edits and rows
arrive in order, and each is applied once; an edit that comes late, or takes another back, has the
rows of its run put back as they were logged and all their edits applied again. So the same journals
give the same tables, in any order and any pieces.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xvc.core.edit import EDITING, Edit, JournalValue, RowCondition, cancelled, edit_from, effective
from xvc.core.human_units import moment_of
from xvc.core.name_words import catalog_name
from xvc.core.record import Control, RecordKind
from xvc.journal.codec import to_json
from xvc.store import cell_edits
from xvc.store.cell_edits import Chosen, both, either, holding, of_runs
from xvc.store.columns import known, tables
from xvc.store.schema import EDITS, TYPES, quoted
from xvc.store.system_table_checks import book_value, wrong_book
from xvc.types import Json, RunId

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_COLUMNS = {
    "edit_id": "UUID",
    "timestamp": "TIMESTAMPTZ",
    "kind": "VARCHAR",
    "table_name": "VARCHAR",
    "track_id": "VARCHAR",
    "key": "VARCHAR",
    "value": "JSON",
    "where_key": "VARCHAR",
    "where_value": "JSON",
    "undone": "UUID",
}


@dataclass(frozen=True, slots=True)
class Arrived:
    """Edits that are new, and those whose rows were put back: late ones, and ones taken back."""

    fresh: tuple[Edit, ...] = ()
    late: tuple[Edit, ...] = ()

    @property
    def scope(self) -> set[RunId] | None:
        """The runs whose rows were put back; None when those of all runs were."""
        if any(edit.run is None for edit in self.late):
            return None
        return {edit.run for edit in self.late if edit.run is not None}


def arrive(connection: DuckDBPyConnection, controls: Iterable[Control]) -> Arrived:
    """Record new edits, make the columns they need, and put back what comes out of order.

    To be called before new rows go in; `replay` follows when they are.
    """
    connection.execute(EDITS)
    found = (edit_from(control) for control in controls if control.kind in EDITING)
    fresh = sorted(found, key=lambda edit: edit.id)
    if not fresh:
        return Arrived()
    after = load(connection, "WHERE edit_id > ?::UUID AND kind <> 'undo'", [fresh[0].id])
    _record(connection, fresh)
    for edit in fresh:
        if edit.table and edit.key and edit.value and not edit.is_of_runs:
            cell_edits.prepare(connection, edit.table, edit.key, edit.value)
    late = [each for each in fresh if any(o.id > each.id and o.meets(each) for o in after)]
    late += [its for undo in fresh if undo.undone and (its := _taken_back(connection, undo))]
    arrived = Arrived(tuple(fresh), tuple(late))
    if late:
        for table in tables(connection):
            cell_edits.put_back(connection, table, arrived.scope)
    return arrived


def _record(connection: DuckDBPyConnection, edits: Sequence[Edit]) -> None:
    connection.execute(
        "INSERT INTO edits BY NAME SELECT unnest(from_json(?, ?), max_depth := 2)",
        [to_json([_row(edit) for edit in edits]), to_json([dict(_COLUMNS)])],
    )


def _row(edit: Edit) -> dict[str, Json]:
    where = edit.where
    return {
        "edit_id": edit.id,
        "timestamp": moment_of(round(edit.at * 1000)).isoformat(),
        "kind": edit.kind.value,
        "table_name": edit.table,
        "track_id": edit.run,
        "key": edit.key,
        "value": [edit.value.tag, edit.value.carried] if edit.value else None,
        "where_key": where.key if where else None,
        "where_value": [where.value.tag, where.value.carried] if where else None,
        "undone": edit.undone,
    }


def load(
    connection: DuckDBPyConnection, where: str = "", values: Sequence[object] = ()
) -> list[Edit]:
    """Read edits in order of time; *where* is what follows FROM, with its parameters bound."""
    found = connection.execute(
        "SELECT edit_id::VARCHAR, kind, table_name, track_id, key, value, where_key, where_value, "
        f"undone::VARCHAR FROM edits {where} ORDER BY edit_id",
        list(values),
    ).fetchall()
    return [_edit(connection, *row) for row in found]


def _edit(
    connection: DuckDBPyConnection,
    name: str,
    kind: str,
    table: str | None,
    run: str | None,
    key: str | None,
    value: str | None,
    where_key: str | None,
    where_value: str | None,
    undone: str | None,
) -> Edit:
    where = None
    if where_key is not None and where_value is not None:
        where = RowCondition(where_key, _typed(connection, where_value))
    return Edit(
        kind=RecordKind(kind),
        table=table,
        run=RunId(run) if run else None,
        key=key,
        value=_typed(connection, value) if value else None,
        where=where,
        undone=undone,
        id=name,
    )


def _typed(connection: DuckDBPyConnection, text: str) -> JournalValue:
    match book_value(connection, "edits", text):
        case [str(tag), carried] if tag in TYPES:
            return JournalValue(tag, carried)
    raise wrong_book(connection, "edits", text)


def _taken_back(connection: DuckDBPyConnection, undo: Edit) -> Edit | None:
    """Find the edit that an undo, or an undo of an undo, is about."""
    at, seen = undo, {undo.id}
    while at.kind is RecordKind.UNDO:
        found = load(connection, "WHERE edit_id = ?::UUID", [at.undone])
        if not found or found[0].id in seen:  # a stranger's may go round in a circle
            return None
        at = found[0]
        seen.add(at.id)
    return at


def in_force(
    connection: DuckDBPyConnection, where: str = "true", values: Sequence[object] = ()
) -> list[Edit]:
    """Read the edits that count, in order of time; *where* chooses among them."""
    gone = cancelled(load(connection, "WHERE kind = 'undo'"))
    found = load(connection, f"WHERE kind <> 'undo' AND ({where})", values)
    return [edit for edit in found if edit.id not in gone]


def replay(connection: DuckDBPyConnection, arrived: Arrived, added: Mapping[str, int]) -> None:
    """Apply edits to the rows that have not had them yet.

    Args:
        arrived: what `arrive` returned.
        added: the event tables that got rows; for each, the last rowid before them.
    """
    if connection.execute("FROM edits LIMIT 1").fetchone() is None:
        return
    due: list[Chosen] = [
        ("edit_id IN (SELECT unnest(?::UUID[]))", [[edit.id for edit in arrived.fresh]])
    ]
    due += [_of(arrived.scope)] if arrived.late else []
    due += [_after(connection, table, before) for table, before in added.items()]
    names = {catalog_name(table) for table in tables(connection)}
    for edit in effective(in_force(connection, *either(*due))):
        for table in names if edit.table is None else {catalog_name(edit.table)} & names:
            _apply(connection, edit, table, _pending(edit, arrived, added.get(table)))


def _of(runs: Collection[RunId] | None) -> Chosen:
    return either(("track_id IS NULL", []), of_runs(runs))


def _after(connection: DuckDBPyConnection, table: str, before: int) -> Chosen:
    """Choose the edits that concern the rows just added to a table."""
    found = connection.execute(
        f"SELECT min(row_id)::VARCHAR, list(DISTINCT track_id) FROM {quoted(table)} "
        "WHERE rowid > ?",
        [before],
    ).fetchone()
    if found is None or found[0] is None:
        return "false", []
    later = "edit_id > ?::UUID OR (kind = 'delete' AND track_id IS NOT NULL)"
    return both((later, [found[0]]), _of(found[1]))


def _pending(edit: Edit, arrived: Arrived, before: int | None) -> Chosen:
    """Choose the rows that have not had an edit yet."""
    if edit in arrived.fresh:
        return "true", []
    parts: list[Chosen] = [of_runs(arrived.scope)] if arrived.late else []
    parts += [] if before is None else [("rowid > ?", [before])]
    return either(*parts)


def _apply(connection: DuckDBPyConnection, edit: Edit, table: str, pending: Chosen) -> None:
    chosen = both(pending, _concerned(connection, edit, table))
    if not edit.is_tombstone:
        chosen = both(chosen, ("row_id < ?::UUID", [edit.id]))
    if edit.key is None or edit.value is None:
        cell_edits.take_out(connection, table, chosen)
    else:
        cell_edits.fill(connection, table, edit.key, edit.value, chosen)


def _concerned(connection: DuckDBPyConnection, edit: Edit, table: str) -> Chosen:
    """Choose the rows of an edit's run that hold what it asks for."""
    parts = [of_runs(None if edit.run is None else [edit.run])]
    if edit.where is not None:
        parts.append(holding(edit.where, known(connection, table).get(edit.where.key)))
    return both(*parts)


def count(connection: DuckDBPyConnection, edit: Edit) -> int:
    """Count the rows that an edit would concern if it were made now."""
    total = 0
    for table in tables(connection):
        if edit.table is None or catalog_name(edit.table) == catalog_name(table):
            where, values = _concerned(connection, edit, table)
            found = connection.execute(
                f"SELECT count(*) FROM {quoted(table)} WHERE {where}", list(values)
            ).fetchone()
            total += int(found[0]) if found else 0
    return total


def are_known(connection: DuckDBPyConnection, ids: Collection[str]) -> bool:
    """Whether the store has had all these edits."""
    if not has_edits(connection):
        return not ids
    where = "WHERE edit_id IN (SELECT unnest(?::UUID[]))"
    return {edit.id for edit in load(connection, where, [list(ids)])} == set(ids)


def deleted_runs(connection: DuckDBPyConnection) -> set[RunId]:
    """List the runs that are deleted."""
    if not has_edits(connection):
        return set()
    gone = in_force(connection, "kind = 'delete' AND track_id IS NOT NULL")
    return {edit.run for edit in gone if edit.run is not None}


def deletions(connection: DuckDBPyConnection) -> dict[RunId, float]:
    """Map each run that is deleted as a whole to when it was, in microseconds since the epoch."""
    if not has_edits(connection):
        return {}
    where = "kind = 'delete' AND track_id IS NOT NULL AND table_name IS NULL"
    return {edit.run: edit.at for edit in in_force(connection, where) if edit.run is not None}


def has_edits(connection: DuckDBPyConnection) -> bool:
    """Whether the store has the tables of edits: one that was laid by an older xvc has not."""
    found = connection.execute(
        "SELECT 1 FROM duckdb_tables() WHERE database_name = current_database() "
        "AND schema_name = 'main' AND table_name = 'edits'"
    )
    return found.fetchone() is not None
