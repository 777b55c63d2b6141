"""Which of a metric's values stands for a run: the last one, or its best, lowest or highest.

Pure. What is best of a metric whose direction nobody knows is refused, not guessed.
"""

from __future__ import annotations

from collections.abc import Mapping

from xvc.core.direction import direction_of
from xvc.errors import BadValue
from xvc.types import RunId

WAYS = ("last", "best", "min", "max")


def settled(wanted: Mapping[str, object], directions: Mapping[str, str]) -> dict[str, str]:
    """Say for each metric whether its lowest, its highest or its last value counts.

    >>> settled({"val/acc": "best", "loss": "min"}, {})
    {'val/acc': 'max', 'loss': 'min'}

    Raises:
        BadValue: a way is none of `WAYS`, or nobody knows which value of a metric is best.
    """
    return {metric: _settled(metric, way, directions) for metric, way in wanted.items()}


def _settled(metric: str, way: object, directions: Mapping[str, str]) -> str:
    if way not in WAYS:
        words = f"of {metric} is one of {', '.join(WAYS)}, not {way!r}"
        raise BadValue("summary", f"{words}; `log({{{metric!r}: …}})` records a value")
    if way != "best":
        return str(way)
    direction = direction_of(metric, directions)
    if direction is None:
        words = f"xvc does not know which way {metric} is better; say max or min"
        raise BadValue("summary", words)
    return direction.value


def name_of(run: RunId, at: int) -> str:
    """Name what was said at a time (nanoseconds) of the metrics of a run; later ones sort later."""
    return f"{beginning_of(run)}{at:020}"


def beginning_of(run: RunId) -> str:
    """Say how all names begin that `name_of` gives of a run."""
    return f"summary:{run}:"
