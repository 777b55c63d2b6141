"""What a sweep may try: read from text, listed as a grid, written down and read back."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xvc.core.space import (
    Choices,
    Dimension,
    Span,
    endless,
    facts_of,
    grid_point,
    grid_size,
    parse_dimension,
    space_from,
    values_of,
)
from xvc.errors import BadValue
from xvc.system.value_files import parse_scalar

_SCALARS = st.one_of(
    st.integers(-(10**6), 10**6),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.booleans(),
    st.text("abcdefgh", min_size=1, max_size=4),
)


def _distinct(values: list[object]) -> bool:
    shown = [(type(value), repr(value)) for value in values]
    return len(set(shown)) == len(shown)


def dimensions() -> st.SearchStrategy[Dimension]:
    listed = st.lists(_SCALARS, min_size=1, max_size=4).filter(_distinct)
    spans = st.tuples(st.integers(-20, 20), st.integers(1, 6), st.integers(1, 3))
    return st.one_of(
        listed.map(lambda values: Choices(tuple(values))),
        spans.map(lambda three: Span(three[0], three[0] + three[1] * three[2], three[2])),
    )


SPACES = st.dictionaries(
    st.text("abc.", min_size=1, max_size=3), dimensions(), min_size=1, max_size=3
)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("0.1,0.01", (0.1, 0.01)),
        ("1e-3, 2", (0.001, 2)),
        ("adam,sgd", ("adam", "sgd")),
        ("true", (True,)),
        ("[64,64],[128]", ([64, 64], [128])),
        ("'a,b',c", ("a,b", "c")),
        ("2..6", (2, 3, 4, 5, 6)),
        ("2..8:3", (2, 5, 8)),
        ("-1..1", (-1, 0, 1)),
        ("0..0.3:0.1", (0.0, 0.1, 0.2, 0.3)),
        ("0..1:0.4", (0.0, 0.4, 0.8)),
    ],
)
def test_a_text_names_these_values(text: str, values: tuple[object, ...]) -> None:
    """Lists are typed as YAML types them, ranges keep both ends, decimals stay exact."""
    found = values_of(parse_dimension("lr", text, parse_scalar))

    assert [(type(v), v) for v in found or ()] == [(type(v), v) for v in values]


@pytest.mark.parametrize("text", ["0.001..0.1", "0.001..0.1:log", "1..10.5"])
def test_a_range_of_numbers_has_no_grid(text: str) -> None:
    """Any number between may be tried, so nothing can list them."""
    space = {"lr": parse_dimension("lr", text, parse_scalar)}

    assert endless(space) == ["lr"]


@pytest.mark.parametrize(
    "text",
    [
        *("6..2", "2..2", "2..6:0", "2..6:9", "0..1:log", "-1..1:log", "1,,2", "", "1,1", "2..x"),
        *("a..3", "2..6:lag", "0..1:1e-9"),
    ],
)
def test_what_means_nothing_is_refused(text: str) -> None:
    """A range of nothing, a gap, a value named twice: the param is named, no value is guessed."""
    with pytest.raises(BadValue, match="lr"):
        parse_dimension("lr", text, parse_scalar)


@settings(deadline=None)  # a loaded machine is no slow grid
@given(SPACES)
def test_a_grid_has_every_point_once(space: dict[str, Dimension]) -> None:
    """As many points as the product of the values, all different, in one order."""
    points = [json.dumps(grid_point(space, n), sort_keys=True) for n in range(grid_size(space))]

    assert len(set(points)) == len(points) == grid_size(space)


@given(SPACES)
def test_a_space_survives_being_written(space: dict[str, Dimension]) -> None:
    """What is on the disk of a sweep is what was asked for."""
    again = space_from(json.loads(json.dumps(facts_of(space))))

    assert again == space
    assert list(again) == list(space)


@given(st.lists(_SCALARS, min_size=1, max_size=5).filter(_distinct))
def test_a_list_is_read_back(values: list[object]) -> None:
    """Values written as JSON with commas between are those values again."""
    text = ",".join(json.dumps(value) for value in values)

    found = parse_dimension("x", text, parse_scalar)

    assert found == Choices(tuple(values))  # type: ignore[arg-type]
