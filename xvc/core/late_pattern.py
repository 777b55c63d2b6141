"""Regular expressions that are compiled when they are first used: a command needs few of them."""

from __future__ import annotations

import re
from typing import AnyStr, cast


class LatePattern:
    """A pattern that waits to be compiled."""

    def __init__(self, source: str | bytes, flags: int) -> None:
        self.source, self.asked = source, flags

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):  # what copies and pickles ask of a half-made one
            raise AttributeError(name)
        found = getattr(re.compile(self.source, self.asked), name)
        setattr(self, name, found)  # the next time it is found without this call
        return found


def late(source: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """Return what answers as ``re.compile`` of it does, and costs nothing until it is asked.

    >>> word = late("[a-z]+", re.IGNORECASE)
    >>> word.fullmatch("Loss") is not None, word.sub("x", "a 1")
    (True, 'x 1')
    """
    return cast("re.Pattern[AnyStr]", LatePattern(source, flags))
