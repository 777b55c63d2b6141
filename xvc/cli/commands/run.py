"""``xvc run``."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from xvc.cli.context import Context
from xvc.cli.output import Answer, duration, say, show, warn
from xvc.core.run import Status
from xvc.errors import BadValue

if TYPE_CHECKING:
    from xvc.core.typed import Typed
    from xvc.runs.run import Ran

_BUMPS = ("major", "minor", "patch")


class Data(TypedDict):
    """How a run ended, and the version that it became."""

    run: str
    status: Status
    exit_code: int
    signal: str | None
    seconds: float | None
    params: Mapping[str, object]
    metrics: Mapping[str, object]
    version: str | None
    subject: str | None
    commit: str | None
    branch: str | None


def command(
    context: typer.Context,
    words: Annotated[
        list[str], typer.Argument(metavar="-- COMMAND…", help="The command, behind `--`.")
    ],
    params: Annotated[
        list[str] | None, typer.Option("-P", "--param", metavar="KEY=VALUE", help="A param.")
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="What to call the run.")] = None,
    note: Annotated[str | None, typer.Option("--note", "-m", help="A line about it.")] = None,
    tag: Annotated[
        str | None,
        typer.Option("--tag", metavar="BUMP", help="Make it a version: major, minor or patch."),
    ] = None,
    capture: Annotated[
        bool,
        typer.Option("--capture", help="Read `METRIC name=value` and `name: value` lines."),
    ] = False,
    outs: Annotated[
        list[str] | None,
        typer.Option("--out", metavar="PATH", help="An output that DVC keeps with the version."),
    ] = None,
    models: Annotated[
        list[str] | None,
        typer.Option(
            "--model", metavar="PATH[:NAME]", help="A model it leaves; kept as a candidate."
        ),
    ] = None,
    timeout: Annotated[
        float | None, typer.Option("--timeout", metavar="SECONDS", help="Stop it after so long.")
    ] = None,
    write_params: Annotated[
        bool,
        typer.Option(
            "--params-copy",
            help="Put the params into a copy of the params file: {params} in the command, "
            "and XVC_PARAMS_FILE.",
        ),
    ] = False,
    edit_params: Annotated[
        bool,
        typer.Option(
            "--params-edit",
            help="Set the params in the params file that says them, here; nothing else in it "
            "changes. A sweep does so in trees of its own.",
        ),
    ] = False,
    must_use: Annotated[
        list[str] | None,
        typer.Option(
            "--must-use",
            metavar="KEY",
            help="Let the run fail when nothing takes this param up; a sweep says so.",
        ),
    ] = None,
    record_in: Annotated[
        Path | None,
        typer.Option(
            "--record-in", metavar="FOLDER", help="Keep the run in the store of another work tree."
        ),
    ] = None,
    fold: Annotated[
        bool,
        typer.Option(
            "--fold/--no-fold",
            help="Bring the store up to date at the end; without it the next command does, and "
            "--json has no metrics of a Tracker.",
        ),
    ] = True,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json", help="Print one JSON document; what the command prints goes to stderr."
        ),
    ] = False,
) -> None:
    """Run a command and keep it: code, data, params, metrics, output and outcome.

    The exit code is the command's own.

    Example: xvc run --tag minor -P lr=0.1 -- python train.py
    """
    from xvc.core.version import Bump
    from xvc.runs.run import RunRequest, read_back, run  # late: it begins to load DuckDB

    here: Context = context.obj
    if tag is not None and tag not in _BUMPS:
        raise BadValue("--tag", f"{tag!r} is none of {', '.join(_BUMPS)}")
    request = RunRequest(
        command=tuple(words),
        folder=here.folder,
        params=_params(params or []),
        name=name,
        note=note,
        outs=tuple(outs or ()),
        models=tuple(models or ()),
        capture=capture,
        write_params=write_params,
        edit_params=edit_params,
        must_use=tuple(must_use or ()),
        timeout=timeout,
        tag=Bump(tag) if tag else None,
        fold=fold,
    )
    here.manner.as_json = as_json  # a `--json` further on is the command's own
    project = here.project()
    if record_in is not None:
        project = project.recorded_in(here.project_in(record_in))
    ran = run(project, request, _copy_aside if as_json else _copy)
    if as_json and fold:
        ran = read_back(project, ran)
    _tell(here, ran)
    raise typer.Exit(ran.exit_code)


def _params(words: Sequence[str]) -> dict[str, Typed]:
    from xvc.system.value_files import parse_typed  # late: loads yaml

    found: dict[str, Typed] = {}
    for word in words:
        key, sign, text = word.partition("=")
        if not sign or not key:
            raise BadValue("-P", f"{word!r} has not the shape KEY=VALUE")
        if key in found:
            raise BadValue("-P", f"{key} is given twice: {found[key].text} and {text}")
        found[key] = parse_typed(text)
    return found


def _copy(stream: int, chunk: bytes) -> None:
    """Pass the command's output on, byte for byte."""
    view = memoryview(chunk)
    while view:
        view = view[os.write(stream, view) :]


def _copy_aside(stream: int, chunk: bytes) -> None:
    _copy(2, chunk)


def _tell(here: Context, ran: Ran) -> None:
    sys.stdout.flush()
    if here.manner.as_json:
        answer = Answer("run", _facts(ran), warnings=ran.warnings, exit_code=ran.exit_code)
        show(answer, here.manner)
        return
    for warning in ran.warnings:
        warn(warning, here.manner)
    record = ran.record
    took = duration(record.seconds)
    how = record.status.value if record.exit_code in (0, None) else f"failed ({record.exit_code})"
    if ran.tagged is not None:
        say(f"xvc: {ran.tagged.name}  {ran.tagged.subject}  (run {record.id}, {took})", here.manner)
        if ran.tagged.branch is None:
            say(
                "xvc: the version holds your uncommitted changes and stands beside your branch",
                here.manner,
            )
    else:
        say(f"xvc: run {record.id} {how} in {took}", here.manner)


def _facts(ran: Ran) -> Data:
    record, tagged = ran.record, ran.tagged
    return {
        "run": record.id,
        "status": record.status,
        "exit_code": ran.exit_code,
        "signal": record.signal,
        "seconds": record.seconds,
        "params": record.params,
        "metrics": record.metrics,
        "version": tagged.name if tagged else None,
        "subject": tagged.subject if tagged else None,
        "commit": tagged.commit if tagged else None,
        "branch": tagged.branch if tagged else None,
    }
