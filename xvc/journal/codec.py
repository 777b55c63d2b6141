"""One record, one line of JSON: the type of a value is part of its name.

``{"loss": 0.5, "step": 3}`` is written as ``{"f:loss": 0.5, "i:step": 3}``, so that DuckDB reads
each with the type it had. DuckDB's names ignore ASCII case, so a capital is a caret and its small
letter: ``Loss`` is ``f:^loss``. The only door to orjson.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import cast

import orjson

from xvc.core.plain import bare_value, to_plain
from xvc.core.record import SCHEMA, Control
from xvc.errors import BadValue
from xvc.types import Json, RunId

PLAIN = orjson.OPT_APPEND_NEWLINE
STRICT = orjson.OPT_APPEND_NEWLINE | orjson.OPT_STRICT_INTEGER
CONTROL = b"\t"
"""Begins each line that is no row: JSON writes a tab in a text as an escape, never raw."""

_BIG, _HUGE = 1 << 63, 1 << 127
_CAPITAL = re.compile(r"[A-Z^]")
_CARET = re.compile(r"\^(.)")

DIRECT = {float: "f", int: "i", bool: "b", str: "s"}
"""Classes whose values go into the line as they are."""


def encode_key(key: str) -> str:
    """Write a key so that no two keys meet when case is ignored.

    >>> encode_key("Val/^Loss")
    '^val/^^^loss'
    """
    return _CAPITAL.sub(lambda found: "^" + found[0].lower(), key)


def decode_name(name: str) -> tuple[str, str]:
    """Split a written name into its type tag and the key.

    >>> decode_name("f:^val/^^^loss")
    ('f', 'Val/^Loss')
    """
    tag, _, key = name.partition(":")
    return tag, _CARET.sub(lambda found: found[1].upper(), key)


def encode_value(key: str, value: object) -> tuple[str, object]:
    """Find the type tag of a value and the JSON that carries it.

    >>> encode_value("x", float("nan"))
    ('f', 'nan')

    Raises:
        BadValue: the value has no form in which it could be read back.
    """
    if value is None:
        return "n", True
    if isinstance(value, bool):
        return "b", value
    if isinstance(value, int):
        return _encode_integer(int(value))
    if isinstance(value, float):
        return "f", float(value) if math.isfinite(value) else str(float(value))
    if isinstance(value, str):
        return "s", _checked_text(key, str(value))
    if isinstance(value, bytes | bytearray):
        return "x", base64.b64encode(value).decode("ascii")
    if isinstance(value, datetime):
        return ("t" if value.tzinfo is None else "z"), value.isoformat()
    if isinstance(value, date):
        return "d", value.isoformat()
    bare = bare_value(value)
    return encode_value(key, bare) if bare is not value else _encode_nested(key, value)


def _encode_integer(value: int) -> tuple[str, object]:
    if -_BIG <= value < _BIG:
        return "i", value
    return ("h" if -_HUGE < value < _HUGE else "g"), str(value)


def _checked_text(key: str, text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as err:
        raise BadValue(key, "the text holds half a character (a lone surrogate)") from err
    return text


def _encode_nested(key: str, value: object) -> tuple[str, object]:
    try:
        plain = to_plain(value)
        orjson.dumps(plain)
    except TypeError as err:
        raise BadValue(key, f"cannot keep a {type(value).__name__}") from err
    return "j", plain


def encode_control(control: Control, chain: int) -> bytes:
    """Write a record that is no row; the tab before it is how readers find it."""
    return CONTROL + orjson.dumps(
        {
            "k": control.kind,
            "v": SCHEMA,
            "n": control.sequence,
            "t": control.at,
            "c": chain,
            "w": control.writer,
            "r": control.run,
            "e": control.table,
            "f": control.facts,
        },
        option=PLAIN,
    )


def decode_line(line: bytes) -> dict[str, Json]:
    """Read one line back.

    Raises:
        ValueError: it is no record of ours.
    """
    found = cast("Json", orjson.loads(line))
    if not isinstance(found, dict) or any(
        type(found.get(name)) is not kind for name, kind in _WHOLE.items()
    ):
        raise ValueError("not a record")
    return found


_WHOLE = {"v": int, "n": int, "t": float, "c": int, "w": str}


def control_from(found: Mapping[str, Json]) -> Control:
    """Make a decoded line a value again."""
    return Control(
        kind=cast("str", found["k"]),
        run=cast("RunId | None", found.get("r")),
        facts=found.get("f"),
        at=cast("float", found["t"]),
        writer=cast("str", found["w"]),
        sequence=cast("int", found["n"]),
        table=cast("str | None", found.get("e")),
    )


def to_json(value: Json) -> str:
    """Write JSON on one line, keys in the order they have."""
    return orjson.dumps(value).decode()


def from_json(text: str | bytes) -> Json:
    """Read JSON.

    Raises:
        ValueError: *text* is not JSON.
    """
    return cast("Json", orjson.loads(text))
