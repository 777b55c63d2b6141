"""The options of the whole program, `-C`, `-q` and `-v`, also behind the command that they are for.

The parser of each command knows them, so that what is another option's value, or stands behind
``--`` or a wrapped command, is left alone. A command's own option of that name stays its own.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

from xvc.cli.context import Context
from xvc.errors import BadFolder


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
            raise BadFolder(str(folder))
        here.folder = folder.resolve()


def let_follow(program: object) -> None:
    """Let every command of a program take the options; its help names them once, for all."""
    if isinstance(program, TyperGroup):
        for command in program.commands.values():
            let_follow(command)
    elif isinstance(program, TyperCommand):
        own = {name for each in program.params for name in (*each.opts, *each.secondary_opts)}
        program.params += [each for each in _options() if own.isdisjoint(each.opts)]


def _options() -> list[TyperOption]:
    return [
        _option("-q", "--quiet", callback=_quiet, is_flag=True),
        _option("-v", "--verbose", callback=_verbose, is_flag=True),
        _option("-C", callback=_folder, is_flag=False),
    ]


def _option(*names: str, callback: Callable[..., None], is_flag: bool) -> TyperOption:
    default = False if is_flag else None
    return TyperOption(
        param_decls=[*names],
        callback=callback,
        is_flag=is_flag,
        default=default,
        expose_value=False,
        hidden=True,
    )


def _quiet(context: typer.Context, _: object, wanted: bool) -> None:
    settle(context.obj, quiet=wanted)


def _verbose(context: typer.Context, _: object, wanted: bool) -> None:
    settle(context.obj, verbose=wanted)


def _folder(context: typer.Context, _: object, named: str | None) -> None:
    settle(context.obj, folder=Path(named) if named is not None else None)
