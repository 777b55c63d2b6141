"""Whether a clone holds only what it was made with: files that a job has left there are removed.

A file that the clone was made with and that is gone or changed since cannot be brought back here:
the clone is then no longer clean, and the caller makes another.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path

State = dict[str, list[int]]


def state_of(top: Path, apart: Collection[str]) -> State:
    """Map everything below *top* to what tells a change of it: inode, size and times.

    Args:
        top: of the clone; its ``.git`` is left out.
        apart: paths from the top that are left out, with all below them.
    """
    return {path: _signs(top / path) for path in _paths(top, frozenset(apart))}


def save_state(top: Path, apart: Collection[str], place: Path) -> None:
    """Write the state of a new clone into a file."""
    place.write_text(json.dumps(state_of(top, apart)), encoding="utf-8")


def clean(top: Path, apart: Collection[str], place: Path) -> bool:
    """Remove what is not in the state that was saved; whether all that is in it is unchanged."""
    try:
        saved: State = json.loads(place.read_bytes())
    except (OSError, ValueError):
        return False
    for path in sorted(state_of(top, apart).keys() - saved.keys(), reverse=True):
        _remove(top / path)
    return state_of(top, apart) == saved


def _paths(top: Path, apart: frozenset[str]) -> Iterator[str]:
    for folder, folders, files in os.walk(top, onerror=_fail):
        below = os.path.relpath(folder, top)
        named = {name: os.path.normpath(os.path.join(below, name)) for name in (*folders, *files)}
        folders[:] = [name for name in folders if not _is_apart(named[name], apart)]
        yield from (path for path in named.values() if not _is_apart(path, apart))


def _fail(err: OSError) -> None:
    raise err


def _is_apart(path: str, apart: frozenset[str]) -> bool:
    return path == ".git" or path in apart


def _signs(path: Path) -> list[int]:
    facts = path.lstat()
    if path.is_dir() and not path.is_symlink():
        return [facts.st_mode]  # the files in it speak for themselves
    return [facts.st_mode, facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns]


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
