"""Files outside of all trees that a command or its code names: every trial writes to the same.

Read from the texts of the command, the scripts that it names and the modules that these import.
Says which of them changed, never who changed them; a path that is put together while the script
runs is not known.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from xvc.git.commands import Git
from xvc.recording.unheld_code import followed_code
from xvc.system.written_files import Stamps, stamps_of

_LITERAL = re.compile(r"""["']((?:/|~/)[^"'{}%\n*?]+)["']""")
_WORD = re.compile(r"(?:^|(?<=[\s=:\"'>]))((?:/|~/)[\w./-]*[\w-])")
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/etc", "/dev", "/proc", "/sys", "/opt", "/nix", "/run")
_LARGE = 1 << 20  # bytes of one text
_MANY = 2000  # files of a folder


class SharedPaths:
    """The paths outside of the tree that are named, as they are now."""

    def __init__(self, git: Git, command: Sequence[str], folder: Path) -> None:
        self._before = {
            path: stamps
            for path in _outside(git, command, folder)
            if (stamps := _stamps(path)) is not None
        }

    def changed(self) -> list[str]:
        """List the files that have come, gone or changed since."""
        found = []
        for path, before in self._before.items():
            now = _stamps(path) or {}
            names = [name for name in {**before, **now} if before.get(name) != now.get(name)]
            found += [os.path.join(path, name) if name else str(path) for name in names]
        return sorted(found)


def _stamps(path: Path) -> Stamps | None:
    """Stamp a file, or the files in a folder; None for a folder of too many, or a closed one."""
    try:
        if not path.is_dir():
            return stamps_of(path)
        entries = [*islice(path.iterdir(), _MANY + 1)]
        if len(entries) > _MANY:
            return None
        files = [entry for entry in entries if entry.is_file()]
    except OSError:
        return None
    return {entry.name: stamp for entry in files if (stamp := stamps_of(entry).get(""))}


def _outside(git: Git, command: Sequence[str], folder: Path) -> Iterator[Path]:
    for name in dict.fromkeys(_named(git, command, folder)):
        path = Path(os.path.normpath(os.path.expanduser(name)))
        if _is_watched(path, git.place.top):
            yield path


def _is_watched(path: Path, top: Path) -> bool:
    """Whether a path is of the user's, outside of the tree, and can be looked at.

    Much of what looks like a path is none: the text of a picture, say, begins with ``/9j/``.
    """
    apart = {Path(os.path.expanduser("~")), Path("/tmp"), Path("/var/tmp"), Path("/")}  # noqa: S108 - others write there
    is_system = any(path.is_relative_to(each) for each in _SYSTEM)
    if is_system or path in apart or path.is_relative_to(top):
        return False
    try:
        return path.parent.is_dir() and not path.resolve().is_relative_to(top)
    except (OSError, RuntimeError, ValueError):  # closed, too long, links in a circle, a zero byte
        return False


def _named(git: Git, command: Sequence[str], folder: Path) -> Iterable[str]:
    yield from _WORD.findall(" ".join(command[1:]))
    for path in followed_code(git, command, folder):
        try:
            if path.stat().st_size <= _LARGE:
                text = path.read_text(encoding="utf-8", errors="replace")
                yield from (_LITERAL if path.suffix == ".py" else _WORD).findall(text)
        except OSError:
            continue
