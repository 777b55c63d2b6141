"""Groups of runs held against one of them: which is better, and which only differs by noise.

Refuses a verdict about runs of several experiments: their spread is not the noise of repeats.
"""

from __future__ import annotations

from collections.abc import Sequence

from xvc.core.direction import Direction
from xvc.runs.list import Group
from xvc.runs.verdicts import Judgement, corrected, judge


def against(
    groups: Sequence[Group], baseline: Group | None, direction: Direction | None
) -> list[Judgement | None]:
    """Judge each group, in order; None for the baseline and where there is nothing to judge."""
    if baseline is None or baseline.experiment is None or baseline.metric is None:
        return [None] * len(groups)
    told = [
        None
        if each is baseline or each.experiment is None
        else judge(baseline.metric, baseline.experiment, each.experiment, direction)
        for each in groups
    ]
    held = iter(corrected([each for each in told if each is not None], direction))
    return [None if each is None else next(held) for each in told]
