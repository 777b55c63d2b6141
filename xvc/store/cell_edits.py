"""Cells and rows of one event table that edits change: set, taken out, and put back as logged.

What a cell held is kept in ``replaced`` before it is set for the first time; a row that is taken
out goes to the table of the same name in ``set_aside``. Decides nothing: see `edits`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from xvc.core.edit import JournalValue, RowCondition
from xvc.journal.codec import encode_key, to_json
from xvc.store.columns import Column, known, make_room, struct_of, value_of
from xvc.store.schema import literal, quoted, same_name
from xvc.types import RunId

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_BIG, _HUGE = 1 << 63, 1 << 127
_MATCHED = {"b": "BOOLEAN", "z": "TIMESTAMP WITH TIME ZONE", "t": "TIMESTAMP", "d": "DATE"}

Chosen = tuple[str, Sequence[object]]
"""What follows WHERE, and the values of its parameters."""


def both(*parts: Chosen) -> Chosen:
    """Choose what every part chooses."""
    return " AND ".join(f"({words})" for words, _ in parts), [v for _, its in parts for v in its]


def either(*parts: Chosen) -> Chosen:
    """Choose what any part chooses; nothing when there is none."""
    words = " OR ".join(f"({words})" for words, _ in parts)
    return words or "false", [value for _, its in parts for value in its]


def of_runs(runs: Collection[RunId] | None) -> Chosen:
    """Choose the rows of some runs, or of all."""
    if runs is None:
        return "true", []
    return "track_id IN (SELECT unnest(?::VARCHAR[]))", [sorted(runs)]


def prepare(connection: DuckDBPyConnection, table: str, key: str, value: JournalValue) -> None:
    """Make or widen the column that *value* needs, whether any row takes it or not."""
    name, source = _as_logged(key, value)
    make_room(connection, table, [name], source)


def _as_logged(key: str, value: JournalValue) -> tuple[str, str]:
    """Write a value as a row's record would carry it: its name, and a subquery with it in d."""
    name = f"{value.tag}:{encode_key(key)}"
    struct = struct_of({name: None})
    if not struct:
        return name, "(SELECT NULL AS d)"
    return name, f"(SELECT CAST({literal(to_json({name: value.carried}))}::JSON AS {struct}) AS d)"


def fill(
    connection: DuckDBPyConnection, table: str, key: str, value: JournalValue, chosen: Chosen
) -> None:
    """Set one key of the chosen rows, after keeping what was logged there."""
    name, source = _as_logged(key, value)
    column = replace(known(connection, table)[key], arriving=(name,))
    where, values = chosen
    connection.execute(
        f"INSERT INTO replaced SELECT ?, ?, row_id, {quoted(column.name)}::VARIANT "
        f"FROM {quoted(table)} WHERE {where} AND row_id NOT IN "
        f"(SELECT row_id FROM replaced WHERE {same_name('table_name')} AND key = ?)",
        [table, key, *values, table, key],
    )
    if column.type == "DOUBLE" and value.number == 0:
        zero = f"{quoted(column.name)} = 0 OR {quoted(column.name)} IS NULL"
        rows = connection.execute(
            f"SELECT row_id FROM {quoted(table)} WHERE ({where}) AND ({zero})", list(values)
        ).fetchall()
        apart: Chosen = "row_id IN (SELECT unnest(?::UUID[]))", [[str(row) for (row,) in rows]]
        _make_unlike_zero(connection, table, column, apart)
        where, values = either((where, values), apart)
    connection.execute(
        f"UPDATE {quoted(table)} SET {quoted(column.name)} = "
        f"(SELECT {value_of(column)} FROM {source}) WHERE {where}",
        list(values),
    )


def _make_unlike_zero(
    connection: DuckDBPyConnection, table: str, column: Column, chosen: Chosen
) -> None:
    """Set cells to 1, for DuckDB keeps 0.0 where -0.0 is set, and the reverse, also below NULL."""
    where, values = chosen
    connection.execute(
        f"UPDATE {quoted(table)} AS rows SET {quoted(column.name)} = 1 WHERE {where}", list(values)
    )


def take_out(connection: DuckDBPyConnection, table: str, chosen: Chosen) -> None:
    """Move the chosen rows out of the table."""
    where, values = chosen
    aside = _aside(connection, table)
    connection.execute(
        f"INSERT INTO {aside} BY NAME SELECT * FROM {quoted(table)} WHERE {where}", list(values)
    )
    connection.execute(f"DELETE FROM {quoted(table)} WHERE {where}", list(values))


def _aside(connection: DuckDBPyConnection, table: str) -> str:
    """Make the table that keeps deleted rows, with the columns of the event table."""
    place = _place_of(table)
    connection.execute(f"CREATE TABLE IF NOT EXISTS {place} AS FROM {quoted(table)} LIMIT 0")
    if _shape(connection, place) != _shape(connection, quoted(table)):
        connection.execute(f"CREATE OR REPLACE TEMP TABLE moved AS FROM {place}")
        connection.execute(f"DROP TABLE {place}")
        connection.execute(f"CREATE TABLE {place} AS FROM {quoted(table)} LIMIT 0")
        connection.execute(f"INSERT INTO {place} BY NAME FROM moved")
        connection.execute("DROP TABLE moved")
    return place


