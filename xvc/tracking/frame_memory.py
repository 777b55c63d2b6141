"""Where a frame is that no object leads to any more: while what it had goes, it is going itself.

Read from memory: Python shows such a frame to nobody. Only on versions whose layout is known.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from types import CodeType

# bytes from the beginning of a frame object, and from that of its data
_DATA, _TRACE, _INSTRUCTION = 24, 32, 56
_LARGEST = 256  # bytes before the data of a frame that is over: its object has them itself


@cache
def _reader() -> Callable[[int], int] | None:
    is_known = (3, 11) <= sys.version_info < (3, 14) and sys.implementation.name == "cpython"
    if not is_known or vars(sys).get("abiflags") or sys.maxsize < 1 << 32:
        return None
    import ctypes  # late: few programs keep an error

    word = ctypes.c_size_t.from_address
    return lambda address: int(word(address).value)


def place_at(address: int, code: CodeType, trace: object) -> int | None:
    """Return at which byte of *code* the frame at this address is over; None where nobody knows.

    It is 0 while the function is at work, or pauses as a greenlet does, and where *trace* is no
    longer the frame's ``f_trace``.
    """
    read = _reader()
    if read is None:
        return None
    data = read(address + _DATA) if read(address + _TRACE) == id(trace) else 0
    if not 0 < data - address < _LARGEST:
        return 0
    return read(data + _INSTRUCTION) - id(code) - _begin(read)


def _begin(read: Callable[[int], int]) -> int:
    """Return where the instructions begin in a code object, as its caller's frame shows."""
    frame = sys._getframe(1)
    return read(read(id(frame) + _DATA) + _INSTRUCTION) - frame.f_lasti - id(frame.f_code)
