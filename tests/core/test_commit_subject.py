"""Subjects: one harmless line, few digits, the telling keys."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xvc.core.commit_subject import chosen_keys, chosen_metrics, headline, shown, subject
from xvc.core.direction import is_progress
from xvc.types import Json

SCALARS: st.SearchStrategy[Json] = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text()
)
NAMES = st.sampled_from(["lr", "model", "C", "step", "val/loss", "acc", "x"]) | st.text(max_size=4)
RECORDS = st.dictionaries(NAMES, SCALARS, max_size=6)


def test_the_line_as_people_know_it() -> None:
    """Parameters, metrics, data and text stand in this order."""
    line = subject(
        {"model": "logreg", "lr": 0.1, "seed": 1},
        {"acc": 0.97222, "loss": 0.1},
        "3a2f1b",
        "baseline",
        ["model", "lr", "acc"],
    )

    assert line == "model=logreg | lr=0.1 | acc=0.9722 | data=3a2f1b | baseline"


@given(RECORDS, RECORDS, st.none() | st.text(), st.none() | st.text(), st.lists(NAMES))
def test_a_subject_is_one_line_that_its_headline_leaves_alone(
    params: dict[str, Json],
    metrics: dict[str, Json],
    data_hash: str | None,
    text: str | None,
    keys: list[str],
) -> None:
    """Whatever the values hold, git sees one line, with as many bars as there are seams."""
    line = subject(params, metrics, data_hash, text, keys)

    assert line == headline(line)
    assert len(line.splitlines()) == 1
    assert all("|" not in part for part in line.split(" | "))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.97222, "0.9722"),
        (0.0001234567, "0.0001235"),
        (1234.56789, "1234.5679"),
        (1.0, "1.0"),
        (0.0, "0.0"),
        (100.0, "100.0"),
        (-2.5, "-2.5"),
        (1e-5, "1e-05"),
        (1e20, "1e+20"),
        (math.inf, "inf"),
        (math.nan, "nan"),
        (2**63, "9223372036854775808"),
        (True, "true"),
        (None, "null"),
        ("as it is", "as it is"),
        ([1, "é"], '[1, "é"]'),
    ],
)
def test_values_for_people(value: Json, expected: str) -> None:
    """Four digits are enough to tell two runs apart; integers keep all of theirs."""
    text = shown(value)

    assert text == expected


def test_long_and_dangerous_values_are_cut_and_tamed() -> None:
    """Bars and line breaks go, and the cut shows."""
    line = subject({"path": "a|b\nc" + "x" * 50}, {}, None, "\x1b[31m" + "y" * 100, ["path"])

    assert line == f"path=a/b c{'x' * 18}… | [31m{'y' * 67}…"


def test_a_key_on_both_sides_shows_both() -> None:
    """`loss` may name a function and be a number."""
    line = subject({"loss": "mse"}, {"loss": 0.5}, None, None, ["loss", "loss", "absent"])

    assert line == "loss=mse | loss=0.5"


@given(st.lists(RECORDS, max_size=3), RECORDS, st.integers(0, 5))
def test_chosen_keys_are_few_and_recorded(
    others: list[dict[str, Json]], current: dict[str, Json], limit: int
) -> None:
    """No key is invented or shown twice, and never more than the limit."""
    keys = chosen_keys(others, current, limit)

    assert len(keys) == len(set(keys)) <= limit
    assert set(keys) <= current.keys()


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ([], ("model.name", "lr")),
        ([{"model.name": "svm", "lr": 1, "n": 5, "grid": [1]}], ("n", "model.name", "lr")),
        ([{"model.name": "svm", "lr": 1.0, "grid": [2]}], ("n", "model.name", "lr")),
        ([{"model.name": "svm", "lr": True, "n": 4, "grid": [1]}], ("lr", "model.name")),
    ],
)
def test_what_differs_comes_first(others: list[dict[str, Json]], expected: tuple[str, ...]) -> None:
    """First what tells this run from the others, then names that always tell something."""
    current: dict[str, Json] = {"n": 4, "model.name": "svm", "lr": 1, "grid": [1]}
    keys = chosen_keys(others, current)

    assert keys == expected


@given(RECORDS, st.lists(NAMES), st.integers(0, 3))
def test_chosen_metrics_are_few_and_no_progress(
    metrics: dict[str, Json], declared: list[str], limit: int
) -> None:
    """Steps and epochs are never shown, not even when declared."""
    keys = chosen_metrics(metrics, declared, limit)

    assert len(keys) == len(set(keys)) <= limit
    assert set(keys) <= {key for key in metrics if not is_progress(key)}


@pytest.mark.parametrize(
    ("declared", "metrics", "expected"),
    [
        (["zeta", "loss"], {"loss": 1, "acc": 1, "zeta": 1}, ("zeta", "loss")),
        (["absent"], {"loss": 1, "acc": 1}, ("acc", "loss")),
        ([], {"accuracy": 1, "val_accuracy": 1, "loss": 1}, ("val_accuracy", "accuracy")),
        ([], {"b": 1, "c": 2, "a": "text", "step": 4}, ("b", "c")),
        ([], {"a": "text", "epoch": 3}, ()),
    ],
)
def test_which_metrics_are_shown(
    declared: list[str], metrics: dict[str, Json], expected: tuple[str, ...]
) -> None:
    """Declared ones win, then well-known names, then the alphabet."""
    keys = chosen_metrics(metrics, declared)

    assert keys == expected
