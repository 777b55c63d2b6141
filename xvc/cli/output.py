"""The only place that writes: data to stdout, all else to stderr, ``--json`` everywhere.

Tables are plain aligned text, so that they can be piped, and cut to the terminal's width on one.
"""

from __future__ import annotations

import codecs
import contextlib
import io
import json
import locale
import os
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Literal, TextIO, TypedDict, TypeVar, cast
from unicodedata import normalize

from xvc.core.foreign_text import visible, visible_json
from xvc.core.human_units import duration as duration  # noqa: PLC0414 - commands take it from here
from xvc.core.human_units import number as number  # noqa: PLC0414 - commands take it from here
from xvc.core.human_units import size as size  # noqa: PLC0414 - commands take it from here
from xvc.core.json_values import to_plain
from xvc.errors import XvcError
from xvc.system.standard_streams import speaks_utf8
from xvc.types import Json

SCHEMA = 1
FEW = 20
"""How many of something an answer names that is not a list of them; it says how many there are."""

_Each = TypeVar("_Each")
_WIDEST = 200  # characters of a cell that the others of its column are made as wide as
_GAP = "  "


class Envelope(TypedDict):
    """An answer; ``next`` holds commands to go on with. ``ok`` is false when the exit is not 0."""

    schema: int
    command: str
    ok: bool
    data: object
    warnings: list[str]
    next: list[str]


class ErrorFacts(TypedDict):
    """What went wrong, and the way out; ``retryable``: the same call may succeed later."""

    code: str
    message: str
    hint: str
    retryable: bool


class Refusal(TypedDict):
    """An error, of whatever command."""

    schema: int
    ok: Literal[False]
    error: ErrorFacts


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command found: JSON for machines, text for people, and what to do next.

    The text is shown with nothing in it that a terminal obeys, unless ``is_raw``: it was asked for
    as it is, or was drawn with colours of our own.
    """

    command: str
    data: object  # a typed dict or a frozen dataclass, as the schema of the command says
    text: str = ""
    warnings: tuple[str, ...] = ()
    next: tuple[str, ...] = ()
    exit_code: int = 0
    is_raw: bool = False


def here_or_root() -> Path:
    """The folder of the call; one that was removed under us the shell remembers by its name."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        return Path(os.environ.get("PWD") or "/")


@dataclass(slots=True)
class Manner:
    """How to speak: set once from the command line and the environment."""

    as_json: bool = False
    quiet: bool = False
    verbose: bool = False
    colour: bool = False
    folder: Path | None = None  # where xvc works; None is where it was called
    led: str | None = None  # what `-C` said of it


def few(many: Iterable[_Each]) -> list[_Each]:
    """Return the beginning of something that grows with a project; how many there are goes beside.

    >>> len(few(range(1000))), few("ab")
    (20, ['a', 'b'])
    """
    return list(islice(many, FEW))


def show(answer: Answer, manner: Manner) -> None:
    """Print an answer."""
    warnings = [commands_from_here(each, manner) for each in answer.warnings]
    answer = replace(answer, warnings=tuple(warnings), next=_steps(answer.next, manner))
    if manner.as_json:
        _write(sys.stdout, _document(envelope_of(answer)))
        return
    if answer.text:
        text = answer.text if answer.is_raw else visible(answer.text)
        _write(sys.stdout, text.rstrip("\n") + "\n")
    for warning in answer.warnings:
        _warn(warning, manner)
    if answer.next and not manner.quiet and sys.stderr.isatty():
        for step in answer.next:
            _write(sys.stderr, painted(f"next: {visible(step)}", "2", manner) + "\n")


def envelope_of(answer: Answer) -> Json:
    """Put an answer into its envelope, with everything in it that JSON cannot hold made plain."""
    envelope: Envelope = {
        "schema": SCHEMA,
        "command": answer.command,
        "ok": answer.exit_code == 0,
        "data": _by_field(answer.data),
        "warnings": list(answer.warnings),
        "next": list(answer.next),
    }
    return to_plain(envelope)


