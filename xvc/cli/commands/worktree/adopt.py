"""``xvc worktree adopt``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from xvc.cli.commands.worktree.add import Data, answer
from xvc.cli.context import Context
from xvc.cli.options import AsJson
from xvc.cli.output import show

__all__ = ["Data", "command"]


def command(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(help="The folder of a work tree.")],
    as_json: AsJson = False,
) -> None:
    """Give a work tree that git or another tool has made data, store and DVC settings.

    Example: xvc worktree adopt .claude/worktrees/idea
    """
    from xvc.worktrees.add import adopt  # late: --help needs no git

    here: Context = context.obj
    show(answer("worktree adopt", adopt(here.project(), here.folder / path)), here.manner)
