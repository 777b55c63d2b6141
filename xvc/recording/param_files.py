"""Params that a file says: where ``-P`` sets them, and why it cannot stand beside them.

A script that reads params.yaml uses what the file says. So a run records what the file says, and a
value that was asked for beside it is refused unless the file, or a copy of it, is changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from xvc.core.typed_value import TypedValue, is_equal
from xvc.errors import BadValue, UsageError, XvcError, error
from xvc.project import Project
from xvc.recording.begin_run import params_files
from xvc.system.value_files import read_told, values_named
from xvc.types import Json


@error("param-in-file")
class ParamInFile(UsageError):
    """A param was asked for that a file says otherwise: the command would use the file's value."""

    key: str
    file: str
    value: str
    asked: str
    says = "-P {key}={asked}: {file} says {value}, and the command reads that"
    way = (
        "`xvc sweep -P {key}={asked} -- …` sets it in {file} in a tree of its own, `--params-edit` "
        "sets it here; `--params-copy` is for a command that takes a path."
    )


Edits = Mapping[Path, Mapping[str, TypedValue]]


def placed(project: Project, asked: Mapping[str, TypedValue]) -> dict[Path, dict[str, TypedValue]]:
    """Find the params file of each key that one says; a file that cannot be read says none.

    Raises:
        BadValue: two files say a key.
    """
    found: dict[Path, dict[str, TypedValue]] = {}
    where: dict[str, Path] = {}
    for path in _files(project) if asked else ():
        for key, typed in asked.items():
            if not _said(path, key):
                continue
            if key in where:
                both = f"{where[key].name} and {path.name}"
                raise BadValue(key, f"{both} say it; give one of them another name")
            where[key] = path
            found.setdefault(path, {})[key] = typed
    return found


def _files(project: Project) -> list[Path]:
    try:
        return params_files(project)
    except XvcError:  # a pipeline file that cannot be read; the run warns of it
        return []


def _said(path: Path, key: str) -> list[Json]:
    try:
        return values_named(path, key)
    except (BadValue, OSError):
        return []


def refuse_beside_files(edits: Edits) -> None:
    """Refuse params that files say otherwise.

    Raises:
        ParamInFile: a file has another value.
    """
    for path, wanted in edits.items():
        for key, typed in wanted.items():
            said = _said(path, key)
            if not any(is_equal(value, typed.value) for value in said):
                shown = TypedValue.of(said[0]).text
                raise ParamInFile(key, path.name, shown[:40], typed.text[:40])


def set_in_files(edits: Edits) -> None:
    """Set params in the files that say them.

    Raises:
        BadValue: a key cannot be set without changing another.
    """
    from xvc.system.value_edit import edit_file  # late: for those who edit alone

    for path, wanted in edits.items():
        edit_file(path, path, wanted)


def copy_with(source: Path, target: Path, asked: Mapping[str, TypedValue]) -> dict[str, Json]:
    """Write a copy of a params file with other values; returns what the copy says of them.

    An element of a list is told by the list that holds it, under the name of that list.

    Raises:
        BadValue: a key cannot be set without changing another, or *source* cannot be read.
    """
    from xvc.system.value_edit import edit_file  # late: as above

    edit_file(source, target, asked)
    said = read_told(target).values
    names = {key: _teller(key, said) for key in asked}
    return {name: said.get(name, asked[key].value) for key, name in names.items()}


def _teller(key: str, said: Mapping[str, Json]) -> str:
    """Name the value that says *key*: its own, or the list it is in; else the key itself."""
    parts = key.split(".")
    names = [".".join(parts[:count]) for count in range(len(parts), 0, -1)]
    if key in said:
        return key
    return next((name for name in names if isinstance(said.get(name), list)), key)