def _by_field(value: object) -> object:
    """Write the dataclasses in an answer as mappings, field by field, as its schema says."""
    if is_dataclass(value):
        return {each.name: _by_field(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        return {key: _by_field(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_by_field(part) for part in value]
    return value


def warn(text: str, manner: Manner) -> None:
    """Say something beside the answer."""
    _warn(commands_from_here(text, manner), manner)


def _warn(text: str, manner: Manner) -> None:
    _write(sys.stderr, f"{painted('warning:', '33', manner)} {visible(text)}\n")


def say(text: str, manner: Manner) -> None:
    """Say how far things are; not when quiet."""
    if not manner.quiet and not manner.as_json:
        _write(sys.stderr, f"{visible(text)}\n")


def commands_from_here(text: str, manner: Manner) -> str:
    """Let the commands in a text work from where the user stands."""
    if "`" not in text:
        return text
    from xvc.cli.from_here import text_from_here  # late: most calls say no command

    return text_from_here(text, manner.folder or here_or_root(), manner.led)


def _steps(steps: tuple[str, ...], manner: Manner) -> tuple[str, ...]:
    if manner.led is None and all(each.startswith("xvc ") for each in steps):
        return steps
    from xvc.cli.from_here import from_here  # late: as above

    return tuple(from_here(each, manner.folder or here_or_root(), manner.led) for each in steps)


def show_error(error: XvcError, manner: Manner) -> None:
    """Print an error: one sentence, one hint."""
    hint = commands_from_here(error.hint, manner)
    if manner.as_json:
        facts: ErrorFacts = {
            "code": error.code,
            "message": str(error),
            "hint": hint,
            "retryable": error.retryable,
        }
        envelope: Refusal = {"schema": SCHEMA, "ok": False, "error": facts}
        with contextlib.suppress(OSError):  # a full disk: that is said where there is room
            _write(sys.stdout, _document(cast("Json", envelope)))
            return
    head = painted(f"error[{error.code}]:", "1;31", manner)
    _write(sys.stderr, f"{head} {visible(str(error))}\n")
    if hint:
        _write(sys.stderr, f"{painted('hint:', '36', manner)} {visible(hint)}\n")


def _document(envelope: Json) -> str:
    return visible_json(_json(envelope)) + "\n"


def painted(text: str, colour: str, manner: Manner) -> str:
    """Colour a word; colour never carries meaning alone."""
    return f"\x1b[{colour}m{text}\x1b[0m" if manner.colour else text


def _json(value: Json) -> str:
    """Write JSON; where the stream cannot say a character, by its number, which means the same."""
    text = json.dumps(value, ensure_ascii=False)
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return json.dumps(value)
    return text


def approximate() -> None:
    """Let the streams show what their encoding has no character for by something like it."""
    codecs.register_error("xvc-approximate", _approximation)
    is_ours = speaks_utf8() and "PYTHONIOENCODING" not in os.environ  # the terminal may have less
    encoding = locale.getencoding() if is_ours else None
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding=encoding, errors="xvc-approximate")


def _approximation(err: UnicodeError) -> tuple[str, int]:
    """Take the accent off a letter, else show a byte by its number, and the rest as ``?``."""
    if not isinstance(err, UnicodeEncodeError):
        raise err
    shown = []
    for letter in err.object[err.start : err.end]:
        plain = _LIKE.get(letter) or normalize("NFKD", letter).encode("ascii", "ignore").decode()
        is_byte = "\udc80" <= letter <= "\udcff"
        shown.append(f"\\x{ord(letter) - 0xDC00:02x}" if is_byte else plain or "?")
    return "".join(shown), err.end


_LIKE = {
    "…": "...",
    "–": "-",
    "—": "-",
    "×": "x",
    "→": "->",
    "ß": "ss",
    "“": '"',
    "”": '"',
    "’": "'",
}


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(text)
        stream.flush()
    except OSError as err:
        # The reader has gone (`| head`), or messages have nowhere to go: what was done counts.
        if stream is sys.stdout and not isinstance(err, BrokenPipeError):
            raise OSError(err.errno, err.strerror, "standard output") from err
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[int] = ()) -> str:
    """Align columns, but for cells that are very long; columns listed in *right* are numbers.

    >>> print(table(["run", "acc"], [["a", "0.9"], ["bcd", "10"]], right=[1]))
    run  acc
    a    0.9
    bcd   10
    """
    lines = [list(head), *(list(row) for row in rows)]
    # one value of 2 MB would make every line as long: a list of 655 runs had 1.3 GB
    widths = [min(_WIDEST, max(len(line[at]) for line in lines)) for at in range(len(head))]
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


def moment(nanoseconds: int | None) -> str:
    """Write a point of time as this machine's clock shows it."""
    import time  # late: only lists show times

    if nanoseconds is None:
        return "-"
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(nanoseconds / 1e9))
