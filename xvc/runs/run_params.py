"""The params that a run was asked for: brought to where its command reads them, and followed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from xvc.core.seed_names import is_count
from xvc.core.typed_value import TypedValue, is_equal
from xvc.errors import BadValue
from xvc.project import Project
from xvc.recording.begin_run import params_files
from xvc.recording.command_params import option_params
from xvc.recording.param_files import copy_with, placed, refuse_beside_files, set_in_files
from xvc.recording.requested_params import RequestedParams, differences, unused, variable_of
from xvc.recording.undeclared_params import refuse_undeclared, undeclared
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
    if request.write_params:
        source = _params_source(project, wanted)
        copy = place.with_name(f"{place.name}.params{source.suffix}")
        copied = copy_with(source, copy, wanted)
        is_passed = any("{params}" in word for word in request.command)
        return RequestedParams(wanted, place, frozenset(wanted if is_passed else ()), copy), copied
    options = option_params(request.command, wanted)
    if request.edit_params:
        edits = placed(project, wanted)
        set_in_files(edits)
    else:
        edits = placed(project, without_told(project, request.command, wanted))
        refuse_beside_files(edits)
    in_files = frozenset(key for held in edits.values() for key in held)
    settled = in_files | request.in_command
    _refuse_beside_options(project, request)
    open_keys = {k: v for k, v in wanted.items() if k not in in_files and k not in options}
    refuse_undeclared(project, open_keys, request.command, request.folder)
    return RequestedParams(wanted, place, settled), {
        k: v for k, v in values.items() if k not in in_files
    }


def without_told(
    project: Project, command: tuple[str, ...], wanted: Mapping[str, TypedValue]
) -> dict[str, TypedValue]:
    """Leave out the params that an option of the command gives it, whatever a file says."""
    told = option_params(command, wanted) if project.settings.params_options else {}
    return {key: typed for key, typed in wanted.items() if key not in told}


def _params_source(project: Project, wanted: Mapping[str, TypedValue]) -> Path:
    """Choose the file that is copied: the one that says a param which was asked for."""
    files = [*placed(project, wanted), *params_files(project), project.root / "params.yaml"]
    return files[0]


def _refuse_beside_options(project: Project, request: AskedFor) -> None:
    """Refuse a param that the command's own options say otherwise: it would use those."""
    command, wanted = request.command, request.params
    said = option_params(command, wanted) if project.settings.params_options else {}
    for key, typed in wanted.items():
        other = said.get(key)
        if other is not None and not is_equal(parse_typed(other).value, typed.value):
            raise BadValue(f"-P {key}", f"{typed.text} is asked for, and the command says {other}")


def look_who_used(
    project: Project, request: AskedFor, asked: RequestedParams, warnings: list[str]
) -> str | None:
    """Say which params nothing has taken up; returns why the run fails by that, if it does."""
    if not asked.wanted:
        return None
    reported = asked.reported()
    asked.forget()
    told = differences(asked, reported)
    command = with_copy(request.command, "")
    git = project.git if project.place is not None else None
    said = option_params(command, asked.wanted)
    left = unused(asked, {*reported, *said}, git, command, request.folder)
    for key in left:
        if is_count(key):
            continue
        told[key] = (
            f"{key}: nothing has taken it up; put {{{key}}} into the command, or read "
            f"{variable_of(key)} or a Tracker's params in the script"
        )
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
    warnings += [says for key, says in told.items() if key not in request.must_use]
    return "; ".join(says for key, says in told.items() if key in request.must_use) or None


def with_copy(command: tuple[str, ...], copy: str) -> tuple[str, ...]:
    """Put the path of the copied params file into a command."""
    return tuple(part.replace("{params}", copy) for part in command)
