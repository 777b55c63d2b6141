"""The journal of a tracker that keeps nothing: it returns times and writes nothing."""

from __future__ import annotations

from collections.abc import Iterable
from time import time

from xvc.core.record import RecordKind
from xvc.types import Json, Row, RunId


class Unkept:
    """Takes what a journal takes, and writes nothing."""

    __slots__ = ()
    written = 0

    def row(self, _run: RunId, _table: str, _values: Row) -> float:
        """Return the time in seconds since the epoch."""
        return time()

    def note(self, _kind: RecordKind, _run: RunId | None, _facts: Json) -> None:
        """Do nothing."""

    def beyond(self, _table: str, _keys: Iterable[str]) -> list[str]:
        """List no keys: there is room for all."""
        return []

    def flush(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""
