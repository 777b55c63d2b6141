"""Params of which something else that the command read says another value: either may be used.

A second YAML merged over params.yaml, a configuration beside options, ``LR=0.9`` before a command:
which of two values counts, the script alone knows. What is on record is marked, never changed, and
what a process of the run reported is in no doubt. Asks the kernel which files were opened; those
that the run wrote, and those outside of the project that no word of the command names, are not
looked at.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path

from xvc.core.code_files import is_junk
from xvc.core.late_pattern import late
from xvc.core.secrets import mask_values
from xvc.core.typed_value import TypedValue, is_equal
from xvc.errors import BadValue
from xvc.system.file_watch import OPENED, READ, FileWatch
from xvc.system.value_files import parse_typed, read_values
from xvc.system.written_files import Stamp, stamp_of
from xvc.types import Json

_ENDINGS = (".yaml", ".yml", ".json", ".toml")
_NO_VALUES = ("dvc.yaml", "dvc.lock", "xvc.yaml", "package.json", "pyproject.toml")
_MOST_SEEN = 1000  # names that are looked at, in folders to this depth
_DEEP = 3
_MOST = 200  # files that are watched
_LARGE = 1 << 20  # bytes of one that is read
_OF_ALL = ("PATH", "HOME", "USER", "LOGNAME", "SHELL", "PWD", "LANG", "TERM", "TMPDIR", "HOSTNAME")
"""Variables of every process: a script that reads one means no param."""
_SET = late(r"(?:^|[\s;&|(])[+~]*([A-Za-z_][\w.]*)=([^\s;&|()\"']+)")


class ValuesWatch:
    """Watches files of values from its making until it is asked or closed.

    Args:
        folders: where they lie; those below them, too.
        command: its words may name others.
        apart: files that are looked at otherwise.
    """

    def __init__(
        self, folders: Iterable[Path], command: Sequence[str], apart: Collection[Path]
    ) -> None:
        there = list(dict.fromkeys(folders))
        known = {os.path.realpath(path) for path in apart}
        named = (Path(there[0], word.rpartition("=")[2]) for word in command if _may_name(word))
        found = (*named, *(path for folder in there for path in _below(folder)))
        files = {os.path.realpath(path): path for path in found}
        self._files = {
            real: (path, stamp_of(real))
            for real, path in islice(files.items(), _MOST)
            if real not in known and os.path.isfile(real)
        }
        self._watch = FileWatch([*self._files], OPENED | READ, once=True)

    def opened(self) -> list[Path]:
        """List the files that somebody opened and nobody wrote, and end the watching."""
        seen = self._watch.seen()
        found = [path for real, path, stamp in self._each() if real in seen and _is(real, stamp)]
        self._watch.close()
        return found

    def _each(self) -> Iterator[tuple[str, Path, Stamp | None]]:
        return ((real, path, stamp) for real, (path, stamp) in self._files.items())

    def close(self) -> None:
        """Watch no more."""
        self._watch.close()


def _is(real: str, stamp: Stamp | None) -> bool:
    return stamp_of(real) == stamp


def _may_name(word: str) -> bool:
    return word.endswith(_ENDINGS) and len(word) < 4096 and "\0" not in word and "\n" not in word


def _below(folder: Path) -> Iterator[Path]:
    """Name files of values in a folder and below it, the nearest first."""
    waiting = [(folder, 0)]
    left = _MOST_SEEN
    while waiting and left > 0:
        place, depth = waiting.pop(0)
        try:
            with os.scandir(place) as entries:
                seen = [*islice(entries, left)]
        except OSError:
            continue
        left -= len(seen)
        for entry in seen:
            if entry.name.startswith(".") or is_junk(entry.name):
                continue
            if entry.name.endswith(_ENDINGS) and entry.name not in _NO_VALUES:
                yield place / entry.name
            elif depth < _DEEP and entry.is_dir(follow_symlinks=False):
                waiting.append((place / entry.name, depth + 1))


def contested(
    params: Mapping[str, Json],
    opened: Iterable[Path],
    command: Sequence[str],
    environment: Mapping[str, str],
    script: str,
    root: Path,
) -> dict[str, str]:
    """Say of params what says another value of them: a file, a word of the command, a variable.

    Args:
        params: those in question.
        opened: files of values that the command opened.
        command: its words, without options that are params by themselves.
        environment: that of the command.
        script: the text of its scripts, which may read variables.
        root: files are named from here.
    """
    keys = {_plain(key): key for key in params}
    said = chain(_by_words(command), _by_variables(keys, environment, script), _by_files(opened))
    found: dict[str, str] = {}
    for says, name, value in said:
        key = keys.get(_plain(name))
        if key is None or isinstance(value, dict):
            continue
        seen = mask_values({key: value})[key]  # as the record has it: secrets are all one
        if not is_equal(seen, params[key]):
            where = os.path.relpath(says, root) if isinstance(says, Path) else says
            found.setdefault(key, f"{where} says {TypedValue.of(seen).text[:60]}")
    return found


def _by_words(command: Iterable[str]) -> Iterator[tuple[str, str, Json]]:
    for word in command:
        for name, text in () if word.startswith("--") else _SET.findall(word):
            yield "the command", name, parse_typed(text).value


def _by_variables(
    names: Iterable[str], environment: Mapping[str, str], script: str
) -> Iterator[tuple[str, str, Json]]:
    for name in (name.upper() for name in names):
        is_meant = name in environment and name not in _OF_ALL
        if is_meant and re.search(rf"[\"']{name}[\"']|\${{?{name}\b", script):
            yield f"${name}", name, parse_typed(environment[name]).value


def _by_files(opened: Iterable[Path]) -> Iterator[tuple[Path, str, Json]]:
    for path in opened:
        try:
            values = read_values(path) if path.stat().st_size <= _LARGE else {}
        except (BadValue, OSError):
            continue
        for key, value in values.items():
            yield path, key, value


def _plain(key: str) -> str:
    """Write a key as variables, options and files may have it.

    >>> _plain("params.yaml:Train.max-lr")
    'train_max_lr'
    """
    return re.sub(r"[.-]", "_", key.rpartition(":")[2]).lower()
