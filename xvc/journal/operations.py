"""The operation log: what changed the record on purpose, one line of JSON each, never rewritten."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

from xvc.core.secrets import mask_text
from xvc.errors import JournalFailed
from xvc.journal.codec import from_json, to_json
from xvc.types import Json


@dataclass(frozen=True, slots=True)
class Operation:
    """One command that changed something.

    ``at`` is in seconds since the epoch; ``tree`` names the work tree whose store it was;
    ``edits`` are taken back, and ``runs`` deleted, by undoing it; ``hindrance`` says why it cannot
    be undone; ``undoes`` is the operation that this one took back. One that made another store has
    the digests of the store as it ``was`` and of the one it ``made``, which its pointer names.
    """

    id: str
    at: float
    tree: str
    command: str
    what: str
    undo: str = ""
    edits: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    hindrance: str = ""
    undoes: str = ""
    was: str = ""
    made: str = ""


def append(path: Path, operation: Operation) -> None:
    """Put an operation on the disk.

    Raises:
        JournalFailed: the disk refused.
    """
    line = to_json(facts_of(operation)).encode() + b"\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        try:
            os.write(descriptor, line)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as err:
        raise JournalFailed(str(path), err.strerror or str(err)) from err


def facts_of(operation: Operation) -> dict[str, Json]:
    """Write an operation as the object that its line holds; what is empty is left out."""
    said = {name: fact for name, fact in asdict(operation).items() if fact}
    masked = {name: mask_text(str(said[name])) for name in _TEXTS if name in said}
    return cast("dict[str, Json]", {**said, **masked})


def from_facts(facts: Mapping[str, Json]) -> Operation:
    """Read an operation; what a newer xvc says of it is passed over.

    Raises:
        TypeError: it is none.
    """
    restored = {
        name: tuple(fact) if isinstance(fact, list) else fact for name, fact in facts.items()
    }
    known = {name: fact for name, fact in restored.items() if name in _NAMES}
    return Operation(**known)  # type: ignore[arg-type]


def read(path: Path) -> list[Operation]:
    """Read the operations, oldest first; a line that is no operation is passed over."""
    if not path.exists():
        return []
    lines = path.read_bytes().splitlines()
    return [found for line in lines if (found := _operation(line)) is not None]


def _operation(line: bytes) -> Operation | None:
    try:
        facts = from_json(line)
        return from_facts(facts) if isinstance(facts, dict) else None
    except (ValueError, TypeError):  # half a line of a full disk, or of a newer xvc
        return None


_TEXTS = ("command", "what")
_NAMES = frozenset(Operation.__dataclass_fields__)
