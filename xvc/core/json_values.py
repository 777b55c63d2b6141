"""Values that JSON cannot hold, written so that it can: NaN, bytes, dates, large integers.

``{"$float": "nan"}`` stands for NaN; a dict of the user's whose only key begins with ``$`` is
wrapped, so nothing is mistaken. Keys that are no text become text, as JSON writes them. Refuses
what it cannot give back: `TypeError`, and `ValueError` where a value goes too deep.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from enum import Enum
from typing import Protocol, cast

from xvc.core.limits import DEPTH
from xvc.types import Json

_SMALL = 1 << 63
MOST_ELEMENTS = 1024
"""Of an array that is a value like any other; a larger one is kept as an asset."""

_MISSING = ("NAType", "NaTType")  # what pandas calls its missing values
_SPELLED = {  # classes, by package and name, whose text says all about an object
    *(("decimal", "Decimal"), ("fractions", "Fraction"), ("builtins", "complex")),
    *(("pathlib", "PurePath"), ("uuid", "UUID"), ("numpy", "dtype")),
    *(("torch", "device"), ("torch", "dtype"), ("torch", "layout"), ("jaxlib", "Device")),
    *(("pandas", "Period"), ("pandas", "Interval")),
}


def to_plain(value: object, deepest: int = DEPTH) -> Json:
    """Turn *value* into JSON; lists, tuples, sets and dicts are walked, *deepest* levels down.

    >>> to_plain([1, float("inf"), (b"x",), {0: "cat"}])
    [1, {'$float': 'inf'}, [{'$bytes': 'eA=='}], {'0': 'cat'}]

    Raises:
        TypeError: a part of *value* has no JSON form.
        ValueError: it goes deeper, or two keys of a dict become the same text.
    """
    kind = type(value)
    if value is None or kind is str or kind is bool:  # most values: spares the questions below
        return cast("Json", value)
    if isinstance(value, bool | str):
        return str(value) if isinstance(value, str) else value
    if isinstance(value, int):
        return int(value) if -_SMALL <= value < _SMALL else {"$int": str(int(value))}
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {"$float": str(float(value))}
    if kind is dict or isinstance(value, list | tuple | Mapping | set | frozenset):
        if deepest < 1:
            raise ValueError(f"goes deeper than {DEPTH} levels of lists and dicts")
        return _plain_parts(value, deepest - 1)
    return _plain_scalar(value, deepest)


def from_plain(value: Json) -> object:
    """Undo `to_plain`; tuples and sets come back as lists. What cannot be undone stays.

    >>> from_plain({"$float": "-inf"}), from_plain({"$date": "never"})
    (-inf, {'$date': 'never'})
    """
    if isinstance(value, list):
        return [from_plain(part) for part in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((tag, inner),) = value.items()
        try:
            if tag == "$dict":
                pairs = cast("list[tuple[Json, Json]]", inner)
                return {text_of_key(from_plain(key)): from_plain(part) for key, part in pairs}
            if tag in _DECODERS and isinstance(inner, str):
                return _DECODERS[tag](inner)
        except (TypeError, ValueError, OverflowError):  # not written by `to_plain`
            return value
    return {key: from_plain(part) for key, part in value.items()}


def as_json(value: object, *, sort_keys: bool = False) -> str:
    """Write any value that a run can hold as one line of JSON, so that equal values give one text.

    >>> as_json({"day": date(2026, 1, 1)})
    '{"day": {"$date": "2026-01-01"}}'
    """
    return json.dumps(to_plain(value), sort_keys=sort_keys, ensure_ascii=False)


def readable(value: object) -> str:
    """Write any value that a run can hold for people; text as it is.

    >>> readable(date(2026, 1, 1)), readable([1, date(2026, 1, 1)]), readable(b"x")
    ('2026-01-01', '[1, "2026-01-01"]', 'eA==')
    """
    if isinstance(value, str):
        return value
    if isinstance(value, date | time | bytes):
        return _readable_part(value)
    return json.dumps(value, ensure_ascii=False, default=_readable_part)


def from_file(value: object) -> Json:
    """Turn what a file of YAML, JSON or TOML holds into JSON: dates and bytes are text.

    >>> from_file({1: date(2026, 1, 1), "a": {"b"}})
    {'1': '2026-01-01', 'a': ['b']}

    Raises:
        ValueError: it goes deeper than `DEPTH` levels, or holds itself.
    """
    return _from_file(value, DEPTH)


def _from_file(value: object, deepest: int) -> Json:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if deepest < 0:
        raise ValueError(f"a value goes deeper than {DEPTH} levels")
    if isinstance(value, Mapping):
        return {text_of_key(key): _from_file(part, deepest - 1) for key, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_from_file(part, deepest - 1) for part in value]
    return _readable_part(value)


def _readable_part(value: object) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    return value.isoformat() if isinstance(value, date | time) else str(value)


def text_of_key(key: object) -> str:
    """Write a key as JSON writes it; what JSON has no word for, as Python's text of it.

    >>> text_of_key(0), text_of_key(None), text_of_key((1, "a"))
    ('0', 'null', "(1, 'a')")

    Raises:
        TypeError: an object of the user's own, whose text could be any.
    """
    if isinstance(key, str):
        return str(key)
    plain = simpler(key)
    if plain is None or isinstance(plain, bool | int | float):
        return json.dumps(plain)
    if isinstance(plain, str | bytes | tuple | frozenset | date | time):
        return str(plain)
    raise TypeError(f"{type(key).__name__} as a key")


def _plain_parts(value: object, deepest: int) -> Json:
    if isinstance(value, dict) or isinstance(value, Mapping):  # noqa: SIM101 - the first is quick
        return _plain_mapping(value, deepest)
    if isinstance(value, set | frozenset):
        return [to_plain(part, deepest) for part in sorted(value, key=repr)]
    return [to_plain(part, deepest) for part in cast("list[object]", value)]


def _plain_mapping(value: Mapping[object, object], deepest: int) -> Json:
    named = {
        key if type(key) is str else text_of_key(key): to_plain(part, deepest)
        for key, part in value.items()
    }
    if len(named) < len(value):
        raise ValueError("two keys of a dict become the same text")
    clashes = len(named) == 1 and next(iter(named), "") in {*_DECODERS, "$dict"}
    # DuckDB cuts a key off at a NUL where it keeps a mixed column.
    if clashes or any("\0" in key for key in named):
        return {"$dict": [[key, part] for key, part in named.items()]}
    return named


def _plain_scalar(value: object, deepest: int) -> Json:
    if isinstance(value, bytes | bytearray):
        return {"$bytes": base64.b64encode(value).decode("ascii")}
    simple = simpler(value)
    if isinstance(simple, datetime):
        return {"$datetime": simple.isoformat()}
    if isinstance(simple, date):
        return {"$date": simple.isoformat()}
    if isinstance(simple, time):
        return {"$time": simple.isoformat()}
    if simple is value:
        raise TypeError(type(value).__name__)
    return to_plain(simple, deepest)


def simpler(value: object) -> object:
    """Take a value out of what wraps it: None, a number, text, bytes, a moment, a list.

    A missing value of pandas is None, a duration its seconds. Members of an enum are their values;
    paths, fractions, complex numbers, devices and data types are their text. An array of more than
    `MOST_ELEMENTS` elements, and any other object, comes back as it is: it is no value for a cell.

    >>> simpler(timedelta(minutes=2)), simpler(1 + 2j), simpler([1])
    (120.0, '(1+2j)', [1])
    """
    if value is None or isinstance(value, bool | int | float | str | bytes | bytearray):
        return value
    if isinstance(value, Enum):
        return simpler(value.value)
    if isinstance(value, date | time | timedelta):
        return _moment(value)
    for each in type(value).__mro__:
        package = str(each.__module__).partition(".")[0]
        if (package, each.__name__) in _SPELLED:
            return str(value)
        if package == "pandas" and each.__name__ in _MISSING:
            return None
    try:
        return _bare(value)
    except (TypeError, ValueError, AttributeError, RuntimeError):  # it only looks like an array
        return value


def _moment(value: date | time | timedelta) -> object:
    """Turn subclasses into Python's own; what only looks like a moment (NaT) is missing."""
    if type(value).__name__ in _MISSING or value != value:  # noqa: PLR0124 - as NaN is not itself
        return None
    if isinstance(value, timedelta):
        return value.total_seconds()
    if type(value) in (datetime, date, time):
        return value
    if isinstance(value, datetime):
        clock = time(value.hour, value.minute, value.second, value.microsecond, fold=value.fold)
        return datetime.combine(date(value.year, value.month, value.day), clock, value.tzinfo)
    if isinstance(value, date):
        return date(value.year, value.month, value.day)
    return time(value.hour, value.minute, value.second, value.microsecond, value.tzinfo)


