"""The options of the whole program, `-C`, `-q` and `-v`, also behind the command that they are for.

The parser of each command knows them, so that what is another option's value, or stands behind
``--`` or a wrapped command, is left alone. A command's own option of that name stays its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer.core import TyperCommand, TyperGroup

from xvc.cli.context import Context
from xvc.errors import BadFolder

if TYPE_CHECKING:  # Typer brings its own click
    from typer._click.core import Parameter


def settle(
    here: Context, *, folder: Path | None = None, quiet: bool = False, verbose: bool = False
) -> None:
    """Work and speak as is wished, wherever in the call that was said.

    Raises:
        BadFolder: there is no such folder.
    """
    here.manner.quiet |= quiet
    here.manner.verbose |= verbose
    if folder is not None:
        if not folder.is_dir():
            raise BadFolder(str(folder), is_file=folder.exists())
        here.manner.folder = here.folder = folder.resolve()
        here.manner.led = str(folder)


def let_follow(program: object) -> None:
    """Let every command of a program take the options; its help names them once, for all."""
    _give(program, _options())


def _give(program: object, options: Sequence[Parameter]) -> None:
    if isinstance(program, TyperGroup):
        for command in program.commands.values():
            _give(command, options)
    elif isinstance(program, TyperCommand):
        own = {name for each in program.params for name in (*each.opts, *each.secondary_opts)}
        program.params += [each for each in options if own.isdisjoint(each.opts)]


def _options() -> list[Parameter]:
    """Have Typer make them, from a command that has nothing else: how it does so is its own."""
    app = typer.Typer(add_completion=False)
    app.command()(_bare)
    return [each for each in typer.main.get_command(app).params if "--help" not in each.opts]


def _quiet(context: typer.Context, _: object, wanted: bool) -> None:
    settle(context.obj, quiet=wanted)


def _verbose(context: typer.Context, _: object, wanted: bool) -> None:
    settle(context.obj, verbose=wanted)


def _folder(context: typer.Context, _: object, named: str | None) -> None:
    settle(context.obj, folder=Path(named) if named is not None else None)


def _bare(
    of_all_quiet: Annotated[
        bool,
        typer.Option("-q", "--quiet", callback=_quiet, expose_value=False, hidden=True),
    ] = False,
    of_all_verbose: Annotated[
        bool,
        typer.Option("-v", "--verbose", callback=_verbose, expose_value=False, hidden=True),
    ] = False,
    of_all_folder: Annotated[
        str | None, typer.Option("-C", callback=_folder, expose_value=False, hidden=True)
    ] = None,
) -> None:
    """Hold the options, by names that no command's own values have."""
