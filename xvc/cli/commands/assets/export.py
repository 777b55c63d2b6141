"""``xvc assets export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypedDict

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson, Database, Digest
from xvc.cli.output import Answer, show


class Data(TypedDict):
    """What was copied where."""

    digest: str
    path: str


def command(
    context: typer.Context,
    digest: Digest,
    out: Annotated[Path, typer.Argument(help="The file, or for a kept folder the folder.")],
    database: Database = None,
    yes: Annotated[bool, typer.Option("--yes", help="Replace what is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Copy an asset to a file or folder. Nothing is unpickled, so nothing of it runs.

    Example: xvc assets export 53425a65 model.pkl
    """
    from xvc.database.export_asset import export_asset

    here: Context = context.obj
    place = export_asset(here.project_of(database), digest, here.folder / out, replace=yes)
    text = f"copied to {out}"
    data: Data = {"digest": digest, "path": str(place)}
    show(Answer("assets export", data, text), here.manner)
