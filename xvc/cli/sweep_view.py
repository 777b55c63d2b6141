"""How sweeps are told: trials in lines and tables, progress while they run."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from xvc.cli.output import Answer, Manner, duration, number, say, table
from xvc.core.human_units import counted
from xvc.core.search_space import dimension_text, meaning, typed_point, values_of
from xvc.core.secret_names import is_secret_name
from xvc.core.secrets import mask_argv, mask_texts, mask_values, secret_texts
from xvc.core.sweep import Sweep, SweepRequest, Trial, TrialStatus

if TYPE_CHECKING:
    from xvc.sweeps.drive import Progress, SweepOutcome
    from xvc.sweeps.start import SweepPlan

_INTERRUPTED = 130
_MOST_TEXT = 60


def _sweeps(incomplete: str) -> list[str]:
    """Complete the id of a sweep, the newest first."""
    from xvc.cli.context import Context  # late: only when a shell asks
    from xvc.sweeps.cloned_sweeps import told_ids
    from xvc.sweeps.sweep_folder import sweep_ids

    project = Context().project()
    found = dict.fromkeys([*sweep_ids(project)[::-1], *told_ids(project)[::-1]])
    return [name for name in found if name.startswith(incomplete)]


SweepName = Annotated[
    str | None,
    typer.Argument(
        metavar="[SWEEP]",
        help="Its id, or the beginning; without it the last one.",
        autocompletion=_sweeps,
    ),
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


class Planned(TypedDict):
    """What a sweep would try; nothing was begun."""

    total: int
    space: Annotated[Mapping[str, str], "What each param may be, as it is typed."]
    means: Annotated[Mapping[str, str], "What each range means."]
    command: Annotated[list[str], "That of the first trial."]
    dry_run: bool


@contextmanager
def telling(manner: Manner) -> Iterator[Callable[[Progress], None]]:
    """Tell how far a sweep is: in one rewritten line on a terminal, else in a line a trial."""
    if manner.quiet or manner.as_json or not sys.stderr.isatty():
        yield _plainly(manner)
        return
    from xvc.cli.live import LiveLine  # late: rich, only where somebody watches

    with LiveLine(colour=manner.colour) as line:
        clock = _Clock()

        def tell(so_far: Progress) -> None:
            above = header(so_far.sweep) if clock.begins(so_far) else _failure(so_far)
            line.show(*_live(so_far, clock.left(so_far)), above=above)

        yield tell


def _plainly(manner: Manner) -> Callable[[Progress], None]:
    clock = _Clock()

    def tell(so_far: Progress) -> None:
        if clock.begins(so_far):
            say(header(so_far.sweep), manner)
        if so_far.latest is not None:
            ended, line = _ended(so_far), _line(so_far.sweep, so_far.latest)
            left = clock.left(so_far)
            say(
                f"[{ended}/{so_far.sweep.total}] {line}{_best(so_far)}{left and f'; {left}'}",
                manner,
            )

    return tell


class _Clock:
    """How long a sweep will still take, judged by the trials that have ended meanwhile."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._ended = 0

    def begins(self, so_far: Progress) -> bool:
        """Whether this is the first that is heard of it."""
        if self._since is not None:
            return False
        self._since, self._ended = time.monotonic(), _ended(so_far)
        return True

    def left(self, so_far: Progress) -> str:
        """Write the time that is left; empty where nothing is known of it, or nothing is left."""
        done, missing = _ended(so_far) - self._ended, so_far.sweep.total - _ended(so_far)
        if not done or not missing or self._since is None:
            return ""
        return f"{duration((time.monotonic() - self._since) / done * missing)} left"


def header(sweep: Sweep) -> str:
    """Write what a sweep tries on one line."""
    return f"sweep {sweep.id}: {counted(sweep.total, 'trial')} of {space_told(sweep.request)}"


