"""Replacing rows by key: what is asked for, which rows go, and the account of each table."""

from __future__ import annotations

from dataclasses import dataclass

from xvc.core.account import Account


@dataclass(frozen=True, slots=True)
class ReplaceRequest:
    """The key columns, and the table; without one, every table of events that has the keys.

    ``takes_last`` takes the last of several incoming rows with one key: of the source that was
    named last, the latest. ``shown`` is how many of the rows that go are told; None is all.
    """

    keys: tuple[str, ...]
    table: str | None = None
    takes_last: bool = False
    shown: int | None = 20


@dataclass(frozen=True, slots=True)
class ReplacedRow:
    """One of our rows that goes, and the key of the row that takes its place."""

    table: str
    key: object
    run: str | None
    row: str


@dataclass(frozen=True, slots=True)
class ReplaceOutcome:
    """What replacing by key did: each table's account, the rows that go (some), whose they were.

    ``runs`` maps each run to how many rows it loses; the run itself stays.
    """

    accounts: tuple[Account, ...] = ()
    gone: tuple[ReplacedRow, ...] = ()
    runs: tuple[tuple[str, int], ...] = ()

    @property
    def count(self) -> int:
        """How many of our rows go."""
        return sum(each.replaced for each in self.accounts)

    @property
    def has_changed(self) -> bool:
        """Whether any row was taken away."""
        return any(each.replaced or each.dropped for each in self.accounts)
