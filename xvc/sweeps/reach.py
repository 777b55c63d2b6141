"""How the params of a sweep reach its trials, and which ignored files the trials will lack.

A param reaches the command by ``{key}`` in its words, by a params file, by the variable
``XVC_PARAM_<KEY>``, or by the params of a Tracker. All of it is checked before anything runs;
what only a run can show is reported when the first trial has ended.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from contextlib import suppress
from pathlib import Path, PurePosixPath

from xvc.core.code_files import is_junk
from xvc.core.command_places import filled_in_template
from xvc.core.sweep import ParamStyle, SweepRequest, settled_keys
from xvc.core.typed_value import TypedValue, is_equal
from xvc.errors import XvcError
from xvc.git.worktrees import untracked_like
from xvc.project import Project
from xvc.recording.begin_run import declared_options, metrics_files
from xvc.recording.command_params import option_params
from xvc.recording.param_files import placed
from xvc.recording.requested_params import never_taken_up, variable_of
from xvc.recording.shell_words import handed_on
from xvc.recording.undeclared_params import undeclared
from xvc.recording.unheld_code import scripts_in
from xvc.store import query
from xvc.sweeps.request import BadSweep
from xvc.system.value_files import parse_typed
from xvc.worktrees.set_up import INCLUDE

_MODELS = ("models/candidates/", "models/production/")


def check_reach(project: Project, request: SweepRequest, folder: str) -> None:
    """Refuse a param that can reach the command in no way that is known.

    Raises:
        BadSweep: neither the command, a params file, nor any code of the tree takes a param up.
    """
    if project.place is None or request.refs:
        return
    git, where = project.git, project.place.top / folder
    _refuse_dropped(request, where)
    _refuse_told(project, request, where)
    open_keys = {
        key: TypedValue.of(None) for key in request.space if key not in settled_keys(request)
    }
    for held in placed(project, open_keys).values():
        open_keys = {key: typed for key, typed in open_keys.items() if key not in held}
    lost = never_taken_up(git, [*open_keys], request.command, where)
    if lost:
        _refuse_undeclared(project, lost, request, where)
        key = lost[0]
        says = f"params: nothing takes {', '.join(lost)} up, so all trials would be the same; "
        ways = (
            f"put {{{key}}} into the command, read {variable_of(key)} or a Tracker's params in it"
        )
        raise BadSweep((f"{says}{ways}, or add {key} to a params file",))


def _refuse_dropped(request: SweepRequest, where: Path) -> None:
    """Refuse params that stand behind a shell which hands no words on."""
    marks = {key: f"\0{key}\0" for key in request.space}  # no word of a command has a NUL
    command = [*filled_in_template(request.command, marks)]
    if request.style is not ParamStyle.NONE:
        command += marks.values()
    words, dropped = handed_on(command, scripts_in(where))
    lost = [
        key
        for key, mark in marks.items()
        if any(mark in word for word in dropped) and not any(mark in word for word in words)
    ]
    if lost:
        ways = f"put {{{lost[0]}}} into its text, or hand words on: `sh -c '… \"$@\"' sh …`"
        raise BadSweep(
            (f"params: the shell drops {', '.join(lost)}, so all trials would be the same; {ways}",)
        )


def _refuse_told(project: Project, request: SweepRequest, where: Path) -> None:
    """Refuse a param that the command itself says: every trial would use that."""
    if request.style is not ParamStyle.NONE or not project.settings.params_options:
        return
    words, _ = handed_on(request.command, scripts_in(where))
    declared = declared_options(request.command, where)
    for key, text in option_params(words, request.space, declared).items():
        if key not in request.space or f"{{{key}}}" in text:
            continue
        tried = getattr(request.space[key], "values", None)
        if tried is None or any(not is_equal(parse_typed(text).value, each) for each in tried):
            raise BadSweep(
                (
                    f"params: the command says {key} is {text}, so no trial could have another; "
                    f"put {{{key}}} in its place, or leave it out",
                )
            )


def _refuse_undeclared(
    project: Project, lost: list[str], request: SweepRequest, where: Path
) -> None:
    for key in lost:
        found = undeclared(project, key, request.command, where)
        if found is not None and found.way:
            says = f"params: {found.file} says {key}, and xvc does not know it as a params file; "
            raise BadSweep((f"{says}with {found.way} each trial has its value there",))


def lacking(project: Project, request: SweepRequest, folder: str) -> Iterator[str]:
    """Name what git ignores here and no trial will have."""
    if request.refs or project.place is None:
        return
    git, own = project.git, project.relative(project.store_path)
    try:
        known = {path.rstrip("/") for path in project.data_inputs(project.survey())}
    except XvcError:  # told when the trees are made
        known = set()
    outputs = [*metrics_files(project), *(git.place.top / folder / out for out in request.outs)]
    written = {_assets_of(own), *(project.relative(path) for path in outputs)}
    with suppress(XvcError):
        written |= project.stage_outs().keys()  # each trial makes them
    found = list[str]()
    for path in git.ignored_here():
        name = path.rstrip("/")
        parts = name.split("/")
        is_ours = name.startswith((own, *_MODELS)) or ".dvc" in parts or name in written
        if is_ours or is_junk(name):
            continue
        if not any(each == name or each.startswith(f"{name}/") for each in known):
            found.append(path)
    included = git.place.top / INCLUDE
    if found and included.is_file():
        copied = untracked_like(git, included)
        found = [p for p in found if not any(c.startswith(p) for c in copied)]
    left = _left_by_runs(project) if found else set()
    found = [path for path in found if not _is_among(path, left, git.place.top)]
    if found:
        named = ", ".join(found[:5]) + (" …" if len(found) > 5 else "")
        yield (
            f"trials have no {named}, which git ignores; `dvc add` data that they read, or name "
            f"it in {INCLUDE}"
        )


def _left_by_runs(project: Project) -> set[str]:
    """Name what runs are on record to have left as an output or a model: it is no data."""
    with project.keeper.view() as connection:
        files = query.recorded_files(connection)
    named = {each.left_at or each.path for each in files if each.is_output}
    return {project.relative(project.root / path) for path in named}


def _is_among(path: str, left: Set[str], top: Path) -> bool:
    """Whether a file, or all files of a folder, are among these or in a folder of these."""
    name = PurePosixPath(path)
    if not left.isdisjoint(map(str, (name, *name.parents))):
        return True
    if not path.endswith("/") or not any(each.startswith(path) for each in left):
        return False
    held = (each for each in (top / name).rglob("*") if not each.is_dir())
    return all(_is_among(each.relative_to(top).as_posix(), left, top) for each in held)


def _assets_of(store: str) -> str:
    return str(Path(store).parent / "assets")
