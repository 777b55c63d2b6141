"""``xvc leaderboard``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson, Limit, Where
from xvc.cli.output import Answer, few, number, show, table
from xvc.core.human_units import counted

if TYPE_CHECKING:
    from xvc.runs.leaderboard import Leaderboard, RankedExperiment


class Row(TypedDict):
    """An experiment: its repeats as one."""

    rank: Annotated[int, "Shared by those that repeats cannot tell apart."]
    tied: bool
    run: Annotated[str, "The best of its repeats."]
    version: str | None
    what: str
    params: Mapping[str, object]
    n: Annotated[int, "Repeats, each seed once."]
    mean: float
    sd: float | None
    best: float
    difference: Annotated[float | None, "Of its mean from the leader's."]
    low: float | None
    high: Annotated[float | None, "With low: the 95 % interval of the difference."]
    verdict: Annotated[str | None, "Against the leader; null for the leader."]
    runs: Annotated[list[str], "The first twenty."]
    runs_total: int


class Data(TypedDict):
    """Experiments by the mean of a metric, the best first."""

    metric: str
    direction: str
    noise: Annotated[float | None, "Deviation between repeats, over all that have some."]
    by_luck: Annotated[float | None, "How far the best of so many equal ones would lead."]
    places: list[Row]
    total: int
    discarded: int


def command(
    context: typer.Context,
    metric: Annotated[str, typer.Argument(help="The metric; METRIC:max or :min says the way.")],
    where: Where = None,
    everywhere: Annotated[
        bool, typer.Option("--all", help="The runs of all work trees, removed ones too.")
    ] = False,
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """Rank what was tried by a metric: repeats as one, with their noise; ties share a rank.

    Example: xvc leaderboard accuracy
    """
    from xvc.runs.leaderboard import leaderboard  # late: it opens DuckDB

    here: Context = context.obj
    project = here.project()
    found = leaderboard(project, metric, where, everywhere=everywhere, most=limit or None)
    rows = [_row(place) for place in found.places]
    data: Data = {
        "metric": found.measure.metric,
        "direction": found.measure.direction,
        "noise": found.noise,
        "by_luck": found.by_luck,
        "places": rows,
        "total": found.total,
        "discarded": found.discarded,
    }
    step = f"xvc show {found.places[0].run.id}"
    text = _text(found)
    show(Answer("leaderboard", data, text, tuple(project.keeper.warnings), (step,)), here.manner)


def _row(place: RankedExperiment) -> Row:
    from xvc.runs.verdicts import sentence  # late: as above

    judged, lie = place.judged, place.spread
    return {
        "rank": place.rank,
        "tied": place.is_tied,
        "run": place.run.id,
        "version": place.version,
        "what": place.what,
        "params": place.run.params,
        "n": lie.count,
        "mean": lie.mean,
        "sd": lie.deviation,
        "best": place.best,
        "difference": judged.difference if judged else None,
        "low": judged.low if judged else None,
        "high": judged.high if judged else None,
        "verdict": sentence(judged) if judged else None,
        "runs": few(place.runs),
        "runs_total": len(place.runs),
    }


def _text(found: Leaderboard) -> str:
    shown = found.places
    rows = [_row(place) for place in shown]
    metric = found.measure.metric
    head = ["rank", "run", "n", f"mean {metric}", "sd", "best", "what", "against the first"]
    cells = [
        [
            f"{row['rank']}{'=' if row['tied'] else ''}",
            row["version"] or row["run"],
            str(row["n"]),
            number(row["mean"]),
            number(row["sd"]),
            number(row["best"]),
            row["what"],
            row["verdict"] or ("the first" if place is found.places[0] else "-"),
        ]
        for place, row in zip(shown, rows, strict=True)
    ]
    lines = [table(head, cells, right=[0, 2, 3, 4, 5])]
    if found.total > len(shown):
        lines.append(f"… {found.total - len(shown)} more; --limit 0 shows all")
    if found.discarded:
        lines.append(f"not ranked: {counted(found.discarded, 'discarded run')}")
    if found.luck is not None:
        lines.append(found.luck)
    return "\n".join(lines)
