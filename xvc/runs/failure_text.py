"""What a program said last before it failed: the end of its traceback, or of stderr.

Pure: bytes in, one line out.
"""

from __future__ import annotations

from xvc.core.late_pattern import late

KEPT = 16_384  # bytes of stderr that are looked at
_COLOUR = late(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
_TRACEBACK = "Traceback (most recent call last):"
_LONGEST = 300


def last_words(stderr: bytes) -> str | None:
    r"""Return the error of the last traceback in *stderr*, else its last line; None when empty.

    >>> last_words(b"Traceback (most recent call last):\n  File x\nKeyError: 'lr'\nbye\n")
    "KeyError: 'lr'"
    >>> last_words(b"bash: no such file\n\n")
    'bash: no such file'
    """
    text = _COLOUR.sub("", stderr[-KEPT:].decode("utf-8", "replace"))
    lines = [line.rpartition("\r")[2].rstrip() for line in text.replace("\r\n", "\n").split("\n")]
    said = _of_traceback(lines) or next((line for line in reversed(lines) if line.strip()), "")
    line = "".join(char if char.isprintable() else " " for char in said).strip()
    if not line:
        return None
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def _of_traceback(lines: list[str]) -> str:
    """Return the first line behind the last traceback's frames: the error and its message."""
    starts = [place for place, line in enumerate(lines) if line.strip(" |+") == _TRACEBACK]
    if not starts:
        return ""
    behind = lines[starts[-1] + 1 :]
    return next((line for line in behind if line.strip(" |") and line[:1] not in (" ", "|")), "")
