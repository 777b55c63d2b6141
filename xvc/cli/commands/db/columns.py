"""``xvc db columns``."""

from __future__ import annotations

from typing import Annotated

import typer

from xvc.cli.context import Context
from xvc.cli.grid import Form, Rows, beginning, show_grid
from xvc.cli.options import AsCsv, AsJson, AsMarkdown, Database, Limit, Raw, complete_tables

Data = Rows


def command(
    context: typer.Context,
    table: Annotated[
        str, typer.Argument(help="The table.", autocompletion=complete_tables)
    ] = "events",
    database: Database = None,
    limit: Limit = 100,
    as_csv: AsCsv = False,
    as_markdown: AsMarkdown = False,
    raw: Raw = False,
    as_json: AsJson = False,
) -> None:
    """List what is logged in a table: key, column, type, values, distinct ones, smallest, largest.

    Of more than 100,000 rows the distinct values are an estimate.

    Example: xvc db columns events
    """
    from xvc.database.queries import LookRequest, columns  # late: it opens DuckDB

    here: Context = context.obj
    project = here.project_of(database)
    found = beginning(columns(project, LookRequest(table)), limit)
    show_grid(here, project, "db columns", found, Form(as_csv, as_markdown, raw))
