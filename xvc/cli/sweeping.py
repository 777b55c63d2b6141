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
    from xvc.sweeps.drive import Progress, Swept

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
        yield _plainly(manner)
        return
    from xvc.cli.live import Line  # late: rich, only where somebody watches

    with Line(colour=manner.colour) as line:
        yield lambda told: line.show(*_live(told), above=_failure(told))


def _plainly(manner: Manner) -> Callable[[Progress], None]:
    has_begun = False

    def tell(told: Progress) -> None:
        nonlocal has_begun
        if told.latest is not None:
            ended, line = _ended(told), _line(told.sweep, told.latest)
            say(f"[{ended}/{told.sweep.total}] {line}{_best(told)}", manner)
        elif not has_begun:
            say(f"sweep {told.sweep.id}: {told.sweep.total} trials", manner)
        has_begun = True

    return tell


def _live(told: Progress) -> Iterator[str]:
    """Write how far a sweep is for a line that is rewritten, ever shorter."""
    few = (State.RUNNING, State.FAILED, State.PRUNED)
    counts = [f"{told.counts[state]} {state}" for state in few if told.counts[state]]
    far = ", ".join([f"{_ended(told)}/{told.sweep.total}", *counts])
    yield f"sweep {told.sweep.id}: {far}{_best(told)}"
    if told.best is not None:
        yield f"{far}; best {number(told.best.value)}"
        yield f"{_ended(told)}/{told.sweep.total}; best {number(told.best.value)}"
    yield far


def _ended(told: Progress) -> int:
    return told.sweep.total - told.counts[State.WAITING] - told.counts[State.RUNNING]


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
    from xvc.sweeps.drive import progress  # late: here a sweep has run, so it is loaded

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
    return Answer(command, data, text, (*found.warnings, *_unmeasured(found)), tuple(nexts), code)


def _unmeasured(found: Swept) -> Iterator[str]:
    """Say that nothing can be ranked, where no trial that finished has the metric."""
    metric = found.sweep.wish.metric
    done = [trial for trial in found.trials if trial.state is State.FINISHED]
    if metric is not None and done and all(trial.value is None for trial in done):
        yield (
            f"no trial has recorded {metric!r}; a Tracker does, --capture, or a file under "
            "metrics.files in xvc.yaml"
        )


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
