"""``xvc rerun``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson, Reference
from xvc.cli.output import Answer, few, say, show, table, warn
from xvc.cli.passthrough import copy_aside, copy_through
from xvc.core.human_units import counted, number
from xvc.runs.reproduction import Cause, ChangedInput, ReproducedValue, ReproductionOutcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xvc.runs.comparison import Difference
    from xvc.runs.rerun import Reran


class Data(TypedDict):
    """What a run gave when it was done again; ``second`` is the run of a second time."""

    run: Annotated[str, "The new run; the old one is its parent."]
    of: str
    version: str | None
    outcome: ReproductionOutcome
    values: list[ReproducedValue]
    values_total: int
    changes: list[ChangedInput]
    changes_total: int
    causes: Annotated[list[Cause], "Why it drifted; empty where it did not."]
    second: str | None
    times: Annotated[list[str], "Metrics that are not judged: they are times."]
    times_total: int


def command(
    context: typer.Context,
    reference: Reference,
    tolerance: Annotated[
        list[str] | None,
        typer.Option(
            "--tolerance",
            metavar="[METRIC=]NUMBER,…",
            help="How far metrics may be from what they were: acc=0.01,1e-6.",
        ),
    ] = None,
    verify: Annotated[
        bool,
        typer.Option("--verify", help="When it drifted, do it once more, to tell noise by that."),
    ] = False,
    here_data: Annotated[
        bool,
        typer.Option(
            "--data-here", help="Give it the data of this work tree in place of what it read."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Do a run again in a clean tree, with its code, data and params: is the result the same?

    Says first what of the environment is not as it was. Every metric, declared output and
    model is identical, within tolerance or drifted; exit 3 when one drifted. The new run has the
    old one as its parent; its models are compared, not kept. Works in a clone: data is fetched.

    Example: xvc rerun e0.1.0 --verify --tolerance acc=0.01
    """
    from xvc.runs.reproduction import Tolerance
    from xvc.runs.rerun import RerunRequest, prepare, rerun  # late: it opens DuckDB

    here: Context = context.obj
    project = here.project()
    wanted = RerunRequest(
        reference, Tolerance.parse(tolerance or ()), verify=verify, here_data=here_data
    )
    ready = prepare(project, wanted)
    if not as_json:
        _tell_environment(here, ready.packages)
    done = rerun(project, wanted, ready, copy_aside if as_json else copy_through)
    code = 3 if done.outcome is ReproductionOutcome.DRIFTED else 0
    warnings = (*project.keeper.warnings, *done.warnings, *done.ran.warnings)
    unique = tuple(dict.fromkeys(w for w in warnings if "nothing has taken it up" not in w))
    show(Answer("rerun", _data(done), _text(done), unique, _next(done), code), here.manner)
    raise typer.Exit(130 if done.ran.is_interrupted else code)


def _tell_environment(here: Context, packages: Sequence[Difference]) -> None:
    if not packages:
        say("xvc: the environment is as it was", here.manner)
        return
    rows = [(row.key, *(str(value) for value in row.values)) for row in packages]
    verb = "is not as it was" if len(packages) == 1 else "are not as they were"
    warn(f"{counted(len(packages), 'part')} of the environment {verb}", here.manner)
    say(table(("environment", "then", "now"), few(rows)), here.manner)


def _next(done: Reran) -> tuple[str, ...]:
    return (f"xvc compare {done.was.version or done.was.record.id} {done.ran.record.id}",)


def _data(done: Reran) -> Data:
    return {
        "run": done.ran.record.id,
        "of": done.was.record.id,
        "version": done.was.version,
        "outcome": done.outcome,
        "values": few(done.rows),
        "values_total": len(done.rows),
        "changes": few(done.changes),
        "changes_total": len(done.changes),
        "causes": list(done.causes),
        "second": done.second.record.id if done.second else None,
        "times": few(done.times),
        "times_total": len(done.times),
    }


def _text(done: Reran) -> str:
    rows = [
        (row.key or row.kind, _shown(row, row.was), _shown(row, row.now), row.outcome.value)
        for row in done.rows
    ]
    parts = [table(("value", "then", "now", "outcome"), rows)]
    if done.changes:
        shown = "; ".join(f"{each.cause.value}: {each.what}" for each in few(done.changes))
        parts.append(f"not as it was: {shown}")
    if done.times:
        parts.append(
            f"times are not judged: {', '.join(few(done.times))}; --tolerance may name them"
        )
    parts.append(_sentence(done))
    return "\n".join(parts)


def _shown(row: ReproducedValue, value: object) -> str:
    if value is None:
        return "(none)"
    return str(value)[:8] if row.kind in ("output", "model") else number(value)  # type: ignore[arg-type]


def _sentence(done: Reran) -> str:
    name = done.was.version or f"run {done.was.record.id}"
    said = f"{name} again as run {done.ran.record.id}: {done.outcome.value}"
    if not done.causes:
        return said
    return f"{said}; {_why(done)}"


def _why(done: Reran) -> str:
    if done.causes == (Cause.UNKNOWN,):
        if done.second is not None:
            return "nothing that is recorded differs, and a second time gave the same again"
        return "nothing that is recorded differs; --verify does it once more, to tell noise"
    causes = [cause.value for cause in done.causes if cause is not Cause.NOISE]
    parts = [f"what differs: {', '.join(causes)}"] if causes else []
    if Cause.NOISE in done.causes:
        parts.append("it gives something else each time (noise)")
    return "; ".join(parts)
