"""When two recorded values are the same.

Pure. Refuses Python's own equality, to which ``True`` is ``1`` and NaN is not itself.
"""

from __future__ import annotations

import math

from xvc.types import Json


def is_same(one: Json, other: Json) -> bool:
    """Whether two values are the same: numbers by value, NaN as NaN, bool apart from numbers.

    >>> is_same(1, 1.0), is_same(True, 1), is_same(float("nan"), float("nan"))
    (True, False, True)
    """
    if isinstance(one, list) and isinstance(other, list):
        pairs = zip(one, other, strict=False)
        return len(one) == len(other) and all(is_same(left, right) for left, right in pairs)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(is_same(one[key], other[key]) for key in one)
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return one == other or (is_nan(one) and is_nan(other))


def is_nan(value: object) -> bool:
    """Whether *value* is the number that is none; ints of any size are safe to ask."""
    return isinstance(value, float) and math.isnan(value)
