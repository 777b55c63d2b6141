"""``xvc ls``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from xvc.cli.context import Context
from xvc.cli.grid import Form, check_form, grid_of, laid_out
from xvc.cli.options import (
    AsCsv,
    AsJson,
    AsMarkdown,
    Columns,
    Database,
    Limit,
    Series,
    Sort,
    Where,
    listed,
)
from xvc.cli.output import Answer, duration, moment, number, show, table
from xvc.core.run import Status

if TYPE_CHECKING:
    from xvc.core.run import RunRecord
    from xvc.runs.group_verdicts import GroupVerdicts
    from xvc.runs.groups import Groups as Gathered
    from xvc.runs.list import Group as OneGroup
    from xvc.runs.list import ListRequest, RunList
    from xvc.runs.verdicts import Judgement


class Row(TypedDict):
    """One run, with all its params and metrics."""

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
    labels: list[str]
    decision: Annotated[str | None, "`kept` or `discarded`, and why."]


class Group(TypedDict):
    """With --group: the runs that share a value."""

    value: object
    runs: int
    finished: int
    failed: Annotated[int, "Those that ended in any other way."]
    running: int
    metric: str | None
    n: Annotated[int, "Values that mean and sd are of: each seed of an experiment once."]
    mean: float | None
    sd: float | None
    best: float | None
    verdict: Annotated[
        str | None,
        "Of its repeats against those of the group with the best mean, or why there is none.",
    ]
    difference: Annotated[float | None, "Of its mean from the best one."]
    low: Annotated[float | None, "Of the 95 % interval of the difference."]
    high: float | None
    more: Annotated[int | None, "Runs more of each that would show a difference of this size."]
    left_out_total: Annotated[int, "Values of either that do not count: no number, or no partner."]


class Runs(TypedDict):
    """Runs in order, and how many there are in all."""

    runs: list[Row]
    total: int
    discarded: Annotated[int, "Runs that are left out because people discarded them."]


class Groups(TypedDict):
    """Groups in order, and how many there are in all."""

    groups: list[Group]
    total: int
    luck: Annotated[str | None, "How far the best of so many would lead by chance."]


Data = Runs | Groups


def command(
    context: typer.Context,
    sort: Sort = None,
    where: Where = None,
    group: Annotated[
        str | None, typer.Option("--group", help="One line for each value of this key.")
    ] = None,
    series: Series = None,
    limit: Limit = 20,
    everywhere: Annotated[
        bool, typer.Option("--all", help="The runs of all work trees, removed ones too.")
    ] = False,
    discarded: Annotated[bool, typer.Option("--discarded", help="Discarded runs, too.")] = False,
    columns: Columns = None,
    as_csv: AsCsv = False,
    as_markdown: AsMarkdown = False,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """List runs, newest first: metrics, then the params that tell runs apart.

    Example: xvc ls --sort accuracy --where "lr < 0.1" --columns accuracy,lr,seconds
    """
    from xvc.runs.list import ListRequest, runs  # late: they open DuckDB

    here: Context = context.obj
    form = Form(as_csv, as_markdown)
    check_form(here, form)
    project = here.project_of(database)
    request = ListRequest(
        sort=sort,
        where=where,
        group=group,
        limit=limit or None,
        everywhere=everywhere,
        columns=listed(columns),
        series=series,
        discarded=discarded,
    )
    if group is not None:
        from xvc.runs.group_verdicts import group_verdicts  # late: groups alone are judged
        from xvc.runs.groups import groups

        every = groups(project, request)
        verdicts = group_verdicts(project, every.groups)
        answer = _grouped(every, verdicts, group, limit or None, form)
    else:
        found = runs(project, request)
        answer = _listed(found, request, form)
    warnings = (*answer.warnings, *project.keeper.warnings)
    show(Answer("ls", answer.data, answer.text, warnings, answer.next), here.manner)


def _listed(found: RunList, request: ListRequest, form: Form) -> Answer:
    from xvc.runs.comparison import of_doubt  # late: as above

    if not found.runs:
        nothing: Runs = {"runs": [], "total": 0, "discarded": found.discarded}
        if request.where is not None:
            return Answer("ls", nothing, "no run fits", next=("xvc ls",))
        if found.discarded:
            gone = found.discarded
            text = f"all {gone} runs are discarded" if gone > 1 else "the one run is discarded"
            return Answer("ls", nothing, text, next=("xvc ls --discarded",))
        text, steps = "no runs yet", ("xvc run -- python train.py",)
        if found.elsewhere:
            where, way = found.elsewhere
            text, steps = f"no runs here yet; {where}", (way,)
        return Answer("ls", nothing, text, next=steps)
    data: Runs = {
        "runs": [_facts(found, run) for run in found.runs],
        "total": found.total,
        "discarded": found.discarded,
    }
    text = _full(found, request, form) if form.is_full else _text(found, request)
    doubts = (*of_doubt(found.runs),)
    return Answer("ls", data, text, doubts, next=(f"xvc show {found.runs[0].id}",))


def _full(found: RunList, request: ListRequest, form: Form) -> str:
    from xvc.runs.list import run_table  # late: it opens DuckDB

    return laid_out(run_table(found, request.columns, first="run"), form)


def _text(found: RunList, request: ListRequest) -> str:
    """Lay runs out for eyes: metrics first, then what tells the runs apart."""
    from xvc.runs.list import shown_value  # late: it opens DuckDB

    if request.columns:
        head = ["run", *request.columns]
        rows = [[run.id, *(shown_value(found, run, k) for k in head[1:])] for run in found.runs]
        right = range(1, len(head))
    else:
        count = len(found.metrics) + len(found.params)
        head = ["run", "version", "status", *found.metrics, *found.params, "started", "took"]
        rows = [_row(found, run) for run in found.runs]
        right = range(3, 3 + count)
        if any(_said(run) for run in found.runs):
            head.append("note")
            rows = [[*r, _said(run)] for r, run in zip(rows, found.runs, strict=True)]
    if request.everywhere and "worktree" not in head:
        head.append("worktree")
        rows = [[*r, run.code.worktree or "-"] for r, run in zip(rows, found.runs, strict=True)]
    text = table(head, rows, right=list(right))
    if found.total > len(found.runs):
        text += f"\n… {found.total - len(found.runs)} more; --limit 0 shows all"
    if found.discarded:
        text += f"\n{found.discarded} discarded; --discarded shows them"
    return text


def _said(run: RunRecord) -> str:
    """Tell what people say of a run: its note or idea or name, its labels, what they decided."""
    labels = " ".join(f"[{label}]" for label in run.labels)
    said = (
        run.note or run.idea or run.name or "",
        labels,
        f"({run.decision})" if run.decision else "",
    )
    return " ".join(part for part in said if part)


def _row(found: RunList, run: RunRecord) -> list[str]:
    return [
        run.id,
        found.versions.get(run.id, "-"),
        run.status.value,
        *(number(run.metrics.get(key)) for key in found.metrics),
        *(number(run.params.get(key)) + run.doubt(key) for key in found.params),
        moment(run.started),
        duration(run.seconds),
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
        "params": run.params,
        "metrics": run.metrics,
        "note": run.note,
        "labels": list(run.labels),
        "decision": run.decision,
    }


def _grouped(
    every: Gathered,
    verdicts: GroupVerdicts,
    key: str,
    limit: int | None,
    form: Form,
) -> Answer:
    judged = list(zip(every.groups[:limit], verdicts.judgements, strict=False))
    groups = [
        _group_facts(each, judgement, is_best=each is verdicts.best) for each, judgement in judged
    ]
    luck = verdicts.luck if every.total == len(every.groups) else None
    data: Groups = {"groups": groups, "total": every.total, "luck": luck}
    if form.is_full and groups:
        cells = [tuple(each.values()) for each in groups]
        return Answer("ls", data, laid_out(grid_of(tuple(groups[0]), cells, every.total), form))
    text = _group_table(key, judged, verdicts) if judged else "no run fits"
    if every.total > len(judged):
        text += f"\n… {every.total - len(judged)} more; --limit 0 shows all"
    if luck is not None:
        text += f"\n{luck}"
    return Answer("ls", data, text, tuple(_unjudged(key, verdicts)))


def _unjudged(key: str, verdicts: GroupVerdicts) -> Iterator[str]:
    """Say why no group is the best, where one leads."""
    if verdicts.mixed is not None:
        yield (
            f"no group is the best: the runs of {key}={number(verdicts.mixed.value)}, which leads, "
            "are of several experiments (other code, params, data or command), so their spread is "
            "not the noise of repeats; `xvc leaderboard` ranks experiments"
        )


def _group_facts(each: OneGroup, judged: Judgement | None, *, is_best: bool) -> Group:
    return {
        "value": each.value,
        "runs": each.finished + each.failed + each.running,
        "finished": each.finished,
        "failed": each.failed,
        "running": each.running,
        "metric": each.metric,
        "n": each.spread.count if each.spread else 0,
        "mean": each.spread.mean if each.spread else None,
        "sd": each.spread.deviation if each.spread else None,
        "best": each.best,
        "verdict": judged.verdict.value if judged else _word(each, is_best=is_best),
        "difference": judged.difference if judged else None,
        "low": judged.low if judged else None,
        "high": judged.high if judged else None,
        "more": judged.more if judged else None,
        "left_out_total": judged.left_out_total if judged else 0,
    }


def _word(each: OneGroup, *, is_best: bool) -> str | None:
    """Say of a group that nothing judges what it is."""
    from xvc.runs.group_verdicts import MIXED  # late: see `command`

    return "the best" if is_best else MIXED if each.is_mixed else None


def _group_table(
    key: str, judged: Sequence[tuple[OneGroup, Judgement | None]], verdicts: GroupVerdicts
) -> str:
    """Align groups; columns that say nothing of any group are left out."""
    from xvc.runs.verdicts import LEVEL, difference_in_words, sentence  # late: see `command`

    best = verdicts.best
    is_judged = best is not None or verdicts.mixed is not None
    is_open = any(each.running for each, _ in judged)
    metric = next((each.metric for each, _ in judged if each.metric), None)
    head = [key, "finished", "failed", *(["running"] if is_open else [])]
    head += ["n", f"mean {metric}", "sd", f"best {metric}"] if metric else []
    head += [f"difference, {LEVEL:.0%} interval", "against the best"] if is_judged else []
    rows = [
        [
            number(each.value),
            str(each.finished),
            str(each.failed),
            *([str(each.running)] if is_open else []),
            *(_spread(each) if metric else []),
            *([difference_in_words(told) if told else ""] if is_judged else []),
            *([sentence(told) if told else _word(each, is_best=each is best) or ""] * is_judged),
        ]
        for each, told in judged
    ]
    return table(head, rows, right=range(1, len(head) - is_judged))


def _spread(group: OneGroup) -> list[str]:
    lie = group.spread
    mean, deviation = (lie.mean, lie.deviation) if lie else (None, None)
    return [str(lie.count if lie else 0), number(mean), number(deviation), number(group.best)]
