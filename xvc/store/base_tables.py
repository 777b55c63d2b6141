"""A store is data: plain tables. What would compute when it is read or written is refused.

A file that came from elsewhere may hold views, macros, types, generated columns, defaults and
conditions; SQL of ours would run them. Looks only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from xvc.errors import CorruptError, error

if TYPE_CHECKING:
    from pathlib import Path

    from duckdb import DuckDBPyConnection

_HERE = "database_name = current_database()"
_COMPUTED = f"""
SELECT 'view', view_name FROM duckdb_views() WHERE {_HERE} AND NOT internal
UNION ALL SELECT 'macro', function_name FROM duckdb_functions() WHERE {_HERE} AND NOT internal
UNION ALL SELECT 'type', type_name FROM duckdb_types() WHERE {_HERE} AND NOT internal
UNION ALL SELECT 'sequence', sequence_name FROM duckdb_sequences() WHERE {_HERE}
UNION ALL SELECT 'condition on', table_name FROM duckdb_constraints()
WHERE {_HERE} AND constraint_type = 'CHECK'
UNION ALL SELECT 'computed column', table_name || '.' || column_name FROM duckdb_columns()
WHERE {_HERE} AND NOT internal AND column_default IS NOT NULL
"""


@error("store-computes")
class StoreComputes(CorruptError):
    """A store holds views, macros, types, or columns with defaults, formulas or conditions."""

    path: str
    names: tuple[str, ...]
    says = "{path} is no plain store: it has {names}"
    way = "Drop them with the program that made them; xvc reads plain tables only and ran nothing."


def refuse_computed(connection: DuckDBPyConnection, path: Path) -> None:
    """Make sure that the current database holds tables only, with columns that are stored.

    Raises:
        StoreComputes: it has something else; all of it is named.
    """
    found = connection.execute(_COMPUTED).fetchall()
    if found:
        names = sorted(f"the {kind} {name}" for kind, name in found)
        raise StoreComputes(str(path), tuple(names[:10]))
