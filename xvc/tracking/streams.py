"""Where a tracker's rows go beside the store, and the logger that writes there, too.

What looks like a secret is masked there: these files are read by more than xvc.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from xvc.errors import BadValue
from xvc.sinks.lines import Lines, line_of
from xvc.sinks.logs import DAILY, LEVELS, open_log
from xvc.tracking.options import Options

if TYPE_CHECKING:
    from loguru import Logger
    from pandas import DataFrame


Rows = Mapping[str, object] | Sequence[Mapping[str, object]]


class Streams:
    """The log and the JSONL file of one tracker; also what ``tracker.logger`` is.

    Whatever else loguru's logger can do is there, too: ``tracker.logger.info("…")``; without a
    log it does nothing.
    """

    def __init__(self, options: Options, run: str) -> None:
        self._run = run
        self._lines = None if options.jsonl is None else Lines(Path(options.jsonl).absolute())
        folder = None if options.logs_path is None else Path(options.logs_path).absolute()
        names = options.logs_file_format or DAILY
        is_logged = folder is not None or options.logs_stdout
        self._log = (
            open_log(folder, to_stdout=options.logs_stdout, names=names) if is_logged else None
        )

    def row(self, row: Mapping[str, object]) -> None:
        """Write a row, as `Tracker.log` returns it, everywhere.

        Raises:
            StreamFailed: the disk refused.
        """
        logged = {key: value for key, value in row.items() if key not in ("timestamp", "track_id")}
        self._write(logged, cast("float", row["timestamp"]), "TRACKING")

    def _write(self, row: Mapping[str, object], at: float, level: str) -> None:
        from xvc.core.secrets import mask_values  # late: rows are logged without it

        line = line_of(mask_values(row), at, level, self._run)
        if self._lines is not None:
            self._lines.write(line)
        if self._log is not None:
            self._log.log(level, "{}", line)

    def monitor(self, found: Rows | DataFrame) -> None:
        """Write a row, every row of a list or of a pandas frame, to the log, not into the store.

        Raises:
            BadValue: *found* is neither.
            StreamFailed: the disk refused.
        """
        self._write_each(found, "MONITOR")

    def experiment(self, found: Mapping[str, object]) -> None:
        """Write an evaluation, its metrics and params, to the log and not into the store.

        Raises:
            BadValue: *found* is no mapping.
            StreamFailed: the disk refused.
        """
        self._write_each(found, "EXPERIMENT")

    def track(self, found: Rows | DataFrame) -> None:
        """Write rows as a tracker's own are written, to the log and not into the store.

        Raises:
            BadValue: *found* is neither a dict, a list of dicts nor a frame.
            StreamFailed: the disk refused.
        """
        self._write_each(found, "TRACKING")

    def log(
        self, found: Rows | DataFrame | str, level: str = "MONITOR", *more: object, **named: object
    ) -> None:
        """Write rows at a level of theirs: MONITOR, TRACKING or EXPERIMENT.

        A text is a level, and then this is loguru's own: ``log("INFO", "{} done", name)``.

        Raises:
            BadValue: *found* is none of these, or the level is another.
            StreamFailed: the disk refused.
        """
        if isinstance(found, str):
            if self._log is not None:
                self._log.log(found, level, *more, **named)
        elif level not in LEVELS:
            raise BadValue("level", f"{level!r} is none of {', '.join(LEVELS)}")
        else:
            self._write_each(found, level)

    def _write_each(self, found: object, level: str) -> None:
        from xvc.store.frames import rows_of_frame

        rows: Sequence[Mapping[str, object]] | None
        if isinstance(found, list | tuple) and all(isinstance(row, Mapping) for row in found):
            rows = found
        else:
            rows = [found] if isinstance(found, Mapping) else rows_of_frame(found)
        if rows is None:
            raise BadValue(level.lower(), f"takes a dict or a frame, not {type(found).__name__}")
        for row in rows:
            self._write(row, time.time(), level)

    def __getattr__(self, name: str) -> Callable[..., object]:
        log: Logger | None = self.__dict__.get("_log")
        if name.startswith("_"):
            raise AttributeError(name)
        if log is None:
            return _nothing
        return cast("Callable[..., object]", getattr(log, name))


def _nothing(*_: object, **__: object) -> None:
    """Take what a logger takes."""
