"""``xvc compare``."""

from __future__ import annotations

from typing import Annotated

import typer

from xvc.cli.comparison_view import LAYOUTS, Comparing, as_csv, as_data
from xvc.cli.context import Context
from xvc.cli.options import AsJson, Raw, References, Series, complete_tables
from xvc.cli.output import Answer, show
from xvc.errors import BadValue

Data = Comparing


def command(
    context: typer.Context,
    runs: References = [],  # noqa: B006 - typer's way to say that there may be none
    series: Series = None,
    table: Annotated[
        str | None,
        typer.Option(
            "--table",
            "-t",
            help="Compare row by row in this table, too, what --key says to be the same input.",
            autocompletion=complete_tables,
        ),
    ] = None,
    key: Annotated[
        str | None, typer.Option("--key", help="With --table: the key that names a row's input.")
    ] = None,
    scores: Annotated[
        list[str] | None,
        typer.Option(
            "--score",
            metavar="KEY|SQL[:max|:min]",
            help="With --table: what a row is worth, 'prediction = label:max'; else all numbers.",
        ),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Show what is the same, too.")] = False,
    layout: Annotated[
        str, typer.Option("--format", "-f", help="text, markdown, csv or html.")
    ] = "text",
    raw: Raw = False,
    as_json: AsJson = False,
) -> None:
    """Show how runs differ in code, data, params, metrics and packages.

    The first run is what the others are compared with. Where runs have repeats, each metric is
    judged: better, worse, within noise, or not enough runs.

    Example: xvc compare e0.1.0 e0.2.0; xvc compare --series 0042
    """
    from xvc.runs.compare import compare  # late: it opens DuckDB
    from xvc.runs.row_pairs import RowRequest

    if layout not in LAYOUTS:
        raise BadValue("--format", f"{layout!r} is none of {', '.join(LAYOUTS)}")
    if (table is None) is not (key is None) or (scores and table is None):
        raise BadValue("--table", "it goes with --key, which names the input of a row")
    rows = RowRequest(table, key, tuple(scores or ())) if table and key else None
    here: Context = context.obj
    project = here.project()
    found = compare(project, runs, series=series, rows=rows)
    text = as_csv(found, every, is_raw=raw) if layout == "csv" else LAYOUTS[layout](found, every)
    warnings = (*project.keeper.warnings, *found.warnings)
    show(Answer("compare", as_data(found, every=every), text, warnings, is_raw=raw), here.manner)
