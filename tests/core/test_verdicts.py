"""Verdicts: intervals hold what they say, and luck is not called better."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xvc.core.direction import Direction
from xvc.core.run import RunRecord, Status
from xvc.runs.repeats import RepeatedExperiment
from xvc.runs.verdicts import (
    Judgement,
    Method,
    Verdict,
    corrected,
    expected_best,
    judge,
    judge_values,
    pooled,
    sentence,
)
from xvc.types import Json, RunId

Draw = Callable[[np.random.Generator, int], "np.ndarray[tuple[int], np.dtype[np.float64]]"]

_DRAWS: dict[str, Draw] = {
    "normal": lambda random, count: random.normal(size=count),
    "skewed": lambda random, count: random.exponential(size=count),
}

_EQUAL: dict[str, Draw] = {  # of one mean
    "always": lambda _, count: np.zeros(count),
    "nearly": lambda random, count: random.normal(scale=0.1, size=count),  # a log-normal has 2.2
    "normal": lambda random, count: random.normal(size=count),
    "wide": lambda random, count: random.normal(scale=5, size=count),
    "exponential": lambda random, count: random.exponential(size=count) - 1,
    "log-normal": lambda random, count: random.lognormal(size=count) - math.exp(0.5),
}


def _experiment(values: Sequence[Json], first: int = 0) -> RepeatedExperiment:
    runs = [
        RunRecord(
            RunId(f"run{seed}"),
            status=Status.FINISHED,
            command=("train", "--seed", str(seed)),
            params={"seed": seed},
            metrics={"gain": value},
        )
        for seed, value in enumerate(values, first)
    ]
    return RepeatedExperiment(tuple(runs))


def _judged(
    old: Sequence[Json],
    new: Sequence[Json],
    *,
    is_paired: bool = True,
    direction: Direction | None = Direction.MAX,
) -> Judgement:
    told = judge("gain", _experiment(old), _experiment(new, 0 if is_paired else 100), direction)
    assert told is not None
    return told


def _simulated(draw: Draw, count: int, times: int, *, is_paired: bool) -> tuple[float, float]:
    """Return how often the interval holds the true difference, and how often luck is "better"."""
    random = np.random.default_rng(7)
    holds = better = 0
    for _ in range(times):
        old, new = draw(random, count), draw(random, count)
        told = _judged(old.tolist(), new.tolist(), is_paired=is_paired)
        assert told.low is not None
        assert told.high is not None
        holds += told.low <= 0 <= told.high
        better += told.verdict is Verdict.BETTER
    return holds / times, better / times


def _false_words(
    sides: tuple[str, str], counts: tuple[int, int], times: int, *, pairs: bool
) -> float:
    """Return how often equal means are called better, or worse if that is more."""
    random = np.random.default_rng(11)
    words: Counter[Verdict] = Counter()
    for _ in range(times):
        old, new = (
            _EQUAL[side](random, count).tolist() for side, count in zip(sides, counts, strict=True)
        )
        keys = [f"b{place}" if not pairs else f"a{place}" for place in range(len(new))]
        told = judge_values(
            "m",
            {f"a{place}": value for place, value in enumerate(old)},
            dict(zip(keys, new, strict=True)),
            Direction.MAX,
        )
        assert told is not None
        words[told.verdict] += 1
    return max(words[Verdict.BETTER], words[Verdict.WORSE]) / times


@pytest.mark.parametrize("is_paired", [True, False])
def test_luck_is_not_called_better(is_paired: bool) -> None:
    """Five repeats of the same thing twice: the interval holds no difference in 95 of 100 cases."""
    holds, better = _simulated(_DRAWS["normal"], 5, 1000, is_paired=is_paired)

    assert 0.93 <= holds <= 0.98  # 1,000 draws: three standard errors are 0.02
    assert better <= 0.05


@pytest.mark.sweep
@pytest.mark.parametrize("is_paired", [True, False])
@pytest.mark.parametrize("count", [3, 5, 10])
@pytest.mark.parametrize("draw", list(_DRAWS))
def test_intervals_cover_what_they_say(draw: str, count: int, is_paired: bool) -> None:
    """In 10,000 draws: 95 of 100 at the least, and "better" by luck in 5 of 100 at the most.

    For normal values the paired interval covers 95 ± 1 of 100; Welch's does from five runs on and
    is wide for three. Of exponential values both are too wide, the fewer the wider; the table is
    with `judge_values`. Too wide means that a difference is missed, not that luck is called better:
    that was 1.1 to 2.6 of 100 in all cases.
    """
    holds, better = _simulated(_DRAWS[draw], count, 10_000, is_paired=is_paired)
    print(f"{draw:7} n={count:<2} paired={is_paired!s:5} covers {holds:.4f} better {better:.4f}")

    assert 0.94 <= holds <= (0.96 if draw == "normal" and is_paired else 0.985)
    assert better <= 0.05


@pytest.mark.parametrize(("pairs", "sides"), [(True, "log-normal"), (False, "log-normal")])
def test_a_skew_of_one_side_is_not_called_better(pairs: bool, sides: str) -> None:
    """Of ten normal values and ten skewed ones of the same mean 9 of 100 intervals leave out 0."""
    wrong = _false_words((sides, "normal"), (10, 10), 2000, pairs=pairs)

    assert wrong <= 0.064  # 2,000 draws of 0.05: three standard errors are 0.014


@pytest.mark.sweep
@pytest.mark.parametrize("counts", [(3, 3), (5, 5), (10, 10), (3, 10), (10, 3)])
@pytest.mark.parametrize("new", list(_EQUAL))
@pytest.mark.parametrize("old", ["always", "nearly", "normal", "exponential", "log-normal"])
def test_words_are_rarely_wrong(old: str, new: str, counts: tuple[int, int]) -> None:
    """In 10,000 draws: "better" of 5 in 100 at the most, and "worse", whichever side is skewed."""
    rates = [_false_words((old, new), counts, 10_000, pairs=False)]
    if counts[0] == counts[1]:
        rates.append(_false_words((old, new), counts, 10_000, pairs=True))
    print(f"{old:11} {new:11} n={counts} false words {rates}")

    assert max(rates) <= 0.056  # 0.05, and two and a half standard errors of 10,000 draws


@pytest.mark.parametrize("pairs", [True, False])
@pytest.mark.parametrize("old", ["always", "nearly"])
def test_a_baseline_that_hardly_changes_is_no_proof(old: str, pairs: bool) -> None:
    """Log-normal values of the mean that a constant has: 15 to 18 of 100 intervals leave it out."""
    wrong = [_false_words((old, "log-normal"), (n, n), 1000, pairs=pairs) for n in (3, 5, 10)]

    assert max(wrong) <= 0.072  # 1,000 draws of 0.052: three standard errors are 0.02


def test_a_side_that_hardly_changes_can_be_left_behind() -> None:
    """A difference that is large beside what the other side varies by is a word for five runs."""
    told = _judged([0.9] * 5, [0.95, 0.951, 0.949, 0.9505, 0.9495], is_paired=False)

    assert told.verdict is Verdict.BETTER


def test_the_seeds_that_both_have_are_paired() -> None:
    """A seed that one side lacks neither hides what the others show, nor counts; it is named."""
    old = [0.1, 0.5, 0.9, 0.3, 0.7]
    told = _judged(old, [value + 0.01 + place / 1e4 for place, value in enumerate(old[:4])])

    assert (told.verdict, told.method) == (Verdict.BETTER, Method.PAIRED)
    assert (told.baseline.count, told.candidate.count) == (4, 4)
    assert told.difference == pytest.approx(told.candidate.mean - told.baseline.mean)
    assert told.left_out == ("seed 4 of the baseline has no partner",)
    assert sentence(told).startswith("better; by 4 pairs, not counted: seed 4 of the baseline")


def test_a_few_seeds_in_common_are_not_all() -> None:
    """Two of six seeds are less than all six say."""
    told = judge_values(
        "m",
        {f"a{place}": place for place in range(6)},
        {f"a{place}": place + 9 for place in range(4, 10)},
        Direction.MAX,
    )

    assert told is not None
    assert (told.method, told.baseline.count, told.left_out) == (Method.WELCH, 6, ())


def test_a_seed_that_gave_no_number_is_named() -> None:
    """A candidate that diverges is judged by the seeds that did not, and this is said."""
    told = _judged([0.1, 0.2, 0.3, 0.4], [0.2, math.nan, 0.4, 0.5])

    assert told.candidate.count == 3
    assert told.left_out == (
        "seed 1 of the baseline has no partner",
        "seed 1 of the candidate is no number",
    )
    assert "seed 1 of the candidate is no number" in sentence(told)


def test_few_values_are_judged_with_care() -> None:
    """An interval that barely leaves out 0 is no word for five runs; it is for forty."""
    old = [0.0, 1.0, 2.0, 3.0, 4.0]
    lifted = [2.9, 3.1, 4.9, 5.1, 6.5]

    few = _judged(old, lifted, is_paired=False)
    many = _judged(old * 8, [value - 1.5 for value in lifted] * 8, is_paired=False)
    clear = _judged(old, [value + 2 for value in lifted], is_paired=False)

    assert few.low is not None
    assert few.p is not None
    assert few.careful_p is not None
    assert few.low > 0
    assert few.p < 0.05 < few.careful_p
    assert few.verdict is Verdict.FEW
    assert sentence(few).startswith("not enough runs (")
    assert (many.p, many.verdict) == (many.careful_p, Verdict.BETTER)
    assert clear.verdict is Verdict.BETTER


@given(st.lists(st.floats(-1, 1), min_size=3, max_size=6), st.floats(0.1, 3), st.floats(1, 4))
def test_a_larger_difference_is_never_said_with_less_certainty(
    values: list[float], lift: float, factor: float
) -> None:
    """What is better by so much is better by more of the same spread."""
    old = [0.0, 0.1, 0.25, 0.3, 0.2, 0.15][: len(values)]

    told = [
        _judged(old, [v + by for v in values], is_paired=False)
        for by in (lift + 1, lift * factor + 1)
    ]

    assert told[0].careful_p is not None
    assert told[1].careful_p is not None
    if told[0].difference > 0:
        assert told[1].careful_p <= told[0].careful_p + 1e-9


@pytest.mark.parametrize("is_paired", [True, False])
def test_many_skewed_values_are_judged_by_a_bootstrap(is_paired: bool) -> None:
    """Of 40 values with a long tail t holds too rarely; of ten, or of even ones, it is kept."""
    random = np.random.default_rng(5)
    old, new = [random.normal(size=40) for _ in range(2)]
    long = new + random.lognormal(0, 2, size=40)
    many, again = (_judged(old.tolist(), long.tolist(), is_paired=is_paired) for _ in range(2))

    even = _judged(old.tolist(), new.tolist(), is_paired=is_paired)
    few = _judged(old[:10].tolist(), long[:10].tolist(), is_paired=is_paired)

    assert many == again
    assert many.method in (Method.DRAWN, Method.PAIRED_DRAWN)
    assert few.method in (Method.WELCH, Method.PAIRED)
    assert even.method is few.method
    assert many.low is not None
    assert many.high is not None
    assert many.low < many.difference < many.high
    assert many.high - many.difference > many.difference - many.low  # the tail is above
    assert (many.verdict is Verdict.BETTER) is (many.low > 0)


def test_pairs_show_what_the_noise_of_seeds_hides() -> None:
    """The same seeds on both sides: what each seed gained counts, not how seeds differ."""
    old, new = [0.5, 0.7, 0.9], [0.51, 0.712, 0.909]

    paired, alone = _judged(old, new), _judged(old, new, is_paired=False)

    assert (paired.verdict, paired.method) == (Verdict.BETTER, Method.PAIRED)
    assert (alone.verdict, alone.method) == (Verdict.NOISE, Method.WELCH)
    assert alone.more is not None or alone.difference < 0.1


def test_pairs_are_advised_by_their_differences() -> None:
    """Differences of 0.41 deviations: 49 pairs show them with power 0.8, as the tables say."""
    old = [0.1, 0.9, 0.3, 0.7, 0.5]
    new = [
        value + 0.4 + lift for value, lift in zip(old, (-1.2, 0.9, -0.4, 1.1, -0.4), strict=True)
    ]

    told = _judged(old, new)

    assert (told.verdict, told.method) == (Verdict.NOISE, Method.PAIRED)
    assert told.more == 49 - 5  # (1.96 + 0.84)² / 0.4115² = 46.3, and 2.4 for the unknown deviation


def test_welch_is_the_textbooks() -> None:
    """Interval, p and degrees of freedom as scipy's own test has them."""
    from scipy.stats import ttest_ind

    old, new = [3.0, 4.0, 1.0, 2.1], [5.6, 4.2, 6.1]
    known = ttest_ind(new, old, equal_var=False)
    interval = known.confidence_interval(0.95)

    told = _judged(old, new, is_paired=False)

    assert told.p == pytest.approx(known.pvalue)
    assert (told.low, told.high) == pytest.approx((interval.low, interval.high))


