"""What a sweep may try: for each param its choices or its range, and the grid of them.

Pure: text to dimensions, a number to a point. Refuses what could be meant in two ways.
"""

from __future__ import annotations

import json
import math
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from xvc.core.typed_value import TypedValue
from xvc.errors import BadValue
from xvc.types import Json

_NUMBER = r"[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_RANGE = re.compile(rf"({_NUMBER})\.\.({_NUMBER})(?::(log|{_NUMBER}))?")
_MEANT_AS_RANGE = re.compile(rf"{_NUMBER}\.\..*|.*\.\.{_NUMBER}(?::.*)?")
_WHOLE = re.compile(r"[+-]?[0-9]+")
_MOST_STEPS = 1_000_000
_MOST_DIGITS = 300  # what has more, no float holds: it has no end
_OPENING, _CLOSING = "[{(", "]})"


@dataclass(frozen=True, slots=True)
class Choices:
    """A param that is one of these values; ``words`` is what commands get for each, as typed."""

    values: tuple[Json, ...]
    words: tuple[str, ...] = ()

    def typed(self, value: Json) -> TypedValue:
        """Return one of the values with its word."""
        for own, word in zip(self.values, self.words, strict=False):
            if type(own) is type(value) and own == value:
                return TypedValue(own, word)
        return TypedValue.of(value)


