"""How xvc left a store: what it grew from, what its file looked like, how much was in each journal.

Whatever differs from it was done by somebody else, or is new. Reads and writes that note only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import cast

from xvc.journal.codec import from_json, to_json
from xvc.journal.reader import journals
from xvc.system.files import write_durably
from xvc.types import Json


@dataclass(frozen=True, slots=True)
class StoreState:
    """The digest of the snapshot the store grew from, its file's stamp, and the journals' sizes.

    ``place`` is the store's path; notes from before it was written down have none.
    """

    base: str | None = None
    stamp: tuple[int, ...] = ()
    sizes: Mapping[str, int] = field(default_factory=dict)
    place: str = ""

    @classmethod
    def read(cls, path: Path) -> StoreState:
        """Read the note; an empty one when there is none, or none that can be read."""
        try:
            found = cast("dict[str, Json]", from_json(path.read_bytes()))
            stamp = tuple(cast("list[int]", found["stamp"]))
            base = cast("str | None", found["base"])
            sizes, place = cast("dict[str, int]", found["sizes"]), str(found.get("place", ""))
            return cls(base, stamp, sizes, place)
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return cls()

    def was_at(self, store: Path) -> bool:
        """Whether xvc has kept its store at this path; what lies there now may be another's."""
        return bool(self.stamp) and self.place in ("", str(store))

    def write(self, path: Path) -> None:
        """Write the note."""
        path.parent.mkdir(parents=True, exist_ok=True)
        write_durably(path, to_json(cast("Json", asdict(self))).encode())


def stamp_of(path: Path) -> tuple[int, ...]:
    """Return what changes whenever a file is written or replaced."""
    facts = path.stat()
    return (facts.st_ino, facts.st_size, facts.st_mtime_ns)


def sizes_of(folder: Path) -> dict[str, int]:
    """Map the journals of a folder to their sizes in bytes."""
    return {path.name: path.stat().st_size for path in journals(folder)}
