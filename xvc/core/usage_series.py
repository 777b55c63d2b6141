"""What a run used over time: looks at a process tree, of a day no more than of an hour.

Pure values. Processor time and traffic are totals, so that leaving a look out loses nothing of
them; of memory the largest is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from itertools import pairwise
from typing import cast

from xvc.core.run import ResourceUsage
from xvc.types import Json

_LARGEST = 1e20  # bytes and seconds; what another clone sends may be anything
MOST = 240
"""How many looks a series keeps at most; from the half of it on they are as far apart as needed."""


@dataclass(frozen=True, slots=True)
class UsageLook:
    """One look: seconds since the run began, totals up to then, what is in use at the moment."""

    seconds: float
    cpu_seconds: float | None = None
    memory: int | None = None
    read_bytes: int | None = None
    written_bytes: int | None = None
    gpu_memory: int | None = None
    gpu_percent: float | None = None

    @classmethod
    def of(cls, seconds: float, usage: ResourceUsage) -> UsageLook:
        """Note what one look has seen; its peaks are what was in use then."""
        return cls(
            seconds=round(seconds, 1),
            cpu_seconds=None if usage.cpu_seconds is None else round(usage.cpu_seconds, 2),
            memory=usage.peak_memory,
            read_bytes=usage.read_bytes,
            written_bytes=usage.written_bytes,
            gpu_memory=usage.gpu_memory,
            gpu_percent=usage.gpu_percent,
        )


COLUMNS = tuple(each.name for each in fields(UsageLook))


@dataclass(slots=True)
class UsageSeries:
    """Looks in their order. When there are too many, each two become one."""

    looks: list[UsageLook] = field(default_factory=list)
    _each: int = 1
    _waiting: list[UsageLook] = field(default_factory=list)

    def add(self, look: UsageLook) -> bool:
        """Take in a look; tells whether the series has another one now.

        >>> series = UsageSeries()
        >>> for second in range(1000):
        ...     _ = series.add(UsageLook(second, memory=second))
        >>> len(series.looks) <= MOST, series.looks[-1].seconds > 990
        (True, True)
        """
        self._waiting.append(look)
        if len(self._waiting) < self._each:
            return False
        self.looks.append(_together(self._waiting))
        self._waiting = []
        if len(self.looks) >= MOST:
            pairs = zip(self.looks[::2], self.looks[1::2], strict=True)
            self.looks = [_together(pair) for pair in pairs]
            self._each *= 2
        return True

    def facts(self) -> dict[str, Json]:
        """Write the series down: its columns by their names, without those that hold nothing."""
        columns: dict[str, Json] = {}
        for name in COLUMNS:
            held = [getattr(look, name) for look in self.looks]
            if any(value is not None for value in held):
                columns[name] = held
        return columns


def series_from(facts: object) -> list[UsageLook]:
    """Read a series that `UsageSeries.facts` wrote; what is none has no looks.

    >>> series_from({"seconds": [1, 2], "memory": [5, None]})[1]
    UsageLook(seconds=2, cpu_seconds=None, memory=None, read_bytes=None, written_bytes=None, \
gpu_memory=None, gpu_percent=None)
    >>> series_from({"seconds": [1], "memory": [5, 6]}), series_from("rot")
    ([], [])
    """
    columns = _columns(facts)
    seconds = columns.get("seconds")
    is_even = len({len(held) for held in columns.values()}) == 1
    if not seconds or None in seconds or not is_even:
        return []
    names = list(columns)
    rows = zip(*columns.values(), strict=True)
    return [UsageLook(**dict(zip(names, row, strict=True))) for row in rows]


def _columns(facts: object) -> Mapping[str, Sequence[float | None]]:
    if not isinstance(facts, dict):
        return {}
    return {
        name: held
        for name, held in facts.items()
        if name in COLUMNS and isinstance(held, list) and all(map(_is_figure, held))
    }


def _is_figure(value: object) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value is None or (is_number and 0 <= cast("float", value) < _LARGEST)


@dataclass(frozen=True, slots=True)
class UsageSpan:
    """What was used from one look to the next: percent of one core, bytes, bytes a second."""

    seconds: float
    cpu_percent: float | None
    memory: int | None
    read_rate: float | None
    write_rate: float | None
    gpu_memory: int | None
    gpu_percent: float | None


def spans(looks: Sequence[UsageLook]) -> list[UsageSpan]:
    """Tell how fast totals grew between looks.

    >>> spans([UsageLook(0, cpu_seconds=0.0), UsageLook(2, cpu_seconds=3.0)])[0].cpu_percent
    150.0
    """
    return [
        UsageSpan(
            seconds=now.seconds,
            cpu_percent=_percent(_rate(before, now, "cpu_seconds")),
            memory=now.memory,
            read_rate=_rate(before, now, "read_bytes"),
            write_rate=_rate(before, now, "written_bytes"),
            gpu_memory=now.gpu_memory,
            gpu_percent=now.gpu_percent,
        )
        for before, now in pairwise(looks)
    ]


def _rate(before: UsageLook, now: UsageLook, name: str) -> float | None:
    was, total = getattr(before, name), getattr(now, name)
    passed = now.seconds - before.seconds
    if was is None or total is None or passed <= 0:
        return None
    return max(0.0, cast("float", total - was)) / passed  # a process that ended takes its own along


def _percent(share: float | None) -> float | None:
    return None if share is None else share * 100


def _together(looks: Sequence[UsageLook]) -> UsageLook:
    """Make one look of several that follow each other."""
    last = looks[-1]
    percents = [each.gpu_percent for each in looks if each.gpu_percent is not None]
    return UsageLook(
        seconds=last.seconds,
        cpu_seconds=last.cpu_seconds,
        memory=_largest(looks, "memory"),
        read_bytes=last.read_bytes,
        written_bytes=last.written_bytes,
        gpu_memory=_largest(looks, "gpu_memory"),
        gpu_percent=sum(percents) / len(percents) if percents else None,
    )


def _largest(looks: Sequence[UsageLook], name: str) -> int | None:
    held = [value for each in looks if (value := getattr(each, name)) is not None]
    return max(held, default=None)
