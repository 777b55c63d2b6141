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

_CONSTANT = r"(CAST\()?(?i:NULL|TRUE|FALSE|-?[0-9.]+|''([^'']|'''')*'')( AS [A-Z0-9_(), ]+\))?"
# Every name is spelt out: a macro of the store's own could stand for any that is not.
_THEIRS = "database_name IN ($database, 'temp') AND NOT internal"
_COMPUTED = f"""
SELECT 'view', view_name FROM system.main.duckdb_views() WHERE {_THEIRS}
UNION ALL SELECT 'macro', function_name FROM system.main.duckdb_functions() WHERE {_THEIRS}
UNION ALL SELECT 'type', type_name FROM system.main.duckdb_types() WHERE {_THEIRS}
UNION ALL SELECT 'trigger', trigger_name FROM system.main.duckdb_triggers()
WHERE database_name = $database
UNION ALL SELECT 'sequence', sequence_name FROM system.main.duckdb_sequences()
WHERE database_name = $database
UNION ALL SELECT 'condition on', table_name FROM system.main.duckdb_constraints()
WHERE database_name = $database AND constraint_type = 'CHECK'
UNION ALL SELECT 'computed column', table_name || '.' || column_name
FROM system.main.duckdb_columns() WHERE {_THEIRS}
AND (is_generated
OR NOT system.main.regexp_full_match(coalesce(column_default, 'NULL'), '{_CONSTANT}'))
"""


@error("store-computes")
class StoreComputes(CorruptError):
    """A store holds views, macros, types, or columns with defaults, formulas or conditions."""

    path: str
    names: tuple[str, ...]
    says = "{path} is no plain store: it has {names}"
    way = "Drop them with the program that made them; xvc reads plain tables only and ran nothing."


def refuse_computed(connection: DuckDBPyConnection, path: Path, database: str) -> None:
    """Make sure that a database holds tables only, with columns that are stored.

    Args:
        connection: where the database is attached; it need not be the current one.
        path: its file, for the error.
        database: its name in *connection*.

    Raises:
        StoreComputes: it has something else; all of it is named.
    """
    found = connection.execute(_COMPUTED, {"database": database}).fetchall()
    if found:
        names = sorted(f"the {kind} {name}" for kind, name in found)
        raise StoreComputes(str(path), tuple(names[:10]))
