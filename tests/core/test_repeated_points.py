"""What a sampler learns of points that are tried with several seeds."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import pytest

from xvc.core.sweep import TrialStatus
from xvc.sweeps.repeated_points import RepeatedPoints
from xvc.types import Json


@dataclass
class _Chooser:
    """Chooses x = 0, 1, 2 …, gives up whatever reports less than 0, and keeps what it is told."""

    asked: int = 0
    told: list[tuple[int, TrialStatus, float | None]] = field(default_factory=list)

    def known(self) -> dict[int, dict[str, Json]]:
        return {number: {"x": number} for number in range(self.asked)}

    def ask(self) -> tuple[int, dict[str, Json]]:
        self.asked += 1
        return self.asked - 1, {"x": self.asked - 1}

    def report(self, number: int, step: int, value: float) -> bool:
        return value < 0

    def tell(self, number: int, state: TrialStatus, value: float | None) -> None:
        self.told.append((number, state, value))


_DONE, _FAILED, _PRUNED = TrialStatus.FINISHED, TrialStatus.FAILED, TrialStatus.PRUNED


def test_a_point_is_a_trial_for_each_seed() -> None:
    """The trials of a point follow each other, and are known again by their numbers."""
    points = RepeatedPoints(_Chooser(), "fold", 2)

    asked = [points.ask(), points.ask()]

    assert asked[1] == {2: {"x": 1, "fold": 0}, 3: {"x": 1, "fold": 1}}
    assert points.known() == asked[0] | asked[1]


def test_without_repeats_a_point_is_a_trial() -> None:
    """What is asked, told and given up goes through as it is."""
    chooser = _Chooser()
    points = RepeatedPoints(chooser)

    asked = points.ask() | points.ask()
    points.tell(1, _DONE, 0.5)

    assert asked == {0: {"x": 0}, 1: {"x": 1}}
    assert chooser.told == [(1, _DONE, 0.5)]
    assert points.report(1, 3, -1.0) == [1]


@pytest.mark.parametrize(
    ("ends", "told"),
    [
        ([(_DONE, 0.2), (_DONE, 0.4)], (_DONE, pytest.approx(0.3))),
        ([(_DONE, 0.2), (_FAILED, None)], (_DONE, 0.2)),
        ([(_DONE, 0.2), (_DONE, None)], (_DONE, 0.2)),
        ([(_FAILED, None), (_FAILED, None)], (_FAILED, None)),
        ([(_DONE, 0.2), (_PRUNED, None)], (_PRUNED, None)),
    ],
)
def test_the_sampler_learns_the_mean(
    ends: list[tuple[TrialStatus, float | None]], told: tuple[TrialStatus, float | None]
) -> None:
    """It hears of a point once all of its seeds have ended, in whatever order, and not before."""
    chooser = _Chooser()
    points = RepeatedPoints(chooser, "seed", 2)
    points.ask()

    points.tell(1, *ends[1])
    early = [*chooser.told]
    points.tell(0, *ends[0])

    assert early == []
    assert chooser.told == [(0, *told)]


def test_infinities_of_both_ends_have_no_mean() -> None:
    """The sampler is handed no number then, and takes the point for a failed one."""
    chooser = _Chooser()
    points = RepeatedPoints(chooser, "seed", 2)
    points.ask()
    points.tell(0, _DONE, math.inf)

    points.tell(1, _DONE, -math.inf)

    [(_, _, value)] = chooser.told
    assert value is not None
    assert math.isnan(value)


def test_a_point_is_given_up_whole_by_its_first_seed() -> None:
    """Later seeds are not compared with the first one of others: that would be the seed's luck."""
    points = RepeatedPoints(_Chooser(), "seed", 3)
    points.ask()
    points.ask()

    assert points.report(3, 1, -1.0) == [3, 4, 5]
    assert points.report(4, 1, -1.0) == []
    assert points.report(3, 1, 1.0) == []