@dataclass(frozen=True, slots=True)
class Range:
    """A param between two numbers, both included; whole numbers when both are.

    ``step`` is the distance between neighbours, None where any number between may be tried.
    """

    low: int | float
    high: int | float
    step: int | float | None = None
    is_log: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether only whole numbers are meant."""
        return isinstance(self.low, int) and isinstance(self.high, int)


Dimension = Choices | Range
Space = Mapping[str, Dimension]


def is_of_magnitudes(dimension: Dimension) -> bool:
    """Whether an axis of these values is a log axis: they are drawn so, or a hundredfold apart.

    >>> is_of_magnitudes(Choices((1e-5, 1e-3))), is_of_magnitudes(Choices((1, 8)))
    (True, False)
    """
    if isinstance(dimension, Range):
        return dimension.is_log
    numbers = [each for each in dimension.values if isinstance(each, int | float)]
    is_positive = len(numbers) == len(dimension.values) > 0 and min(numbers) > 0
    return is_positive and max(numbers) / 100 >= min(numbers)


def typed_point(space: Space, point: Mapping[str, Json]) -> dict[str, TypedValue]:
    """Return a point with the text that a command gets for each value.

    >>> typed_point({"lr": Choices((0.001,), ("1e-3",))}, {"lr": 0.001})["lr"].text
    '1e-3'
    """
    found: dict[str, TypedValue] = {}
    for key, value in point.items():
        dimension = space.get(key)
        listed = dimension if isinstance(dimension, Choices) else Choices(())
        found[key] = listed.typed(value)
    return found


def parse_dimension(key: str, text: str, read: Callable[[str], TypedValue]) -> Dimension:
    """Read what a param may be: ``a,b,c``, ``2..6``, ``0..1:0.25`` or ``0.001..0.1:log``.

    Args:
        key: the param, for messages.
        text: its values; a comma inside brackets or quotes parts nothing.
        read: makes a value of a word.

    >>> parse_dimension("depth", "2..6", lambda word: TypedValue.of(word))
    Range(low=2, high=6, step=1, is_log=False)

    Raises:
        BadValue: it is no range and no list, or a range of nothing.
    """
    found = _RANGE.fullmatch(text.strip())
    if found is not None:
        return _checked_span(key, text, _span(*found.groups()))
    if _MEANT_AS_RANGE.fullmatch(text.strip()):
        raise BadValue(key, f"{text!r} is no range; write 2..6, 0..1:0.25 or 0.001..0.1:log")
    words = [word.strip() for word in _parted(text)]
    if not all(words):
        raise BadValue(key, f"{text!r} has no value between two commas")
    return choices(key, [read(word) for word in words])


def choices(key: str, listed: Sequence[TypedValue]) -> Choices:
    """Make a list of values to choose from.

    Raises:
        BadValue: it is empty, or names a value twice.
    """
    if not listed:
        raise BadValue(key, "there is no value to choose")
    shown = [(type(each.value).__name__, repr(each.value)) for each in listed]
    if len(set(shown)) < len(shown):
        twice = [
            each.text for each, sign in zip(listed, shown, strict=True) if shown.count(sign) > 1
        ]
        both = " and ".join(dict.fromkeys(twice[:2]))
        raise BadValue(
            key, f"{both} {'is named twice' if len({*twice[:2]}) == 1 else 'are one value'}"
        )
    return Choices(tuple(each.value for each in listed), tuple(each.text for each in listed))


def _span(low: str, high: str, how: str | None) -> Range:
    is_log = how == "log"
    step = _number(how) if how and not is_log else None
    first, last = _number(low), _number(high)
    if isinstance(first, int) and isinstance(last, int) and (step is None or isinstance(step, int)):
        return Range(first, last, step if step is not None or is_log else 1, is_log)
    return Range(float(first), float(last), step, is_log)


def _checked_span(key: str, text: str, span: Range) -> Range:
    if not (math.isfinite(span.low) and math.isfinite(span.high)):
        raise BadValue(key, f"{text!r} has no end")
    if span.low >= span.high:
        raise BadValue(key, f"{text!r} must go from the smaller number to the larger")
    if span.step is not None and not 0 < span.step <= span.high - span.low:
        raise BadValue(key, f"{text!r} needs a step above 0 that fits into it")
    if span.step is not None and (span.high - span.low) / span.step > _MOST_STEPS:
        raise BadValue(key, f"{text!r} has more than {_MOST_STEPS:,} steps")
    if span.is_log and span.low <= 0:
        raise BadValue(key, f"{text!r} begins at {span.low}; a logarithm needs more than 0")
    return span


def _number(text: str) -> int | float:
    is_whole = _WHOLE.fullmatch(text) and len(text) <= _MOST_DIGITS
    return int(text) if is_whole else float(text)


def _parted(text: str) -> list[str]:
    """Part a list at its commas, not those inside brackets or quotes."""
    parts, depth, quote = [""], 0, ""
    for sign in text:
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        else:
            depth += (sign in _OPENING) - (sign in _CLOSING)
        if sign == "," and not quote and depth <= 0:
            parts.append("")
        else:
            parts[-1] += sign
    return parts


def values_of(dimension: Dimension) -> Sequence[Json] | None:
    """List the values of a param in order; None when there is no end of them.

    >>> values_of(Range(0.0, 0.3, 0.1))
    (0.0, 0.1, 0.2, 0.3)
    """
    if isinstance(dimension, Choices):
        return dimension.values
    if dimension.is_whole:
        step = 1 if dimension.step is None else int(dimension.step)
        return range(int(dimension.low), int(dimension.high) + 1, step)
    if dimension.step is None:
        return None
    low, step_size = Decimal(repr(dimension.low)), Decimal(repr(dimension.step))
    count = int((Decimal(repr(dimension.high)) - low) / step_size) + 1
    return tuple(float(low + step_size * place) for place in range(count))


def endless(space: Space) -> list[str]:
    """Name the params that no grid can list."""
    return [key for key, dimension in space.items() if values_of(dimension) is None]


def grid_size(space: Space) -> int:
    """Count the points of a grid; every param has an end.

    >>> grid_size({"lr": Choices((0.1, 0.01)), "depth": Range(2, 6, 1)})
    10
    """
    return math.prod(len(values_of(dimension) or ()) for dimension in space.values())


def grid_point(space: Space, number: int) -> dict[str, Json]:
    """Return a point of the grid, counted from 0; the last param changes fastest.

    >>> space = {"lr": Choices((0.1, 0.01)), "depth": Range(2, 3, 1)}
    >>> [grid_point(space, n)["depth"] for n in range(4)]
    [2, 3, 2, 3]
    """
    point: dict[str, Json] = {}
    for key in reversed(list(space)):
        values = values_of(space[key]) or ()
        number, place = divmod(number, len(values))
        point[key] = values[place]
    return {key: point[key] for key in space}


_MOST_MISSES = 100
_MOST_LISTED = 1_000_000


def random_points(space: Space, seed: int) -> Iterator[dict[str, Json]]:
    """Choose points at random, none twice; ends where there is no other one.

    The same seed chooses the same points.

    >>> found = [point["a"] for point in random_points({"a": Range(1, 4, 1)}, 7)]
    >>> sorted(found)
    [1, 2, 3, 4]
    """
    chance = random.Random(seed)  # noqa: S311 - points are no secrets
    size = 0 if endless(space) else grid_size(space)
    seen: set[str] = set()
    misses = 0
    while misses < _MOST_MISSES or not size or size > _MOST_LISTED:
        point = {key: _drawn(dimension, chance) for key, dimension in space.items()}
        if (said := json.dumps(point)) in seen:
            misses += 1
            continue
        seen.add(said)
        misses = 0
        yield point
        if len(seen) == size:
            return
    for number in chance.sample(range(size), size):
        point = grid_point(space, number)
        if json.dumps(point) not in seen:
            yield point


def _drawn(dimension: Dimension, chance: random.Random) -> Json:
    if isinstance(dimension, Choices):
        return chance.choice(dimension.values)
    values = None if dimension.is_log else values_of(dimension)
    if values is not None:
        return chance.choice(values)
    if not dimension.is_log:
        return chance.uniform(dimension.low, dimension.high)
    drawn = math.exp(chance.uniform(math.log(dimension.low), math.log(dimension.high)))
    drawn = min(max(drawn, dimension.low), dimension.high)
    return round(drawn) if dimension.is_whole else drawn


def dimension_text(dimension: Dimension) -> str:
    """Write what a param may be, as one types it.

    >>> dimension_text(Range(0.001, 0.1, None, is_log=True))
    '0.001..0.1:log'
    """
    if isinstance(dimension, Choices):
        words = dimension.words or tuple(TypedValue.of(value).text for value in dimension.values)
        return ",".join(words)
    is_usual = dimension.step is None or (dimension.is_whole and dimension.step == 1)
    how = ":log" if dimension.is_log else "" if is_usual else f":{dimension.step}"
    return f"{dimension.low}..{dimension.high}{how}"


def meaning(dimension: Dimension) -> str:
    """Say what a range means; empty for a list.

    >>> meaning(Range(0, 1, 1)), meaning(Range(0.0, 1.0))
    ('whole numbers', 'any number between')
    """
    if isinstance(dimension, Choices):
        return ""
    if dimension.is_whole:
        return "whole numbers"
    return "any number between" if dimension.step is None else "numbers in steps"


def facts_of(space: Space) -> dict[str, Json]:
    """Write a space down as JSON."""
    return {key: _facts(dimension) for key, dimension in space.items()}


def _facts(dimension: Dimension) -> Json:
    if isinstance(dimension, Choices):
        return {"choices": list(dimension.values), "words": list(dimension.words)}
    named: dict[str, Json] = {"low": dimension.low, "high": dimension.high}
    return {**named, "step": dimension.step, "log": dimension.is_log}


def space_from(facts: Mapping[str, Json]) -> dict[str, Dimension]:
    """Read what `facts_of` wrote."""
    return {key: _dimension(each) for key, each in facts.items() if isinstance(each, dict)}


def _dimension(facts: Mapping[str, Json]) -> Dimension:
    listed = facts.get("choices")
    if isinstance(listed, list):
        words = facts.get("words")
        return Choices(tuple(listed), tuple(map(str, words)) if isinstance(words, list) else ())
    return Range(facts["low"], facts["high"], facts["step"], bool(facts["log"]))  # type: ignore[arg-type]
