"""Writing files so that a power cut leaves the old content or the new, never half."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import shutil
import time
from pathlib import Path
from threading import get_native_id
from typing import BinaryIO

_CHUNK = 1 << 20
_left: list[int] = []  # descriptors of removed folders that we stood in
_FRESH = 3600  # seconds
_LOOKED_AT, _MOST_ODD = 512, 0.30  # how DVC 2 told text from other bytes
_TEXT = bytes(range(32, 127)) + b"\n\r\t\f\b"
_PLAIN = os.O_CLOEXEC | os.O_NOFOLLOW  # a clone may have a link at the name of a sibling


def beside(path: Path, ending: str) -> Path:
    """Name a sibling that will take the file's place; a sibling's sibling has one dot, too.

    No other thread of any process on this machine has the same name for it.
    """
    return path.with_name(f".{path.name.lstrip('.')}.{get_native_id()}.{ending}")


def remove_left_beside(path: Path) -> None:
    """Remove what writers that were killed have left beside a file, made as its next content.

    Whoever calls holds the lock that those writers hold. What is fresh stays: a writer on another
    machine, which shares the disk and not its locks, may be at it.
    """
    of_writer = re.compile(rf"\.{re.escape(path.name.lstrip('.'))}\.[0-9]+\.new(?:\.wal)?")
    before = time.time() - _FRESH
    with contextlib.suppress(OSError):
        for name in filter(of_writer.fullmatch, os.listdir(path.parent)):
            left = path.with_name(name)
            if left.lstat().st_mtime < before:
                left.unlink()


def what_stands(path: Path) -> str:
    """Say what stands in a file's place and is none; empty where there is a file, or nothing."""
    if path.is_file() or not os.path.lexists(path):
        return ""
    return "no file (a folder, a pipe or a device)" if path.exists() else "a link to nowhere"


def barred_at(path: Path) -> Path:
    """Find the first folder on the way to a path that may not be entered; else the path itself."""
    way = [*reversed(path.parents), path]
    return next((each for each in way if each.is_dir() and not os.access(each, os.X_OK)), path)


def sync_folder(folder: Path) -> None:
    """Put a folder's names on the disk."""
    sync_file(folder)


