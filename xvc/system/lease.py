"""A claim by files alone, for filesystems that know no ``flock``.

Claims are numbered, ``<name>.lease.<n>``; the highest counts, and the next number goes to whoever
creates its file first. The highest is never removed, so a claimant that slept too long finds it.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from xvc.errors import BadValue
from xvc.system.process_id import Owner, is_alive

_UNWRITTEN_SECONDS = 60.0
_GIVEN_BACK = "given back"


class Lease:
    """One claim that this process has won."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @classmethod
    def claim(cls, path: Path, note: str) -> Lease | None:
        """Take the lease beside *path*; None while a process that may live has it.

        Raises:
            OSError: the folder cannot be written.
        """
        number, latest = _latest(path)
        if latest is not None and not _is_free(latest):
            return None
        wanted = _numbered(path, number + 1)
        try:
            created = os.open(wanted, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        except FileExistsError:
            return None
        with os.fdopen(created, "w") as opened:
            opened.write(note)
        if _latest(path)[0] != number + 1:  # we looked long ago; others have been and gone
            wanted.unlink(missing_ok=True)
            return None
        if latest is not None:
            latest.unlink(missing_ok=True)
        return cls(wanted)

    def give_back(self) -> None:
        """Let the next one have it.

        Raises:
            OSError: the folder cannot be written; the lease is free when this process has ended.
        """
        written = self._path.with_name(f"{self._path.name}.new")
        written.write_text(_GIVEN_BACK)
        written.replace(self._path)


def holder_of(path: Path) -> str:
    """Return the note of whoever has the lease beside *path*, or an empty string."""
    latest = _latest(path)[1]
    note = _read(latest) if latest is not None else ""
    return "" if note == _GIVEN_BACK else note


def _numbered(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.lease.{number}")


def _latest(path: Path) -> tuple[int, Path | None]:
    start = f"{path.name}.lease."
    numbers = [
        int(found.name.removeprefix(start))
        for found in path.parent.iterdir()
        if found.name.startswith(start) and found.name.removeprefix(start).isdecimal()
    ]
    highest = max(numbers, default=0)
    return highest, _numbered(path, highest) if numbers else None


def _is_free(claim: Path) -> bool:
    note = _read(claim)
    if note == _GIVEN_BACK:
        return True
    try:
        owner = Owner.parse(note.partition("\n")[0])
    except BadValue:
        return _age(claim) > _UNWRITTEN_SECONDS  # killed between creating it and writing it
    return is_alive(owner) is False


def _read(claim: Path) -> str:
    try:
        return claim.read_text()
    except OSError:
        return ""


def _age(claim: Path) -> float:
    try:
        return time.time() - claim.stat().st_mtime
    except OSError:
        return 0.0
