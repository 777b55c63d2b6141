"""Rows of an event table that are of the same thing in two sets of runs, by a key.

A thing that several rows of a side are of, as with several seeds, counts by their mean. Reads only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xvc.store.filter_sql import Field
from xvc.store.schema import EVENT_COLUMNS, quoted
from xvc.store.table_queries import field, fields, known_field
from xvc.store.user_sql import asking
from xvc.types import RunId

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_CALL = ("function_time", "cache", "error")


@dataclass(frozen=True, slots=True)
class Pairs:
    """The score of each thing on both sides, by its key; how many things one side alone has."""

    old: dict[str, float]
    new: dict[str, float]
    alone: int


def scores_in(connection: DuckDBPyConnection, table: str, key: str) -> list[str]:
    """List the keys of a table that hold numbers or truths, but for *key*.

    Raises:
        NoTable, NoColumn: there is no such table, or no such key in it.
    """
    held = fields(connection, table)
    field(held, key)
    return [
        each.label
        for each in held
        if each.column not in EVENT_COLUMNS
        and each.label not in (key, *_CALL)
        and (each.is_number or each.type == "BOOLEAN")
    ]


def paired_rows(
    connection: DuckDBPyConnection,
    *,
    table: str,
    key: str,
    score: str,
    sides: tuple[Sequence[RunId], Sequence[RunId]],
) -> Pairs:
    """Read the score of each thing in the runs of two sides.

    Args:
        connection: a store as `db.reading` opens it, for a score is SQL of the user.
        table: an event table.
        key: what tells one thing from another.
        score: a logged key, or an expression of SQL: ``prediction = label``.
        sides: the runs of the baseline, and of the candidate.

    Raises:
        NoTable, NoColumn: there is no such table, or no such key in it.
        BadQuery: the score cannot be computed.
    """
    held = fields(connection, table)
    named = _plain(field(held, key))
    known = known_field(held, score)
    value = f"({known.sql if known else score})::DOUBLE"
    question = (
        f"SELECT thing, avg(score) FILTER (track_id IN (SELECT unnest(?))) AS old, "
        f"avg(score) FILTER (track_id IN (SELECT unnest(?))) AS new FROM "
        f"(SELECT {named} AS thing, track_id, {value} AS score FROM {quoted(table)}) "
        "WHERE thing IS NOT NULL AND isfinite(score) GROUP BY thing ORDER BY thing"
    )
    with asking():
        rows = connection.execute(question, [list(side) for side in sides]).fetchall()
    both = [(thing, old, new) for thing, old, new in rows if old is not None and new is not None]
    return Pairs(
        {thing: float(old) for thing, old, _ in both},
        {thing: float(new) for thing, _, new in both},
        sum((old is None) != (new is None) for _, old, new in rows),
    )


def _plain(each: Field) -> str:
    return f"{each.sql}::VARCHAR"
