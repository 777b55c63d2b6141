"""``xvc follow-pointer``: what git's hook calls after git has changed the pointer of a store."""

from __future__ import annotations

import typer

from xvc.cli.context import Context
from xvc.cli.output import Answer, show


def command(context: typer.Context) -> None:
    """Bring the stores of this work tree to what their pointers name; says only what was set aside.

    Example: xvc follow-pointer
    """
    from xvc.setup.follow import follow_pointers  # late: this opens DuckDB

    here: Context = context.obj
    set_aside = follow_pointers(here.folder, here.environment)
    show(Answer("follow-pointer", {"set_aside": set_aside}, "\n".join(set_aside)), here.manner)