def sync_file(path: Path) -> None:
    """Put what a file holds on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path, *, mode: int | None = None) -> None:
    """Make a folder and its parents, each name on the disk; what is made gets *mode*, if any."""
    missing = [folder, *folder.parents]
    missing = [path for path in missing if not path.exists()]
    for path in reversed(missing):
        path.mkdir(exist_ok=True)
        if mode is not None:
            path.chmod(mode)
        sync_folder(path.parent)


def write_durably(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Put *data* in place of the file: sibling, fsync, rename, fsync of the folder."""
    sibling = beside(path, "tmp")
    descriptor = os.open(sibling, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _PLAIN, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(sibling, path)
    except BaseException:
        sibling.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def _plainly(path: Path) -> BinaryIO:
    """Open a file of our own for writing; a link at its name is not followed."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _PLAIN, 0o666)
    return os.fdopen(descriptor, "wb")


def copy_durably(source: Path, target: Path, *, mode: int | None = None) -> tuple[str, int]:
    """Copy in one pass and return the md5 and the size of the very bytes that were written.

    Without a *mode* the copy has what the umask gives a new file.
    """
    digest = hashlib.md5(usedforsecurity=False)
    size = 0
    sibling = beside(target, "tmp")
    try:
        with source.open("rb") as reading, _plainly(sibling) as file:
            while chunk := reading.read(_CHUNK):
                digest.update(chunk)
                size += len(chunk)
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        if mode is not None:
            sibling.chmod(mode)
        os.replace(sibling, target)
    except BaseException:
        sibling.unlink(missing_ok=True)
        raise
    sync_folder(target.parent)
    return digest.hexdigest(), size


def copy_hashed(source: Path, target: Path) -> str:
    """Copy and return the md5 of the very bytes; not fsynced, for what can be had again."""
    digest = hashlib.md5(usedforsecurity=False)
    with source.open("rb") as reading, _plainly(target) as file:
        while chunk := reading.read(_CHUNK):
            digest.update(chunk)
            file.write(chunk)
    return digest.hexdigest()


TEMPORARY = ("/tmp", "/var/tmp", "/usr/tmp")  # noqa: S108 - what Python looks at, too
"""Folders for temporary files."""


def stand_somewhere(folder: Path) -> None:
    """Go to *folder*, or above it, where the folder that we stand in was removed under us.

    DuckDB opens nothing without one, and a relative path led nowhere before either. `stand_back`
    returns, for a command that is to begin where its caller stands.
    """
    try:
        os.getcwd()
    except FileNotFoundError:
        with contextlib.suppress(OSError):
            _left.append(os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
        os.chdir(next(each for each in (folder, *folder.parents) if each.is_dir()))


def temporary_folder() -> Path:
    """Return the folder for temporary files, as `tempfile.gettempdir` does, without loading it."""
    named = [os.environ.get(name) for name in ("TMPDIR", "TEMP", "TMP")]
    places = [*filter(None, named), *TEMPORARY]
    fit = (each for each in places if os.path.isdir(each) and os.access(each, os.W_OK | os.X_OK))
    return Path(next(fit, os.curdir)).absolute()


def stand_back() -> None:
    """Go back to the removed folder that `stand_somewhere` left."""
    while _left:
        descriptor = _left.pop()
        os.fchdir(descriptor)
        os.close(descriptor)


def md5_of(path: Path) -> str:
    """Hash a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def md5_of_text(path: Path) -> str:
    """Hash a file as DVC 2 did: CRLF counts as LF where a piece of 1 MiB looks like text."""
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            head = chunk[:_LOOKED_AT]
            odd = len(head.translate(None, _TEXT))
            is_text = b"\0" not in head and odd / len(head) <= _MOST_ODD
            digest.update(chunk.replace(b"\r\n", b"\n") if is_text else chunk)
    return digest.hexdigest()


def is_shared(path: Path) -> bool:
    """Whether writing to this file would write to another: a symlink, or one of several links."""
    return path.is_symlink() or path.stat().st_nlink > 1


def make_private(path: Path) -> None:
    """Replace a link by a copy of what it leads to; who may read it stays as it was."""
    sibling = beside(path, "tmp")
    with path.open("rb") as reading, _plainly(sibling) as file:
        shutil.copyfileobj(reading, file, _CHUNK)
    sibling.chmod(path.stat().st_mode & 0o777 | 0o200)
    os.replace(sibling, path)


def keep_mode(fresh: Path, path: Path) -> None:
    """Let those read a finished file who may read the one whose place it takes, and no others."""
    with contextlib.suppress(FileNotFoundError):
        fresh.chmod(path.stat().st_mode & 0o777 | 0o200)


def take_place(fresh: Path, path: Path) -> None:
    """Give a finished file the name of another; who may read it stays as it was."""
    keep_mode(fresh, path)
    os.replace(fresh, path)


def refuse_link(path: Path) -> None:
    """Make sure that a file of rules is none that a link leads to; git reads none through links.

    Raises:
        OSError: it is a link.
    """
    if path.is_symlink():
        raise OSError(errno.ELOOP, "it is a link, and git reads no rules through a link", str(path))


def keep_out_of_git(folder: Path) -> None:
    """Have every git, now and later, pass over a folder and all in it; it is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError), (folder / ".gitignore").open("x") as ignored:
        ignored.write("*\n")


def add_line(path: Path, line: str) -> bool:
    """Append a line to a text file unless it is there; tells whether it was added.

    Raises:
        OSError: it is a link, or cannot be written.
    """
    refuse_link(path)
    held = path.read_bytes() if path.exists() else b""  # in whatever encoding, with its line ends
    added = line.encode("utf-8", "surrogateescape")
    if added in held.splitlines():
        return False
    joint = b"" if not held or held.endswith(b"\n") else b"\n"
    write_durably(path, held + joint + added + b"\n")
    return True
