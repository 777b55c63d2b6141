"""Dataclasses and pydantic models become columns, one a field, named by their path."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field, make_dataclass
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xvc.errors import BadValue
from xvc.tracking.unpack import CYCLE, plainer, unpacked

NAMES = st.text("abgh", min_size=1, max_size=2)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
LEAVES |= st.lists(st.integers(), max_size=3)


def made(parts: dict[str, Any]) -> Any:
    return make_dataclass("Made", list(parts), frozen=True)(*parts.values())


def nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.dictionaries(NAMES, LEAVES | inner, min_size=1, max_size=3).map(made)


def leaves(path: str, value: Any) -> dict[str, Any]:
    """What is to be found, the plain way: by walking."""
    if not dataclasses.is_dataclass(value):
        return {path: value}
    found: dict[str, Any] = {}
    for one in dataclasses.fields(value):
        found |= leaves(f"{path}_{one.name}", getattr(value, one.name))
    return found


@given(st.recursive(st.dictionaries(NAMES, LEAVES, min_size=1, max_size=3).map(made), nested))
def test_every_leaf_is_a_column(value: Any) -> None:
    """Whatever is nested in whatever, each leaf is there under its path, the very same object."""
    columns = unpacked("cfg", value)

    expected = leaves("cfg", value)
    assert columns is not None
    assert columns.keys() == expected.keys()
    assert all(columns[name] is expected[name] for name in expected)


@given(LEAVES | st.dictionaries(st.text(), LEAVES))
def test_plain_values_are_left_alone(value: Any) -> None:
    """What is neither a dataclass nor a model is not unpacked, and comes back as itself."""
    assert unpacked("cfg", value) is None
    assert plainer(value) is value


@dataclass
class Loose:
    """Neither frozen nor slotted, with what is no field of an instance."""

    lr: float = 0.1
    shared: ClassVar[int] = 3
    late: int = field(init=False)


@dataclass(frozen=True, slots=True)
class Tight:
    loose: Loose
    layers: list[Loose]
    by_name: dict[str, Loose]


def test_kinds_of_dataclasses() -> None:
    """Frozen and slotted ones unpack as others; in lists and dicts they are dicts."""
    columns = unpacked("cfg", Tight(Loose(), [Loose(1.0)], {"a": Loose(2.0)}))

    assert columns == {
        "cfg_loose_lr": 0.1,
        "cfg_layers": [{"lr": 1.0}],
        "cfg_by_name": {"a": {"lr": 2.0}},
    }


def test_a_class_is_no_instance() -> None:
    """The class itself has no values to unpack."""
    assert unpacked("cfg", Loose) is None


class Shade(Enum):
    DARK = "dark"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Path("a/b"), "a/b"),
        (Shade.DARK, "dark"),
        (Decimal("0.10"), "0.10"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        ({"x": (Path("a"), 1)}, {"x": ["a", 1]}),
    ],
)
def test_common_values_become_readable(value: Any, expected: Any) -> None:
    """What configurations are full of, and a row cannot hold, is there as text or value."""
    assert unpacked("cfg", made({"x": value})) == {"cfg_x": expected}


def test_other_objects_stay_themselves() -> None:
    """An object of no known kind is left for others to keep."""
    thing = object()

    assert unpacked("cfg", made({"x": thing, "y": [thing]})) == {"cfg_x": thing, "cfg_y": [thing]}


def test_no_fields_is_a_name() -> None:
    """A choice without settings of its own is told by its class."""
    assert unpacked("optimizer", make_dataclass("Adam", [])()) == {"optimizer": "Adam"}


def test_a_circle_ends() -> None:
    """A value that holds itself, straight or by a list, ends where it begins again."""
    node = make_dataclass("Node", ["up", "all"])(None, [])
    node.up = node
    node.all.append(node)

    assert unpacked("n", node) == {"n_up": CYCLE, "n_all": [CYCLE]}


def test_a_long_chain_ends() -> None:
    """Beyond 32 levels what is left stays one object: columns cannot be nested without end."""
    link, chain = make_dataclass("Link", ["a"]), 1
    for _ in range(5_000):
        chain = link(chain)
    columns = unpacked("n", chain)

    assert columns is not None
    assert list(columns) == ["n" + "_a" * 32]


def test_two_paths_of_one_name() -> None:
    """Fields that come to one column with two values are refused; with one value they are not."""
    twice = {"a": made({"b": 1}), "a_b": 2}

    with pytest.raises(BadValue, match="cfg_a_b"):
        unpacked("cfg", made(twice))
    assert unpacked("cfg", made({**twice, "a_b": 1})) == {"cfg_a_b": 1}


class Inner(pydantic.BaseModel):
    depth: int = 3


class Model(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow", protected_namespaces=())

    name: str
    inner: Inner = Inner()
    layers: list[Inner] = [Inner(depth=1)]
    hidden: str = pydantic.Field("h", exclude=True)
    key: pydantic.SecretStr = pydantic.SecretStr("hunter2")


def test_models_unpack() -> None:
    """Pydantic models by field, with extra ones, without excluded ones, and no secret is shown."""
    columns = unpacked("cfg", Model.model_validate({"name": "a", "more": Inner()}))

    assert columns == {
        "cfg_name": "a",
        "cfg_inner_depth": 3,
        "cfg_layers": [{"depth": 1}],
        "cfg_key": "***",
        "cfg_more_depth": 3,
    }


def test_models_of_the_first_pydantic() -> None:
    """Models as pydantic 1 made them unpack the same way."""
    v1 = pytest.importorskip("pydantic.v1")
    inner = v1.create_model("Inner", depth=(int, 3))
    model = v1.create_model("Model", name=(str, "a"), inner=(inner, inner()))

    assert unpacked("cfg", model()) == {"cfg_name": "a", "cfg_inner_depth": 3}
