"""``xvc db set``."""

from __future__ import annotations

from typing import Annotated

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson, Database, DryRun, Table, Yes
from xvc.cli.output import Answer, few, show
from xvc.cli.plan import Edited, pair_of, show_plan
from xvc.core.human_units import counted

_NOTHING = 3  # a negative answer


Data = Edited


def command(
    context: typer.Context,
    key: Annotated[str, typer.Argument(help="The key; one that no row has is new.")],
    value: Annotated[str, typer.Argument(help="A number, true, false, null or a text.")],
    run: Annotated[
        list[str] | None, typer.Option("--run", help="Only rows of this run; again for more.")
    ] = None,
    where: Annotated[
        str | None, typer.Option("--where", help="Only rows that hold this: KEY=VALUE.")
    ] = None,
    table: Table = "events",
    database: Database = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Set a key in rows that are logged already; a number set for whole runs is their metric.

    Values are compared with their types: 1 is 1.0, and neither is true.

    Example: xvc db set accuracy 0.8 --where params=1b5b2294 --run @ --yes
    """
    from xvc.database.edit import Setting, set_value  # late: it opens DuckDB
    from xvc.system.value_files import parse_typed  # late: help needs no YAML

    here: Context = context.obj
    chosen = pair_of(where) if where is not None else None
    wanted = Setting(
        key=key, value=parse_typed(value).value, table=table, runs=tuple(run or ()), where=chosen
    )
    is_plan = dry_run or not yes
    changed = set_value(here.project_of(database), wanted, dry_run=is_plan)
    verb = "would set" if is_plan else "set"
    text = f"{verb} {key} to {value} in {counted(changed.rows, 'row')} of {table}"
    data: Data = {
        "rows": changed.rows,
        "runs": few(changed.runs),
        "runs_total": len(changed.runs),
        "operation": changed.operation,
        "dry_run": is_plan,
    }
    if not changed.rows:
        says = f"no row of {table} fits, so nothing is changed"
        show(Answer("db set", data, "", (says,), exit_code=_NOTHING), here.manner)
        raise typer.Exit(_NOTHING)
    answer = Answer("db set", data, text, next=("xvc undo",))
    show_plan(answer, here, is_plan=is_plan, is_asked=dry_run)
