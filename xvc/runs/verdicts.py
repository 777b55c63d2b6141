"""Whether one experiment is really better than another, or within the noise of its repeats.

Pure. Refuses a verdict where too few repeats stand behind it, and says how many more would do. A
winner that was picked from many trials is better by luck: `expected_best` says by how much.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from xvc.core.direction import Direction
from xvc.core.human_units import counted, few_of, number
from xvc.core.metric_scale import differ_in_scale
from xvc.core.objective import exact_number
from xvc.runs.bootstrap import FEWEST, bootstrap, is_bent
from xvc.runs.repeats import RepeatedExperiment, Spread, seeds_in_words

LEVEL = 0.95
"""Of the intervals; 1 - LEVEL is how often "better" and "worse" may be wrong."""

POWER = 0.8
"""How surely a real difference of the size seen would be shown by the number of runs advised."""

MANY = 30
"""Values a side from which on a word follows the interval alone; see `judge_values`."""

MOST_RUNS = 1000
"""A difference that needs more runs a side than this is not worth a number."""


class Verdict(StrEnum):
    """What repeats say of a candidate against a baseline."""

    BETTER = "better"
    WORSE = "worse"
    HIGHER = "higher"
    LOWER = "lower"
    NOISE = "within noise"
    FEW = "not enough runs"
    SCALES = "not comparable: percent against fraction"


class Method(StrEnum):
    """How a difference was judged."""

    PAIRED = "paired t"
    WELCH = "Welch's t"
    PAIRED_DRAWN = "paired bootstrap"
    DRAWN = "bootstrap"


_HELD = {Method.PAIRED: 0.98, Method.WELCH: 0.965}
"""What a word about few values is held to: so that it is wrong as rarely of skewed ones."""

_HELD_ALONE = 0.998
"""The same where only one side spreads: what a skew of it adds, nothing of the other takes back."""

_ALONE, _BOTH = 0.5, 0.75
"""One side alone spreads if the other's deviation is up to the first share of its own, both do from
the second on; between them a word is held to what lies between. A side that hardly varies and a
skewed one without a run from its tail are seldom further apart than that."""

_ADVISED = 0.99
"""What a difference has to pass, about, where runs are advised: what the shares cost on average."""

_MOST_NAMED = 20  # values left out that a judgement names


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A metric of a run and its repeats against the first run and its repeats.

    ``difference`` is of the means, ``low`` and ``high`` are its 95 % interval, ``p`` is corrected
    (Holm) where several runs are compared, ``careful_p`` is the same by the stricter rule that a
    word about few runs is held to, ``more`` is how many more runs of each would show a difference
    of this size. Of pairs, both spreads are of the values in pairs, so that ``difference`` is that
    of their means; ``left_out`` says which values are in none, or are no finite numbers.
    """

    metric: str
    baseline: Spread
    candidate: Spread
    difference: float  # candidate - baseline
    low: float | None = None  # with `high` and `p` None where there are too few runs
    high: float | None = None
    p: float | None = None
    careful_p: float | None = None  # at least `p`, which it is of `MANY` values and more
    verdict: Verdict  # HIGHER and LOWER where nobody knows which way is better
    method: Method | None = None
    more: int | None = None  # None where it is not known, or over `MOST_RUNS`
    left_out: tuple[str, ...] = ()  # the first twenty of them
    left_out_total: int = 0


def judge(
    metric: str,
    baseline: RepeatedExperiment,
    candidate: RepeatedExperiment,
    direction: Direction | None,
) -> Judgement | None:
    """Compare a metric of two experiments, by their seeds; see `judge_values`.

    Without a verdict where one side has fractions and the other percentages.
    """
    old, new = _values(baseline, metric), _values(candidate, metric)
    told = judge_values(metric, old, new, direction)
    if told is None or not differ_in_scale(metric, _finite(old).values(), _finite(new).values()):
        return told
    gone = replace(told, low=None, high=None, p=None, careful_p=None, method=None, more=None)
    return replace(gone, verdict=Verdict.SCALES)


