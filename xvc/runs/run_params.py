"""The params that a run was asked for: brought to where its command reads them, and followed."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from xvc.core.seed_names import is_count
from xvc.core.typed_value import TypedValue, is_equal
from xvc.errors import BadValue
from xvc.project import Project
from xvc.recording.begin_run import declared_options, params_files
from xvc.recording.command_params import Declared, option_params
from xvc.recording.param_files import (
    copy_with,
    gone_from,
    name_in_runs,
    placed,
    refuse_beside_files,
    says,
    set_in_files,
    told_by,
)
from xvc.recording.requested_params import RequestedParams, differences, unused, variable_of
from xvc.recording.shell_words import handed_on
from xvc.recording.undeclared_params import refuse_undeclared, undeclared
from xvc.recording.unheld_code import scripts_in
from xvc.system.value_files import parse_typed
from xvc.types import Json


class AskedFor(Protocol):
    """What of a request is about params."""

    @property
    def command(self) -> tuple[str, ...]:
        """The words."""

    @property
    def folder(self) -> Path:
        """Where it runs."""

    @property
    def params(self) -> Mapping[str, TypedValue]:
        """What was asked for."""

    @property
    def write_params(self) -> bool:
        """Whether a copy of the params file gets them."""

    @property
    def edit_params(self) -> bool:
        """Whether the files that say them get them."""

    @property
    def in_command(self) -> frozenset[str]:
        """Those whose values were put into the command."""

    @property
    def must_use(self) -> tuple[str, ...]:
        """Those without which the run fails."""


def settled(project: Project, request: AskedFor) -> tuple[RequestedParams, dict[str, Json]]:
    """Bring what was asked for to where the command reads it; returns the values to be recorded."""
    wanted = request.params
    values = {key: typed.value for key, typed in wanted.items()}
    place = project.room.scratch / f"asked-{os.getpid()}-{os.urandom(4).hex()}"
    if not wanted and not request.write_params:
        return RequestedParams(wanted, place, frozenset()), values
    if request.write_params:
        source = _params_source(project, wanted)
        copy = place.with_name(f"{place.name}.params{source.suffix}")
        copied = copy_with(project, source, copy, wanted)
        is_passed = any("{params}" in word for word in request.command)
        known = frozenset(wanted if is_passed else ())
        if not is_passed:  # perhaps nothing reads the copy; then the lists of our file are used
            copied = {key: copied.get(key, typed.value) for key, typed in wanted.items()}
        gone = gone_from(source, copy, project.root) if is_passed else frozenset()
        asked = RequestedParams(
            wanted=wanted,
            place=place,
            settled=known,
            copy=copy,
            files=dict.fromkeys(wanted, source),
            gone=gone,
        )
        return asked, copied
    options = _options(request)
    if request.edit_params:
        edits = placed(project, wanted)
        set_in_files(edits)
    else:
        told = told_in_command(project, request)
        edits = placed(project, {k: typed for k, typed in wanted.items() if k not in told})
        refuse_beside_files(edits)
    files = {key: path for path, held in edits.items() for key in held}
    in_files = frozenset(files)
    in_command = _in_command(request)
    settled = in_files | in_command
    _refuse_beside_options(project, request)
    open_keys = {k: v for k, v in wanted.items() if k not in in_files and k not in options}
    refuse_undeclared(project, open_keys, request.command, request.folder)
    open_files = {key: path for key, path in files.items() if key not in in_command}
    read = params_files(project)
    unread = {
        key: name_in_runs(project, path, key) for key, path in files.items() if path not in read
    }
    return RequestedParams(wanted, place, settled, files=open_files), {
        unread.get(k, k): v for k, v in values.items() if k not in in_files or k in unread
    }


def _handed_on(request: AskedFor) -> list[str]:
    """The words of the command that no shell drops."""
    return handed_on(request.command, scripts_in(request.folder))[0]


def _options(request: AskedFor) -> dict[str, str]:
    """The params that the command's own options say."""
    declared = declared_options(request.command, request.folder) if request.params else Declared()
    return option_params(_handed_on(request), request.params, declared)


def _in_command(request: AskedFor) -> frozenset[str]:
    """The params whose values reach a program by the command's words."""
    words, dropped = handed_on(request.command, scripts_in(request.folder))
    if not dropped:
        return request.in_command
    text = "\0".join(words)
    return frozenset(key for key in request.in_command if request.params[key].text in text)


def told_in_command(project: Project, request: AskedFor) -> dict[str, str]:
    """The params that an option of the command gives it, whatever a file says."""
    return _options(request) if project.settings.params_options else {}


