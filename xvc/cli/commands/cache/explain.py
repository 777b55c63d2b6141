"""``xvc cache explain``."""

from __future__ import annotations

from typing import Annotated, TypedDict

import typer

from xvc.cli.commands.cache.ls import Call, facts
from xvc.cli.context import Context
from xvc.cli.options import AsJson, CacheFolder
from xvc.cli.output import Answer, few, show
from xvc.core.cache_entry import CallDifference


class Data(TypedDict):
    """A call, the nearest other of its function, and how they differ."""

    entry: Call
    nearest: Call | None
    differences: Annotated[list[CallDifference], "The first twenty."]
    differences_total: int


def command(
    context: typer.Context,
    target: Annotated[
        str, typer.Argument(help="A function (its newest call), or a key or its beginning.")
    ],
    folder: CacheFolder = None,
    as_json: AsJson = False,
) -> None:
    """Say why a cached call was no hit: how it differs from the nearest other of the function.

    Names the code that changed, each argument and each param. `Tracker.explain` says the same of a
    call that is not made yet.

    Example: xvc cache explain fit
    """
    from xvc.database.cache import explain  # late: it opens SQLite

    here: Context = context.obj
    entry, found = explain(here.cache_folder(folder), target)
    data: Data = {
        "entry": facts(entry),
        "nearest": facts(found.nearest) if found.nearest else None,
        "differences": few(found.differences),
        "differences_total": len(found.differences),
    }
    show(Answer("cache explain", data, f"{entry.key[:12]} {found}"), here.manner)
