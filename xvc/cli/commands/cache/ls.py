"""``xvc cache ls``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson, CacheFolder, Limit
from xvc.cli.output import Answer, moment, show, size, table

if TYPE_CHECKING:
    from xvc.core.cache_entry import CachedCall


class Call(TypedDict):
    """One cached call."""

    key: str
    function: str
    arguments: Mapping[str, str]
    params: Mapping[str, str]
    run: str
    created: Annotated[int, "Nanoseconds since the epoch."]
    size: Annotated[int, "Bytes."]


class Data(TypedDict):
    """Cached calls in order, and how many there are in all."""

    entries: list[Call]
    total: int


def command(
    context: typer.Context,
    function: Annotated[
        str | None, typer.Option("--function", help="Only calls of this function.")
    ] = None,
    folder: CacheFolder = None,
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """List cached calls, newest first.

    Example: xvc cache ls --function fit
    """
    from xvc.database.cache import stored  # late: it opens SQLite

    here: Context = context.obj
    found = stored(here.cache_folder(folder), function)
    shown = found[: limit or None]
    data: Data = {"entries": [facts(entry) for entry in shown], "total": len(found)}
    text = listing(shown) if shown else "nothing is cached"
    if len(shown) < len(found):
        text += f"\n… {len(found) - len(shown)} more; --limit 0 shows all"
    show(Answer("cache ls", data, text), here.manner)


def listing(entries: list[CachedCall]) -> str:
    """Write entries as a table."""
    rows = [
        [
            entry.key[:12],
            entry.called.function,
            ", ".join(f"{name}={part.text}" for name, part in entry.called.arguments.items()),
            entry.run,
            moment(entry.created),
            size(entry.size),
        ]
        for entry in entries
    ]
    return table(["key", "function", "arguments", "run", "computed", "size"], rows, right=[5])


def facts(entry: CachedCall) -> Call:
    """Write an entry for a program."""
    called = entry.called
    return {
        "key": entry.key,
        "function": called.function,
        "arguments": {name: part.text for name, part in called.arguments.items()},
        "params": {name: part.text for name, part in called.params.items()},
        "run": entry.run,
        "created": entry.created,
        "size": entry.size,
    }
