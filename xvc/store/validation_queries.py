"""Questions of a validation to an event table: leaks, what is in each column, failures, cache use.

Nothing is written, and nothing is judged: figures come back. Every question reads a table once,
or once for each few columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from xvc.store.filter_sql import Field
from xvc.store.schema import EVENT_COLUMNS, quoted
from xvc.store.table_queries import by_type, fields, under_each_other, value_of
from xvc.types import RunId

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_AT_ONCE = 20  # columns a query, as in `look`
_RUN = "track_id"


@dataclass(frozen=True, slots=True)
class Filled:
    """What a column holds; ``blank`` counts NULL, NaN and empty texts among ``rows``."""

    field: Field
    rows: int
    blank: int
    is_constant: bool
    mean: float | None
    deviation: float | None


@dataclass(frozen=True, slots=True)
class Leaks:
    """How many values are in several splits, the first of them, and the question that lists them.

    An example is the value, then the splits that it is in.
    """

    count: int
    examples: tuple[tuple[str, str], ...]
    question: str


@dataclass(frozen=True, slots=True)
class CacheUse:
    """How many results were computed, and how often each run took those of another."""

    computed: int
    hits: tuple[tuple[RunId, RunId, int], ...]


def logged(connection: DuckDBPyConnection, table: str) -> list[Field]:
    """List the columns of a table that were logged, in their order.

    Raises:
        NoTable: there is no such table.
    """
    return [each for each in fields(connection, table) if each.column not in EVENT_COLUMNS]


def _plain(each: Field) -> str:
    """Write a column so that equal values are equal texts or numbers."""
    is_nested = each.is_mixed or each.type.startswith(("JSON", "STRUCT", "MAP"))
    return f"to_json({each.sql})::VARCHAR" if is_nested else each.sql


def has_split_runs(connection: DuckDBPyConnection, table: str, split: Field) -> bool:
    """Whether any run has rows of more than one split."""
    value = _plain(split)
    found = connection.execute(
        f"SELECT 1 FROM {quoted(table)} GROUP BY {_RUN} HAVING min({value}) <> max({value}) LIMIT 1"
    ).fetchone()
    return found is not None


def leaks(
    connection: DuckDBPyConnection,
    table: str,
    split: Field,
    values: Sequence[Field],
    within: Sequence[Field | str],
    most: int,
) -> Leaks:
    """Find values that are in more than one split.

    Args:
        connection: an open store.
        table: an event table.
        split: the column that names the split.
        values: the columns that together tell one example from another.
        within: columns that part the rows: a value may be in another split of another part.
        most: how many examples are wanted.
    """
    parts = [quoted(each) if isinstance(each, str) else _plain(each) for each in within]
    held, named = [_told_alike(_plain(each)) for each in values], _told_alike(_plain(split))
    some = " OR ".join(f"{value} IS NOT NULL" for value in held)
    picked = ", ".join(f"min({_plain(each)}::VARCHAR)" for each in values)
    source = (
        f"FROM {quoted(table)} WHERE ({some}) GROUP BY {', '.join([*parts, *held])} "
        f"HAVING min({named}) <> max({named})"
    )
    splits = f"string_agg(DISTINCT {named}::VARCHAR, ', ' ORDER BY {named}::VARCHAR) AS splits"
    question = f"SELECT {picked}, {splits} {source}"
    # Counted without the texts of their splits, which take ten times as long.
    keys = f"SELECT DISTINCT {', '.join(held)} {source}"
    found = connection.execute(f"SELECT count(*) FROM ({keys})").fetchone()
    count = int(found[0]) if found else 0
    if not count:
        return Leaks(0, (), question)
    shown = connection.execute(f"SELECT DISTINCT * FROM ({question}) ORDER BY ALL LIMIT {most}")
    examples = tuple((_told(row[:-1]), str(row[-1])) for row in shown.fetchall())
    return Leaks(count, examples, question)


def _told_alike(value: str) -> str:
    """Write SQL for what people take for one value: 1 and "1", case, blanks, accents as written.

    NULL for what is blank or no number: it tells nothing.
    """
    held = f"nullif({value}::VARCHAR, 'nan')"
    bare = rf"regexp_replace({held}, '^\"(.*)\"$', '\1')"  # a text in a mixed column
    text = rf"nfc_normalize(trim(regexp_replace({bare}, '[\s\p{{Z}}]+', ' ', 'g')))"
    return rf"nullif(lower(regexp_replace({text}, '^(-?[0-9]+)\.0+$', '\1')), '')"


def has_several(connection: DuckDBPyConnection, table: str, column: Field) -> bool:
    """Whether a column has more than one value: a constant tells no example from another."""
    value = _told_alike(_plain(column))
    found = connection.execute(
        f"SELECT min({value}) IS DISTINCT FROM max({value}) FROM {quoted(table)}"
    ).fetchone()
    return bool(found and found[0])


def _told(values: Sequence[object]) -> str:
    return ", ".join("-" if value is None else str(value) for value in values)


def filled(
    connection: DuckDBPyConnection, table: str, columns: Sequence[Field]
) -> Iterator[Filled]:
    """Look at what columns hold."""
    rows = _count(connection, table)
    alike, rest = by_type(columns, rows)
    found: dict[Field, Sequence[object]] = {}
    for some in alike if rows else ():
        picked = ", ".join(_figures(value_of(some[0].type)))
        under = f"SELECT {under_each_other(some)} FROM {quoted(table)}"
        asked = connection.execute(f"SELECT place, {picked} FROM ({under}) GROUP BY place")
        found |= {some[place]: figures for place, *figures in asked.fetchall()}
    others = rest if rows else columns
    for start in range(0, len(others), _AT_ONCE):
        some = list(others[start : start + _AT_ONCE])
        picked = ", ".join(part for each in some for part in _figures(each))
        row = connection.execute(f"SELECT {picked} FROM {quoted(table)}").fetchone() or ()
        found |= {each: row[4 * place : 4 * place + 4] for place, each in enumerate(some)}
    for each in columns:
        blank, same, mean, deviation = found[each]
        yield Filled(
            field=each,
            rows=rows,
            blank=int(cast("int", blank)),
            is_constant=bool(same),
            mean=cast("float | None", mean),
            deviation=cast("float | None", deviation),
        )


def _count(connection: DuckDBPyConnection, table: str) -> int:
    found = connection.execute(f"SELECT count(*) FROM {quoted(table)}").fetchone()
    return int(found[0]) if found else 0


def _figures(each: Field) -> tuple[str, str, str, str]:
    value, number = _plain(each), each.number
    blank = f"{each.sql} IS NULL"
    if each.type == "VARCHAR":
        blank += f" OR {each.sql} = ''"
    if each.type in ("DOUBLE", "FLOAT"):
        blank += f" OR isnan({each.sql})"
    same = f"min({value}) IS NOT DISTINCT FROM max({value}) AND count({each.sql}) > 1"
    if number is None:
        return f"count(*) FILTER ({blank})", same, "NULL", "NULL"
    finite = f"CASE WHEN isfinite({number}) THEN {number} END"
    return f"count(*) FILTER ({blank})", same, f"avg({finite})", f"stddev_pop({finite})"


def presence(
    connection: DuckDBPyConnection, table: str, columns: Sequence[Field]
) -> dict[RunId, frozenset[str]]:
    """Tell which keys each run of a table has a value for."""
    held: dict[RunId, set[str]] = {}
    alike, rest = by_type(columns, _count(connection, table))
    for some in alike:
        under = f"SELECT {_RUN}, {under_each_other(some)} FROM {quoted(table)}"
        found = connection.execute(
            f"SELECT {_RUN}, list(DISTINCT place) FILTER (value IS NOT NULL) FROM ({under}) "
            "GROUP BY ALL"
        )
        for run, places in found.fetchall():
            held.setdefault(RunId(str(run)), set()).update(some[n].label for n in places or ())
    for start in range(0, len(rest), _AT_ONCE):
        some = rest[start : start + _AT_ONCE]
        counts = ", ".join(f"count({each.sql}) > 0" for each in some)
        found = connection.execute(f"SELECT {_RUN}, {counts} FROM {quoted(table)} GROUP BY {_RUN}")
        for run, *has in found.fetchall():
            keys = held.setdefault(RunId(str(run)), set())
            keys.update(each.label for each, yes in zip(some, has, strict=True) if yes)
    return {run: frozenset(keys) for run, keys in held.items()}


def runs_of(connection: DuckDBPyConnection, table: str) -> set[RunId]:
    """List the runs that have rows in a table."""
    found = connection.execute(f"SELECT DISTINCT {_RUN} FROM {quoted(table)}").fetchall()
    return {RunId(str(run)) for (run,) in found}


def row_errors(
    connection: DuckDBPyConnection, table: str, error: Field
) -> list[tuple[str, int, RunId]]:
    """List what failed in rows: the text, how many rows say it, and one run; most frequent first.

    A text that is empty says that nothing failed.
    """
    text = f"{error.sql}::VARCHAR"
    found = connection.execute(
        f"SELECT {text}, count(*), min({_RUN}) FROM {quoted(table)} "
        f"WHERE {error.sql} IS NOT NULL AND {text} <> '' GROUP BY ALL ORDER BY 2 DESC, 1"
    ).fetchall()
    return [(str(said), int(count), RunId(str(run))) for said, count, run in found]


def cache_use(connection: DuckDBPyConnection, table: str, cache: Field) -> CacheUse:
    """Count what came from the cache: an empty text is a computed result, NULL no cached call."""
    found = connection.execute(
        f"SELECT {_RUN}, {cache.sql}::VARCHAR AS source, count(*) FROM {quoted(table)} "
        f"WHERE {cache.sql} IS NOT NULL GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    computed = sum(count for _, source, count in found if source == "")
    hits = [(RunId(str(run)), RunId(source), count) for run, source, count in found if source]
    return CacheUse(computed, tuple(hits))
