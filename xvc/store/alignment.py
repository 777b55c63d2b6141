"""Uniting the columns of a table that several stores hold: which of each is the same cell.

Columns are the same when their logged keys are, whatever they are called (``Loss_2``). Types widen
without loss or become VARIANT; a column that one side dropped stays when the other side used it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from xvc.store.schema import EVENT, EVENT_COLUMNS, column_for, quoted, widened

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

OURS, THEIRS, BASE = "ours", "theirs", "base"
"""The names under which the stores of a merge are open."""

_KEYS = {"runs": "id", "environments": "digest"}
_APART = ("meta", "folds", "columns")  # tables that say how to read the others
_EXACT = 1 << 53
_WHOLE = ("BIGINT", "HUGEINT")
_NESTED = ("[", "STRUCT", "MAP", "UNION")


@dataclass(frozen=True, slots=True)
class Cell:
    """One column of the merged table; ``names`` is what each store calls it.

    ``logged`` is the key behind it, None for a column that no log made; ``is_shared`` tells whether
    both sides had it, so that an empty cell says something.
    """

    name: str
    kind: str
    names: Mapping[str, str]
    logged: str | None = None
    is_shared: bool = True

    @property
    def shown(self) -> str:
        """What a person calls it."""
        return self.name if self.logged is None else self.logged

    @property
    def physical(self) -> str:
        """Its DuckDB type."""
        return "VARCHAR" if self.kind == "NULL" else self.kind

    def read(self, store: str) -> str:
        """Write the expression of its value in a store's table."""
        if store not in self.names:
            return f"NULL::{self.physical}"
        return f"CAST({quoted(self.names[store])} AS {self.physical})"


@dataclass(frozen=True, slots=True)
class Table:
    """One table of a merge; without a ``key`` the whole row is what tells it from others."""

    name: str
    key: str | None
    cells: tuple[Cell, ...]
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


def is_nested(kind: str) -> bool:
    """Whether a type holds other values."""
    return any(sign in kind for sign in _NESTED)


def signs_of(value: str, kind: str) -> list[str]:
    """Write what tells two values apart to the last bit: 0.0 from -0.0, a month from 30 days.

    DuckDB's own comparison takes the one for the other, and so would lose a change.
    """
    if kind in ("DOUBLE", "FLOAT"):
        return [value, f"({value} = 0 AND signbit({value}))"]
    if kind == "VARIANT":
        sort = f"variant_typeof({value})"
        sort = f"CASE WHEN {sort} LIKE '%INT%' THEN 'INT' ELSE {sort} END"  # its width is chance
        return [sort, f"{value}::VARCHAR", f"to_json({value})::VARCHAR"]
    if is_nested(kind):
        return [f"to_json({value})::VARCHAR"]
    return [f"{value}::VARCHAR"] if kind in ("JSON", "INTERVAL") else [value]


def align(connection: DuckDBPyConnection, stores: Sequence[str]) -> list[Table]:
    """Find the tables of the merge and make ours ready for what theirs brings."""
    found = {store: tables_of(connection, store) for store in stores}
    names = {name: None for store in (OURS, THEIRS) for name in found.get(store, {})}
    return [
        _aligned(connection, name, {s: its[name] for s, its in found.items() if name in its})
        for name in names
    ]


def tables_of(connection: DuckDBPyConnection, store: str) -> dict[str, str]:
    """Map the base tables of a store, in small letters, to their names; views are none."""
    rows = connection.execute(
        "SELECT table_name FROM duckdb_tables() "
        "WHERE database_name = ? AND schema_name = 'main' AND NOT internal ORDER BY table_name",
        [store],
    ).fetchall()
    return {name.lower(): name for (name,) in rows if name.lower() not in _APART}