@pytest.mark.parametrize(
    ("old", "new", "direction", "verdict"),
    [
        ([0.1, 0.1], [0.2, 0.2], Direction.MAX, Verdict.BETTER),
        ([0.1, 0.1], [0.2, 0.2], Direction.MIN, Verdict.WORSE),
        ([0.1, 0.1], [0.2, 0.2], None, Verdict.HIGHER),
        ([0.1, 0.1], [0.1, 0.1], Direction.MAX, Verdict.NOISE),
        ([0.1], [0.2], Direction.MAX, Verdict.FEW),
        ([0.1, 0.11], [0.2], Direction.MAX, Verdict.FEW),
    ],
)
def test_words(
    old: Sequence[float], new: Sequence[float], direction: Direction | None, verdict: Verdict
) -> None:
    """What gives the same with every seed differs always; one run is never enough."""
    assert _judged(old, new, direction=direction).verdict is verdict


def test_how_many_more_would_do() -> None:
    """Two standard deviations apart need six runs a side for a power of 0.8 (Cohen 1988)."""
    few = _judged([0.0, 2.0], [2.0], is_paired=False)
    one = _judged([1.0], [2.0])

    assert few.more is not None
    assert "more run" in sentence(few)
    assert one.more is None  # nothing says how large the noise is
    assert sentence(one) == "not enough runs"


