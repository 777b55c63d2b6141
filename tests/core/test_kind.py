"""Types that hold others: without loss, whichever comes first."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xvc.core.account import Account, Fate, MergeUnsound
from xvc.core.table_merge import Style
from xvc.errors import BadValue
from xvc.store.column_types import Kind, wider

WHOLE = [
    f"{sign}{name}" for sign in ("", "U") for name in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT")
]
KINDS = [
    *map(Kind, (*WHOLE, "FLOAT", "DOUBLE", "VARCHAR", "DATE", "TIMESTAMP", "TIMESTAMP_NS", "NULL")),
    Kind("DECIMAL", digits=(10, 2)),
    Kind("DECIMAL", digits=(38, 0)),
    Kind("LIST", (("child", Kind("INTEGER")),)),
    Kind("LIST", (("child", Kind("DOUBLE")),)),
    Kind("STRUCT", (("a", Kind("INTEGER")),)),
    Kind("STRUCT", (("b", Kind("BIGINT")),)),
]


@given(one=st.sampled_from(KINDS), other=st.sampled_from(KINDS))
def test_the_order_of_two_types_does_not_matter(one: Kind, other: Kind) -> None:
    """What holds both holds each, and is found from both sides; fields in some order."""
    found, turned = wider(one, other), wider(other, one)

    assert (found is None) == (turned is None)
    if found is not None and turned is not None:
        assert found.name == turned.name
        assert dict(found.parts) == dict(turned.parts)
        assert wider(found, one) == found


def test_fields_that_differ_by_case_are_not_united() -> None:
    """DuckDB would read one for the other."""
    one, other = (Kind("STRUCT", ((name, Kind("INTEGER")),)) for name in ("Loss", "loss"))

    assert wider(one, other) is None


def test_an_account_that_does_not_add_up_is_refused() -> None:
    """A row that is nowhere is a defect, and nothing is written."""
    with pytest.raises(MergeUnsound):
        Account("t", 3, 1, 3, {Fate.TAKEN_NEW: 1, Fate.KEPT_NEW: 2}).checked()


@pytest.mark.parametrize(
    "style",
    [Style(codec="zip"), Style(memory="much"), Style(types={"a": "INTEGER); DROP TABLE x"})],
    ids=["codec", "memory", "type"],
)
def test_a_style_that_means_nothing_is_refused(style: Style) -> None:
    """No word of a user's reaches SQL unread."""
    with pytest.raises(BadValue):
        style.checked()
