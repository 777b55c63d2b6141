"""Words inside names: ``val/logLoss`` speaks of val, log and loss; and which names are one.

Pure. Refuses nothing: a name without letters has no words.
"""

from __future__ import annotations

from xvc.core.late_pattern import late

_PIECE = late(r"[^\W_]+")
_CAMEL = late(r"[A-Z]+(?![a-z])[0-9]*|[A-Z]?[a-z]+[0-9]*|[0-9]+")
_DIGITS = "0123456789"
CAPITALS, SMALL = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"
_SMALLER = dict(zip(map(ord, CAPITALS), SMALL, strict=True))


def catalog_name(name: str) -> str:
    """Return a name so that two are equal where DuckDB's catalog takes them for one.

    For tables, columns and fields DuckDB 2.0 ignores the case of the 26 letters of ASCII and of no
    other: it can hold é beside É. `str.lower` and SQL's ``lower()`` would take these for one.

    >>> catalog_name("Loss") == catalog_name("loss"), catalog_name("É") == catalog_name("é")
    (True, False)
    """
    return name.lower() if name.isascii() else name.translate(_SMALLER)


def word_table(words: str) -> frozenset[str]:
    """Return the words of *words* as a set: a table that stays readable."""
    return frozenset(words.split())


def pieces(name: str) -> list[str]:
    """Return what stands between the signs of a name, in lower case.

    >>> pieces("val/log_loss")
    ['val', 'log', 'loss']
    """
    return [piece.lower() for piece in _PIECE.findall(name)]


def camel_words(name: str) -> list[str]:
    """Return the words of a name in order, camelCase taken apart, in lower case.

    >>> camel_words("apiKey2 F1Score")
    ['api', 'key2', 'f1', 'score']
    """
    return [word.lower() for piece in _PIECE.findall(name) for word in _CAMEL.findall(piece)]


def words(name: str) -> frozenset[str]:
    """Return every word that a name can be said to hold: whole pieces, their parts, no digits too.

    >>> sorted(words("logLoss@5"))
    ['5', 'log', 'logloss', 'loss']
    """
    spelled = {*pieces(name), *camel_words(name)}
    return frozenset(spelled | {bare for word in spelled if (bare := word.rstrip(_DIGITS))})
