"""Taking rows out of an event table: which ones, in the order they were logged, as what.

Columns are called by their keys. Two of a kind cannot be: a key that is called like one of the
table's own columns gets a number, as its column has. Changes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from xvc.core.name_words import catalog_name
from xvc.errors import BadValue, NoTable, StoreFailed
from xvc.store.columns import known, tables
from xvc.store.frames import Decoder, Question
from xvc.store.query import as_logged, column_of
from xvc.store.schema import EVENT_COLUMNS, literal, quoted
from xvc.system.files import beside
from xvc.types import RunId

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_NESTED = ("VARIANT", "JSON")
_FORMATS = {"csv": "FORMAT csv, HEADER", "parquet": "FORMAT parquet, COMPRESSION zstd"}


@dataclass(frozen=True, slots=True)
class RowSlice:
    """Which rows: of one run or all, the first or the last few or all.

    Raises:
        BadValue: both ends are asked for, or fewer than no rows.
    """

    run: RunId | None = None
    head: int | None = None
    tail: int | None = None

    def __post_init__(self) -> None:
        if self.head is not None and self.tail is not None:
            raise BadValue("head", "cannot be combined with tail; ask for one of them")
        if min(self.head or 0, self.tail or 0) < 0:
            raise BadValue("tail" if self.head is None else "head", "cannot be below 0")


def held_table(connection: DuckDBPyConnection, table: str) -> str | None:
    """Return the name under which a table is kept: the case of a to z does not count; else None."""
    its = catalog_name(table)
    return next((name for name in tables(connection) if catalog_name(name) == its), None)


def need_table(connection: DuckDBPyConnection, table: str) -> None:
    """Refuse a table that is not there.

    Raises:
        NoTable: it is not.
    """
    if held_table(connection, table) is None:
        raise NoTable(table, tuple(tables(connection)))


def kinds(connection: DuckDBPyConnection, table: str) -> dict[str, str]:
    """List a table's keys with the type DuckDB keeps each in, ``track_id`` and ``timestamp`` first.

    A key whose values are of several kinds is VARIANT; one that only ever was None is NULL.
    """
    found = _columns(connection, table)
    names = _names(connection, table, found)
    held = {column.name: column.type for column in known(connection, table).values()}
    return {
        name: held.get(column, kind)
        for name, (column, kind) in zip(names, found.items(), strict=True)
    }


def as_values(connection: DuckDBPyConnection, table: str, part: RowSlice) -> Question:
    """Ask for rows such that every value can be read back as it was logged."""
    found = _columns(connection, table)
    columns, decoders = exact_columns(found)
    names = _names(connection, table, found)
    return Question(*_written(connection, table, part, columns), names, decoders)


def one_column(connection: DuckDBPyConnection, table: str, run: RunId | None, key: str) -> Question:
    """Ask for the values of one key, in the rows of a run or of all.

    Raises:
        NoColumn: the table has no such key.
    """
    name = column_of(connection, table, key).name
    columns, decoders = exact_columns({name: _columns(connection, table)[name]})
    return Question(*_written(connection, table, RowSlice(run), columns), (key,), decoders)


def as_plain_columns(connection: DuckDBPyConnection, table: str, part: RowSlice) -> Question:
    """Ask for rows in types that every tool has: nested and mixed values as JSON text.

    So are integers beyond 64 bits text.
    """
    found = _columns(connection, table)
    names = _names(connection, table, found)
    return Question(*_written(connection, table, part, plain_columns(found)), names)


def exact_columns(columns: Mapping[str, str]) -> tuple[str, dict[int, Decoder]]:
    """Write what to select of columns, by type, and how pandas's values are to be read then."""
    decoders = {place: _decoder(kind) for place, kind in enumerate(columns.values())}
    picked = _cast(columns, {"HUGEINT": "VARCHAR"})  # pandas would round it
    return picked, {place: decode for place, decode in decoders.items() if decode is not None}


def plain_columns(columns: Mapping[str, str]) -> str:
    """Write what to select of columns, by type, so that every tool has a type for it."""
    return _cast(columns, {"VARIANT": "JSON::VARCHAR", "JSON": "VARCHAR", "HUGEINT": "VARCHAR"})


def write_file(
    connection: DuckDBPyConnection, table: str, part: RowSlice, path: Path, kind: str
) -> None:
    """Write rows into a CSV or Parquet file, in one rename; columns are called as in the store.

    Raises:
        StoreFailed: the file cannot be written.
    """
    question = as_plain_columns(connection, table, part)
    sibling = beside(path, "new")
    target = f"COPY ({question.query}) TO {literal(str(sibling))} ({_FORMATS[kind]})"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection.execute(target, list(question.values))
        os.replace(sibling, path)
    except OSError as err:
        raise StoreFailed(str(path), err.strerror or str(err)) from err
    finally:
        sibling.unlink(missing_ok=True)


def _columns(connection: DuckDBPyConnection, table: str) -> dict[str, str]:
    """Read a table's columns in order; only the first two when there is no such table."""
    if held_table(connection, table) is None:
        return {"track_id": "VARCHAR", "timestamp": "TIMESTAMP WITH TIME ZONE"}
    shape = connection.execute(f"SELECT * FROM {quoted(table)} LIMIT 0").description or ()
    return {str(part[0]): str(part[1]) for part in shape if part[0] != "row_id"}


def _names(
    connection: DuckDBPyConnection, table: str, columns: Mapping[str, str]
) -> tuple[str, ...]:
    keys = {column.name: key for key, column in known(connection, table).items()}
    names = {column: keys.get(column, column) for column in columns}
    taken = set(names.values())
    for column, key in keys.items():
        if key in EVENT_COLUMNS and column in names:
            names[column] = _free(key, taken)
            taken.add(names[column])
    return tuple(names.values())


def _free(key: str, taken: set[str]) -> str:
    number = 2
    while f"{key}_{number}" in taken:
        number += 1
    return f"{key}_{number}"


def _cast(columns: Mapping[str, str], into: Mapping[str, str]) -> str:
    return ", ".join(
        f"{quoted(name)}::{into[kind]} AS {quoted(name)}" if kind in into else quoted(name)
        for name, kind in columns.items()
    )


def _decoder(kind: str) -> Decoder | None:
    if kind in _NESTED:
        return lambda value: as_logged(value, kind)
    if kind == "HUGEINT":
        return lambda value: int(str(value))
    if kind == "BLOB":
        return lambda value: bytes(value) if isinstance(value, bytearray) else value
    return None


def _written(
    connection: DuckDBPyConnection, table: str, part: RowSlice, columns: str
) -> tuple[str, list[object]]:
    if held_table(connection, table) is None:
        return "SELECT '' AS track_id, now() AS timestamp WHERE false", []
    where, values = ("", []) if part.run is None else ("WHERE track_id = ?", [part.run])
    source = f"FROM {quoted(table)} {where}"
    if part.head is not None:
        source = f"FROM (SELECT * {source} ORDER BY row_id LIMIT {int(part.head)})"
    elif part.tail is not None:
        source = f"FROM (SELECT * {source} ORDER BY row_id DESC LIMIT {int(part.tail)})"
    return f"SELECT {columns} {source} ORDER BY row_id", list(values)


def rows_as_logged(connection: DuckDBPyConnection, question: Question) -> list[list[object]]:
    """Read the answer row by row, without a frame; for a few rows."""
    found = connection.execute(question.query, list(question.values)).fetchall()
    return [
        [
            question.decoders[place](value)
            if value is not None and place in question.decoders
            else value
            for place, value in enumerate(row)
        ]
        for row in found
    ]
