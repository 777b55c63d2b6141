"""Which files of a work tree hold secrets, by name or by what stands in them.

Reads the beginning of each file, and of what HEAD has of it: a secret that is committed already is
not kept back by leaving out the work of a day.
"""

from __future__ import annotations

import os
import stat
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from xvc.core.secret_shapes import SecretMatch, secrets_in
from xvc.core.secrets import looks_secret
from xvc.git.commands import Git

_LOOKED_AT = 1_000_000  # bytes of a file: 0.2 s; what a person writes is shorter


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
    found: dict[str, tuple[str, list[SecretMatch]]] = {}
    for path in paths:
        if not is_allowed(path, allowed) and (text := _text(git.place.top, path)) is not None:
            its = secrets_in(text)
            if its:
                found[path] = text, its
    asked = [f"{commit}:{path}" for path in found if commit and "\n" not in path]
    held = git.read_each(asked)
    reasons = {}
    for path, (text, its) in found.items():
        known = _decoded(held.get(f"{commit}:{path}") or b"")
        fresh = [each for each in its if text[each.start : each.end] not in known]
        if fresh:
            line = text.count("\n", 0, fresh[0].start) + 1
            reasons[path] = f"line {line}: {fresh[0].rule}"
    return reasons


def _text(top: Path, path: str) -> str | None:
    """The beginning of a plain file as text; None for what is none, or cannot be read."""
    if path.endswith("/"):
        return None
    place = os.path.join(top, path)
    try:
        if not stat.S_ISREG(os.lstat(place).st_mode):
            return None
        with open(place, "rb") as file:
            return _decoded(file.read(_LOOKED_AT))
    except OSError:
        return None


def _decoded(held: bytes) -> str:
    """Read bytes as text, every byte one sign but for UTF-16: what is looked for is ASCII."""
    if held.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return held.decode("utf-16", errors="replace")
    return held.decode("latin-1")
