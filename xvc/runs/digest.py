"""What was tried, what worked and what not to repeat, in few words. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xvc.core.direction import Direction, direction_of
from xvc.core.objective import Measure
from xvc.core.run import RunRecord, Status
from xvc.core.subject import chosen_keys, chosen_metrics, one_line, shown, subject
from xvc.types import RunId

_LONGEST = 72
_FAILED = frozenset({*Status} - {Status.FINISHED, Status.RUNNING})


@dataclass(frozen=True, slots=True)
class Best:
    """The best run by one metric."""

    metric: str
    direction: Direction
    value: float
    run: RunId
    what: str


@dataclass(frozen=True, slots=True)
class Tried:
    """A run in one line."""

    run: RunId
    what: str


@dataclass(frozen=True, slots=True)
class Failed:
    """Runs that ended badly in the same way; ``run`` is the newest of them."""

    run: RunId
    how: str
    what: str
    times: int


def cut(text: str, longest: int = _LONGEST) -> str:
    """Shorten a text to one line.

    >>> cut("a long story", 7)
    'a long…'
    """
    line = one_line(text)
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def best_runs(
    runs: Sequence[RunRecord], directions: Mapping[str, str], limit: int = 3
) -> list[Best]:
    """Find the best finished run by each of the telling metrics, as `Measure` says.

    Only metrics whose better end is known are judged.

    Raises:
        BadSetting: a declared direction is neither ``max`` nor ``min``.
    """
    done = [run for run in runs if run.status is Status.FINISHED]
    merged = {key: value for run in done for key, value in run.metrics.items()}
    names = chosen_metrics(merged, list(directions), limit)
    found = [_best(done, name, direction_of(name, directions)) for name in names]
    return [each for each in found if each is not None]


def _best(runs: Sequence[RunRecord], metric: str, direction: Direction | None) -> Best | None:
    if direction is None:
        return None
    measure = Measure(metric, direction)
    first = measure.first(runs)
    value = measure.value(first) if first is not None else None
    if first is None or value is None:
        return None
    return Best(metric, direction, value, first.id, described(first, runs))


def described(run: RunRecord, others: Sequence[RunRecord]) -> str:
    """Return a run in one line: what tells it from the others, its metrics, its note.

    A run without params is its command.

    >>> described(RunRecord(RunId("a"), params={"lr": 0.1}, metrics={"loss": 2.0}), [])
    'lr=0.1 | loss=2.0'
    """
    params = chosen_keys([each.params for each in others], run.params)
    metrics = chosen_metrics(run.metrics, [])
    said = run.note or run.name
    if not params and not said:
        said = " ".join(run.command) or None
    return cut(subject(run.params, run.metrics, None, said, (*params, *metrics)))


def tried(runs: Sequence[RunRecord], limit: int = 5) -> list[Tried]:
    """Describe the newest runs that ended well; *runs* are newest first."""
    done = [run for run in runs if run.status is Status.FINISHED]
    return [Tried(run.id, described(run, done)) for run in done[:limit]]


def failures(runs: Sequence[RunRecord], limit: int = 3) -> tuple[list[Failed], int]:
    """Put together the runs that failed alike, newest first, and count all that failed."""
    bad = [run for run in runs if run.status in _FAILED]
    alike = [(_how(run), described(run, bad)) for run in bad]
    counts = Counter(alike)
    newest = {key: run.id for key, run in zip(reversed(alike), reversed(bad), strict=True)}
    found = [Failed(newest[key], *key, times=counts[key]) for key in dict.fromkeys(alike)]
    return found[:limit], len(bad)


def _how(run: RunRecord) -> str:
    if run.status is Status.FAILED and run.exit_code is not None:
        return f"exit {run.exit_code}"
    return cut(run.reason or run.signal or run.status.value, 40)


def figure(metric: str, direction: Direction, value: float) -> str:
    """Write a best value.

    >>> figure("loss", Direction.MIN, 0.25)
    'loss 0.25 (lowest)'
    """
    end = "highest" if direction is Direction.MAX else "lowest"
    return f"{cut(metric, 32)} {shown(value)} ({end})"
