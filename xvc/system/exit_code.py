"""The exit code of this process, written down when it is known: after Python has ended.

Python tells its exit handlers no code, and the error that carries it is gone by then. The C library
of Linux (glibc) tells it to functions that `on_exit` was given. Elsewhere nothing is written.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

_BYTES = 4  # `putw` writes one C integer


def leave_exit_code(path: Path) -> bool:
    """Have the exit code of this process written into a file when it exits.

    Returns whether it will be: False where the C library cannot, or the file cannot be made.
    """
    import ctypes  # late: 8 ms, only for a process that is left by SystemExit

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        library = ctypes.CDLL(None)
        write, on_exit, fopen = library.putw, library.on_exit, library.fopen
    except (OSError, AttributeError):
        return False
    fopen.restype, fopen.argtypes = ctypes.c_void_p, [ctypes.c_char_p, ctypes.c_char_p]
    on_exit.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
    stream = fopen(os.fsencode(path), b"we")
    # exit() calls what was given last first, and writes its streams out after that
    return bool(stream) and on_exit(ctypes.cast(write, ctypes.c_void_p), stream) == 0


def left_exit_code(path: Path) -> int | None:
    """Return the code that a process has left in a file; None when it left none.

    Raises:
        OSError: the file cannot be read.
    """
    content = path.read_bytes()
    if len(content) != _BYTES:
        return None
    return int.from_bytes(content, sys.byteorder) & 0xFF
