"""``xvc worktree merge``."""

from __future__ import annotations

import os
import shlex
from typing import Annotated, TypedDict

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson, DryRun
from xvc.cli.output import Answer, few, show
from xvc.core.human_units import counted


class Data(TypedDict):
    """How far the branch moves, and the versions and files that come with it."""

    name: str
    branch: str | None
    old: str
    new: str
    changed: bool
    versions: Annotated[list[str], "The first twenty."]
    versions_total: int
    files: Annotated[list[str], "The first twenty."]
    files_total: int
    dry_run: bool


def command(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The tree's name or its folder.")],
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Bring a work tree's versions and rows to the branch you are on.

    Example: xvc worktree merge deeper
    """
    from xvc.merging.worktree import merge  # late: it opens DuckDB

    here: Context = context.obj
    project = here.project()
    done = merge(project, name, here.folder, dry_run=dry_run)
    data: Data = {
        "name": done.name,
        "branch": done.branch,
        "old": done.old,
        "new": done.new,
        "changed": done.changed and not dry_run,
        "versions": few(done.versions),
        "versions_total": len(done.versions),
        "files": few(done.files),
        "files_total": len(done.files),
        "dry_run": dry_run,
    }
    verb = "would move" if dry_run else "has moved"
    text = f"{done.branch or 'HEAD'} {verb} to {done.new[:10]}: {counted(len(done.files), 'file')}"
    text += f", versions {', '.join(done.versions)}" if done.versions else ""
    if not done.changed:
        text = f"nothing to do: {done.branch or 'HEAD'} has all of {done.name}"
    warnings: tuple[str, ...] = ()
    if done.runs_behind:
        text = f"{done.branch or 'HEAD'} has all commits of {done.name}, but not all its runs"
        named, is_one = ", ".join(done.runs_behind[:5]), len(done.runs_behind) == 1
        runs = f"{counted(len(done.runs_behind), 'run')} of {done.name} {'is' if is_one else 'are'}"
        brings = f"`xvc merge worktree:{done.name}` brings {'it' if is_one else 'them'}"
        warnings = (f"{runs} not in this store: {named}; {brings}",)
    if done.said_since:
        named = ", ".join(done.said_since[:5])
        what = f"what was said of {named} in {done.name} since their versions is not in this store"
        warnings = (f"{what}; `xvc merge worktree:{done.name}` brings it",)
    steps = (here.again(),) if dry_run and done.changed else ()
    if done.pointers and not dry_run:  # of all, DVC refuses: the store may have rows of its own
        places = [os.path.relpath(project.top / path, here.folder) for path in done.pointers]
        steps = (shlex.join(["dvc", "checkout", *places]),)
    if done.runs_behind or done.said_since:
        steps = (f"xvc merge worktree:{done.name}",)
    show(Answer("worktree merge", data, text, warnings, steps), here.manner)
