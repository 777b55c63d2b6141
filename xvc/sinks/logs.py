"""Logs by loguru: one file a day, standard output, rows and messages alike. Its only door.

Each has a core of its own: what the program around does with loguru's shared logger
(``logger.remove()``, usually) takes nothing from here, and nothing from here shows up there.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xvc.core.foreign_text import visible
from xvc.core.secrets import mask_text
from xvc.sinks.lines import Lines

if TYPE_CHECKING:
    from loguru import Logger, Message

LEVELS = {"TRACKING": 21, "MONITOR": 22, "EXPERIMENT": 23}
DAILY = "{time:YYYY-MM-DD}.log"
_FORMAT = "{time:YYYY-MM-DDTHH:mm:ss.SSSSSSZ} | {level} | {message}"


def open_log(folder: Path | None, *, to_stdout: bool, names: str = DAILY) -> Logger:
    """Return a logger that writes into files of a folder, to standard output, or both.

    Args:
        folder: gets the files; None is none.
        to_stdout: whether lines go to standard output as well.
        names: what the files are called, with loguru's words for the time.
    """
    from loguru import _logger  # late: 30 ms. There is no public way to a second core

    made: Any = _logger
    logger: Logger = made.Logger(
        core=made.Core(),
        exception=None,
        depth=0,
        record=False,
        lazy=False,
        colors=False,
        raw=False,
        capture=True,
        patchers=[_without_secrets],
        extra={},
    )
    for name, number in LEVELS.items():
        logger.level(name, number)
    if folder is not None:
        logger.add(_Days(folder, names), format=_FORMAT, level=0, catch=False)
    if to_stdout:
        logger.add(_print, format=_FORMAT, level=0, catch=False)
    return logger


def _without_secrets(record: Any) -> None:
    """Mask what a message says; rows come masked."""
    if record["level"].name not in LEVELS:
        record["message"] = mask_text(record["message"])


class _Days:
    """Log files, usually one a day by local time; lines stay whole when several processes write."""

    def __init__(self, folder: Path, names: str) -> None:
        self._folder, self._names = folder, names
        self._file = Lines(folder / "none.log")

    def __call__(self, message: Message) -> None:
        path = self._folder / self._names.format(time=message.record["time"])
        if path != self._file.path:
            self._file.close()
            self._file = Lines(path)
        self._file.write(message)


def _print(message: Message) -> None:
    sys.stdout.write(visible(message))  # as it is now: notebooks and tests put another in its place
    sys.stdout.flush()
