"""``xvc db top``."""

from __future__ import annotations

import typer

from xvc.cli.context import Context
from xvc.cli.grid import Form, Rows, show_grid
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

Data = Rows


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
    """Show the rows with the largest values of a key; NaN is none of them.

    Example: xvc db top accuracy -n 3
    """
    from xvc.database.queries import LookRequest, extremes  # late: it opens DuckDB

    here: Context = context.obj
    project = here.project_of(database)
    request = LookRequest(table, listed(columns), where, run, limit or None)
    found = extremes(project, request, key, largest=True)
    show_grid(here, project, "db top", found, Form(as_csv, as_markdown, raw))
