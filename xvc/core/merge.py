"""Merging two histories of one table: what is in dispute, and who decides. Pure values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from xvc.core.expression import Expression
from xvc.core.filter import evaluate
from xvc.types import Json


class Side(StrEnum):
    """Whose value is taken."""

    OURS = "ours"
    THEIRS = "theirs"


@dataclass(frozen=True, slots=True)
class Choice:
    """How one dispute ends: a side's value, or another one, as JSON text."""

    side: Side | None = None
    value: str | None = None


Place = tuple[str, str, str | None]
"""Table, key of the row, and logged key of the cell (None: the row as a whole)."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """One cell (or row) that both sides changed, each in its way; values are JSON text.

    ``newer`` is the side whose row is the later one, None where the rows do not tell.
    """

    source: str
    table: str
    key: str
    column: str | None
    kind: str
    base: str | None = None
    ours: str | None = None
    theirs: str | None = None
    newer: Side | None = None
    choice: Choice | None = None

    @property
    def place(self) -> Place:
        """Where in the store it is."""
        return (self.table, self.key, self.column)

    def is_again(self, other: Conflict) -> bool:
        """Whether *other* is the same dispute about the same values: a choice made for it holds."""
        return replace(self, choice=None, newer=None) == replace(other, choice=None, newer=None)


def decide(
    conflicts: Iterable[Conflict],
    side: Side | None,
    only: Expression | None = None,
    fallback: Side = Side.OURS,
) -> list[Conflict]:
    """Give a choice to the conflicts that *only* names (all without it); others stay as they are.

    Without *side* the newer row's value is taken; *fallback* says whose that is where rows do
    not tell.
    """
    return [
        replace(each, choice=Choice(side or each.newer or fallback))
        if only is None or evaluate(only, _facts(each).__getitem__)
        else each
        for each in conflicts
    ]


def _facts(conflict: Conflict) -> dict[str, Json]:
    facts: dict[str, Json] = {"table": conflict.table, "key": conflict.key, "kind": conflict.kind}
    return {**facts, "source": conflict.source, "column": conflict.column}


def remembered(conflicts: Iterable[Conflict], before: Iterable[Conflict]) -> list[Conflict]:
    """Carry choices over from a former look, where the dispute is still the same."""
    held = {(each.source, each.place): each for each in before if each.choice is not None}
    found = []
    for each in conflicts:
        old = held.get((each.source, each.place))
        still = old is not None and old.is_again(each)
        found.append(replace(each, choice=old.choice) if old is not None and still else each)
    return found
