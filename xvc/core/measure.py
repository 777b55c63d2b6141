"""Putting runs in order by a metric: which way is better is known or said, never guessed.

Pure values. A run counts as a whole, by the last value of the metric; one without a number under
it has no rank.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from xvc.core.direction import Direction, direction_of
from xvc.core.equality import is_nan
from xvc.core.run import RunRecord
from xvc.errors import BadValue, UsageError


class NoDirection(UsageError):
    """A metric decides, and nothing says which way it gets better."""

    code = "no-direction"

    def __init__(self, metric: str) -> None:
        super().__init__(metric)
        self.metric = metric

    def __str__(self) -> str:
        return f"xvc does not know which way {self.metric} is better"

    @property
    def hint(self) -> str:
        """Names both ways to say it."""
        return (
            f"Say it once in xvc.yaml, `metrics: {{direction: {{{self.metric}: max}}}}` (or min), "
            f"or here with `--by {self.metric}:max`."
        )


@dataclass(frozen=True, slots=True)
class Measure:
    """A metric and the way in which it gets better."""

    metric: str
    direction: Direction

    @classmethod
    def parse(cls, text: str, declared: Mapping[str, str]) -> Measure:
        """Read ``METRIC``, ``METRIC:max`` or ``METRIC:min``.

        >>> Measure.parse("gain:max", {}).direction.value, Measure.parse("loss", {}).direction.value
        ('max', 'min')

        Raises:
            NoDirection: nothing says which way is better.
            BadValue: there is no metric.
        """
        metric, colon, way = text.rpartition(":")
        if colon and way in (Direction.MAX, Direction.MIN) and metric:
            return cls(metric, Direction(way))
        if not text.strip():
            raise BadValue("--by", "it is empty")
        direction = direction_of(text, declared)
        if direction is None:
            raise NoDirection(text)
        return cls(text, direction)

    def value(self, run: RunRecord) -> float | None:
        """A run's number under the metric; None without one, and for NaN."""
        return number_of(run.metrics, self.metric)

    def ranked(self, runs: Iterable[RunRecord]) -> list[RunRecord]:
        """Sort the runs that have a number, the best first; of equals the newer first."""
        having = [(value, run) for run in runs if (value := self.value(run)) is not None]
        sign = -1 if self.direction is Direction.MAX else 1
        having.sort(key=lambda pair: (sign * pair[0], -(pair[1].started or 0), pair[1].id))
        return [run for _, run in having]

    def __str__(self) -> str:
        return f"{self.metric}:{self.direction.value}"


def number_of(metrics: Mapping[str, object], key: str) -> float | None:
    """Read a number among metrics; None for anything else, and for NaN.

    >>> number_of({"acc": 0.9, "ok": True}, "acc"), number_of({"ok": True}, "ok")
    (0.9, None)
    """
    found = metrics.get(key)
    if isinstance(found, bool) or not isinstance(found, int | float) or is_nan(found):
        return None
    return float(found)
