"""How runs differ in parameters, metrics, data and environment, always against the first.

Pure: values in, rows out. Differences of code are found by git and come in its shape. Refuses to
call a run better where the direction of a metric is unknown.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from xvc.core.direction import Direction, direction_of
from xvc.core.equality import is_nan, is_same
from xvc.core.human_units import few_of
from xvc.core.metric_scale import differ_in_scale
from xvc.core.objective import number_of
from xvc.core.run import DataFile, Environment, RunRecord
from xvc.recording.command_params import without_param_values
from xvc.types import Json, RunId

if TYPE_CHECKING:
    from xvc.git.commands import LineChange


class Missing(Enum):
    """A run does not have the key; None is a value like any other."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING
Cell = Json | Missing
"""What one run has under a key."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One key across the runs, in their order.

    ``delta`` and ``percent`` are against the first run: None for the first itself, for what is
    no number and where the result is not finite. ``best`` is the place of the best number, the
    earlier one of equals; None where no direction is known, no two numbers differ, or one seems to
    be a fraction and another a percentage.
    """

    key: str
    values: tuple[Cell, ...]
    delta: tuple[float | None, ...]
    percent: tuple[float | None, ...]
    direction: Direction | None
    best: int | None
    is_same: bool


@dataclass(frozen=True, slots=True)
class DataDifference:
    """One DVC-tracked input across the runs; None where a run does not have it."""

    path: str
    files: tuple[DataFile | None, ...]
    is_same: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """All rows, sorted by key; ``code`` has one entry for each run behind the first.

    ``commands`` are those of all runs, as a shell would read them. They are the same where they
    differ only in values of params, which have rows of their own. ``doubts`` are the params of
    each run that may be overruled.
    """

    runs: tuple[RunId, ...]
    params: tuple[Difference, ...]
    metrics: tuple[Difference, ...]
    data: tuple[DataDifference, ...]
    packages: tuple[Difference, ...] = ()
    code: tuple[tuple[LineChange, ...], ...] = ()
    commands: tuple[str, ...] = ()
    is_same_command: bool = True
    doubts: tuple[frozenset[str], ...] = ()

    @property
    def is_same(self) -> bool:
        """Whether nothing that was compared differs."""
        rows = (*self.params, *self.metrics, *self.packages)
        is_same_data = all(row.is_same for row in self.data)
        return (
            self.is_same_command
            and is_same_data
            and all(row.is_same for row in rows)
            and not any(self.code)
        )


def compare(runs: Sequence[RunRecord], directions: Mapping[str, str]) -> Comparison:
    """Return how *runs* differ from the first; *directions* are the declared ones (max or min).

    Raises:
        BadSetting: a declared direction is neither ``max`` nor ``min``.
    """
    metrics = [run.metrics for run in runs]
    return Comparison(
        runs=tuple(run.id for run in runs),
        params=tuple(_row(key, values) for key, values in _cells([run.params for run in runs])),
        metrics=tuple(
            _row(key, values, direction_of(key, directions)) for key, values in _cells(metrics)
        ),
        data=tuple(_data_row(path, runs) for path in _keys(run.data for run in runs)),
        commands=tuple(shlex.join(run.command) for run in runs),
        is_same_command=len({_without_params(run) for run in runs}) < 2,
        doubts=tuple(frozenset(key for key in run.params if run.doubt(key)) for run in runs),
    )


def of_doubt(runs: Sequence[RunRecord]) -> list[str]:
    """Say in one line which params of runs may be overruled; none where none may."""
    named = [
        f"{few_of(keys)} of {run.id}"
        for run in runs
        if (keys := [key for key in run.params if run.doubt(key)])
    ]
    if not named:
        return []
    first = named[0].rpartition(" ")[2]
    return [f"may be overruled: {few_of(named)}; `xvc show {first}` says by what"]


def _without_params(run: RunRecord) -> tuple[str, ...]:
    return tuple(without_param_values(run.command, run.params))


def compare_packages(environments: Sequence[Environment]) -> tuple[Difference, ...]:
    """Return the rows of interpreter, platform, packages, tools and variables.

    A tool is called ``tool git``, a variable ``$NAME``: no package can have such a name.
    """
    return tuple(_row(key, values) for key, values in _cells([_facts(e) for e in environments]))


def _facts(environment: Environment) -> dict[str, Json]:
    named = {"python": environment.python, "platform": environment.platform}
    return {
        **environment.packages,
        **{key: value for key, value in named.items() if value},
        **{f"tool {name}": version for name, version in environment.tools.items()},
        **{f"${name}": value for name, value in environment.variables.items()},
    }


def _keys(sides: Iterable[Mapping[str, object]]) -> list[str]:
    return sorted({key for side in sides for key in side})


def _cells(sides: Sequence[Mapping[str, Json]]) -> list[tuple[str, tuple[Cell, ...]]]:
    return [(key, tuple(side.get(key, MISSING) for side in sides)) for key in _keys(sides)]


def _row(key: str, values: tuple[Cell, ...], direction: Direction | None = None) -> Difference:
    first = values[0]
    same = all(_is_same_cell(first, value) for value in values)
    deltas = [_delta(first, value) for value in values[1:]]
    return Difference(
        key=key,
        values=values,
        delta=(None, *deltas),
        percent=(None, *(_percent(first, delta) for delta in deltas)),
        direction=direction,
        best=None if _are_of_two_scales(key, values) else _best(values, direction),
        is_same=same,
    )


def _are_of_two_scales(key: str, values: tuple[Cell, ...]) -> bool:
    numbers = (number_of(value) for value in values)
    return differ_in_scale(key, *([number] for number in numbers if number is not None))


def _data_row(path: str, runs: Sequence[RunRecord]) -> DataDifference:
    files = tuple(run.data.get(path) for run in runs)
    digests = {file.identity if file else None for file in files}
    return DataDifference(path, files, is_same=len(digests) == 1)


def _is_same_cell(one: Cell, other: Cell) -> bool:
    if isinstance(one, Missing) or isinstance(other, Missing):
        return one is other
    return is_same(one, other)


def _number(value: Cell) -> int | float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or is_nan(value):
        return None
    return value


def _delta(first: Cell, value: Cell) -> float | None:
    old, new = _number(first), _number(value)
    return None if old is None or new is None else _finite(lambda: new - old)


def _percent(first: Cell, delta: float | None) -> float | None:
    old = _number(first)
    return None if not old or delta is None else _finite(lambda: delta / abs(old) * 100)


def _finite(difference: Callable[[], float]) -> float | None:
    try:
        result = float(difference())
    except OverflowError:  # an int that no float can hold
        return None
    return result if math.isfinite(result) else None


def _best(values: tuple[Cell, ...], direction: Direction | None) -> int | None:
    numbers = [number for value in values if (number := _number(value)) is not None]
    if direction is None or len(set(numbers)) < 2:
        return None
    extreme = max(numbers) if direction is Direction.MAX else min(numbers)
    return next(place for place, value in enumerate(values) if _number(value) == extreme)
