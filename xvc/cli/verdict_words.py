"""How a metric lies among repeats, and what they say: the same words in every command."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from xvc.core.human_units import number
from xvc.runs.verdicts import Method, Verdict

if TYPE_CHECKING:
    from xvc.runs.repeats import Spread
    from xvc.runs.verdicts import Judgement


class Noise(TypedDict):
    """A metric over the repeats of a run; ``deviation`` is null for one repeat."""

    count: int
    mean: float
    deviation: float | None


class VerdictRow(TypedDict):
    """A metric of a run and its repeats against the first run and its repeats.

    ``difference`` is of the means, ``low`` and ``high`` are its 95 % interval, ``p`` is corrected
    (Holm) where several runs are compared, ``more`` is how many more runs of each would show a
    difference of this size.
    """

    metric: str
    baseline: Noise
    candidate: Noise
    difference: float
    low: float | None
    high: float | None
    p: float | None
    verdict: Verdict
    method: Method | None
    more: int | None


def noise(spread: Spread) -> Noise:
    """Write a spread as JSON."""
    return {"count": spread.count, "mean": spread.mean, "deviation": spread.deviation}


def noise_cells(spread: Spread) -> tuple[str, str, str]:
    """Write a spread as three cells: how many, mean, deviation."""
    return str(spread.count), number(spread.mean), number(spread.deviation)


def verdict_row(told: Judgement) -> VerdictRow:
    """Write a judgement as JSON."""
    return {
        "metric": told.metric,
        "baseline": noise(told.baseline),
        "candidate": noise(told.candidate),
        "difference": told.difference,
        "low": told.low,
        "high": told.high,
        "p": told.p,
        "verdict": told.verdict,
        "method": told.method,
        "more": told.more,
    }
