"""Run a command for many params, and keep every trial as a run."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, cast

import typer

from xvc.cli.context import Context
from xvc.cli.declared_options import with_options
from xvc.cli.options import AsJson, complete_verbs
from xvc.cli.output import show as show_answer  # `show` is the module of `xvc sweep show`
from xvc.cli.sweep_view import Ended, Planned, planned, swept, telling
from xvc.core.sweep import SweepRequest
from xvc.errors import BadValue
from xvc.types import Json

Data = Ended | Planned


@with_options(SweepRequest, before="file")
def command(
    context: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[-- COMMAND…]",
            help="The command, behind `--`; {lr} in it is the param lr.",
            autocompletion=complete_verbs,
        ),
    ] = None,
    params: Annotated[
        list[str] | None,
        typer.Option(
            "--param",
            "-P",
            metavar="KEY=VALUES",
            help="What a param may be: a,b,c or 2..6 or 0..1:0.25 or 0.001..0.1:log.",
        ),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", "-f", help="YAML that says the same; the command line wins."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be tried, and begin nothing.")
    ] = False,
    as_json: AsJson = False,
    **said: object,
) -> None:
    """Run a command for many params; every trial is a run, and none runs twice.

    Each trial runs in a tree of its own, made from the code as it is now and removed at its end:
    keep files with --out or a Tracker. A param that a params file says is set in that file; others
    reach the command as XVC_PARAM_LR, as Tracker params, in place of {lr}, and as --style says;
    {{lr}} is {lr} itself. XVC_PORT is a free port of this machine. The exit code is 1 when a trial
    failed. No point is tried twice. A trial that its worker lost is run again; one that outlives
    this command on a disk that we share is waited for by `xvc sweep resume`.

    Example: xvc sweep --param lr=0.1,0.01 --param depth=2..6 --jobs 2 -- python train.py
    """
    from xvc.sweeps.start import sweep_all  # late: it loads DuckDB

    here: Context = context.obj
    here.manner.as_json = as_json
    request = _request(here, _said(words or [], params or [], said), file)
    project = here.project()
    folder = os.path.relpath(here.folder, project.place.top) if project.place else "."
    if dry_run:
        from xvc.sweeps.start import plan_sweep  # late: as above

        show_answer(planned(request, plan_sweep(project, request, folder)), here.manner)
        return
    with telling(here.manner) as tell:
        found = sweep_all(project, request, folder, tell)
    answer = swept("sweep", found)
    show_answer(answer, here.manner)
    raise typer.Exit(answer.exit_code)


def _said(words: list[str], params: list[str], options: Mapping[str, object]) -> dict[str, Json]:
    """Take what the command line says, by the names that a file has for it, too."""
    said = {
        name: cast("Json", value)
        for name, value in options.items()
        if value is not None and value is not False and value != []
    }
    if words:
        said["command"] = cast("Json", words)
    return {**said, "params": _params(params)}


def _request(here: Context, said: dict[str, Json], file: Path | None) -> SweepRequest:
    from xvc.executors import EXECUTORS
    from xvc.sweeps.request import joined, request_of
    from xvc.system.value_files import parse_typed, read_typed  # late: loads yaml

    if file is not None:
        path = here.folder / file
        if not path.is_file():
            raise BadValue("--file", f"there is no {file}")
        said = joined(read_typed(path), said)
    directions = here.project().settings.metrics_direction
    return request_of(said, directions, EXECUTORS.names(), parse_typed)


def _params(words: list[str]) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for word in words:
        key, sign, text = word.partition("=")
        if not sign or not key:
            raise BadValue("--param", f"{word!r} is not KEY=VALUES")
        if key in found:
            raise BadValue(
                "--param",
                f"{key} is given twice; one list has all its values: {key}={found[key]},{text}",
            )
        found[key] = text
    return found
