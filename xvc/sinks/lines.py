"""Files of whole lines that many processes append to, and rows as lines of JSON in them.

A line is one ``write`` to a file opened for appending, so that lines of others never stand inside
it. A file is opened with its first line, and again where a process was forked from another.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from xvc.errors import BadValue, NoStore, StreamFailed
from xvc.journal.codec import from_json, to_json
from xvc.sinks.flat_rows import flat

_LOGGED = re.compile(r"\S+ \| (?:TRACKING|MONITOR|EXPERIMENT) \| (\{.*\})")


def line_of(row: Mapping[str, object], at: float, level: str, run: str) -> str:
    """Write a row as one flat JSON object: ``timestamp``, ``level``, the row, ``track_id``.

    Args:
        row: what was logged.
        at: its time, in seconds since the epoch.
        level: what kind of row it is.
        run: its run.
    """
    when = datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds")
    made = flat(row, {"timestamp": when, "level": level, "track_id": run})
    made["track_id"] = made.pop("track_id")  # the last of the line
    return to_json(made)


class Lines:
    """A file that lines are appended to; its folder is made when missing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor, self._is_torn = -1, False

    def write(self, line: str) -> None:
        """Append one line, in one piece.

        Raises:
            StreamFailed: the disk refused.
        """
        data = (line.rstrip("\n") + "\n").encode("utf-8", "backslashreplace")
        try:
            if self._descriptor < 0:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
                self._descriptor = os.open(self.path, flags, 0o644)
            before = b"\n" if self._is_torn else b""
            written = os.write(self._descriptor, before + data)
        except OSError as err:
            raise StreamFailed(str(self.path), err.strerror or str(err)) from err
        self._is_torn = written != len(before + data)
        if self._is_torn:
            raise StreamFailed(str(self.path), "no space left on device")

    def close(self) -> None:
        """Release the file; the next line opens it again."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1


def read_lines(path: Path) -> Iterator[dict[str, object]]:
    """Read rows back, line by line; lines that are none are passed over, with a warning.

    Raises:
        NoStore: there is no such file.
    """
    passed = 0
    for line in _lines(path):
        row = _row(line)
        if row is not None:
            yield row
        elif line.strip():
            passed += 1
    if passed:
        said = f"{path}: lines that hold no row were passed over: {passed}"
        warnings.warn(said, UserWarning, stacklevel=2)


def read_log(path: Path, limit: int | None = None) -> Iterator[dict[str, object]]:
    """Read the rows in a log, or in every log of a folder by name; other lines are passed over.

    Of a folder only the last *limit* files.

    Raises:
        NoStore: there is no such file or folder.
        BadValue: *limit* is below 0.
    """
    if limit is not None and limit < 0:
        raise BadValue("limit", f"how many log files, not {limit}")
    files = sorted(path.glob("*.log")) if path.is_dir() else [path]
    for file in files[-limit:] if limit else files if limit is None else []:
        for line in _lines(file):
            found = _LOGGED.fullmatch(line.rstrip("\n"))
            row = _row(found[1]) if found else None
            if row is not None:
                yield row


def _lines(path: Path) -> Iterator[str]:
    if not path.is_file():
        raise NoStore(str(path))
    with path.open(encoding="utf-8", errors="replace", newline="\n") as file:
        yield from file


def _row(line: str) -> dict[str, object] | None:
    try:
        found = from_json(line)
    except ValueError:
        return None
    return cast("dict[str, object]", found) if isinstance(found, dict) else None
