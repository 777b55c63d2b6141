"""Questions to the tables of an open store: what is there, the rows, figures about the columns.

Nothing is written. Tables and columns are named as they were logged; NaN is told apart from
numbers, and never is the largest of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

from xvc.core.expression import Expression
from xvc.core.name_words import catalog_name
from xvc.core.nested import above
from xvc.errors import BadValue, NoColumn, NoTable
from xvc.store.columns import known
from xvc.store.filter_sql import Field, condition
from xvc.store.query import as_logged
from xvc.store.schema import EVENT_COLUMNS, quoted, same_name
from xvc.types import RunId

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_AT_ONCE = 20  # columns a query: DuckDB plans hundreds of aggregates far longer than it runs them
_WIDE = 100  # columns from which on those of one type are put under each other
_LONGEST, _VALUES = 1_000, 20_000_000  # columns put under each other, and the values that makes
_UNORDERED = ("JSON", "BLOB", "NULL", "STRUCT", "MAP", "LIST")
_NEAR = 3
_HIDDEN = "row_id"


@dataclass(frozen=True, slots=True)
class Grid:
    """An answer in rows; ``total`` is how many there are in all, None when that is not known."""

    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]
    total: int | None = None


@dataclass(frozen=True, slots=True)
class WantedRows:
    """Which rows of a table are asked for, and which columns; None is all of them."""

    table: str
    columns: tuple[str, ...] | None = None
    where: Expression | None = None
    run: RunId | None = None


def table_names(connection: DuckDBPyConnection) -> list[str]:
    """List every table of the store, by name."""
    found = connection.execute(
        "SELECT table_name FROM duckdb_tables() WHERE database_name = current_database() "
        "AND schema_name = 'main' AND NOT internal AND NOT temporary ORDER BY table_name"
    ).fetchall()
    return [name for (name,) in found]


def fields(connection: DuckDBPyConnection, table: str) -> list[Field]:
    """List a table's columns in their order, by logged key.

    Raises:
        NoTable: there is no such table.
    """
    names = table_names(connection)
    if catalog_name(table) not in map(catalog_name, names):
        raise NoTable(table, tuple(names))
    shape = connection.execute(
        "SELECT column_name, data_type FROM duckdb_columns() "
        "WHERE database_name = current_database() AND schema_name = 'main' "
        f"AND {same_name('table_name')} ORDER BY column_index",
        [table],
    ).fetchall()
    logged = {column.name: column for column in known(connection, table).values()}
    found = []
    for name, kind in shape:
        column = logged.get(name)
        is_apart = column is not None and column.key not in EVENT_COLUMNS
        label = column.key if column is not None and is_apart else name
        is_empty = column is not None and column.type == "NULL"
        found.append(Field(label, name, "NULL" if is_empty else kind))
    return found


def field(held: Sequence[Field], key: str) -> Field:
    """Find one column by its key, or the numbers at a path in the dicts of one.

    Raises:
        NoColumn: there is none.
    """
    found = known_field(held, key)
    if found is None:
        raise NoColumn(key, tuple(each.label for each in held))
    return found


def known_field(held: Sequence[Field], key: str) -> Field | None:
    """Find what `field` finds; None where there is none."""
    labels = {each.label: each for each in held}
    if key in labels:
        return labels[key]
    for beginning in above(key):
        outer = labels.get(beginning)
        if outer is not None and outer.type == "JSON":
            parts = key.removeprefix(f"{beginning}.").split(".")
            escaped = (part.replace("~", "~0").replace("/", "~1") for part in parts)
            return Field(key, outer.column, "DOUBLE", "".join(f"/{part}" for part in escaped))
    return None


def _chosen(held: Sequence[Field], wanted: WantedRows) -> list[Field]:
    if wanted.columns is None:
        return [each for each in held if each.column != _HIDDEN]
    return [field(held, key) for key in wanted.columns]


def _which(held: Sequence[Field], wanted: WantedRows) -> tuple[str, list[object]]:
    """Write the condition for the rows asked for."""
    texts, values = ["true"], list[object]()
    if wanted.run is not None:
        named = next((name for name in ("track_id", "id") if _has(held, name)), None)
        if named is None:
            raise BadValue("--run", f"the rows of {wanted.table} belong to no run")
        texts.append(f"{named} = ?")
        values.append(wanted.run)
    if wanted.where is not None:
        text, bound = condition(wanted.where, lambda key: field(held, key))
        texts.append(text)
        values += bound
    return f"WHERE {' AND '.join(texts)}", values


def _has(held: Sequence[Field], column: str) -> bool:
    return any(each.column == column for each in held)


def _order(held: Sequence[Field]) -> str:
    """Rows in the order of time: event rows by their id, others as they were put in."""
    return _HIDDEN if _has(held, _HIDDEN) else "rowid"


def overview(connection: DuckDBPyConnection) -> Grid:
    """List the tables: rows, columns, estimated bytes, the first and the last time in each."""
    found = []
    shapes: dict[str, list[str]] = {table: [] for table in table_names(connection)}
    named = connection.execute(  # of all at once: DuckDB lists the columns of every table each time
        "SELECT table_name, column_name FROM duckdb_columns() "
        "WHERE database_name = current_database() AND schema_name = 'main'"
    )
    for table, column in named.fetchall():
        shapes.get(table, []).append(column)
    size = connection.execute("SELECT max(block_size) FROM pragma_database_size()").fetchone()
    block = int(size[0]) if size else 0
    for table, held in shapes.items():
        times = next((n for n in ("timestamp", "started") if n in held), None)
        span = f"min({times}), max({times})" if times else "NULL, NULL"
        row = connection.execute(f"SELECT count(*), {span} FROM {quoted(table)}").fetchone()
        rows, first, last = row or (0, None, None)
        found.append((table, rows, len(held), _bytes_of(connection, table, block), first, last))
    head = ("table", "rows", "columns", "size", "first", "last")
    return Grid(head, tuple(found), len(found))


def _bytes_of(connection: DuckDBPyConnection, table: str, block: int) -> int:
    """Count the blocks that a table's columns fill; 0 while they fit into shared ones."""
    found = connection.execute(
        "SELECT count(DISTINCT block_id) * ? FROM pragma_storage_info(?) "
        "WHERE persistent AND block_id >= 0",
        [block, quoted(table)],
    ).fetchone()
    return int(found[0]) if found else 0


