"""What a run read that neither git nor DVC holds, and whether the same lies there now.

A small file of the tree is told by its content, which another machine tells alike. A large one, a
folder, and what lies outside of the tree are told by names, sizes, times and inodes: of two that
differ in these nothing is known; so is what may be a secret by its name. Ten digits of a digest
tell files apart.
"""

from __future__ import annotations

import fcntl
import os
import stat
import struct
import termios
import time
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path

from xvc.core.code_files import is_source
from xvc.core.late_pattern import late
from xvc.core.run import OUTSIDE, UNTRACKED, DataFile
from xvc.core.secrets import looks_secret
from xvc.recording.outside_data import told
from xvc.system.path_containment import is_inside
from xvc.system.written_files import Stamp, stamp_of

STANDARD_INPUT = "(stdin)"
"""What stands for the standard input among the data of a run."""

_LARGE, MOST_TOGETHER = 16 << 20, 64 << 20  # bytes: a tenth of a second
MOST_SECONDS = 1.0  # of looking at what all runs read: a pulled store names what it likes
_DIGITS = 10
_MOST_NAMED = 20  # files of one folder; of more the folder is named
_PIECES = late(r"[\s,;:=|&<>()'\"]+")  # of a list of files, and of a line for a shell
_SYSTEM = ("/dev", "/proc", "/sys", "/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc/alternatives")


def read_data(
    top: Path, run: str, read: Mapping[str, Stamp], folders: Iterable[str]
) -> dict[str, DataFile]:
    """Tell what a run read, by paths from the top; in full outside of it.

    Args:
        top: of the work tree.
        run: stands in what tells a file that is no more as it was read: it is like no other.
        read: files with what they were when the run began.
        folders: those of which more was read than is named.
    """
    by_folder: dict[str, list[str]] = {}
    for path in sorted(read):
        by_folder.setdefault(os.path.dirname(path), []).append(path)
    wholes = {*folders, *(f for f, held in by_folder.items() if f and len(held) > _MOST_NAMED)}
    left, found = [MOST_TOGETHER], dict[str, DataFile]()
    for path in sorted({*read, *wholes}):
        if not any(path.startswith(f"{whole}/") for whole in wholes):
            is_as_read = path in wholes or stamp_of(str(top / path)) == read[path]
            found[path] = lying_at(top, path, left) if is_as_read else _unknown(path, run)
    return found


def lying_now(
    top: Path, known: Mapping[str, DataFile], left: list[int], until: float
) -> dict[str, DataFile]:
    """Tell what lies now where a run read what git and DVC do not hold.

    Args:
        top: of the work tree.
        known: what the run read.
        left: the bytes that may still be read; what is read is taken off.
        until: the time of the monotonic clock after which nothing is known of the others.
    """
    found: dict[str, DataFile] = {}
    for path in sorted(path for path, file in known.items() if file.is_unkept):
        if path == STANDARD_INPUT:
            found[path] = standing_in()
        elif time.monotonic() < until:
            found[path] = lying_at(top, path, left)
        else:
            found[path] = _by_its_times(None, is_outside=os.path.isabs(path))
    return found


def lying_at(top: Path, path: str, left: list[int]) -> DataFile:
    """Tell what lies at a path; of *left*, the bytes that may still be read, it takes its own."""
    place = top / path
    if "\0" in path:  # only a store that others made says so
        return DataFile("", state=UNTRACKED)
    is_outside = os.path.isabs(path) or not is_inside(place, top)
    try:
        facts = place.stat()
        is_small = stat.S_ISREG(facts.st_mode) and facts.st_size <= min(_LARGE, left[0])
        if is_outside or not is_small or looks_secret(path):
            return _by_its_times(told(place), is_outside=is_outside)
        left[0] -= facts.st_size
        return _by_content(place.read_bytes())
    except OSError:
        return DataFile("", state=OUTSIDE if is_outside else UNTRACKED)


