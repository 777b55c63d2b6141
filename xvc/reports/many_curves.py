"""Curves of many runs, as a page draws them: which table, which axis, thinned. Reads only."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xvc.core.direction import is_progress
from xvc.core.nested import above
from xvc.errors import BadValue, NoColumn
from xvc.project import Project
from xvc.recovery.lost_runs import opened
from xvc.store import table_queries as look
from xvc.store.columns import tables
from xvc.store.curve_points import (
    RELATIVE,
    ROW,
    TIME,
    Curve,
    WantedCurves,
    curve_points,
    telling_axes,
)
from xvc.store.filter_sql import Field
from xvc.types import RunId

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MOST_INTERVALS = 5_000
MOST_RUNS = 2_000
_OF_ROWS = ("track_id", "timestamp")


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvesRequest:
    """Which runs and key; *x* None is what counts how far a run is, else the row's number."""

    runs: Sequence[RunId]
    key: str
    x: str | None = None
    low: float | None = None
    high: float | None = None
    intervals: int = 400
    is_mean: bool = False


@dataclass(frozen=True, slots=True)
class DrawnCurves:
    """The curves of one key, the axis that was taken, and those that could be."""

    key: str
    x: str
    axes: tuple[str, ...]
    curves: tuple[Curve, ...]


def many_curves(project: Project, request: CurvesRequest) -> DrawnCurves:
    """Read the curves of a key in these runs, from the first table in which any of them has it.

    Raises:
        NoColumn: no table has numbers under the key.
        BadValue: there are too many runs or intervals, or the axis has no numbers.
    """
    with opened(project) as connection:
        return curves_in(connection, request)


def curves_in(connection: DuckDBPyConnection, request: CurvesRequest) -> DrawnCurves:
    """Read what `many_curves` reads, in everything recorded, which has been opened already."""
    if not 1 <= request.intervals <= MOST_INTERVALS:
        raise BadValue("intervals", f"there are 1 to {MOST_INTERVALS}")
    if len(request.runs) > MOST_RUNS:
        raise BadValue("runs", f"at most {MOST_RUNS} are drawn at once")
    empty: DrawnCurves | None = None
    for table in in_order(connection):
        held = look.fields(connection, table)
        found = look.known_field(held, request.key)
        if found is None or not found.number:
            continue
        drawn = _drawn(connection, table, held, request)
        if any(curve.x for curve in drawn.curves):
            return drawn
        empty = empty or drawn
    if empty is None:
        raise NoColumn(request.key, ())
    return empty


def in_order(connection: DuckDBPyConnection) -> list[str]:
    """List the event tables, ``events`` first."""
    return sorted(tables(connection), key=lambda name: (name != "events", name))


def _drawn(
    connection: DuckDBPyConnection, table: str, held: Sequence[Field], request: CurvesRequest
) -> DrawnCurves:
    progress = [each.label for each in held if each.number and is_progress(each.label)]
    chosen, able = telling_axes(connection, table, request.key, progress, request.runs)
    axes = tuple(dict.fromkeys((chosen or ROW, *able, ROW, TIME, RELATIVE)))
    x = request.x or axes[0]
    wanted = WantedCurves(
        table=table,
        key=request.key,
        x=x,
        runs=request.runs,
        low=request.low,
        high=request.high,
        intervals=request.intervals,
        is_mean=request.is_mean,
    )
    return DrawnCurves(request.key, x, axes, tuple(curve_points(connection, wanted)))


def curve_keys(
    connection: DuckDBPyConnection, run: RunId, metrics: Collection[str] = ()
) -> list[str]:
    """List the keys under which a run logged numbers, in the order of its tables' columns.

    Behind them come those of *metrics* that are parts of dicts that it logged.
    """
    found: dict[str, None] = {}
    for table in in_order(connection):
        held = look.fields(connection, table)
        labels = {each.label for each in held}
        dicts = {each.label for each in held if each.type == "JSON"}
        named = [each for each in held if each.number and each.label not in _OF_ROWS]
        parts = [key for key in metrics if key not in labels and not dicts.isdisjoint(above(key))]
        some = [*named, *(look.field(held, key) for key in parts)]
        found |= dict.fromkeys(look.logged_keys(connection, table, some, run))
    return list(found)


@dataclass(frozen=True, slots=True)
class CurveKeys:
    """Which keys of the event tables have curves: numbers, and what lies in dicts."""

    numbers: frozenset[str] = frozenset()
    dicts: frozenset[str] = frozenset()

    def __contains__(self, key: str) -> bool:
        return key in self.numbers or any(each in self.dicts for each in above(key))


def keys_with_curves(connection: DuckDBPyConnection) -> CurveKeys:
    """Read which keys of all event tables have curves."""
    held = [each for table in tables(connection) for each in look.fields(connection, table)]
    numbers = frozenset(each.label for each in held if each.number)
    return CurveKeys(numbers, frozenset(each.label for each in held if each.type == "JSON"))
