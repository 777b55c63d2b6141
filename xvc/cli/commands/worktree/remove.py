"""``xvc worktree remove``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson, DryRun
from xvc.cli.output import Answer, show

if TYPE_CHECKING:
    from xvc.worktrees.remove import Removal


class Data(TypedDict):
    """A tree that is removed; ``lost`` is what was in it alone, ``journals`` where its rows are."""

    name: str
    path: str
    branch: str | None
    branch_removed: bool
    lost: list[str]
    journals: str | None
    dry_run: bool


def command(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The tree's name or its folder.")],
    yes: Annotated[
        bool, typer.Option("--yes", help="Remove it although something is in it alone.")
    ] = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Remove a work tree; refused while rows, versions, files or outputs are in it alone.

    Example: xvc worktree remove deeper --dry-run
    """
    from xvc.worktrees.remove import remove  # late: it opens DuckDB

    here: Context = context.obj
    done = remove(here.project(), name, here.folder, yes=yes, dry_run=dry_run)
    data: Data = {
        "name": done.name,
        "path": done.path,
        "branch": done.branch,
        "branch_removed": done.drops_branch,
        "lost": list(done.losses.sentences),
        "journals": done.journals,
        "dry_run": done.is_dry,
    }
    again = here.again("--yes") if done.losses.sentences and not yes else here.again()
    steps = (again,) if done.is_dry else ()
    show(Answer("worktree remove", data, _text(done), next=steps), here.manner)


def _text(done: Removal) -> str:
    verb = "would be removed" if done.is_dry else "is removed"
    lines = [f"{done.path} {verb}"]
    if done.branch is not None:
        goes = "goes with it: another branch or a tag holds it" if done.drops_branch else "stays"
        lines.append(f"branch {done.branch} {goes}")
    lines += [f"in it alone: {sentence}" for sentence in done.losses.sentences]
    lines += [f"rows in no version are kept in {done.journals}"] if done.journals else []
    return "\n".join(lines)
