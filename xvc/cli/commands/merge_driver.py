"""``xvc merge-driver``: what git calls to merge the pointers of two stores."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from xvc.cli.context import Context
from xvc.cli.output import say
from xvc.core.human_units import counted
from xvc.git.merge_driver import USUAL_MARKS


def command(
    context: typer.Context,
    base: Annotated[Path, typer.Argument(help="The ancestor's pointer (%O).")],
    ours: Annotated[Path, typer.Argument(help="Ours, and the place of the result (%A).")],
    theirs: Annotated[Path, typer.Argument(help="Theirs (%B).")],
    path: Annotated[str, typer.Argument(help="The pointer's path in the tree (%P).")],
    marks: Annotated[int, typer.Argument(help="How long git's marks are (%L).")] = USUAL_MARKS,
) -> None:
    """Merge the stores that three pointers name, for git; leaves 1 when there are conflicts.

    Example: git config merge.xvc.driver 'xvc merge-driver %O %A %B %P %L'
    """
    from xvc.merging.driver_input import DriverInput  # late: these open DuckDB
    from xvc.merging.merge import warnings_of
    from xvc.merging.pointers import merge_pointers
    from xvc.project import Project

    here: Context = context.obj
    project = Project.find((here.folder / path).parent, here.environment)
    given = DriverInput(base, ours, theirs, path, is_inner=marks > USUAL_MARKS)
    done = merge_pointers(project, given)
    for warning in () if given.is_inner else warnings_of([done]):
        say(f"{path}: {warning}", here.manner)
    if done.open and given.is_inner:
        raise typer.Exit(1)  # git takes ours for the ancestor
    if done.open:
        way = "`xvc merge --conflicts`, decide, `xvc merge --continue`, then go on with git"
        say(f"{path}: {counted(len(done.open), 'conflict')} between the stores: {way}", here.manner)
        raise typer.Exit(1)
