"""Masking a secret in bytes: the forms in which it may have been written, and their masks.

Pure. A mask has as many bytes as what it replaces, so that no later position moves. In a line of a
journal it also keeps the checksum, so that a process that is writing the journal can go on.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import quote
from zlib import crc32

from xvc.errors import UsageError, error

SHORTEST = 8
"""Characters of the shortest secret: a shorter one stands by chance in what is none."""

_FILL = b"*"
_BITS = 32
_LETTERS = ((0x70, 3), (0x60, 4), (0x60, 5))
"""Letters of which so many bits may be chosen: none ends a text of JSON, the first are base64."""


@error("secret-unfit")
class SecretUnfit(UsageError):
    """A text cannot be taken out."""

    reason: str
    says = "this is nothing that can be taken out: {reason}"
    way = "Give the whole secret, as it was recorded, on standard input or with `--from FILE`."


@dataclass(frozen=True, slots=True)
class SpelledSecret:
    """A secret by its spellings in bytes, the longest first."""

    spellings: tuple[bytes, ...]

    @classmethod
    def of(cls, secret: str) -> SpelledSecret:
        """Spell a secret: as it is, in JSON, in a URL, in base64; lines of a long one also alone.

        Raises:
            SecretUnfit: it is too short, or a number.
        """
        text = secret.strip("\r\n")
        if len(text) < SHORTEST:
            raise SecretUnfit(f"it has fewer than {SHORTEST} characters")
        if text.isdecimal():
            raise SecretUnfit("it is a number, which may stand anywhere")
        lines = [line.strip() for line in text.splitlines()] if "\n" in text else []
        parts = [text, *(line for line in lines if len(line) >= 16 and "-----" not in line)]
        found = {
            spelled.encode("utf-8", "surrogateescape")
            for part in parts
            for spelled in (part, *_in_json(part), quote(part, safe=""), *_in_base64(part))
        }
        return cls(tuple(sorted(found, key=lambda each: (-len(each), each))))

    def is_in(self, data: bytes) -> bool:
        """Whether any spelling of it is there."""
        return any(each in data for each in self.spellings)

    def texts(self) -> tuple[str, ...]:
        """The spellings as text."""
        return tuple(each.decode("utf-8", "surrogateescape") for each in self.spellings)

    def masked(self, data: bytes) -> bytes:
        """Put stars in its place.

        >>> SpelledSecret.of("hunter-two").masked(b"key=hunter-two;")
        b'key=**********;'
        """
        for each in self.spellings:
            data = data.replace(each, _FILL * len(each))
        return data

    def masked_line(self, line: bytes) -> bytes:
        """Put letters in its place that leave the checksum of the line what it is.

        >>> line = b'{"d":{"s:key":"hunter-two-and-three"}}'
        >>> masked = SpelledSecret.of("hunter-two-and-three").masked_line(line)
        >>> crc32(masked) == crc32(line), b"hunter" in masked
        (True, False)
        """
        masked = self.masked(line)
        places = [at for at in range(len(line)) if masked[at] != line[at]] if masked != line else []
        for letter, bits in _LETTERS if places else ():
            found = _with_checksum(masked, places, letter, bits, crc32(line))
            if found is not None:
                return found
        return masked


def _in_json(text: str) -> Iterable[str]:
    try:
        return [json.dumps(text, ensure_ascii=way)[1:-1] for way in (False, True)]
    except UnicodeError:
        return []


def _in_base64(text: str) -> Iterable[str]:
    """Spell a text as it is within longer bytes, wherever it begins in them."""
    data = text.encode("utf-8", "surrogateescape")
    for before in range(3):
        spelled = b64encode(b"\0" * before + data).decode("ascii")
        own = spelled[-(-before * 8 // 6) : (before + len(data)) * 8 // 6]
        if len(own) >= SHORTEST:
            yield own


def _with_checksum(
    line: bytes, places: Sequence[int], letter: int, bits: int, wanted: int
) -> bytes | None:
    """Choose the lowest bits of letters at these places so that the line has this checksum."""
    blank = bytearray(line)
    for at in places:
        blank[at] = letter
    base = crc32(blank)
    rows: dict[int, tuple[int, frozenset[tuple[int, int]]]] = {}
    for at in places:
        for bit in range(bits):
            if len(rows) == _BITS:
                break
            blank[at] ^= 1 << bit
            effect, chosen = crc32(blank) ^ base, frozenset({(at, bit)})
            blank[at] ^= 1 << bit
            _add(rows, effect, chosen)
    rest, flips = _reduced(rows, wanted ^ base, frozenset())
    if rest:
        return None
    for at, bit in flips:
        blank[at] ^= 1 << bit
    return bytes(blank)


_Rows = dict[int, tuple[int, frozenset[tuple[int, int]]]]


def _add(rows: _Rows, effect: int, chosen: frozenset[tuple[int, int]]) -> None:
    rest, flips = _reduced(rows, effect, chosen)
    if rest:
        rows[rest.bit_length()] = (rest, flips)


def _reduced(
    rows: _Rows, value: int, flips: frozenset[tuple[int, int]]
) -> tuple[int, frozenset[tuple[int, int]]]:
    """Take away from a checksum what is known to be made by flips, the highest bit first."""
    for top in range(_BITS, 0, -1):
        if value.bit_length() == top and top in rows:
            effect, its = rows[top]
            value, flips = value ^ effect, flips ^ its
    return value, flips
