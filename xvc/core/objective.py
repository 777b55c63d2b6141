"""Putting runs in order by a metric: which way is better is known or said, never guessed.

Pure values. The one place that says which run is best, for lists, groups, reports, models and
references alike: a run counts as a whole, by its value of the metric; only a finished run with a
number has a rank; numbers are compared exactly, infinities among them; NaN is no number; of equals
the run that began first comes first.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from xvc.core.direction import Direction, asked_direction, direction_of
from xvc.core.equality import is_nan
from xvc.core.run import RunRecord, Status
from xvc.errors import BadValue, UsageError, error

if TYPE_CHECKING:
    from fractions import Fraction

_Name = TypeVar("_Name", bound=str)


@error("no-direction")
class NoDirection(UsageError):
    """A metric decides, and nothing says which way it gets better."""

    metric: str
    option: str
    says = "xvc does not know which way {metric} is better"
    way = (
        "Say it once in xvc.yaml, `metrics: {{direction: {{{metric}: max}}}}` (or min), or here "
        "with `{option} {metric}:max`."
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

    def value(self, run: RunRecord) -> int | float | None:
        """A run's number under the metric, however it ended; None without one, and for NaN."""
        return exact_number(run.metrics.get(self.metric))

    def ranked(self, runs: Iterable[RunRecord]) -> list[RunRecord]:
        """Sort the finished runs that have a number, the best first; of equals the earlier.

        Discarded runs are none of them.
        """
        having = [
            (value, run)
            for run in runs
            if run.status is Status.FINISHED
            and not run.is_discarded
            and (value := self.value(run)) is not None
        ]
        sign = -1 if self.direction is Direction.MAX else 1
        having.sort(key=lambda pair: (sign * pair[0], pair[1].started or 0, pair[1].id))
        return [run for _, run in having]

    def on_one_scale(self, runs: Sequence[RunRecord]) -> tuple[list[RunRecord], list[RunRecord]]:
        """Part runs from those that seem to have percentages where the newest has fractions.

        Or the other way round: those are the second of the two. Who has no number is not parted.
        """
        from xvc.core.metric_scale import differ_in_scale, is_share  # late: few need it

        ranked = self.ranked(runs) if is_share(self.metric) else []
        if not ranked:
            return [*runs], []
        newest = number_of(self.value(max(ranked, key=lambda run: (run.started or 0, run.id))))
        one: list[RunRecord] = []
        other: list[RunRecord] = []
        for run in runs:
            pair = (newest, number_of(self.value(run)))
            sides = [[number] for number in pair if number is not None]
            (other if differ_in_scale(self.metric, *sides) else one).append(run)
        return one, other

    def first(self, runs: Iterable[RunRecord], *, best: bool = True) -> RunRecord | None:
        """Return the best run, or the worst; of equals the one that began first."""
        other = Direction.MIN if self.direction is Direction.MAX else Direction.MAX
        measure = self if best else Measure(self.metric, other)
        return next(iter(measure.ranked(runs)), None)

    def __str__(self) -> str:
        return f"{self.metric}:{self.direction.value}"


def exact_number(value: object) -> int | float | None:
    """Return a number as it is; None for anything else and for NaN.

    >>> exact_number(2**53 + 1) == 2**53 + 1, exact_number(True), exact_number(float("nan"))
    (True, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or is_nan(value):
        return None
    return value


def written_distance(old: float, new: float) -> Fraction | None:
    """Return how far two numbers are apart as they are written; None where one is no finite number.

    >>> 0.9 - 0.8 >= 0.1, str(written_distance(0.9, 0.8))
    (False, '1/10')
    """
    from fractions import Fraction  # late: tolerances and margins alone need it

    try:
        first, second = (Fraction(n if isinstance(n, int) else repr(float(n))) for n in (old, new))
        return abs(second - first)
    except ValueError:
        return None


def number_of(value: object) -> float | None:
    """Return a number as a float; None for anything else, for NaN and for what no float can hold.

    >>> number_of(1), number_of(True), number_of(10**400)
    (1.0, None, None)
    """
    number = exact_number(value)
    try:
        return None if number is None else float(number)
    except OverflowError:
        return None


def distance(one: float, other: float) -> float:
    """Say how far two numbers lie apart, as a float: infinite where no float can hold it.

    >>> distance(3, 1), distance(10**400, 0.5), distance(float("inf"), float("inf"))
    (2.0, inf, 0.0)
    """
    if one == other:
        return 0.0
    try:
        return float(abs(one - other))
    except OverflowError:
        return math.inf


def in_order(values: Mapping[_Name, object], *, descending: bool) -> list[_Name]:
    """Sort names by their values: numbers by size, then texts, then those with neither.

    Of equals the one that is named first comes first, whichever way; those with neither follow
    in the opposite order, so that the newest of them leads where the values are given by age.

    >>> in_order({"a": 1, "b": float("inf"), "c": 10**400, "d": None, "e": "x"}, descending=True)
    ['b', 'c', 'a', 'e', 'd']
    """
    numbers: dict[_Name, int | float] = {}
    texts: dict[_Name, str] = {}
    rest: list[_Name] = []
    for name, value in values.items():
        number = exact_number(value)
        if number is not None:
            numbers[name] = number
        elif value is None or is_nan(value):
            rest.append(name)
        else:
            texts[name] = str(value)
    return [
        *sorted(numbers, key=numbers.__getitem__, reverse=descending),
        *sorted(texts, key=texts.__getitem__, reverse=descending),
        *reversed(rest),
    ]
