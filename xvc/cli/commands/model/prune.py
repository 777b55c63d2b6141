"""``xvc model prune``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson, DryRun, Yes
from xvc.cli.output import Answer, number, show, size, table
from xvc.cli.plan import show_plan

if TYPE_CHECKING:
    from xvc.models.prune import CandidateFate, Pruning

_SHOWN = 50


class Model(TypedDict):
    """One candidate: why it stays, or the command that brings it back."""

    name: str
    run: str
    version: str | None
    value: float | None
    bytes: int | None
    kept_by: str | None
    way_back: str | None


class Data(TypedDict):
    """What becomes of the candidates; ``bytes`` are those of what goes."""

    by: str
    models: Annotated[list[Model], "The first fifty, those that go before those that stay."]
    total: int
    pruned: int
    bytes: int
    commit: str | None
    dry_run: bool


def command(
    context: typer.Context,
    keep: Annotated[int, typer.Option("--keep", help="How many of the best stay.")],
    by: Annotated[str, typer.Option("--by", help="METRIC, METRIC:max or METRIC:min.")],
    runs: Annotated[
        list[str] | None, typer.Argument(help="Runs without the metric that may go, too.")
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="Only this model.")] = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Take away all candidates but the best; what is in a stage or has no metric stays.

    What goes can be had again by `xvc get`: cache and DVC remote are asked, for the plan, too.

    Example: xvc model prune --keep 3 --by acc:max
    """
    from xvc.models.prune import prune  # late: it opens DuckDB

    here: Context = context.obj
    is_plan = dry_run or not yes
    project = here.project()
    done = prune(
        project,
        keep,
        by,
        name=name,
        runs=runs or (),
        yes=not is_plan,
        notify=here.progress,
    )
    answer = replace(_answer(done, is_plan=is_plan), warnings=tuple(project.keeper.warnings))
    if not is_plan or not any(fate.goes for fate in done.fates):
        show(answer, here.manner)
    else:
        show_plan(answer, here, is_plan=True, is_asked=dry_run)


def _answer(done: Pruning, *, is_plan: bool) -> Answer:
    going = [fate for fate in done.fates if fate.goes]
    first = [*going, *(fate for fate in done.fates if not fate.goes)]
    data: Data = {
        "by": str(done.measure),
        "models": [_facts(fate) for fate in first[:_SHOWN]],
        "total": len(done.fates),
        "pruned": len(going),
        "bytes": done.size,
        "commit": done.commit,
        "dry_run": is_plan,
    }
    head = ["name", "run", "version", done.measure.metric, "size", "fate"]
    if not done.fates:
        return Answer("model prune", data, "no candidate is here, so none can go")
    text = table(head, [_row(fate, is_plan=is_plan) for fate in done.fates], right=(3, 4))
    verb = "would go" if is_plan else "are gone"
    text += f"\n{len(going)} of {len(done.fates)} {verb} ({size(done.size)})"
    back = tuple(fate.way_back for fate in going[:3]) if not is_plan else ()
    return Answer("model prune", data, text, next=back)


def _row(fate: CandidateFate, *, is_plan: bool) -> list[str]:
    each = fate.candidate
    gone = "would go" if is_plan else "is gone"
    return [
        each.name,
        each.id,
        each.version or "-",
        number(fate.value),
        size(each.file.size),
        f"stays: {fate.kept_by}" if fate.kept_by else gone,
    ]


def _facts(fate: CandidateFate) -> Model:
    each = fate.candidate
    return {
        "name": each.name,
        "run": each.id,
        "version": each.version,
        "value": fate.value,
        "bytes": each.file.size,
        "kept_by": fate.kept_by or None,
        "way_back": fate.way_back if fate.goes else None,
    }
