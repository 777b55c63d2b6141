"""The commands that show rows of a table: ``db head``, ``tail``, ``top`` and ``bottom``.

Their options are declared here once; a module of each gives its help and how many rows it shows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import typer

from xvc.cli.context import Context
from xvc.cli.grid import Form, show_grid
from xvc.cli.options import (
    AsCsv,
    AsJson,
    AsMarkdown,
    Columns,
    Database,
    Key,
    Limit,
    OfRun,
    Raw,
    Table,
    Where,
    listed,
)


def end_of_table(verb: Literal["head", "tail"], text: str) -> Callable[..., None]:
    """Make the command that shows one end of a table; *text* is its help."""

    def command(
        context: typer.Context,
        database: Database = None,
        table: Table = "events",
        limit: Limit = 10,
        run: OfRun = None,
        columns: Columns = None,
        where: Where = None,
        as_csv: AsCsv = False,
        as_markdown: AsMarkdown = False,
        raw: Raw = False,
        as_json: AsJson = False,
    ) -> None:
        from xvc.database.queries import LookRequest, head, tail  # late: it opens DuckDB

        here: Context = context.obj
        project = here.project_of(database)
        request = LookRequest(
            table=table, columns=listed(columns), where=where, run=run, limit=limit or None
        )
        found = (head if verb == "head" else tail)(project, request)
        show_grid(here, project, f"db {verb}", found, Form(as_csv, as_markdown, raw))

    command.__doc__ = text
    return command


def extremes_of_key(verb: Literal["top", "bottom"], text: str) -> Callable[..., None]:
    """Make the command that shows the largest or smallest values of a key; *text* is its help."""

    def command(
        context: typer.Context,
        key: Key,
        database: Database = None,
        table: Table = "events",
        limit: Limit = 1,
        run: OfRun = None,
        columns: Columns = None,
        where: Where = None,
        as_csv: AsCsv = False,
        as_markdown: AsMarkdown = False,
        raw: Raw = False,
        as_json: AsJson = False,
    ) -> None:
        from xvc.database.queries import LookRequest, extremes  # late: as above

        here: Context = context.obj
        project = here.project_of(database)
        request = LookRequest(
            table=table, columns=listed(columns), where=where, run=run, limit=limit or None
        )
        found = extremes(project, request, key, largest=verb == "top")
        show_grid(here, project, f"db {verb}", found, Form(as_csv, as_markdown, raw))

    command.__doc__ = text
    return command
