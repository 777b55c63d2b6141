"""Filters: what is written reads back, what is refused is named, NaN never compares."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xvc.core.expression import And, Compare, Expression, Not, Operator, Or, Present
from xvc.core.filter import evaluate, parse_filter
from xvc.errors import BadExpression
from xvc.types import Json, Primitive

KEYS = st.text() | st.sampled_from(["lr", "val/loss", "and", "NOT", "a`b", "x-y", "inf"])
PLAIN: st.SearchStrategy[Primitive] = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
)
LEAVES: st.SearchStrategy[Expression] = st.builds(
    Compare, KEYS, st.sampled_from(Operator), PLAIN
) | st.builds(Present, KEYS)


def _grown(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.builds(Not, inner) | st.builds(And, several) | st.builds(Or, several)


EXPRESSIONS = st.recursive(LEAVES, _grown, max_leaves=8)
RUN: dict[str, Json] = {
    "accuracy": 0.95,
    "n": 3,
    "model": "logreg",
    "is_cached": True,
    "nothing": None,
    "broken": math.nan,
    "tags": ["small", 2],
    "val loss": 0.3,
    "huge": 10**400,
}


@given(EXPRESSIONS)
def test_an_expression_survives_being_written(expression: Expression) -> None:
    """Whatever we print, we can read back, brackets and quotes and all."""
    again = parse_filter(str(expression))

    assert again == expression


@given(st.text(st.sampled_from("ab1.' \"`()=<>!~-andortue"), max_size=30) | st.text())
def test_every_text_is_read_or_refused(text: str) -> None:
    """Nothing but BadExpression comes out; what was read is stable when printed."""
    try:
        printed = str(parse_filter(text))
    except BadExpression:
        printed = "refused"

    assert str(parse_filter(printed)) == printed


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("accuracy > 0.9 and (model == 'logreg' or not n < 1)", True),
        ("accuracy>.9", True),
        ('"val loss" < 1 and `val loss` < 1 and "n" == 3', True),
        ('"val ""loss" < 1', False),
        ("accuracy = 0.95 AND n=3.0", True),
        ("n >= 3 and n <= 3 and n != 4", True),
        ("model ~ 'log' and tags ~ 'small' and tags ~ 2", True),
        ('model == "svm" or n == 3', True),
        ("n == 1 or n == 2 and accuracy > 0", False),
        ("(n == 1 or n == 3) and accuracy > 0", True),
        ("`val loss` < 1", True),
        ("is_cached == true and is_cached != false", True),
        ("n > -inf and huge < inf", True),
        ("nothing", True),
        ("absent", False),
        ("not absent", True),
        ("nothing == null and n != null", True),
    ],
)
def test_what_holds(text: str, expected: bool) -> None:
    """The language means what it looks like; `and` binds closer than `or`, `not` closest."""
    verdict = evaluate(parse_filter(text), RUN.__getitem__)

    assert verdict is expected


@pytest.mark.parametrize("key", ["model", "nothing", "broken", "tags", "absent", "is_cached"])
@pytest.mark.parametrize("op", list(Operator))
def test_what_is_no_number_never_compares_with_one(key: str, op: Operator) -> None:
    """Other kinds, NaN and absent keys make every comparison false, `!=` too."""
    verdict = evaluate(Compare(key, op, 1), RUN.__getitem__)

    assert verdict is False


@given(st.sampled_from(Operator), st.integers() | st.floats())
def test_nan_in_a_filter_never_compares(op: Operator, value: float) -> None:
    """A written NaN is as mute as a recorded one."""
    verdict = evaluate(Compare("x", op, math.nan), lambda _: value)

    assert verdict is False


@given(EXPRESSIONS, st.dictionaries(KEYS, PLAIN, max_size=4))
def test_not_is_the_contrary(expression: Expression, run: Mapping[str, Primitive]) -> None:
    """Every filter either holds or does not, and `not` turns it."""
    verdict = evaluate(Not(expression), run.__getitem__)

    assert verdict is not evaluate(expression, run.__getitem__)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", 1),
        ("accuracy >", 11),
        ("accuracy > high", 12),
        ("accuracy > 0.9 and", 19),
        ("(a or b", 8),
        ("a b", 3),
        ("a == 'open", 6),
        ("a == 1.2.3", 6),
        ("a == 12px", 6),
        ("0.5 < a", 1),
        ("and == 1", 1),
        ("a == 1 ; drop", 8),
        ("`open", 1),
    ],
)
def test_a_mistake_is_named_with_its_place(text: str, place: int) -> None:
    """The reason begins with the character at which reading stopped."""
    with pytest.raises(BadExpression) as refused:
        parse_filter(text)

    assert refused.value.reason.startswith(f"at character {place},")


@pytest.mark.parametrize("text", ["(" * 5000 + "a" + ")" * 5000, "not " * 5000 + "a"])
def test_depth_is_refused_before_python_refuses_it(text: str) -> None:
    """No filter can end the process."""
    with pytest.raises(BadExpression) as refused:
        parse_filter(text)

    assert "deep" in refused.value.reason