def _bare(value: object) -> object:
    """Take a scalar or an array of numpy, torch or jax out of its wrapper, else return it."""
    dtype = getattr(value, "dtype", None)
    if dtype is None or isinstance(value, type) or _elements(value) > MOST_ELEMENTS:
        return value
    if type(value).__module__ == "numpy" and dtype.kind in "Mm":
        # Python's moments and durations have microseconds; finer ones would come as numbers.
        value = cast("_Array", value).astype("datetime64[us]" if dtype.kind == "M" else "m8[us]")
    for method in ("tolist", "item", "numpy"):
        unwrap = getattr(value, method, None)
        if callable(unwrap):
            found = cast("Callable[[], object]", unwrap)()
            break
    else:
        return value
    package = type(found).__module__
    if package in ("builtins", "datetime") or (package == "numpy" != type(value).__module__):
        return simpler(found)
    if package != "numpy":  # a mock, to which everything is an attribute
        return value
    return float(cast("float", value)) if dtype.kind == "f" else str(value)  # long doubles


def _elements(array: object) -> int:
    count = getattr(array, "numel", getattr(array, "size", 1))  # torch: `size` is a method
    return int(count() if callable(count) else count)


class _Array(Protocol):
    def astype(self, kind: str) -> object: ...


_DECODERS: dict[str, Callable[[str], object]] = {
    "$float": float,
    "$int": int,
    "$bytes": base64.b64decode,
    "$datetime": datetime.fromisoformat,
    "$date": date.fromisoformat,
    "$time": time.fromisoformat,
}
