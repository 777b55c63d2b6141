"""``xvc cache delete``."""

from __future__ import annotations

from typing import Annotated

import typer

from xvc.cli.commands.cache.ls import facts, listing
from xvc.cli.context import Context
from xvc.cli.options import AsJson, CacheFolder, DryRun
from xvc.cli.output import Answer, say, show
from xvc.types import Json


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

    Without --yes it shows what would go, and changes nothing. Nothing else ever makes room.

    Example: xvc cache delete --function fit --yes
    """
    from xvc.flows.cache import Deletion, delete  # late: it opens SQLite

    here: Context = context.obj
    does = yes and not dry_run
    gone = delete(here.cache_folder(folder), Deletion(keys or (), run, function, is_agreed=does))
    data: Json = {"entries": [facts(entry) for entry in gone], "deleted": does}
    text = listing(gone) if gone else "nothing fits"
    show(Answer("cache delete", data, text), here.manner)
    if gone:
        say("deleted" if does else "nothing is deleted yet; add --yes to do it", here.manner)
