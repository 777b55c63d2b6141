"""A value as one short line that a person can read: an argument of a call, in a row.

Pure: at most `LIMIT` characters, and a ``repr`` that raises is no failure. Refuses to be read back.
"""

from __future__ import annotations

import math
import reprlib
from itertools import islice

from xvc.core.secrets import mask_text

LIMIT = 1_000
"""The most characters; what is longer ends in ``…``."""

_FEW = 20
_MOST = LIMIT // 3 + 1  # items, each with a comma and a space


def excerpt(value: object) -> str:
    """Return the beginning of what `spelled` says, secrets masked.

    >>> excerpt([1, "hello", "password: hunter2"])
    "[1, 'hello', 'password: ***']"
    """
    return shortened(mask_text(spelled(value)))


def spelled(value: object) -> str:
    """Return what ``repr`` says, secrets and all; large arrays and frames by their shape.

    Of something very large it is the beginning, but not yet shortened: a text is masked first.
    """
    return _Reader().repr(value)


def shortened(text: str) -> str:
    """Return *text*, or the beginning of it when it is longer than `LIMIT`.

    >>> len(shortened("x" * 5_000))
    1000
    """
    return text if len(text) <= LIMIT else text[: LIMIT - 1] + "…"


class _Reader(reprlib.Repr):
    """Reads only as much of one value as is shown, however large and deep it is."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlist = self.maxtuple = self.maxdeque = self.maxdict = self.maxset = _MOST
        self.maxfrozenset = self.maxarray = _MOST
        self.maxother = self.maxlong = LIMIT * 10  # cut at its end: the beginning names a secret
        self._left = LIMIT

    def repr1(self, x: object, level: int) -> str:
        self._left -= 1
        return super().repr1(x, level) if self._left >= 0 else "..."

    def repr_str(self, x: str, level: int) -> str:
        return repr(x[: LIMIT + 1])

    def repr_bytes(self, x: bytes, level: int) -> str:
        return repr(x[: LIMIT + 1])

    def repr_int(self, x: int, level: int) -> str:
        is_sayable = x.bit_length() < LIMIT  # Python refuses to write out very long numbers
        return repr(x) if is_sayable else f"<int of {x.bit_length()} bits>"

    def repr_dict(self, x: dict[object, object], level: int) -> str:
        return super().repr_dict(dict(islice(x.items(), _MOST)), level)  # which sorts the keys

    def repr_set(self, x: set[object], level: int) -> str:
        return super().repr_set(set(islice(x, _MOST)), level)

    def repr_instance(self, x: object, level: int) -> str:
        if isinstance(x, dict):
            return self.repr_dict(x, level)
        shape = getattr(x, "shape", None) if hasattr(type(x), "shape") else None
        is_known = isinstance(shape, tuple) and all(isinstance(side, int) for side in shape)
        if is_known and shape and math.prod(shape) > _FEW:
            return f"<{type(x).__name__} {' × '.join(map(str, shape))}>"
        return super().repr_instance(x, level)