def _place_of(table: str) -> str:
    return f"set_aside.{quoted(table)}"


def _shape(connection: DuckDBPyConnection, place: str) -> list[tuple[str, str]]:
    found = connection.execute(f"SELECT * FROM {place} LIMIT 0").description or ()
    return [(part[0], str(part[1])) for part in found]


def has_aside(connection: DuckDBPyConnection, table: str) -> bool:
    """Whether rows of the table have ever been deleted."""
    found = connection.execute(
        "SELECT 1 FROM duckdb_tables() WHERE database_name = current_database() "
        f"AND schema_name = 'set_aside' AND {same_name('table_name')}",
        [table],
    )
    return found.fetchone() is not None


def put_back(connection: DuckDBPyConnection, table: str, runs: Collection[RunId] | None) -> None:
    """Give the rows of these runs, or of all, the place and the values they were logged with."""
    where, values = of_runs(runs)
    if has_aside(connection, table):
        _put_back_rows(connection, table, (where, values))
    columns = known(connection, table)
    edited = connection.execute(
        f"SELECT DISTINCT key FROM replaced WHERE {same_name('table_name')}", [table]
    ).fetchall()
    for (key,) in edited:
        _put_back_cells(connection, table, columns[key], (where, values))


def _put_back_rows(connection: DuckDBPyConnection, table: str, chosen: Chosen) -> None:
    where, values = chosen
    place = _place_of(table)
    # Not even an INSERT of no row: DuckDB 2.0 shows what is inserted later to nobody in the same
    # transaction when the table gets a VARIANT column in between.
    if connection.execute(f"FROM {place} WHERE {where} LIMIT 1", values).fetchone() is None:
        return
    connection.execute(
        f"INSERT INTO {quoted(table)} BY NAME SELECT * FROM {place} WHERE {where}", values
    )
    connection.execute(f"DELETE FROM {place} WHERE {where}", values)


def _put_back_cells(
    connection: DuckDBPyConnection, table: str, column: Column, chosen: Chosen
) -> None:
    where, values = chosen
    kind = "VARCHAR" if column.type == "NULL" else column.type
    its = f"{same_name('table_name')} AND key = ?"
    if column.type == "DOUBLE":
        zeros = f"SELECT row_id FROM replaced WHERE {its} AND TRY_CAST(value AS DOUBLE) = 0"
        zero: Chosen = f"row_id IN ({zeros})", [table, column.key]
        _make_unlike_zero(connection, table, column, both(zero, chosen))
    connection.execute(
        f"UPDATE {quoted(table)} AS rows SET {quoted(column.name)} = CAST(held.value AS {kind}) "
        f"FROM (SELECT row_id AS id, value FROM replaced WHERE {its}) AS held "
        f"WHERE rows.row_id = held.id AND {where}",
        [table, column.key, *values],
    )
    connection.execute(
        f"DELETE FROM replaced WHERE {its} AND row_id IN "
        f"(SELECT row_id FROM {quoted(table)} WHERE {where})",
        [table, column.key, *values],
    )


def holding(condition: RowCondition, column: Column | None) -> Chosen:
    """Choose the rows that hold a value, of its type: true is not 1, and 1 is 1.0.

    None is held by a row without the key.
    """
    if condition.value.tag == "n":
        return ("true" if column is None else f"{quoted(column.name)} IS NULL"), []
    if column is None:
        return "false", []
    fitting = [
        (kind, value) for kind, value in _forms(condition.value) if column.type in (kind, "VARIANT")
    ]
    outer = "::VARIANT" if column.type == "VARIANT" else ""
    words = [f"{quoted(column.name)} = CAST(? AS {kind}){outer}" for kind, _ in fitting]
    return (" OR ".join(words) or "false"), [value for _, value in fitting]


def _forms(value: JournalValue) -> list[tuple[str, object]]:
    """List the column types that can hold a value, with what it is in each."""
    number = value.number
    if number is not None:
        return _forms_of_number(number)
    if value.tag in "sg":
        return [("VARCHAR", value.carried)]
    if value.tag == "x":
        from base64 import b64decode  # late: few conditions are of bytes

        return [("BLOB", b64decode(cast("str", value.carried)))]
    return [(_MATCHED[value.tag], value.carried)] if value.tag in _MATCHED else []


def _forms_of_number(number: int | float) -> list[tuple[str, object]]:
    forms: list[tuple[str, object]] = []
    if isinstance(number, float):
        forms.append(("DOUBLE", repr(number)))
        if not number.is_integer():
            return forms
    elif abs(number) < _HUGE and int(float(number)) == number:
        forms.append(("DOUBLE", repr(float(number))))
    whole = int(number)
    if -_BIG <= whole < _BIG:
        forms.append(("BIGINT", str(whole)))
    if -_HUGE <= whole < _HUGE:
        forms.append(("HUGEINT", str(whole)))
    return forms
