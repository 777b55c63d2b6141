"""An interval of a mean, or of a difference of means, where values lie so that t does not hold.

The studentized bootstrap (Efron 1979, "Bootstrap methods: another look at the jackknife"; Hall
1988, "Theoretical comparison of bootstrap confidence intervals"): how the t statistic lies is drawn
from the values themselves. The same values give the same interval. Refuses few values: of three or
five a bootstrap covers 73 to 88 of 100 where 95 are said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.random import Generator

FEWEST = 20
"""Values a side below which t is kept, however they lie."""

_MOST = 20_000  # values a side: of more, the mean is as t has it
_DRAWS = 2_000
_AT_ONCE = 4_000_000  # numbers drawn at once
_BENT = (
    25  # Cochran 1977, "Sampling Techniques": t holds of more than 25 times the skewness squared
)


@dataclass(frozen=True, slots=True)
class BootstrapInterval:
    """The interval at the level that was asked for, and the two-sided p of no difference."""

    low: float
    high: float
    p: float


def is_bent(values: Sequence[float]) -> bool:
    """Whether a mean of these values is not as t has it, and a bootstrap can tell better.

    >>> is_bent([1.0, 2.0, 3.0] * 10), is_bent([0.0] * 29 + [1000.0]), is_bent([0.0, 0.0, 1000.0])
    (False, True, False)
    """
    import numpy  # late, as all of scipy

    if not FEWEST <= len(values) <= _MOST:
        return False
    held = numpy.asarray(values, dtype=float)
    deviation = held.std()
    if not deviation or not numpy.isfinite(deviation):
        return False
    skewness = float((((held - held.mean()) / deviation) ** 3).mean())
    return len(values) < _BENT * skewness**2


def bootstrap(sides: Sequence[Sequence[float]], level: float) -> BootstrapInterval | None:
    """Draw the interval of the mean of one side, or of the second's minus the first's.

    None where the values tell no error, as when all are the same.
    """
    import numpy  # late: as above

    random = numpy.random.default_rng(len(sides[0]))
    arrays = [numpy.asarray(side, dtype=float) for side in sides]
    signs = (1.0,) if len(arrays) == 1 else (-1.0, 1.0)
    mean = sum(sign * side.mean() for sign, side in zip(signs, arrays, strict=True))
    error = numpy.sqrt(sum(side.var(ddof=1) / len(side) for side in arrays))
    if not error or not numpy.isfinite(error):
        return None
    drawn = [_drawn(side, random) for side in arrays]
    means = sum(sign * each for sign, (each, _) in zip(signs, drawn, strict=True))
    errors = numpy.sqrt(sum(squares for _, squares in drawn))
    lies = (means - mean) / numpy.where(errors > 0, errors, numpy.nan)
    lies = lies[numpy.isfinite(lies)]
    tail = (1 - level) / 2
    below, above = numpy.quantile(lies, [tail, 1 - tail])
    seen = mean / error
    further = min((lies >= seen).sum(), (lies <= seen).sum())
    p = min(1.0, 2 * (float(further) + 1) / (len(lies) + 1))
    return BootstrapInterval(float(mean - above * error), float(mean - below * error), p)


def _drawn(side: Any, random: Generator) -> tuple[Any, Any]:
    """Draw samples as large as a side; returns the mean of each and its squared error."""
    import numpy  # late: as above

    count = len(side)
    means, squares = [], []
    rounds = max(1, _DRAWS * count // _AT_ONCE)
    for _ in range(rounds):
        taken = side[random.integers(0, count, (_DRAWS // rounds, count))]
        means.append(taken.mean(axis=1))
        squares.append(taken.var(axis=1, ddof=1) / count)
    return numpy.concatenate(means), numpy.concatenate(squares)
