"""A filter as a tree: what is compared with what, and how it is written down again.

Pure values. Refuses nothing: whatever was built can be written, and reads back as itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from xvc.core.late_pattern import late
from xvc.types import Primitive

BARE_KEY = late(r"[^\W\d][\w./-]*")
"""A key that needs no backticks, unless it is one of ``RESERVED``."""

RESERVED = frozenset({"and", "or", "not"})
"""The words of the language, in any case."""


class Operator(StrEnum):
    """How a recorded value is held against a written one; ``~`` means contains."""

    EQUAL = "=="
    DIFFERENT = "!="
    BELOW = "<"
    AT_MOST = "<="
    ABOVE = ">"
    AT_LEAST = ">="
    CONTAINS = "~"


@dataclass(frozen=True, slots=True)
class Compare:
    """One key held against one value."""

    key: str
    op: Operator
    value: Primitive

    def __str__(self) -> str:
        return f"{_written_key(self.key)} {self.op} {_written_value(self.value)}"


@dataclass(frozen=True, slots=True)
class Present:
    """A key is recorded, whatever its value."""

    key: str

    def __str__(self) -> str:
        return _written_key(self.key)


@dataclass(frozen=True, slots=True)
class Not:
    """The contrary of its part."""

    part: Expression

    def __str__(self) -> str:
        return f"not {_bracketed(self.part, And, Or)}"


@dataclass(frozen=True, slots=True)
class And:
    """All of two or more parts."""

    parts: tuple[Expression, ...]

    def __str__(self) -> str:
        return " and ".join(_bracketed(part, And, Or) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Or:
    """Any of two or more parts."""

    parts: tuple[Expression, ...]

    def __str__(self) -> str:
        return " or ".join(_bracketed(part, Or) for part in self.parts)


Expression = Compare | Present | Not | And | Or


def keys_of(expression: Expression) -> frozenset[str]:
    """Return every key that a filter asks for."""
    match expression:
        case And(parts) | Or(parts):
            return frozenset[str]().union(*map(keys_of, parts))
        case Not(part):
            return keys_of(part)
    return frozenset({expression.key})


def compared_in(expression: Expression) -> tuple[Compare, ...]:
    """Return every part of a filter that holds a key against a value."""
    match expression:
        case And(parts) | Or(parts):
            return tuple(each for part in parts for each in compared_in(part))
        case Not(part):
            return compared_in(part)
        case Compare():
            return (expression,)
    return ()


def _bracketed(part: Expression, *looser: type[And] | type[Or]) -> str:
    return f"({part})" if isinstance(part, looser) else str(part)


def _written_key(key: str) -> str:
    if BARE_KEY.fullmatch(key) and key.lower() not in RESERVED:
        return key
    return "`" + key.replace("`", "``") + "`"


def _written_value(value: Primitive) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return "'" + value.replace("'", "''") + "'"
        case _:
            return repr(value)
