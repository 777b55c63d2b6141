"""``xvc run``."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xvc.cli.context import Context
from xvc.cli.declared_options import asked, with_options
from xvc.cli.options import Incomplete, Params, command_with, complete_bumps, params_of
from xvc.cli.output import Answer, say, show, warn
from xvc.cli.passthrough import copy_aside, copy_through
from xvc.cli.run_end_view import Ended, ended_facts, ended_line, unread_lines
from xvc.cli.run_without_xvc import become
from xvc.core.best_effort import best_effort, in_words
from xvc.errors import BadValue, XvcError
from xvc.runs.request import RunRequest

if TYPE_CHECKING:
    from xvc.cli.repeat_view import Seeds
    from xvc.project import Project
    from xvc.runs.run import Ran


def __getattr__(name: str) -> object:
    """Give ``Data`` to the contract, which alone needs what judges repeats."""
    if name != "Data":
        raise AttributeError(name)
    from xvc.cli.repeat_view import Contending, Repeating

    return Ended | Repeating | Contending


@with_options(RunRequest, before="repeat")
def command(
    context: typer.Context,
    words: Annotated[
        list[str], typer.Argument(metavar="-- COMMAND…", help="The command, behind `--`.")
    ],
    params: Params = None,
    tag: Annotated[
        str | None,
        typer.Option(
            "--tag",
            metavar="BUMP",
            help="Make it a version: major, minor or patch, or one like e0.2.1.",
            autocompletion=complete_bumps,
        ),
    ] = None,
    incomplete: Incomplete = False,
    repeat: Annotated[
        int | None,
        typer.Option(
            "--repeat",
            metavar="COUNT",
            help="Run it so often, with the seeds 0, 1, 2 …: {seed} in the command, "
            "XVC_PARAM_SEED, a Tracker's params.",
        ),
    ] = None,
    seed_param: Annotated[
        str,
        typer.Option(
            "--seed-param",
            metavar="KEY",
            help="With --repeat: the seed's name. `repeat` only numbers the runs, for times.",
        ),
    ] = "seed",
    against: Annotated[
        str | None,
        typer.Option(
            "--against",
            metavar="REF",
            help="With --repeat: run this baseline in turn with it, each in a tree of its own, and "
            "judge the pairs.",
        ),
    ] = None,
    record_in: Annotated[
        Path | None,
        typer.Option(
            "--record-in", metavar="FOLDER", help="Keep the run in the store of another work tree."
        ),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Say nothing when the same has run before.")
    ] = False,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json", help="Print one JSON document; what the command prints goes to stderr."
        ),
    ] = False,
    **said: object,
) -> None:
    """Run a command and keep it: code, data, params, metrics, output and outcome.

    The exit code is the command's own; 4 when that is 0 and the version of --tag was not made.
    With --repeat a run that fails stops no other, and the exit code is that of the first that
    failed; with --tag minor the first is e0.4.0, the others are its patches. With --against a run
    is run again with its own code, data, command and params; of a commit that no run is of, the
    command of here is run. A verdict changes no exit code: that is `xvc gate`.

    Example: xvc run --tag minor -P lr=0.1 -- python train.py
    """
    here: Context = context.obj
    here.manner.as_json = as_json  # a `--json` further on is the command's own
    is_plain = record_in is None and bool(said["fold"]) and not said["sinks"]
    seeds = _seeds_of(repeat, seed_param, against, is_plain=is_plain)
    try:
        from xvc.runs.run import run  # late: it begins to load DuckDB

        values = params_of(params or [])
        filled = command_with(words, values if seeds is None else {})  # else each repeat is filled
        request = RunRequest(
            command=filled.words,
            seeded=filled.seeded,
            in_command=filled.placed,
            folder=here.folder,
            params=values,
            incomplete=incomplete,
            looks_back=not again,
            **asked(said),
        ).tagged_as(tag)
        project = here.project()
        if request.version is not None:
            _refuse_version(project, request.version, is_repeated=seeds is not None)
        project = _recording(here, project, record_in)
    except XvcError:
        raise
    except Exception as err:  # noqa: BLE001 - a package that cannot be loaded, no memory, no folder
        become(words, here.folder, err)
    sink = copy_aside if as_json else copy_through
    if seeds is not None:
        from xvc.cli.repeat_view import run_with_seeds  # late: most runs are alone

        raise typer.Exit(run_with_seeds(here, project, request, seeds, sink))
    ran = run(project, request, sink, lambda line: _say(line, here), here.held)
    _tell_end(here, project, request, ran)
    raise typer.Exit(ran.exit_code)


def _refuse_version(project: Project, version: str, *, is_repeated: bool) -> None:
    from xvc.runs.run import refuse_taken  # late: as above

    if is_repeated:
        raise BadValue("--tag", "with --repeat it is major, minor or patch")
    refuse_taken(project, version)


def _recording(here: Context, project: Project, record_in: Path | None) -> Project:
    """Choose the project that keeps the run, and warn where its folder is about to go."""
    from xvc.recording.passing_folders import lasting, warning_of

    if record_in is not None:
        return project.recorded_in(here.project_in(record_in))
    project = lasting(project)
    if (passing := warning_of(project)) is not None:
        warn(passing, here.manner)
    return project


def _tell_end(here: Context, project: Project, request: RunRequest, ran: Ran) -> None:
    """Tell how it ended; a run that cannot be told of counts all the same."""
    try:
        declared = list(project.settings.metrics_direction)
        shown = _read_back(project, ran) if request.fold else ran
        _tell(here, shown, declared)
        if not here.manner.as_json and request.fold:
            for line in unread_lines(project, shown, request):
                say(f"xvc: {line}", here.manner)
    except Exception as err:  # noqa: BLE001 - a store that cannot be read, no memory
        with contextlib.suppress(Exception):
            warn(in_words(err), here.manner)


def _seeds_of(
    repeat: int | None, param: str, against: str | None, *, is_plain: bool
) -> Seeds | None:
    if against is not None and repeat is None:
        raise BadValue("--against", "it needs --repeat, for example --repeat 5")
    if against is not None and not is_plain:
        raise BadValue("--against", "it goes with none of --record-in, --no-fold and --sink")
    if repeat is None:
        return None
    from xvc.cli.repeat_view import Seeds  # late: as above

    return Seeds(repeat, param, against)


def _say(line: str, here: Context) -> None:
    with contextlib.suppress(OSError):
        say(f"xvc: {line}; --again leaves this out", here.manner)


def _read_back(project: Project, ran: Ran) -> Ran:
    """Add what the run's own processes recorded, where it can be read."""
    from xvc.runs.run import read_back  # late: as above

    warnings: list[str] = []
    with best_effort(warnings):
        ran = read_back(project, ran)
    return replace(ran, warnings=(*ran.warnings, *warnings))


def _tell(here: Context, ran: Ran, declared: Sequence[str]) -> None:
    if here.manner.as_json:
        answer = Answer(
            "run", ended_facts(ran), warnings=ran.warnings, next=ran.next, exit_code=ran.exit_code
        )
        show(answer, here.manner)
        return
    for warning in ran.warnings:
        warn(warning, here.manner)
    say(f"xvc: {ended_line(ran, declared)}", here.manner)
    if ran.tagged is not None and not ran.tagged.on_head:
        say(
            "xvc: the version holds your uncommitted changes and stands beside your branch",
            here.manner,
        )
