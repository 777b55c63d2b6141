"""``xvc model list``."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson, Limit, listed
from xvc.cli.output import Answer, duration, number, show, size, table
from xvc.core.human_units import few_of

if TYPE_CHECKING:
    from xvc.models.list import Candidate


class Model(TypedDict):
    """One model of one run; ``candidate`` is false when only a stage still has it."""

    name: str
    run: str
    version: str | None
    stages: list[str]
    metrics: Mapping[str, object]
    bytes: int | None
    at: Annotated[int | None, "When the run ended: nanoseconds since the epoch."]
    candidate: bool


class Data(TypedDict):
    """The models, by name."""

    models: list[Model]
    total: int
    elsewhere: Annotated[
        Mapping[str, int], "How many candidates branches have that this tree has not."
    ]


def command(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="Only models of this name.")] = None,
    by: Annotated[
        str | None, typer.Option("--by", help="Best first by METRIC, METRIC:max or METRIC:min.")
    ] = None,
    metrics: Annotated[
        str | None, typer.Option("--metrics", help="These metrics only, commas between.")
    ] = None,
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """List candidates and what is in which stage: run, metrics, size, age; newest first.

    Example: xvc model list digits --by acc:max
    """
    from xvc.models.list import disagreements, list_models, metric_names  # late: it opens DuckDB
    from xvc.models.other_branches import on_other_branches

    here: Context = context.obj
    project = here.project()
    others = on_other_branches(project, name)
    found = list_models(project, name, by, has_more=bool(others))
    shown = found[:limit] if limit else found
    wanted = listed(metrics) or tuple(metric_names(found)[:4])
    data: Data = {
        "models": [_facts(each, wanted) for each in shown],
        "total": len(found),
        "elsewhere": {branch: len(held) for branch, held in others.items()},
    }
    head = ["name", "run", "version", "stage", *wanted, "size", "age"]
    text = table(head, [_row(each, wanted) for each in shown], right=range(4, 6 + len(wanted)))
    if len(shown) < len(found):
        text += f"\n{len(shown)} of {len(found)}; --limit 0 lists all"
    said = text if found else "there is no model here yet" if others else "there is no model yet"
    said += "".join(f"\n{_elsewhere(branch, held)}" for branch, held in others.items())
    warnings = (*project.keeper.warnings, *disagreements(project, name))
    show(Answer("model list", data, said, warnings), here.manner)


def _elsewhere(branch: str, held: Collection[tuple[str, str]]) -> str:
    names = few_of(sorted({name for name, _ in held}))
    return f"branch {branch} has {len(held)} more ({names}); `git merge {branch}` brings them"


def _row(each: Candidate, wanted: Sequence[str]) -> list[str]:
    metrics = each.run.metrics if each.run is not None else {}
    age = None if each.at is None else max(0.0, time.time() - each.at / 1e9)
    return [
        each.name,
        each.id,
        each.version or "-",
        ", ".join(each.stages) or "-",
        *(number(metrics.get(key)) for key in wanted),
        size(each.file.size),
        duration(age),
    ]


def _facts(each: Candidate, wanted: Sequence[str]) -> Model:
    metrics = each.run.metrics if each.run is not None else {}
    return {
        "name": each.name,
        "run": each.id,
        "version": each.version,
        "stages": list(each.stages),
        "metrics": {key: metrics.get(key) for key in wanted},
        "bytes": each.file.size,
        "at": each.at,
        "candidate": each.is_here,
    }