def space_told(request: SweepRequest) -> str:
    """Write a space as it was typed, with what its ranges mean."""
    parts = []
    for key, dimension in request.space.items():
        means = meaning(dimension)
        text = _masked(key, dimension_text(dimension))
        short = text if len(text) <= _MOST_TEXT else f"{text[:_MOST_TEXT]}…"
        parts.append(f"{key}={short}" + (f" ({means})" if means else ""))
    return ", ".join(parts)


def _live(so_far: Progress, left: str) -> Iterator[str]:
    """Write how far a sweep is for a line that is rewritten, ever shorter."""
    few = (TrialStatus.RUNNING, TrialStatus.FAILED, TrialStatus.PRUNED)
    counts = [f"{so_far.counts[state]} {state}" for state in few if so_far.counts[state]]
    far = ", ".join([f"{_ended(so_far)}/{so_far.sweep.total}", *counts])
    if left:
        yield f"sweep {so_far.sweep.id}: {far}{_best(so_far)}; {left}"
    yield f"sweep {so_far.sweep.id}: {far}{_best(so_far)}"
    if so_far.best is not None:
        yield f"{far}; best {number(so_far.best.value)}"
        yield f"{_ended(so_far)}/{so_far.sweep.total}; best {number(so_far.best.value)}"
    yield far


def _ended(so_far: Progress) -> int:
    return (
        so_far.sweep.total - so_far.counts[TrialStatus.WAITING] - so_far.counts[TrialStatus.RUNNING]
    )


def _failure(so_far: Progress) -> str | None:
    failed = so_far.latest is not None and so_far.latest.state is TrialStatus.FAILED
    return _line(so_far.sweep, so_far.latest) if failed and so_far.latest is not None else None


def standing(so_far: Progress) -> str:
    """Write the standing of a sweep on one line."""
    counts = ", ".join(f"{count} {state}" for state, count in so_far.counts.items() if count)
    return f"sweep {so_far.sweep.id}: {counts}{_best(so_far)}"


def _best(so_far: Progress) -> str:
    if so_far.best is None:
        return ""
    request = so_far.sweep.request
    if request.repeat:
        return f"; best {request.metric}, by the mean of its repeats: trial {so_far.best.number}"
    return f"; best {request.metric} {number(so_far.best.value)} (trial {so_far.best.number})"


def _line(sweep: Sweep, trial: Trial) -> str:
    value = f" {sweep.request.metric}={number(trial.value)}" if trial.value is not None else ""
    reason = f": {trial.reason}" if trial.reason else ""
    took = f" in {duration(trial.seconds)}" if trial.seconds is not None else ""
    return f"trial {trial.number} {shown(sweep, trial)} {trial.state}{took}{value}{reason}"


def shown(sweep: Sweep, trial: Trial) -> str:
    """Write a trial's params on one line, each as it was typed."""
    point = typed_point(sweep.request.space, trial.params)
    return " ".join(f"{key}={_masked(key, typed.text)}" for key, typed in point.items())


def _masked(key: str, text: str) -> str:
    return str(mask_values({key: text})[key])


def swept(command: str, found: SweepOutcome) -> Answer:
    """Say what a sweep has come to."""
    from xvc.sweeps.drive import progress  # late: here a sweep has run, so it is loaded

    so_far = progress(found.sweep, found.trials)
    sweep = found.sweep
    failed = [trial for trial in found.trials if trial.state is TrialStatus.FAILED]
    nexts = [f"xvc sweep show {sweep.id}"]
    if found.is_stopped:
        nexts = [f"xvc sweep resume {sweep.id}", *nexts]
    if failed:
        nexts = [f"xvc sweep retry {sweep.id}", *nexts]
    if so_far.best is not None:
        nexts.append(f"xvc tag minor --run {so_far.best.run}")
    text = standing(so_far) + ("; stopped" if found.is_stopped else "")
    was_asked = found.is_stopped and found.reason is None
    code = _INTERRUPTED if was_asked else int(bool(failed))
    data: Ended = {**summary(so_far), "stopped": found.is_stopped}
    warnings = [*found.warnings, *_unmeasured(found), *overruled(sweep, found.trials)]
    if found.reason is not None:
        warnings.append(f"no further trial was begun: {found.reason}")
    return Answer(command, data, text, tuple(warnings), tuple(nexts), code)