def _by_content(content: bytes) -> DataFile:
    return DataFile(f"{UNTRACKED}:{_digest(content)}", len(content), state=UNTRACKED)


def _digest(content: bytes) -> str:
    return sha256(content).hexdigest()[:_DIGITS]


def _by_its_times(said: str | None, *, is_outside: bool) -> DataFile:
    """Tell data by what was seen of it and not read; by nothing where that is not known."""
    said = said or f"{time.time_ns():x}"
    if is_outside:
        return DataFile(f"{OUTSIDE}:{said}", state=OUTSIDE)
    return DataFile(f"{UNTRACKED}:{said}", state=UNTRACKED)


def named_outside(words: Iterable[str], folder: Path, top: Path) -> list[str]:
    """List what the words of a command name outside of the tree and is there, in full.

    Scripts are code; what the system has, and devices, are no data.

    >>> named_outside(["python", "/usr/bin/env", "--config=/nowhere"], Path("/"), Path("/a"))
    []
    """
    found: dict[str, None] = {}
    for word in words:
        names = {word, word.partition("=")[2], *_PIECES.split(word)} if "/" in word else ()
        for name in sorted(names):
            if "/" not in name or is_source(name):
                continue
            path = os.path.normpath(folder / os.path.expanduser(name))
            if not _is_systems(path) and os.path.exists(path) and not is_inside(Path(path), top):
                found[path] = None
    return [*found]


def _is_systems(path: str) -> bool:
    """Whether a path is of the system; what lies in memory is not.

    >>> _is_systems("/usr/bin/env"), _is_systems("/usrdata/a.csv"), _is_systems("/dev/shm/a.csv")
    (True, False, False)
    """
    is_systems = f"{path}/".startswith(tuple(f"{each}/" for each in _SYSTEM))
    return path == "/" or (is_systems and not path.startswith("/dev/shm/"))  # noqa: S108


class StandardInput:
    """Looks whether a command reads the standard input that it shares with us."""

    def __init__(self) -> None:
        self._at = self._place()

    def read(self, run: str) -> dict[str, DataFile]:
        """Tell what was read of it; nothing where nothing was, or that cannot be known."""
        at, now = self._at, self._place()
        if at is None or now is None or at == now:
            return {}
        if at[0] == "file":
            return {STANDARD_INPUT: standing_in(at[1])}
        return {STANDARD_INPUT: DataFile(f"{UNTRACKED}:{run}", state=UNTRACKED)}

    @staticmethod
    def _place() -> tuple[str, int] | None:
        """How far a file was read, or how many bytes wait in a pipe."""
        try:
            kind = os.fstat(0).st_mode
            if stat.S_ISREG(kind):
                return "file", os.lseek(0, 0, os.SEEK_CUR)
            if stat.S_ISFIFO(kind):
                waiting = fcntl.ioctl(0, termios.FIONREAD, bytes(4))
                return "pipe", struct.unpack("i", waiting)[0]
        except OSError:
            pass
        return None


def standing_in(begin: int | None = None) -> DataFile:
    """Tell what stands in the standard input from a place on, without reading it away."""
    try:
        facts = os.fstat(0)
        if stat.S_ISREG(facts.st_mode):
            begin = os.lseek(0, 0, os.SEEK_CUR) if begin is None else begin
            if looks_secret(_name_of_input()):
                said = f"{facts.st_ino} {facts.st_size} {facts.st_mtime_ns} {begin}"
                return _by_its_times(_digest(said.encode()), is_outside=False)
            if facts.st_size - begin <= _LARGE:
                return _by_content(os.pread(0, facts.st_size - begin, begin))
    except OSError:
        pass
    return _by_its_times(None, is_outside=False)


def _name_of_input() -> str:
    try:
        return os.readlink("/proc/self/fd/0")
    except OSError:
        return ""


def _unknown(path: str, run: str) -> DataFile:
    return _by_its_times(run, is_outside=os.path.isabs(path))
