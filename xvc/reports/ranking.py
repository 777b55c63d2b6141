"""Which run is best by one metric, by how much, and which come after it. Pure.

Refuses to rank by a metric whose direction nobody has said.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xvc.core.direction import Direction
from xvc.core.human_units import number
from xvc.core.objective import Measure, distance, number_of
from xvc.core.run import RunRecord
from xvc.runs.repeats import RepeatedExperiment, Spread


@dataclass(frozen=True, slots=True)
class RankedRun:
    """A run and its value, and how far behind the best it is: 0 for the best itself."""

    run: RunRecord
    value: float
    behind: float


def ranked(runs: Sequence[RunRecord], aim: Measure) -> list[RankedRun]:
    """Order finished runs by a metric, the best first, as `Measure.ranked` does."""
    runs = aim.ranked(runs)
    worth = [(value, run) for run in runs if (value := aim.value(run)) is not None]
    return [RankedRun(run, value, distance(value, worth[0][0])) for value, run in worth]


def reason(
    places: Sequence[RankedRun], aim: Measure, names: Mapping[str, str], *, are_all: bool = True
) -> str:
    """Say in words which run is best and why; at least one is ranked, perhaps not all."""
    best, *others = places
    end = "highest" if aim.direction is Direction.MAX else "lowest"
    says = f"{names[best.run.id]} has the {end} {aim.metric}: {number(best.value)}."
    better = "Higher" if aim.direction is Direction.MAX else "Lower"
    return " ".join(
        [says, _margin(best, others, aim, names, are_all), f"{better} is better: {aim.why}."]
    )


def _margin(
    best: RankedRun,
    others: Sequence[RankedRun],
    aim: Measure,
    names: Mapping[str, str],
    are_all: bool,
) -> str:
    if not others:
        return f"No other finished run has {aim.metric}."
    equal = sum(each.behind == 0 for each in others)
    if equal:
        also = "another run has" if equal == 1 else f"{equal} other runs have"
        also = also if are_all else f"at least {also}"
        return f"It is a tie: {also} the same value, and this one began first."
    gap, second = others[0].behind, others[0]
    whole = abs(number_of(best.value) or 0.0)
    share = f" ({gap / whole:.1%})" if whole and math.isfinite(gap + whole) else ""
    return f"It is {number(gap)}{share} ahead of {names[second.run.id]}."


def repeats(best: RunRecord, every: Sequence[RepeatedExperiment]) -> Sequence[RunRecord]:
    """List the repeats of the best run's experiment: each seed once, the run itself included."""
    own = next((each for each in every if best.id in {run.id for run in each.runs}), None)
    return own.repeats if own is not None else (best,)


def spread(runs: Sequence[RunRecord], aim: Measure) -> str:
    """Say how far repeats go apart; nothing is said of one run alone."""
    values = [value for run in runs if (value := aim.value(run)) is not None]
    lie = Spread.of(values)
    if lie is None or lie.count < 2:
        return (
            f"No run repeats it with another seed, so nothing tells how much of {aim.metric} is "
            "chance."
        )
    deviation = f", sd {number(lie.deviation)}" if lie.deviation is not None else ""
    return (
        f"Its {lie.count} repeats (the same code, data, command and params, each seed once) lie "
        f"from {number(min(values))} to {number(max(values))}, "
        f"mean {number(lie.mean)}{deviation}."
    )
