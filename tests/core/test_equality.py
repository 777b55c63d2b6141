"""When two recorded values are the same."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xvc.core.equality import is_same
from xvc.types import Json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(VALUES)
def test_a_value_is_the_same_as_itself(value: Json) -> None:
    """NaN too, at any depth."""
    verdict = is_same(value, value)

    assert verdict


@given(VALUES, VALUES)
def test_sameness_has_no_side(one: Json, other: Json) -> None:
    """Which comes first does not matter."""
    verdict = is_same(one, other)

    assert verdict == is_same(other, one)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (1, 1.0, True),
        (True, 1, False),
        (False, 0.0, False),
        (None, False, False),
        ("1", 1, False),
        ([True], [1], False),
        ([1], [1, 2], False),
        ({"a": 1}, {"b": 1}, False),
        ({"a": math.nan}, {"a": math.nan}, True),
        (math.nan, 0.0, False),
        (10**400, math.inf, False),
        (2**63 - 1, float(2**63 - 1), False),
    ],
)
def test_kinds_stay_apart(one: Json, other: Json, expected: bool) -> None:
    """Numbers compare by value, bool is no number, text is no number."""
    verdict = is_same(one, other)

    assert verdict is expected
