"""Files that say a param, that the code reads by name, and that no setting calls a params file.

Looked for only where nothing else takes a param up: a script may read any file, so what it says is
the truth of the run, and not what was asked for beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from shlex import quote

from xvc.core.typed_value import TypedValue, is_equal
from xvc.errors import BadValue, UsageError, error
from xvc.project import Project
from xvc.recording.begin_run import declared_names, results_among
from xvc.recording.requested_params import never_taken_up, variable_of
from xvc.system.value_files import values_named
from xvc.types import Json

_INI = (".ini", ".cfg", ".conf")
_VALUES = ("*.yaml", "*.yml", "*.json", "*.toml", "*.py", *(f"*{ending}" for ending in _INI))
_CODE = ("*.py", "*.ipynb", "*.sh", "*.R", "*.jl", "[Mm]akefile")
_MOST = 1 << 20  # bytes of a file of params
_FEW = 50  # files that are looked at


@dataclass(frozen=True, slots=True)
class Undeclared:
    """A file, by its path from the project's root, and what it says of a param."""

    file: str
    value: Json
    declared: tuple[str, ...] = ()

    @property
    def way(self) -> str:
        """How xvc comes to know the file; empty where it could not set a param in it."""
        if self.file.endswith(_INI):
            return ""
        return f"`params: {{files: [{', '.join((*self.declared, self.file))}]}}` in xvc.yaml"


@error("param-undeclared")
class ParamUndeclared(UsageError):
    """A param was asked for that nothing takes up but a file, which says otherwise."""

    key: str
    file: str
    value: str
    asked: str
    known: str
    says = "-P {key}={asked}: {file} says {value}, and nothing else takes {key} up"

    @property
    def hint(self) -> str:
        """Says how the file becomes one in which xvc sets params, or what the script can read."""
        if not self.known:
            return f"Read {variable_of(self.key)} in the script, or make it an option of it."
        return (
            f"With {self.known}, `xvc sweep -P {quote(f'{self.key}={self.asked}')} -- …` sets it "
            "there in a tree of its own, `--params-edit` sets it here."
        )


def refuse_undeclared(
    project: Project, wanted: Mapping[str, TypedValue], command: Sequence[str], folder: Path
) -> None:
    """Refuse params that nothing takes up but a file which says otherwise.

    A value that stands in the command, as in ``lr=0.2`` or where a sweep has put it, is taken up.

    Raises:
        ParamUndeclared: there is such a file.
    """
    if not wanted or project.place is None:
        return
    open_keys = [key for key, typed in wanted.items() if not _stands_in(command, typed.text)]
    for key in never_taken_up(project.git, open_keys, command, folder):
        found = undeclared(project, key, command, folder)
        if found is not None and not is_equal(found.value, wanted[key].value):
            said, asked = TypedValue.of(found.value).text[:40], wanted[key].text[:40]
            raise ParamUndeclared(key, found.file, said, asked, found.way)


def _stands_in(command: Sequence[str], text: str) -> bool:
    whole = re.compile(rf"(?<![\w.+-]){re.escape(text)}(?![\w.+-])")
    return any(whole.search(word) for word in command[1:])


def undeclared(
    project: Project, key: str, command: Sequence[str], folder: Path
) -> Undeclared | None:
    """Find the file that says a param and that the command or the code names; None without one."""
    known = declared_names(project)
    for path in _mentioning(project, key):
        name = path.relative_to(project.root).as_posix()
        if name in known or not _is_named(project, path, command, folder):
            continue
        for value in _said(path, key):
            there = tuple(each for each in known if (project.root / each).is_file())
            return Undeclared(name, value, there)
    return None


def _mentioning(project: Project, key: str) -> Iterator[Path]:
    last = re.escape(key.rpartition(".")[2])
    top = project.git.place.top
    found = project.git.searched(f"(^|[^A-Za-z0-9_]){last}([^A-Za-z0-9_]|$)", *_VALUES)[:_FEW]
    written = results_among(project, found)
    if written:
        written -= {*project.git.listed(*(f":(literal){name}" for name in written))}
    for name in (name for name in found if name not in written):
        path = top / name
        if path.is_relative_to(project.root) and path.is_file() and path.stat().st_size <= _MOST:
            yield path


def _is_named(project: Project, path: Path, command: Sequence[str], folder: Path) -> bool:
    words = (word.rpartition("=")[2] for word in command if len(word) < 4096 and "\0" not in word)
    if any((folder / word).resolve() == path.resolve() for word in words if word):
        return True
    stem = re.escape(PurePosixPath(path).stem)
    own = project.relative(path)
    found = project.git.searched(f"(^|[^A-Za-z0-9_]){stem}([^A-Za-z0-9_]|$)", *_CODE)
    return any(name != own for name in found)


def _said(path: Path, key: str) -> list[Json]:
    try:
        return _of_ini(path, key) if path.suffix in _INI else values_named(path, key)
    except (BadValue, OSError):
        return []


def _of_ini(path: Path, key: str) -> list[Json]:
    import configparser  # late: few projects have such a file

    reader = configparser.ConfigParser(interpolation=None)
    try:
        reader.read_string(path.read_text(encoding="utf-8"))
    except (configparser.Error, ValueError):
        return []
    section, _, option = key.rpartition(".")
    sections = [section] if section else [*reader.sections(), "DEFAULT"]
    return [
        reader.get(each, option)
        for each in sections
        if (each in reader) and reader.has_option(each, option)
    ]
