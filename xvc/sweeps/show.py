"""Showing a sweep: its trials ranked, the metric against each param, and what mattered."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from xvc.core.objective import number_of
from xvc.core.search_space import is_of_magnitudes
from xvc.core.sweep import Sweep, Trial, TrialStatus, ranked
from xvc.project import Project
from xvc.render.figure import Plot, PlotKind, Series
from xvc.sweeps.optuna_study import NoSampler, importances
from xvc.sweeps.state import SweepStatus, sweep_status
from xvc.types import Json


@dataclass(frozen=True, slots=True)
class SweepResults:
    """A sweep to be shown: trials best first, how much each param mattered, pictures."""

    status: SweepStatus
    ranked: tuple[Trial, ...]
    importances: dict[str, float]
    plots: tuple[Plot, ...]
    warnings: tuple[str, ...] = ()


def show_sweep(project: Project, name: str | None) -> SweepResults:
    """Rank the trials of a sweep, and relate its metric to its params.

    Raises:
        NoSweep: there is none.
        AmbiguousRun: several begin so.
        BadNote: it cannot be read.
    """
    status = sweep_status(project, name)
    sweep, direction = status.sweep, status.sweep.request.direction
    found: dict[str, float] = {}
    warnings: tuple[str, ...] = ()
    if direction is not None:
        try:
            found = importances(sweep.request.space, _points(status), direction)
        except NoSampler as err:
            warnings = (f"{err}. {err.hint}",)
    plots = tuple(_plots(sweep, status.trials)) if direction is not None else ()
    order = tuple(ranked(status.trials, direction, sweep.request.repeats_by))
    return SweepResults(
        status=status, ranked=order, importances=found, plots=plots, warnings=warnings
    )


def _points(status: SweepStatus) -> list[tuple[dict[str, Json], float]]:
    return [
        (dict(trial.params), value)
        for trial in status.trials
        if trial.state is TrialStatus.FINISHED
        and (value := number_of(trial.value)) is not None
        and math.isfinite(value)
    ]


def _plots(sweep: Sweep, found: tuple[Trial, ...]) -> Iterator[Plot]:
    """Draw the metric over each param that has numbers."""
    metric = sweep.request.metric or ""
    for key, dimension in sweep.request.space.items():
        pairs = [
            (x, y)
            for trial in found
            if trial.state is TrialStatus.FINISHED
            and (y := number_of(trial.value)) is not None
            and (x := number_of(trial.params.get(key))) is not None
        ]
        if len({x for x, _ in pairs}) > 1:
            xs, ys = zip(*pairs, strict=True)
            series = Series(key, xs, ys)
            is_log = is_of_magnitudes(dimension) and min(xs) > 0
            yield Plot(
                kind=PlotKind.SCATTER,
                title="",
                x_label=key,
                y_label=metric,
                series=(series,),
                summaries=(),
                is_log=is_log,
            )
