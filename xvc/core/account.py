"""What became of every row of a merged table: one account, in stores and in files.

Pure values. Refuses to lose count: an account whose sums do not match its inputs is an error.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from xvc.errors import CorruptError, error


class Fate(StrEnum):
    """What becomes of one row; *we* are the side that changes, *they* the source.

    ``restored`` and ``removed`` are rows whose deletion was in dispute and did not stand, or did.
    Where keys are matched: a ``repeated`` row is here already, ``replacing`` rows come where
    ``replaced`` ones went, and ``dropped`` ones give way to a later row with their key.
    """

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
    RESTORED = "restored"
    REMOVED = "removed"
    REPEATED = "repeated"
    REPLACING = "replacing"
    REPLACED = "replaced"
    DROPPED = "dropped"

    @property
    def is_ours(self) -> bool:
        """Whether we had the row."""
        return self not in _NOT_OURS

    @property
    def is_theirs(self) -> bool:
        """Whether the source had the row."""
        return self not in _NOT_THEIRS

    @property
    def is_left(self) -> bool:
        """Whether the result has the row."""
        return self not in _NOT_LEFT


_NOT_OURS = (
    *(Fate.KEPT_DELETED, Fate.TAKEN_NEW, Fate.DELETED_BY_US, Fate.RESTORED),
    *(Fate.REPEATED, Fate.REPLACING, Fate.DROPPED),
)
_NOT_THEIRS = (
    *(Fate.KEPT_NEW, Fate.TAKEN_DELETED, Fate.DELETED_BY_THEM, Fate.REMOVED),
    Fate.REPLACED,
)
_NOT_LEFT = (
    *(Fate.KEPT_DELETED, Fate.TAKEN_DELETED, Fate.DELETED_BY_US, Fate.REMOVED),
    *(Fate.REPEATED, Fate.REPLACED, Fate.DROPPED),
)


@dataclass(frozen=True, slots=True)
class Account:
    """The account of one table: our rows before, the sources' rows, the rows after, by fate."""

    table: str
    ours: int = 0
    theirs: int = 0
    result: int = 0
    fates: Mapping[Fate, int] = field(default_factory=dict)

    def of(self, *fates: Fate) -> int:
        """Count the rows of these fates."""
        return sum(self.fates.get(fate, 0) for fate in fates)

    @property
    def equal(self) -> int:
        """Rows that are the same on both sides."""
        return self.of(Fate.EQUAL, Fate.REPEATED)

    @property
    def kept(self) -> int:
        """Rows that are as we had them, the source knowing nothing newer."""
        return self.of(Fate.KEPT_NEW, Fate.KEPT_CHANGED)

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
    def disputed(self) -> int:
        """Rows that both sides touched; most are settled cell by cell."""
        deletions = (Fate.DELETED_BY_US, Fate.DELETED_BY_THEM, Fate.RESTORED, Fate.REMOVED)
        return self.of(Fate.BOTH_CHANGED, *deletions)

    @property
    def replaced(self) -> int:
        """Rows of ours that went because a row with their key came in."""
        return self.of(Fate.REPLACED)

    @property
    def replacing(self) -> int:
        """Rows that came in where others of their key went."""
        return self.of(Fate.REPLACING)

    @property
    def dropped(self) -> int:
        """Rows of the sources that gave way to a later row with their key."""
        return self.of(Fate.DROPPED)

    def checked(self) -> Account:
        """Return itself when every row of every input is accounted for.

        >>> Account("events", ours=1, result=1, fates={Fate.KEPT_NEW: 1}).checked().kept
        1

        Raises:
            MergeUnsound: the sums do not match.
        """
        ours = sum(count for fate, count in self.fates.items() if fate.is_ours)
        theirs = sum(count for fate, count in self.fates.items() if fate.is_theirs)
        self._expect("our rows", self.ours, ours)
        self._expect("the sources' rows", self.theirs, theirs)
        return self.balanced()

    def balanced(self) -> Account:
        """Return itself when the rows before, with what came and went, are the rows after.

        Raises:
            MergeUnsound: they are not.
        """
        moved = sum(count * (fate.is_left - fate.is_ours) for fate, count in self.fates.items())
        self._expect("the result's rows", self.result, self.ours + moved)
        return self

    def _expect(self, what: str, counted: int, accounted: int) -> None:
        if counted != accounted:
            raise MergeUnsound(self.table, what, counted, accounted)

    def followed_by(self, later: Account) -> Account:
        """Add up what was done to the same table one after the other.

        A row is counted once for each step, so only the balance of the sum can be checked.

        Raises:
            MergeUnsound: the later account begins with other rows than this one ended with.
        """
        self._expect("the rows between two merges", later.ours, self.result)
        fates = Counter(self.fates) + Counter(later.fates)
        return Account(self.table, self.ours, self.theirs + later.theirs, later.result, fates)

    def after_replacing(self, replaced: int, dropped: int, result: int) -> Account:
        """Take out rows by key: *replaced* ones of ours, *dropped* ones that had been taken."""
        new = min(dropped, self.taken)
        moved = {Fate.TAKEN_NEW: -new, Fate.RESTORED: new - dropped}
        gone = {Fate.REPLACED: replaced, Fate.DROPPED: dropped}
        fates = {fate: self.of(fate) + moved.get(fate, 0) + gone.get(fate, 0) for fate in Fate}
        return Account(self.table, self.ours, self.theirs, result, fates)


def added_up(accounts: Iterable[Account]) -> dict[str, Account]:
    """Add up, for each table, what merges did to it one after the other.

    Raises:
        MergeUnsound: rows came or went between two of them.
    """
    found: dict[str, Account] = {}
    for each in accounts:
        held = found.get(each.table)
        found[each.table] = each if held is None else held.followed_by(each)
    return found


@error("merge-unsound")
class MergeUnsound(CorruptError):
    """A merge lost count of its rows; nothing was changed."""

    table: str
    what: str
    counted: int
    accounted: int
    says = "the merge of {table} does not add up: {what} are {counted}, accounted for {accounted}"
    way = "Nothing was changed. This is a defect of xvc: please report it."
