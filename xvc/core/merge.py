"""Merging two histories of one table: what became of each row, what is in dispute, who decides.

Pure values. Refuses to lose count: a merge whose sums do not match its inputs is an error.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from xvc.core.expression import Expression
from xvc.core.filter import evaluate
from xvc.errors import CorruptError, error
from xvc.types import Json


class Fate(StrEnum):
    """What became of one row; *ours* is the store that is merged into, *theirs* the source."""

    EQUAL = "equal"
    KEPT_NEW = "kept-new"
    KEPT_CHANGED = "kept-changed"
    KEPT_DELETED = "kept-deleted"
    TAKEN_NEW = "taken-new"
    TAKEN_CHANGED = "taken-changed"
    TAKEN_DELETED = "taken-deleted"
    BOTH_CHANGED = "both-changed"
    DELETED_BY_US = "deleted-by-us"
    DELETED_BY_THEM = "deleted-by-them"

    @property
    def is_ours(self) -> bool:
        """Whether our store had the row."""
        return self not in _NOT_OURS

    @property
    def is_theirs(self) -> bool:
        """Whether the source had the row."""
        return self not in _NOT_THEIRS


_NOT_OURS = (Fate.KEPT_DELETED, Fate.TAKEN_NEW, Fate.DELETED_BY_US)
_NOT_THEIRS = (Fate.KEPT_NEW, Fate.TAKEN_DELETED, Fate.DELETED_BY_THEM)


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


@dataclass(frozen=True, slots=True)
class Tally:
    """The account of one table: rows before, on each side, and after, and the fate of each.

    ``restored`` and ``removed`` count rows whose deletion was in dispute and did not stand, or did.
    """

    table: str
    ours: int = 0
    theirs: int = 0
    result: int = 0
    fates: Mapping[Fate, int] = field(default_factory=Counter)
    restored: int = 0
    removed: int = 0

    def of(self, *fates: Fate) -> int:
        """Count the rows of these fates."""
        return sum(self.fates.get(fate, 0) for fate in fates)

    @property
    def taken(self) -> int:
        """Rows that only the source had, and that are new here."""
        return self.of(Fate.TAKEN_NEW)

    @property
    def changed(self) -> int:
        """Rows that the source alone changed."""
        return self.of(Fate.TAKEN_CHANGED)

    @property
    def deleted(self) -> int:
        """Rows that the source deleted and we had left alone."""
        return self.of(Fate.TAKEN_DELETED)

    @property
    def kept(self) -> int:
        """Rows that are as we had them, the source knowing nothing newer."""
        return self.of(Fate.KEPT_NEW, Fate.KEPT_CHANGED)

    @property
    def equal(self) -> int:
        """Rows that are the same on both sides."""
        return self.of(Fate.EQUAL)

    @property
    def disputed(self) -> int:
        """Rows that both sides touched; most are settled cell by cell."""
        return self.of(Fate.BOTH_CHANGED, Fate.DELETED_BY_US, Fate.DELETED_BY_THEM)

    def checked(self) -> Tally:
        """Return itself when every row of every input is accounted for.

        >>> Tally("events", ours=1, result=1, fates={Fate.KEPT_NEW: 1}).checked().kept
        1

        Raises:
            MergeUnsound: the sums do not match.
        """
        ours = sum(count for fate, count in self.fates.items() if fate.is_ours)
        theirs = sum(count for fate, count in self.fates.items() if fate.is_theirs)
        result = self.ours + self.taken - self.deleted + self.restored - self.removed
        for name, counted, found in (
            ("our rows", self.ours, ours),
            ("the source's rows", self.theirs, theirs),
            ("the result's rows", self.result, result),
        ):
            if counted != found:
                raise MergeUnsound(self.table, name, counted, found)
        return self


@error("merge-unsound")
class MergeUnsound(CorruptError):
    """A merge lost count of its rows; nothing was changed."""

    table: str
    what: str
    counted: int
    accounted: int
    says = "the merge of {table} does not add up: {what} are {counted}, accounted for {accounted}"
    way = "Nothing was changed. This is a defect of xvc: please report it."


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
