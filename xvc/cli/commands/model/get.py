"""``xvc model get``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypedDict

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson
from xvc.cli.output import Answer, show, size
from xvc.core.human_units import counted


class Data(TypedDict):
    """What was written; ``at`` is the version or run of the model, ``path`` where it was kept."""

    name: str
    stage: str
    at: str
    path: str
    out: str
    files: int
    bytes: int


def command(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The model's name.")],
    stage: Annotated[str, typer.Option("--stage", help="Of which stage.")] = "production",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The folder to write; without it the name.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Replace what is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write the model that is in a stage into a folder, every byte checked.

    That of a version or run is `xvc get e0.1.0 model:NAME`.

    Example: xvc model get digits -o served
    """
    from xvc.models.get import get_model  # late: it opens DuckDB

    here: Context = context.obj
    target = here.folder / (out or name)
    got = get_model(here.project(), name, target, stage=stage, replace=yes)
    data: Data = {
        "name": name,
        "stage": stage,
        "at": got.at,
        "path": got.path,
        "out": got.target,
        "files": got.files,
        "bytes": got.size,
    }
    amount = f"{counted(got.files, 'file')}, {size(got.size)}"
    text = f"{name} {got.at} of {stage} is {out or name} ({amount})"
    show(Answer("model get", data, text), here.manner)
