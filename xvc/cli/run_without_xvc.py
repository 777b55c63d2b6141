"""Running a command where xvc itself cannot work: this process becomes the command."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn


def become(words: Sequence[str], folder: Path, reason: BaseException) -> NoReturn:
    """Say that nothing is recorded, and be the command from here on.

    Raises:
        SystemExit: there is no such command: 127; or it cannot be started: 126.
    """
    command = list(words[1:] if words[:1] == ["--"] else words)
    _say(f"warning: this run is not recorded: {_words_of(reason)}")
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them, a program does not
        signal.signal(number, signal.SIG_DFL)
    try:
        if folder.is_dir():
            os.chdir(folder)
        os.execvp(command[0], command)  # noqa: S606
    except FileNotFoundError as err:
        _say(f"error: {command[0]}: not found")
        raise SystemExit(127) from err
    except OSError as err:
        _say(f"error: {command[0]}: {err.strerror}")
        raise SystemExit(126) from err


def _words_of(reason: BaseException) -> str:
    if isinstance(reason, OSError) and reason.filename:
        return f"{reason.filename}: {reason.strerror}"
    return f"{type(reason).__name__}: {next(iter(str(reason).splitlines()), 'no message')}"


def _say(text: str) -> None:
    with contextlib.suppress(Exception):  # a closed or narrow standard error stops nothing
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()