def judge_values(
    metric: str,
    baseline: Mapping[str, int | float | None],
    candidate: Mapping[str, int | float | None],
    direction: Direction | None,
) -> Judgement | None:
    """Compare values by what they are of; None where a side has no finite one.

    Paired (Student 1908, "The probable error of a mean") when more than half of the seeds of each
    side stand on the other, too, and then by these alone: what several lack says nothing of the
    rest. Otherwise Welch's test with his degrees of freedom (Welch 1947, "The generalization of
    'Student's' problem when several different population variances are involved"). Of 20 values
    a side and more that are very skewed a bootstrap, see `bootstrap`.

    How many of 100 intervals of 95 hold the true difference, of repeats that differ by chance
    alone (300,000 draws):

    =====================  ======  ======  =======
    values                 3 runs  5 runs  10 runs
    =====================  ======  ======  =======
    normal, paired           95.0    95.1     95.0
    normal, Welch            96.5    95.7     95.1
    exponential, paired      96.7    96.6     95.8
    exponential, Welch       97.4    97.3     96.2
    log-normal, paired       97.4    97.4     96.8
    log-normal, Welch        98.0    98.0     97.3
    =====================  ======  ======  =======

    So of few and skewed values they are too wide: a difference is missed sooner. No method mends
    that for three runs: nothing about three values tells how they are skewed, permutations know no
    p below 0.1 (0.06 for five pairs), and a bootstrap covers 73 to 88. Degrees of freedom by
    Welch's later formula cover 95.1 of three normal values and 92.9 where one side spreads five
    times as wide, so his first one stands.

    Where one side alone is skewed they are too narrow, always in one direction: the skewed side
    seems to have the lower mean, as long as no run came from its tail. So a word about fewer than
    `MANY` values is held to more than an interval that leaves out 0, which is otherwise "not enough
    runs": of pairs p is below 0.02; else p is below 0.05 by Welch's test, and below 0.035 as well
    if both sides spread as wide as the wider one. Where one side spreads up to half as wide as the
    other, as one that (nearly) always gives the same, p is below 0.002, and from half to three
    quarters the bound rises to the others. Degrees of freedom are then at most those of two sides
    of the shorter one's length. How many of 100 verdicts are "better" of equal means, or "worse" if
    those are more (40,000 draws; in brackets the interval leaves out 0):

    ===============================  ==========  ==========  ==========
    baseline and candidate           3 runs      5 runs      10 runs
    ===============================  ==========  ==========  ==========
    normal, both; pairs              0.8 (2.6)   0.7 (2.6)   0.8 (2.6)
    normal, both                     0.5 (1.8)   0.7 (2.3)   0.9 (2.4)
    normal, five times as wide       0.8 (3.0)   0.4 (2.7)   0.1 (2.5)
    exponential, both                0.3 (1.3)   0.2 (1.4)   0.1 (2.0)
    log-normal, both                 0.3 (1.1)   0.1 (1.1)   0.1 (1.4)
    normal, exponential              0.8 (3.3)   1.0 (3.9)   1.0 (4.0)
    normal, log-normal; pairs        1.4 (5.8)   2.0 (7.6)   3.0 (8.5)
    normal, log-normal               1.8 (6.0)   2.5 (8.1)   3.5 (8.7)
    always the same, exponential     1.0 (11)    2.0 (11)    2.2 (9.5)
    always the same, log-normal      1.3 (16)    3.9 (18)    5.0 (16)
    a 20th as wide, log-normal       5.0 (17)    4.8 (18)    5.2 (16)
    the same in pairs                3.1 (15)    3.8 (18)    4.9 (16)
    a tenth as wide, log-normal      6.7 (18)    6.8 (18)    5.5 (16)
    a fifth as wide, log-normal      4.5 (13)    7.8 (16)    7.0 (14)
    ===============================  ==========  ==========  ==========
    The price is that of normal values a difference of 3, 2 and 1.3 deviations is shown by 3, 5 and
    10 runs in 26, 42 and 56 of 100 cases, where the interval alone shows 68, 77 and 78; one of 6, 3
    and 2 deviations in 55, 74 and 92. Hall's correction for skewness (1992, "On the removal of
    skewness by transformation") costs more where differences are large, and helps less: no run from
    the tail, no skewness to be seen. Rules that go by t, the ratio of the deviations and how the
    wider side is skewed do not give both: held to 5 of 100 in such rows, the best that a linear
    program finds over a coarse grid of them shows 24 and 36 by 3 and 5 runs, and 45 and 75 of the
    larger differences (120,000 draws). What is left is what no rule can mend that knows the values
    alone: of means no test is level whatever the distribution (Bahadur and Savage 1956, "The
    nonexistence of certain statistical procedures in nonparametric problems"). So where results
    have a long tail, ask for `MANY` runs.
    """
    old, new = _finite(baseline), _finite(candidate)
    shared = old.keys() & new.keys()
    is_paired = len(shared) > 1 and 2 * len(shared) > max(len(old), len(new))
    is_paired = is_paired or old.keys() == new.keys()
    if is_paired:
        old = {key: value for key, value in old.items() if key in shared}
        new = {key: value for key, value in new.items() if key in shared}
    sides = Spread.of(list(old.values())), Spread.of(list(new.values()))
    if sides[0] is None or sides[1] is None:
        return None
    difference = sides[1].mean - sides[0].mean
    if not math.isfinite(difference):
        return None
    left_out = [
        *_left_out("baseline", baseline, old),
        *_left_out("candidate", candidate, new),
    ]
    judgement = Judgement(
        metric=metric,
        baseline=sides[0],
        candidate=sides[1],
        difference=difference,
        verdict=Verdict.FEW,
        left_out=tuple(left_out[:_MOST_NAMED]),
        left_out_total=len(left_out),
    )
    drawn = _by_drawing(judgement, old, new, is_paired=is_paired)
    if drawn is not None:
        return _settled(drawn, direction)
    error = _paired(old, new) if is_paired else _welch(sides[0], sides[1])
    if error is None:
        return replace(judgement, more=_more(judgement))
    return _settled(_with_interval(judgement, error), direction)


