"""Replacing rows by key: what is asked for, which rows go, and the account of each table.

Pure values. A rebase whose sums do not match is an error, as with a merge.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from xvc.core.merge import MergeUnsound, Tally


@dataclass(frozen=True, slots=True)
class Wanted:
    """The key columns, and the table; without one, every table of events that has the keys.

    ``takes_last`` takes the last of several incoming rows with one key: of the source that was
    named last, the latest. ``shown`` is how many of the rows that go are told; None is all.
    """

    keys: tuple[str, ...]
    table: str | None = None
    takes_last: bool = False
    shown: int | None = 20


@dataclass(frozen=True, slots=True)
class Gone:
    """One of our rows that another one replaces; ``key`` is JSON, by column."""

    table: str
    row: str
    run: str | None
    key: str


@dataclass(frozen=True, slots=True)
class Account:
    """The account of one table: our rows before, what came and went, the rows after.

    ``taken`` rows are new here, ``dropped`` ones of them lost to a later one with the same key;
    ``changed`` ones of ours are as the source has them, ``deleted`` ones it deleted, and
    ``replaced`` ones went because a row with their key came in.
    """

    table: str
    ours: int = 0
    taken: int = 0
    changed: int = 0
    deleted: int = 0
    replaced: int = 0
    dropped: int = 0
    result: int = 0

    def checked(self) -> Account:
        """Return itself when every row is accounted for.

        >>> Account("events", ours=2, taken=1, replaced=2, result=1).checked().replaced
        2

        Raises:
            MergeUnsound: the sums do not match.
        """
        accounted = self.ours + self.taken - self.deleted - self.replaced - self.dropped
        if accounted != self.result:
            raise MergeUnsound(self.table, "the rows that are left", self.result, accounted)
        return self


@dataclass(frozen=True, slots=True)
class Replaced:
    """What replacing by key did: each table's account, the rows that go (some), whose they were.

    ``runs`` maps each run to how many rows it loses; the run itself stays.
    """

    accounts: tuple[Account, ...] = ()
    gone: tuple[Gone, ...] = ()
    runs: tuple[tuple[str, int], ...] = ()

    @property
    def count(self) -> int:
        """How many of our rows go."""
        return sum(each.replaced for each in self.accounts)

    @property
    def has_changed(self) -> bool:
        """Whether any row was taken away."""
        return any(each.replaced or each.dropped for each in self.accounts)


def merged_accounts(tallies: Iterable[Tally]) -> dict[str, Account]:
    """Add up what merges, one after the other, did to each table."""
    found: dict[str, Account] = {}
    for tally in tallies:
        held = found.get(tally.table, Account(tally.table, tally.ours))
        found[tally.table] = replace(
            held,
            taken=held.taken + tally.taken + tally.restored,
            changed=held.changed + tally.changed + tally.disputed,
            deleted=held.deleted + tally.deleted + tally.removed,
            result=tally.result,
        )
    return found
