"""Identities: of a run, of a writer, of a row. Pure functions of the entropy they are given."""

from __future__ import annotations

from uuid import UUID

from xvc.core.late_pattern import late
from xvc.types import RunId

_LETTERS = "bcdfghjkmnpqrstvwxyz"
_ALPHABET = "0123456789" + _LETTERS + "u"  # 31 symbols, none that reads like another
_SHAPE = late(rf"[{_LETTERS}][{_ALPHABET}]{{11}}")
_MICROSECONDS = 1000
_SEQUENCE_BITS = 22
_WRITER_BITS = 40


def run_id(entropy: bytes) -> RunId:
    """Make a run id of at least 8 random bytes.

    It begins with a letter, so that no reader of CSV or YAML takes it for a number.

    >>> run_id(bytes(range(8)))
    'fwqjn69knj00'
    """
    number = int.from_bytes(entropy[:8], "big")
    number, first = divmod(number, len(_LETTERS))
    text = _LETTERS[first]
    for _ in range(11):
        number, place = divmod(number, len(_ALPHABET))
        text += _ALPHABET[place]
    return RunId(text)


def is_run_id(text: str) -> bool:
    """Whether *text* has the shape of a whole run id."""
    return _SHAPE.fullmatch(text) is not None


def writer_id(entropy: bytes) -> str:
    """Make the name of one journal: ten hex digits of 5 random bytes."""
    return entropy[:5].hex()


def row_id(seconds: float, sequence: int, writer: str) -> UUID:
    """Compute the id of a row: a UUID version 7 (RFC 9562, with method 3 of section 6.2).

    48 bits of milliseconds, 12 of the microseconds within one, 22 of the sequence number, 40 of
    the writer: equal records get equal ids, so folding twice is folding once.

    >>> str(row_id(1732156932.123456, 5, "00000000ff"))
    '01934c99-401b-71c8-8000-0500000000ff'
    """
    milliseconds, rest = divmod(round(seconds * 1e6), _MICROSECONDS)
    low = (sequence % (1 << _SEQUENCE_BITS)) << _WRITER_BITS | int(writer, 16)
    return UUID(int=milliseconds << 80 | 7 << 76 | rest << 64 | 1 << 63 | low)


def origin_of(name: UUID) -> tuple[int, int, str]:
    """Read a row's id: microseconds since the epoch, its writer's sequence number, the writer.

    >>> origin_of(row_id(1732156932.123456, 5, "00000000ff"))
    (1732156932123456, 5, '00000000ff')
    """
    low = name.int & ((1 << 62) - 1)
    at = (name.int >> 80) * _MICROSECONDS + (name.int >> 64 & 0xFFF)
    return at, low >> _WRITER_BITS, f"{low & ((1 << _WRITER_BITS) - 1):010x}"
