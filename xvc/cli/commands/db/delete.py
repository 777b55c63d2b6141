"""``xvc db delete``."""

from __future__ import annotations

from typing import Annotated

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson, Database, DryRun, References, Yes
from xvc.cli.output import Answer, few
from xvc.cli.plan import Edited, show_plan
from xvc.core.human_units import counted

Data = Edited


def command(
    context: typer.Context,
    runs: References,
    force: Annotated[
        bool, typer.Option("--force", help="Also runs that go on, or that a version names.")
    ] = False,
    database: Database = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Take runs and their rows out of sight, in every table.

    Their code, versions and DVC objects stay, and the rows wait in the store for `xvc undo`.

    Example: xvc db delete bzk3nzk3r8d7 --yes
    """
    from xvc.database.edit import delete_runs  # late: it opens DuckDB

    here: Context = context.obj
    is_plan = dry_run or not yes
    changed = delete_runs(here.project_of(database), runs, force=force, dry_run=is_plan)
    verb = "would delete" if is_plan else "deleted"
    text = "\n".join(f"{verb} run {run}" for run in changed.runs)
    text += f"\nwith {counted(changed.rows, 'row')} in all"
    data: Data = {
        "rows": changed.rows,
        "runs": few(changed.runs),
        "runs_total": len(changed.runs),
        "operation": changed.operation,
        "dry_run": is_plan,
    }
    answer = Answer("db delete", data, text, next=("xvc undo",))
    show_plan(answer, here, is_plan=is_plan, is_asked=dry_run)
