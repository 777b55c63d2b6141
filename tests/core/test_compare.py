"""Comparisons: a run equals itself, swapping swaps, absent is not None."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xvc.core.direction import Direction
from xvc.core.run import DataFile, Environment, RunRecord
from xvc.git.commands import LineChange
from xvc.runs.comparison import (
    MISSING,
    Cell,
    Difference,
    Missing,
    compare,
    compare_packages,
)
from xvc.types import Json, RunId

SCALARS: st.SearchStrategy[Json] = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)
)
KEYS = st.sampled_from(["loss", "acc", "lr", "x"]) | st.text(max_size=2)
RECORDS = st.dictionaries(KEYS, SCALARS, max_size=5)
RUNS = st.builds(
    lambda params, metrics, data: RunRecord(RunId("k7"), params=params, metrics=metrics, data=data),
    RECORDS,
    RECORDS,
    st.dictionaries(KEYS, st.builds(DataFile, st.sampled_from("abc"), st.none() | st.just(1))),
)


def _metric(*values: Cell) -> Difference:
    recorded = [{} if isinstance(value, Missing) else {"loss": value} for value in values]
    runs = [RunRecord(RunId(str(place)), metrics=has) for place, has in enumerate(recorded)]
    (row,) = compare(runs, {}).metrics
    return row


@given(RUNS, st.integers(1, 3))
def test_a_run_does_not_differ_from_itself(run: RunRecord, copies: int) -> None:
    """Every row is the same, NaN and all, and none is better."""
    result = compare([run] * copies, {})

    assert result.is_same
    assert all(row.best is None for row in result.metrics)


@pytest.mark.parametrize(
    ("words", "is_same"),
    [(("--lr", "0.3"), True), (("--lr=0.3",), False), (("--lr", "0.1", "--fast"), False)],
)
def test_commands_are_the_same_but_for_params(words: tuple[str, ...], *, is_same: bool) -> None:
    """A value of a param has its row among the params; any other word is a difference."""
    runs = [
        RunRecord(RunId("k7"), command=("t.py", "--lr", "0.1"), params={"lr": 0.1}),
        RunRecord(RunId("k8"), command=("t.py", *words), params={"lr": 0.3}),
    ]

    assert compare(runs, {}).is_same_command == is_same


@given(RUNS, RUNS)
def test_swapping_swaps(one: RunRecord, other: RunRecord) -> None:
    """The values change sides, the differences change sign, the verdict stays."""
    there, back = compare([one, other], {}), compare([other, one], {})

    for row, mirrored in zip(
        (*there.params, *there.metrics), (*back.params, *back.metrics), strict=True
    ):
        assert (row.key, row.is_same) == (mirrored.key, mirrored.is_same)
        assert repr(row.values) == repr(mirrored.values[::-1])
        assert row.delta[1] == (None if mirrored.delta[1] is None else -mirrored.delta[1])
    assert [row.files for row in there.data] == [row.files[::-1] for row in back.data]


@given(RUNS, RUNS)
def test_every_key_of_every_side_has_one_row(one: RunRecord, other: RunRecord) -> None:
    """Keys that only one run has are rows too, sorted, with the other side missing."""
    result = compare([one, other], {})

    assert [row.key for row in result.params] == sorted({*one.params, *other.params})
    assert all(
        (row.values[1] is MISSING) == (row.key not in other.metrics) for row in result.metrics
    )


@pytest.mark.parametrize(
    ("values", "delta", "percent", "best", "is_same"),
    [
        ((0.5, 0.25), -0.25, -50.0, 1, False),
        ((0.25, 0.5), 0.25, 100.0, 0, False),
        ((-2, -1), 1.0, 50.0, 0, False),
        ((0, 3), 3.0, None, 0, False),
        ((1, 1.0), 0.0, 0.0, None, True),
        ((2**60, 2**60 + 1), 1.0, pytest.approx(0.0), 0, False),
        ((None, MISSING), None, None, None, False),
        ((1, MISSING), None, None, None, False),
        ((True, 1), None, None, None, False),
        ((math.nan, 1.0), None, None, None, False),
        ((math.nan, math.nan), None, None, None, True),
        ((math.inf, 1.0), None, None, 1, False),
        ((1.0, "high"), None, None, None, False),
        ((1, 10**400), None, None, 0, False),
        ((10**400, 10**400 + 2), 2.0, None, 0, False),
    ],
)
def test_what_a_row_says(
    values: tuple[Cell, Cell],
    delta: float | None,
    percent: float | None,
    best: int | None,
    is_same: bool,
) -> None:
    """Numbers have differences, everything else has none; None, absent and NaN stay apart."""
    row = _metric(*values)

    assert (row.delta, row.percent) == ((None, delta), (None, percent))
    assert (row.best, row.is_same) == (best, is_same)


def test_the_best_of_many_follows_the_direction() -> None:
    """The best of equals is the earliest; a declared direction turns it."""
    runs = [RunRecord(RunId(str(n)), metrics={"loss": n % 3}) for n in range(1, 7)]
    rows = [compare(runs, declared).metrics[0] for declared in ({}, {"loss": "max"})]

    assert [(row.direction, row.best) for row in rows] == [(Direction.MIN, 2), (Direction.MAX, 1)]


def test_parameters_are_never_better() -> None:
    """A parameter that is called loss is a choice, not a result."""
    runs = [RunRecord(RunId("a"), params={"loss": 1}), RunRecord(RunId("b"), params={"loss": 2})]
    (row,) = compare(runs, {}).params

    assert (row.direction, row.best, row.delta) == (None, None, (None, 1.0))


def test_data_differs_by_digest() -> None:
    """A size that one pointer does not tell is no difference; another digest is."""
    runs = [
        RunRecord(RunId("a"), data={"d": DataFile("1", 5), "e": DataFile("1")}),
        RunRecord(RunId("b"), data={"d": DataFile("1"), "e": DataFile("2")}),
        RunRecord(RunId("c"), data={"d": DataFile("1")}),
    ]
    rows = compare(runs, {}).data

    assert [(row.path, row.is_same) for row in rows] == [("d", True), ("e", False)]
    assert rows[1].files == (DataFile("1"), DataFile("2"), None)


def test_code_that_differs_makes_runs_differ() -> None:
    """What git finds is added later and counts."""
    same = compare([RunRecord(RunId("a")), RunRecord(RunId("b"))], {})
    changed = replace(same, code=((LineChange("train.py", 1, 0),),))

    assert (same.is_same, changed.is_same) == (True, False)


def test_no_runs_have_no_rows() -> None:
    """Comparing nothing is not an error."""
    result = compare([], {})

    assert result.is_same


def test_environments_differ_by_name() -> None:
    """Interpreter, packages, tools and variables are told apart and compared as text."""
    rows = compare_packages(
        [
            Environment("3.11.7", "linux", {"git": "2.43"}, {"numpy": "2.1"}, {"SEED": "1"}),
            Environment("3.12.1", "linux", {"git": "2.43"}, {"python": "x"}),
        ]
    )

    assert {row.key: row.values for row in rows if not row.is_same} == {
        "python": ("3.11.7", "3.12.1"),
        "numpy": ("2.1", MISSING),
        "$SEED": ("1", MISSING),
    }
    assert {row.key for row in rows if row.is_same} == {"platform", "tool git"}
