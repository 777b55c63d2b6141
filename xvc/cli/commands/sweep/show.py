"""``xvc sweep show``."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson, Limit
from xvc.cli.output import Answer, few, show
from xvc.cli.sweep_view import (
    Standing,
    SweepName,
    TrialFacts,
    shown,
    standing,
    summary,
    trial_facts,
    trial_table,
)
from xvc.cli.verdict_words import Noise, noise
from xvc.runs.verdicts import Judgement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xvc.runs.sweep_leader import Leader
    from xvc.sweeps.show import SweepResults


class LeaderFacts(Noise):
    """The best point, its trials, and whether it is better than the next beyond the noise.

    ``luck`` is how far the best of so many points would stand from their mean by noise alone;
    null without repeats. ``lift`` is how far the leader does.
    """

    trials: list[int]
    trials_total: int
    points: int
    lift: float
    luck: float | None
    verdict: Judgement | None
    sentence: str


class Data(Standing):
    """How a sweep stands, its trials best first, and how much each param mattered."""

    state: Annotated[str, "running, done, stopped, interrupted or elsewhere."]
    importances: Annotated[Mapping[str, float], "Parts of 1, by param."]
    trials: list[TrialFacts]
    leader: LeaderFacts | None


def command(
    context: typer.Context,
    name: SweepName = None,
    limit: Limit = 20,
    plots: Annotated[
        bool, typer.Option("--plots/--no-plots", help="Draw the metric against each param.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Rank the trials of a sweep, draw its metric against each param, say which mattered.

    Example: xvc sweep show
    """
    from xvc.runs.sweep_leader import leader  # late: it opens DuckDB
    from xvc.sweeps.show import show_sweep

    here: Context = context.obj
    found = show_sweep(here.project(), name)
    listed = found.ranked[: limit or None]
    nothing = not found.ranked
    where = f"; {found.status.where}" if found.status.where else ""
    parts = [f"{standing(found.status.progress)}{where}", trial_table(found.status.sweep, listed)]
    if len(listed) < len(found.ranked):
        parts[-1] += f"\n… {len(found.ranked) - len(listed)} more; --limit 0 shows all"
    warnings = list(found.warnings)
    if plots and not as_json:
        parts += _drawn(found, warnings, colour=here.manner.colour)
    if found.importances:
        told = ", ".join(f"{key} {part:.0%}" for key, part in found.importances.items())
        parts.append(f"what mattered: {told}")
    first = leader(here.project(), found.status.sweep, found.status.trials)
    if first is not None and first.sentence:
        parts.append(f"the leader, {shown(found.status.sweep, first.trials[0])}: {first.sentence}")
    best = found.status.progress.best
    nexts = (f"xvc tag minor --run {best.run}",) if best is not None else ()
    data: Data = {
        **summary(found.status.progress),
        "state": found.status.condition.value,
        "importances": dict(found.importances),
        "trials": [trial_facts(trial) for trial in listed],
        "leader": _leader(first) if first is not None else None,
    }
    text = "no trial was begun yet" if nothing else "\n\n".join(parts)
    show(Answer("sweep show", data, text, tuple(warnings), nexts), here.manner)


def _leader(first: Leader) -> LeaderFacts:
    return {
        **noise(first.spread),
        "trials": few([trial.number for trial in first.trials]),
        "trials_total": len(first.trials),
        "points": first.points,
        "lift": first.lift,
        "luck": first.luck,
        "verdict": first.judgement,
        "sentence": first.sentence,
    }


def _drawn(found: SweepResults, warnings: list[str], *, colour: bool) -> Iterator[str]:
    from xvc.render.plots import NoPlotting, in_terminal  # late: only for pictures

    width = min(shutil.get_terminal_size().columns, 80)
    try:
        for plot in found.plots:
            yield in_terminal(plot, width=width, height=14, colour=colour)
    except NoPlotting as err:
        warnings.append(f"{err}. {err.hint}")
