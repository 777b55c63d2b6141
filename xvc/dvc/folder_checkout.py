"""Bringing a tracked folder of the tree in line with its pointer: put there, replaced, removed.

Only bytes that the old pointer names, so that the cache or a version has them, are ever taken away;
a folder that a person has changed is left as it is.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from xvc.dvc.cache_links import Linker
from xvc.dvc.pointers import SUFFIX
from xvc.system.files import md5_of, sync_folder
from xvc.system.staging import Staging


def is_as(folder: Path, files: Mapping[str, tuple[str, Path]]) -> bool:
    """Whether a folder holds just these files: by path in it, the digest and the cache object."""
    found = {path.relative_to(folder).as_posix(): path for path in _files(folder)}
    return found.keys() == files.keys() and not _others(folder, files)


def odd_files(folder: Path, files: Mapping[str, tuple[str, Path]]) -> list[str]:
    """List the files of a folder whose bytes none of these are."""
    return _others(folder, files) if folder.is_dir() else []


def _others(folder: Path, files: Mapping[str, tuple[str, Path]]) -> list[str]:
    found = []
    for path in _files(folder):
        name = path.relative_to(folder).as_posix()
        if name not in files or not _is_held(path, *files[name]):
            found.append(name)
    return found


def _files(folder: Path) -> list[Path]:
    return sorted(each for each in folder.rglob("*") if each.is_symlink() or not each.is_dir())


def _is_held(path: Path, digest: str, place: Path) -> bool:
    if path.is_symlink() and not path.exists():
        return True  # a link into a cache that has lost the object: nothing of its own
    with contextlib.suppress(OSError):
        if path.samefile(place):
            return True
    return path.is_file() and md5_of(path) == digest


def put_folder(
    target: Path, files: Mapping[str, tuple[str, Path]], linker: Linker, *, is_own: bool
) -> None:
    """Put a folder in place of what is there, in one step.

    *is_own*: something may write to it, so it shares no bytes with the cache.

    Raises:
        OSError: the disk refused.
    """
    with Staging(target) as staging:
        whole = staging.folder / target.name
        whole.mkdir()
        for name, (_, place) in files.items():
            linker.put(place, whole / name, is_own=is_own)
        staging.publish(whole, replace=True)
    linker.clear()
    sync_folder(target.parent)


def clear_remains(file: Path) -> None:
    """Take away what a kill has left half written beside a file, or the folder of a pointer."""
    for left in file.parent.glob(f".{file.name.lstrip('.')}.[0-9]*.tmp"):
        left.unlink(missing_ok=True)
    if file.suffix == SUFFIX:
        for left in file.parent.glob(f".{file.stem}.getting-*"):
            shutil.rmtree(left, ignore_errors=True)


def take_away(folder: Path, files: Mapping[str, tuple[str, Path]]) -> None:
    """Remove the files of a folder that these are, and the folders that are empty then."""
    odd = set(_others(folder, files)) if folder.is_dir() else set()
    for name in files.keys() - odd:
        (folder / name).unlink(missing_ok=True)
    below = [each for each in folder.rglob("*") if each.is_dir() and not each.is_symlink()]
    for each in sorted([folder, *below], key=lambda path: -len(path.parts)):
        with contextlib.suppress(OSError):  # something else is in it, or it has gone
            os.rmdir(each)
