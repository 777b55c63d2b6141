"""Values as a browser can read them: NaN, infinities and integers that its numbers cannot hold.

``{"$": "NaN"}`` stands for a number, ``{"$": "9007199254740993"}`` for an integer. Text stays text.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

from xvc.core.json_values import readable

_EXACT = 1 << 53
Wired = object
"""Whatever `json` can write after `wired`."""


def wired(value: object) -> Wired:
    """Turn any value that a run can hold into JSON without loss for the eyes.

    >>> wired([1, float("nan"), 1 << 60, {"a": b"x"}])
    [1, {'$': 'NaN'}, {'$': '1152921504606846976'}, {'a': 'eA=='}]
    """
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return value if -_EXACT < value < _EXACT else {"$": str(value)}
    if isinstance(value, float):
        return value if math.isfinite(value) else {"$": _named(value)}
    if isinstance(value, Mapping):
        return {str(key): wired(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [wired(part) for part in value]
    return readable(value)


def milliseconds(nanoseconds: int | None) -> float | None:
    """Write a point of time as a browser counts it; None stays None."""
    return None if nanoseconds is None else nanoseconds / 1e6


def _named(value: float) -> str:
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def document(value: object) -> bytes:
    """Write an answer as JSON; lone surrogates, as in names of files, are escaped."""
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False).encode()
