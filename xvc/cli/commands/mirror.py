"""``xvc mirror``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson
from xvc.cli.output import Answer, show
from xvc.core.human_units import counted

if TYPE_CHECKING:
    from xvc.mirrors.resume import Sent


class MirrorFacts(TypedDict):
    """A run and a sink: how many rows were sent now, what kept the rest, whether it goes on."""

    run: str
    sink: str
    rows: int
    problem: str | None
    running: bool


class Data(TypedDict):
    """The mirrors of which something was, or has to be, sent."""

    resumed: bool
    mirrors: list[MirrorFacts]
    mirrors_total: int


def command(
    context: typer.Context,
    resume: Annotated[
        bool, typer.Option("--resume", help="Send what sinks have missed; exit 1 if some is left.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the runs that a sink, MLflow for example, has not got in full, or send it the rest.

    `xvc run --sink mlflow` and `Tracker(sinks=["mlflow"])` mirror a run while it goes on. What a
    sink does not take then, because it is not there, fails or is slow, is recorded all the same.

    Example: xvc mirror --resume
    """
    from xvc.mirrors.resume import Sent, send_rest, waiting  # late: it opens DuckDB

    here: Context = context.obj
    project = here.project()
    found = send_rest(project) if resume else [Sent(e.run, e.sink, 0) for e in waiting(project)]
    data: Data = {
        "resumed": resume,
        "mirrors": [
            {
                "run": each.run,
                "sink": each.sink,
                "rows": each.rows,
                "problem": each.problem,
                "running": each.is_open,
            }
            for each in found
        ],
        "mirrors_total": len(found),
    }
    code = int(any(each.problem for each in found))
    steps = () if resume or not found else ("xvc mirror --resume",)
    text = "\n".join(_line(each, resumed=resume) for each in found) or "every sink has every run"
    show(Answer("mirror", data, text, tuple(project.keeper.warnings), steps, code), here.manner)
    raise typer.Exit(code)


def _line(each: Sent, *, resumed: bool) -> str:
    if not resumed:
        return f"{each.sink} waits for run {each.run}"
    if each.problem is not None:
        return f"{each.sink} has not got all of run {each.run}: {each.problem}"
    goes_on = "; the run goes on" if each.is_open else ""
    return f"{each.sink} got {counted(each.rows, 'row')} of run {each.run}{goes_on}"
