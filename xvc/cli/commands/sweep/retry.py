"""``xvc sweep retry``."""

from __future__ import annotations

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson
from xvc.cli.output import show
from xvc.cli.sweep_view import Ended, SweepName, swept, telling

Data = Ended


def command(context: typer.Context, name: SweepName = None, as_json: AsJson = False) -> None:
    """Run the failed trials of a sweep again, and what else is missing.

    Example: xvc sweep retry
    """
    from xvc.sweeps.drive import resume  # late: it opens DuckDB
    from xvc.sweeps.stop import requeue_failed

    here: Context = context.obj
    project = here.project()
    requeue_failed(project, name)
    with telling(here.manner) as tell:
        found = resume(project, name, tell)
    answer = swept("sweep retry", found)
    show(answer, here.manner)
    raise typer.Exit(answer.exit_code)
