"""``xvc note``."""

from __future__ import annotations

from typing import Annotated, TypedDict

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson, Reference
from xvc.cli.output import Answer, show


class Data(TypedDict):
    """What is said of the run now; `xvc undo` takes ``operation`` back."""

    run: str
    note: str | None
    name: str | None
    labels: list[str]
    idea: str | None
    fixes: str | None
    operation: str


def command(
    context: typer.Context,
    reference: Reference,
    text: Annotated[
        str | None, typer.Argument(help="A line about it, in place of the last one; '' is none.")
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="Call the run so.")] = None,
    labels: Annotated[
        list[str] | None, typer.Option("--label", help="Add a label; again for more.")
    ] = None,
    unlabels: Annotated[
        list[str] | None, typer.Option("--unlabel", help="Take a label off; again for more.")
    ] = None,
    idea: Annotated[str | None, typer.Option("--idea", help="What it tries.")] = None,
    fixes: Annotated[
        str | None, typer.Option("--fixes", metavar="REF", help="The failed run it puts right.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say something of a run that was made: a note, a name, labels; `xvc undo` takes it back.

    Example: xvc note @ "warm start, two epochs" --label slow
    """
    from xvc.database.annotate import Saying, say  # late: it opens DuckDB

    here: Context = context.obj
    wanted = Saying(
        note=text,
        name=name,
        idea=idea,
        fixes=fixes,
        labels=tuple(labels or ()),
        unlabels=tuple(unlabels or ()),
    )
    project = here.project()
    said = say(project, [reference], wanted)
    (run,) = said.runs
    data: Data = {
        "run": run.id,
        "note": run.note,
        "name": run.name,
        "labels": list(run.labels),
        "idea": run.idea,
        "fixes": run.fixes,
        "operation": said.operation,
    }
    noted = {
        "name": run.name,
        "note": run.note,
        "labels": ", ".join(run.labels),
        "idea": run.idea,
        "fixes": run.fixes,
    }
    text = f"run {run.id}  " + "  ".join(f"{key}: {value}" for key, value in noted.items() if value)
    show(Answer("note", data, text.rstrip(), tuple(project.keeper.warnings)), here.manner)
