"""``xvc merge``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xvc.cli.context import Context
from xvc.cli.merge_view import MergeData, abort_answer, listed, merged_answer
from xvc.cli.options import AsJson, DryRun, complete_sources
from xvc.cli.output import say, show
from xvc.core.filter import parse_filter
from xvc.errors import BadValue

if TYPE_CHECKING:
    from xvc.merging.merge import Policy
    from xvc.project import Project

Data = MergeData


def command(
    context: typer.Context,
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            help="Branch, version, run, worktree:NAME, origin/BRANCH or store file.",
            autocompletion=complete_sources,
        ),
    ] = None,
    dry_run: DryRun = False,
    missing: Annotated[
        bool,
        typer.Option("--missing", help="Merge the versions whose runs this store lacks."),
    ] = False,
    conflicts: Annotated[
        bool, typer.Option("--conflicts", help="List the conflicts of the unfinished merge.")
    ] = False,
    ours: Annotated[bool, typer.Option("--ours", help="Decide for our values.")] = False,
    theirs: Annotated[bool, typer.Option("--theirs", help="Decide for the source's.")] = False,
    newest: Annotated[bool, typer.Option("--newest", help="Decide for the later row's.")] = False,
    only: Annotated[
        str | None,
        typer.Option("--only", help="Decide some: \"table == 'runs' and column == 'note'\"."),
    ] = None,
    choices: Annotated[
        Path | None,
        typer.Option("--from", help="Decide as an edited list says (.json or .csv)."),
    ] = None,
    go_on: Annotated[
        bool, typer.Option("--continue", help="Finish the merge as it was decided.")
    ] = False,
    abort: Annotated[bool, typer.Option("--abort", help="Give the unfinished merge up.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="List conflicts as CSV.")] = False,
    as_json: AsJson = False,
) -> None:
    """Merge the stores of other branches, worktrees or people into this one; makes no commit.

    Rows and cells that one side changed are taken; what both changed is a conflict, listed by
    --conflicts, decided by --ours, --theirs, --newest or --from, and finished by --continue.
    (Parquet files: xvc merge data. A branch of that name: xvc merge refs/heads/data.)

    A merge that took one side of the store's pointer leaves runs out; --missing brings them.

    Example: xvc merge exp-dropout
    """
    from xvc.merging import merge as flow  # late: they open DuckDB
    from xvc.merging import unfinished

    here: Context = context.obj
    project, policy = here.project(), _policy(ours, theirs, newest, only)
    asked = [bool(sources), missing, conflicts, go_on, abort]
    if sum(asked) > 1 or not (any(asked) or policy or choices):
        others = "--missing, --conflicts, --continue and --abort"
        raise BadValue("merge", f"name a source, or one of {others}")
    tell = lambda text: say(text, here.manner)  # noqa: E731
    if sources or missing:
        done = flow.merge(project, sources or (), policy=policy, dry_run=dry_run, tell=tell)
        answer = merged_answer(done, is_dry=dry_run)
        answer = replace(answer, next=(here.again(),)) if dry_run else answer
    elif abort:
        answer = abort_answer(flow.abort(project))
    else:
        _decide(project, policy, choices)
        if go_on:
            answer = merged_answer(flow.proceed(project, tell=tell), is_dry=False)
        else:
            answer = listed(unfinished.expect(project.room), as_csv=as_csv)
    show(answer, here.manner)
    raise typer.Exit(answer.exit_code)


def _decide(project: Project, policy: Policy | None, choices: Path | None) -> None:
    """Decide conflicts of the unfinished merge: by an edited list, then the rest by a rule."""
    from xvc.merging import merge as flow  # late: it opens DuckDB

    if choices is not None:
        flow.choose_from(project, choices)
    if policy is not None:
        flow.choose(project, policy)


def _policy(ours: bool, theirs: bool, newest: bool, only: str | None) -> Policy | None:
    from xvc.merging.merge import Policy  # late: it opens DuckDB

    if ours + theirs + newest > 1:
        raise BadValue("merge", "--ours, --theirs and --newest exclude each other")
    if ours or theirs or newest:
        return Policy.named("ours" if ours else "theirs" if theirs else "newest", only)
    if only is not None:
        parse_filter(only)  # a filter that cannot be read is said first
        raise BadValue("--only", "say how: --ours, --theirs or --newest")
    return None
