"""Which run is best by one metric, by how much, and which come after it. Pure.

Refuses to rank by a metric whose direction nobody has said.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xvc.core.direction import Direction
from xvc.core.objective import Measure, distance, number_of
from xvc.core.run import RunRecord
from xvc.core.spelling import number
from xvc.runs.executions import experiment


@dataclass(frozen=True, slots=True)
class Place:
    """A run and its value, and how far behind the best it is: 0 for the best itself."""

    run: RunRecord
    value: float
    behind: float


def ranked(runs: Sequence[RunRecord], aim: Measure) -> list[Place]:
    """Order finished runs by a metric, the best first, as `Measure.ranked` does."""
    runs = aim.ranked(runs)
    worth = [(value, run) for run in runs if (value := aim.value(run)) is not None]
    return [Place(run, value, distance(value, worth[0][0])) for value, run in worth]


def reason(places: Sequence[Place], aim: Measure, names: Mapping[str, str]) -> str:
    """Say in words which run is best and why; at least one is ranked."""
    best, *others = places
    end = "highest" if aim.direction is Direction.MAX else "lowest"
    says = f"{names[best.run.id]} has the {end} {aim.metric}: {number(best.value)}."
    better = "Higher" if aim.direction is Direction.MAX else "Lower"
    return " ".join([says, _margin(best, others, aim, names), f"{better} is better: {aim.why}."])


def _margin(best: Place, others: Sequence[Place], aim: Measure, names: Mapping[str, str]) -> str:
    if not others:
        return f"No other finished run has {aim.metric}."
    equal = sum(each.behind == 0 for each in others)
    if equal:
        also = "another run has" if equal == 1 else f"{equal} other runs have"
        return f"It is a tie: {also} the same value, and this one began first."
    gap, second = others[0].behind, others[0]
    whole = abs(number_of(best.value) or 0.0)
    share = f" ({gap / whole:.1%})" if whole and math.isfinite(gap + whole) else ""
    return f"It is {number(gap)}{share} ahead of {names[second.run.id]}."


def repeats(places: Sequence[Place]) -> list[Place]:
    """List the runs that differ from the best one by nothing but their seed, itself included."""
    best = experiment(places[0].run)
    return [each for each in places if experiment(each.run) == best]


def spread(places: Sequence[Place], aim: Measure) -> str:
    """Say how far repeats go apart; nothing is said of one run alone."""
    values = [each.value for each in places]
    if len(values) < 2:
        return (
            f"No run repeats it with another seed, so nothing tells how much of {aim.metric} is "
            "chance."
        )
    mean = math.fsum(value / len(values) for value in values)
    span = f"from {number(min(values))} to {number(max(values))}, mean {number(mean)}"
    return f"Its {len(values)} runs that differ by their seed at most lie {span}."
