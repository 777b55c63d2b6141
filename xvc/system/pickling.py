"""Objects as pickles, streamed: the only door to cloudpickle.

Large buffers (numpy arrays, frames) go from where they lie straight into the file; the stream is
plain protocol 5 all the same, and `pickle.load` reads it without xvc. Two pickles of one object
are usually, not always, the same bytes: sets and caches inside objects have no order.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pickle import PickleBuffer
from typing import BinaryIO, cast

from xvc.errors import BadValue

PROTOCOL = 5
_HEAD = b"\x80"
_LARGE = 1 << 16  # bytes; the C pickler would make a copy of a buffer to write it
_FRAME_BYTES = 9  # the opcode FRAME and a length: frames may be left out, their content stays
_REFUSED = (pickle.PicklingError, TypeError, AttributeError, ValueError, RecursionError)

Write = Callable[[bytes | memoryview], object]


def dump(value: object, write: Write) -> None:
    """Pickle *value*, piece by piece, through *write*.

    Raises:
        BadValue: it cannot be pickled.
    """
    # late: rows hold plain values, mostly; it has no types
    from cloudpickle import Pickler  # type: ignore[import-untyped]

    stream = _Stream(write)
    try:
        Pickler(stream, PROTOCOL, buffer_callback=stream.keep_in).dump(value)
    except _REFUSED as err:
        reason = (str(err).splitlines() or [type(err).__name__])[0]
        raise BadValue(type(value).__name__, f"cannot be pickled: {reason}") from err


def load(file: BinaryIO) -> object:
    """Unpickle: this runs whatever code the bytes name, so read only what you trust."""
    return cast("object", pickle.load(file))  # noqa: S301 - the caller has verified the bytes


def is_pickle(head: bytes) -> bool:
    """Whether bytes that begin so may be a pickle."""
    return head[:1] == _HEAD


class _Stream:
    """A file for the pickler, which puts each large buffer where the stream only refers to it."""

    def __init__(self, write: Write) -> None:
        self._write, self._waiting = write, list[PickleBuffer]()

    def keep_in(self, buffer: PickleBuffer) -> bool:
        """The pickler's question: may it copy this buffer into the stream itself?"""
        is_small = buffer.raw().nbytes < _LARGE
        if not is_small:
            self._waiting.append(buffer)
        return is_small

    def write(self, piece: bytes | memoryview) -> int:
        if self._waiting:
            self._splice(bytes(piece))
        else:
            self._write(piece)
        return len(piece)

    def _splice(self, piece: bytes) -> None:
        """Write opcodes, and instead of NEXT_BUFFER the buffer that is meant, as bytes."""
        import pickletools  # late: only large buffers need it

        done = 0
        for opcode, _, at in pickletools.genops(piece):
            place = at or 0
            if opcode.name == "FRAME":
                self._write(piece[done:place])
                done = place + _FRAME_BYTES
            elif opcode.name == "NEXT_BUFFER":
                self._write(piece[done:place])
                self._put(self._waiting.pop(0))
                done = place + 1
                if not self._waiting:
                    break
        self._write(piece[done:])

    def _put(self, buffer: PickleBuffer) -> None:
        view = buffer.raw()
        opcode = pickle.BINBYTES8 if view.readonly else pickle.BYTEARRAY8
        self._write(opcode + view.nbytes.to_bytes(8, "little"))
        self._write(view)
