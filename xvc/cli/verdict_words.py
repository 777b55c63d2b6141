"""How a metric lies among repeats, and what they say: the same words in every command."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from xvc.core.human_units import number

if TYPE_CHECKING:
    from xvc.runs.repeats import Spread


class Noise(TypedDict):
    """A metric over the repeats of a run; ``deviation`` is null for one repeat."""

    count: int
    mean: float
    deviation: float | None


def noise(spread: Spread) -> Noise:
    """Write a spread as JSON."""
    return {"count": spread.count, "mean": spread.mean, "deviation": spread.deviation}


def noise_cells(spread: Spread) -> tuple[str, str, str]:
    """Write a spread as three cells: how many, mean, deviation."""
    return str(spread.count), number(spread.mean), number(spread.deviation)
