"""The tables of a store, as published: a plain DuckDB file with these names.

Event tables (``events`` and any name a user gives) are made on demand with the three columns of
`EVENT`; each logged key becomes a further one, listed in ``columns``.
"""

from __future__ import annotations

from xvc.core.name_words import CAPITALS, SMALL, catalog_name
from xvc.errors import BadValue

VERSION = 1
STORAGE = "v1.5.0"  # readable by DuckDB 1.5 and 2.x
SMALL_BLOCK, LARGE_BLOCK = 1 << 14, 1 << 18
"""Bytes of a block of a small store, and of a large one: DuckDB's own choice."""

SYSTEM = """
CREATE TABLE meta (key VARCHAR, value VARCHAR);
-- one row a run; data, params, metrics and usage are JSON objects keyed as they were given
CREATE TABLE runs (
    id VARCHAR, name VARCHAR, status VARCHAR, parent VARCHAR,
    "commit" VARCHAR, snapshot VARCHAR, dirty BOOLEAN, branch VARCHAR, worktree VARCHAR,
    left_out JSON, data JSON, outs JSON, touched JSON, command JSON, folder VARCHAR,
    params JSON, metrics JSON, metric_times JSON,
    started TIMESTAMPTZ, finished TIMESTAMPTZ, exit_code BIGINT, signal VARCHAR, reason VARCHAR,
    host VARCHAR, owner VARCHAR, environment VARCHAR, usage JSON, log VARCHAR, note VARCHAR,
    idea VARCHAR, fixes VARCHAR, decision VARCHAR, labels JSON, asked JSON
);
-- the packages and tools a run had, by the digest that runs name; what a sweep was asked for, by
-- `sweep:` and its id
CREATE TABLE environments (digest VARCHAR, facts JSON);
-- how far each writer's journal is in: the watermark that makes folding idempotent
CREATE TABLE folds (writer VARCHAR, sequence BIGINT, position BIGINT, names JSON);
-- which column holds which logged key; DuckDB's names ignore case, keys do not
CREATE TABLE columns (table_name VARCHAR, key VARCHAR, column_name VARCHAR, type VARCHAR);
"""

EDITS = """
-- what was set and deleted after it was logged, for ever: facts that a merge needs
CREATE TABLE IF NOT EXISTS edits (
    edit_id UUID, timestamp TIMESTAMPTZ, kind VARCHAR, table_name VARCHAR, track_id VARCHAR,
    key VARCHAR, value JSON, where_key VARCHAR, where_value JSON, undone UUID
);
-- the logged value of each cell that edits have replaced
CREATE TABLE IF NOT EXISTS replaced (table_name VARCHAR, key VARCHAR, row_id UUID, value VARIANT);
-- deleted rows, in tables named as those they were in; and runs as they themselves said it
CREATE SCHEMA IF NOT EXISTS set_aside;
CREATE TABLE IF NOT EXISTS set_aside.runs AS FROM runs LIMIT 0;
"""

ASSETS = """
-- which run kept which asset, under which name; kind is object, file or folder, size in bytes
CREATE TABLE IF NOT EXISTS assets (
    digest VARCHAR, kind VARCHAR, name VARCHAR, type VARCHAR,
    size BIGINT, run VARCHAR, kept TIMESTAMPTZ
);
"""

EVENT = "row_id UUID, track_id VARCHAR, timestamp TIMESTAMPTZ"
EVENT_COLUMNS = ("row_id", "track_id", "timestamp")
SYSTEM_TABLES = (
    *("meta", "runs", "environments", "folds", "columns", "edits", "replaced", "assets"),
)

TYPES = {
    "f": "DOUBLE",
    "i": "BIGINT",
    "h": "HUGEINT",
    "g": "VARCHAR",
    "b": "BOOLEAN",
    "s": "VARCHAR",
    "x": "BLOB",
    "z": "TIMESTAMP WITH TIME ZONE",
    "t": "TIMESTAMP",
    "d": "DATE",
    "j": "JSON",
    "n": "NULL",
}
"""The column type of each type tag of the journal; NULL until a value is seen."""

NUMERIC = ("DOUBLE", "BIGINT", "HUGEINT")


def quoted(name: str) -> str:
    """Write an identifier so that nothing in it is read as SQL.

    >>> quoted('a"b')
    '"a""b"'
    """
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Write a string constant, for the places where a parameter cannot stand."""
    return "'" + text.replace("'", "''") + "'"


def catalog_named(name: str) -> str:
    """Write the expression that `catalog_name` is in SQL, of an expression.

    ``lower()`` would take é and É for one, which the catalog holds apart.
    """
    return f"translate({name}, '{CAPITALS}', '{SMALL}')"


def same_name(column: str) -> str:
    """Write the condition that a column holds a name that is, to the catalog, the parameter's."""
    return f"{catalog_named(column)} = {catalog_named('?')}"


def column_for(key: str, taken: set[str]) -> str:
    """Choose the column of a key: the key itself, or with a number where another has the name.

    >>> column_for("Loss", {"loss"})
    'Loss_2'
    """
    name, number = key, 1
    while catalog_name(name) in taken:
        number += 1
        name = f"{key}_{number}"
    return name


def check_table(name: str) -> str:
    """Return an event table's name.

    Raises:
        BadValue: it is empty, one of the system tables, or holds half a character.
    """
    if not name.isascii() and name != name.encode(errors="replace").decode():
        raise BadValue("table", f"{name!a} holds half a character (a lone surrogate)")
    if not name or catalog_name(name) in SYSTEM_TABLES:
        raise BadValue("table", f"{name!r} is reserved; choose another name")
    return name
