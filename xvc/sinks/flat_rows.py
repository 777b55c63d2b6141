"""A row as one flat JSON object, for tools that know neither xvc nor its types. Pure.

Dicts are spread by dots, lists stay. NaN is null, an infinity "inf" or "-inf", an integer beyond
64 bits its digits, bytes base64, a time ISO 8601. Two keys never meet: the later gets a number.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator, Mapping
from datetime import date, time

from xvc.core.json_values import simpler
from xvc.types import Json

_SMALL = 1 << 63


def flat(row: Mapping[str, object], first: Mapping[str, Json]) -> dict[str, Json]:
    """Return *first*, and after it what *row* holds.

    >>> flat({"a": {"b": 1, "c": [1, float("nan")]}, "level": 3}, {"level": "INFO"})
    {'level': 'INFO', 'a.b': 1, 'a.c': [1, None], 'level_2': 3}
    """
    made = dict(first)
    for key, value in _spread("", row):
        made[_free(key, made)] = _plain(value)
    return made


def _spread(prefix: str, row: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    for key, value in row.items():
        if isinstance(value, Mapping) and value:
            yield from _spread(f"{prefix}{key}.", value)
        else:
            yield f"{prefix}{key}", value


def _free(key: str, taken: Mapping[str, Json]) -> str:
    name, number = key, 1
    while name in taken:
        number += 1
        name = f"{key}_{number}"
    return name


def _plain(value: object) -> Json:
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return int(value) if -_SMALL <= value < _SMALL else str(int(value))
    if isinstance(value, float):
        return _finite(float(value))
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(part) for part in value]
    simple = simpler(value)
    if isinstance(simple, date | time):
        return simple.isoformat()
    return str(value) if simple is value else _plain(simple)


def _finite(value: float) -> Json:
    if math.isfinite(value):
        return value
    return None if math.isnan(value) else str(value)
