"""Renamed keys: the scoring of names and values, and who is paired with whom."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xvc.runs.renamed_keys import LIKELY, Key, Values, likeness, likeness_of_names, renames

WORDS = st.sampled_from(["loss", "acc", "accuracy", "val", "train", "lr", "batch", "size", "f1"])
NAMES = st.lists(WORDS, min_size=1, max_size=3).map("_".join) | st.text(max_size=6)
VALUES = st.none() | st.builds(Values, st.floats(-1e9, 1e9), st.floats(0, 1e9))
KINDS = st.sampled_from(["number", "VARCHAR"])


@st.composite
def keys(draw: st.DrawFn) -> Key:
    first = draw(st.integers(0, 5))
    last = draw(st.integers(first, 6))
    return Key(draw(NAMES), draw(KINDS), first, last, draw(VALUES))


@given(NAMES, NAMES)
def test_names_are_alike_either_way_round(one: str, other: str) -> None:
    """The likeness of two names has no direction and is a share."""
    score = likeness_of_names(one, other)

    assert 0 <= score <= 1
    assert score == likeness_of_names(other, one)


@given(st.lists(WORDS, min_size=1, max_size=4), st.sampled_from("_/.- "))
def test_a_name_spelled_otherwise_is_the_same(words: list[str], sign: str) -> None:
    """Signs between the words and camel case change nothing."""
    camel = "".join(word.capitalize() for word in words)

    assert likeness_of_names("_".join(words), sign.join(words)) == 1
    assert likeness_of_names("_".join(words), camel) == 1


@given(keys(), keys())
def test_a_score_is_a_share(old: Key, new: Key) -> None:
    """Keys of other kinds, and those that were logged together, cannot be each other."""
    score = likeness(old, new)

    assert 0 <= score <= 1
    if old.kind != new.kind or old.last >= new.first:
        assert score == 0


@given(st.lists(keys(), max_size=6, unique_by=lambda key: key.name), st.randoms())
def test_each_key_has_one_other_name(held: list[Key], random: object) -> None:
    """No key ends twice or begins twice, and the order of the keys does not matter."""
    found = renames(held)

    assert len({pair.old.name for pair in found}) == len(found)
    assert len({pair.new.name for pair in found}) == len(found)
    assert all(pair.score >= LIKELY and pair.old.last < pair.new.first for pair in found)
    assert renames(held[::-1]) == found


@given(st.floats(0.01, 100), st.floats(0, 10), st.floats(0, 50), st.floats(0, 50))
def test_nearer_values_are_likelier(mean: float, spread: float, near: float, far: float) -> None:
    """Of two new keys, the one whose mean is nearer to the old one scores no less."""
    near, far = sorted((near, far))
    old = Key("a", "number", 0, 0, Values(mean, spread))

    scores = [
        likeness(old, Key("b", "number", 1, 1, Values(mean + apart, spread)))
        for apart in (near, far)
    ]

    assert scores[0] >= scores[1] - 1e-9


@pytest.mark.parametrize(
    ("old", "new", "is_likely"),
    [
        ("acc", "accuracy", True),
        ("lr", "learning_rate", True),
        ("val_loss", "val/loss", True),
        ("experiment_version", "version", True),
        ("bs", "batch_size", True),
        ("train_loss", "val_loss", False),
        ("loss", "accuracy", False),
        ("p50", "memory", False),
    ],
)
def test_what_people_rename(old: str, new: str, is_likely: bool) -> None:
    """A key that follows at once, with values alike, is a rename when the names fit."""
    values = Values(0.5, 0.1)
    held = [Key(old, "number", 0, 1, values), Key(new, "number", 2, 3, values)]

    assert [(pair.old.name, pair.new.name) for pair in renames(held)] == (
        [(old, new)] if is_likely else []
    )