def _aligned(connection: DuckDBPyConnection, name: str, before: Mapping[str, str]) -> Table:
    is_event = any(_is_noted(connection, store, name) for store in before)
    names = before if OURS in before else {**before, OURS: _begun(connection, before, is_event)}
    columns = {store: columns_of(connection, store, its) for store, its in names.items()}
    is_event = is_event and all(part in its for its in columns.values() for part in _FIXED)
    key = "row_id" if is_event else _KEYS.get(name)
    cells = _cells(connection, columns, names)
    if key is not None and set(before) == {OURS, THEIRS, BASE}:
        cells = _without_dropped(connection, names, cells, key)
    made = tuple(_made(connection, names[OURS], cell, columns[OURS]) for cell in cells)
    if is_event:
        _note(connection, names[OURS], made)
    return Table(names[OURS], key, made, names)


def _is_noted(connection: DuckDBPyConnection, store: str, table: str) -> bool:
    """Whether a store says that this is a table of events."""
    noted = f"SELECT 1 FROM {store}.main.meta WHERE key = 'table' AND lower(value) = ?"
    return connection.execute(noted, [table]).fetchone() is not None


def _begun(connection: DuckDBPyConnection, names: Mapping[str, str], is_event: bool) -> str:
    """Make the table that only theirs has, empty; returns its name."""
    name = names[THEIRS]
    shape = f"({EVENT})" if is_event else f"AS FROM {THEIRS}.main.{quoted(name)} LIMIT 0"
    connection.execute(f"CREATE TABLE {OURS}.main.{quoted(name)} {shape}")
    return name


_Identity = tuple[str, str]
_FIXED: tuple[_Identity, ...] = tuple(("", part) for part in EVENT_COLUMNS)


def columns_of(
    connection: DuckDBPyConnection, store: str, table: str
) -> dict[_Identity, tuple[str, str]]:
    """Map what each column is to its name and type: ``("key", loss)``, or ``("", name)``."""
    # not from duckdb_columns(), which lists every column of every file: 4 ms in place of 0.6
    rows = connection.execute(f"DESCRIBE {store}.main.{quoted(table)}").fetchall()
    logged = connection.execute(
        f"SELECT lower(column_name), key, type FROM {store}.main.columns "
        "WHERE lower(table_name) = lower(?)",
        [table],
    ).fetchall()
    keys = {name: (key, kind) for name, key, kind in logged}
    found: dict[_Identity, tuple[str, str]] = {}
    for name, kind, *_ in rows:
        key, noted = keys.get(name.lower(), (None, kind))
        identity = ("", name.lower()) if key is None else ("key", key)
        found[identity] = (name, "NULL" if noted == "NULL" else kind)
    return found


def _cells(
    connection: DuckDBPyConnection,
    columns: Mapping[str, Mapping[_Identity, tuple[str, str]]],
    names: Mapping[str, str],
) -> list[Cell]:
    taken = {name.lower() for name, _ in columns[OURS].values()} | {"rowid"}
    cells = []
    for identity in {i: None for s in (OURS, THEIRS) for i in columns.get(s, {})}:
        its = {store: held[identity] for store, held in columns.items() if identity in held}
        logged = identity[1] if identity[0] else None
        called = _called({store: name for store, (name, _) in its.items()}, taken, logged)
        taken.add(called.lower())
        are = {store: name for store, (name, _) in its.items()}
        cell = Cell(called, "NULL", are, logged, is_shared={OURS, THEIRS} <= set(its))
        kinds = {store: kind for store, (_, kind) in its.items()}
        cells.append(replace(cell, kind=_widest(connection, cell, kinds, names)))
    return cells


def _called(names: Mapping[str, str], taken: set[str], logged: str | None) -> str:
    """Choose the column's name: ours, unless only they renamed it."""
    if OURS not in names:
        return column_for(names[THEIRS] if logged is None else logged, taken)
    ours, theirs = names[OURS], names.get(THEIRS, names[OURS])
    renamed = names.get(BASE) == ours and theirs.lower() not in taken
    return theirs if renamed else ours


