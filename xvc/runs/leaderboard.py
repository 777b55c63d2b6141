"""Which experiment leads by a metric: repeats as one, with their noise, and ties shown as ties.

Ranked by the mean over repeats, each seed once. A place is shared by all that cannot be told from
whoever holds it: repeats say so, as `verdicts` judges them, all of a place together. Where an
experiment has too few repeats for that, its place is its value's, and the verdict says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial

from xvc.core.commit_subject import varying_keys
from xvc.core.direction import Direction
from xvc.core.filter import parse_filter
from xvc.core.human_units import did_you_mean
from xvc.core.objective import Measure, NoDirection
from xvc.core.run import RunRecord
from xvc.errors import BadValue
from xvc.history.find import known_versions, versions_by_run
from xvc.history.judging import judged_alike
from xvc.project import Project
from xvc.recovery.lost_runs import opened
from xvc.runs.code_fingerprint import fingerprints
from xvc.runs.digest import described
from xvc.runs.experiment_rule import rule_of
from xvc.runs.list import ListRequest, fitting_ids, runs
from xvc.runs.repeats import (
    RepeatedExperiment,
    Spread,
    experiments,
    order_of,
    with_shared_settings,
)
from xvc.runs.verdicts import (
    Judgement,
    Verdict,
    against_first,
    expected_best,
    luck_in_words,
    pooled,
)
from xvc.store import query
from xvc.store.leading_experiments import Wanted, leading
from xvc.store.runs import discarded
from xvc.types import RunId

_JUDGED = 300  # so many of the experiments that lead are judged, where not all runs are read


@dataclass(frozen=True, slots=True)
class RankedExperiment:
    """An experiment in the ranking: its rank, its best run, and how it stands against the leader.

    ``is_tied`` tells that somebody shares the rank. ``judged`` is None for the leader, and where
    a side has no repeats.
    """

    rank: int
    run: RunRecord
    version: str | None
    what: str
    runs: tuple[RunId, ...]
    spread: Spread
    best: int | float
    is_tied: bool = False
    judged: Judgement | None = None


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """The ranking by a measure; ``noise`` is the deviation between repeats over all that have some.

    ``by_luck`` is how far the best of so many would lead if all were equal, None without noise.
    ``discarded`` counts runs that are not ranked because people discarded them; ``total`` is how
    many experiments there are, of which ``places`` are the first.
    """

    measure: Measure
    places: tuple[RankedExperiment, ...]
    total: int
    noise: float | None = None
    by_luck: float | None = None
    discarded: int = 0

    @property
    def luck(self) -> str | None:
        """Say how far the best of so many would lead by luck; None where nothing tells."""
        return None if self.by_luck is None else luck_in_words(self.noise, self.total)


def leaderboard(
    project: Project,
    metric: str,
    where: str | None = None,
    *,
    everywhere: bool = False,
    most: int | None = None,
) -> Leaderboard:
    """Rank the experiments of a project.

    Args:
        project: whose they are.
        metric: what they are ranked by; ``METRIC:max`` or ``:min`` says the way.
        where: a filter; None: all runs.
        everywhere: the runs of all work trees.
        most: how many of the first are wanted; None: all.

    Raises:
        NoDirection: nothing says which way the metric is better.
        BadExpression: the filter cannot be read.
        BadValue: no finished run has the metric.
    """
    try:
        measure = Measure.parse(metric, project.settings.metrics_direction, "xvc leaderboard")
    except NoDirection:  # of what no run has, no direction would help
        with opened(project) as connection:
            if not query.has_metric(connection, metric) and (known := query.keys(connection)):
                near = did_you_mean(metric, known)
                raise BadValue("leaderboard", f"no run has {metric!r}{near}") from None
        raise
    if not everywhere and not project.settings.has_judge:
        ranking = _of_many(project, measure, where, most)
        if ranking is not None:
            return ranking
    request = ListRequest(where=where, limit=None, everywhere=everywhere)
    found = runs(project, request)
    judged = judged_alike(project, found.runs)
    project.keeper.warnings += [judged.warning] if judged.warning else []
    code = fingerprints(project, with_shared_settings(judged.runs))
    names = versions_by_run(known_versions(project))
    groups = experiments(judged.runs, code)
    ranking = standing(groups, measure, names, most)
    if not ranking.places:
        near = did_you_mean(measure.metric, {key for run in judged.runs for key in run.metrics})
        raise BadValue("leaderboard", f"no finished run has {measure.metric!r}{near}")
    return replace(ranking, discarded=found.discarded)


def _of_many(
    project: Project, measure: Measure, where: str | None, most: int | None
) -> Leaderboard | None:
    """Rank those that lead among more runs than are read; None of fewer, or where all count."""
    if most is None:
        return None
    wanted = max(_JUDGED, most)
    with opened(project) as connection:
        if query.count(connection) <= query.MANY:
            return None
        among = None if where is None else fitting_ids(project, connection, parse_filter(where))
        if among is not None and len(among) <= query.MANY:
            return None
        highest = measure.direction is Direction.MAX
        asked = Wanted(measure.metric, highest=highest, most=wanted, among=among)
        found = leading(connection, asked, rule_of(partial(fingerprints, project)))
        gone = len(discarded(connection))
    if found is None or not found.total:
        return None
    code = fingerprints(project, with_shared_settings(found.runs))
    names = versions_by_run(known_versions(project))
    ranking = standing(
        experiments(found.runs, code), measure, names, most, found.noise, found.total
    )
    if found.total > wanted:
        words = f"of {found.total:,} experiments the {wanted:,} that lead are judged"
        project.keeper.warnings.append(words)
    return replace(ranking, discarded=gone)


def standing(
    groups: Sequence[RepeatedExperiment],
    measure: Measure,
    names: Mapping[RunId, str],
    most: int | None = None,
    noise: float | None = None,
    total: int | None = None,
) -> Leaderboard:
    """Rank experiments, and say how large the noise between their repeats is.

    Args:
        groups: the experiments; those without the metric have no place.
        measure: what they are ranked by.
        names: the versions of runs.
        most: how many of the first are wanted; None: all.
        noise: the deviation between repeats, where *groups* are but the first of *total*.
        total: how many there are; None: *groups* are all.
    """
    places, count = ranked(groups, measure, names, most)
    count = count if total is None else total
    noise = pooled(groups, measure.metric) if total is None else noise
    by_luck = noise * expected_best(count) if noise and count > 1 else None
    return Leaderboard(measure, tuple(places), count, noise, by_luck)


def ranked(
    groups: Sequence[RepeatedExperiment],
    measure: Measure,
    names: Mapping[RunId, str],
    most: int | None = None,
) -> tuple[list[RankedExperiment], int]:
    """Rank experiments by their means; those that repeats cannot tell apart share a place.

    Returns:
        The first *most* places, and how many experiments have one.
    """
    done = [run for each in groups for run in each.repeats]
    varying = varying_keys([run.params for run in done])
    known = [(each, Spread.of(each.numbers(measure.metric))) for each in groups]
    held = [(each, spread) for each, spread in known if spread is not None]
    held.sort(key=lambda pair: (_order(pair[0], measure), pair[0].repeats[0].started or 0))
    places: list[RankedExperiment] = []
    ranks = _ranks([each for each, _ in held], measure, len(held) if most is None else most)
    for (each, spread), (rank, is_tied, judged) in zip(held, ranks, strict=False):
        best = measure.first(each.repeats) or each.repeats[0]
        value = measure.value(best)
        version = names.get(best.id) or next(
            (names[r.id] for r in each.runs if r.id in names), None
        )
        ids = tuple(run.id for run in each.runs)
        shown = spread.mean if value is None else value
        places.append(
            RankedExperiment(
                rank=rank,
                run=best,
                version=version,
                what=described(best, done, varying),
                runs=ids,
                spread=spread,
                best=shown,
                is_tied=is_tied,
                judged=judged,
            )
        )
    return places, len(held)


def _ranks(
    every: Sequence[RepeatedExperiment], measure: Measure, most: int
) -> list[tuple[int, bool, Judgement | None]]:
    """Give each of the first its rank: that of the first from whom it cannot be told.

    All without a place that follow the holder of one are judged against it together (Holm), so
    what is within noise of the first is first, whatever stands between them. Whoever is not among
    the first *most* holds no place for these.
    """
    orders = [_order(each, measure) for each in every]
    # only repeats can be within noise: without this, 200,000 single runs were judged in pairs
    repeated = [place for place, each in enumerate(every) if len(each.repeats) > 1]
    shown = {*range(1, min(most, len(every))), *repeated} - {0}
    against: dict[int, Judgement | None] = {0: None}
    if every:  # the leader, for the show
        asked = sorted(shown)
        judged = against_first(
            measure.metric, [every[0], *(every[place] for place in asked)], measure.direction
        )
        against |= dict(zip(asked, judged[1:], strict=True))
    ranks: dict[int, int] = {}
    for start, holder in enumerate(every[:most]):
        if start in ranks:
            continue
        ranks[start] = start + 1
        if len(holder.repeats) > 1:
            repeated = [place for place in repeated if place not in ranks]
            group = [every[place] for place in repeated]
            judgements = (
                [against[place] for place in repeated]
                if start == 0
                else against_first(measure.metric, [holder, *group], measure.direction)[1:]
            )
            for place, judged_it in zip(repeated, judgements, strict=True):
                if judged_it is not None and judged_it.verdict is Verdict.NOISE:
                    ranks[place] = start + 1
        for place in range(start + 1, len(every)):  # equal ones stand together
            if orders[place] != orders[start]:
                break
            ranks.setdefault(place, start + 1)
    counts = Counter(ranks.values())
    return [
        (ranks[place], counts[ranks[place]] > 1, against[place])
        for place in range(min(most, len(every)))
    ]


def _order(each: RepeatedExperiment, measure: Measure) -> tuple[bool, float | Fraction]:
    return order_of(each.numbers(measure.metric), measure.direction)
