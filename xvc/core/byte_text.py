r"""Texts for bytes that are no UTF-8, such as a file name of an old archive.

Python holds such bytes as lone surrogates, which no file of ours can hold. They are written as a
shell quotes them, ``$'caf\\xe9.txt'``: readable, and read back exactly. Other text stays as it is.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from xvc.core.late_pattern import late
from xvc.types import Json

_QUOTED = late(r"\$'((?:[^'\\]|\\.)*)'", re.DOTALL)
_ESCAPED = late(r"((?:\\x[0-9a-f]{2})+)|\\u(d[89a-f][0-9a-f]{2})|\\(.)", re.DOTALL)
_SURROGATE = late(r"[\ud800-\udfff]")
_SPECIAL = late(r"['\\]|[\ud800-\udfff]")


def as_text(raw: str) -> str:
    r"""Write *raw* as text that any file can hold.

    >>> as_text("caf\udce9"), as_text("plain"), as_text("caf\udcc3\udca9")
    ("$'caf\\xe9'", 'plain', 'café')
    """
    if _is_text(raw):
        return _quoted(raw) if _QUOTED.fullmatch(raw) else raw
    try:  # UTF-8 after all, read where the terminal was said to know ASCII only
        return raw.encode("utf-8", "surrogateescape").decode()
    except UnicodeError:
        return _quoted(raw)


def as_path(name: str | os.PathLike[str]) -> Path:
    """Name a file as this Python can: where its locale is ASCII, other letters are their UTF-8."""
    text = os.fspath(name)
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        text = os.fsdecode(text.encode("utf-8", "surrogateescape"))
    return Path(text)


def as_given(text: str) -> str:
    r"""Undo `as_text`.

    >>> as_given("$'caf\\xe9'") == "caf\udce9"
    True
    """
    found = _QUOTED.fullmatch(text)
    return _ESCAPED.sub(_given, found[1]) if found else text


def as_texts(value: Json) -> Json:
    """Write every text of a JSON value, keys as well, so that any file can hold it.

    Twice is as once: what only looks quoted stays as it is, unlike in `as_text`.
    """
    if isinstance(value, str):
        return value if _is_text(value) else as_text(value)
    if isinstance(value, Mapping):
        return {key if _is_text(key) else as_text(key): as_texts(v) for key, v in value.items()}
    return [as_texts(part) for part in value] if isinstance(value, list) else value


def _is_text(raw: str) -> bool:
    return raw.isascii() or _SURROGATE.search(raw) is None


def _quoted(raw: str) -> str:
    return "$'" + _SPECIAL.sub(_written, raw) + "'"


def _written(found: re.Match[str]) -> str:
    number = ord(found[0])
    if 0xDC80 <= number <= 0xDCFF:
        return f"\\x{number - 0xDC00:02x}"
    return f"\\u{number:x}" if number > 0x7F else f"\\{found[0]}"


def _given(found: re.Match[str]) -> str:
    if found[1]:
        return "".join(chr(0xDC00 + int(byte, 16)) for byte in found[1].split("\\x")[1:])
    return chr(int(found[2], 16)) if found[2] else found[3]
