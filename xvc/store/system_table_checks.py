"""Checking the bookkeeping tables of a store from elsewhere before xvc relies on them.

Which column holds which key, how far each writer is in, environments, assets, edits: what is there
has the types and values that xvc writes. Rows of runs are looked at where they are read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from xvc.core.record import RecordKind
from xvc.errors import CorruptError, error
from xvc.journal.codec import from_json
from xvc.types import Json

if TYPE_CHECKING:
    from pathlib import Path

    from duckdb import DuckDBPyConnection

_LONGEST = 16_000_000  # characters of one JSON value, as a journal may say at the most

_TYPE = r"[A-Z][A-Z0-9_ ]{0,40}(\([0-9, ]{1,20}\))?(\[[0-9]*\])*"
"""A plain name, perhaps with sizes, or lists of it: it becomes a part of SQL."""
_EDITS = ", ".join(
    f"'{kind.value}'" for kind in (RecordKind.VALUE, RecordKind.DELETE, RecordKind.UNDO)
)
_WRONG = {
    "meta": "key IS NULL OR value IS NULL OR length(value) > 1000",
    "environments": "digest IS NULL OR json_type(facts) IS DISTINCT FROM 'OBJECT' "
    f"OR length(facts::VARCHAR) > {_LONGEST}",
    "folds": "writer IS NULL OR sequence IS NULL OR sequence < 0 OR position < 0 "
    "OR json_type(names) NOT IN ('OBJECT', 'ARRAY', 'NULL') "
    f"OR length(names::VARCHAR) > {_LONGEST}",
    "columns": "table_name IS NULL OR key IS NULL OR column_name IS NULL "
    f"OR type IS NULL OR NOT regexp_full_match(type, '{_TYPE}')",
    "assets": "digest IS NULL OR NOT regexp_full_match(digest, '[0-9a-f]{64}') "
    "OR kind IS NULL OR kind NOT IN ('object', 'file', 'folder') "
    "OR name IS NULL OR type IS NULL OR size IS NULL OR size < 0 OR kept IS NULL",
    "edits": f"edit_id IS NULL OR timestamp IS NULL OR kind IS NULL OR kind NOT IN ({_EDITS}) "
    "OR (value IS NOT NULL AND json_array_length(value) <> 2) "
    "OR (where_value IS NOT NULL AND json_array_length(where_value) <> 2) "
    f"OR length(value::VARCHAR) > {_LONGEST} OR length(where_value::VARCHAR) > {_LONGEST}",
}
"""What a row of each table is not like when xvc has written it."""


@error("books-corrupt")
class BooksCorrupt(CorruptError):
    """A bookkeeping table of a store holds what xvc does not write."""

    path: str
    table: str
    row: str
    says = "{path} has a row in its table {table} that is none of xvc's: {row}"
    way = "Ask whoever made it for a whole one, or take it from a version; nothing was changed."


def can_note(kind: str) -> bool:
    """Whether ``columns`` may say that a logged column is of that type.

    >>> can_note("DECIMAL(10,2)"), can_note("STRUCT(a INTEGER)")
    (True, False)
    """
    return re.fullmatch(_TYPE, kind) is not None


def book_value(connection: DuckDBPyConnection, table: str, text: str) -> Json:
    """Read JSON of a bookkeeping table of the current database.

    Raises:
        BooksCorrupt: it is nested too deeply, or has a number that no float holds.
    """
    try:
        return from_json(text)
    except ValueError as err:
        raise wrong_book(connection, table, text) from err


def wrong_book(connection: DuckDBPyConnection, table: str, text: str) -> BooksCorrupt:
    """Say that a bookkeeping table of the current database holds what xvc does not write."""
    question = "SELECT path FROM duckdb_databases() WHERE database_name = current_database()"
    found = connection.execute(question).fetchone()
    return BooksCorrupt(str(found[0]) if found else "", table, text[:200])


def refuse_unsound(connection: DuckDBPyConnection, path: Path) -> None:
    """Check the bookkeeping tables of the current database.

    Raises:
        BooksCorrupt: a row is not as xvc writes it.
        StoreFailed: a table has not the columns that it should have.
    """
    held = connection.execute(
        "SELECT table_name FROM duckdb_tables() "
        "WHERE database_name = current_database() AND schema_name = 'main'"
    ).fetchall()
    names = {name for (name,) in held}
    for table, wrong in _WRONG.items():
        if table in names:  # a store of an older xvc has not all of them
            found = connection.execute(f"FROM {table} WHERE {wrong} LIMIT 1").fetchone()
            if found is not None:
                raise BooksCorrupt(str(path), table, repr(found)[:200])
