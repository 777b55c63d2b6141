"""``xvc tag``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson, DryRun, Incomplete, Run, complete_bumps
from xvc.cli.output import Answer, few, show
from xvc.errors import BadValue

if TYPE_CHECKING:
    from xvc.versions.tag import Tagged


class Data(TypedDict):
    """A version and what it names; ``branch`` None: beside the branch, or on a detached HEAD."""

    version: str
    run: Annotated[str | None, "Null with --merged."]
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
        str | None,
        typer.Argument(
            help="major, minor or patch, or a version like e1.4.0; patch, with --merged minor.",
            autocompletion=complete_bumps,
            show_default=False,
        ),
    ] = None,
    run: Run = None,
    merged: Annotated[
        bool,
        typer.Option("--merged", help="A version of all that is merged here, without a run."),
    ] = False,
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
    from xvc.runs.versioning import tag_run  # late: it opens DuckDB
    from xvc.versions.tag import TagRequest, tag_merged

    here: Context = context.obj
    request = TagRequest.named(
        ("minor" if merged else "patch") if version is None else version,
        run=run,
        commit=commit,
        text=message,
        dry_run=dry_run,
        incomplete=incomplete,
    )
    if merged and (run or commit):
        raise BadValue(
            "--merged", "it has no run, and commits no code: leave --run and --commit out"
        )
    project = here.project()
    made = (tag_merged if merged else tag_run)(project, request)
    step = here.again() if made.is_dry else f"xvc show {made.name}" if made.run else "xvc log"
    warnings = (*project.keeper.warnings, *_warnings(made))
    answer = Answer("tag", _data(made), _text(made), warnings, (step,))
    show(answer, here.manner)


def _data(made: Tagged) -> Data:
    return {
        "version": made.name,
        "run": made.run or None,
        "subject": made.subject,
        "commit": made.commit,
        "branch": made.branch,
        "paths": few(made.paths),
        "paths_total": len(made.paths),
        "earlier": few(made.earlier),
        "earlier_total": len(made.earlier),
        "dry_run": made.is_dry,
    }


def _warnings(made: Tagged) -> tuple[str, ...]:
    had = f"run {made.run} had {', '.join(made.earlier)} already; both stay"
    others = f"{', '.join(few(made.passed))}: taken by another project of this repository"
    without = (made.without,) if made.without else ()
    return (*((had,) if made.earlier else ()), *((others,) if made.passed else ()), *without)


def _text(made: Tagged) -> str:
    where = f"on {made.branch}" if made.branch else "beside your branch"
    if made.on_head and not made.branch:
        where = "on the detached HEAD, and on no branch yet"
    verb = "would be" if made.is_dry else "is"
    of = f", run {made.run}" if made.run else ""
    return f"{made.name}  {made.subject}\n{verb} {where}{of}"
