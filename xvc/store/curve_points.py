"""Points of curves, thinned in the database: the least and the greatest value of each interval.

A curve that was thinned so has every peak of the whole one, which taking each tenth point has not.
Numbers that are not finite are counted and left out. Nothing is written.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xvc.errors import BadValue
from xvc.store.condition import Field
from xvc.store.schema import quoted
from xvc.store.table_queries import field, fields
from xvc.types import RunId

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

ROW, TIME, RELATIVE = "row", "time", "relative"
"""Axes that every table has: the row's number, its time, and the seconds since the run's first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedCurves:
    """Which curves: a key of a table in these runs, over *x*, a key or one of the three axes.

    ``low`` and ``high`` cut a part out of *x*; ``intervals`` is into how many each curve is parted.
    ``is_mean`` asks for the mean of each interval, to be smoothed, in the place of its extremes.
    """

    table: str
    key: str
    x: str
    runs: Sequence[RunId]
    low: float | None = None
    high: float | None = None
    intervals: int = 400
    is_mean: bool = False


@dataclass(frozen=True, slots=True)
class Curve:
    """The curve of one run: points in order, how many there were, how many were not finite."""

    run: RunId
    x: tuple[float, ...]
    y: tuple[float, ...]
    total: int
    left_out: int


_EXTREMES = """
            SELECT run, at_least AS x, least AS y FROM parted
            UNION SELECT run, at_most, most FROM parted
            UNION SELECT run, first, first_y FROM span
            UNION SELECT run, last, last_y FROM span"""
_MEANS = """
            SELECT run, mean_x AS x, mean_y AS y FROM parted"""


def curve_points(connection: DuckDBPyConnection, wanted: WantedCurves) -> list[Curve]:
    """Read curves, each of at most two points an interval, and its first and last one.

    A zoom has the points of its part of *x* alone.

    Raises:
        NoTable: there is no such table.
        NoColumn: it has no such key.
        BadValue: the values of a key are no numbers.
    """
    held = fields(connection, wanted.table)
    y = _number(field(held, wanted.table, wanted.key))
    x = _axis(held, wanted)
    low = -math.inf if wanted.low is None else wanted.low
    high = math.inf if wanted.high is None else wanted.high
    found = connection.execute(
        f"""
        WITH picked AS (
            SELECT track_id AS run, {x}::DOUBLE AS x, {y} AS y FROM {quoted(wanted.table)}
            WHERE track_id IN (SELECT unnest(?::VARCHAR[])) AND {y} IS NOT NULL
        ), whole AS (
            SELECT * FROM picked WHERE isfinite(x) AND isfinite(y) AND x BETWEEN ? AND ?
        ), span AS (
            SELECT run, min(x) AS first, max(x) AS last, arg_min(y, x) AS first_y,
                arg_max(y, x) AS last_y, count(*) AS total FROM whole GROUP BY run
        ), parted AS (
            SELECT run, min(y) AS least, arg_min(x, y) AS at_least, max(y) AS most,
                arg_max(x, y) AS at_most, avg(x) AS mean_x, avg(y) AS mean_y
            FROM whole JOIN span USING (run)
            GROUP BY run, least(floor((x - first) / nullif(last - first, 0) * ?), ? - 1)
        ), points AS ({_MEANS if wanted.is_mean else _EXTREMES}
        ), lines AS (
            SELECT run, list(x ORDER BY x, y) AS xs, list(y ORDER BY x, y) AS ys
            FROM points GROUP BY run
        ), cut AS (
            SELECT run, count(*) FILTER (NOT (coalesce(isfinite(x), false) AND isfinite(y)))
                AS left_out FROM picked GROUP BY run
        )
        SELECT run, xs, ys, total, left_out
        FROM cut LEFT JOIN lines USING (run) LEFT JOIN span USING (run)
        """,
        [list(wanted.runs), low, high, wanted.intervals, wanted.intervals],
    ).fetchall()
    by_run = {
        RunId(run): Curve(RunId(run), tuple(xs or ()), tuple(ys or ()), total or 0, left_out)
        for run, xs, ys, total, left_out in found
    }
    return [by_run[run] for run in wanted.runs if run in by_run]


def _number(each: Field) -> str:
    if each.number is None:
        raise BadValue(each.label, f"a curve needs numbers, and its values are {each.type}")
    return each.number


def _axis(held: Sequence[Field], wanted: WantedCurves) -> str:
    named = {each.label for each in held}
    if wanted.x in named - {"timestamp"}:
        return _number(field(held, wanted.table, wanted.x))
    if wanted.x == ROW:
        return "row_number() OVER (PARTITION BY track_id ORDER BY row_id)"
    if wanted.x == TIME:
        return "epoch(timestamp)"
    if wanted.x == RELATIVE:
        return "epoch(timestamp) - min(epoch(timestamp)) OVER (PARTITION BY track_id)"
    return _number(field(held, wanted.table, wanted.x))
