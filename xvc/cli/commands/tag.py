"""``xvc tag``."""

from __future__ import annotations

from typing import Annotated, TypedDict

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson, DryRun, Incomplete, Run, complete_bumps
from xvc.cli.output import Answer, few, show


class Data(TypedDict):
    """A version and what it names; ``branch`` None: its commit stands beside the branch."""

    version: str
    run: str
    subject: str
    commit: str | None
    branch: str | None
    paths: Annotated[list[str], "The first twenty."]
    paths_total: int
    earlier: Annotated[list[str], "Versions that the run had already, the first twenty."]
    earlier_total: int
    dry_run: bool


def command(
    context: typer.Context,
    version: Annotated[
        str,
        typer.Argument(
            help="major, minor or patch, or a version like e1.4.0.", autocompletion=complete_bumps
        ),
    ] = "patch",
    run: Run = None,
    commit: Annotated[
        bool, typer.Option("--commit", help="Put the run's code on your branch first.")
    ] = False,
    incomplete: Incomplete = False,
    message: Annotated[str | None, typer.Option("--message", "-m", help="A line about it.")] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Give a run a version: store, data and model pointers committed, an annotated tag on top.

    Example: xvc tag minor -m baseline
    """
    from xvc.versions.tag import TagRequest, tag  # late: it opens DuckDB

    here: Context = context.obj
    request = TagRequest.named(
        version, run=run, commit=commit, text=message, dry_run=dry_run, incomplete=incomplete
    )
    made = tag(here.project(), request)
    data: Data = {
        "version": made.name,
        "run": made.run,
        "subject": made.subject,
        "commit": made.commit,
        "branch": made.branch,
        "paths": few(made.paths),
        "paths_total": len(made.paths),
        "earlier": few(made.earlier),
        "earlier_total": len(made.earlier),
        "dry_run": made.is_dry,
    }
    where = f"on {made.branch}" if made.branch else "beside your branch"
    verb = "would be" if made.is_dry else "is"
    text = f"{made.name}  {made.subject}\n{verb} {where}, run {made.run}"
    had = f"run {made.run} had {', '.join(made.earlier)} already; both stay" if made.earlier else ""
    warnings = (had,) if had else ()
    step = here.again() if made.is_dry else f"xvc show {made.name}"
    show(Answer("tag", data, text, warnings, (step,)), here.manner)
