"""``xvc log``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, TypedDict

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson, Limit, Sort, Where
from xvc.cli.output import Answer, moment, show, table


class Row(TypedDict):
    """One version."""

    version: str
    run: str | None
    commit: str
    made: Annotated[int, "Nanoseconds since the epoch."]
    subject: str
    metrics: Mapping[str, object]
    params: Mapping[str, object]


class Data(TypedDict):
    """Versions in order, and how many there are in all."""

    versions: list[Row]
    total: int


def command(
    context: typer.Context,
    sort: Sort = None,
    where: Where = None,
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """List versions, newest first; read from the tags alone.

    Example: xvc log --sort accuracy
    """
    from xvc.runs.list import ListRequest, log  # late: a list is not needed for --help

    here: Context = context.obj
    found, total = log(here.project(), ListRequest(sort, where, None, limit or None))
    rows = [[info.name, moment(info.at * 10**9), info.message.subject] for info in found]
    text = table(["version", "made", "message"], rows) if rows else "no versions yet"
    if total > len(found):
        text += f"\n… {total - len(found)} more; --limit 0 shows all"
    listed: list[Row] = [
        {
            "version": info.name,
            "run": info.message.run,
            "commit": info.commit,
            "made": info.at * 10**9,
            "subject": info.message.subject,
            "metrics": info.message.metrics,
            "params": info.message.params,
        }
        for info in found
    ]
    data: Data = {"versions": listed, "total": total}
    steps = (f"xvc show {found[0].name}",) if found else ("xvc tag minor",)
    show(Answer("log", data, text, next=steps), here.manner)
