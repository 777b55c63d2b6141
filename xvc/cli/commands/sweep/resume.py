"""``xvc sweep resume``."""

from __future__ import annotations

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson
from xvc.cli.output import show
from xvc.cli.sweep_view import Ended, SweepName, swept, telling

Data = Ended


def command(context: typer.Context, name: SweepName = None, as_json: AsJson = False) -> None:
    """Run what is missing of a sweep that was stopped or killed; what has finished stays.

    Example: xvc sweep resume
    """
    from xvc.sweeps.drive import resume  # late: it opens DuckDB

    here: Context = context.obj
    with telling(here.manner) as tell:
        found = resume(here.project(), name, tell)
    answer = swept("sweep resume", found)
    show(answer, here.manner)
    raise typer.Exit(answer.exit_code)
