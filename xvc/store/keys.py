"""Key columns of a merge: empty, doubled and mixed keys are refused, and some rows are shown.

Refuses rather than guesses: an empty key matches nothing, one key twice has no order, and values of
two types are never the same. Reads only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from xvc.errors import ConflictError, error
from xvc.store.column_types import Kind, same_key
from xvc.store.schema import quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SHOWN = 5
"""So many of the rows that are refused are shown."""


def in_json(value: str, kind: Kind) -> str:
    """Write a key of that type as JSON has it: numbers and booleans themselves, the rest as text.

    >>> in_json("k0", Kind("BIGINT")), in_json("k0", Kind("UUID"))
    ('to_json(k0)', 'to_json(k0::VARCHAR)')
    """
    if kind.is_float:
        return (
            f"CASE WHEN isfinite({value}) THEN to_json({value}) ELSE to_json({value}::VARCHAR) END"
        )
    is_itself = kind.name in ("BOOLEAN", "DECIMAL") or kind.is_whole
    return f"to_json({value})" if is_itself else f"to_json({value}::VARCHAR)"


@error("keys-empty")
class KeysEmpty(ConflictError):
    """Incoming rows have no value in a key column."""

    table: str
    count: int
    rows: tuple[str, ...]
    says = "{count} incoming rows of {table} have an empty key: {rows:; }"
    way = "Nothing was changed. Name other keys, set these (`xvc db set`), or delete the rows."


@error("keys-doubled")
class KeysDoubled(ConflictError):
    """Several incoming rows have the same key."""

    table: str
    count: int
    rows: tuple[str, ...]
    says = "keys of {table} that come in more than once: {count} ({rows:; })"
    way = "Nothing was changed. Name more keys, or take the last with `--on-duplicate last`."


@error("keys-differ")
class KeysDiffer(ConflictError):
    """A key column has one type here and another one there, or a type that is no key."""

    table: str
    key: str
    kinds: tuple[str, ...]
    says = "{key!r} of {table} cannot match rows: {kinds:; }"
    way = "Nothing was changed. 1, 1.0 and '1' are three keys: log one type, or name another."


def empty(keys: Iterable[str]) -> str:
    """Write the condition that a row has no value in one of its keys (names as SQL has them)."""
    return " OR ".join(f"{key} IS NULL" for key in keys)


def some_of(
    connection: DuckDBPyConnection, rows: str, shown: str, order: str = "ALL"
) -> tuple[int, tuple[str, ...]]:
    """Count the rows of a query, and write the first of them for people.

    Args:
        connection: where to look.
        rows: the query.
        shown: the expression that writes one row.
        order: what follows ORDER BY; by what is shown if nothing is said.
    """
    found = connection.execute(f"SELECT count(*) FROM ({rows})").fetchone()
    total = int(found[0]) if found else 0
    if not total:
        return 0, ()
    first = f"SELECT {shown} FROM ({rows}) ORDER BY {order} LIMIT {SHOWN}"
    return total, tuple(str(row) for (row,) in connection.execute(first).fetchall())


def refuse_kinds(table: str, key: str, kinds: Mapping[str, Kind], seen: Mapping[str, str]) -> None:
    """Refuse a key whose types differ between places, or whose type holds several.

    Args:
        table: the table, for people.
        key: the column, for people.
        kinds: the type in each place; ``NULL`` where no row has a value.
        seen: a row of each place that shows it.

    Raises:
        KeysDiffer: values of these types are never told to be the same. Integers of any width are.
    """
    if not same_key(kinds.values()):
        found = {place: kind.sql for place, kind in kinds.items() if kind.name != "NULL"}
        told = tuple(f"{kind} in {place} ({seen[place]})" for place, kind in found.items())
        raise KeysDiffer(table, key, told)


def refuse_empty(
    connection: DuckDBPyConnection, table: str, rows: str, keys: Sequence[str], shown: str
) -> None:
    """Refuse rows (what follows FROM) without a value in a key; *shown* writes one for people.

    Raises:
        KeysEmpty: there are some.
    """
    total, some = some_of(connection, f"FROM {rows} WHERE {empty(map(quoted, keys))}", shown)
    if total:
        raise KeysEmpty(table, total, some)


def refuse_doubled(
    connection: DuckDBPyConnection, table: str, rows: str, keys: Sequence[str], shown: str
) -> None:
    """Refuse rows (what follows FROM) that share a key; *shown* writes one for people.

    Raises:
        KeysDoubled: there are some.
    """
    sharing = (
        f"SELECT array_to_string(list({shown} ORDER BY {shown})[:3], ' and ') AS its FROM {rows} "
        f"GROUP BY {', '.join(map(quoted, keys))} HAVING count(*) > 1"
    )
    total, some = some_of(connection, sharing, "its")
    if total:
        raise KeysDoubled(table, total, some)
