"""``xvc db head``."""

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
    """Show the first rows of a table, oldest first.

    Example: xvc db head -n 5 --where "loss < 0.5"
    """
    from xvc.database.queries import LookRequest, head  # late: it opens DuckDB

    here: Context = context.obj
    project = here.project_of(database)
    request = LookRequest(table, listed(columns), where, run, limit or None)
    show_grid(here, project, "db head", head(project, request), Form(as_csv, as_markdown, raw))
