"""Directions: declared ones win, names are read by their words, doubt is None."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xvc.core.direction import Direction, better, direction_of, is_progress
from xvc.errors import BadSetting


@pytest.mark.parametrize(
    "name",
    [
        "accuracy",
        "acc",
        "val/f1",
        "test.AUC",
        "r2",
        "mAP@50",
        "topKRecall",
        "val_acc1",
        "F1Score",
        "hit@10",
        "ndcg@5",
        "samples_per_second",
        "tokensPerSec",
        "eval-bleu",
        "train/IoU",
    ],
)
def test_names_that_should_grow(name: str) -> None:
    """Scores and rates are better when higher."""
    direction = direction_of(name, {})

    assert direction is Direction.MAX


@pytest.mark.parametrize(
    "name",
    [
        "loss",
        "valLoss",
        "val/loss",
        "test_RMSE",
        "error_rate",
        "logLoss",
        "ppl",
        "nll",
        "WER",
        "seconds_per_step",
        "train.time",
        "peak_memory",
        "HTTPErrors",
        "mean-absolute-error",
    ],
)
def test_names_that_should_shrink(name: str) -> None:
    """Losses, errors and costs are better when lower."""
    direction = direction_of(name, {})

    assert direction is Direction.MIN


@pytest.mark.parametrize(
    "name",
    [
        "",
        "lr",
        "n",
        "accuracy_loss",
        "neg_error",
        "negative_log_likelihood",
        "timestamp",
        "glossy",
        "errors_per_second",
        "macros",
        "%%",
    ],
)
def test_doubt_is_none(name: str) -> None:
    """A name that says nothing, both, or its own contrary has no direction."""
    direction = direction_of(name, {})

    assert direction is None


@given(st.text(), st.sampled_from(Direction))
def test_what_is_declared_wins(name: str, direction: Direction) -> None:
    """A declared direction is taken, whatever the name says."""
    found = direction_of(name, {name: direction.value})

    assert found is direction


def test_a_wrong_declaration_is_refused() -> None:
    """A typing error in settings is not read as the contrary."""
    with pytest.raises(BadSetting) as refused:
        direction_of("loss", {"loss": "minimal"})

    assert "minimal" in str(refused.value)


@given(st.floats(allow_nan=False), st.floats(allow_nan=False), st.sampled_from(Direction))
def test_of_two_values_at_most_one_is_better(old: float, new: float, direction: Direction) -> None:
    """Better is strict: it holds one way, unless the values are equal."""
    ways = (better(direction, old, new), better(direction, new, old))

    assert sorted(map(bool, ways)) == [False, old != new]


@pytest.mark.parametrize(
    ("direction", "old", "new"),
    [(None, 1.0, 2.0), (Direction.MAX, math.nan, 1.0), (Direction.MIN, 1.0, math.nan)],
)
def test_nothing_is_better_than_nan(direction: Direction | None, old: float, new: float) -> None:
    """Without a direction, or against NaN, there is no verdict."""
    verdict = better(direction, old, new)

    assert verdict is None


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("step", True),
        ("trainer/global_step", True),
        ("Epoch", True),
        ("globalStep", True),
        ("iteration", True),
        ("_step", True),
        ("batch_size", False),
        ("step_time", False),
        ("epochs_to_converge", False),
        ("loss", False),
        ("", False),
    ],
)
def test_progress_is_told_by_the_whole_last_part(key: str, expected: bool) -> None:
    """Counters are named as such; names that merely hold the word are not counters."""
    found = is_progress(key)

    assert found is expected
