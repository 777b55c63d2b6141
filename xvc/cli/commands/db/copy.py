"""``xvc db copy``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, TypedDict

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson, Database, DryRun, Yes
from xvc.cli.output import Answer, few
from xvc.cli.plan import show_plan
from xvc.core.human_units import counted


class Data(TypedDict):
    """What is copied; ``present`` rows were here; ``deleted`` runs, ``hidden`` rows stay away."""

    runs: Annotated[list[str], "The first twenty."]
    runs_total: int
    rows: Mapping[str, int]
    present: int
    deleted: Annotated[list[str], "The first twenty."]
    deleted_total: int
    hidden: int
    operation: str | None
    dry_run: bool


def command(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(help="The .duckdb file of another xvc project.")],
    table: Annotated[
        str | None, typer.Option("--table", help="Only this event table, and its runs.")
    ] = None,
    database: Database = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Copy another store's runs and rows into this one; what is here already is not doubled.

    The other store is only read. Copies nothing where both have a row of one id and it differs.

    Example: xvc db copy ../other/results/experiments.duckdb --yes
    """
    from xvc.database.copy import copy  # late: it opens DuckDB

    here: Context = context.obj
    is_plan = dry_run or not yes
    copied = copy(here.project_of(database), here.folder / source, table=table, dry_run=is_plan)
    data: Data = {
        "runs": few(copied.runs),
        "runs_total": len(copied.runs),
        "rows": copied.rows,
        "present": copied.present,
        "deleted": few(copied.deleted),
        "deleted_total": len(copied.deleted),
        "hidden": copied.hidden,
        "operation": copied.operation,
        "dry_run": is_plan,
    }
    verb = "would copy" if is_plan else "copied"
    lines = [f"{verb} {counted(len(copied.runs), 'run')}"]
    lines += [f"{verb} {counted(count, 'row')} of {name}" for name, count in copied.rows.items()]
    lines += [f"here already: {counted(copied.present, 'row')}"] if copied.present else []
    lines += [f"run {run} is deleted here and stays so" for run in copied.deleted]
    lines += (
        [f"deleted here, and it stays so: {counted(copied.hidden, 'row')}"] if copied.hidden else []
    )
    answer = Answer("db copy", data, "\n".join(lines), next=("xvc undo",))
    show_plan(answer, here, is_plan=is_plan, is_asked=dry_run)
