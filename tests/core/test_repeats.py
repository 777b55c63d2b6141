"""Repeats: the same code, data, command and params but for the seed, each seed once, finished."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xvc.core.run import DataFile, RunRecord, Status
from xvc.runs.repeats import Spread, experiments, in_question
from xvc.types import Nanoseconds, RunId

_BASE = RunRecord(
    RunId("base"),
    status=Status.FINISHED,
    started=Nanoseconds(1),
    command=("python", "t.py", "--seed", "1", "--lr", "2"),
    params={"seed": 1, "lr": 2},
    data={"x.csv": DataFile("d")},
)


def _seed(number: int) -> dict[str, Any]:
    return {
        "command": ("python", "t.py", f"--seed={number}", "--lr", "2"),
        "params": {"seed": number, "lr": 2},
    }


@pytest.mark.parametrize(
    ("other", "code", "repeats", "again"),
    [
        (_seed(2), "c", 2, 0),
        (_seed(1), "c", 1, 1),
        ({**_seed(2), "status": Status.FAILED}, "c", 1, 0),
        (_seed(2), "another", 1, 0),
        (_seed(2), None, 1, 0),
        ({"params": {"seed": 2, "lr": 3}}, "c", 1, 0),
        ({**_seed(2), "data": {"x.csv": DataFile("other")}}, "c", 1, 0),
        ({"command": ("python", "u.py", "--seed", "2", "--lr", "2")}, "c", 1, 0),
    ],
)
def test_nothing_else_is_a_repeat(
    other: dict[str, Any], code: str | None, repeats: int, again: int
) -> None:
    """One difference but the seed, and it is another experiment; a seed counts once."""
    second = replace(_BASE, id=RunId("other"), started=Nanoseconds(2), **other)
    known = {_BASE.id: "c", **({second.id: code} if code else {})}

    own = next(each for each in experiments([second, _BASE], known) if _BASE in each.runs)

    assert (len(own.repeats), len(own.again)) == (repeats, again)


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from("ab"), st.sampled_from(Status))))
def test_every_finished_run_is_in_one_experiment(told: list[tuple[int, str, Status]]) -> None:
    """None is lost, none counts twice; in each, every seed once, by the run that began first."""
    runs = [
        replace(_BASE, id=RunId(str(n)), started=Nanoseconds(n), status=status, **_seed(seed))
        for n, (seed, _, status) in enumerate(told)
    ]
    code = {run.id: name for run, (_, name, _) in zip(runs, told, strict=True)}

    found = experiments(runs, code)

    done = [run.id for run in runs if run.status is Status.FINISHED]
    assert sorted(run.id for each in found for run in each.runs) == sorted(done)
    for each in found:
        seeds = [run.params["seed"] for run in each.repeats]
        assert len(seeds) == len(set(seeds))
        assert len({code[run.id] for run in each.runs}) == 1
        assert all(
            first.started < later.started  # type: ignore[operator]
            for first in each.repeats
            for later in each.again
            if first.params == later.params
        )
    assert len(done) < 2 or {run.id for run in in_question(runs)} == set(done)


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(2, 9))
def test_equal_values_have_no_spread(value: float, count: int) -> None:
    """No error of rounding is told as noise."""
    assert Spread.of([value] * count) == Spread(count, value, 0.0)


@given(st.lists(st.integers() | st.floats() | st.just(10**400)))
def test_a_spread_is_said_of_any_numbers(values: list[int | float]) -> None:
    """Infinities and integers that no float holds have no deviation, and crash nothing."""
    found = Spread.of(values)

    assert (found.count if found else 0) == len(values)
