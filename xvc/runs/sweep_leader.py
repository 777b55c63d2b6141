"""The leader of a sweep: whether it is better than the next beyond the noise, or picked by luck.

A sweep with repeats tells its own noise. Without them nothing does, and that is what is said.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from xvc.core.direction import Direction
from xvc.core.human_units import number
from xvc.core.run import RunRecord
from xvc.core.sweep import Sweep, Trial, points_of
from xvc.project import Project
from xvc.recovery.lost_runs import opened
from xvc.runs.repeats import RepeatedExperiment, Spread
from xvc.runs.verdicts import Judgement, expected_best, judge, pooled, sentence
from xvc.store import query
from xvc.types import RunId


@dataclass(frozen=True, slots=True)
class Leader:
    """The best point of a sweep, held against the next best.

    ``points`` is how many points have a value; ``lift`` how far the leader stands from their mean
    towards the better end, and ``luck`` how far the best of so many would stand by noise alone:
    None where no point has repeats. ``judgement`` is None for a point that is alone.
    """

    trials: tuple[Trial, ...]
    spread: Spread
    points: int
    lift: float
    luck: float | None = None
    judgement: Judgement | None = None

    @property
    def sentence(self) -> str:
        """Say it in words."""
        said = []
        if self.judgement is not None:
            said.append(f"against the next best: {sentence(self.judgement)}")
        if self.points > 1 and self.luck is None:
            said.append(
                f"picked from {self.points} points without repeats: part of its lead may be "
                "luck, and only repeats tell how much; `xvc sweep --repeat 3` makes them"
            )
        elif self.points > 1 and self.luck is not None:
            said.append(
                f"picked from {self.points} points: it stands {number(self.lift)} above their "
                f"mean, and by noise alone the best of {self.points} would by {number(self.luck)}"
            )
        return "; ".join(said)


def leader(project: Project, sweep: Sweep, trials: Sequence[Trial]) -> Leader | None:
    """Hold the best point of a sweep against the others; None without a metric or a value."""
    request = sweep.request
    metric, direction = request.metric, request.direction
    ordered = points_of(trials, direction, request.repeats_by)
    if metric is None or direction is None or not ordered:
        return None
    names = {RunId(trial.run) for point in ordered for trial in point if trial.run}
    with opened(project) as connection:
        known = {run.id: run for run in query.by_ids(connection, names)}
    found = [_experiment(point, known) for point in ordered]
    having = [(point, each) for point, each in zip(ordered, found, strict=True) if each.repeats]
    spreads = [Spread.of(each.numbers(metric)) for _, each in having]
    if not having or spreads[0] is None:
        return None
    means = [spread.mean for spread in spreads if spread is not None]
    first, others = having[0][1], [each for _, each in having[1:]]
    noise = pooled([first, *others], metric)
    size = None if noise is None else noise / math.sqrt(spreads[0].count)
    away = spreads[0].mean - math.fsum(means) / len(means)
    return Leader(
        trials=having[0][0],
        spread=spreads[0],
        points=len(means),
        lift=away if direction is Direction.MAX else -away,
        luck=None if size is None else size * expected_best(len(means)),
        judgement=judge(metric, others[0], first, direction) if others else None,
    )


def _experiment(point: Sequence[Trial], known: dict[RunId, RunRecord]) -> RepeatedExperiment:
    return RepeatedExperiment(tuple(known[RunId(t.run)] for t in point if t.run and t.run in known))
