"""``xvc scrub``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson
from xvc.cli.output import Answer, few, show
from xvc.core.human_units import counted
from xvc.sharing.secret_places import Remainder, SecretPlace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xvc.project import Project
    from xvc.sharing.scrub import Scrubbed

_NEEDS_DECISION = 4


class Data(TypedDict):
    """What is taken out, and what cannot be; the first twenty of each. Never the secret itself."""

    places: list[SecretPlace]
    places_total: int
    left: list[Remainder]
    left_total: int
    pushed: list[Remainder]
    pushed_total: int
    own: Annotated[list[str], "Files of the work trees that hold it: they are yours to change."]
    own_total: int
    done: bool


def command(
    context: typer.Context,
    file: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="The file that has the secret, and no more."),
    ] = None,
    run: Annotated[
        str | None, typer.Option("--run", help="Take it from this run's param (with --param).")
    ] = None,
    param: Annotated[
        str | None, typer.Option("--param", metavar="KEY", help="The param that is the secret.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Take it out; else a plan.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take a secret out that was recorded: of journals, stores, logs, snapshots, assets, sweeps.

    It is read from standard input or a file, never from the command line, which others can see.
    Versions are never moved: those that hold it are named, as is what was pushed. Revoke it in any
    case.

    Example: xvc scrub --from key.txt --yes
    """
    from xvc.sharing.scrub import scrub  # late: it opens DuckDB

    here: Context = context.obj
    project = here.project()
    done = scrub(project, _secret(project, file, run, param), does_it=yes)
    data: Data = {
        "places": few(done.places),
        "places_total": len(done.places),
        "left": few(done.left),
        "left_total": len(done.left),
        "pushed": few(done.pushed),
        "pushed_total": len(done.pushed),
        "own": few(done.own),
        "own_total": len(done.own),
        "done": done.is_done,
    }
    is_open = bool(done.places) and not yes
    warnings = ("nothing was changed; add --yes to take it out",) if is_open else ()
    code = _NEEDS_DECISION if is_open else 0
    answer = Answer("scrub", data, _text(done), warnings, _steps(here, done), code)
    show(answer, here.manner)
    raise typer.Exit(code)


def _secret(project: Project, file: Path | None, run: str | None, param: str | None) -> str:
    from xvc.core.redaction import SecretUnfit
    from xvc.sharing.scrub import of_param

    if run is not None or param is not None:
        if run is None or param is None or file is not None:
            raise SecretUnfit("--run and --param go together, and without --from")
        return of_param(project, run, param)
    if file is None and sys.stdin.isatty():
        raise SecretUnfit("nothing was said")
    try:
        data = sys.stdin.buffer.read() if file is None else file.read_bytes()
    except OSError as err:
        raise SecretUnfit(f"{file} cannot be read: {err.strerror}") from err
    return data.decode("utf-8", "surrogateescape")


def _steps(here: Context, done: Scrubbed) -> tuple[str, ...]:
    if done.places and not done.is_done:
        return (here.again("--yes"),)
    return ("git status",) if any(each.kind == "store" for each in done.places) else ()


def _text(done: Scrubbed) -> str:
    verb = "taken out of" if done.is_done else "would be taken out of"
    lines = [f"{verb} {counted(len(done.places), 'place')}"]
    lines += [f"  {each.kind} {each.where} ({each.count})" for each in few(done.places)]
    for title, those in (("it stays in", done.left), ("it was sent to", done.pushed)):
        lines += _told(title, those)
    if done.own:
        lines.append("files of yours that hold it:")
        lines += [f"  {name}" for name in few(done.own)]
    lines.append("outputs and data of runs were not looked into")
    if done.left or done.pushed or done.places:
        lines.append("revoke the secret: what has been on a disk may have been read")
    return "\n".join(lines)


def _told(title: str, those: Sequence[Remainder]) -> list[str]:
    if not those:
        return []
    return [f"{title}:", *(f"  {each.kind} {each.where}: {each.way}" for each in few(those))]
