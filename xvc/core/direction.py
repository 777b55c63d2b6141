"""Which way a metric gets better, read from settings or from its name.

Refuses to guess: a name that says nothing, or two things at once, has no direction.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum

from xvc.core.equality import is_nan
from xvc.core.metric_names import direction_said
from xvc.core.name_words import pieces, word_table
from xvc.errors import BadSetting

_PROGRESS = word_table(
    "step steps epoch epochs iteration iterations iter iters globalstep globalsteps "
    "batch batches batchidx batchindex"
)


class Direction(StrEnum):
    """Which end of a metric is the good one."""

    MAX = "max"
    MIN = "min"


OWN_SCORES = dict.fromkeys(
    ("score", "test_score", "train_score", "mean_score"), Direction.MAX.value
)
"""What `xvc.experiments` itself logs into a series: higher is better, as its fits are judged."""


def direction_of(metric: str, declared: Mapping[str, str]) -> Direction | None:
    """Return which way *metric* gets better, or None when nothing says so.

    What is declared for exactly this key wins; otherwise the head word of its name decides
    (`direction_said`), and a name that leaves a doubt decides nothing.

    >>> direction_of("val/loss", {}).value, direction_of("val/loss", {"val/loss": "max"}).value
    ('min', 'max')

    Raises:
        BadSetting: what is declared is neither ``max`` nor ``min``.
    """
    if metric in declared:
        return _declared(metric, declared[metric])
    said = direction_said(metric)
    return Direction(said) if said is not None else None


def asked_direction(text: str) -> tuple[str, Direction | None]:
    """Take the direction off ``METRIC:max`` or ``METRIC:min``; without one it is None.

    >>> asked_direction("val:loss:min"), asked_direction("val:loss")
    (('val:loss', <Direction.MIN: 'min'>), ('val:loss', None))
    """
    metric, _, way = text.rpartition(":")
    return (metric, Direction(way)) if metric and way in set(Direction) else (text, None)


def _declared(metric: str, way: str) -> Direction:
    try:
        return Direction(way)
    except ValueError as err:
        raise BadSetting((f"the direction of {metric!r} is max or min, not {way!r}",)) from err


def better(direction: Direction | None, old: float, new: float) -> bool | None:
    """Whether *new* beats *old*; None when the direction is unknown or a value is NaN.

    >>> better(Direction.MIN, 0.3, 0.2)
    True
    """
    if direction is None or is_nan(old) or is_nan(new):
        return None
    return new > old if direction is Direction.MAX else new < old


def is_progress(key: str) -> bool:
    """Whether a key counts how far a run is, and so can be neither good nor bad.

    >>> is_progress("trainer/global_step"), is_progress("batch_size")
    (True, False)
    """
    last = re.split(r"[/.]", key)[-1]
    return "".join(pieces(last)) in _PROGRESS
