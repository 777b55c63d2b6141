"""The ranking of experiments: repeats as one, ties where repeats cannot tell apart."""

from __future__ import annotations

import random

import pytest

from xvc.core.direction import Direction
from xvc.core.objective import Measure
from xvc.core.run import RunRecord, Status
from xvc.runs.leaderboard import ranked
from xvc.runs.repeats import RepeatedExperiment, order_of
from xvc.runs.verdicts import Verdict, against_first
from xvc.types import Nanoseconds, RunId

_ACC = Measure("acc", Direction.MAX)


def group(name: str, *values: float) -> RepeatedExperiment:
    """An experiment with one repeat for each value."""
    return RepeatedExperiment(
        tuple(
            RunRecord(
                RunId(f"{name}{seed}"),
                status=Status.FINISHED,
                started=Nanoseconds(seed),
                params={"model": name, "seed": seed},
                metrics={"acc": value},
            )
            for seed, value in enumerate(values)
        )
    )


def ranks(*groups: RepeatedExperiment) -> list[tuple[str, int, bool]]:
    """Who is where, and whether the place is shared."""
    return [(str(p.run.params["model"]), p.rank, p.is_tied) for p in ranked(groups, _ACC, {})[0]]


def test_of_nothing_there_are_no_places() -> None:
    """A metric that no run has ranks nobody."""
    assert ranks() == []


def test_what_repeats_tell_apart_is_ranked() -> None:
    """Differences far beyond the noise are places of their own, whatever order they come in."""
    told = ranks(
        group("low", 0.50, 0.51, 0.49, 0.5),
        group("high", 0.90, 0.91, 0.89, 0.9),
        group("middle", 0.70, 0.71, 0.69, 0.7),
    )

    assert told == [("high", 1, False), ("middle", 2, False), ("low", 3, False)]


def test_what_is_within_the_noise_shares_a_place() -> None:
    """The next place counts those before it; the verdict is against the leader."""
    places, _ = ranked(
        [
            group("a", 0.90, 0.91, 0.89),
            group("b", 0.89, 0.92, 0.88),
            group("c", 0.50, 0.51, 0.49),
        ],
        _ACC,
        {},
    )

    assert [(p.rank, p.is_tied) for p in places] == [(1, True), (1, True), (3, False)]
    assert [p.judged.verdict.value if p.judged else None for p in places] == [
        None,
        "within noise",
        "worse",
    ]


def test_a_single_run_between_breaks_no_tie() -> None:
    """What is within noise of the first is first, also behind one that has no repeats."""
    told = ranks(group("a", 0.90, 0.92, 0.88), group("one", 0.895), group("c", 0.88, 0.91, 0.87))

    assert told == [("a", 1, True), ("one", 2, False), ("c", 1, True)]


def test_single_runs_are_ranked_by_their_value() -> None:
    """Without repeats nothing is a tie but equal values, and no verdict is given."""
    places, _ = ranked([group("a", 0.9), group("b", 0.8), group("c", 0.9)], _ACC, {})

    assert [(p.rank, p.is_tied) for p in places] == [(1, True), (1, True), (3, False)]
    assert {p.judged.verdict.value for p in places if p.judged} == {"not enough runs"}


def test_the_mean_leads_and_not_the_luckiest_seed() -> None:
    """One lucky run does not win over an experiment that is better on the whole."""
    told = ranks(group("lucky", 0.99, 0.2, 0.3), group("steady", 0.8, 0.81, 0.8))

    assert told[0][0] == "steady"


def test_integers_are_ranked_as_they_are_however_large() -> None:
    """No float tells 2**63 from 2**63 + 1, and they are two places all the same."""
    told = ranks(group("less", 2**63), group("more", 2**63 + 1))

    assert told == [("more", 1, False), ("less", 2, False)]


def test_what_has_no_mean_is_last_and_moves_nobody() -> None:
    """The mean of two infinities against each other is no number, and sorts nothing."""
    inf = float("inf")
    told = ranks(group("low", 0.1), group("odd", inf, -inf), group("high", 0.9), group("top", inf))

    assert told == [("top", 1, False), ("high", 2, False), ("low", 3, False), ("odd", 4, False)]


@pytest.mark.parametrize("seed", range(20))
def test_a_place_is_shared_by_all_that_cannot_be_told_from_its_holder(seed: int) -> None:
    """Judging only what has repeats gives what judging each against each would give."""
    draw = random.Random(seed)
    sizes = [draw.choice([1, 1, 2, 3, 4]) for _ in range(12)]
    values = [[draw.choice([0.1, 0.5, draw.gauss(0.5, 0.2)]) for _ in range(n)] for n in sizes]
    groups = [group(f"g{place}", *each) for place, each in enumerate(values)]
    held = [p.run.params["model"] for p in ranked(groups, _ACC, {})[0]]
    left = [next(g for g in groups if g.repeats[0].params["model"] == name) for name in held]

    want: dict[str, int] = {}
    for number in range(1, len(held) + 1):
        if held[number - 1] in want:
            continue
        left = [g for g in left if g.repeats[0].params["model"] not in want]
        for each, judged in zip(left, against_first("acc", left, Direction.MAX), strict=True):
            equal = order_of(each.numbers("acc"), Direction.MAX) == order_of(
                left[0].numbers("acc"), Direction.MAX
            )
            if equal or (judged is not None and judged.verdict is Verdict.NOISE):
                want[str(each.repeats[0].params["model"])] = number
    assert {name: rank for name, rank, _ in ranks(*groups)} == want
