"""``xvc cache stats``."""

from __future__ import annotations

from typing import Annotated, TypedDict

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson, CacheFolder
from xvc.cli.output import Answer, few, show, size, table
from xvc.core.cache_entry import CacheUsage


class Data(TypedDict):
    """Functions by name."""

    functions: Annotated[list[CacheUsage], "The first twenty."]
    total: int


def command(context: typer.Context, folder: CacheFolder = None, as_json: AsJson = False) -> None:
    """Show what each function has in the cache, and its hits and misses.

    Example: xvc cache stats --cache cache_dir
    """
    from xvc.database.cache import usage  # late: it opens SQLite

    here: Context = context.obj
    found = usage(here.cache_folder(folder))
    rows = [
        [each.function, str(each.entries), size(each.size), str(each.hits), str(each.misses)]
        for each in found
    ]
    head = ["function", "entries", "size", "hits", "misses"]
    text = table(head, rows, right=range(1, 5)) if rows else "nothing is cached"
    data: Data = {"functions": few(found), "total": len(found)}
    show(Answer("cache stats", data, text), here.manner)
