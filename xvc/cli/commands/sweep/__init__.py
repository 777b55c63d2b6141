"""Run a command for many params, and keep every trial as a run."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson, complete_verbs
from xvc.cli.output import show as show_answer  # `show` is the module of `xvc sweep show`
from xvc.cli.sweeping import Ended, Planned, planned, swept, telling
from xvc.errors import BadValue
from xvc.types import Json

if TYPE_CHECKING:
    from xvc.core.sweep import Wish

Data = Ended | Planned
_OWN = ("file", "dry_run", "as_json")
"""The options that are of the command and not of the sweep."""
_CALLED = {"words": "command"}


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
    sampler: Annotated[
        str | None, typer.Option("--sampler", help="grid (all points), random or tpe.")
    ] = None,
    trials: Annotated[int | None, typer.Option("--trials", help="How many at most.")] = None,
    jobs: Annotated[int | None, typer.Option("--jobs", "-j", help="How many at once.")] = None,
    metric: Annotated[
        str | None,
        typer.Option("--metric", metavar="KEY[:max|min]", help="What is to become better."),
    ] = None,
    style: Annotated[
        str | None,
        typer.Option(
            "--style",
            help="Put the params behind the command: hydra (lr=0.1), flags (--lr 0.1) or none.",
        ),
    ] = None,
    timeout: Annotated[
        float | None, typer.Option("--timeout", metavar="SECONDS", help="Stop a trial after this.")
    ] = None,
    retries: Annotated[
        int | None, typer.Option("--retries", help="How often a failed trial is tried again.")
    ] = None,
    gpus: Annotated[
        str | None,
        typer.Option("--gpus", help="0,1: each job gets one of them in CUDA_VISIBLE_DEVICES."),
    ] = None,
    refs: Annotated[
        str | None, typer.Option("--ref", help="a,b,c: try the code of these branches or commits.")
    ] = None,
    worktree: Annotated[
        bool,
        typer.Option("--worktree", help="Say that trials have trees of their own; they always do."),
    ] = False,
    outs: Annotated[
        list[str] | None,
        typer.Option("--out", metavar="PATH", help="An output that DVC keeps of every trial."),
    ] = None,
    models: Annotated[
        list[str] | None,
        typer.Option(
            "--model", metavar="PATH[:NAME]", help="A model that every trial leaves; a candidate."
        ),
    ] = None,
    params_copy: Annotated[
        bool,
        typer.Option(
            "--params-copy",
            help="Put the params of a trial into a copy of the params file, {params} in the "
            "command; else they are set in the file, in the trial's own tree.",
        ),
    ] = False,
    capture: Annotated[
        bool, typer.Option("--capture", help="Read metrics from what the command prints.")
    ] = False,
    prune: Annotated[
        bool,
        typer.Option(
            "--prune", help="Give up trials whose metric is below the median of others at its step."
        ),
    ] = False,
    seed: Annotated[int | None, typer.Option("--seed", help="Of random and tpe.")] = None,
    repeat: Annotated[
        int | None,
        typer.Option(
            "--repeat",
            metavar="COUNT",
            help="Try each point so often, with the seeds 0, 1, 2 …; the best is by the mean.",
        ),
    ] = None,
    seed_param: Annotated[
        str | None, typer.Option("--seed-param", metavar="KEY", help="The seed's name, if another.")
    ] = None,
    executor: Annotated[
        str | None,
        typer.Option(
            "--executor", help="Where trials run: local, dask, slurm, or what a package adds."
        ),
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(
            "--address", metavar="tcp://…", help="Of a Dask scheduler; without it workers here."
        ),
    ] = None,
    away: Annotated[
        bool,
        typer.Option(
            "--away",
            help="Dask's workers do not share our disk: send them the code, and the way to the "
            "data. A trial that a kill of this command leaves there is ended and run again.",
        ),
    ] = False,
    scratch: Annotated[
        str | None,
        typer.Option("--scratch", metavar="PATH", help="Where such workers put their clones."),
    ] = None,
    slurm: Annotated[
        list[str] | None,
        typer.Option(
            "--slurm",
            metavar="KEY=VALUE",
            help="As submitit has it: timeout_min=60, slurm_partition=gpu, gpus_per_node=1.",
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
    wish = _wish(here, _said(context.params), file)
    project = here.project()
    folder = os.path.relpath(here.folder, project.place.top) if project.place else "."
    if dry_run:
        from xvc.sweeps.start import plan_sweep  # late: as above

        show_answer(planned(wish, plan_sweep(project, wish, folder)), here.manner)
        return
    with telling(here.manner) as tell:
        found = sweep_all(project, wish, folder, tell)
    answer = swept("sweep", found)
    show_answer(answer, here.manner)
    raise typer.Exit(answer.exit_code)


def _said(options: Mapping[str, object]) -> dict[str, Json]:
    """Take what the command line says, by the names that a file has for it, too."""
    said: dict[str, Json] = {}
    for name, value in options.items():
        if name not in _OWN and value is not None and value is not False and value not in ([], ()):
            said[_CALLED.get(name, name)] = _plain(value)
    return {**said, "params": _params(cast("list[str]", said.get("params", [])))}


def _plain(value: object) -> Json:
    return cast("Json", list(value) if isinstance(value, tuple) else value)


def _wish(here: Context, said: dict[str, Json], file: Path | None) -> Wish:
    from xvc.executors import EXECUTORS
    from xvc.sweeps.request import joined, wish_of
    from xvc.system.value_files import parse_typed, read_typed  # late: loads yaml

    if file is not None:
        path = here.folder / file
        if not path.is_file():
            raise BadValue("--file", f"there is no {file}")
        said = joined(read_typed(path), said)
    directions = here.project().settings.metrics_direction
    return wish_of(said, directions, EXECUTORS.names(), parse_typed)


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
