"""Standard input, output and error as real descriptors.

The kernel gives the lowest free descriptor. Where 0, 1 or 2 is closed, the next file that is opened
takes its place, and whatever then prints, a child or a C library, writes into that file.
"""

from __future__ import annotations

import os
import sys
from typing import TextIO


def make_real() -> None:
    """Open the null device at each of the descriptors 0, 1 and 2 that is closed.

    Called before a file is opened that must not become a standard stream; a file that somebody
    else has opened there stays.
    """
    for wanted in range(3):
        try:
            os.fstat(wanted)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened == wanted:
                os.set_inheritable(opened, True)  # a command expects all three of them
            else:  # another thread has just opened something there
                os.close(opened)


def replace_missing() -> None:
    """Give Python streams for the descriptors that were closed when it began.

    For a program's own start: the streams belong to the program, not to a library.
    """
    make_real()
    sys.stdin = sys.stdin or open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = sys.stdout or _writer(1)
    sys.stderr = sys.stderr or _writer(2)


_UTF8 = "utf8"


def speak_utf8() -> None:
    """Start this program again in UTF-8 where Python would take file names for another encoding.

    git, DVC and our own files have UTF-8. What a command inherits stays as it is; it is a flag of
    this interpreter alone.
    """
    is_text = sys.getfilesystemencoding().lower() in ("utf-8", _UTF8)
    if not is_text and sys.executable and not speaks_utf8():
        os.execv(sys.executable, [sys.executable, "-X", _UTF8, *sys.orig_argv[1:]])  # noqa: S606


def speaks_utf8() -> bool:
    """Whether `speak_utf8` has started this program again."""
    return _UTF8 in sys._xoptions


def _writer(descriptor: int) -> TextIO:
    return open(descriptor, "w", encoding="utf-8", closefd=False)
