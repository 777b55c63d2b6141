"""Params that a file says: where ``-P`` sets them, and why it cannot stand beside them.

A script that reads params.yaml uses what the file says. So a run records what the file says, and a
value that was asked for beside it is refused unless the file, or a copy of it, is changed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from xvc.core.typed_value import TypedValue, is_equal
from xvc.errors import BadValue, UsageError, XvcError, error
from xvc.project import Project
from xvc.recording.begin_run import params_files
from xvc.system.path_containment import is_inside
from xvc.system.value_files import read_told, values_named
from xvc.types import Json

_SUFFIXES = (".yaml", ".yml", ".json", ".toml", ".py")


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

    As DVC has it, ``configs/p.json:lr`` names the file as well, whether a setting does or not.

    Raises:
        BadValue: two files say a key; the file that a key names does not say it.
    """
    found: dict[Path, dict[str, TypedValue]] = {}
    where = {key: path for key in asked if (path := _named_in(project, key)) is not None}
    others = {key: typed for key, typed in asked.items() if key not in where}
    for key, path in where.items():
        if not _said(path, key_within(path, key)):
            name, _, rest = key.rpartition(":")
            raise BadValue(key, f"{name} does not say {rest}; add it there first")
        found.setdefault(path, {})[key] = asked[key]
    for path in _files(project) if others else ():
        for key, typed in others.items():
            if not _said(path, key):
                continue
            if key in where:
                both = [os.path.relpath(each, project.root) for each in (where[key], path)]
                ways = " or ".join(f"{each}:{key}" for each in both)
                raise BadValue(key, f"{' and '.join(both)} say it; ask for {ways}")
            where[key] = path
            found.setdefault(path, {})[key] = typed
    return found


def key_within(path: Path, key: str) -> str:
    """Name a param within its file.

    >>> key_within(Path("configs/p.json"), "p.json:lr"), key_within(Path("p.json"), "a:b")
    ('lr', 'a:b')
    """
    name, sign, rest = key.rpartition(":")
    return rest if sign and name and Path(name).name == path.name else key


def name_in_runs(project: Project, path: Path, key: str) -> str:
    """Name a param as runs have it: with its file where two say it, or no setting names that."""
    within, name = key_within(path, key), os.path.relpath(path, project.root)
    files = _files(project)
    others = [each for each in files if each != path and _said(each, within)]
    return within if path in files and not others else f"{name}:{within}"


def _named_in(project: Project, key: str) -> Path | None:
    """The file that a key names before a colon, if there is one in the project."""
    name, _, rest = key.rpartition(":")
    path = Path(os.path.normpath(project.root / name)) if name and rest else None
    if path is None or path.suffix not in _SUFFIXES or not path.is_relative_to(project.root):
        return None
    is_file = os.path.isfile(path)  # of an odd name it says no
    return path if is_file and is_inside(path, project.root) else None


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


def says(path: Path, key: str) -> bool:
    """Whether a file says a param; one that cannot be read says none."""
    return bool(_said(path, key_within(path, key)))


def refuse_beside_files(edits: Edits) -> None:
    """Refuse params that files say otherwise.

    Raises:
        ParamInFile: a file has another value.
    """
    for path, wanted in edits.items():
        for key, typed in wanted.items():
            said = _said(path, key_within(path, key))
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
        edit_file(path, path, {key_within(path, key): typed for key, typed in wanted.items()})


def copy_with(
    project: Project, source: Path, target: Path, asked: Mapping[str, TypedValue]
) -> dict[str, Json]:
    """Write a copy of a params file with other values; returns what the copy says of them.

    They have the names that runs know them by. An element of a list is told by the list that holds
    it, under the name of that list.

    Raises:
        BadValue: a key cannot be set without changing another, or *source* cannot be read.
    """
    from xvc.system.value_edit import edit_file  # late: as above

    edit_file(source, target, {key_within(source, key): typed for key, typed in asked.items()})
    return told_by(project, source, target, asked)


def told_by(
    project: Project, source: Path, target: Path, asked: Mapping[str, TypedValue]
) -> dict[str, Json]:
    """Return what *target*, the file *source* or a copy of it, says of keys, by the runs' names.

    Raises:
        BadValue: it cannot be read.
    """
    said = read_told(target).values
    told: dict[str, Json] = {}
    for full, typed in asked.items():
        key = key_within(source, full)
        name = _teller(key, said)
        below = {each: value for each, value in said.items() if each.startswith(f"{key}.")}
        found = below if name not in said and below else {name: said.get(name, typed.value)}
        names = {each: name_in_runs(project, source, f"{source.name}:{each}") for each in found}
        told |= {(names[each] if full != key else each): value for each, value in found.items()}
    return told


def gone_from(source: Path, copy: Path, root: Path) -> frozenset[str]:
    """List what a params file says and its copy does not, by each name that it may have in runs."""
    if not source.is_file():
        return frozenset()
    lost = read_told(source).values.keys() - read_told(copy).values.keys()
    name = os.path.relpath(source, root)
    return frozenset(lost | {f"{name}:{key}" for key in lost})


def _teller(key: str, said: Mapping[str, Json]) -> str:
    """Name the value that says *key*: its own, or the list it is in; else the key itself."""
    parts = key.split(".")
    names = [".".join(parts[:count]) for count in range(len(parts), 0, -1)]
    if key in said:
        return key
    return next((name for name in names if isinstance(said.get(name), list)), key)
