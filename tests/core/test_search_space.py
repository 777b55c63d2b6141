"""What a sweep may try: read from text, listed as a grid, written down and read back."""

from __future__ import annotations

import json
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xvc.core.search_space import (
    Choices,
    Dimension,
    Range,
    endless,
    facts_of,
    grid_point,
    grid_size,
    parse_dimension,
    random_points,
    space_from,
    values_of,
)
from xvc.errors import BadValue
from xvc.system.value_files import parse_typed

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
        spans.map(lambda three: Range(three[0], three[0] + three[1] * three[2], three[2])),
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
    found = values_of(parse_dimension("lr", text, parse_typed))

    assert [(type(v), v) for v in found or ()] == [(type(v), v) for v in values]


@pytest.mark.parametrize("text", ["0.001..0.1", "0.001..0.1:log", "1..10.5"])
def test_a_range_of_numbers_has_no_grid(text: str) -> None:
    """Any number between may be tried, so nothing can list them."""
    space = {"lr": parse_dimension("lr", text, parse_typed)}

    assert endless(space) == ["lr"]


@pytest.mark.parametrize(
    "text",
    [
        *("6..2", "2..2", "2..6:0", "2..6:9", "0..1:log", "-1..1:log", "1,,2", "", "1,1", "2..x"),
        *("a..3", "2..6:lag", "0..1:1e-9", "1.." + "9" * 5000, "1..9:" + "9" * 5000),
    ],
)
def test_what_means_nothing_is_refused(text: str) -> None:
    """A range of nothing, a gap, a value named twice: the param is named, no value is guessed."""
    with pytest.raises(BadValue, match="lr"):
        parse_dimension("lr", text, parse_typed)


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

    found = parse_dimension("x", text, parse_typed)

    assert isinstance(found, Choices)
    assert found.values == tuple(values)


def test_random_points_are_all_points_once() -> None:
    """Where a space has an end, every point of it is chosen, none twice, logarithms included."""
    space = {
        "a": parse_dimension("a", "1..8:log", parse_typed),
        "b": parse_dimension("b", "x,[1,2]", parse_typed),
        "c": parse_dimension("c", "0..0.3:0.1", parse_typed),
    }

    points = [repr(point) for point in random_points(space, 3)]

    assert len(points) == len(set(points)) == grid_size(space) == 8 * 2 * 4
    assert points == [repr(point) for point in random_points(space, 3)]
    assert points != [repr(point) for point in random_points(space, 4)]


def test_endless_random_points_stay_inside() -> None:
    """Any number between is tried, whole ones where both ends are."""
    space = {
        "lr": parse_dimension("lr", "0.001..0.1:log", parse_typed),
        "x": parse_dimension("x", "0.0..1.0", parse_typed),
        "n": parse_dimension("n", "2..6", parse_typed),
    }

    points = list(islice(random_points(space, 1), 200))

    assert len({repr(point) for point in points}) == 200
    assert all(0.001 <= point["lr"] <= 0.1 and 0 <= point["x"] <= 1 for point in points)
    assert {point["n"] for point in points} == {2, 3, 4, 5, 6}
