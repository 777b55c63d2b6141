"""Which column holds which key, made and widened as keys arrive. Nothing is dropped or renamed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xvc.core.limits import COLUMNS
from xvc.core.name_words import catalog_name
from xvc.errors import TooLarge
from xvc.journal.codec import decode_name
from xvc.store.column_types import EXACT, Kind, wider, widest
from xvc.store.schema import (
    EVENT,
    EVENT_COLUMNS,
    TYPES,
    check_table,
    column_for,
    quoted,
    same_name,
)

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_MANY = 100  # new columns for which a table is written anew


@dataclass(frozen=True, slots=True)
class Column:
    """One key's column and the names under which its values arrive."""

    key: str
    name: str
    type: str
    arriving: tuple[str, ...] = ()


def known(connection: DuckDBPyConnection, table: str) -> dict[str, Column]:
    """Read a table's columns by key; empty when there is no such table."""
    found = connection.execute(
        f"SELECT key, column_name, type FROM columns WHERE {same_name('table_name')}", [table]
    ).fetchall()
    return {key: Column(key, name, kind) for key, name, kind in found}


def tables(connection: DuckDBPyConnection) -> list[str]:
    """List the event tables by name."""
    found = connection.execute(
        "SELECT DISTINCT value FROM meta WHERE key = 'table' ORDER BY value"
    ).fetchall()
    return [name for (name,) in found]


def is_held(connection: DuckDBPyConnection, table: str) -> bool:
    """Whether there is an event table of this name, as the catalog compares names."""
    return catalog_name(table) in map(catalog_name, tables(connection))


def make_room(
    connection: DuckDBPyConnection, table: str, names: Sequence[str], source: str
) -> list[Column]:
    """Make or widen the columns that *names* need; *source* is a subquery with those names in d."""
    ensure_table(connection, table)
    held = known(connection, table)
    taken = _taken(connection, table)
    arriving: dict[str, list[str]] = {}
    for name in names:
        arriving.setdefault(decode_name(name)[1], []).append(name)
    made, fresh = [], []
    for key, its in arriving.items():
        column = held.get(key) or Column(key, column_for(key, taken), "NULL")
        kind = _kind_for(connection, table, column, its, source)
        if key not in held:
            taken.add(catalog_name(column.name))
            fresh.append(Column(key, column.name, kind))
        elif kind != column.type:
            _retype(connection, table, column, kind)
        made.append(Column(key, column.name, kind, tuple(its)))
    if len(held) + len(fresh) > COLUMNS:
        words = f"table {table} has {len(held):,} keys; {COLUMNS:,} are the most"
        raise TooLarge(fresh[0].key, words)
    if fresh:
        _add(connection, table, fresh)
    return made


def _taken(connection: DuckDBPyConnection, table: str) -> set[str]:
    """List the names a new column cannot have: people add columns too, and DuckDB has one."""
    shape = connection.execute(f"SELECT * FROM {quoted(table)} LIMIT 0").description or ()
    return {catalog_name(str(part[0])) for part in shape} | {"rowid"}


def ensure_table(connection: DuckDBPyConnection, table: str) -> None:
    """Make an event table unless it is there."""
    check_table(table)
    connection.execute(f"CREATE TABLE IF NOT EXISTS {quoted(table)} ({EVENT})")
    connection.execute(
        "INSERT INTO meta SELECT 'table', ? WHERE NOT EXISTS "
        f"(FROM meta WHERE key = 'table' AND {same_name('value')})",
        [table, table],
    )


