"""The section of a series in a living document: its experiments, which is selected, and why.

Reads only. The same runs give the same section: its date is that of the newest run.
"""

from __future__ import annotations

from collections.abc import Mapping

from xvc.core.human_units import counted, day, duration, number
from xvc.core.objective import number_of
from xvc.core.run import RunRecord, Status
from xvc.errors import BadValue
from xvc.experiments.compare import SeriesComparison, compared, series_runs
from xvc.project import Project
from xvc.render.document import DocumentTable, Report, Section, Text, bounded
from xvc.types import RunId

_ROWS = 50
_MEAN, _DEVIATION = "mean_score", "sd_score"


def series_report(
    project: Project, series: str, metric: str | None, title: str | None
) -> tuple[Report, SeriesComparison, str | None]:
    """Make the section; returns it, what it says, and its date.

    Raises:
        BadValue: no run is of that series.
        NoDirection: nothing says which way *metric* is better.
    """
    runs = series_runs(project, series)
    if not runs:
        raise BadValue("--series", f"no run is of series {series!r}; `xvc ls` lists all runs")
    found = compared(project, series, metric)
    newest = max((run.started or 0 for run in runs), default=0)
    said = day(newest) if newest else None
    by_id = {run.id: run for run in runs}
    best = by_id.get(RunId(found.best.run)) if found.best else None
    sections = [
        _experiments(found),
        _selected(found),
        _hyperparameters(best),
        _stability(found, by_id),
    ]
    made = tuple(each for each in sections if each is not None)
    return Report(title or f"Series {series}", f"As of {said}." if said else "", made), found, said


def _experiments(found: SeriesComparison) -> Section:
    finished = sum(row.status == Status.FINISHED for row in found.rows)
    says = f"{counted(len(found.rows), 'experiment')}, {finished:,} finished."
    head = ("experiment", "", *found.metrics, "training time")
    rows = tuple(
        (
            row.name,
            _mark(found, row.run, row.status),
            *(number(row.metrics.get(name)) for name in found.metrics),
            duration(row.training_time),
        )
        for row in found.rows
    )
    table = DocumentTable("", head, rows, frozenset(range(2, len(head))))
    return Section("Experiments", (Text(says), bounded(table, _ROWS)))


def _mark(found: SeriesComparison, run: str, status: str) -> str:
    if found.best is not None and run == found.best.run:
        return "selected"
    return "" if status == Status.FINISHED else status


def _selected(found: SeriesComparison) -> Section:
    if found.best is None:
        return Section("Selection", (Text("None is selected: no metric says which is better."),))
    reasons = tuple(Text(f"{reason}.") for reason in found.reasons)
    only = (Text(f"It is the only one with {found.metric}."),)
    return Section(f"Selected: {found.best.name}", reasons or only)


def _hyperparameters(best: RunRecord | None) -> Section | None:
    if best is None or not best.params:
        return None
    rows = tuple((key, number(value)) for key, value in sorted(best.params.items()))
    table = DocumentTable("", ("param", "value"), rows, frozenset({1}))
    return Section("Hyperparameters", (bounded(table, _ROWS),))


def _stability(found: SeriesComparison, runs: Mapping[RunId, RunRecord]) -> Section | None:
    """Tell the mean and the deviation over folds, of the experiments that have them."""
    rows = []
    for row in found.rows:
        metrics = runs[RunId(row.run)].metrics
        mean, deviation = number_of(metrics.get(_MEAN)), number_of(metrics.get(_DEVIATION))
        if mean is not None and deviation is not None:
            rows.append((row.name, number(mean), number(deviation)))
    if not rows:
        return None
    head = ("experiment", "mean over folds", "sd")
    table = DocumentTable("", head, tuple(rows), frozenset({1, 2}))
    return Section("Stability", (bounded(table, _ROWS),))