def _by_drawing(
    judgement: Judgement, old: Mapping[str, float], new: Mapping[str, float], *, is_paired: bool
) -> Judgement | None:
    """Judge many values that a mean describes badly by a bootstrap; None where t will do."""
    if min(len(old), len(new)) < FEWEST:
        return None
    sides = [list(old.values()), list(new.values())]
    if is_paired:
        sides = [[new[key] - value for key, value in old.items()]]
    if not any(is_bent(side) for side in sides):
        return None
    found = bootstrap(sides, LEVEL)
    if found is None:
        return None
    method = Method.PAIRED_DRAWN if is_paired else Method.DRAWN
    return replace(judgement, low=found.low, high=found.high, p=found.p, method=method)


@dataclass(frozen=True, slots=True)
class _Error:
    """The standard error of a difference of means, and its degrees of freedom."""

    size: float
    freedom: float
    method: Method


def _values(experiment: RepeatedExperiment, metric: str) -> dict[str, int | float | None]:
    """The value of each seed; None where it has none, or NaN."""
    return {
        seeds_in_words(run): exact_number(run.metrics.get(metric)) for run in experiment.repeats
    }


def _finite(values: Mapping[str, int | float | None]) -> dict[str, int | float]:
    return {key: value for key, value in values.items() if value is not None and _is_finite(value)}


def _left_out(
    side: str, values: Mapping[str, int | float | None], taken: Mapping[str, float]
) -> Iterator[str]:
    for key, value in values.items():
        if key not in taken:
            is_number = value is not None and _is_finite(value)
            yield f"{key} of the {side} {'has no partner' if is_number else 'is no number'}"


