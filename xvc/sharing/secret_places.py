"""Where a recorded secret stands, and where it stays. Pure values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SecretPlace:
    """Where it stands: a journal, a log, a store, a snapshot, an asset, a file of a sweep."""

    kind: str
    where: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Remainder:
    """What holds it and stays, and what can be done about it."""

    kind: str
    where: str
    way: str
