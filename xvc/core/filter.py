"""The filter of ``xvc ls --where``: ``accuracy > 0.9 and (model == 'logreg' or not lr < 0.1)``.

Pure: text to a tree, a tree to a claim. Refuses what it cannot read, and names the place. A
bare word is never taken for text; a quote inside quotes is doubled. A name with blanks stands in
backticks, or in double quotes as in SQL: where a name goes, no text can.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable

from xvc.core.equality import is_nan
from xvc.core.expression import (
    BARE_KEY,
    RESERVED,
    And,
    Compare,
    Expression,
    Not,
    Operator,
    Or,
    Present,
)
from xvc.errors import BadExpression
from xvc.types import Json, Primitive

_AND, _OR, _NOT = (re.compile(rf"(?i:{word})(?![\w./-])") for word in ("and", "or", "not"))
_OPEN, _CLOSE, _SPACE = re.compile(r"\("), re.compile(r"\)"), re.compile(r"\s*")
_QUOTED_KEY = re.compile(r"`((?:[^`]|``)*)`|\"((?:[^\"]|\"\")*)\"")
_TEXT = re.compile(r"'((?:[^']|'')*)'|\"((?:[^\"]|\"\")*)\"")
_OPERATOR = re.compile(r"==|!=|<=|>=|[=<>~]")
_NUMBER = re.compile(
    r"[+-]?(?:(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|(?i:inf|nan))(?![\w.])"
)
_WHOLE = re.compile(r"[+-]?[0-9]{1,4000}")  # int() refuses more digits
_NAMED = re.compile(r"(?i:true|false|null)(?![\w./-])")
_MEANING: dict[str, Primitive] = {"true": True, "false": False, "null": None}
_DEEPEST = 50  # levels of brackets and `not`, far below Python's own limit
_ORDER: dict[Operator, Callable[..., bool]] = {
    Operator.EQUAL: operator.eq,
    Operator.DIFFERENT: operator.ne,
    Operator.BELOW: operator.lt,
    Operator.AT_MOST: operator.le,
    Operator.ABOVE: operator.gt,
    Operator.AT_LEAST: operator.ge,
}
_EQUALITY = (Operator.EQUAL, Operator.DIFFERENT)


def parse_filter(text: str) -> Expression:
    """Read a filter.

    >>> str(parse_filter('lr=.1 and (not note or `val loss` >= 2)'))
    'lr == 0.1 and (not note or `val loss` >= 2)'

    Raises:
        BadExpression: it cannot be read; the reason begins with the character, counted from 1.
    """
    reader = _Reader(text)
    tree = reader.either(0)
    if reader.rest():
        raise reader.wrong("`and`, `or` or the end goes here")
    return tree


class _Reader:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def rest(self) -> str:
        self.take(_SPACE)
        return self.text[self.at :]

    def take(self, shape: re.Pattern[str]) -> re.Match[str] | None:
        start = _SPACE.match(self.text, self.at)
        found = shape.match(self.text, start.end() if start else self.at)
        if found is not None:
            self.at = found.end()
        return found

    def wrong(self, reason: str) -> BadExpression:
        self.take(_SPACE)
        return BadExpression(self.text, f"at character {self.at + 1}, {reason}")

    def either(self, depth: int) -> Expression:
        parts = [self.both(depth)]
        while self.take(_OR):
            parts.append(self.both(depth))
        return Or(tuple(parts)) if len(parts) > 1 else parts[0]

    def both(self, depth: int) -> Expression:
        parts = [self.single(depth)]
        while self.take(_AND):
            parts.append(self.single(depth))
        return And(tuple(parts)) if len(parts) > 1 else parts[0]

    def single(self, depth: int) -> Expression:
        if depth > _DEEPEST:
            raise self.wrong("it goes too deep")
        if self.take(_NOT):
            return Not(self.single(depth + 1))
        if not self.take(_OPEN):
            return self.comparison()
        inside = self.either(depth + 1)
        if not self.take(_CLOSE):
            raise self.wrong("a closing bracket goes here")
        return inside

    def comparison(self) -> Expression:
        key = self.key()
        sign = self.take(_OPERATOR)
        if sign is None:
            return Present(key)
        return Compare(key, Operator("==" if sign[0] == "=" else sign[0]), self.value())

    def key(self) -> str:
        if quoted := self.take(_QUOTED_KEY):
            ticked, double = quoted.groups()
            return str(double).replace('""', '"') if ticked is None else ticked.replace("``", "`")
        start = self.at
        bare = self.take(BARE_KEY)
        if bare is None or bare[0].lower() in RESERVED:
            self.at = start
            raise self.wrong("the name of a parameter or metric goes here")
        return bare[0]

    def value(self) -> Primitive:
        if text := self.take(_TEXT):
            single, double = text.groups()
            return str(double).replace('""', '"') if single is None else single.replace("''", "'")
        if named := self.take(_NAMED):
            return _MEANING[named[0].lower()]
        if number := self.take(_NUMBER):
            return int(number[0]) if _WHOLE.fullmatch(number[0]) else float(number[0])
        raise self.wrong("a number, true, false, null or text in quotes goes here")


def evaluate(expression: Expression, lookup: Callable[[str], Json]) -> bool:
    """Whether *expression* holds for the run whose values *lookup* returns.

    Numbers compare with numbers, text with text; anything else, NaN and keys that are not
    recorded (*lookup* raises KeyError) make a comparison false, ``!=`` too.

    >>> evaluate(parse_filter("lr < 1 and not model"), {"lr": 0.1}.__getitem__)
    True
    """
    match expression:
        case And(parts):
            return all(evaluate(part, lookup) for part in parts)
        case Or(parts):
            return any(evaluate(part, lookup) for part in parts)
        case Not(part):
            return not evaluate(part, lookup)
    try:
        found = lookup(expression.key)
    except KeyError:
        return False
    return isinstance(expression, Present) or _holds(expression.op, found, expression.value)


def _holds(op: Operator, found: Json, wanted: Primitive) -> bool:
    if op is Operator.CONTAINS:
        return _contains(found, wanted)
    if wanted is None:
        return op in _EQUALITY and _ORDER[op](found, wanted)
    if isinstance(found, bool) or isinstance(wanted, bool):
        return op in _EQUALITY and type(found) is type(wanted) and _ORDER[op](found, wanted)
    return _is_comparable(found, wanted) and _ORDER[op](found, wanted)


def _contains(found: Json, wanted: Primitive) -> bool:
    if isinstance(found, list):
        return any(_holds(Operator.EQUAL, item, wanted) for item in found)
    return isinstance(found, str) and isinstance(wanted, str) and wanted in found


def _is_comparable(found: Json, wanted: Primitive) -> bool:
    if isinstance(found, str):
        return isinstance(wanted, str)
    are_numbers = isinstance(found, int | float) and isinstance(wanted, int | float)
    return are_numbers and not is_nan(found) and not is_nan(wanted)