def _params_source(project: Project, wanted: Mapping[str, TypedValue]) -> Path:
    """Choose the file that is copied: the one that says a param which was asked for."""
    held = placed(project, wanted)
    if len(held) > 1:
        one, other = (os.path.relpath(path, project.root) for path in [*held][:2])
        raise BadValue(
            "--params-copy", f"one file is copied, and {one} and {other} say what is asked for"
        )
    return [*held, *params_files(project), project.root / "params.yaml"][0]


def _refuse_beside_options(project: Project, request: AskedFor) -> None:
    """Refuse a param that the command's own options say otherwise: it would use those."""
    wanted = request.params
    said = told_in_command(project, request)
    for key, typed in wanted.items():
        other = said.get(key)
        if other is not None and not is_equal(parse_typed(other).value, typed.value):
            raise BadValue(f"-P {key}", f"{typed.text} is asked for, and the command says {other}")


@dataclass(frozen=True, slots=True)
class ParamsUse:
    """What became of a run's params: why it fails by that, and the keys that nothing took up.

    ``reported`` are the keys that its own processes say, ``instead`` what a file says that the
    command opened in place of the copy that it was given.
    """

    refused: str | None = None
    unused: tuple[str, ...] = ()
    reported: frozenset[str] = frozenset()
    instead: Mapping[str, Json] = field(default_factory=dict)


def look_who_used(
    project: Project,
    request: AskedFor,
    asked: RequestedParams,
    unopened: Collection[Path],
    warnings: list[str],
) -> ParamsUse:
    """Say which params nothing has taken up.

    Args:
        project: where.
        request: what was asked for.
        asked: how it was brought to the command.
        unopened: params files that the command never opened.
        warnings: get what is no reason to fail.
    """
    reported = asked.reported()
    asked.forget()
    if not asked.wanted:
        return ParamsUse(reported=frozenset(reported))
    told = differences(asked, reported)
    command = with_copy(tuple(_handed_on(request)), "")
    git = project.git if project.place is not None else None
    said = _options(request)
    closed = {key: path for key, path in asked.files.items() if {path, asked.copy} & {*unopened}}
    is_copied = asked.copy not in unopened
    known = {*reported, *said}
    taken = asked.settled - closed.keys()
    left = unused(asked, taken, known, git, command, request.folder, by_file=is_copied)
    instead: dict[str, Json] = {}
    if not is_copied:
        silent = unused(asked, (), known, git, command, request.folder, by_file=False)
        instead, others = _said_instead(project, asked, silent, unopened)
        left = [key for key in left if key not in others]
        told |= others
    for key in left:
        if is_count(key):
            continue
        told[key] = (
            f"{key}: nothing has taken it up; put {{{key}}} into the command, or read "
            f"{variable_of(key)} or a Tracker's params in the script"
        )
        if key in closed and not request.write_params:
            name = os.path.relpath(closed[key], project.root)
            told[key] = (
                f"{key}: nothing has taken it up; {name} says it, and the command never opened that"
            )
            continue
        if request.write_params:
            told[key] = (
                f"{key}: nothing has taken it up; the copy of the params file is for {{params}} in "
                "the command, or XVC_PARAMS_FILE; --params-edit sets the file itself"
            )
            continue
        found = undeclared(project, key, command, request.folder) if git is not None else None
        if found is not None and found.way:
            told[key] = (
                f"{key}: nothing has taken it up; {found.file} says it: {found.way} sets it there"
            )
    warnings += [text for key, text in told.items() if key not in request.must_use]
    refused = "; ".join(text for key, text in told.items() if key in request.must_use) or None
    return ParamsUse(refused, tuple(left), frozenset(reported), instead)


def _said_instead(
    project: Project, asked: RequestedParams, keys: Sequence[str], unopened: Collection[Path]
) -> tuple[dict[str, Json], dict[str, str]]:
    """Read what a params file says of keys, where the command opened it and not its copy.

    Returns the values by the names that runs have, and of each key that it says what is told.
    """
    source = next((asked.files[key] for key in keys if asked.files[key] not in unopened), None)
    said = {key: asked.wanted[key] for key in keys if source and says(source, key)}
    if source is None or not said:
        return {}, {}
    name = os.path.relpath(source, project.root)
    told = {
        key: f"{key}: {typed.text} was asked for, and the command read {name}, not the copy that "
        f"{{params}} in the command, or XVC_PARAMS_FILE, names; on record is what {name} says"
        for key, typed in said.items()
    }
    return told_by(project, source, source, said), told


def with_copy(command: tuple[str, ...], copy: str) -> tuple[str, ...]:
    """Put the path of the copied params file into a command."""
    return tuple(part.replace("{params}", copy) for part in command)
