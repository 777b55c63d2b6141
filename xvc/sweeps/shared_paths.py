"""Files outside of all trees that a command or its code names: every trial writes to the same.

Read from the texts of the command, the scripts that it names and the modules that these import.
Says which of them changed, never who changed them. Of a path that is put together while the script
runs, the folder that its text begins with is looked at; below the home folder, the temporary one
and the one that holds the tree, the files that are called as some text of the code says.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

from xvc.git.commands import Git
from xvc.recording.unheld_code import followed_code
from xvc.system.written_files import Stamps, stamps_of

_LITERAL = re.compile(r"""["']((?:/|~/|\.\./)[^"'%\n*?]+)["']""")
_FILE_NAME = re.compile(r"""["'/]((?:[\w.-]|\{[^{}"'\n]*\})*\.[A-Za-z]\w*)["']""")
_GAP = re.compile(r"\{[^{}]*\}")
_PASSING = "passing"
_LOOSE = {
    "~": re.compile(r"""Path\.home\(|expanduser|["']HOME["']|["']~/?["']"""),
    _PASSING: re.compile(r"""gettempdir|["']/tmp/?["']|["']TMPDIR["']"""),
    "..": re.compile(r"""["']\.\./?["']|\.parent\.parent|\.parents\[|dirname\([^)]*dirname"""),
}
"""Folders with much that is not the trials', and how code gets at them."""
_WORD = re.compile(r"(?:^|(?<=[\s=:\"'>]))((?:/|~/)[\w./-]*[\w-])")
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/etc", "/dev", "/proc", "/sys", "/nix", "/run")
_OF_USERS = ("/dev/shm", "/run/media", "/run/user", "/usr/src")  # noqa: S108 - read only
"""Folders of users that lie in those of the system."""
_LARGE = 1 << 20  # bytes of one text
_MANY = 2000  # files of a folder


class SharedPaths:
    """The paths outside of the tree that are named, as they are now."""

    def __init__(self, git: Git, command: Sequence[str], folder: Path) -> None:
        texts = [*_texts(git, command, folder)]
        self._before = {
            path: stamps
            for path in _outside(git, command, folder, texts)
            if (stamps := _stamps(path)) is not None
        }
        self._called = _called_so(texts)
        self._loose = {path: self._fitting(path) for path in _loose(folder, texts)}

    def changed(self) -> list[str]:
        """List the files that have come, gone or changed since."""
        now = {path: _stamps(path) or {} for path in self._before}
        found = _changed(self._before, now)
        loose = {path: self._fitting(path) for path in self._loose}
        return sorted({*found, *_changed(self._loose, loose)})

    def _fitting(self, folder: Path) -> Stamps:
        try:
            names = [name for name in os.listdir(folder) if self._called.fullmatch(name)]
        except OSError:
            return {}
        return {
            name: stamp
            for name in names[:_MANY]
            if (folder / name).is_file() and (stamp := stamps_of(folder / name).get(""))
        }


def _changed(before: Mapping[Path, Stamps], now: Mapping[Path, Stamps]) -> list[str]:
    found = []
    for path, was in before.items():
        names = [name for name in {**was, **now[path]} if was.get(name) != now[path].get(name)]
        found += [os.path.join(path, name) if name else str(path) for name in names]
    return found


def _called_so(texts: Iterable[tuple[str, str]]) -> re.Pattern[str]:
    """Match the names of files that stand in code; what a name leaves open can be anything."""
    names = {name for kind, text in texts if kind == ".py" for name in _FILE_NAME.findall(text)}
    shapes = [".*".join(map(re.escape, _GAP.split(name))) for name in sorted(names)]
    return re.compile("|".join(shapes) or "(?!)")


def _loose(folder: Path, texts: Iterable[tuple[str, str]]) -> set[Path]:
    code = "\n".join(text for kind, text in texts if kind == ".py")
    names = [name for name, way in _LOOSE.items() if way.search(code)]
    names = [tempfile.gettempdir() if name == _PASSING else name for name in names]
    return {Path(os.path.normpath(folder / os.path.expanduser(name))) for name in names}


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


def _outside(
    git: Git, command: Sequence[str], folder: Path, texts: Iterable[tuple[str, str]]
) -> Iterator[Path]:
    for name in dict.fromkeys(_named(command, texts)):
        whole, gap, _ = name.partition("{")
        place = os.path.dirname(whole) if gap else whole
        path = Path(os.path.normpath(folder / os.path.expanduser(place)))
        if place and _is_watched(path, git.place.top):
            yield path


def _is_watched(path: Path, top: Path) -> bool:
    """Whether a path is of the user's, outside of the tree, and can be looked at.

    Much of what looks like a path is none: the text of a picture, say, begins with ``/9j/``.
    """
    home, passing = Path(os.path.expanduser("~")), Path(tempfile.gettempdir())
    common = [Path(name) for name in ("/", "/tmp", "/var/tmp", *_OF_USERS)]  # noqa: S108 - others write there
    apart = {home, passing, top.parent, *common}
    is_system = any(path.is_relative_to(each) for each in _SYSTEM)
    is_of_users = any(path.is_relative_to(each) for each in _OF_USERS)
    if (is_system and not is_of_users) or path in apart or path.is_relative_to(top):
        return False
    try:
        return path.parent.is_dir() and not path.resolve().is_relative_to(top)
    except (OSError, RuntimeError, ValueError):  # closed, too long, links in a circle, a zero byte
        return False


def _named(command: Sequence[str], texts: Iterable[tuple[str, str]]) -> Iterable[str]:
    yield from _WORD.findall(" ".join(command[1:]))
    for kind, text in texts:
        yield from (_LITERAL if kind == ".py" else _WORD).findall(text)


def _texts(git: Git, command: Sequence[str], folder: Path) -> Iterator[tuple[str, str]]:
    """Read the code, each text with the ending of its file."""
    for path in followed_code(git, command, folder):
        try:
            if path.stat().st_size <= _LARGE:
                yield path.suffix, path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
