"""``xvc logs``."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Annotated, TypedDict

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson, Reference
from xvc.cli.output import Answer, show
from xvc.cli.passthrough import copy_through
from xvc.core.run import Status
from xvc.errors import BadValue

_LINES = 200


class Data(TypedDict):
    """What a run printed, stdout and stderr as they came."""

    run: str
    version: str | None
    status: Status
    path: Annotated[str | None, "Where it lies; null where it was pulled."]
    lines: Annotated[list[str], "The last 200, or as many as --tail says."]
    lines_total: int
    bytes: int


def command(
    context: typer.Context,
    reference: Reference = "@",
    tail: Annotated[
        int | None, typer.Option("--tail", "-n", min=0, help="Only so many lines of the end.")
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on while the run goes on.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Print what a run printed, here or in the clone that pulled it with `xvc pull --runs`.

    Example: xvc logs @ --tail 20 --follow
    """
    from xvc.runs.logs import followed, log_of  # late: it opens DuckDB

    here: Context = context.obj
    if follow and as_json:
        raise BadValue("--follow", "a document has an end: leave --json out")
    project = here.project()
    found = log_of(project, reference)
    if as_json:
        lines = found.lines
        data: Data = {
            "run": found.run.id,
            "version": found.version,
            "status": found.run.status,
            "path": str(found.path) if found.path else None,
            "lines": lines[max(0, len(lines) - (_LINES if tail is None else tail)) :],
            "lines_total": len(lines),
            "bytes": len(found.content),
        }
        show(Answer("logs", data, warnings=tuple(project.keeper.warnings)), here.manner)
        return
    content = found.content
    if tail is not None:
        kept = content.splitlines(keepends=True)
        content = b"".join(kept[max(0, len(kept) - tail) :])
    _print([content])
    if follow:
        _print(followed(found, len(found.content)))


def _print(chunks: Iterable[bytes]) -> None:
    """Pass it on byte for byte: it was the command's own."""
    try:
        for chunk in chunks:
            copy_through(1, chunk)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the reader has gone, as `| head` does
