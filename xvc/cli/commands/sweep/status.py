"""``xvc sweep status``."""

from __future__ import annotations

from typing import Annotated

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson
from xvc.cli.output import Answer, few, show
from xvc.cli.sweep_view import (
    Standing,
    SweepName,
    TrialFacts,
    shown,
    standing,
    summary,
    trial_facts,
)
from xvc.core.sweep import TrialStatus


class Data(Standing):
    """How a sweep stands, and what of it runs now."""

    state: Annotated[str, "running, done, stopped, interrupted or elsewhere."]
    command: list[str]
    running: Annotated[list[TrialFacts], "The first twenty."]
    running_total: int


def command(context: typer.Context, name: SweepName = None, as_json: AsJson = False) -> None:
    """Tell how far a sweep is: trials by state, the best so far, what runs.

    Example: xvc sweep status
    """
    from xvc.sweeps.state import SweepState, sweep_status  # late: it opens DuckDB

    here: Context = context.obj
    found = sweep_status(here.project(), name)
    running = [trial for trial in found.trials if trial.state is TrialStatus.RUNNING]
    lines = [f"{standing(found.progress)}; {found.where or found.condition}"]
    lines += [f"running: trial {trial.number} {shown(found.sweep, trial)}" for trial in running]
    nexts = [f"xvc sweep show {found.sweep.id}"]
    if found.condition is SweepState.RUNNING:
        nexts.append(f"xvc sweep stop {found.sweep.id}")
    elif found.condition not in (SweepState.DONE, SweepState.ELSEWHERE):
        nexts.append(f"xvc sweep resume {found.sweep.id}")
    if found.progress.counts[TrialStatus.FAILED] and found.condition is not SweepState.ELSEWHERE:
        nexts.append(f"xvc sweep retry {found.sweep.id}")
    data: Data = {
        **summary(found.progress),
        "state": found.condition.value,
        "command": list(found.sweep.request.command),
        "running": [trial_facts(trial) for trial in few(running)],
        "running_total": len(running),
    }
    show(Answer("sweep status", data, "\n".join(lines), next=tuple(nexts)), here.manner)
