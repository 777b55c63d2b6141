"""``xvc model rollback``."""

from __future__ import annotations

from typing import Annotated

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson, DryRun
from xvc.cli.output import show
from xvc.cli.stage_view import Promoting, promoted

Data = Promoting


def command(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(help="The model; needed when the stage has several.")
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", metavar="VERSION", help="One that was there once.")
    ] = None,
    stage: Annotated[str, typer.Option("--stage", help="Where.")] = "production",
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Put back what was in a stage before; each call goes one further back.

    Example: xvc model rollback digits --to e0.1.0
    """
    from xvc.models.rollback import rollback  # late: it opens DuckDB

    here: Context = context.obj
    done = rollback(here.project(), name, stage=stage, to=to, dry_run=dry_run)
    show(promoted("model rollback", done, here), here.manner)
