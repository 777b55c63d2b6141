"""How metrics went, run by run: the rows of the event tables as lines. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from xvc.core.run import RunRecord
from xvc.database.queries import looking
from xvc.errors import NoColumn
from xvc.project import Project
from xvc.render.document import Curves
from xvc.render.figure import Plot, PlotKind, Series
from xvc.reports.many_curves import CurvesRequest, curves_in

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_INTERVALS = 100  # two points each: more than a printed picture shows apart


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
    request = CurvesRequest(runs=[run.id for run in runs], key=metric, intervals=_INTERVALS)
    try:
        drawn = curves_in(connection, request)
    except NoColumn:
        return None
    series = [
        Series(names[curve.run], curve.x, curve.y) for curve in drawn.curves if len(curve.x) > 1
    ]
    if not series:
        return None
    return Plot(
        kind=PlotKind.LINE,
        title=f"{metric} by {drawn.x}",
        x_label=drawn.x,
        y_label=metric,
        series=tuple(series),
        summaries=(),
    )
