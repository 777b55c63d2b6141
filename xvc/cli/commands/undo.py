"""``xvc undo``."""

from __future__ import annotations

from typing import TypedDict

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson, Database, DryRun, Yes
from xvc.cli.output import Answer, moment
from xvc.cli.plan import show_plan


class Data(TypedDict):
    """The operation that is taken back."""

    command: str
    what: str
    operation: str | None
    dry_run: bool


def command(
    context: typer.Context,
    database: Database = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Take back the last `db set|delete|copy`, `note`, `keep`, `discard`, `merge` or `rebase`.

    Each further call goes one further back.

    A version that was made in between keeps what it holds. Rows copied into runs that were here
    before cannot be taken out again.

    Example: xvc undo --yes
    """
    from xvc.recovery.undo import undo  # late: it opens DuckDB

    here: Context = context.obj
    is_plan = dry_run or not yes
    undone = undo(here.project_of(database), dry_run=is_plan)
    verb = "would take back" if is_plan else "took back"
    text = f"{verb} `xvc {undone.command}` of {moment(round(undone.at * 1e9))}: {undone.what}"
    data: Data = {
        "command": undone.command,
        "what": undone.what,
        "operation": undone.operation,
        "dry_run": is_plan,
    }
    answer = Answer("undo", data, text, next=("xvc undo",))
    show_plan(answer, here, is_plan=is_plan, is_asked=dry_run)
