"""Spans of time as people write them: ``14d``, ``36h``, ``0``.

Pure values. Refuses what is no number with a unit.
"""

from __future__ import annotations

import re

from xvc.errors import BadValue

_SHAPE = re.compile(r"(\d{1,6})([smhdw]?)")
_SECONDS = {"": 86_400, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}


def seconds_of(text: str, name: str = "span") -> float:
    """Read a span; without a unit it is in days.

    >>> seconds_of("14d"), seconds_of("36h"), seconds_of("0")
    (1209600.0, 129600.0, 0.0)

    Raises:
        BadValue: it is none; *name* says whose value it was.
    """
    found = _SHAPE.fullmatch(text.strip().lower())
    if found is None:
        raise BadValue(name, f"{text!r} is no span of time; write 14d, 36h or 0")
    return float(int(found[1]) * _SECONDS[found[2]])
