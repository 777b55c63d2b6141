"""``xvc model add``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypedDict

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson, Run
from xvc.cli.output import Answer, show, size


class Data(TypedDict):
    """The candidate; ``changed`` is false when it was there already."""

    name: str
    run: str
    path: str
    digest: str
    bytes: int | None
    changed: bool


def command(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(help="The file or folder.")],
    run: Run = None,
    name: Annotated[
        str | None, typer.Option("--name", help="The model's name; without it the file's own.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Keep a file or folder as a candidate, a model of a run; the file itself stays.

    Example: xvc model add model.pkl --run @ --name digits
    """
    from xvc.models.add import add_model  # late: it opens DuckDB

    here: Context = context.obj
    project = here.project()
    done = add_model(project, here.folder / path, run or "@", name)
    data: Data = {
        "name": done.name,
        "run": done.run,
        "path": done.path,
        "digest": done.file.digest,
        "bytes": done.file.size,
        "changed": done.is_new,
    }
    state = "is" if done.is_new else "is already"
    text = f"{done.name} of run {done.run} {state} {done.path} ({size(done.file.size)})"
    following = (f"xvc model promote {done.run} --name {done.name}",)
    show(Answer("model add", data, text, tuple(project.keeper.warnings), following), here.manner)
