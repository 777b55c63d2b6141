"""How sweeps are told: trials in lines and tables, progress while they run."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from xvc.cli.output import Answer, Manner, duration, number, say, table
from xvc.core.sweep import State, Sweep, Trial

if TYPE_CHECKING:
    from xvc.flows.sweep_drive import Progress, Swept

_INTERRUPTED = 130

SweepName = Annotated[
    str | None,
    typer.Argument(metavar="[SWEEP]", help="Its id, or the beginning; without it the last one."),
]


class TrialFacts(TypedDict):
    """One trial: its point, how it stands, and what its last run said."""

    trial: int
    state: Annotated[str, "waiting, running, finished, failed or pruned."]
    run: str | None
    value: float | None
    seconds: float | None
    params: Mapping[str, object]
    attempts: int
    reason: str | None


class Standing(TypedDict):
    """How far a sweep is; ``total`` counts the trials, also those not begun yet."""

    sweep: str
    created: Annotated[int, "Nanoseconds since the epoch."]
    total: int
    counts: Annotated[Mapping[str, int], "Trials by state."]
    metric: str | None
    direction: str | None
    best: TrialFacts | None


class Ended(Standing):
    """What a sweep came to; ``stopped`` means that trials are missing."""

    stopped: bool


@contextmanager
def telling(manner: Manner) -> Iterator[Callable[[Progress], None]]:
    """Tell how far a sweep is: in one rewritten line on a terminal, else in a line a trial."""
    if manner.quiet or manner.as_json or not sys.stderr.isatty():
        yield lambda told: _tell_plainly(told, manner)
        return
    from xvc.cli.live import Line  # late: rich, only where somebody watches

    with Line(colour=manner.colour) as line:
        yield lambda told: line.show(standing(told), _failure(told))


def _tell_plainly(told: Progress, manner: Manner) -> None:
    if told.latest is None:
        say(f"sweep {told.sweep.id}: {told.sweep.total} trials", manner)
        return
    ended = told.sweep.total - told.counts[State.WAITING] - told.counts[State.RUNNING]
    say(f"[{ended}/{told.sweep.total}] {_line(told.sweep, told.latest)}{_best(told)}", manner)


def _failure(told: Progress) -> str | None:
    failed = told.latest is not None and told.latest.state is State.FAILED
    return _line(told.sweep, told.latest) if failed and told.latest is not None else None


def standing(told: Progress) -> str:
    """Write the standing of a sweep on one line."""
    counts = ", ".join(f"{count} {state}" for state, count in told.counts.items() if count)
    return f"sweep {told.sweep.id}: {counts}{_best(told)}"


def _best(told: Progress) -> str:
    if told.best is None:
        return ""
    return f"; best {told.sweep.wish.metric} {number(told.best.value)} (trial {told.best.number})"


def _line(sweep: Sweep, trial: Trial) -> str:
    value = f" {sweep.wish.metric}={number(trial.value)}" if trial.value is not None else ""
    reason = f": {trial.reason}" if trial.reason else ""
    took = f" in {duration(trial.seconds)}" if trial.seconds is not None else ""
    return f"trial {trial.number} {shown(trial)} {trial.state}{took}{value}{reason}"


def shown(trial: Trial) -> str:
    """Write a trial's params on one line."""
    return " ".join(f"{key}={number(value)}" for key, value in trial.params.items())


def swept(command: str, found: Swept) -> Answer:
    """Say what a sweep has come to."""
    from xvc.flows.sweep_drive import progress  # late: here a sweep has run, so it is loaded

    told = progress(found.sweep, found.trials)
    sweep = found.sweep
    failed = [trial for trial in found.trials if trial.state is State.FAILED]
    nexts = [f"xvc sweep show {sweep.id}"]
    if found.is_stopped:
        nexts = [f"xvc sweep resume {sweep.id}", *nexts]
    if failed:
        nexts = [f"xvc sweep retry {sweep.id}", *nexts]
    if told.best is not None:
        nexts.append(f"xvc tag minor --run {told.best.run}")
    text = standing(told) + ("; stopped" if found.is_stopped else "")
    code = _INTERRUPTED if found.is_stopped else int(bool(failed))
    data: Ended = {**summary(told), "stopped": found.is_stopped}
    return Answer(command, data, text, found.warnings, tuple(nexts), code)


def summary(told: Progress) -> Standing:
    """Write a sweep's standing as JSON."""
    sweep = told.sweep
    return {
        "sweep": sweep.id,
        "created": sweep.created,
        "total": sweep.total,
        "counts": {state.value: count for state, count in told.counts.items()},
        "metric": sweep.wish.metric,
        "direction": sweep.wish.direction.value if sweep.wish.direction else None,
        "best": trial_facts(told.best) if told.best is not None else None,
    }


def trial_facts(trial: Trial) -> TrialFacts:
    """Write a trial as JSON."""
    return {
        "trial": trial.number,
        "state": trial.state.value,
        "run": trial.run,
        "value": trial.value,
        "seconds": trial.seconds,
        "params": dict(trial.params),
        "attempts": trial.attempts,
        "reason": trial.reason,
    }


def trial_table(sweep: Sweep, trials: Sequence[Trial]) -> str:
    """Write trials as a table, a column for each param."""
    keys = list(sweep.wish.space)
    head = ["trial", sweep.wish.metric or "value", *keys, "state", "took", "run", "reason"]
    rows = [
        [
            str(trial.number),
            number(trial.value),
            *(number(trial.params.get(key)) for key in keys),
            trial.state.value,
            duration(trial.seconds),
            trial.run or "-",
            trial.reason or "",
        ]
        for trial in trials
    ]
    return table(head, rows, right=range(2 + len(keys)))
