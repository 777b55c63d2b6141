"""Putting runs in order by a metric: which way is better is known or said, never guessed.

Pure values. A run counts as a whole, by the last value of the metric; one without a number under
it has no rank.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from xvc.core.direction import Direction, asked_direction, direction_of
from xvc.core.equality import is_nan
from xvc.core.run import RunRecord
from xvc.errors import BadValue, UsageError


class NoDirection(UsageError):
    """A metric decides, and nothing says which way it gets better."""

    code = "no-direction"

    def __init__(self, metric: str, option: str) -> None:
        super().__init__(metric, option)
        self.metric, self.option = metric, option

    def __str__(self) -> str:
        return f"xvc does not know which way {self.metric} is better"

    @property
    def hint(self) -> str:
        """Names both ways to say it."""
        return (
            f"Say it once in xvc.yaml, `metrics: {{direction: {{{self.metric}: max}}}}` (or min), "
            f"or here with `{self.option} {self.metric}:max`."
        )


@dataclass(frozen=True, slots=True)
class Measure:
    """A metric, the way in which it gets better, and who says so."""

    metric: str
    direction: Direction
    why: str = field(default="that was asked for", compare=False)

    @classmethod
    def parse(cls, text: str, declared: Mapping[str, str], option: str = "--by") -> Measure:
        """Read ``METRIC``, ``METRIC:max`` or ``METRIC:min``, as *option* of a command has it.

        >>> Measure.parse("gain:max", {}).direction.value, Measure.parse("loss", {}).direction.value
        ('max', 'min')

        Raises:
            NoDirection: nothing says which way is better.
            BadValue: there is no metric.
        """
        if not text.strip():
            raise BadValue(option, "it is empty")
        metric, asked = asked_direction(text)
        if asked is not None:
            return cls(metric, asked)
        direction = direction_of(metric, declared)
        if direction is None:
            raise NoDirection(metric, option)
        who = "the settings say so" if metric in declared else "its name says so"
        return cls(metric, direction, who)

    def value(self, run: RunRecord) -> float | None:
        """A run's number under the metric; None without one, and for NaN."""
        return number_of(run.metrics.get(self.metric))

    def ranked(self, runs: Iterable[RunRecord]) -> list[RunRecord]:
        """Sort the runs that have a number, the best first; of equals the newer first."""
        having = [(value, run) for run in runs if (value := self.value(run)) is not None]
        sign = -1 if self.direction is Direction.MAX else 1
        having.sort(key=lambda pair: (sign * pair[0], -(pair[1].started or 0), pair[1].id))
        return [run for _, run in having]

    def __str__(self) -> str:
        return f"{self.metric}:{self.direction.value}"


def number_of(value: object) -> float | None:
    """Return a number as a float; None for anything else, for NaN and for what no float can hold.

    >>> number_of(1), number_of(True), number_of(10**400)
    (1.0, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or is_nan(value):
        return None
    try:
        return float(value)
    except OverflowError:
        return None
