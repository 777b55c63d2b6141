"""``xvc db sql``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from xvc.cli.context import Context
from xvc.cli.grid import Form, Rows, show_grid
from xvc.cli.options import AsCsv, AsJson, AsMarkdown, Database, DryRun, Limit, Raw, Yes
from xvc.cli.output import Answer, show
from xvc.core.human_units import counted
from xvc.core.sql_change import SqlStatement, TouchedTable
from xvc.errors import BadValue

if TYPE_CHECKING:
    from xvc.core.sql_change import SqlChange


class Changed(TypedDict):
    """With --write: what is changed; ``snapshot`` is the digest of the store that holds it."""

    statements: list[SqlStatement]
    tables: list[TouchedTable]
    snapshot: str | None
    dry_run: bool


Data = Rows | Changed


def command(
    context: typer.Context,
    statement: Annotated[str, typer.Argument(help="SQL; tables are `events` or `db.events`.")],
    database: Database = None,
    limit: Limit = 100,
    write: Annotated[bool, typer.Option("--write", help="Change the store; see --yes.")] = False,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_csv: AsCsv = False,
    as_markdown: AsMarkdown = False,
    raw: Raw = False,
    as_json: AsJson = False,
) -> None:
    """Ask the store in SQL; with --write, change it.

    Questions reach no file and no network. A change shows its plan, exits 4, and is done with
    --yes: all statements or none, kept in the operation log and as a snapshot that the tree's
    pointer names. `git checkout -- results/experiments.duckdb.dvc` takes it back.

    Example: xvc db sql "SELECT track_id, min(loss) FROM events GROUP BY ALL"
    """
    from xvc.database.queries import asked
    from xvc.database.write_sql import alter  # late: they open DuckDB

    here: Context = context.obj
    project = here.project_of(database)
    if not write:
        if yes or dry_run:
            raise BadValue("--yes" if yes else "--dry-run", "it goes with --write")
        found = asked(project, statement, limit or None)
        show_grid(here, project, "db sql", found, Form(as_csv, as_markdown, raw))
        return
    is_plan = dry_run or not yes
    made = alter(project, statement, dry_run=is_plan)
    code = 4 if is_plan and not dry_run else 0
    steps = (here.again("--yes"),) if is_plan else ()
    warnings = tuple(project.keeper.warnings)
    data, text = _data(made, is_plan=is_plan), _told(made, is_plan=is_plan)
    show(Answer("db sql", data, text, warnings, steps, code), here.manner)
    raise typer.Exit(code)


def _data(made: SqlChange, *, is_plan: bool) -> Changed:
    return {
        "statements": list(made.done),
        "tables": list(made.touched),
        "snapshot": made.digest,
        "dry_run": is_plan,
    }


def _told(made: SqlChange, *, is_plan: bool) -> str:
    lines = [f"{'would run' if is_plan else 'ran'}:"]
    for each in made.done:
        rows = "" if each.rows is None else f"  ({counted(each.rows, 'row')})"
        lines.append(f"  {' '.join(each.statement.split())}{rows}")
    for table in made.touched:
        before, after = ("no table" if n is None else n for n in (table.before, table.after))
        verb = "would change" if is_plan else "changed"
        lines.append(f"{verb} {table.table}: {before} → {after} rows")
    if not made.touched:
        lines.append("changes nothing" if is_plan else "changed nothing")
    return "\n".join([*lines, "add --yes to do it"] if is_plan else lines)
