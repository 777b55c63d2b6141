"""Directions: declared ones win, names are read by their words, doubt is None."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xvc.core.direction import Direction, better, direction_of, is_progress
from xvc.errors import BadSetting

_OTHER_THINGS = (
    *("drop", "gap", "std", "stderr", "variance", "threshold", "weight", "scale", "reduction"),
    *("saved", "limit", "budget", "ratio", "delta", "improvement", "count", "coef", "id"),
)


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
        "negative_log_likelihood",
        "time/train_time",
        "fpr_at_95_tpr",
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


def _real_names() -> Iterator[tuple[str, str | None, str]]:
    """Names that libraries print, which way they get better, and which library it is."""
    for line in Path(__file__).with_name("metric_names.tsv").read_text().splitlines():
        if not line.startswith("#"):
            source, way, names = line.split("\t")
            yield from ((name, None if way == "-" else way, source) for name in names.split())


def test_no_real_name_is_read_the_wrong_way() -> None:
    """Of over 500 names none is guessed wrong; most that have a direction are known."""
    names = list(_real_names())

    found = [(name, way, direction_of(name, {}), source) for name, way, source in names]
    wrong = [each for each in found if each[2] is not None and each[2] != each[1]]
    told = [each for each in found if each[1] is not None]
    assert len({name for name, _, _ in names}) >= 500
    assert wrong == []
    assert sum(each[2] is not None for each in told) >= 0.8 * len(told)


@given(st.sampled_from([name for name, _, _ in _real_names()]), st.sampled_from(_OTHER_THINGS))
def test_what_is_made_of_a_metric_has_no_direction_of_its_own(name: str, thing: str) -> None:
    """A drop, a spread or a limit of something known has no better end that its name tells."""
    direction = direction_of(f"{name}_{thing}", {})

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