def rows(
    connection: DuckDBPyConnection, wanted: WantedRows, limit: int | None, *, newest: bool
) -> Grid:
    """Read the first or the last rows of a table, oldest first.

    Raises:
        NoTable: there is no such table.
        NoColumn: a key of the request has no column.
    """
    held = fields(connection, wanted.table)
    chosen, (where, values) = _chosen(held, wanted), _which(held, wanted)
    way = "DESC" if newest else "ASC"
    ending = f"{where} ORDER BY {_order(held)} {way} {_most(limit)}"
    found = _read(connection, wanted.table, chosen, ending, values)
    total = _count(connection, wanted.table, where, values)
    return Grid(_labels(chosen), tuple(found[::-1] if newest else found), total)


def extremes(
    connection: DuckDBPyConnection,
    wanted: WantedRows,
    key: str,
    limit: int | None,
    *,
    largest: bool,
) -> Grid:
    """Read the rows with the largest or smallest values of a key; NaN is neither.

    Raises:
        NoTable: there is no such table.
        NoColumn: a key of the request has no column.
        BadValue: the values of the key have no order.
    """
    held = fields(connection, wanted.table)
    by = field(held, key)
    if by.type.startswith(_UNORDERED) or by.type.endswith("]"):
        raise BadValue(key, f"values of type {by.type} have no order")
    value = by.number or by.sql
    where, values = _which(held, wanted)
    where += f" AND {value} IS NOT NULL" + (f" AND NOT isnan({value})" if by.number else "")
    way = "DESC" if largest else "ASC"
    ending = f"{where} ORDER BY {value} {way}, {_order(held)} {_most(limit)}"
    chosen = _chosen(held, wanted)
    found = _read(connection, wanted.table, chosen, ending, values)
    total = _count(connection, wanted.table, where, values)
    return Grid(_labels(chosen), tuple(found), total)


def _most(limit: int | None) -> str:
    return "" if limit is None else f"LIMIT {int(limit)}"


def _labels(chosen: Sequence[Field]) -> tuple[str, ...]:
    return tuple(each.label for each in chosen)


def _read(
    connection: DuckDBPyConnection,
    table: str,
    chosen: Sequence[Field],
    ending: str,
    values: list[object],
) -> list[tuple[object, ...]]:
    """Read rows in order: first which, then what is in them.

    DuckDB 2.0 cannot carry a mixed column through a sort of more rows than it keeps together.
    """
    ordered = connection.execute(f"SELECT rowid FROM {quoted(table)} {ending}", values).fetchall()
    picked = ", ".join(each.sql for each in chosen)
    found = connection.execute(
        f"SELECT rowid, {picked} FROM {quoted(table)} WHERE rowid IN (SELECT unnest(?))",
        [[place for (place,) in ordered]],
    )
    kinds = [each.type for each in chosen]
    held = {place: tuple(map(recorded, row, kinds)) for place, *row in found.fetchall()}
    return [held[place] for (place,) in ordered]


