"""``xvc cache delete``."""

from __future__ import annotations

from typing import Annotated, TypedDict

import typer

from xvc.cli.commands.cache.ls import Call, facts, listing
from xvc.cli.context import Context
from xvc.cli.options import AsJson, CacheFolder, DryRun
from xvc.cli.output import Answer, few
from xvc.cli.plan import show_plan


class Data(TypedDict):
    """The calls that are deleted."""

    entries: Annotated[list[Call], "The first twenty."]
    total: int
    dry_run: bool


def command(
    context: typer.Context,
    keys: Annotated[
        list[str] | None, typer.Argument(help="Keys, or their beginnings of six letters or more.")
    ] = None,
    run: Annotated[
        str | None, typer.Option("--run", help="Everything that this run computed: its id.")
    ] = None,
    function: Annotated[
        str | None, typer.Option("--function", help="Every call of this function.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without this, only the plan.")] = False,
    dry_run: DryRun = False,
    folder: CacheFolder = None,
    as_json: AsJson = False,
) -> None:
    """Delete cached calls; they are computed anew when they are needed.

    Without --yes it shows what would go, and exits 4. Nothing else ever makes room.

    Example: xvc cache delete --function fit --yes
    """
    from xvc.database.cache import CacheDeletion, delete  # late: it opens SQLite

    here: Context = context.obj
    does = yes and not dry_run
    gone = delete(
        here.cache_folder(folder), CacheDeletion(keys or (), run, function, is_agreed=does)
    )
    data: Data = {
        "entries": [facts(entry) for entry in few(gone)],
        "total": len(gone),
        "dry_run": not does,
    }
    answer = Answer("cache delete", data, listing(gone) if gone else "nothing fits")
    show_plan(answer, here, is_plan=bool(gone) and not does, is_asked=dry_run)
