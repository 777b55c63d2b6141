"""What SQL of a user's changed in a store. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SqlStatement:
    """One statement; ``rows`` that it changed, null where that has no number."""

    statement: str
    kind: str
    rows: int | None


@dataclass(frozen=True, slots=True)
class TouchedTable:
    """One table, how many rows it had and has; null: there is no such table."""

    table: str
    before: int | None
    after: int | None


@dataclass(frozen=True, slots=True)
class SqlChange:
    """What statements do, or did, to a store; ``digest`` names the snapshot that has it."""

    done: tuple[SqlStatement, ...]
    touched: tuple[TouchedTable, ...]
    digest: str | None = None