def _widest(
    connection: DuckDBPyConnection, cell: Cell, kinds: Mapping[str, str], names: Mapping[str, str]
) -> str:
    widest = "NULL"
    mixed = "DOUBLE" in kinds.values() and any(kind in _WHOLE for kind in kinds.values())
    is_lossless = not mixed or all(
        _is_exact(connection, f"{store}.main.{quoted(names[store])}", cell.names[store])
        for store, kind in kinds.items()
        if kind in _WHOLE
    )
    for kind in kinds.values():
        widest = widened(widest, kind, is_lossless=is_lossless)
    return widest


def _is_exact(connection: DuckDBPyConnection, place: str, name: str) -> bool:
    value = f"{quoted(name)}::HUGEINT"
    beyond = f"SELECT 1 FROM {place} WHERE {value} > {_EXACT} OR {value} < -{_EXACT} LIMIT 1"
    return connection.execute(beyond).fetchone() is None


def _without_dropped(
    connection: DuckDBPyConnection, names: Mapping[str, str], cells: list[Cell], key: str
) -> list[Cell]:
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
    connection: DuckDBPyConnection, names: Mapping[str, str], cell: Cell, key: str, holder: str
) -> bool:
    place = quoted(key)
    sides = [
        f"(SELECT {place} AS k, {cell.read(store)} AS v FROM "
        f"{store}.main.{quoted(names[store])}) AS {alias}"
        for store, alias in ((holder, "x"), (BASE, "b"))
    ]
    pairs = zip(signs_of("x.v", cell.physical), signs_of("b.v", cell.physical), strict=True)
    differs = " OR ".join(f"{x} IS DISTINCT FROM {b}" for x, b in pairs)
    found = f"SELECT 1 FROM {sides[0]} LEFT JOIN {sides[1]} USING (k) WHERE {differs} LIMIT 1"
    return connection.execute(found).fetchone() is not None


def _made(
    connection: DuckDBPyConnection,
    table: str,
    cell: Cell,
    columns: Mapping[_Identity, tuple[str, str]],
) -> Cell:
    """Make, rename or widen our column as the cell needs it."""
    place = f"ALTER TABLE {OURS}.main.{quoted(table)}"
    if OURS not in cell.names:
        connection.execute(f"{place} ADD COLUMN {quoted(cell.name)} {cell.physical}")
    elif cell.names[OURS] != cell.name:
        connection.execute(f"{place} RENAME {quoted(cell.names[OURS])} TO {quoted(cell.name)}")
    held = columns.get(("", cell.name.lower()) if cell.logged is None else ("key", cell.logged))
    if held is not None and held[1] != cell.kind:
        using = f" USING NULL::{cell.kind}" if held[1] == "NULL" else ""
        alter = f"{place} ALTER COLUMN {quoted(cell.name)} TYPE {cell.physical}{using}"
        connection.execute(alter)
    return replace(cell, names={**cell.names, OURS: cell.name})


def _note(connection: DuckDBPyConnection, table: str, cells: Iterable[Cell]) -> None:
    """Write down which column holds which key, and that the table is one of events."""
    rows = [(cell.logged, cell.name, cell.kind) for cell in cells if cell.logged is not None]
    place = f"{OURS}.main.columns"
    connection.execute(f"DELETE FROM {place} WHERE lower(table_name) = lower(?)", [table])
    if rows:
        keys, names, kinds = (list(part) for part in zip(*rows, strict=True))
        connection.execute(
            f"INSERT INTO {place} SELECT ?, unnest(?::VARCHAR[]), unnest(?::VARCHAR[]), "
            "unnest(?::VARCHAR[])",
            [table, keys, names, kinds],
        )
    connection.execute(
        f"INSERT INTO {OURS}.main.meta SELECT 'table', ? WHERE NOT EXISTS "
        f"(FROM {OURS}.main.meta WHERE key = 'table' AND lower(value) = lower(?))",
        [table, table],
    )
