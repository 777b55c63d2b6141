"""How runs ended whose processes were workers of a pool, from what those left: read and removed.

What they leave, and why they end without a word, is in `xvc.tracking.pool_workers`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from xvc.core.late_pattern import late
from xvc.core.run import RunRecord, Status
from xvc.errors import BadValue
from xvc.journal.layout import Room
from xvc.system.process_id import Owner, is_alive
from xvc.types import Json

_FRAME = late(r'  File "(.*)", line \d+ in (.*)')
_LONGEST = 1 << 20
_FRESH_SECONDS = 600


def last_words(room: Room, run: RunRecord) -> dict[str, Json] | None:
    """Say how a run ended that a worker left open; None where the worker has left nothing.

    The task that failed last decides, unless the run went on after it. Else the run was ended well
    by the pool, between two tasks, or killed by it in the middle of one.
    """
    with suppress(OSError, BadValue):
        left = _left_by(room.last_words / str(Owner.parse(run.owner or "")))
        failed = [said for said in _failures(left) if said.get("run") == run.id]
        if failed and not _has_gone_on(room, failed[-1]):
            return {key: failed[-1].get(key) for key in ("status", "reason")}
        frames = [found.groups() for line in left if (found := _FRAME.fullmatch(line))]
        if frames:
            return _ended_by_pool(is_idle=_is_idle(frames))
    return None


def forget_last_words(room: Room) -> None:
    """Remove what dead workers of this machine have left, once their runs have ended.

    What is fresh stays: its run may have died after the look at who lives.
    """
    if not room.last_words.is_dir():
        return
    with suppress(OSError):
        for path in room.last_words.iterdir():
            with suppress(BadValue):
                is_dead = is_alive(Owner.parse(path.name)) is False
                if is_dead and path.stat().st_mtime < time.time() - _FRESH_SECONDS:
                    path.unlink(missing_ok=True)


def _left_by(path: Path) -> list[str]:
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.read(_LONGEST).splitlines()


def _failures(left: Sequence[str]) -> Iterator[dict[str, Json]]:
    """The tasks that failed, a line of JSON each; what C code wrote comes after them."""
    for line in left:
        if line.startswith("{"):
            with suppress(ValueError):
                yield json.loads(line)


def _has_gone_on(room: Room, said: dict[str, Json]) -> bool:
    """Whether a run has written anything since a task of it failed."""
    name, size = said.get("journal"), said.get("size")
    for folder in (room.journals, room.folded, room.kept):
        with suppress(OSError):
            return (folder / Path(str(name)).name).stat().st_size != size
    return False


def _is_idle(frames: Sequence[tuple[str, ...]]) -> bool:
    """Whether a worker was between two tasks, or at its own end: not in code of the user's."""
    own = [_name_within(file, function) for file, function in frames]
    if ("util.py", "_exit_function") in own:
        return True
    around = own.index(("pool.py", "worker")) if ("pool.py", "worker") in own else len(own)
    return None not in own[: around + 1] and ("pool.py", "mapstar") not in own


def _name_within(file: str, function: str) -> tuple[str, str] | None:
    """A function of `multiprocessing` by its file and name; None for one of anybody else's."""
    place = Path(file)
    return (place.name, function) if place.parent.name == "multiprocessing" else None


def _ended_by_pool(*, is_idle: bool) -> dict[str, Json]:
    if is_idle:
        return {"status": Status.FINISHED.value}
    reason = "its pool ended it in the middle of a task"
    return {"status": Status.KILLED.value, "signal": "SIGTERM", "reason": reason}
