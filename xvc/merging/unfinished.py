"""An unfinished merge: what it was of and what is left to decide, kept in the tree's private room.

The store is not touched before everything is decided, so giving up is forgetting this.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import cast

from xvc.core.merge import Choice, Conflict, Side
from xvc.errors import NotFoundError, error
from xvc.journal.codec import from_json, to_json
from xvc.journal.layout import Room
from xvc.merging.sources import MergeSource
from xvc.store import db
from xvc.system.files import make_folder, write_durably
from xvc.types import Json


@error("no-merge")
class NoMerge(NotFoundError):
    """No merge of this tree is unfinished."""

    says = "no merge is unfinished here"
    way = "Begin one with `xvc merge SOURCE`."


@dataclass(frozen=True, slots=True)
class Unfinished:
    """The sources of a merge, pinned, and its conflicts with what was chosen so far.

    ``is_git`` tells that git began it, has stopped, and waits for the pointer.
    """

    sources: tuple[MergeSource, ...]
    conflicts: tuple[Conflict, ...]
    is_git: bool = False

    @property
    def open(self) -> int:
        """How many conflicts nobody has decided."""
        return sum(each.choice is None for each in self.conflicts)


def read(room: Room) -> Unfinished | None:
    """Read what is unfinished; None when nothing is."""
    try:
        text = _state(room).read_bytes()
    except FileNotFoundError:
        return None
    state = cast("dict[str, Json]", from_json(text))
    facts = cast("dict[str, list[dict[str, Json]]]", state)
    sources = [_source(each) for each in facts["sources"]]
    conflicts = tuple(map(_conflict, facts["conflicts"]))
    return Unfinished(tuple(sources), conflicts, is_git=bool(state.get("is_git")))


def expect(room: Room) -> Unfinished:
    """Read what is unfinished.

    Raises:
        NoMerge: nothing is.
    """
    found = read(room)
    if found is None:
        raise NoMerge
    return found


def pinned(room: Room, sources: Sequence[MergeSource]) -> tuple[MergeSource, ...]:
    """Copy the sources that may change, so that what is decided stays decided."""
    return tuple(
        replace(each, path=_pinned(room, each.path, number), is_live=False)
        if each.is_live
        else each
        for number, each in enumerate(sources)
    )


def _pinned(room: Room, path: Path, number: int) -> Path:
    make_folder(room.merge)
    copy = room.merge / f"{number}.duckdb"
    db.copy_through_readers(path, copy)
    return copy


def write(room: Room, unfinished: Unfinished) -> None:
    """Keep what is unfinished."""
    make_folder(room.merge)
    facts = {
        "sources": [
            {**asdict(each), "path": str(each.path), "base": _text(each.base)}
            for each in unfinished.sources
        ],
        "conflicts": [asdict(each) for each in unfinished.conflicts],
        "is_git": unfinished.is_git,
    }
    write_durably(_state(room), to_json(cast("Json", facts)).encode())


def forget(room: Room) -> None:
    """Nothing is unfinished any more."""
    _state(room).unlink(missing_ok=True)
    shutil.rmtree(room.merge, ignore_errors=True)


def _state(room: Room) -> Path:
    return room.merge / "state.json"


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _source(facts: dict[str, Json]) -> MergeSource:
    base = facts["base"]
    return MergeSource(
        name=str(facts["name"]),
        path=Path(str(facts["path"])),
        digest=str(facts["digest"]),
        base=None if base is None else Path(str(base)),
        at=float(cast("float", facts["at"])),
        is_live=bool(facts["is_live"]),
    )


def _conflict(facts: dict[str, Json]) -> Conflict:
    choice = cast("dict[str, str | None] | None", facts.pop("choice"))
    newer = cast("str | None", facts.pop("newer"))
    made = None
    if choice is not None:
        made = Choice(Side(choice["side"]) if choice["side"] else None, choice["value"])
    told = cast("dict[str, str]", facts)
    return Conflict(**told, newer=Side(newer) if newer else None, choice=made)
