"""A store is data: plain tables. What would compute when it is read or written is refused.

A file that came from elsewhere may hold views, macros, types, generated columns, defaults and
conditions; SQL of ours would run them. Looks only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from xvc.errors import CorruptError, error

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from duckdb import DuckDBPyConnection

_CONSTANT = r"(CAST\()?(?i:NULL|TRUE|FALSE|-?[0-9.]+|''([^'']|'''')*'')( AS [A-Z0-9_(), ]+\))?"
# Every name is spelt out: a macro of the store's own could stand for any that is not.
_ASKED = "system.main.list_contains($databases, database_name)"
_THEIRS = f"({_ASKED} OR database_name = 'temp') AND NOT internal"
_COMPUTED = f"""
SELECT database_name, 'view', view_name
FROM system.main.duckdb_views() WHERE {_THEIRS}
UNION ALL SELECT database_name, 'macro', function_name
FROM system.main.duckdb_functions() WHERE {_THEIRS}
UNION ALL SELECT database_name, 'type', type_name
FROM system.main.duckdb_types() WHERE {_THEIRS}
UNION ALL SELECT database_name, 'trigger', trigger_name
FROM system.main.duckdb_triggers() WHERE {_ASKED}
UNION ALL SELECT database_name, 'sequence', sequence_name
FROM system.main.duckdb_sequences() WHERE {_ASKED}
UNION ALL SELECT database_name, 'condition on', table_name
FROM system.main.duckdb_constraints() WHERE {_ASKED} AND constraint_type = 'CHECK'
UNION ALL SELECT database_name, 'computed column', table_name || '.' || column_name
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


def refuse_computed(connection: DuckDBPyConnection, paths: Mapping[str, Path]) -> None:
    """Make sure that databases hold tables only, with columns that are stored.

    All at once: what DuckDB lists to find a macro are its own 3,300 functions.

    Args:
        connection: where they are attached; none of them need be the current one.
        paths: the file of each, by its name in *connection*.

    Raises:
        StoreComputes: one has something else; all of it is named.
    """
    found = connection.execute(_COMPUTED, {"databases": [*paths]}).fetchall()
    for name, path in paths.items():
        named = sorted(f"the {kind} {what}" for at, kind, what in found if at in (name, "temp"))
        if named:
            raise StoreComputes(str(path), tuple(named[:10]))
