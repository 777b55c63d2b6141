"""Repeats: the same code, data, command and params but for the seed, each seed once, finished."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xvc.core.command_places import filled_in_run, with_seed_places
from xvc.core.run import DataFile, RunCode, RunRecord, Status
from xvc.recording.command_params import option_params
from xvc.runs.repeats import Spread, experiments, with_shared_settings, without_seeds
from xvc.types import Nanoseconds, RunId

_BASE = RunRecord(
    RunId("base"),
    status=Status.FINISHED,
    started=Nanoseconds(1),
    command=("python", "t.py", "--seed", "1", "--lr", "2"),
    params={"seed": 1, "lr": 2},
    data={"x.csv": DataFile("d")},
)


def _seed(number: int) -> dict[str, Any]:
    return {
        "command": ("python", "t.py", f"--seed={number}", "--lr", "2"),
        "params": {"seed": number, "lr": 2},
    }


@pytest.mark.parametrize(
    ("other", "code", "repeats", "again"),
    [
        (_seed(2), "c", 2, 0),
        (_seed(1), "c", 1, 1),
        ({"command": ("python", "t.py", "--lr", "2"), "params": {"lr": 2}}, "c", 1, 0),
        (
            {"command": ("python", "t.py", "--lr", "2"), "params": {"seed": None, "lr": 2}},
            "c",
            1,
            0,
        ),
        ({**_seed(2), "status": Status.FAILED}, "c", 1, 0),
        (_seed(2), "another", 1, 0),
        (_seed(2), None, 1, 0),
        ({"params": {"seed": 2, "lr": 3}}, "c", 1, 0),
        ({**_seed(2), "data": {"x.csv": DataFile("other")}}, "c", 1, 0),
        ({"command": ("python", "u.py", "--seed", "2", "--lr", "2")}, "c", 1, 0),
        ({**_seed(2), "seeded": ("python", "t.py", "--seed", "{seed}", "--lr", "2")}, "c", 2, 0),
        ({**_seed(2), "seeded": ("python", "t.py", "{seed}", "--lr", "2")}, "c", 1, 0),
        ({**_seed(2), "code": RunCode(contested={"lr": "$LR says 3"})}, "c", 1, 0),
    ],
)
def test_nothing_else_is_a_repeat(
    other: dict[str, Any], code: str | None, repeats: int, again: int
) -> None:
    """One difference but the seed, and it is another experiment; a seed counts once."""
    second = replace(_BASE, id=RunId("other"), started=Nanoseconds(2), **other)
    known = {_BASE.id: "c", **({second.id: code} if code else {})}

    own = next(each for each in experiments([second, _BASE], known) if _BASE in each.runs)

    assert (len(own.repeats), len(own.again)) == (repeats, again)


@pytest.mark.parametrize("words", ["SEED={} python t.py --lr {}", "seed={},lr={}", "seed={}/lr={}"])
def test_a_word_that_says_more_than_a_seed_is_none(words: str) -> None:
    """What else it says may be another."""
    runs = [
        replace(_BASE, id=RunId(f"{n}"), command=("sh", "-c", words.format(n, n)), params={})
        for n in (1, 2)
    ]

    assert len(experiments(runs, {run.id: "c" for run in runs})) == 2


def test_what_was_asked_for_tells_runs_apart_though_a_file_that_says_it_was_unopened() -> None:
    """One run passed params.yaml over; two others were asked for other values of its key."""
    command = ("python", "t.py")
    passed = replace(
        _BASE, command=command, params={}, code=RunCode(unopened={"params.yaml": {"lr": 1}})
    )
    asked = [
        replace(
            _BASE,
            id=RunId(f"asked{number}"),
            command=command,
            params={"lr": number},
            asked=("lr",),
        )
        for number in (2, 3)
    ]
    unknown = replace(_BASE, id=RunId("unknown"), command=command, params={"lr": 1}, asked=())
    every = [passed, *asked, unknown]

    found = experiments(every, {run.id: "c" for run in every})

    assert sorted(sorted(run.id for run in each.runs) for each in found) == [
        ["asked2"],
        ["asked3"],
        ["base", "unknown"],
    ]


_PLACED = {
    "a word": ("t.py", "3", "{seed}"),
    "in a word": ("t.py", "--out=s{seed}.json", "{lr}"),
    "twice": ("t.py", "{seed}", "-s{seed}"),
    "beside its own braces": ("t.py", "{{seed}}", "{seed}"),
    "an option": ("t.py", "--seed", "{seed}", "-o", "{seed}.json"),
    "a short option": ("t.py", "-s", "{seed}"),
}


@pytest.mark.parametrize("words", _PLACED.values(), ids=list(_PLACED))
@given(seeds=st.lists(st.integers(-3, 5), min_size=2, max_size=6, unique=True))
def test_a_seed_is_one_wherever_braces_put_it(words: tuple[str, ...], seeds: list[int]) -> None:
    """Runs of other seeds are repeats, also when another word is the same number; nothing else is.

    What only looks like a seed, for the same words were typed, stays another experiment.
    """
    runs = [_placed(words, seed, n) for n, seed in enumerate(seeds)]
    typed = [replace(run, id=RunId(f"typed {run.id}"), seeded=None) for run in runs]
    other = [_placed(("t.py", "x", *words[1:]), seed, 90 + n) for n, seed in enumerate(seeds)]

    code = {run.id: "c" for run in (*runs, *typed, *other)}
    found = experiments([*runs, *typed, *other], code)

    groups = [{run.id for run in each.runs} for each in found]
    assert {run.id for run in other} in groups
    (ours,) = (each for each in groups if runs[0].id in each)
    assert ours == {run.id for run in runs}
    assert all(without_seeds(run) == without_seeds(runs[0]) for run in runs)


def _placed(words: tuple[str, ...], seed: int, number: int) -> RunRecord:
    shown = {"seed": str(seed), "lr": "2"}
    command = filled_in_run(words, shown)
    said = {key: text for key, text in option_params(command).items() if key != "seed"}
    return replace(
        _BASE,
        id=RunId(str(number)),
        started=Nanoseconds(number),
        command=command,
        params={**said, "seed": seed, "lr": 2},
        seeded=with_seed_places(filled_in_run, words, shown),
    )


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from("ab"), st.sampled_from(Status))))
def test_every_finished_run_is_in_one_experiment(told: list[tuple[int, str, Status]]) -> None:
    """None is lost, none counts twice; in each, every seed once, by the run that began first."""
    runs = [
        replace(_BASE, id=RunId(str(n)), started=Nanoseconds(n), status=status, **_seed(seed))
        for n, (seed, _, status) in enumerate(told)
    ]
    code = {run.id: name for run, (_, name, _) in zip(runs, told, strict=True)}

    found = experiments(runs, code)

    done = [run.id for run in runs if run.status is Status.FINISHED]
    assert sorted(run.id for each in found for run in each.runs) == sorted(done)
    for each in found:
        seeds = [run.params["seed"] for run in each.repeats]
        assert len(seeds) == len(set(seeds))
        assert len({code[run.id] for run in each.runs}) == 1
        assert all(
            first.started < later.started  # type: ignore[operator]
            for first in each.repeats
            for later in each.again
            if first.params == later.params
        )
    assert len(done) < 2 or {run.id for run in with_shared_settings(runs)} == set(done)


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(2, 9))
def test_equal_values_have_no_spread(value: float, count: int) -> None:
    """No error of rounding is told as noise."""
    assert Spread.of([value] * count) == Spread(count, value, 0.0)


@given(st.lists(st.integers() | st.floats() | st.just(10**400)))
def test_a_spread_is_said_of_any_numbers(values: list[int | float]) -> None:
    """Infinities and integers that no float holds have no deviation, and crash nothing."""
    found = Spread.of(values)

    assert (found.count if found else 0) == len(values)
