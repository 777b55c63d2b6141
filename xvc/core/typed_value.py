"""Values as they were typed: a number is only what reads back to the same text.

``3.10``, ``00012`` and ``1234567e8`` may be a version, an identifier and a commit: they stay text.
Pure.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from decimal import Decimal

from xvc.core.late_pattern import late
from xvc.types import Json

_WORDS: dict[str, Json] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("null", "Null", "NULL", "~"), None),
}
_NUMBER = late(r"-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_WITH_BASE = late(r"[-+]?0(?:[xX][0-9a-fA-F_]+|[oO][0-7_]+|[bB][01_]+)")
_MOST_DIGITS = 400


@dataclass(frozen=True, slots=True)
class TypedValue:
    """A value, and the text that a command gets for it."""

    value: Json
    text: str

    @classmethod
    def of(cls, value: Json) -> TypedValue:
        """Write a value that nobody has typed.

        >>> TypedValue.of(True).text, TypedValue.of("adam").text, TypedValue.of(1e-05).text
        ('true', 'adam', '1e-05')
        """
        return cls(
            value, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        )


def number_typed(text: str) -> int | float | None:
    """Read a number; None for text that no number is written as.

    A number is written as Python does it, or with an exponent and one digit before the point.

    >>> number_typed("0.1"), number_typed("1e-3"), number_typed("-7"), number_typed("2.5e4")
    (0.1, 0.001, -7, 25000.0)
    >>> [number_typed(text) for text in ("3.10", "00012", "1234567e8", "1e400", "+1", ".5")]
    [None, None, None, None, None, None]
    """
    found = _NUMBER.fullmatch(text) if len(text) <= _MOST_DIGITS else None
    if found is None:
        return None
    if found[1] is None and found[2] is None:
        return int(text) if str(int(text)) == text else None
    value = float(text)
    if not math.isfinite(value):
        return None
    return value if text.lower() in (repr(value), *_with_exponent(value)) else None


def _with_exponent(value: float) -> tuple[str, str]:
    digits, _, exponent = f"{Decimal(repr(value)).normalize():e}".partition("e")
    pointed = digits if "." in digits else f"{digits}.0"
    return f"{digits}e{int(exponent)}", f"{pointed}e{int(exponent)}"


def scalar_typed(text: str) -> Json:
    """Read one plain word: true, null, a number, or itself.

    >>> scalar_typed("true"), scalar_typed("~"), scalar_typed("2024-01-01"), scalar_typed("")
    (True, None, '2024-01-01', '')
    """
    if text in _WORDS:
        return _WORDS[text]
    number = number_typed(text)
    return text if number is None else number


def is_equal(one: Json, other: Json) -> bool:
    """Whether two values are the same, however a number in them is written.

    >>> is_equal(1, 1.0), is_equal("0.10", 0.1), is_equal("0x20", 32), is_equal(True, 1)
    (True, True, True, False)
    """
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(is_equal, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(is_equal(one[k], other[k]) for k in one)
    if isinstance(one, bool) or isinstance(other, bool) or type(one) is type(other):
        return one is other or (type(one) is type(other) and one == other)
    numbers = [_number(one), _number(other)]
    return None not in numbers and numbers[0] == numbers[1]


def _number(value: Json) -> float | None:
    try:
        if isinstance(value, str) and _WITH_BASE.fullmatch(value):
            return float(int(value, 0))
        return float(value) if isinstance(value, str | int | float) else None
    except (ValueError, OverflowError):
        return None