def _is_finite(value: int | float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer that no float holds
        return False


def _paired(old: Mapping[str, float], new: Mapping[str, float]) -> _Error | None:
    spread = Spread.of([new[seed] - value for seed, value in old.items()])
    if spread is None or spread.deviation is None:
        return None
    return _Error(spread.deviation / math.sqrt(spread.count), spread.count - 1, Method.PAIRED)


def _welch(old: Spread, new: Spread) -> _Error | None:
    if old.deviation is None or new.deviation is None:
        return None
    squares = [side.deviation**2 / side.count for side in (old, new) if side.deviation is not None]
    both = sum(squares)
    weight = sum(
        square**2 / (side.count - 1) for square, side in zip(squares, (old, new), strict=True)
    )
    freedom = both**2 / weight if weight else old.count + new.count - 2
    return _Error(math.sqrt(both), freedom, Method.WELCH)


def _with_interval(judgement: Judgement, error: _Error) -> Judgement:
    from scipy.special import stdtr, stdtrit  # late: most comparisons have no repeats

    half = float(stdtrit(error.freedom, (1 + LEVEL) / 2)) * error.size
    if error.size:
        p = float(2 * stdtr(error.freedom, -abs(judgement.difference) / error.size))
    else:  # each seed gave the same: what differs, differs always
        p = 0.0 if judgement.difference else 1.0
    low, high = judgement.difference - half, judgement.difference + half
    told = replace(judgement, low=low, high=high, p=p, method=error.method)
    return replace(told, careful_p=_careful(told, error, p))


def _careful(judgement: Judgement, error: _Error, p: float) -> float:
    """Return the p that a word is held to: see the second table of `judge_values`."""
    from scipy.special import stdtr  # late: see `_with_interval`

    sides = (judgement.baseline, judgement.candidate)
    if min(side.count for side in sides) >= MANY or not error.size:
        return p
    wide, held = p, _held_to(judgement, error.method)
    if error.method is Method.WELCH:
        widest = max(side.deviation or 0.0 for side in sides)
        size = widest * math.sqrt(math.fsum(1 / side.count for side in sides))
        share = _both_spread(judgement)
        size = share * size + (1 - share) * error.size
        freedom = min(error.freedom, 2 * min(side.count for side in sides) - 2)
        wide = float(2 * stdtr(freedom, -abs(judgement.difference) / size))
    return min(1.0, max(p, wide * (1 - LEVEL) / (1 - held)))


def _held_to(judgement: Judgement, method: Method) -> float:
    """Between `_HELD_ALONE` and `_HELD`, in even ratios of how often a word may be wrong."""
    alone, both = 1 - _HELD_ALONE, 1 - _HELD[method]
    return 1 - alone * math.pow(both / alone, _both_spread(judgement))


def _both_spread(judgement: Judgement) -> float:
    """How far both sides spread: 0 where one alone does, 1 where one spreads about as the other."""
    known = [judgement.baseline.deviation, judgement.candidate.deviation]
    spreads = [deviation for deviation in known if deviation is not None]  # None: of one run
    if len(spreads) < len(known) or not max(spreads):
        return 1.0
    share = min(spreads) / max(spreads)
    return min(1.0, max(0.0, (share - _ALONE) / (_BOTH - _ALONE)))


def _settled(judgement: Judgement, direction: Direction | None) -> Judgement:
    """Give the verdict that ``p`` allows."""
    if judgement.p is None:
        return judgement
    if judgement.p > 1 - LEVEL:
        return replace(judgement, verdict=Verdict.NOISE, more=_more(judgement))
    if judgement.careful_p is not None and judgement.careful_p > 1 - LEVEL:
        return replace(judgement, verdict=Verdict.FEW, more=_more(judgement))
    is_higher = judgement.difference > 0
    if direction is None:
        return replace(judgement, verdict=Verdict.HIGHER if is_higher else Verdict.LOWER)
    is_better = is_higher is (direction is Direction.MAX)
    return replace(judgement, verdict=Verdict.BETTER if is_better else Verdict.WORSE)


def corrected(judgements: Sequence[Judgement], direction: Direction | None) -> list[Judgement]:
    """Judge several candidates against one baseline, so that all of them are right together.

    Holm's step-down correction (1979, "A simple sequentially rejective multiple test procedure"):
    ``p`` becomes the corrected one, and verdicts follow it. Intervals stay those of each alone.
    """
    p = _held([each.p for each in judgements])
    careful = _held([each.careful_p for each in judgements])
    return [
        _settled(replace(each, p=own, careful_p=strict), direction)
        for each, own, strict in zip(judgements, p, careful, strict=True)
    ]


def _held(p: Sequence[float | None]) -> list[float | None]:
    """Correct what there is by Holm's steps, and leave the gaps."""
    tested = sorted((each, place) for place, each in enumerate(p) if each is not None)
    result, highest = list(p), 0.0
    for rank, (each, place) in enumerate(tested):
        highest = max(highest, min(1.0, each * (len(tested) - rank)))
        result[place] = highest
    return result


def against_first(
    metric: str, held: Sequence[RepeatedExperiment], direction: Direction | None
) -> list[Judgement | None]:
    """Judge all experiments against the first of them, so that all are right together.

    None for the first itself, and where there is nothing to judge.
    """
    if not held:
        return []
    judgements = [judge(metric, held[0], each, direction) for each in held[1:]]
    return [None, *all_held(judgements, direction)]


def all_held(
    judgements: Sequence[Judgement | None], direction: Direction | None
) -> list[Judgement | None]:
    """Correct what there is, as `corrected` does, and leave the gaps."""
    held = iter(corrected([each for each in judgements if each is not None], direction))
    return [None if each is None else next(held) for each in judgements]


def _more(judgement: Judgement) -> int | None:
    """How many further runs of each side would show this difference with `POWER`; None unknown."""
    sizes = [
        side.deviation
        for side in (judgement.baseline, judgement.candidate)
        if side.deviation is not None
    ]
    if not sizes or not judgement.difference:
        return None
    size = math.sqrt(math.fsum(each**2 for each in sizes) / len(sizes))
    fewest = min(judgement.baseline.count, judgement.candidate.count)
    if (
        judgement.method is Method.PAIRED
        and judgement.low is not None
        and judgement.high is not None
    ):
        return _more_pairs(judgement, (judgement.high - judgement.low) / 2, fewest)
    if not size:
        return max(2 - fewest, 0) or None
    needed = _runs_needed(abs(judgement.difference) / size, _advised(judgement))
    return None if needed is None else max(needed - fewest, 1)


def _more_pairs(judgement: Judgement, half: float, count: int) -> int | None:
    """The same for pairs: what counts is how the differences lie, not the values."""
    from scipy.special import stdtrit  # late: see `_with_interval`

    size = half / float(stdtrit(count - 1, (1 + LEVEL) / 2)) * math.sqrt(count)
    if not size:
        return None
    effect = abs(judgement.difference) / size
    needed = _runs_needed(effect, _advised(judgement), is_paired=True)
    return None if needed is None else max(needed - count, 1)


def _advised(judgement: Judgement) -> float:
    return _HELD_ALONE if not _both_spread(judgement) else _ADVISED


def _runs_needed(effect: float, held: float, *, is_paired: bool = False) -> int | None:
    """Runs a side for a difference of *effect* standard deviations, by the noncentral t.

    A word about few is *held* to more. Of pairs the deviation is that of their differences.
    """
    from scipy.special import nctdtr, stdtrit  # late: see `_with_interval`

    def power(count: int) -> float:
        freedom = count - 1 if is_paired else 2 * count - 2
        shift = effect * math.sqrt(count if is_paired else count / 2)
        level = LEVEL if count >= MANY else held
        power = 1 - float(nctdtr(freedom, shift, stdtrit(freedom, (1 + level) / 2)))
        return power if math.isfinite(power) else float(shift > 1)

    if power(MOST_RUNS) < POWER:
        return None
    low, high = 1, MOST_RUNS  # power(low) is too small, power(high) is enough
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power(middle) >= POWER else (middle, high)
    return high


def expected_best(count: int) -> float:
    """How far the best of *count* equal candidates stands above their mean, in deviations.

    The expectation of the largest of *count* standard normal values (David and Nagaraja 2003,
    "Order Statistics"): what picking a winner from noise alone gives. Summed in steps, which of so
    smooth a function that ends in zeros is exact to the last digits.

    >>> round(expected_best(1), 3), round(expected_best(10), 3)
    (0.0, 1.539)
    """
    each = 0.01
    points = (each * place for place in range(-1200, 1201))
    return math.fsum(each * x * count * _normal(x) * _below(x) ** (count - 1) for x in points)


def _normal(x: float) -> float:
    return math.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def _below(x: float) -> float:
    """How much of a standard normal distribution lies below: scipy takes 0.3 s to be loaded."""
    return math.erfc(-x / math.sqrt(2)) / 2


def luck_in_words(noise: float | None, count: int) -> str | None:
    """Say how far the best of *count* equal candidates would lead; None where nothing tells.

    >>> luck_in_words(0.1, 10)
    'noise between repeats 0.1: the best of 10 that are equal would lead their mean by 0.1539 with \
one run each'
    """
    if not noise or count < 2:
        return None
    return (
        f"noise between repeats {number(noise)}: the best of {count} that are equal would lead "
        f"their mean by {number(noise * expected_best(count))} with one run each"
    )


def difference_in_words(judgement: Judgement) -> str:
    """Write a difference of means with its interval, where there is one."""
    return with_interval(judgement.difference, judgement.low, judgement.high)


def with_interval(difference: float, low: float | None, high: float | None) -> str:
    """Write a difference with its interval.

    >>> with_interval(0.5, 0.25, 0.75), with_interval(-1, None, None)
    ('+0.5 [0.25, 0.75]', '-1')
    """
    said = f"{'+' if difference > 0 else ''}{number(difference)}"
    return said if low is None or high is None else f"{said} [{number(low)}, {number(high)}]"


def sentence(judgement: Judgement) -> str:
    """Say a verdict in words, and what it does not count."""
    said = in_words(judgement.verdict, judgement.more)
    if not judgement.left_out_total:
        return said
    is_paired = judgement.method in (Method.PAIRED, Method.PAIRED_DRAWN)
    by = f"by {counted(judgement.baseline.count, 'pair')}, " if is_paired else ""
    return f"{said}; {by}not counted: {few_of(judgement.left_out, total=judgement.left_out_total)}"


def in_words(verdict: str, more: int | None) -> str:
    """Say a verdict, and how many more runs of each would tell.

    >>> in_words("within noise", 3)
    'within noise (3 more runs of each would show a difference of this size)'
    >>> in_words("better", None)
    'better'
    """
    if more is None or verdict not in (Verdict.NOISE, Verdict.FEW):
        return str(verdict)
    return f"{verdict} ({counted(more, 'more run')} of each would show a difference of this size)"


def pooled(experiments: Iterable[RepeatedExperiment], metric: str) -> float | None:
    """The standard deviation between repeats, over all experiments that have them.

    None without, and where some have fractions and others percentages.
    """
    numbers = [each.numbers(metric) for each in experiments]
    if differ_in_scale(metric, *(filter(_is_finite, each) for each in numbers)):
        return None
    spreads = (Spread.of(each) for each in numbers)
    known = [(s.deviation, s.count - 1) for s in spreads if s and s.deviation is not None]
    freedom = sum(count for _, count in known)
    if not freedom:
        return None
    return math.sqrt(math.fsum(size**2 * count for size, count in known) / freedom)
