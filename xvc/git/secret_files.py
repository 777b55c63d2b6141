"""Which files of a work tree hold secrets, by name or by what stands in them.

Reads all of each text, and the beginning of what is none, in windows that overlap. A secret that
HEAD has already is not kept back by leaving out the work of a day.
"""

from __future__ import annotations

import os
import stat
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from xvc.core.secret_shapes import secrets_in
from xvc.core.secrets import looks_secret
from xvc.git.commands import Git

_WINDOW, _OVERLAP = 990_000, 8_000  # signs; no shape of a secret is longer than the overlap
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
    git: Git, commit: str | None, paths: Iterable[str], allowed: Sequence[str]
) -> dict[str, str]:
    """Map each file that holds a secret to where it stands: ``line 3: github-pat``.

    Args:
        git: the repository.
        commit: HEAD; what it has already counts for nothing.
        paths: files, named from the top.
        allowed: patterns of files that are not looked at.
    """
    found: dict[str, list[_Secret]] = {}
    for path in paths:
        if not is_allowed(path, allowed) and (its := list(_secrets_of(git.place.top, path))):
            found[path] = its
    asked = [f"{commit}:{path}" for path in found if commit and "\n" not in path]
    held = git.read_each(asked)
    reasons = {}
    for path, its in found.items():
        held_text = held.get(f"{commit}:{path}") or b""
        known = held_text.decode(_encoding_of(held_text), errors="replace")
        if fresh := next((each for each in its if each.text not in known), None):
            reasons[path] = f"line {fresh.line}: {fresh.rule}"
    return reasons


def _secrets_of(top: Path, path: str) -> Iterator[_Secret]:
    """Find the secrets of a plain file; what cannot be read has none, for git cannot take it."""
    for line, text in _windows(top / path):
        for each in secrets_in(text):
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
