"""``xvc log``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson, Limit, Sort, Where
from xvc.cli.output import Answer, few, moment, number, show, table
from xvc.core.run import Status
from xvc.errors import BadValue

if TYPE_CHECKING:
    from xvc.runs.idea_tree import Idea as IdeaNode


class Row(TypedDict):
    """One version."""

    version: str
    run: str | None
    commit: str
    made: Annotated[int, "Nanoseconds since the epoch."]
    subject: str
    metrics: Mapping[str, object]
    params: Mapping[str, object]


class Versions(TypedDict):
    """Versions in order, and how many there are in all."""

    versions: list[Row]
    total: int


class Idea(TypedDict):
    """With --ideas: something that was tried on top of the idea above it, and how it came out."""

    depth: Annotated[
        int, "How far below a root; the idea before it that has less is the one above."
    ]
    run: Annotated[str, "The best of its runs, or the newest."]
    version: str | None
    idea: str
    on: Annotated[str | None, "The run above, which it builds on."]
    fixes: str | None
    status: Status
    runs: Annotated[list[str], "The first twenty."]
    runs_total: int
    metric: str | None
    n: Annotated[int, "Repeats that mean and sd are of: each seed once."]
    mean: float | None
    sd: float | None
    change: Annotated[float | None, "Of the mean, from the run above."]
    decision: Annotated[
        str | None, "`kept` or `discarded`, and why; of another repeat with its name."
    ]


class Ideas(TypedDict):
    """With --ideas: each after what it builds on."""

    ideas: list[Idea]
    total: int


Data = Versions | Ideas


def command(
    context: typer.Context,
    sort: Sort = None,
    where: Where = None,
    limit: Limit = 20,
    by_idea: Annotated[
        bool, typer.Option("--ideas", help="What was tried on top of what, and how it came out.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List versions, newest first, from the tags alone; with --ideas, the tree of what was tried.

    Example: xvc log --sort accuracy
    """
    from xvc.runs.list import ListRequest, log  # late: a list is not needed for --help

    here: Context = context.obj
    if by_idea:
        if sort or where:
            raise BadValue(
                "--ideas", "it tells all ideas in their own order: no --sort, no --where"
            )
        show(_ideas(here, limit), here.manner)
        return
    project = here.project()
    found, total = log(project, ListRequest(sort, where, None, limit or None))
    rows = [[info.name, moment(info.at * 10**9), info.message.subject] for info in found]
    text = table(["version", "made", "message"], rows) if rows else "no versions yet"
    if total > len(found):
        text += f"\n… {total - len(found)} more; --limit 0 shows all"
    listed: list[Row] = [
        {
            "version": info.name,
            "run": info.message.run,
            "commit": info.commit,
            "made": info.at * 10**9,
            "subject": info.message.subject,
            "metrics": info.message.metrics,
            "params": info.message.params,
        }
        for info in found
    ]
    data: Versions = {"versions": listed, "total": total}
    steps = (f"xvc show {found[0].name}",) if found else ("xvc tag minor",)
    warnings = tuple(project.keeper.warnings) if sort else ()  # else git is asked once more
    show(Answer("log", data, text, warnings, steps), here.manner)


def _ideas(here: Context, limit: int) -> Answer:
    from xvc.runs.idea_tree import ideas  # late: it opens DuckDB

    project = here.project()
    every = ideas(project, limit or None)
    found = every.ideas
    data: Ideas = {"ideas": [_idea(each) for each in found], "total": every.total}
    if not found:
        text = "no run has an idea yet"
        step = 'xvc run --idea "deeper trees" --parent @ -- python train.py'
        return Answer("log", data, text, tuple(project.keeper.warnings), (step,))
    metric = next((each.metric for each in found if each.metric), None)
    head = ["idea", "run", *([metric, "change"] if metric else []), "outcome"]
    lines = [_line(each, is_measured=metric is not None) for each in found]
    text = table(head, lines, right=[2, 3] if metric else [])
    if every.total > len(found):
        text += f"\n… {every.total - len(found)} more; --limit 0 shows all"
    return Answer(
        "log", data, text, tuple(project.keeper.warnings), (f"xvc show {found[-1].run.id}",)
    )


def _line(idea: IdeaNode, *, is_measured: bool) -> list[str]:
    from xvc.core.commit_subject import cut  # late: as above
    from xvc.runs.idea_tree import outcome

    what = "  " * idea.depth + ("└ " if idea.depth else "") + cut(idea.what, 48)
    numbers = []
    if is_measured:
        lie = idea.spread
        mean = number(lie.mean) if lie else ""
        if lie is not None and lie.deviation is not None:
            mean += f" ± {number(lie.deviation)} (n={lie.count})"
        change = (
            "" if idea.change is None else f"{'+' if idea.change >= 0 else ''}{number(idea.change)}"
        )
        numbers = [mean, change]
    return [what, idea.version or idea.run.id, *numbers, outcome(idea)]


def _idea(idea: IdeaNode) -> Idea:
    run, lie = idea.run, idea.spread
    return {
        "depth": idea.depth,
        "run": run.id,
        "version": idea.version,
        "idea": idea.what,
        "on": idea.on,
        "fixes": run.fixes,
        "status": run.status,
        "runs": few(idea.runs),
        "runs_total": len(idea.runs),
        "metric": idea.metric,
        "n": lie.count if lie else 0,
        "mean": lie.mean if lie else None,
        "sd": lie.deviation if lie else None,
        "change": idea.change,
        "decision": idea.decision,
    }
