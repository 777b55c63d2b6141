"""The objects in the DVC cache as files: which there are, which were marked, taking them away.

Knows nothing of who needs one. Objects of DVC 2, which lie elsewhere, are counted, no more.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from xvc.core.run_inputs import is_digest
from xvc.dvc.repository import Dvc
from xvc.system.files import make_folder, write_durably

_DAY = 24 * 3600 * 10**9
_TWO = 2


@dataclass(frozen=True, slots=True)
class CachedObject:
    """One object: its bytes, and when it was last written (nanoseconds since the epoch)."""

    size: int
    at: int


def held_objects(dvc: Dvc) -> dict[str, CachedObject]:
    """Map every object of the cache to what its file says."""
    home = dvc.cache / "files" / "md5"
    found: dict[str, CachedObject] = {}
    for folder in sorted(home.iterdir()) if home.is_dir() else ():
        if len(folder.name) != _TWO or not folder.is_dir():
            continue
        for entry in os.scandir(folder):
            digest = folder.name + entry.name
            if is_digest(digest) and entry.is_file(follow_symlinks=False):
                facts = entry.stat()
                found[digest] = CachedObject(facts.st_size, facts.st_mtime_ns)
    second = dvc.second
    for path in second.iterdir() if second is not None and second.is_dir() else ():
        if path.name not in found and is_digest(path.name):
            facts = path.stat()
            found[path.name] = CachedObject(facts.st_size, facts.st_mtime_ns)
    return found


def old_objects(dvc: Dvc) -> list[int]:
    """List the bytes of each object where DVC 2 kept them."""
    cache = dvc.cache
    folders = [each for each in cache.iterdir() if len(each.name) == _TWO] if cache.is_dir() else []
    files = (entry for each in folders if each.is_dir() for entry in os.scandir(each))
    return [
        entry.stat().st_size
        for entry in files
        if is_digest(Path(entry.path).parent.name + entry.name)
        and entry.is_file(follow_symlinks=False)
    ]


def leftovers(dvc: Dvc, now: int) -> dict[Path, int]:
    """Map half-made objects that nobody has written to for a day to their bytes.

    Their writers were killed; what was being brought lies in a folder.
    """
    home = dvc.cache / "files" / "md5"
    found = {}
    for path in sorted(home.glob(".*")) if home.is_dir() else ():
        try:
            facts = [each.stat() for each in (path, *path.rglob("*"))]
        except FileNotFoundError:
            continue  # somebody is at work in it
        if max(each.st_mtime_ns for each in facts) < now - _DAY:
            found[path] = sum(each.st_size for each in facts if stat.S_ISREG(each.st_mode))
    return found


def remove_leftover(path: Path) -> None:
    """Delete a half-made object, or the folder of several."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def read_marks(path: Path) -> dict[str, int]:
    """Read when each object was marked (nanoseconds); torn or missing, nothing is marked."""
    try:
        found = json.loads(path.read_bytes())
        return {str(name): int(at) for name, at in found.items()}
    except (FileNotFoundError, ValueError, AttributeError, TypeError):
        return {}


def write_marks(path: Path, marks: Mapping[str, int]) -> None:
    """Put the marks on the disk."""
    make_folder(path.parent)
    write_durably(path, json.dumps(dict(sorted(marks.items()))).encode())


def remove(dvc: Dvc, digest: str, *, since: int) -> int | None:
    """Delete an object that nobody has written since it was marked.

    Returns the bytes it had; None when it stays, or was gone before.
    """
    names = [dvc.place(digest), *([dvc.second / digest] if dvc.second is not None else [])]
    there = [name for name in names if name.exists()]
    try:
        facts = [name.stat() for name in there]
        if not facts or max(each.st_mtime_ns for each in facts) > since:
            return None
        for name in there:
            name.unlink()
    except FileNotFoundError:
        return None
    return facts[0].st_size
