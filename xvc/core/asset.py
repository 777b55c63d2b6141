"""What is known of an asset beside its bytes, and how a journal says it. Pure values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from xvc.types import Json, RunId


@dataclass(frozen=True, slots=True)
class Asset:
    """One kept thing: ``kind`` is object, file or folder; ``name`` the key or file; size in bytes.

    ``run`` is the first that kept it, None when that is not known.
    """

    digest: str
    kind: str
    name: str
    type: str
    size: int
    run: RunId | None = None

    def facts(self) -> dict[str, Json]:
        """Write it down; the run is the record's own.

        >>> Asset("ab12", "file", "a.txt", ".txt", 3).facts()["size"]
        3
        """
        names = ("digest", "kind", "name", "type", "size")
        return {name: cast("Json", getattr(self, name)) for name in names}


def removal(digest: str) -> dict[str, Json]:
    """Write down that an asset was deleted."""
    return {"digest": digest, "kind": None}


def is_removal(facts: Mapping[str, Json]) -> bool:
    """Whether a record says that an asset was deleted."""
    return facts["kind"] is None
