"""``xvc db ls``."""

from __future__ import annotations

import typer

from xvc.cli.context import Context
from xvc.cli.grid import Form, Rows, beginning, show_grid
from xvc.cli.options import AsCsv, AsJson, AsMarkdown, Database, Limit, Raw
from xvc.cli.output import size

Data = Rows


def command(
    context: typer.Context,
    database: Database = None,
    limit: Limit = 100,
    as_csv: AsCsv = False,
    as_markdown: AsMarkdown = False,
    raw: Raw = False,
    as_json: AsJson = False,
) -> None:
    """List the tables of the store: rows, columns, size, first and last time.

    Example: xvc db ls
    """
    from xvc.database.queries import tables  # late: it opens DuckDB

    here: Context = context.obj
    project = here.project_of(database)
    form = Form(as_csv, as_markdown, raw, {"size": size})
    show_grid(here, project, "db ls", beginning(tables(project), limit), form)
