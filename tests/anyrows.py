"""Rows of any keys and values that a tracker takes, for properties, and when two are alike."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np
from hypothesis import strategies as st

KEYS = (
    *("loss", "Loss", "LOSS", "val/loss", "val.loss", "val_loss", "loss_2", "Loss_2"),
    *("timestamp", "track_id", "row_id", "rowid", "Timestamp", "a b", "ünï", "Ünï", "ß", "SS"),
    *("^x", "^^X", "x:y", "i:loss", "'", '"', "a\0b", "\n", "ſ", "s", "S", "K", "k", "K" * 300),
)
BIG, HUGE = 1 << 63, 1 << 127

integers = st.sampled_from([0, 1, -BIG, BIG - 1, BIG, -BIG - 1, HUGE - 1, 1 - HUGE, 1 << 53])
floats = st.floats(allow_nan=True, allow_infinity=True)
texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=20) | st.sampled_from(
    ["", "nan", "null", "1", "a\0b", "'\"", "\\u0000", "日本語"]
)
zones = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))])
years = {"min_value": datetime(1, 1, 2), "max_value": datetime(9999, 12, 30)}
scalars = st.one_of(
    st.none(),
    st.booleans(),
    integers,
    st.integers(-(1 << 70), 1 << 70),
    floats,
    texts,
    st.binary(max_size=20),
    st.datetimes(**years),
    st.datetimes(**years, timezones=zones),
    st.dates(),
    st.sampled_from([np.float32(0.5), np.int64(-3), np.bool_(True), np.float64("nan")]),
)
nested = st.recursive(
    st.none() | st.booleans() | st.integers(-BIG, BIG - 1) | floats | texts | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
values = scalars | nested
rows = st.dictionaries(st.sampled_from(KEYS), values, max_size=4)


def bare(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def alike(one: Any, other: Any) -> bool:
    """Whether two values are the same, type and all: True is not 1, NaN is NaN, 0.0 is not -0.0."""
    one, other = bare(one), bare(other)
    if isinstance(one, list):
        return isinstance(other, list) and len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, float):
        return type(other) is float and (
            math.isnan(one) if math.isnan(other) else repr(one) == repr(other)
        )
    return type(one) is type(other) and one == other


def widens(one: Any, other: Any) -> bool:
    """Whether *other* is *one* where a column of integers has met floats: exact, as a float."""
    one = bare(one)
    is_whole = isinstance(one, int) and not isinstance(one, bool)
    return alike(one, other) or (is_whole and type(other) is float and int(other) == one)