def make_tables(
    connection: DuckDBPyConnection, wanted: Mapping[str, Sequence[str]]
) -> dict[str, list[Column]]:
    """Make the event tables that are not there, each whole; returns their columns by table.

    All at once: one by one takes three times as long. Left to `make_room` are tables of which
    anything is there, whose names differ by case alone, and whose rows must be looked at to tell
    a column's type.
    """
    there = connection.execute(
        "SELECT table_name FROM duckdb_tables() WHERE database_name = current_database() "
        "AND schema_name = 'main' UNION SELECT value FROM meta WHERE key = 'table' "
        "UNION SELECT table_name FROM columns"
    ).fetchall()
    counts = Counter({catalog_name(name) for (name,) in there})
    counts.update(map(catalog_name, wanted))
    made = {
        check_table(table): columns
        for table, names in wanted.items()
        if counts[catalog_name(table)] == 1 and (columns := _columns_of(names)) is not None
    }
    if made:
        connection.execute(
            "; ".join(
                f"CREATE TABLE {quoted(table)} ({', '.join([EVENT, *map(_declared, columns)])})"
                for table, columns in made.items()
            )
        )
        connection.execute("INSERT INTO meta SELECT 'table', unnest(?::VARCHAR[])", [list(made)])
        _list(connection, [(table, each) for table, columns in made.items() for each in columns])
    return made


def _columns_of(names: Sequence[str]) -> list[Column] | None:
    """Find the columns of a new table; None where only its rows tell a type."""
    arriving: dict[str, list[str]] = {}
    for name in names:
        arriving.setdefault(decode_name(name)[1], []).append(name)
    taken = {*EVENT_COLUMNS, "rowid"}
    made = []
    for key, its in arriving.items():
        kinds = {TYPES[decode_name(name)[0]] for name in its}
        if "DOUBLE" in kinds and kinds & {"BIGINT", "HUGEINT"}:
            return None
        joined = widest(map(Kind, kinds), looks=False)
        column = Column(
            key, column_for(key, taken), "VARIANT" if joined is None else joined.name, tuple(its)
        )
        taken.add(catalog_name(column.name))
        made.append(column)
    return made


def _declared(column: Column) -> str:
    return f"{quoted(column.name)} {'VARCHAR' if column.type == 'NULL' else column.type}"


def _add(connection: DuckDBPyConnection, table: str, columns: Sequence[Column]) -> None:
    parts = [*map(_declared, columns)]
    if _is_bare(connection, table):  # at once: one by one, 2,000 columns take 34 s
        connection.execute(
            f"CREATE OR REPLACE TABLE {quoted(table)} ({', '.join([EVENT, *parts])})"
        )
    elif len(parts) > _MANY:
        nulls = ", ".join(
            f"NULL::{'VARCHAR' if column.type == 'NULL' else column.type} AS {quoted(column.name)}"
            for column in columns
        )
        connection.execute(
            f"CREATE OR REPLACE TABLE {quoted(table)} AS SELECT *, {nulls} FROM {quoted(table)}"
        )
    else:
        for part in parts:
            connection.execute(f"ALTER TABLE {quoted(table)} ADD COLUMN {part}")
    _list(connection, [(table, column) for column in columns])


def _list(connection: DuckDBPyConnection, columns: Sequence[tuple[str, Column]]) -> None:
    connection.execute(
        "INSERT INTO columns SELECT unnest(?::VARCHAR[]), unnest(?::VARCHAR[]), "
        "unnest(?::VARCHAR[]), unnest(?::VARCHAR[])",
        [
            [table for table, _ in columns],
            [column.key for _, column in columns],
            [column.name for _, column in columns],
            [column.type for _, column in columns],
        ],
    )


def _is_bare(connection: DuckDBPyConnection, table: str) -> bool:
    """Whether a table has no rows yet and only the columns that each one has."""
    found = connection.execute(f"SELECT * FROM {quoted(table)} LIMIT 1")
    names = [part[0] for part in found.description or ()]
    return found.fetchone() is None and tuple(names) == EVENT_COLUMNS


def _kind_for(
    connection: DuckDBPyConnection,
    table: str,
    column: Column,
    arriving: Sequence[str],
    source: str,
) -> str:
    """Find the type that holds what a column has and what arrives for it."""
    kind = column.type
    for name in arriving:
        arrives = TYPES[decode_name(name)[0]]
        mixes = "DOUBLE" in {kind, arrives} and {kind, arrives} & {"BIGINT", "HUGEINT"}
        is_exact = bool(mixes) and _is_exact(connection, table, column, arriving, source)
        joined = wider(Kind(kind), Kind(arrives), looks=is_exact)
        kind = "VARIANT" if joined is None else joined.name
    return kind


