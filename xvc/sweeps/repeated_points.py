"""Points that a sampler chooses and a sweep tries with several seeds: what it learns is their mean.

Each point is a few trials that follow each other, one for each seed. Refuses to choose: that is the
sampler's. One seed's luck is not the point's, so the sampler hears of a point when all of it ended.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from xvc.core.objective import number_of
from xvc.core.sweep import TrialStatus
from xvc.types import Json


class ChosenPoints(Protocol):
    """What chooses points, numbered from 0, and learns how they ended."""

    def known(self) -> dict[int, dict[str, Json]]:
        """Every point that was chosen, by its number."""

    def ask(self) -> tuple[int, dict[str, Json]]:
        """Choose the next point."""

    def report(self, number: int, step: int, value: float) -> bool:
        """Take a value of a running point; whether the point is to be given up."""

    def tell(self, number: int, state: TrialStatus, value: float | None) -> None:
        """Say how a point ended."""


@dataclass
class RepeatedPoints:
    """The trials of the points that ``points`` chooses; ``seeds`` is None where each is one.

    Trial ``n`` has seed ``n % count`` of point ``n // count``.
    """

    points: ChosenPoints
    seeds: str | None = None
    count: int = 1
    _ended: dict[int, tuple[TrialStatus, float | None]] = field(default_factory=dict)

    def known(self) -> dict[int, dict[str, Json]]:
        """The params of every trial of what was chosen, by its number."""
        chosen = self.points.known().items()
        return {n: params for number, point in chosen for n, params in self._trials(number, point)}

    def ask(self) -> dict[int, dict[str, Json]]:
        """Choose the next point; returns the params of its trials, by their numbers."""
        return dict(self._trials(*self.points.ask()))

    def report(self, trial: int, step: int, value: float) -> list[int]:
        """Take a value that a running trial has logged; returns the trials to be given up.

        A point is judged by its first seed, which the earlier ones had as well, and given up whole.
        """
        if trial % self.count or not self.points.report(trial // self.count, step, value):
            return []
        return [*range(trial, trial + self.count)]

    def tell(self, trial: int, state: TrialStatus, value: float | None) -> None:
        """Say how a trial ended; when all of its point have, the sampler hears their mean.

        It is the mean of those that finished with a value. A point is given up when one of it was.
        """
        self._ended[trial] = (state, number_of(value))
        number = trial // self.count
        ends = [self._ended.get(number * self.count + seed) for seed in range(self.count)]
        told = [end for end in ends if end is not None]
        if len(told) < self.count:
            return
        values = [
            value for state, value in told if state is TrialStatus.FINISHED and value is not None
        ]
        if any(state is TrialStatus.PRUNED for state, _ in told):
            self.points.tell(number, TrialStatus.PRUNED, None)
        elif not values:
            self.points.tell(number, TrialStatus.FAILED, None)
        else:
            self.points.tell(number, TrialStatus.FINISHED, _mean(values))

    def _trials(self, number: int, point: Mapping[str, Json]) -> list[tuple[int, dict[str, Json]]]:
        if self.seeds is None:
            return [(number, dict(point))]
        first = number * self.count
        return [(first + seed, {**point, self.seeds: seed}) for seed in range(self.count)]


def _mean(values: list[float]) -> float:
    try:
        return math.fsum(values) / len(values)
    except (OverflowError, ValueError):  # beyond any float; inf - inf
        return math.nan
