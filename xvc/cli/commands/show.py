"""``xvc show``."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, NotRequired, TypedDict, cast

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson, Reference
from xvc.cli.output import Answer, duration, moment, number, show, size
from xvc.core.run import ABSENT, OUTSIDE, UNTRACKED, Status

if TYPE_CHECKING:
    from xvc.core.run import DataFile as Input
    from xvc.core.run import RunRecord
    from xvc.history.find import FoundRun


class DataFile(TypedDict):
    """A file or folder that DVC has."""

    digest: str
    state: NotRequired[Annotated[str, "How it was not what its pointer names."]]
    tracked: NotRequired[Annotated[str, "The digest that the pointer names."]]
    size: NotRequired[Annotated[int, "Bytes."]]
    is_made: NotRequired[Annotated[bool, "A pipeline made it in the run itself."]]
    left_at: NotRequired[Annotated[str, "Where the run left this model, from the project's root."]]


class Code(TypedDict):
    """The code of a run; ``snapshot`` is the commit that holds it."""

    commit: NotRequired[str]
    snapshot: NotRequired[str]
    is_dirty: bool
    branch: NotRequired[str]
    worktree: NotRequired[str]
    left_out: list[str]
    incomplete: list[str]
    unread: Annotated[list[str], "Params files that could not be read in full."]
    unopened: Annotated[
        Mapping[str, Mapping[str, object]],
        "Params files that the command never opened, and what they say: it had no say in the run.",
    ]
    unheld: Annotated[
        Mapping[str, str],
        "What of the incomplete was there: digests; and the state of packages installed in place.",
    ]
    contested: Annotated[
        Mapping[str, str],
        "Params of which something else that the command read says another value, and what: "
        "either may have been used.",
    ]


class Usage(TypedDict):
    """What a run used: seconds, bytes, per cent."""

    cpu_seconds: NotRequired[float]
    peak_memory: NotRequired[int]
    read_bytes: NotRequired[int]
    written_bytes: NotRequired[int]
    gpu_memory: NotRequired[int]
    gpu_percent: NotRequired[float]


class Data(TypedDict):
    """A run; what is not known of it is left out."""

    id: str
    version: str | None
    status: Status
    seconds: float | None
    environment: Annotated[Mapping[str, object] | None, "Python, platform, packages."]
    name: NotRequired[str]
    parent: NotRequired[str]
    code: NotRequired[Code]
    data: NotRequired[Mapping[str, DataFile]]
    outs: NotRequired[Mapping[str, DataFile]]
    touched: NotRequired[Annotated[Mapping[str, str | None], "Tracked files changed meanwhile."]]
    command: NotRequired[list[str]]
    folder: NotRequired[str]
    params: NotRequired[
        Annotated[
            Mapping[str, object], "With those of `code.unopened` that are not in `code.contested`."
        ]
    ]
    metrics: NotRequired[Mapping[str, object]]
    summaries: NotRequired[
        Annotated[Mapping[str, str], "Of which metrics the min or max of the rows counts."]
    ]
    metric_times: NotRequired[Annotated[Mapping[str, int], "Microseconds since the epoch."]]
    started: NotRequired[Annotated[int, "Nanoseconds since the epoch."]]
    finished: NotRequired[Annotated[int, "Nanoseconds since the epoch."]]
    exit_code: NotRequired[int]
    signal: NotRequired[str]
    reason: NotRequired[str]
    host: NotRequired[str]
    owner: NotRequired[str]
    usage: NotRequired[Usage]
    log: NotRequired[str]
    note: NotRequired[str]
    labels: NotRequired[list[str]]
    idea: NotRequired[Annotated[str, "What it tries."]]
    fixes: NotRequired[Annotated[str, "The failed run that it puts right."]]
    asked: NotRequired[Annotated[list[str], "The params that whoever began it asked for."]]
    seeded: NotRequired[
        Annotated[list[str], "Its command, with `{seed}` where braces put the seed."]
    ]
    unused: NotRequired[Annotated[list[str], "Params that were asked for and nothing took up."]]
    decision: NotRequired[Annotated[str, "`kept` or `discarded`, and why."]]
    printed: NotRequired[Annotated[list[str], "Of a run that failed: the last ten lines of it."]]
    patch: NotRequired[Annotated[str, "With --code: the uncommitted code as a unified diff."]]


def command(
    context: typer.Context,
    reference: Reference = "@",
    code: Annotated[
        bool, typer.Option("--code", help="Show the code that no commit has, as a patch.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show everything that is known of one run.

    Example: xvc show e0.1.0
    """
    from xvc.core.json_values import from_plain
    from xvc.core.record import environment_facts, facts_of  # late: opens DuckDB below
    from xvc.history.find import find
    from xvc.runs.logs import last_lines

    here: Context = context.obj
    project = here.project()
    (found,) = find(project, [reference])
    environment = found.environment
    said = {
        "version": found.version,
        **cast("dict[str, object]", from_plain(facts_of(found.record))),
        "seconds": found.record.seconds,
        "environment": environment_facts(environment) if environment else None,
    }
    if around := found.record.params_around:
        said["params"] = {**around}
    if found.summaries:
        said["summaries"] = dict(found.summaries)
    said |= {"printed": last} if (last := last_lines(project, found.record)) else {}
    text = "\n".join([_text(found), *_section_of(last, found)])
    if code:
        from xvc.runs.code_patch import code_patch  # late: loads GitPython

        said["patch"] = code_patch(project, found.record)
        text = str(said["patch"]) or "the code is that of the commit, without a change"
    data = cast("Data", said)
    run = found.record
    steps = () if found.version else (f"xvc tag minor --run {run.id}",)
    steps = (f"xvc logs {run.id}",) if last else steps
    answer = Answer("show", data, text, tuple(project.keeper.warnings), steps)
    show(answer, here.manner)


