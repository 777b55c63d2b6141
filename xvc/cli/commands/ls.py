"""``xvc ls``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson, Limit, Sort, Where
from xvc.cli.output import Answer, duration, moment, number, show, table
from xvc.core.run import Status

if TYPE_CHECKING:
    from xvc.core.run import RunRecord
    from xvc.runs.list import Group as Gathered
    from xvc.runs.list import RunList


class Row(TypedDict):
    """One run, with the params and metrics that are worth a column."""

    id: str
    name: str | None
    version: str | None
    status: Status
    worktree: str | None
    started: Annotated[int | None, "Nanoseconds since the epoch."]
    seconds: float | None
    params: Mapping[str, object]
    metrics: Mapping[str, object]
    note: str | None


class Group(TypedDict):
    """With --group: the runs that share a value."""

    value: object
    runs: int
    metric: str | None
    mean: float | None
    best: float | None


class Runs(TypedDict):
    """Runs in order, and how many there are in all."""

    runs: list[Row]
    total: int


class Groups(TypedDict):
    """Groups in order, and how many there are in all."""

    groups: list[Group]
    total: int


Data = Runs | Groups


def command(
    context: typer.Context,
    sort: Sort = None,
    where: Where = None,
    group: Annotated[
        str | None, typer.Option("--group", help="One line for each value of this key.")
    ] = None,
    limit: Limit = 20,
    everywhere: Annotated[
        bool, typer.Option("--all", help="The runs of all work trees, removed ones too.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List runs, newest first.

    Example: xvc ls --sort accuracy --where "lr < 0.1"
    """
    from xvc.runs.list import ListRequest, groups, runs  # late: they open DuckDB

    here: Context = context.obj
    project = here.project()
    request = ListRequest(sort, where, group, limit or None, everywhere)
    if group is not None:
        answer = _grouped(groups(project, request), group, limit or None)
    else:
        found = runs(project, request)
        answer = _listed(found, is_filtered=where is not None, everywhere=everywhere)
    answer = Answer("ls", answer.data, answer.text, tuple(project.keeper.warnings), answer.next)
    show(answer, here.manner)


def _listed(found: RunList, *, is_filtered: bool, everywhere: bool) -> Answer:
    if not found.runs:
        nothing: Runs = {"runs": [], "total": 0}
        if is_filtered:
            return Answer("ls", nothing, "no run fits", next=("xvc ls",))
        return Answer("ls", nothing, "no runs yet", next=("xvc run -- python train.py",))
    head = ["run", "version", "status", "started", "took", *found.params, *found.metrics, "note"]
    rows = [_row(found, run) for run in found.runs]
    numbers = range(5 + len(found.params), len(head) - 1)
    if everywhere:
        head.append("worktree")
        rows = [[*row, run.code.worktree or "-"] for row, run in zip(rows, found.runs, strict=True)]
    text = table(head, rows, right=[4, *numbers])
    if found.total > len(found.runs):
        text += f"\n… {found.total - len(found.runs)} more; --limit 0 shows all"
    data: Runs = {"runs": [_facts(found, run) for run in found.runs], "total": found.total}
    return Answer("ls", data, text, next=(f"xvc show {found.runs[0].id}",))


def _row(found: RunList, run: RunRecord) -> list[str]:
    return [
        run.id,
        found.versions.get(run.id, "-"),
        run.status.value,
        moment(run.started),
        duration(run.seconds),
        *(number(run.params.get(key)) for key in found.params),
        *(number(run.metrics.get(key)) for key in found.metrics),
        run.note or run.name or "",
    ]


def _facts(found: RunList, run: RunRecord) -> Row:
    return {
        "id": run.id,
        "name": run.name,
        "version": found.versions.get(run.id),
        "status": run.status,
        "worktree": run.code.worktree,
        "started": run.started,
        "seconds": run.seconds,
        "params": {key: run.params.get(key) for key in found.params},
        "metrics": {key: run.metrics.get(key) for key in found.metrics},
        "note": run.note,
    }


def _grouped(every: Sequence[Gathered], key: str, limit: int | None) -> Answer:
    found = every[:limit]
    metric = next((each.metric for each in found if each.metric), None)
    head = [key, "runs", *([f"mean {metric}", f"best {metric}"] if metric else [])]
    rows = [
        [
            number(each.value),
            str(each.runs),
            *([number(each.mean), number(each.best)] if metric else []),
        ]
        for each in found
    ]
    data: Groups = {
        "groups": [
            {
                "value": each.value,
                "runs": each.runs,
                "metric": each.metric,
                "mean": each.mean,
                "best": each.best,
            }
            for each in found
        ],
        "total": len(every),
    }
    text = table(head, rows, right=range(1, len(head))) if rows else "no run fits"
    if len(every) > len(found):
        text += f"\n… {len(every) - len(found)} more; --limit 0 shows all"
    return Answer("ls", data, text)