def _count(connection: DuckDBPyConnection, table: str, where: str, values: list[object]) -> int:
    found = connection.execute(f"SELECT count(*) FROM {quoted(table)} {where}", values).fetchone()
    return int(found[0]) if found else 0


def recorded(value: object, kind: str) -> object:
    """Turn what DuckDB gives back into what was logged; decimals and ids into plain values."""
    if isinstance(value, Decimal):
        return float(value)
    return str(value) if isinstance(value, UUID) else as_logged(value, kind)


def about(connection: DuckDBPyConnection, wanted: WantedRows) -> Grid:
    """List a table's columns: key, column, type, values, distinct ones, the ends.

    Of a large table the distinct ones are estimated.

    Raises:
        NoTable: there is no such table.
        NoColumn: a key of the request has no column.
    """
    held = fields(connection, wanted.table)
    chosen = held if wanted.columns is None else _chosen(held, wanted)
    found = [
        (each.label, each.column, each.type, *figures)
        for each, figures in _figures(connection, held, chosen, wanted, _ABOUT)
    ]
    head = ("key", "column", "type", "values", "distinct", "min", "max")
    return Grid(head, tuple(found), len(found))


def described(connection: DuckDBPyConnection, wanted: WantedRows) -> Grid:
    """Describe the values of each key; of mixed ones, the numbers among them.

    Raises:
        NoTable: there is no such table.
        NoColumn: a key of the request has no column.
    """
    held = fields(connection, wanted.table)
    chosen = _chosen(held, wanted)
    found = [
        (each.label, each.type, *figures)
        for each, figures in _figures(connection, held, chosen, wanted, _DESCRIBED)
    ]
    head = ("key", "type", "values", "missing", "nan", "distinct", "mean", "std")
    return Grid((*head, "min", "25%", "50%", "75%", "max"), tuple(found), len(found))


_COUNTED, _DISTINCT = "count({it})", "count(DISTINCT {it})"
_ESTIMATED = "approx_count_distinct({it})"
_FEW = 100_000  # rows whose distinct values are counted; an estimate says 5 of 6
_SMALLEST, _GREATEST = "min({value}) {some}", "max({value}) {some}"
_ABOUT = (_COUNTED, _DISTINCT, _SMALLEST, _GREATEST)
_QUARTERS = tuple(f"quantile_cont({{number}}, {part}) {{some}}" for part in (0.25, 0.5, 0.75))
_DESCRIBED = (
    *(_COUNTED, "count(*) - count({it})", "count(*) FILTER (isnan({number}))", _DISTINCT),
    *("avg({number}) {some}", "stddev_samp({finite}) {some}"),
    *(_SMALLEST, *_QUARTERS, _GREATEST),
)


def _figures(
    connection: DuckDBPyConnection,
    held: Sequence[Field],
    chosen: Sequence[Field],
    wanted: WantedRows,
    asked: Sequence[str],
) -> Iterator[tuple[Field, tuple[object, ...]]]:
    which = _which(held, wanted)
    rows = _count(connection, wanted.table, "", [])
    if rows > _FEW:
        asked = [_ESTIMATED if each == _DISTINCT else each for each in asked]
    found: dict[Field, tuple[object, ...]] = {}
    alike, rest = by_type(chosen, rows)
    for some in alike:
        found |= _of_one_type(connection, wanted.table, which, some, asked)
    found |= _of_any_type(connection, wanted.table, which, rest, asked)
    for each in chosen:
        yield each, tuple(recorded(value, "") for value in found[each])


