"""Lines of a plot as SVG, to stand inside a web page: no script, no font, nothing fetched.

Pure, and the same plot gives the same bytes. Refuses nothing: one point is a dot, equal values
are a level line.
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence

from xvc.core.commit_subject import one_line
from xvc.core.human_units import number
from xvc.render.figure import Plot, Series

_WIDTH, _HEIGHT = 720, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 72, 16, 16, 44
_LEAST_POWER = -300  # below it floats lie too far apart
_LINE = 18  # pixels of one line of the legend
_TICKS = 5  # about so many on an axis
_NICE = ((1.5, 1), (2.5, 2), (4, 3), (7, 5))  # the steps that the page has, too
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f", "#000")


class _Axis:
    """One direction: from its least to its greatest value, and where these lie in pixels."""

    def __init__(self, values: Sequence[float], start: float, end: float) -> None:
        self.low, self.high = min(values), max(values)
        self._half = self.high / 2 - self.low / 2  # no difference that overflows
        self._start, self._end = start, end

    def at(self, value: float, beyond: float = 0) -> str:
        share = (value / 2 - self.low / 2) / self._half if self._half else 0.5
        return f"{self._start + share * (self._end - self._start) + beyond:.1f}"

    def ticks(self) -> list[float]:
        return round_ticks(self.low, self.high)


def round_ticks(low: float, high: float) -> list[float]:
    """List round numbers from *low* to *high*, three to eight; the ends where there are no such.

    >>> round_ticks(0.037, 1.92), round_ticks(3, 3)
    ([0.3, 0.6, 0.9, 1.2, 1.5, 1.8], [3])
    """
    rough = (high / 2 - low / 2) / (_TICKS / 2)  # no difference that overflows
    if not rough:
        return [low]
    power = math.floor(math.log10(rough))
    if power < _LEAST_POWER or high in (math.inf, -math.inf):
        return [low, high]
    factor = rough / 10.0**power
    by = next((nice for below, nice in _NICE if factor < below), 10)
    first, last = math.ceil(low / 10.0**power / by), math.floor(high / 10.0**power / by)
    ticks = (_times(place * by, power) for place in range(first, min(last, first + 10) + 1))
    found = [*dict.fromkeys(tick for tick in ticks if low <= tick <= high)]
    return found if len(found) > 1 else [low, high]


def _times(count: int, power: int) -> float:
    """So many times a power of ten, as the float that is nearest."""
    return float(count * 10**power) if power >= 0 else count / 10**-power


def svg(plot: Plot) -> str:
    """Draw the series of a plot as lines with axes and a legend; at least one point is there."""
    bottom = _HEIGHT - _BOTTOM
    across = _Axis([x for each in plot.series for x in each.x], _LEFT, _WIDTH - _RIGHT)
    up = _Axis([y for each in plot.series for y in each.y], bottom, _TOP)
    height = _HEIGHT + _LINE * len(plot.series)
    parts = [
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{_safe(plot.title)}">',
        f'<path class="axis" d="M{_LEFT} {_TOP}V{bottom}H{_WIDTH - _RIGHT}"/>',
        *(_text(across.at(tick), bottom + 16, number(tick), "middle") for tick in across.ticks()),
        *(_text(_LEFT - 6, up.at(tick, 4), number(tick), "end") for tick in up.ticks()),
        _text((_LEFT + _WIDTH - _RIGHT) / 2, bottom + 36, plot.x_label, "middle"),
    ]
    for place, each in enumerate(plot.series):
        colour = _COLOURS[place % len(_COLOURS)]
        parts.append(_curve(each, across, up, colour))
        y = _HEIGHT + _LINE * place
        parts.append(f'<rect x="{_LEFT}" y="{y}" width="12" height="12" fill="{colour}"/>')
        parts.append(_text(_LEFT + 18, y + 11, each.label, "start"))
    return "\n".join([*parts, "</svg>"])


def _curve(series: Series, across: _Axis, up: _Axis, colour: str) -> str:
    points = [f"{across.at(x)},{up.at(y)}" for x, y in zip(series.x, series.y, strict=True)]
    if len(points) == 1:
        x, _, y = points[0].partition(",")
        return f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>'
    return f'<polyline points="{" ".join(points)}" stroke="{colour}"/>'


def _text(x: float | str, y: float | str, words: str, anchor: str) -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}">{_safe(words)}</text>'


def _safe(words: str) -> str:
    return html.escape(one_line(words))
