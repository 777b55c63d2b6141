"""Which files of a work tree hold secrets, by name or by what stands in them.

Reads all of each text, and the beginning of what is none, in windows that overlap; a window that
was seen without a secret before is known by its content. A text that is too large for that is
told like one that holds a secret. A secret that HEAD has already is not kept back by leaving out
the work of a day.
"""

from __future__ import annotations

import os
import stat
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from xvc.core.secrets import looks_secret
from xvc.git.clean_texts import CleanTexts
from xvc.git.commands import Git

_WINDOW, _OVERLAP = 990_000, 8_000  # signs; no shape of a secret is longer than the overlap
_LARGE = 100_000_000  # bytes; what has more takes half a minute, and no forge takes it
_PROBE = 8_000  # a zero among so many says that a file is no text, as for git


@dataclass(frozen=True, slots=True)
class _Secret:
    line: int
    rule: str
    text: str


def is_withheld(path: str, allowed: Sequence[str]) -> bool:
    """Whether a file is left out for its name; *allowed* are patterns of names and paths."""
    return looks_secret(path) and not is_allowed(path, allowed)


def is_allowed(path: str, allowed: Sequence[str]) -> bool:
    """Whether a pattern fits a file's name or its whole path.

    >>> is_allowed("tests/certs/a.pem", ["tests/certs/*"]), is_allowed("a.pem", [])
    (True, False)
    """
    name = path.rpartition("/")[2]
    return any(fnmatchcase(each, pattern) for pattern in allowed for each in (name, path))


def holding_secrets(
    git: Git,
    commit: str | None,
    paths: Iterable[str],
    allowed: Sequence[str],
    *,
    memory: Path,
    at_most: int = _LARGE,
) -> dict[str, str]:
    """Map each file that holds a secret to where it stands: ``line 3: github-pat``.

    A text of more than *at_most* bytes, and of more than 100 MB, is not read; it is told as that.

    Args:
        git: the repository.
        commit: HEAD; what it has already counts for nothing.
        paths: files, named from the top.
        allowed: patterns of files that are not looked at.
        memory: the file of what needs no look again, see `CleanTexts`.
        at_most: bytes of a text that the settings let in.
    """
    found: dict[str, list[_Secret]] = {}
    reasons = {}
    clean = CleanTexts(memory)
    for path in paths:
        if is_allowed(path, allowed):
            continue
        place = git.place.top / path
        if _is_large(place, max(at_most, _LARGE)):
            reasons[path] = "too large to look for one"
        elif its := list(_secrets_of(place, clean)):
            found[path] = its
    clean.save()
    asked = [f"{commit}:{path}" for path in found if commit and "\n" not in path]
    held = git.read_each(asked)
    for path, its in found.items():
        held_text = held.get(f"{commit}:{path}") or b""
        known = held_text.decode(_encoding_of(held_text), errors="replace")
        if fresh := next((each for each in its if each.text not in known), None):
            reasons[path] = f"line {fresh.line}: {fresh.rule}"
    return reasons


def _is_large(place: Path, at_most: int) -> bool:
    """Whether a plain file is a text of more bytes."""
    try:
        facts = os.lstat(place)
        if not stat.S_ISREG(facts.st_mode) or facts.st_size <= at_most:
            return False
        with place.open("rb") as file:
            beginning = file.read(_PROBE)
        return b"\0" not in beginning or _encoding_of(beginning) != "latin-1"
    except OSError:
        return False


def _secrets_of(place: Path, clean: CleanTexts) -> Iterator[_Secret]:
    """Find the secrets of a plain file; what cannot be read has none, for git cannot take it."""
    for line, text in _windows(place):
        for each in clean.secrets_in(text):
            at = line + text.count("\n", 0, each.start)
            yield _Secret(at, each.rule, text[each.start : each.end])


def _windows(place: Path) -> Iterator[tuple[int, str]]:
    """Read a file in pieces that overlap, each from the beginning of a line, with its number."""
    try:
        if not stat.S_ISREG(os.lstat(place).st_mode):
            return
        with place.open("rb") as file:
            encoding = _encoding_of(file.read(2))
        with place.open(encoding=encoding, errors="replace", newline="") as file:
            line, rest = 1, ""
            while piece := file.read(_WINDOW):
                text = rest + piece
                yield line, text
                if "\0" in text[:_PROBE]:
                    return
                end = max(0, len(text) - _OVERLAP)
                end = text.find("\n", end) + 1 or end
                line, rest = line + text.count("\n", 0, end), text[end:]
    except OSError:
        return


def _encoding_of(beginning: bytes) -> str:
    """Name how bytes are read: each is one sign but in UTF-16; what is looked for is ASCII."""
    return "utf-16" if beginning.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "latin-1"
