"""What a picture shows: numbers in series, with the words beside them. Pure values, no drawing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

MOST_POINTS = 10_000
"""Points that a series keeps: more than a picture can show apart."""


class PlotKind(StrEnum):
    """The pictures that can be drawn."""

    HIST = "hist"
    SCATTER = "scatter"
    LINE = "line"


@dataclass(frozen=True, slots=True)
class Series:
    """Points of one colour; of a histogram, ``x`` are the values and ``y`` is empty."""

    label: str
    x: tuple[float, ...]
    y: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Summary:
    """Figures about one key; ``left_out`` values are NaN or no numbers."""

    key: str
    observations: int
    min: float
    mean: float
    max: float
    left_out: int


@dataclass(frozen=True, slots=True)
class Plot:
    """One picture: its series, the labels of its axes, and what a summary says of its keys.

    ``is_log``: the axis across is one of magnitudes; all numbers along it are above 0.
    """

    kind: PlotKind
    title: str
    x_label: str
    y_label: str
    series: tuple[Series, ...]
    summaries: tuple[Summary, ...]
    bins: int = 10
    is_log: bool = False


@dataclass(frozen=True, slots=True)
class Bin:
    """One bar of a histogram; a count for each series."""

    low: float
    high: float
    counts: tuple[int, ...]


def summary(key: str, values: Sequence[float]) -> Summary:
    """Sum numbers up; at least one of them is finite.

    >>> summary("loss", [1.0, 3.0, float("nan")])
    Summary(key='loss', observations=2, min=1.0, mean=2.0, max=3.0, left_out=1)
    """
    finite = [value for value in values if math.isfinite(value)]
    mean = math.fsum(value / len(finite) for value in finite)
    left_out = len(values) - len(finite)
    return Summary(
        key=key,
        observations=len(finite),
        min=min(finite),
        mean=mean,
        max=max(finite),
        left_out=left_out,
    )


def bins_of(plot: Plot) -> list[Bin]:
    """Sort a histogram's values into bars of one width; the last one has both its ends.

    >>> hist = Plot(PlotKind.HIST, "", "x", "", (Series("", (0.0, 1.0, 4.0)),), (), bins=2)
    >>> [(bar.low, bar.high, bar.counts) for bar in bins_of(hist)]
    [(0.0, 2.0, (2,)), (2.0, 4.0, (1,))]
    """
    values = [value for series in plot.series for value in series.x]
    low, high = min(values), max(values)
    if low == high:
        low, high = low - 0.5, high + 0.5
    width = high / plot.bins - low / plot.bins  # no difference that could overflow
    edges = [low + width * place for place in range(plot.bins)] + [high]
    counted = [_counts(series.x, low, width, plot.bins) for series in plot.series]
    return [
        Bin(edges[place], edges[place + 1], tuple(counts[place] for counts in counted))
        for place in range(plot.bins)
    ]


def _counts(values: Sequence[float], low: float, width: float, bins: int) -> list[int]:
    counts = [0] * bins
    for value in values:
        place = int(value / width - low / width) if width else 0
        counts[min(max(place, 0), bins - 1)] += 1
    return counts


def thinned(series: Series, most: int = MOST_POINTS) -> Series:
    """Keep every second, third … point, so that no more than *most* are left.

    >>> thinned(Series("a", (1, 2, 3, 4), (5, 6, 7, 8)), 2)
    Series(label='a', x=(1, 3), y=(5, 7))
    """
    step = -(-len(series.x) // most)
    return series if step <= 1 else Series(series.label, series.x[::step], series.y[::step])
