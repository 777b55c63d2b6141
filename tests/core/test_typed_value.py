"""A number is only what reads back to the same text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xvc.core.typed_value import TypedValue, is_equal, number_typed
from xvc.system.value_files import parse_typed, word_for
from xvc.types import Json

WRITTEN = st.from_regex(r"[-+]?[0-9_.]{1,12}([eE][-+]?[0-9]{1,4})?", fullmatch=True)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | FLOATS | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)


@given(WRITTEN)
def test_a_number_reads_back(text: str) -> None:
    """What is taken for a number is the number that the text says, written as numbers are."""
    value = number_typed(text)

    if isinstance(value, int):
        assert str(value) == text
    elif isinstance(value, float):
        assert float(text) == value
        assert "_" not in text
        assert not text.startswith(("+", "."))
    assert parse_typed(text).text == text


@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False))
def test_what_python_writes_is_a_number(value: float) -> None:
    """Every number is read as itself from the text that Python has for it."""
    assert number_typed(repr(value)) == value


@pytest.mark.parametrize(
    "text", ["3.10", "00012", "1234567e8", "0x1F", "1_000", "+1", "1e400", "-0"]
)
def test_what_may_be_a_name_is_text(text: str) -> None:
    """Versions, identifiers and commits stay as they were typed, in lists, too."""
    assert parse_typed(text) == TypedValue(text, text)
    assert parse_typed(f"[{text}]").value == [text]


@given(VALUES)
def test_a_value_survives_a_command_line(value: Json) -> None:
    """What is written as a word is read as the same value of the same type."""
    again = parse_typed(word_for(TypedValue.of(value))).value

    assert repr(again) == repr(value)


def test_numbers_are_compared_as_numbers() -> None:
    """However it is written, a number is the same one; a truth is no number."""
    assert is_equal("0.10", 0.1)
    assert is_equal([1, "2.0"], [1.0, 2])
    assert not is_equal(True, 1)
    assert not is_equal("adam", "Adam")
