"""Uniting the columns of a table that several stores hold: which of each is the same cell.

Columns are the same when their logged keys are, whatever they are called (``Loss_2``). Types widen
without loss or become VARIANT; a column that one side dropped stays when the other side used it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from xvc.core.name_words import catalog_name
from xvc.store.column_types import EXACT, Kind, kind_of, widest
from xvc.store.schema import EVENT, EVENT_COLUMNS, column_for, quoted, same_name
from xvc.store.shape import MergedColumn, SideColumn, paired
from xvc.store.system_table_checks import can_note

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

OURS, THEIRS, BASE = "ours", "theirs", "base"
"""The names under which the stores of a merge are open."""

_KEYS = {"runs": "id", "environments": "digest"}
_APART = ("meta", "folds", "columns")  # tables that say how to read the others


@dataclass(frozen=True, slots=True)
class MergedTable:
    """One table of a merge; without a ``key`` the whole row is what tells it from others."""

    name: str
    key: str | None
    cells: tuple[MergedColumn, ...]
    names: Mapping[str, str]

    @property
    def key_kind(self) -> str:
        """The type of the key."""
        return next(cell.physical for cell in self.cells if cell.name == self.key)

    @property
    def place(self) -> str:
        """Our own table, for statements."""
        return f"{OURS}.main.{quoted(self.name)}"

    def at(self, store: str) -> str | None:
        """A store's table, for statements; None where it has none."""
        return f"{store}.main.{quoted(self.names[store])}" if store in self.names else None

    def selected(self, store: str) -> str:
        """Write the columns of the merged table, read from a store's."""
        return ", ".join(f"{cell.read(store)} AS {quoted(cell.name)}" for cell in self.cells)


def align(connection: DuckDBPyConnection, stores: Sequence[str]) -> list[MergedTable]:
    """Find the tables of the merge and make ours ready for what theirs brings."""
    found = {store: tables_of(connection, store) for store in stores}
    names = {name: None for store in (OURS, THEIRS) for name in found.get(store, {})}
    return [
        _aligned(connection, name, {s: its[name] for s, its in found.items() if name in its})
        for name in names
    ]


def tables_of(connection: DuckDBPyConnection, store: str) -> dict[str, str]:
    """Map the base tables of a store, as the catalog compares them, to their names."""
    rows = connection.execute(
        "SELECT table_name FROM duckdb_tables() "
        "WHERE database_name = ? AND schema_name = 'main' AND NOT internal ORDER BY table_name",
        [store],
    ).fetchall()
    return {its: name for (name,) in rows if (its := catalog_name(name)) not in _APART}


def _aligned(connection: DuckDBPyConnection, name: str, before: Mapping[str, str]) -> MergedTable:
    is_event = any(_is_noted(connection, store, name) for store in before)
    names = before if OURS in before else {**before, OURS: _begun(connection, before, is_event)}
    columns = {store: columns_of(connection, store, its) for store, its in names.items()}
    is_event = is_event and all(part in its for its in columns.values() for part in _FIXED)
    key = "row_id" if is_event else _KEYS.get(name)
    cells = _cells(connection, columns)
    if key is not None and set(before) == {OURS, THEIRS, BASE}:
        cells = _without_dropped(connection, names, cells, key)
    made = tuple(_made(connection, names[OURS], cell, columns[OURS]) for cell in cells)
    if is_event:
        _note(connection, names[OURS], made)
    return MergedTable(names[OURS], key, made, names)


def _is_noted(connection: DuckDBPyConnection, store: str, table: str) -> bool:
    """Whether a store says that this is a table of events."""
    noted = f"SELECT 1 FROM {store}.main.meta WHERE key = 'table' AND {same_name('value')}"
    return connection.execute(noted, [table]).fetchone() is not None


def _begun(connection: DuckDBPyConnection, names: Mapping[str, str], is_event: bool) -> str:
    """Make the table that only theirs has, empty; returns its name."""
    name = names[THEIRS]
    shape = f"({EVENT})" if is_event else f"AS FROM {THEIRS}.main.{quoted(name)} LIMIT 0"
    connection.execute(f"CREATE TABLE {OURS}.main.{quoted(name)} {shape}")
    return name


Identity = tuple[str, str]
"""What a column is: ``("key", loss)`` if it was logged, else ``("", name)``."""

_FIXED: tuple[Identity, ...] = tuple(("", part) for part in EVENT_COLUMNS)


def columns_of(
    connection: DuckDBPyConnection, store: str, table: str
) -> dict[Identity, SideColumn]:
    """Read the columns of a store's table by what each is."""
    place = f"{store}.main.{quoted(table)}"
    # not from duckdb_columns(), which lists every column of every file: 4 ms in place of 0.6
    shape = connection.execute(f"SELECT * FROM {place} LIMIT 0").description
    logged = connection.execute(
        f"SELECT column_name, key, type FROM {store}.main.columns WHERE {same_name('table_name')}",
        [table],
    ).fetchall()
    keys = {catalog_name(name): (key, kind) for name, key, kind in logged}
    found: dict[Identity, SideColumn] = {}
    for name, kind, *_ in shape or ():
        key, noted = keys.get(catalog_name(name), (None, None))
        identity = ("", catalog_name(name)) if key is None else ("key", key)
        found[identity] = SideColumn(
            place, name, Kind("NULL") if noted == "NULL" else kind_of(kind)
        )
    return found


