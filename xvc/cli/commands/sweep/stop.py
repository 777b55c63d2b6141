"""``xvc sweep stop``."""

from __future__ import annotations

from typing import Annotated

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson
from xvc.cli.output import Answer, show
from xvc.cli.sweep_view import Standing, SweepName, standing, summary


class Data(Standing):
    """How a sweep stands now."""

    state: Annotated[str, "running, done, stopped or interrupted."]


def command(context: typer.Context, name: SweepName = None, as_json: AsJson = False) -> None:
    """Stop a sweep, from any terminal: running trials end well, no other begins.

    Example: xvc sweep stop
    """
    from xvc.sweeps.state import SweepState  # late: they open DuckDB
    from xvc.sweeps.stop import stop

    here: Context = context.obj
    found = stop(here.project(), name)
    data: Data = {**summary(found.progress), "state": found.condition.value}
    nexts: tuple[str, ...] = (f"xvc sweep show {found.sweep.id}",)
    if found.condition is not SweepState.DONE:
        nexts = (f"xvc sweep resume {found.sweep.id}", *nexts)
    text = f"{standing(found.progress)}; {found.condition}"
    show(Answer("sweep stop", data, text, next=nexts), here.manner)
