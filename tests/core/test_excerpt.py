"""An excerpt is short, shows what is harmless, and costs little whatever it is of."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xvc.tracking.excerpt import LIMIT, excerpt

LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


@given(VALUES)
def test_it_is_short_text(value: Any) -> None:
    """Any value has an excerpt, which fits its limit and can be written as UTF-8."""
    text = excerpt(value)

    assert len(text) <= LIMIT
    text.encode()


@pytest.mark.parametrize("value", [[1, "a", None, (2.5,)], {"b": [True], "a": {1}}, [b"x"], -3])
def test_small_values_are_whole(value: Any) -> None:
    """What fits is what Python would read back."""
    assert eval(excerpt(value)) == value


def deep(levels: int) -> Any:
    return [deep(levels - 1)] * 300 if levels else 7


@pytest.mark.parametrize(
    "value",
    [
        list(range(10**6)),
        deep(6),
        dict.fromkeys(range(10**6)),
        OrderedDict.fromkeys(range(10**5)),
        set(range(10**6)),
        "x" * 10**8,
        bytes(10**8),
        1 << 10**7,
        np.zeros((10**4, 10**3)),
    ],
    ids=["list", "deep", "dict", "ordered", "set", "text", "bytes", "int", "array"],
)
def test_large_values_take_no_time(value: Any) -> None:
    """Only as much is read as is shown: this would be seconds otherwise."""
    began = time.process_time()
    text = excerpt(value)

    assert time.process_time() - began < 0.1
    assert len(text) <= LIMIT


@pytest.mark.parametrize(
    "value",
    [
        {"password": "hunter2"},
        ["postgres://me:hunter2@db/x"],
        ("x" * (LIMIT - 20) + " password=hunter2",),
        [{"a": "token: hunter2"}],
    ],
)
def test_secrets_are_masked(value: Any) -> None:
    """A secret is masked wherever it stands, also where the text is cut."""
    assert "hunter" not in excerpt(value)