def _cells(
    connection: DuckDBPyConnection, columns: Mapping[str, Mapping[Identity, SideColumn]]
) -> list[MergedColumn]:
    taken = {catalog_name(held.name) for held in columns[OURS].values()} | {"rowid"}
    cells: list[MergedColumn] = []
    in_order = {store: columns[store] for store in (OURS, THEIRS, BASE) if store in columns}
    for (origin, named), its in paired(in_order).items():
        if its.keys() == {BASE}:
            continue
        logged = named if origin else None
        names = {store: held.name for store, held in its.items()}
        called = _called(names, taken, logged)
        taken.add(catalog_name(called))
        cell = MergedColumn(
            name=called,
            kind=_widest(connection, list(its.values()), is_logged=logged is not None),
            names=names,
            alias=f"c{len(cells)}",
            logged=logged,
            is_shared={OURS, THEIRS} <= set(its),
        )
        cells.append(cell)
    return cells


def _called(names: Mapping[str, str], taken: set[str], logged: str | None) -> str:
    """Choose the column's name: ours, unless only they renamed it."""
    if OURS not in names:
        return column_for(names[THEIRS] if logged is None else logged, taken)
    ours, theirs = names[OURS], names.get(THEIRS, names[OURS])
    renamed = names.get(BASE) == ours and catalog_name(theirs) not in taken
    return theirs if renamed else ours


def _widest(connection: DuckDBPyConnection, held: Sequence[SideColumn], *, is_logged: bool) -> Kind:
    """Find the type of a column; as when rows are folded, large whole numbers are no DOUBLE.

    A logged column that another program gave a type of its own (ENUM, STRUCT) becomes VARIANT, too:
    a store whose ``columns`` name such a type is refused.
    """
    found = widest((each.kind for each in held), looks=True)
    if found is None or any(each.misfits(connection, found, most=EXACT) for each in held):
        return Kind("VARIANT")
    is_readable = not is_logged or can_note(found.name if found.name == "NULL" else found.sql)
    return found if is_readable else Kind("VARIANT")


def _without_dropped(
    connection: DuckDBPyConnection, names: Mapping[str, str], cells: list[MergedColumn], key: str
) -> list[MergedColumn]:
    """Leave out the columns that one side dropped and the other left as they were."""
    kept = []
    for cell in cells:
        holders = {OURS, THEIRS} & set(cell.names)
        is_dropped = BASE in cell.names and len(holders) == 1
        if not is_dropped or _is_touched(connection, names, cell, key, holders.pop()):
            kept.append(cell)
        elif OURS in cell.names:
            place = f"{OURS}.main.{quoted(names[OURS])}"
            connection.execute(f"ALTER TABLE {place} DROP COLUMN {quoted(cell.names[OURS])}")
    return kept


def _is_touched(
    connection: DuckDBPyConnection,
    names: Mapping[str, str],
    cell: MergedColumn,
    key: str,
    holder: str,
) -> bool:
    place = quoted(key)
    sides = [
        f"(SELECT {place} AS k, {cell.read(store)} AS v FROM "
        f"{store}.main.{quoted(names[store])}) AS {alias}"
        for store, alias in ((holder, "x"), (BASE, "b"))
    ]
    pairs = zip(cell.kind.signs("x.v"), cell.kind.signs("b.v"), strict=True)
    differs = " OR ".join(f"{x} IS DISTINCT FROM {b}" for x, b in pairs)
    found = f"SELECT 1 FROM {sides[0]} LEFT JOIN {sides[1]} USING (k) WHERE {differs} LIMIT 1"
    return connection.execute(found).fetchone() is not None


def _made(
    connection: DuckDBPyConnection,
    table: str,
    cell: MergedColumn,
    columns: Mapping[Identity, SideColumn],
) -> MergedColumn:
    """Make, rename or widen our column as the cell needs it."""
    place = f"ALTER TABLE {OURS}.main.{quoted(table)}"
    if OURS not in cell.names:
        connection.execute(f"{place} ADD COLUMN {quoted(cell.name)} {cell.physical}")
    elif cell.names[OURS] != cell.name:
        connection.execute(f"{place} RENAME {quoted(cell.names[OURS])} TO {quoted(cell.name)}")
    held = columns.get(
        ("", catalog_name(cell.name)) if cell.logged is None else ("key", cell.logged)
    )
    if held is not None and held.kind != cell.kind:
        using = f" USING NULL::{cell.physical}" if held.kind.name == "NULL" else ""
        alter = f"{place} ALTER COLUMN {quoted(cell.name)} TYPE {cell.physical}{using}"
        connection.execute(alter)
    return replace(cell, names={**cell.names, OURS: cell.name})


def _note(connection: DuckDBPyConnection, table: str, cells: Iterable[MergedColumn]) -> None:
    """Write down which column holds which key, and that the table is one of events."""
    rows = [
        (cell.logged, cell.name, "NULL" if cell.kind.name == "NULL" else cell.kind.sql)
        for cell in cells
        if cell.logged is not None
    ]
    place = f"{OURS}.main.columns"
    connection.execute(f"DELETE FROM {place} WHERE {same_name('table_name')}", [table])
    if rows:
        keys, names, kinds = (list(part) for part in zip(*rows, strict=True))
        connection.execute(
            f"INSERT INTO {place} SELECT ?, unnest(?::VARCHAR[]), unnest(?::VARCHAR[]), "
            "unnest(?::VARCHAR[])",
            [table, keys, names, kinds],
        )
    connection.execute(
        f"INSERT INTO {OURS}.main.meta SELECT 'table', ? WHERE NOT EXISTS "
        f"(FROM {OURS}.main.meta WHERE key = 'table' AND {same_name('value')})",
        [table, table],
    )
