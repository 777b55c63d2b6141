"""``xvc tried``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson, Params, command_with, params_of
from xvc.cli.output import Answer, few, moment, show
from xvc.core.human_units import counted
from xvc.core.run import Status

if TYPE_CHECKING:
    from xvc.runs.similar_runs import Near, Precedents

_NOT_TRIED = 3  # a negative answer


class Row(TypedDict):
    """A run, and in what it differs from what may be run now."""

    run: str
    version: str | None
    status: Status
    started: Annotated[int | None, "Nanoseconds since the epoch."]
    metrics: Mapping[str, object]
    note: str | None
    decision: str | None
    params: Annotated[Mapping[str, list[object]], "Those that differ: then, now."]
    data: Annotated[list[str], "The first twenty files whose content differs."]
    data_total: int
    code: Annotated[bool, "Whether the code differs, or is not in this clone."]
    files: Annotated[list[str], "The first twenty files of code that differ."]
    files_total: int
    alike: Annotated[float | None, "With --diff: the share of changed lines that both have."]
    command: Annotated[bool, "Whether the command differs."]


class Data(TypedDict):
    """Runs of the same code, data, command and params, newest first; and what came near."""

    tried: bool
    same: Annotated[list[Row], "The first twenty."]
    same_total: int
    repeats: Annotated[list[Row], "The first twenty of the same with another seed."]
    repeats_total: int
    nearest: Annotated[list[Row], "The three that differ least."]
    runs: int


def command(
    context: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[-- COMMAND…]", help="The command; without one code and data count."
        ),
    ] = None,
    params: Params = None,
    diff: Annotated[
        bool,
        typer.Option("--diff", help="By the change to the code alone: who changed the same lines?"),
    ] = False,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit 3 when nothing the same has run.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Say before a run whether the same code, data and params have run, and what came near.

    Example: xvc tried -P lr=0.1 -- python train.py
    """
    from xvc.runs.similar_runs import PlannedRun, by_change, precedents  # late: it opens DuckDB

    here: Context = context.obj
    here.manner.as_json = as_json  # a `--json` further on is the command's own
    project, warnings = here.project(), list[str]()
    values = params_of(params or [])
    filled = command_with(words or [], values)
    plan = PlannedRun(here.folder, filled.words, values, filled.seeded)
    found = (by_change if diff else precedents)(project, plan, warnings)
    code = _NOT_TRIED if exit_code and not found.same else 0
    said = (*warnings, *project.keeper.warnings)
    show(
        Answer("tried", _data(found), _text(found, by_change=diff), said, exit_code=code),
        here.manner,
    )
    if code:
        raise typer.Exit(code)


def _data(found: Precedents) -> Data:
    return {
        "tried": bool(found.same),
        "same": [_row(each) for each in few(found.same)],
        "same_total": len(found.same),
        "repeats": [_row(each) for each in few(found.repeats)],
        "repeats_total": len(found.repeats),
        "nearest": [_row(each) for each in found.nearest],
        "runs": found.runs,
    }


def _row(near: Near) -> Row:
    run = near.run
    return {
        "run": run.id,
        "version": near.version,
        "status": run.status,
        "started": run.started,
        "metrics": run.metrics,
        "note": run.note,
        "decision": run.decision,
        "params": {key: list(pair) for key, pair in near.params.items()},
        "data": few(near.data),
        "data_total": len(near.data),
        "code": near.has_other_code,
        "files": few(near.files or ()),
        "files_total": len(near.files or ()),
        "alike": near.alike,
        "command": near.has_other_command,
    }


def _text(found: Precedents, *, by_change: bool) -> str:
    lines = []
    what = "the same change" if by_change else "the same code, data, command and params"
    if found.same:
        times = f"{len(found.same)} times" if len(found.same) > 1 else "once"
        lines.append(f"tried {times}: {what}")
        lines += _lines(found.same[:3])
    elif found.runs:
        lines.append(f"not tried: none of {counted(found.runs, 'run')} had {what}")
    else:
        lines.append("not tried: there is no run yet")
    if found.repeats:
        lines += [f"with another seed: {len(found.repeats)}", *_lines(found.repeats[:3])]
    if found.nearest and not found.same:
        lines += ["nearest", *_lines(found.nearest)]
    return "\n".join(lines)


def _lines(near: Sequence[Near]) -> list[str]:
    from xvc.runs.similar_runs import difference, result  # late: as above

    return [
        f"  {each.version or each.run.id}  {moment(each.run.started)}  "
        + "  ".join(part for part in (result(each.run), difference(each)) if part)
        for each in near
    ]
