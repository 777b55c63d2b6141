"""``xvc worktree add``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson
from xvc.cli.output import Answer, few, show

if TYPE_CHECKING:
    from xvc.worktrees.add import AddedTree


class Data(TypedDict):
    """A tree that is ready; ``linked`` counts files by the kind of link."""

    name: str
    path: str
    branch: str | None
    base: str
    changed: bool
    linked: Mapping[str, int]
    copied: Annotated[list[str], "The first twenty."]
    copied_total: int
    missing: Annotated[list[str], "The first twenty."]
    missing_total: int


def command(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The experiment: branch exp/NAME, folder exp-NAME.")],
    base: Annotated[
        str | None,
        typer.Option("--from", help="Where it begins; without it the main tree's commit."),
    ] = None,
    path: Annotated[
        Path | None, typer.Option("--path", help="The folder; without it beside the main tree.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a work tree for an experiment, its data linked from the cache. Twice is harmless.

    Example: xvc worktree add deeper --from e0.3.0
    """
    from xvc.worktrees.add import add  # late: --help needs no git

    here: Context = context.obj
    place = None if path is None else here.folder / path
    show(answer("worktree add", add(here.project(), name, base=base, path=place)), here.manner)


def answer(command: str, added: AddedTree) -> Answer:
    """Show a tree that is ready."""
    done = added.done
    counts = [f"{count} by {kind}" for kind, count in sorted(done.linked.items())]
    lines = [f"{added.path} on {added.branch or 'no branch'}, from {added.base[:10]}"]
    lines += [f"data: {', '.join(counts)}"] if counts else []
    lines += [f"copied: {', '.join(done.copied)}"] if done.copied else []
    data: Data = {
        "name": added.name,
        "path": added.path,
        "branch": added.branch,
        "base": added.base,
        "changed": added.is_new,
        "linked": done.linked,
        "copied": few(done.copied),
        "copied_total": len(done.copied),
        "missing": few(done.missing),
        "missing_total": len(done.missing),
    }
    steps = (f"cd {added.path}", "xvc run -- python train.py")
    return Answer(command, data, "\n".join(lines), tuple(done.warnings), steps)