def overruled(sweep: Sweep, trials: Sequence[Trial]) -> Iterator[str]:
    """Name the params that trials used, or may have used, otherwise than they were asked for."""
    doubts = {key: says for trial in trials for key, says in trial.contested.items()}
    for key, says in doubts.items():
        yield (
            f"{key} may be overruled: {says}; if the script uses that, all trials are the same. A "
            "Tracker's params say which it used"
        )
    for trial in trials:
        if not trial.used or trial.is_unused:
            continue
        asked = typed_point(sweep.request.space, trial.params)
        used = [
            f"{key} was {_masked(key, str(value))}, not {_masked(key, asked[key].text)}"
            for key, value in trial.used.items()
        ]
        yield f"trial {trial.number} used other params than were asked for: {', '.join(used)}"


def _unmeasured(found: SweepOutcome) -> Iterator[str]:
    """Say that nothing can be ranked, where no trial that finished has the metric."""
    metric = found.sweep.request.metric
    done = [trial for trial in found.trials if trial.state is TrialStatus.FINISHED]
    if metric is not None and done and all(trial.value is None for trial in done):
        yield (
            f"no trial has recorded {metric!r}; a Tracker does, --capture, or a file under "
            "metrics.files in xvc.yaml"
        )


def planned(request: SweepRequest, found: SweepPlan) -> Answer:
    """Say what a sweep would try."""
    space = {key: _masked(key, dimension_text(each)) for key, each in request.space.items()}
    means = {key: said for key, each in request.space.items() if (said := meaning(each))}
    secret = {key: values_of(d) or () for key, d in request.space.items() if is_secret_name(key)}
    secrets = [t for key, each in secret.items() for v in each for t in secret_texts({key: v})]
    command = mask_argv(mask_texts(found.command, secrets))
    data: Planned = {
        "total": found.total,
        "space": space,
        "means": means,
        "command": list(command),
        "dry_run": True,
    }
    what = f"{counted(found.total, 'trial')} of {space_told(request)}"
    text = f"{what}\nthe first: {shlex.join(command)}"
    return Answer("sweep", data, text, found.warnings)


def summary(so_far: Progress) -> Standing:
    """Write a sweep's standing as JSON."""
    sweep = so_far.sweep
    return {
        "sweep": sweep.id,
        "created": sweep.created,
        "total": sweep.total,
        "counts": {state.value: count for state, count in so_far.counts.items()},
        "metric": sweep.request.metric,
        "direction": sweep.request.direction.value if sweep.request.direction else None,
        "best": trial_facts(so_far.best) if so_far.best is not None else None,
    }


def trial_facts(trial: Trial) -> TrialFacts:
    """Write a trial as JSON."""
    return {
        "trial": trial.number,
        "state": trial.state.value,
        "run": trial.run,
        "value": trial.value,
        "seconds": trial.seconds,
        "params": mask_values(trial.params),
        "attempts": trial.attempts,
        "reason": trial.reason,
    }


def trial_table(sweep: Sweep, trials: Sequence[Trial]) -> str:
    """Write trials as a table, a column for each param."""
    keys = list(sweep.request.space)
    head = ["trial", sweep.request.metric or "value", *keys, "state", "took", "run", "reason"]
    rows = [
        [
            str(trial.number),
            number(trial.value),
            *(_cell(sweep, trial, key) for key in keys),
            trial.state.value,
            duration(trial.seconds),
            trial.run or "-",
            trial.reason or "",
        ]
        for trial in trials
    ]
    return table(head, rows, right=range(2 + len(keys)))


def _cell(sweep: Sweep, trial: Trial, key: str) -> str:
    if key not in trial.params:
        return number(None)
    return _masked(key, typed_point(sweep.request.space, trial.params)[key].text)
