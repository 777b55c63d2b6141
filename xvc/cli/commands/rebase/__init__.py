"""``xvc rebase``."""

from __future__ import annotations

from typing import Annotated

import typer

from xvc.cli.context import Context
from xvc.cli.options import (
    AsJson,
    DryRun,
    Limit,
    OnDuplicate,
    Yes,
    complete_sources,
    complete_tables,
    listed,
)
from xvc.cli.output import say
from xvc.cli.plan import show_plan
from xvc.cli.rebase_view import Rebasing, rebased_answer
from xvc.errors import BadValue

Data = Rebasing


def command(
    context: typer.Context,
    sources: Annotated[
        list[str],
        typer.Argument(
            help="Branch, version, run, worktree:NAME, origin/BRANCH or store file.",
            autocompletion=complete_sources,
        ),
    ],
    keys: Annotated[str, typer.Option("--on", help="The key columns, commas between.")],
    table: Annotated[
        str | None,
        typer.Option(
            "--table",
            "-t",
            help="The table; without it every one that has the keys.",
            autocompletion=complete_tables,
        ),
    ] = None,
    on_duplicate: OnDuplicate = "refuse",
    limit: Limit = 20,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Merge stores into this one, their rows in the place of ours with the same key.

    What a source has logged since the stores parted comes in, and rows of ours with its keys go;
    all others are kept, and so are runs. Tables without the keys are merged as `xvc merge` does. A
    tag xvc/backup/... keeps the store of before, and `xvc undo` brings it back.
    (Parquet files: xvc rebase data. A branch of that name: xvc rebase refs/heads/data.)

    Example: xvc rebase exp-dropout --on version --yes
    """
    from xvc.core.rebase import ReplaceRequest
    from xvc.merging.rebase import rebase  # late: it opens DuckDB

    here: Context = context.obj
    named = listed(keys)
    if not named:
        raise BadValue("--on", "name a key column")
    is_plan = dry_run or not yes
    wanted = ReplaceRequest(named, table, on_duplicate == "last", limit or None)
    tell = lambda text: say(text, here.manner)  # noqa: E731
    done = rebase(here.project(), sources, wanted, dry_run=is_plan, tell=tell)
    answer = rebased_answer(done, is_plan=is_plan)
    show_plan(answer, here, is_plan=is_plan and done.has_changed, is_asked=dry_run)