def _in_place(found: FoundRun) -> str:
    said = found.environment.in_place if found.environment else {}
    return ", ".join(f"{name} {state}" for name, state in said.items())


def _text(found: FoundRun) -> str:
    run, lines = found.record, []
    code = run.code
    title = " ".join(part for part in (found.version, run.id, run.name) if part)
    lines.append(f"run {title}: {run.status.value}{_ending(found)}")
    lines += _facts(
        [
            ("command", " ".join(run.command)),
            ("started", f"{moment(run.started)}, took {duration(run.seconds)}"),
            ("code", _code(found)),
            ("code incomplete", ", ".join(code.incomplete)),
            ("left out", ", ".join(code.left_out)),
            ("unread params", ", ".join(code.unread)),
            ("note", run.note),
            ("labels", ", ".join(run.labels)),
            ("decision", run.decision),
            ("idea", run.idea),
            ("fixes", run.fixes),
            ("parent", run.parent),
            ("python", found.environment.python if found.environment else None),
            ("installed in place", _in_place(found)),
            ("cpu", duration(run.usage.cpu_seconds) if run.usage.cpu_seconds is not None else None),
            ("memory", size(run.usage.peak_memory) if run.usage.peak_memory else None),
            ("output", _output(run)),
        ]
    )
    lines += _section("params", ((key, _param(run, key)) for key in sorted(run.params)))
    for path, said in code.unopened.items():
        title = f"in {path}, which the command never opened, so no params of this run"
        lines += _section(title, ((key, number(value)) for key, value in sorted(said.items())))
    ways = {key: f"  ({way})" for key, way in found.summaries.items() if way != "last"}
    metrics = sorted(run.metrics.items())
    lines += _section("metrics", ((k, f"{number(value)}{ways.get(k, '')}") for k, value in metrics))
    lines += _section(
        "data",
        ((path, _data(file)) for path, file in run.data.items()),
    )
    lines += _section(
        "outputs",
        ((path, f"{file.digest[:10]}  {size(file.size)}") for path, file in run.outs.items()),
    )
    return "\n".join(lines)


def _param(run: RunRecord, key: str) -> str:
    text = number(run.params[key])
    if key in run.code.contested:
        return f"{text}  (may be overruled: {run.code.contested[key]})"
    return f"{text}  (nothing took it up)" if key in run.unused else text


def _section_of(last: Sequence[str], found: FoundRun) -> list[str]:
    """Lay out the last lines of a failed run; none where it did not fail, or they are not here."""
    return (
        [f"printed last (all of it: xvc logs {found.record.id})", *(f"  {line}" for line in last)]
        if last
        else []
    )


def _output(run: RunRecord) -> str | None:
    """Say where the output of a run lies: here, or on the machine that it ran on."""
    if run.log is None or os.path.exists(run.log):
        return run.log
    return f"xvc logs {run.id} (it ran on {run.host}, where it is {run.log})"


def _data(file: Input) -> str:
    if file.state == ABSENT:
        return "absent"
    if file.state == OUTSIDE:
        return "lies outside of the project: its content is on no record"
    if file.state == UNTRACKED:
        return f"{file.short.partition(' ')[2]}  neither git nor DVC has it: on no record"
    was = f"  modified, its pointer names {file.tracked[:10]}" if file.tracked else ""
    return f"{file.digest[:10]}  {size(file.size)}{was}"


def _ending(found: FoundRun) -> str:
    run = found.record
    if run.signal is not None:
        return f" by {run.signal}"
    code = f" with exit code {run.exit_code}" if run.exit_code else ""
    return f"{code}: {run.reason}" if run.reason else code


def _code(found: FoundRun) -> str:
    code = found.record.code
    if code.snapshot is None:
        return "not recorded"
    changed = " with uncommitted changes" if code.is_dirty else ""
    at = f"on {code.branch}" if code.branch else "on no branch"
    return f"{code.snapshot[:10]} {at}{changed}"


def _facts(pairs: Iterable[tuple[str, str | None]]) -> list[str]:
    return [f"  {name + ':':<9} {value}" for name, value in pairs if value]


def _section(title: str, pairs: Iterable[tuple[str, str]]) -> list[str]:
    held = list(pairs)
    width = max((len(key) for key, _ in held), default=0)
    return [title, *(f"  {key:<{width}}  {value}" for key, value in held)] if held else []
