"""Rot in a journal: which lines are sound, by what their neighbours say of them.

Every line carries the checksum of all bytes before it, so the line behind vouches for the one
before. A line that nothing vouches for is set apart, never dropped and never read.
"""

from __future__ import annotations

from collections.abc import Sequence
from zlib import crc32

from xvc.core.late_pattern import late
from xvc.core.record import SCHEMA
from xvc.journal.codec import decode_line

CHAIN = late(rb'"c":(\d+)')


def is_record(line: bytes) -> bool:
    """Whether a line has the shape of a record that this version reads."""
    try:
        version = decode_line(line)["v"]
    except ValueError:
        return False
    return isinstance(version, int) and version <= SCHEMA


def set_apart(data: bytes) -> tuple[bytes, tuple[bytes, ...]]:
    """Sort lines into sound and damaged; returns the sound ones joined, and the others."""
    lines = data.splitlines(keepends=True)
    sound: list[bytes] = []
    damaged: list[bytes] = []
    for place, line in enumerate(lines):
        following = lines[place + 1 :][:2]
        if is_record(line) and _vouched(line, following):
            sound.append(line)
            continue
        mended = _mended(sound[-1], line, following) if sound else None
        (damaged if mended is None else sound).append(line if mended is None else mended)
    return b"".join(sound), tuple(damaged)


def _vouched(line: bytes, following: Sequence[bytes]) -> bool:
    """Whether the next line's checksum, or the next but one's after mending, bears this one out."""
    own = CHAIN.search(line)
    if own is None:
        return False
    if not following:
        return True  # the last line: nothing follows that could tell
    running = crc32(line, int(own[1]))
    claimed = CHAIN.search(following[0])
    if claimed is not None and int(claimed[1]) == running:
        return True
    return _is_bad_itself(following, running)


def _is_bad_itself(following: Sequence[bytes], running: int) -> bool:
    """Whether the next line is the one that rotted: its successor disagrees with it too."""
    claimed = CHAIN.search(following[0])
    if claimed is None or not is_record(following[0]):
        return True
    if len(following) < 2:
        return False
    successor = CHAIN.search(following[1])
    if successor is None:
        return False
    if crc32(following[0], int(claimed[1])) == int(successor[1]):
        return False  # it is sound, so the line before it is not
    mended = _with_chain(following[0], running)
    return crc32(mended, running) == int(successor[1])


def _mended(before: bytes, line: bytes, following: Sequence[bytes]) -> bytes | None:
    """Put a rotted checksum right, when that is all that is wrong with the line."""
    own = CHAIN.search(before)
    successor = CHAIN.search(following[0]) if following else None
    if own is None or successor is None:
        return None
    running = crc32(before, int(own[1]))
    mended = _with_chain(line, running)
    sound = crc32(mended, running) == int(successor[1]) and is_record(mended)
    return mended if sound else None


def _with_chain(line: bytes, chain: int) -> bytes:
    return CHAIN.sub(b'"c":%d' % chain, line, count=1)
