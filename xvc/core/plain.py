"""Values that JSON cannot hold, written so that it can: NaN, bytes, dates, keys that are no text.

``{"$float": "nan"}`` stands for NaN; a dict of the user's whose only key begins with ``$`` is
wrapped, so nothing is mistaken. Refuses what it cannot give back: `TypeError`.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from typing import cast

from xvc.types import Json

_SMALL = 1 << 63
MOST_ELEMENTS = 1024
"""Of an array that is a value like any other; a larger one is kept as an asset."""


def to_plain(value: object) -> Json:
    """Turn *value* into JSON; lists, tuples and dicts are walked.

    >>> to_plain([1, float("inf"), (b"x",)])
    [1, {'$float': 'inf'}, [{'$bytes': 'eA=='}]]

    Raises:
        TypeError: a part of *value* has no JSON form.
    """
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return int(value) if -_SMALL <= value < _SMALL else {"$int": str(int(value))}
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {"$float": str(float(value))}
    if isinstance(value, Mapping):
        return _plain_mapping(value)
    if isinstance(value, list | tuple):
        return [to_plain(part) for part in value]
    if isinstance(value, set | frozenset):
        return [to_plain(part) for part in sorted(value, key=repr)]
    return _plain_scalar(value)


def from_plain(value: Json) -> object:
    """Undo `to_plain`; tuples and sets come back as lists.

    >>> from_plain({"$float": "-inf"})
    -inf
    """
    if isinstance(value, list):
        return [from_plain(part) for part in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((tag, inner),) = value.items()
        if tag == "$dict" and isinstance(inner, list):
            pairs = cast("list[list[Json]]", inner)
            return {_hashable(from_plain(key)): from_plain(part) for key, part in pairs}
        decode = _DECODERS.get(tag)
        if decode is not None and isinstance(inner, str):
            return decode(inner)
    return {key: from_plain(part) for key, part in value.items()}


def _hashable(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _plain_mapping(value: Mapping[object, object]) -> Json:
    clashes = len(value) == 1 and next(iter(value), "") in {*_DECODERS, "$dict"}
    # DuckDB cuts a key off at a NUL where it keeps a mixed column.
    if clashes or not all(isinstance(key, str) and "\0" not in key for key in value):
        return {"$dict": [[to_plain(key), to_plain(part)] for key, part in value.items()]}
    return {str(key): to_plain(part) for key, part in value.items()}


def _plain_scalar(value: object) -> Json:
    if isinstance(value, bytes | bytearray):
        return {"$bytes": base64.b64encode(value).decode("ascii")}
    if isinstance(value, datetime):
        return {"$datetime": value.isoformat()}
    if isinstance(value, date):
        return {"$date": value.isoformat()}
    if isinstance(value, time):
        return {"$time": value.isoformat()}
    bare = bare_value(value)
    if bare is value:
        raise TypeError(type(value).__name__)
    return to_plain(bare)


def bare_value(value: object) -> object:
    """Take a numpy or torch scalar or array out of its wrapper; anything else comes back as is.

    So does an array of more than `MOST_ELEMENTS` elements: it is no value for a cell.
    """
    if not hasattr(value, "dtype") or isinstance(value, type) or _elements(value) > MOST_ELEMENTS:
        return value
    for method in ("tolist", "item"):
        unwrap = getattr(value, method, None)
        if callable(unwrap):
            return cast("Callable[[], object]", unwrap)()
    return value


def _elements(array: object) -> int:
    count = getattr(array, "numel", getattr(array, "size", 1))  # torch: `size` is a method
    return int(count() if callable(count) else count)


_DECODERS: dict[str, Callable[[str], object]] = {
    "$float": float,
    "$int": int,
    "$bytes": base64.b64decode,
    "$datetime": datetime.fromisoformat,
    "$date": date.fromisoformat,
    "$time": time.fromisoformat,
}
