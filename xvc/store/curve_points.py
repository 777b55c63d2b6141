"""Points of curves, thinned in the database: the least and the greatest value of each interval.

A curve that was thinned so has every peak of the whole one, which taking each tenth point has not.
Numbers that are not finite are counted and left out. Nothing is written.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xvc.errors import BadValue
from xvc.store.filter_sql import Field
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


_NEARLY = 0.8
"""What is told apart is estimated; two keys that tell as much are within this share."""

_PICKED = """
    WITH wanted AS (
        SELECT unnest($runs::VARCHAR[]) AS id, generate_subscripts($runs::VARCHAR[], 1) AS run
    ), picked AS (
        SELECT run, x, y FROM (
            SELECT track_id AS its, {x}::DOUBLE AS x, {y} AS y FROM {table}
        ) JOIN wanted ON its = id WHERE y IS NOT NULL
    )"""
_IS_FINITE = "coalesce(isfinite(x), false) AND isfinite(y)"
_IS_DRAWN = f"{_IS_FINITE} AND x BETWEEN $low AND $high"
_SPANS = f"""
    SELECT run, count(*) FILTER (NOT ({_IS_FINITE})), count(*) FILTER ({_IS_DRAWN}),
        min(x) FILTER ({_IS_DRAWN}), arg_min(y, x) FILTER ({_IS_DRAWN}),
        max(x) FILTER ({_IS_DRAWN}), arg_max(y, x) FILTER ({_IS_DRAWN})
    FROM picked GROUP BY run"""
_PARTS = f""", span AS (
        SELECT unnest($found::INTEGER[]) AS run, unnest($first::DOUBLE[]) AS first,
            unnest($last::DOUBLE[]) AS last
    )
    SELECT any_value(run), {{points}}
    FROM picked JOIN span USING (run) WHERE {_IS_DRAWN}
    GROUP BY run * {{most}} + least(coalesce(
        floor((x - first) / nullif(last - first, 0) * $intervals), 0), $intervals - 1)::BIGINT"""
_EXTREMES = "arg_min(x, y), min(y), arg_max(x, y), max(y)"
_MEANS = "avg(x), avg(y)"


def curve_points(connection: DuckDBPyConnection, wanted: WantedCurves) -> list[Curve]:
    """Read curves, each of at most two points an interval, and its first and last one.

    A zoom has the points of its part of *x* alone.

    Raises:
        NoTable: there is no such table.
        NoColumn: it has no such key.
        BadValue: the values of a key are no numbers.
    """
    held = fields(connection, wanted.table)
    picked = _PICKED.format(
        x=_axis(held, wanted),
        y=_number(field(held, wanted.key)),
        table=quoted(wanted.table),
    )
    low = -math.inf if wanted.low is None else wanted.low
    high = math.inf if wanted.high is None else wanted.high
    given = {"runs": list(wanted.runs), "low": low, "high": high}
    spans = {run: span for run, *span in connection.execute(picked + _SPANS, given).fetchall()}
    points = _points(connection, wanted, picked, given, spans)
    found = []
    for number, run in enumerate(wanted.runs, 1):
        if number in spans:
            left_out, total, *_ = spans[number]
            xs, ys = zip(*sorted(points[number]), strict=True) if points.get(number) else ((), ())
            found.append(Curve(run=run, x=xs, y=ys, total=total, left_out=left_out))
    return found


def telling_axes(
    connection: DuckDBPyConnection,
    table: str,
    key: str,
    candidates: Sequence[str],
    runs: Sequence[RunId],
) -> tuple[str | None, list[str]]:
    """Choose the axis of a key's curves, and list the keys that could be one.

    A key that stays the same throughout every run, as a param ``epochs`` does, is none. The axis is
    the first of those that tell most values of the curves apart; None where each of them gives more
    than half of the values a place that another value has. Runs of one value have no curve and no
    say.
    """
    if not candidates:
        return None, []
    held = fields(connection, table)
    y = _number(field(held, key))
    places = ", ".join(
        f"approx_count_distinct({_number(field(held, each))}) FILTER ({y} IS NOT NULL)"
        for each in candidates
    )
    found = connection.execute(
        f"SELECT count({y}), {places} FROM {quoted(table)} WHERE track_id IN "
        f"(SELECT unnest($runs::VARCHAR[])) GROUP BY track_id HAVING count({y}) > 1",
        {"runs": list(runs)},
    ).fetchall()
    total, *told = (sum(column) for column in zip(*found, strict=True)) if found else (0,)
    axes = {
        each: count for each, count in zip(candidates, told, strict=False) if count > len(found)
    }
    best = [each for each, count in axes.items() if 2 * count > total]
    most = max((axes[each] for each in best), default=0)
    return next((each for each in best if axes[each] > _NEARLY * most), None), list(axes)


def _points(
    connection: DuckDBPyConnection,
    wanted: WantedCurves,
    picked: str,
    given: Mapping[str, object],
    spans: Mapping[int, Sequence[Any]],
) -> dict[int, set[tuple[float, float]]]:
    """Read the points of each curve, by its number; runs are numbers here, to be grouped fast."""
    drawn = {number: span for number, span in spans.items() if span[1]}
    points: dict[int, set[tuple[float, float]]] = {}
    if not wanted.is_mean:
        for number, (_, _, first, first_y, last, last_y) in drawn.items():
            points[number] = {(first, first_y), (last, last_y)}
    parts = _PARTS.format(points=_MEANS if wanted.is_mean else _EXTREMES, most=wanted.intervals)
    span = {
        "found": list(drawn),
        "first": [each[2] for each in drawn.values()],
        "last": [each[4] for each in drawn.values()],
        "intervals": wanted.intervals,
    }
    for number, *found in connection.execute(picked + parts, {**given, **span}).fetchall():
        points.setdefault(number, set()).update(zip(found[::2], found[1::2], strict=True))
    return points


def _number(each: Field) -> str:
    if each.number is None:
        raise BadValue(each.label, f"a curve needs numbers, and its values are {each.type}")
    return each.number


def _axis(held: Sequence[Field], wanted: WantedCurves) -> str:
    named = {each.label for each in held}
    if wanted.x in named - {"timestamp"}:
        return _number(field(held, wanted.x))
    if wanted.x == ROW:
        return "row_number() OVER (PARTITION BY track_id ORDER BY row_id)"
    if wanted.x == TIME:
        return "epoch(timestamp)"
    if wanted.x == RELATIVE:
        return "epoch(timestamp) - min(epoch(timestamp)) OVER (PARTITION BY track_id)"
    return _number(field(held, wanted.x))