def by_type(chosen: Sequence[Field], rows: int) -> tuple[list[list[Field]], list[Field]]:
    """Part the columns of a wide table into some of one type each, and what goes with no other.

    DuckDB plans an aggregate for each of 4,000 columns in half a minute, and one over the values of
    all of them, put `under_each_other`, at once.
    """
    together: dict[str, list[Field]] = {}
    for each in chosen if len(chosen) > _WIDE else ():
        if each.path is None and not each.is_mixed:
            together.setdefault(each.type, []).append(each)
    most = max(_AT_ONCE, min(_LONGEST, _VALUES // max(rows, 1)))
    alike = [
        its[start : start + most] for its in together.values() for start in range(0, len(its), most)
    ]
    taken = {each for its in alike for each in its}
    return alike, [each for each in chosen if each not in taken]


def under_each_other(alike: Sequence[Field]) -> str:
    """Write what selects the values of columns of one type as ``value``, each with its place."""
    columns = ", ".join(each.sql for each in alike)
    return f"unnest(range({len(alike)})) AS place, unnest([{columns}]) AS value"


def value_of(kind: str) -> Field:
    """Return the column that `under_each_other` makes of columns of a type."""
    return Field("", "value", kind)


def _of_any_type(
    connection: DuckDBPyConnection,
    table: str,
    which: tuple[str, list[object]],
    chosen: Sequence[Field],
    asked: Sequence[str],
) -> dict[Field, tuple[object, ...]]:
    """Ask for figures column by column, some in each question."""
    (where, values), told = which, dict[Field, tuple[object, ...]]()
    for start in range(0, len(chosen), _AT_ONCE):
        some = chosen[start : start + _AT_ONCE]
        picked = ", ".join(_figure(each, one) for each in some for one in asked)
        question = f"SELECT {picked} FROM {quoted(table)} {where}"
        found = connection.execute(question, values).fetchone() or ()
        for place, each in enumerate(some):
            told[each] = found[place * len(asked) : (place + 1) * len(asked)]
    return told


def _of_one_type(
    connection: DuckDBPyConnection,
    table: str,
    which: tuple[str, list[object]],
    alike: Sequence[Field],
    asked: Sequence[str],
) -> dict[Field, tuple[object, ...]]:
    """Ask for figures about columns of one type: their values under each other, one question."""
    (where, values), its = which, value_of(alike[0].type)
    picked = ", ".join(_figure(its, one) for one in asked)
    under = f"SELECT {under_each_other(alike)} FROM {quoted(table)} {where}"
    question = f"SELECT place, {picked} FROM ({under}) GROUP BY place"
    rows = connection.execute(question, values).fetchall()
    if not rows:  # of no values a sum over all says what there is to say
        alone = connection.execute(f"SELECT {picked} FROM ({under})", values).fetchone() or ()
        return dict.fromkeys(alike, alone)
    return {alike[place]: tuple(figures) for place, *figures in rows}


def _figure(each: Field, asked: str) -> str:
    """Write one figure about one column; NULL where it has no sense for its type."""
    number = each.number
    if number is None:
        unordered = each.type.startswith(_UNORDERED) or each.type.endswith("]")
        if "{number}" in asked or "{finite}" in asked or ("{value}" in asked and unordered):
            return "NULL"
        return asked.format(it=each.sql, value=each.sql, some="")
    some = f"FILTER (NOT isnan({number}))"
    finite = f"CASE WHEN isfinite({number}) THEN {number} END"
    value = each.sql if each.is_number else number
    return asked.format(it=each.sql, value=value, number=number, finite=finite, some=some)


def points(
    connection: DuckDBPyConnection, wanted: WantedRows, keys: Sequence[str], by: str | None
) -> list[tuple[object, ...]]:
    """Read numbers for a picture, in the order of time: what *by* holds, then those of each key.

    Truth counts as 1 and 0, a point of time as seconds since the epoch.

    Raises:
        NoTable: there is no such table.
        NoColumn: a key of the request has no column.
        BadValue: the values of a key are no numbers.
    """
    held = fields(connection, wanted.table)
    axes = [_axis(field(held, key)) for key in keys]
    label = f"{field(held, by).sql}::VARCHAR" if by else "NULL"
    where, values = _which(held, wanted)
    return connection.execute(
        f"SELECT {', '.join([label, *axes])} FROM {quoted(wanted.table)} "
        f"{where} ORDER BY {_order(held)}",
        values,
    ).fetchall()


def logged_keys(
    connection: DuckDBPyConnection, table: str, held: Sequence[Field], run: RunId
) -> list[str]:
    """List which of these columns a run has at least two values in."""
    found = []
    for start in range(0, len(held), _AT_ONCE):
        some = held[start : start + _AT_ONCE]
        counts = ", ".join(f"count({each.number or each.sql})" for each in some)
        question = f"SELECT {counts} FROM {quoted(table)} WHERE track_id = ?"
        row = connection.execute(question, [run]).fetchone() or ()
        found += [each.label for each, count in zip(some, row, strict=False) if count > 1]
    return found


def _axis(each: Field) -> str:
    if each.number is not None:
        return each.number
    if each.type == "BOOLEAN":
        return f"{each.sql}::INTEGER::DOUBLE"
    if each.is_time:
        return f"epoch({each.sql})"
    raise BadValue(each.label, f"a picture needs numbers, and its values are of type {each.type}")
