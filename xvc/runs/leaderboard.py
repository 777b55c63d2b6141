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

from xvc.core.commit_subject import varying_keys
from xvc.core.human_units import did_you_mean, number
from xvc.core.objective import Measure
from xvc.core.run import RunRecord
from xvc.errors import BadValue
from xvc.history.find import known_versions, versions_by_run
from xvc.history.judging import judged_alike
from xvc.project import Project
from xvc.runs.code_fingerprint import fingerprints
from xvc.runs.digest import described
from xvc.runs.list import ListRequest, runs
from xvc.runs.repeats import RepeatedExperiment, Spread, experiments, order_of, with_shared_settings
from xvc.runs.verdicts import Judgement, Verdict, against_first, expected_best, pooled
from xvc.types import RunId


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
    ``discarded`` counts runs that are not ranked because people discarded them.
    """

    measure: Measure
    places: tuple[RankedExperiment, ...]
    noise: float | None = None
    by_luck: float | None = None
    discarded: int = 0

    @property
    def has_repeats(self) -> bool:
        """Whether an experiment was repeated, so that there is noise to speak of."""
        return any(each.spread.count > 1 for each in self.places)

    @property
    def luck(self) -> str | None:
        """Say how far the best of so many would lead by luck; None where nothing tells."""
        if self.by_luck is None:
            return None
        return (
            f"noise between repeats {number(self.noise)}: the best of {len(self.places)} that are "
            f"equal would lead their mean by {number(self.by_luck)} with one run each"
        )


def leaderboard(
    project: Project, metric: str, where: str | None = None, *, everywhere: bool = False
) -> Leaderboard:
    """Rank the experiments of a project.

    Raises:
        NoDirection: nothing says which way the metric is better.
        BadExpression: the filter cannot be read.
        BadValue: no finished run has the metric.
    """
    measure = Measure.parse(metric, project.settings.metrics_direction, "leaderboard")
    request = ListRequest(where=where, limit=None, everywhere=everywhere)
    found = runs(project, request)
    judged = judged_alike(project, found.runs)
    project.keeper.warnings += [judged.warning] if judged.warning else []
    code = fingerprints(project, with_shared_settings(judged.runs))
    names = versions_by_run(known_versions(project))
    groups = experiments(judged.runs, code)
    ranking = standing(groups, measure, names)
    if not ranking.places:
        near = did_you_mean(measure.metric, {key for run in judged.runs for key in run.metrics})
        raise BadValue("leaderboard", f"no finished run has {measure.metric!r}{near}")
    return replace(ranking, discarded=found.discarded)


def standing(
    groups: Sequence[RepeatedExperiment], measure: Measure, names: Mapping[RunId, str]
) -> Leaderboard:
    """Rank experiments, and say how large the noise between their repeats is."""
    places = ranked(groups, measure, names)
    noise = pooled(groups, measure.metric)
    by_luck = noise * expected_best(len(places)) if noise and len(places) > 1 else None
    return Leaderboard(measure, tuple(places), noise, by_luck)


def ranked(
    groups: Sequence[RepeatedExperiment], measure: Measure, names: Mapping[RunId, str]
) -> list[RankedExperiment]:
    """Rank experiments by their means; those that repeats cannot tell apart share a place."""
    done = [run for each in groups for run in each.repeats]
    varying = varying_keys([run.params for run in done])
    known = [(each, Spread.of(each.numbers(measure.metric))) for each in groups]
    held = [(each, spread) for each, spread in known if spread is not None]
    held.sort(key=lambda pair: (_order(pair[0], measure), pair[0].repeats[0].started or 0))
    places: list[RankedExperiment] = []
    for (each, spread), (rank, is_tied, judged) in zip(held, _ranks(held, measure), strict=True):
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
    return places


def _ranks(
    held: Sequence[tuple[RepeatedExperiment, Spread]], measure: Measure
) -> list[tuple[int, bool, Judgement | None]]:
    """Give each its rank: that of the first from whom it cannot be told, and who is not tied above.

    All without a place that follow the holder of one are judged against it together (Holm), so
    what is within noise of the first is first, whatever stands between them.
    """
    every = [each for each, _ in held]
    orders = [_order(each, measure) for each in every]
    against = against_first(measure.metric, every, measure.direction)  # the leader, for the show
    # only repeats can be within noise: without this, 200,000 single runs were judged in pairs
    repeated = [place for place, each in enumerate(every) if len(each.repeats) > 1]
    ranks: dict[int, int] = {}
    for start, holder in enumerate(every):
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
            for place, judged in zip(repeated, judgements, strict=True):
                if judged is not None and judged.verdict is Verdict.NOISE:
                    ranks[place] = start + 1
        for place in range(start + 1, len(every)):  # equal ones stand together
            if orders[place] != orders[start]:
                break
            ranks.setdefault(place, start + 1)
    counts = Counter(ranks.values())
    return [
        (ranks[place], counts[ranks[place]] > 1, judged) for place, judged in enumerate(against)
    ]


def _order(each: RepeatedExperiment, measure: Measure) -> tuple[bool, float | Fraction]:
    return order_of(each.numbers(measure.metric), measure.direction)
