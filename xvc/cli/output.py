"""The only place that writes: data to stdout, all else to stderr, ``--json`` everywhere.

Tables are plain aligned text, so that they can be piped, and cut to the terminal's width on one.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import cast

from xvc.core.plain import to_plain
from xvc.errors import XvcError
from xvc.types import Json

SCHEMA = 1
_GAP = "  "


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command found: JSON for machines, text for people, and what to do next."""

    command: str
    data: Json
    text: str = ""
    warnings: tuple[str, ...] = ()
    next: tuple[str, ...] = ()
    exit_code: int = 0


@dataclass(slots=True)
class Manner:
    """How to speak: set once from the command line and the environment."""

    as_json: bool = False
    quiet: bool = False
    verbose: bool = False
    colour: bool = False


def show(answer: Answer, manner: Manner) -> None:
    """Print an answer."""
    if manner.as_json:
        envelope: dict[str, Json] = {
            "schema": SCHEMA,
            "command": answer.command,
            "ok": answer.exit_code == 0,
            "data": answer.data,
            "warnings": list(answer.warnings),
            "next": list(answer.next),
        }
        _write(sys.stdout, json.dumps(to_plain(envelope), ensure_ascii=False) + "\n")
        return
    if answer.text:
        _write(sys.stdout, answer.text.rstrip("\n") + "\n")
    for warning in answer.warnings:
        warn(warning, manner)
    if answer.next and not manner.quiet and sys.stderr.isatty():
        for step in answer.next:
            _write(sys.stderr, painted(f"next: {step}", "2", manner) + "\n")


def warn(text: str, manner: Manner) -> None:
    """Say something beside the answer."""
    _write(sys.stderr, f"{painted('warning:', '33', manner)} {text}\n")


def say(text: str, manner: Manner) -> None:
    """Say how far things are; not when quiet."""
    if not manner.quiet and not manner.as_json:
        _write(sys.stderr, f"{text}\n")


def progress(text: str, manner: Manner) -> None:
    """Say how far long work is, to somebody who watches a terminal."""
    if sys.stderr.isatty():
        say(text, manner)


def show_error(error: XvcError, manner: Manner) -> None:
    """Print an error: one sentence, one hint."""
    if manner.as_json:
        told: dict[str, Json] = {
            "code": error.code,
            "message": str(error),
            "hint": error.hint,
            "retryable": error.retryable,
        }
        envelope: dict[str, Json] = {"schema": SCHEMA, "ok": False, "error": told}
        _write(sys.stdout, json.dumps(envelope, ensure_ascii=False) + "\n")
        return
    _write(sys.stderr, f"{painted(f'error[{error.code}]:', '1;31', manner)} {error}\n")
    if error.hint:
        _write(sys.stderr, f"{painted('hint:', '36', manner)} {error.hint}\n")


def painted(text: str, colour: str, manner: Manner) -> str:
    """Colour a word; colour never carries meaning alone."""
    return f"\x1b[{colour}m{text}\x1b[0m" if manner.colour else text


def _write(stream: object, text: str) -> None:
    out = cast("Callable[[str], None]", getattr(stream, "write"))  # noqa: B009 - a TextIO
    try:
        out(text)
        cast("Callable[[], None]", getattr(stream, "flush"))()  # noqa: B009
    except BrokenPipeError:
        # The reader has gone (`| head`): nothing more can be said, and nothing is wrong.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[int] = ()) -> str:
    """Align columns; columns listed in *right* are numbers.

    >>> print(table(["run", "acc"], [["a", "0.9"], ["bcd", "10"]], right=[1]))
    run  acc
    a    0.9
    bcd   10
    """
    lines = [list(head), *(list(row) for row in rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(head))]
    shown = []
    for line in lines:
        cells = [
            cell.rjust(width) if place in right else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        shown.append(_cut(_GAP.join(cells).rstrip()))
    return "\n".join(shown)


def _cut(line: str) -> str:
    if not sys.stdout.isatty():
        return line
    width = shutil.get_terminal_size().columns
    return line if len(line) <= width else line[: width - 1] + "…"


def number(value: Json) -> str:
    """Write a value for a cell.

    >>> number(0.97221), number(3), number(None), number("svm")
    ('0.9722', '3', '-', 'svm')
    """
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return (
            f"{value:.4g}"
            if abs(value) < 1e-3 or abs(value) >= 1e6
            else f"{value:.4f}".rstrip("0").rstrip(".")
        )
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    return " ".join(str(value).split())


def duration(seconds: float | None) -> str:
    """Write a span of time.

    >>> duration(0.123), duration(75), duration(7322)
    ('0.12s', '1m15s', '2h02m')
    """
    if seconds is None:
        return "-"
    if seconds < 60:
        return f"{seconds:.2f}s" if seconds < 10 else f"{seconds:.0f}s"
    if seconds < 3600:
        return f"{int(seconds // 60)}m{int(seconds % 60):02d}s"
    return f"{int(seconds // 3600)}h{int(seconds % 3600 // 60):02d}m"


def size(count: int | None) -> str:
    """Write a number of bytes.

    >>> size(1536), size(12)
    ('1.5 KB', '12 B')
    """
    if count is None:
        return "-"
    amount, unit = float(count), "B"
    for unit in ("B", "KB", "MB", "GB", "TB"):  # noqa: B007 - the last one stays
        if amount < 1024:
            break
        amount /= 1024
    return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"


def moment(nanoseconds: int | None) -> str:
    """Write a point of time as this machine's clock shows it."""
    import time  # late: only lists show times

    if nanoseconds is None:
        return "-"
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(nanoseconds / 1e9))