@pytest.mark.parametrize("value", [True, "0.5", None, math.nan, math.inf, 10**400, [1]])
def test_what_is_no_finite_number_is_not_judged(value: Json) -> None:
    """It counts as a run without the metric."""
    assert judge("gain", _experiment([value]), _experiment([0.5]), None) is None


def test_many_candidates_are_held_to_more() -> None:
    """Holm: what one candidate alone would show, the best of many has to show more clearly."""
    baseline = [0.50, 0.52, 0.48, 0.51]
    others = [[0.54, 0.55, 0.51, 0.56], [0.50, 0.53, 0.47, 0.52], [0.49, 0.5, 0.49, 0.51]]
    told = [_judged(baseline, other) for other in others]

    held = corrected(told, Direction.MAX)

    assert all(
        after.p is not None and before.p is not None and after.p >= before.p
        for before, after in zip(told, held, strict=True)
    )
    assert [each.difference for each in held] == [each.difference for each in told]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_is_never_milder_than_each_alone_nor_harder_than_bonferroni(p: list[float]) -> None:
    """The corrected p lies between the own and that times the number of candidates, in order."""
    base = _judged([0.1, 0.2], [0.3, 0.5])
    told = [replace(base, p=each) for each in p]

    held = [each.p for each in corrected(told, Direction.MAX)]

    for own, after in zip(p, held, strict=True):
        assert after is not None
        assert own <= after <= min(1.0, own * len(p)) + 1e-12
    order = sorted(range(len(p)), key=lambda place: p[place])
    ordered = [held[place] or 0.0 for place in order]
    assert ordered == sorted(ordered)


@pytest.mark.parametrize("count", [2, 10, 50])
def test_the_best_of_many_is_better_by_luck(count: int) -> None:
    """What is expected of the best is what drawing shows."""
    draws = np.random.default_rng(3).normal(size=(20_000, count)).max(axis=1)

    assert expected_best(count) == pytest.approx(draws.mean(), abs=0.03)


def test_noise_is_measured_over_all_repeats() -> None:
    """Experiments with repeats give the noise together; those of one run give none."""
    several = [_experiment([1, 2, 3]), _experiment([5, 7]), _experiment([9])]

    assert pooled(several, "gain") == pytest.approx(math.sqrt((1 * 2 + 2 * 1) / 3))
    assert pooled([_experiment([9])], "gain") is None
