"""One record, one line of JSON: the type of a value is part of its name.

``{"loss": 0.5, "step": 3}`` is written as ``{"f:loss": 0.5, "i:step": 3}``, so that DuckDB reads
each with the type it had. DuckDB's names ignore ASCII case, so a capital is a caret and its small
letter: ``Loss`` is ``f:^loss``. The only door to orjson.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import cast

import orjson

from xvc.core.byte_text import as_texts
from xvc.core.json_values import simpler, to_plain
from xvc.core.late_pattern import late
from xvc.core.limits import KEY, VALUE
from xvc.core.record import SCHEMA, Control
from xvc.errors import BadValue, TooLarge
from xvc.types import Json, RunId

PLAIN = orjson.OPT_APPEND_NEWLINE
STRICT = orjson.OPT_APPEND_NEWLINE | orjson.OPT_STRICT_INTEGER
CONTROL = b"\t"
"""Begins each line that is no row: JSON writes a tab in a text as an escape, never raw."""

_LONG = 10_000  # elements of a list that may hold too much
_BIG, _HUGE = 1 << 63, 1 << 127
_CAPITAL = late(r"[A-Z^]")
_CARET = late(r"\^(.)")

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


def check_key(key: object) -> str:
    """Return the key of a value.

    Raises:
        BadValue: it is no text, empty, too long, or holds half a character.
    """
    if not isinstance(key, str) or not key:
        raise BadValue(repr(key), "a key is a text of at least one character")
    if len(key) > KEY:
        raise TooLarge(f"{key[:40]}…", f"the key has {len(key):,} characters; {KEY:,} are the most")
    return _checked_text(ascii(key), key)


def encode_value(key: str, value: object) -> tuple[str, object]:
    """Find the type tag of a value and the JSON that carries it.

    >>> encode_value("x", float("nan"))
    ('f', 'nan')

    Raises:
        BadValue: the value has no form in which it could be read back.
        TooLarge: it has one, but is larger than a value may be.
    """
    try:
        return _encoded(key, value)
    except BadValue:
        raise
    except Exception as err:  # objects run code of their own when they are looked at
        words = str(err) or type(err).__name__
        raise BadValue(key, f"cannot keep this {type(value).__name__}: {words}") from err


def _encoded(key: str, value: object) -> tuple[str, object]:
    if value is None:
        return "n", True
    if isinstance(value, bool):
        return "b", value
    if isinstance(value, int):
        return _encode_integer(int(value))
    if isinstance(value, float):
        return "f", float(value) if math.isfinite(value) else str(float(value))
    if isinstance(value, str):
        return "s", _checked_size(key, _checked_text(key, str(value)))
    if isinstance(value, bytes | bytearray):
        return "x", _checked_size(key, base64.b64encode(value).decode("ascii"))
    simple = simpler(value)
    if isinstance(simple, datetime):
        return _encode_moment(simple)
    if isinstance(simple, date):
        return "d", simple.isoformat()
    return _encoded(key, simple) if simple is not value else _encode_nested(key, value)


def _encode_integer(value: int) -> tuple[str, object]:
    if -_BIG <= value < _BIG:
        return "i", value
    return ("h" if -_HUGE < value < _HUGE else "g"), str(value)


def _encode_moment(value: datetime) -> tuple[str, object]:
    """Write a moment with a zone in UTC: beyond year 1 or 9999 there, Python could not read it."""
    if value.tzinfo is None or value.utcoffset() is None:
        return "t", value.replace(tzinfo=None).isoformat()
    return "z", value.astimezone(UTC).isoformat()


def _checked_text(key: str, text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as err:
        raise BadValue(key, "the text holds half a character (a lone surrogate)") from err
    return text


def _checked_size(key: str, text: str) -> str:
    refuse_large(key, len(text) if text.isascii() else len(text.encode()))
    return text


def refuse_large(key: str, count: int) -> None:
    """Refuse a value of more bytes than `VALUE`.

    Raises:
        TooLarge: it is.
    """
    if count > VALUE:
        raise TooLarge(key, f"it has {count:,} bytes; {VALUE:,} are the most that a value may have")


def _encode_nested(key: str, value: object) -> tuple[str, object]:
    if isinstance(value, list | tuple | dict) and len(value) > _LONG:
        with suppress(TypeError):  # a quick look, before each element is looked at
            refuse_large(key, len(orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)))
    try:
        plain = to_plain(value)
        written = orjson.dumps(plain)
    except TypeError as err:
        raise BadValue(key, f"cannot keep a {type(value).__name__}") from err
    except (ValueError, RecursionError) as err:
        raise BadValue(key, str(err)) from err
    refuse_large(key, len(written))
    return "j", plain


def encode_control(control: Control, chain: int) -> bytes:
    """Write a record that is no row; the tab before it is how readers find it.

    A lone surrogate, such as a byte of an argument that is no UTF-8, is written as an escape.
    """
    said: dict[str, Json] = {
        "k": control.kind,
        "v": SCHEMA,
        "n": control.sequence,
        "t": control.at,
        "c": chain,
        "w": control.writer,
        "r": control.run,
        "e": control.table,
        "f": control.facts,
    }
    try:
        return CONTROL + orjson.dumps(said, option=PLAIN)
    except TypeError:
        return CONTROL + orjson.dumps(as_texts(said), option=PLAIN)


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
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        return orjson.dumps(as_texts(value)).decode()


def from_json(text: str | bytes) -> Json:
    """Read JSON.

    Raises:
        ValueError: *text* is not JSON.
    """
    return cast("Json", orjson.loads(text))


def from_cell(text: str) -> Json:
    """Read JSON that another program may have written; text that no JSON of ours is stays text.

    >>> from_cell('{"a": 1}'), from_cell("1e400")
    ({'a': 1}, '1e400')
    """
    try:
        return from_json(text)
    except ValueError:  # deeper than orjson reads, or a number that no float holds
        return text
