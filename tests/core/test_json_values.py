"""Values that JSON cannot hold: what stands for each, whatever library it comes from."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock, Mock
from uuid import UUID

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xvc.core.json_values import as_json, from_plain, readable, simpler, to_plain
from xvc.core.limits import DEPTH


class Colour(Enum):
    RED = Path("red")


@pytest.mark.parametrize(
    ("value", "stands"),
    [
        (pd.NaT, None),
        (pd.NA, None),
        (np.datetime64("NaT"), None),
        (pd.Timestamp("2020-01-01T00:00:00.123456789"), datetime(2020, 1, 1, 0, 0, 0, 123456)),
        (pd.Timestamp("2020-01-01", tz="UTC"), datetime(2020, 1, 1, tzinfo=UTC)),
        (np.datetime64("2020-01-01T00:00:00.000000001"), datetime(2020, 1, 1)),
        (pd.Timedelta("90s"), 90.0),
        (np.timedelta64(1500, "ms"), 1.5),
        (timedelta(days=1), 86400.0),
        (pd.Period("2020-01"), "2020-01"),
        (Path("a/b"), "a/b"),
        (Colour.RED, "red"),
        (Decimal("1.10"), "1.10"),
        (Fraction(1, 3), "1/3"),
        (1 + 2j, "(1+2j)"),
        (np.complex128(1j), "1j"),
        (np.longdouble(0.5), 0.5),
        (np.dtype("float32"), "float32"),
        (UUID(int=1), str(UUID(int=1))),
        (np.array(3.5), 3.5),
        (np.array([1, 2]), [1, 2]),
        (np.bool_(True), True),
        (np.float32(0.5), 0.5),
        (pd.Series([1.0, None]), [1.0, math.nan]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_stands_for_a_value(value: Any, stands: Any) -> None:
    """Scalars of numpy and pandas, subclasses and objects with one text are plain values."""
    found = simpler(value)

    assert repr(found) == repr(stands)


@pytest.mark.parametrize("value", [Mock(), MagicMock(), object(), np.zeros(2000)])
def test_what_only_looks_like_an_array_stays(value: Any) -> None:
    """An object that answers to everything, and a large array, are no values for a cell."""
    assert simpler(value) is value


keys = st.text() | st.integers() | st.floats() | st.booleans() | st.none() | st.dates()
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.dates()
)
values = st.recursive(
    scalars | st.datetimes() | st.times() | st.timedeltas() | st.complex_numbers(),
    lambda inner: st.lists(inner) | st.dictionaries(keys, inner) | st.sets(scalars),
)


@given(values)
def test_any_value_is_shown_and_read_back_alike(value: Any) -> None:
    """What was made plain is read back as what is made plain again to the same."""
    try:
        plain = to_plain(value)
    except ValueError:
        return  # two keys with one text

    back: Any = from_plain(plain)

    assert as_json(back) == as_json(value)
    assert isinstance(readable(back), str)


@pytest.mark.parametrize(
    "plain", [{"$date": "x"}, {"$int": "9" * 5000}, {"$dict": [1]}, {"$bytes": "ü"}, {"$dict": 3}]
)
def test_a_mark_of_somebody_else_stays(plain: Any) -> None:
    """What only looks like a mark of ours is a dict like any other, and is written again."""
    found: Any = from_plain(plain)

    assert found == plain
    assert from_plain(to_plain(found)) == plain


def test_keys_become_text_as_json_writes_them() -> None:
    """Numbers, None and the two truths as in JSON; two keys that meet are refused."""
    assert to_plain({0: 1, None: 2, True: 3, 1.5: 4, (1, 2): 5}) == {
        "0": 1,
        "null": 2,
        "true": 3,
        "1.5": 4,
        "(1, 2)": 5,
    }
    with pytest.raises(ValueError, match="same text"):
        to_plain({1: "a", "1": "b"})


def test_a_value_that_goes_too_deep_is_refused() -> None:
    """Lists within lists up to the limit, and those that hold themselves not at all."""
    deep: list[Any] = []
    for _ in range(DEPTH - 1):
        deep = [deep]
    assert from_plain(to_plain(deep)) == deep
    itself: list[Any] = []
    itself.append(itself)
    for value in ([deep], itself, {"a": [deep]}):
        with pytest.raises(ValueError, match="deeper"):
            to_plain(value)


def test_a_day_is_written_alike_everywhere() -> None:
    """In a subject as people write it, in JSON with its mark."""
    assert readable(date(2026, 1, 1)) == "2026-01-01"
    assert as_json([date(2026, 1, 1)]) == '[{"$date": "2026-01-01"}]'