def _is_exact(
    connection: DuckDBPyConnection, table: str, column: Column, arriving: Sequence[str], source: str
) -> bool:
    """Whether every integer held or arriving under this key is exact as a DOUBLE."""
    integers = [name for name in arriving if decode_name(name)[0] in "ih"]
    for name in integers:
        beyond = f"SELECT 1 FROM {source} WHERE abs(d.{quoted(name)}::HUGEINT) > {EXACT} LIMIT 1"
        if connection.execute(beyond).fetchone():
            return False
    if _has_replaced_beyond(connection, table, column):
        return False
    if column.type not in ("BIGINT", "HUGEINT"):
        return True
    value = f"{quoted(column.name)}::HUGEINT"
    held = f"SELECT 1 FROM {quoted(table)} WHERE abs({value}) > {EXACT} LIMIT 1"
    return connection.execute(held).fetchone() is None


def _has_replaced_beyond(connection: DuckDBPyConnection, table: str, column: Column) -> bool:
    """Whether an edit took an integer away that a DOUBLE would not give back."""
    its = same_name("table_name")
    found = connection.execute(
        f"SELECT 1 FROM replaced WHERE {its} AND key = ? AND CASE "
        f"WHEN variant_typeof(value) IN ('INT64', 'INT128') THEN abs(value::HUGEINT) > {EXACT} "
        "ELSE false END LIMIT 1",
        [table, column.key],
    )
    if found.fetchone() is not None:
        return True
    aside = connection.execute(
        "SELECT 1 FROM duckdb_columns() WHERE database_name = current_database() AND schema_name "
        f"= 'set_aside' AND {its} AND column_name = ? AND data_type IN ('BIGINT', 'HUGEINT')",
        [table, column.name],
    )
    if aside.fetchone() is None:
        return False
    beyond = f"abs({quoted(column.name)}::HUGEINT) > {EXACT}"
    held = connection.execute(f"SELECT 1 FROM set_aside.{quoted(table)} WHERE {beyond} LIMIT 1")
    return held.fetchone() is not None


def _retype(connection: DuckDBPyConnection, table: str, column: Column, kind: str) -> None:
    place = f"ALTER TABLE {quoted(table)} ALTER COLUMN {quoted(column.name)} TYPE {kind}"
    if column.type == "NULL":
        place += f" USING NULL::{kind}"
    connection.execute(place)
    connection.execute(
        f"UPDATE columns SET type = ? WHERE {same_name('table_name')} AND key = ?",
        [kind, table, column.key],
    )


def value_of(column: Column) -> str:
    """Write the expression that reads this column's value out of a record's ``d``."""
    parts = []
    for name in column.arriving:
        tag = decode_name(name)[0]
        if tag == "n":
            continue
        part = f"d.{quoted(name)}"
        part = f"from_base64({part})" if tag == "x" else part
        parts.append(part if TYPES[tag] == column.type else f"CAST({part} AS {column.type})")
    if not parts:
        return "NULL"
    return parts[0] if len(parts) == 1 else f"coalesce({', '.join(parts)})"


def struct_of(names: Mapping[str, None]) -> str:
    """Write the type of ``d`` for these names, as read_json wants it."""
    parts = [f"{quoted(name)} {kind}" for name, kind in types_of(names).items()]
    return f"STRUCT({', '.join(parts)})" if parts else ""


def types_of(names: Mapping[str, None]) -> dict[str, str]:
    """Find the type in which read_json reads each name; one that carries nothing is left out."""
    tags = {name: decode_name(name)[0] for name in names}
    return {
        name: "VARCHAR" if tag == "x" else TYPES[tag] for name, tag in tags.items() if tag != "n"
    }
