"""Taking a text out of a store: every cell of every table, and every block of the file.

Writes another file; the store itself is only read.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from xvc.errors import StoreFailed
from xvc.store import db
from xvc.store.schema import quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_PLAIN = ("VARCHAR", "JSON")
_SIMPLE = ("BIGINT", "DOUBLE", "BOOLEAN", "UUID", "HUGEINT", "TIMESTAMP WITH TIME ZONE", "DATE")


def cells_with(place: Path, texts: Sequence[str]) -> dict[str, int]:
    """Count the cells of a store that hold one of these texts, by table.

    Raises:
        StoreCorrupt: it does not open, and what else `db.reading` raises.
    """
    with db.reading(place) as connection:
        return _count(connection, db.NAME, texts)


def mask_store(place: Path, copy: Path, texts: Sequence[str]) -> None:
    """Write a store anew at *copy*, with stars in the place of these texts.

    It is copied twice: in the first copy blocks are left that nobody reads and that still have
    what they had.

    Raises:
        StoreFailed: something of it could not be taken out.
    """
    first = copy.with_name(f"{copy.name}.first")
    try:
        db.copy_store(place, first, lambda connection: _mask(connection, texts))
        db.copy_store(first, copy, lambda _: None)
    finally:
        first.unlink(missing_ok=True)
        db.wal_of(first).unlink(missing_ok=True)
    left = cells_with(copy, texts)
    data = copy.read_bytes()
    if left or any(text.encode("utf-8", "surrogateescape") in data for text in texts):
        copy.unlink()
        raise StoreFailed(str(place), "a secret could not be taken out of it")


def _columns(connection: DuckDBPyConnection, name: str) -> list[tuple[str, str, str]]:
    """List the columns that may hold a text: the table's full name, the column, its type."""
    found = connection.execute(
        "SELECT schema_name, table_name, column_name, data_type FROM duckdb_columns() "
        "WHERE database_name = ? AND NOT internal",
        [name],
    ).fetchall()
    return [
        (f"{quoted(name)}.{quoted(schema)}.{quoted(table)}", column, kind)
        for schema, table, column, kind in found
        if kind not in _SIMPLE
    ]


def _as_text(column: str, kind: str) -> str:
    if kind in (*_PLAIN, "BLOB", "VARIANT"):
        return f"{quoted(column)}::VARCHAR"
    return f"to_json({quoted(column)})::VARCHAR"


def _count(connection: DuckDBPyConnection, name: str, texts: Sequence[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for table, column, kind in _columns(connection, name):
        held = _as_text(column, kind)
        where = " OR ".join([f"contains({held}, ?)"] * len(texts))
        question = f"SELECT count(*) FROM {table} WHERE {where}"
        found = connection.execute(question, list(texts)).fetchone()
        if found and found[0]:
            short = table.rpartition(".")[2].strip('"')
            counts[short] = counts.get(short, 0) + int(found[0])
    return counts


def _mask(connection: DuckDBPyConnection, texts: Sequence[str]) -> None:
    for table, column, kind in _columns(connection, db.COPIED):
        held = _as_text(column, kind)
        back = {"JSON": "::JSON", "VARCHAR": "", "BLOB": "::BLOB", "VARIANT": "::VARIANT"}.get(
            kind, f"::JSON::{kind}"
        )
        for text in texts:
            stars = "*" * len(text.encode("utf-8", "surrogateescape"))
            connection.execute(
                f"UPDATE {table} SET {quoted(column)} = replace({held}, ?, ?){back} "
                f"WHERE contains({held}, ?)",
                [text, stars, text],
            )
