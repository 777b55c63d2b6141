"""Groups of runs held against one of them: which is better, and which only differs by noise.

Refuses a verdict about runs of several experiments: their spread is not the noise of repeats.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from xvc.core.direction import Direction, direction_of
from xvc.project import Project
from xvc.runs.list import Group
from xvc.runs.repeats import order_of
from xvc.runs.verdicts import Judgement, all_held, judge, luck_in_words, pooled

MIXED = "no verdict: several experiments"
"""What is said of a group whose runs are of several."""


@dataclass(frozen=True, slots=True)
class GroupVerdicts:
    """How groups compare with the ``best`` of them, in their order; None where nothing is said.

    ``luck`` says how far the best of so many would lead by chance. Where the group that leads is
    ``mixed``, of several experiments, there is no best one.
    """

    best: Group | None
    judgements: list[Judgement | None]
    luck: str | None = None
    mixed: Group | None = None


def against(
    groups: Sequence[Group], baseline: Group | None, direction: Direction | None
) -> list[Judgement | None]:
    """Judge each group, in order; None for the baseline and where there is nothing to judge."""
    if baseline is None or baseline.experiment is None or baseline.metric is None:
        return [None] * len(groups)
    judgements = [
        None
        if each is baseline or each.experiment is None
        else judge(baseline.metric, baseline.experiment, each.experiment, direction)
        for each in groups
    ]
    return all_held(judgements, direction)


def against_best(
    groups: Sequence[Group], direction: Direction | None
) -> tuple[Group | None, list[Judgement | None]]:
    """Judge each group against the one whose mean is best, and name that; None without a direction.

    With fewer than two groups of repeats there is nothing to judge, nor against one whose runs
    are of several experiments.
    """
    held = [(each, values) for each in groups if (values := _numbers(each))]
    nothing: list[Judgement | None] = [None] * len(groups)
    if direction is None or len(held) < 2:
        return None, nothing
    best, _ = min(held, key=lambda pair: order_of(pair[1], direction))
    if best.is_mixed:
        return best, nothing
    is_alone = all(each.is_mixed for each, _ in held if each is not best)
    return (None, nothing) if is_alone else (best, against(groups, best, direction))


def _numbers(each: Group) -> list[int | float]:
    """The values of a group's repeats; of several experiments their mean alone is known."""
    if each.experiment is not None:
        return each.experiment.numbers(each.metric or "")
    return [each.spread.mean] if each.is_mixed and each.spread is not None else []


def group_verdicts(project: Project, groups: Sequence[Group]) -> GroupVerdicts:
    """Hold each group's repeats against those of the group with the best mean."""
    nothing = GroupVerdicts(None, [None] * len(groups))
    metric = next((each.metric for each in groups if each.metric), None)
    if metric is None:
        return nothing
    best, judgements = against_best(
        groups, direction_of(metric, project.settings.metrics_direction)
    )
    if best is None:
        return nothing
    if best.is_mixed:
        return replace(nothing, mixed=best)
    held = [each.experiment for each in groups if each.experiment is not None]
    having = [each for each in held if each.numbers(metric)]
    return GroupVerdicts(best, judgements, luck_in_words(pooled(having, metric), len(having)))
