"""In which state the code is that an interpreter takes from where it lies, outside of the tree.

A package that ``pip install -e`` or a ``.pth`` file leaves in place changes under one version. Its
git commit tells what it is, and a digest what of it differs from that; without git a digest tells
whether it is the same. What the project's own tree holds is in the run's snapshot.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path

from xvc.core.code_files import is_junk, is_source
from xvc.errors import XvcError
from xvc.git.commands import Git, find
from xvc.git.submodules import ignored_paths

_MANY = 5000  # files that are looked into
_LARGE = 8 << 20  # bytes of one; a larger one counts by its size and time
_SHOWN = 10
UNKNOWN = "in a state that is not known"


def state_in_place(git: Git, folder: Path) -> str:
    """Say in which state the code of a folder is; nothing of one that the tree of *git* holds.

    ``at COMMIT`` of its own repository, with ``changed DIGEST`` where that does not hold all of it;
    ``code DIGEST`` without one.
    """
    real = folder.resolve()
    try:
        place = find(real)
        if place is not None and place.top == git.place.top:
            within = real.relative_to(place.top).as_posix()
            if within == "." or not ignored_paths(git, [within]):
                return ""
            return f"code {_digest(real, _sources(real))}"
        if place is None:
            return f"code {_digest(real, _sources(real))}"
        state = git.at(place).state(below=real)
    except (XvcError, OSError, ValueError):
        return UNKNOWN
    fresh = [path for path in state.untracked if is_source(path) and not is_junk(path)]
    differing = sorted({*state.changed, *state.modules, *fresh})
    said = f"at {state.commit[:_SHOWN]}" if state.commit else "without a commit"
    return f"{said}, changed {_digest(place.top, differing)}" if differing else said


def _digest(top: Path, paths: Iterable[str]) -> str:
    found = sha256()
    for path in paths:
        found.update(os.fsencode(path) + b"\0" + _content(top / path) + b"\0")
    return found.hexdigest()[:_SHOWN]


def _content(path: Path) -> bytes:
    try:
        facts = path.stat()
        if facts.st_size > _LARGE:
            return f"{facts.st_size} {facts.st_mtime_ns}".encode()
        return sha256(path.read_bytes()).digest()
    except OSError:
        return b""


def _sources(top: Path) -> list[str]:
    found: list[str] = []
    for path in _walked(top):
        found.append(path)
        if len(found) == _MANY:
            break
    return sorted(found)


def _walked(top: Path) -> Iterator[str]:
    for folder, inner, names in os.walk(top):
        inner[:] = sorted(name for name in inner if not is_junk(name))
        for name in sorted(names):
            if is_source(name):
                yield os.path.relpath(os.path.join(folder, name), top)
