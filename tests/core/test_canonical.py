"""Content as bytes: equal content is one key in every process, different content is two."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import threading
from collections import OrderedDict, namedtuple
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from functools import cached_property, partial
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import polars as pl
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xvc.tracking.canonical import Encoder, Unkeyable


def content_key(value: object) -> str:
    """The sha256 of the content of *value*, in hex."""
    return sha256(Encoder().encode(value)).hexdigest()


class Config:
    """The seed's class: equal by its own rule, its hash another one in each process."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __hash__(self) -> int:
        return hash(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Config) and self.value == other.value


@dataclass(frozen=True, slots=True)
class Slotted:
    lr: float
    name: str = "adam"


@dataclass
class Derived:
    lr: float

    @cached_property
    def twice(self) -> float:
        return 2 * self.lr


class Model(pydantic.BaseModel):
    lr: float = 0.1
    layers: list[int] = []


class Colour(Enum):
    RED = 1


class Number(IntEnum):
    ONE = 1


class Text(str):
    __slots__ = ()


Pair = namedtuple("Pair", "a b")
Other = namedtuple("Other", "a b")

atoms = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.dates()
    | st.datetimes()
    | st.decimals(allow_nan=False)
    | st.uuids()
)
values = st.recursive(
    atoms,
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(st.text(), inner)
        | st.frozensets(atoms)
    ),
    max_leaves=12,
)


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal with their types, part by part."""
    if type(one) is not type(other):
        return False
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, frozenset):
        typed = [sorted(map(repr, each)) for each in (one, other)]
        return typed[0] == typed[1]
    return repr(one) == repr(other)


def shuffled(value: Any) -> Any:
    """An equal value, made anew, its sets in another order if they have one."""
    if isinstance(value, list | tuple):
        return type(value)(map(shuffled, value))
    if isinstance(value, dict):
        return {key: shuffled(part) for key, part in value.items()}
    return frozenset(reversed(list(value))) if isinstance(value, frozenset) else value


@given(values)
def test_equal_content_is_one_key(value: Any) -> None:
    """A copy has the same bytes, whatever the order of its sets."""
    again = shuffled(value)

    assert Encoder().encode(again) == Encoder().encode(value)


@given(values, values)
def test_different_content_is_two_keys(one: Any, other: Any) -> None:
    """Two values share a key exactly when they are equal with their types."""
    assert (content_key(one) == content_key(other)) is same(one, other)


@given(st.lists(atoms, max_size=4), st.lists(atoms, max_size=4))
def test_every_form_ends_by_itself(ones: list[Any], others: list[Any]) -> None:
    """Where one list ends and the next begins is part of the key."""
    moved = content_key([ones + others, []])

    assert (moved == content_key([ones, others])) is (others == [])


noted = pd.DataFrame({"a": [1]})
noted.attrs["unit"] = "m"
DIFFERENT: list[Any] = [
    None,
    True,
    1,
    1.0,
    1 + 0j,
    "1",
    b"1",
    bytearray(b"1"),
    0.0,
    -0.0,
    math.inf,
    -math.inf,
    math.nan,
    [],
    (),
    {},
    set(),
    frozenset(),
    [1],
    (1,),
    {1},
    frozenset({1}),
    {1: 1},
    [[1]],
    [1, [2]],
    [1, 2],
    ["ab", "c"],
    ["a", "bc"],
    Decimal(1),
    Decimal("1.0"),
    date(2020, 1, 1),
    datetime(2020, 1, 1),
    datetime(2020, 1, 1, tzinfo=UTC),
    timedelta(1),
    UUID(int=1),
    Path("1"),
    range(1),
    slice(1),
    Colour.RED,
    Number.ONE,
    Text("1"),
    Pair(1, 2),
    Other(1, 2),
    (1, 2),
    Config(1),
    Config(2),
    Slotted(0.1),
    Slotted(0.2),
    Model(),
    Model(lr=0.2),
    OrderedDict(a=1, b=2),
    OrderedDict(b=2, a=1),
    {"a": 1, "b": 2},
    {"b": 2, "a": 1},
    np.zeros((2, 2)),
    [].append,
    [1].append,
    np.zeros((2, 2), order="F"),
    pd.date_range("2020", periods=3),
    pd.DatetimeIndex(list(pd.date_range("2020", periods=3))),
    noted,
    np.float64(1),
    np.int32(1),
    np.int64(1),
    np.array(1),
    np.array([1]),
    np.array([1.0]),
    np.array([[1]]),
    np.array([1], "i4"),
    np.array([1], object),
    np.array(["2020"], "M8[Y]"),
    np.array([(1, 2)], [("a", "i4"), ("b", "i4")]),
    np.array([(1, 2)], [("a", "i4"), ("c", "i4")]),
    pd.Series([1, 2]),
    pd.Series([1.0, 2.0]),
    pd.Series([1, 2], name="a"),
    pd.DataFrame({"a": [1]}),
    pd.DataFrame({"b": [1]}),
    pd.DataFrame({"a": [1]}, index=[1]),
    pd.DataFrame({"a": ["x"]}),
    pd.DataFrame({"a": ["x", None]}),
    pd.Series(["a"], dtype="category"),
    pd.Timestamp("2020"),
    pd.Series(pd.Categorical(["a"], ["a", "b"])),
    pl.Series([1]),
    pl.Series([None], dtype=pl.Int64),
    pl.Series([0]),
    pl.Series([1.0]),
    pl.DataFrame({"a": [1]}),
    pl.DataFrame({"a": ["x"]}),
    partial(int, base=2),
    partial(int, base=3),
    int,
    len,
    max,
    ...,
    "x" * 999,
    "x" * 998,
    b"x" * 999,
]


def test_types_stay_apart() -> None:
    """Values that Python takes for equal, or that look alike, have keys of their own."""
    keys = [content_key(value) for value in DIFFERENT]

    assert len(set(keys)) == len(DIFFERENT)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Config("production"), Config("production")),
        (Config([1, {2}]), Config([1, {2}])),
        (Slotted(0.1), Slotted(0.1, "adam")),
        (Model(), Model(lr=0.1, layers=[])),
        (math.nan, -math.nan),
        (np.arange(6).reshape(2, 3).T, np.array([[0, 3], [1, 4], [2, 5]], order="F")),
        (np.arange(6).reshape(2, 3)[:, ::2], np.array([[0, 2], [3, 5]])),
        (np.arange(9)[::2], np.array([0, 2, 4, 6, 8])),
        (np.array(["a", None], object), np.array(["a", None], object)),
        (
            pd.concat([pd.DataFrame({"a": [1]}), pd.DataFrame({"b": [2]})], axis=1),
            pd.DataFrame({"a": [1], "b": [2]}),
        ),
        (pl.concat([pl.Series("a", [1]), pl.Series("a", [2])]), pl.Series("a", [1, 2])),
        (np.random.default_rng(3), np.random.default_rng(3)),
    ],
)
def test_content_counts_and_not_the_object(one: Any, other: Any) -> None:
    """Two objects of one content have one key."""
    assert content_key(one) == content_key(other)


def test_what_was_computed_from_an_object_is_not_its_content() -> None:
    """A cached property that was looked at changes nothing."""
    config = Derived(0.1)
    before = content_key(config)
    assert config.twice == 0.2

    assert content_key(config) == before


def test_a_circle_has_a_key() -> None:
    """A list in itself, and an object with a method of its own, end."""

    def circle(last: int) -> list[Any]:
        found: list[Any] = [last]
        found.append(found)
        return found

    config = Config(1)
    config.value = [config.__eq__, config]

    assert content_key(circle(1)) == content_key(circle(1)) != content_key(circle(2))
    assert content_key(config)


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"model": [Config(threading.Lock())]}, "['model'][0].value"),
        (Slotted(lr=threading.Lock()), ".lr"),  # type: ignore[arg-type]
        (iter([1]), ""),
        ((0, (each for each in ())), "[1]"),
        (os, ""),
    ],
)
def test_what_has_no_content_is_named(value: Any, path: str) -> None:
    """The refusal leads to the part that cannot be keyed."""
    with pytest.raises(Unkeyable) as caught:
        content_key(value)

    assert caught.value.path == path


def test_a_deep_value_is_refused() -> None:
    """Where Python's stack would end, there is a refusal instead."""
    deep: Any = []
    for _ in range(5000):
        deep = [deep]

    with pytest.raises(Unkeyable):
        content_key(deep)


_FRESH = """
import sys
sys.path.insert(0, sys.argv[1])
import test_canonical
print(*[test_canonical.content_key(value) for value in test_canonical.DIFFERENT])
"""


def test_a_key_is_the_same_in_every_process() -> None:
    """Neither hash randomisation nor the process reaches a key."""
    program = [sys.executable, "-c", _FRESH, str(Path(__file__).parent)]
    environment = {**os.environ, "PYTHONHASHSEED": "4242"}

    done = subprocess.run(program, env=environment, capture_output=True, text=True, check=True)

    import test_canonical  # under the name that the other process has for it

    ours = [content_key(value) for value in test_canonical.DIFFERENT]
    assert done.stdout.split() == ours
