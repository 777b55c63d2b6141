"""``xvc db describe``."""

from __future__ import annotations

import typer

from xvc.cli.context import Context
from xvc.cli.grid import Form, Rows, beginning, show_grid
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
    run: OfRun = None,
    columns: Columns = None,
    where: Where = None,
    limit: Limit = 100,
    as_csv: AsCsv = False,
    as_markdown: AsMarkdown = False,
    raw: Raw = False,
    as_json: AsJson = False,
) -> None:
    """Describe the values of each key: how many, how many are missing or NaN, mean, quartiles.

    NaN is left out of the figures; of more than 100,000 rows the distinct values are an estimate.

    Example: xvc db describe --columns loss,accuracy
    """
    from xvc.database.queries import LookRequest, described  # late: it opens DuckDB

    here: Context = context.obj
    project = here.project_of(database)
    found = described(project, LookRequest(table, listed(columns), where, run))
    form = Form(as_csv, as_markdown, raw)
    show_grid(here, project, "db describe", beginning(found, limit), form)
