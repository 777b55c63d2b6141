"""What Optuna is told of trials."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from xvc.core.direction import Direction
from xvc.core.search_space import parse_dimension
from xvc.core.sweep import Sampler, TrialStatus
from xvc.sweeps.optuna_study import OptunaPoints, importances

optuna = pytest.importorskip("optuna")


def opened(path: Path) -> OptunaPoints:
    space = {"a": parse_dimension("a", "0.0..1.0", float)}
    return OptunaPoints(path, space, Sampler.TPE, Direction.MAX, seed=1, at_once=1)


def values(points: OptunaPoints) -> list[float]:
    done = [trial for trial in points._study.trials if trial.value is not None]
    return [trial.value for trial in done]


def test_a_trial_that_failed_may_come_to_a_value(tmp_path: Path) -> None:
    """The sampler learns the value at the same point, once, also when it is said again later."""
    points = opened(tmp_path / "points")
    number, params = points.ask()
    points.tell(number, TrialStatus.FAILED, None)
    points.tell(number, TrialStatus.FINISHED, 0.5)
    points.tell(number, TrialStatus.FINISHED, 0.5)

    later = opened(tmp_path / "points")
    later.tell(number, TrialStatus.FINISHED, 0.5)

    assert values(later) == [0.5]
    assert later._study.best_params == params
    assert later.known() == {0: params}


def test_numbers_go_on_after_a_failed_one_came_to_a_value(tmp_path: Path) -> None:
    """What is told again has no number of its own, so the next trial gets the next one."""
    points = opened(tmp_path / "points")
    first, _ = points.ask()
    points.tell(first, TrialStatus.FAILED, None)
    points.tell(first, TrialStatus.FINISHED, 0.5)
    second, params = points.ask()

    points.tell(second, TrialStatus.FINISHED, 0.7)

    assert (first, second) == (0, 1)
    assert points.known()[1] == params
    assert values(points) == [0.5, 0.7]
    assert points._study.best_params == params


@pytest.mark.parametrize("value", [0.5, float("nan"), float("inf")])
def test_nothing_mattered_where_all_values_are_one(value: float) -> None:
    """One value throughout, or none that is a number, says nothing of the params."""
    space = {"a": parse_dimension("a", "1..5", int)}
    points = [({"a": number}, value) for number in range(1, 6)]

    assert importances(space, points, Direction.MAX) == {}


def test_one_param_is_all_that_mattered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing has to be asked, or be installed, to say so; one that had one value is none."""
    monkeypatch.setitem(sys.modules, "optuna", None)
    space = {"a": parse_dimension("a", "1..5", int), "b": parse_dimension("b", "1..2", int)}
    points = [({"a": number, "b": 1}, float(number)) for number in range(1, 6)]

    assert importances(space, points, Direction.MAX) == {"a": 1.0}
    assert importances(space, points[:3], Direction.MAX) == {}
