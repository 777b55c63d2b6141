"""How metrics went, run by run: the rows of the event tables as lines. Reads only."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

from xvc.core.direction import is_progress
from xvc.core.run import RunRecord
from xvc.database.queries import looking
from xvc.project import Project
from xvc.render.document import Curves
from xvc.render.figure import Plot, PlotKind, Series, thinned
from xvc.store import table_queries as look
from xvc.store.columns import tables
from xvc.store.filter_sql import Field
from xvc.store.table_queries import WantedRows
from xvc.types import RunId

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_POINTS = 200  # of a line: more than a page shows apart


def curves(
    project: Project,
    runs: Sequence[RunRecord],
    metrics: Sequence[str],
    names: Mapping[str, str],
) -> list[Curves]:
    """Read a picture for each metric of which some run logged at least two numbers."""
    found = []
    with looking(project) as connection:
        for metric in metrics:
            plot = _plot(connection, runs, metric, names)
            found += [Curves(plot)] if plot else []
    return found


def _plot(
    connection: DuckDBPyConnection,
    runs: Sequence[RunRecord],
    metric: str,
    names: Mapping[str, str],
) -> Plot | None:
    """Draw from the first table in which any of the runs has a line."""
    for table in sorted(tables(connection), key=lambda name: (name != "events", name)):
        held = look.fields(connection, table)
        found = look.known_field(held, metric)
        if found is None or not found.number:
            continue
        across = _across(held)
        lines = [line for run in runs if (line := _line(connection, table, run.id, metric, across))]
        if lines:
            label = across or "row"
            series = tuple(Series(names[run], x, y) for run, x, y in lines)
            series = tuple(thinned(each, _POINTS) for each in series)
            return Plot(
                kind=PlotKind.LINE,
                title=f"{metric} by {label}",
                x_label=label,
                y_label=metric,
                series=series,
                summaries=(),
            )
    return None


def _across(held: Sequence[Field]) -> str | None:
    """Find the key that counts how far a run is."""
    return next((each.label for each in held if each.is_number and is_progress(each.label)), None)


def _line(
    connection: DuckDBPyConnection, table: str, run: RunId, metric: str, across: str | None
) -> tuple[RunId, tuple[float, ...], tuple[float, ...]] | None:
    keys = [across, metric] if across else [metric]
    rows = look.points(connection, WantedRows(table, run=run), keys, None)
    found = [cast("list[float]", numbers) for _, *numbers in rows if None not in numbers]
    points = [numbers for numbers in found if all(map(math.isfinite, numbers))]
    if len(points) < 2:
        return None
    if across is None:
        points = [[float(place), *numbers] for place, numbers in enumerate(points, 1)]
    points.sort(key=lambda point: point[0])
    x, y = zip(*points, strict=True)
    return run, x, y
