"""`xvc brief`: what an agent has to know of a project, never more than it can read."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surroundings import Calling, dvc, git
from xvc import Tracker
from xvc.cli.commands.brief import answer_of
from xvc.cli.output import envelope_of
from xvc.core.direction import Direction
from xvc.core.run import RunRecord, Status
from xvc.runs.brief import Brief
from xvc.runs.digest import (
    Best,
    Staged,
    Tried,
    best_runs,
    described,
    discarded,
    failures,
    sweeps,
    tried,
)
from xvc.types import RunId
from xvc.worktrees.list import TreeInfo, TreeRole

_MOST = 2000
_TEXTS = st.sampled_from(
    ["", "lr", "é" * 300, "\x00" * 300, '"\\' * 200, "a word " * 60, "loss", "f1"]
)
_COUNTS = st.integers(0, 10**15)
_NOTHING = Brief(
    root="/p",
    branch="main",
    changed=0,
    runs=1,
    running=0,
    failed=0,
    latest_version="e1.0.0",
    versions=1,
    unsaved_rows=0,
    unsaved_runs=0,
    taggable=None,
    undecided=None,
    best=(),
    tried=(),
    failures=(),
    trees=(),
    names={},
)
"""Of a project with one run and nothing to tell of it."""


def _run(name: str, status: Status = Status.FINISHED, **facts: object) -> RunRecord:
    return RunRecord(RunId(name), status=status, **facts)  # type: ignore[arg-type]


def test_the_best_is_judged_by_its_direction() -> None:
    """Highest accuracy, lowest loss; NaN and failed runs are no best, the first of equals is."""
    runs = [
        _run("d", metrics={"accuracy": float("nan"), "loss": 0.2}),
        _run("c", metrics={"accuracy": 0.8, "loss": 0.2}),
        _run("b", metrics={"accuracy": 0.9, "loss": 0.3}),
        _run("a", Status.FAILED, metrics={"accuracy": 1.0, "loss": 0.0}),
    ]

    found = best_runs(runs, {})

    assert [(each.metric, each.run, each.value) for each in found] == [
        ("accuracy", "b", 0.9),
        ("loss", "c", 0.2),
    ]


def test_a_metric_without_direction_has_no_best() -> None:
    """What is better is not guessed; declared, it is known."""
    runs = [_run("a", metrics={"frobs": 1}), _run("b", metrics={"frobs": 2})]

    assert best_runs(runs, {}) == []
    assert best_runs(runs, {"frobs": "max"}) == [
        Best("frobs", Direction.MAX, 2.0, RunId("b"), "frobs=2")
    ]


def test_failures_alike_are_told_once() -> None:
    """Same params, same end: one line, the newest run, how often; others apart."""
    runs = [
        _run("c", Status.FAILED, exit_code=1, params={"lr": 3}),
        _run("b", Status.TIMED_OUT, params={"lr": 3}),
        _run("a", Status.FAILED, exit_code=1, params={"lr": 3}),
    ]

    found = failures(runs)

    assert [(each.run, each.how, each.times) for each in found] == [
        ("c", "exit 1", 2),
        ("b", "timed-out", 1),
    ]
    assert tried(runs, {}, {}).first == ()
    assert failures([replace(runs[0], decision="discarded: no GPU")]) == []


def test_a_name_that_ends_in_a_huge_number_is_no_trial() -> None:
    """A store from elsewhere may name a run so; Python makes no number of 5,000 digits."""
    named = [replace(_run("a"), name="s/" + "9" * 5000), replace(_run("b"), name="s/12")]

    assert [(each.name, sum(each.counts.values())) for each in sweeps(named, {})] == [("s", 1)]


def test_what_was_discarded_is_told_with_its_reason() -> None:
    """However it ended, repeats once; it is no idea that counts, and `brief` says how many more."""
    no, again = "discarded: leaks", "discarded: leaks twice"
    runs = [
        _run("f", Status.FAILED, params={"lr": 9}, decision="discarded"),
        _run("e", params={"lr": 1, "seed": 1}, decision=no, started=5),
        _run("d", params={"lr": 1, "seed": 0}, decision=no, started=4),
        _run("c", params={"lr": 1, "seed": 2}, decision=again, started=3),
        replace(_run("b", params={"lr": 3}, decision=no), name="s/0"),
        _run("a", params={"lr": 2}, metrics={"acc": 1}),
    ]
    code = dict.fromkeys((RunId(each) for each in "cde"), "one")

    found, ideas = discarded(runs, code), tried(runs, code, {})
    answer = answer_of(replace(_NOTHING, tried=ideas.first, ideas=8, discarded=tuple(found)))

    assert [(each.run, each.why, each.times) for each in found] == [
        *[("f", None, 1), ("e", "leaks", 2)],
        *[("c", "leaks twice", 1), ("b", "leaks", 1)],
    ]
    assert [each.what for each in found] == ["lr=9", "lr=1", "lr=1 | seed=2", "lr=3 | s/0"]
    assert ([each.run for each in ideas.first], ideas.total) == (["a"], 1)
    assert "\ndiscarded e: leaks (2 runs)  lr=1\n" in answer.text
    assert "\ntried     7 more ideas: `xvc ls`\n" in answer.text


def test_a_run_without_params_is_its_command() -> None:
    """There is always something to know it by."""
    assert described(_run("a", command=("make", "all")), []) == "make all"


@st.composite
def _records(draw: st.DrawFn) -> RunRecord:
    values = st.dictionaries(_TEXTS, st.integers() | st.floats() | _TEXTS, max_size=3)
    return _run(
        draw(st.sampled_from(["k7f3m2q9x1b4", "bzk3nzk3r8d7", "a1b2c3d4e5f6"])),
        draw(st.sampled_from(Status)),
        params=draw(values),
        metrics=draw(values),
        note=draw(st.none() | _TEXTS),
        reason=draw(st.none() | _TEXTS),
        command=tuple(draw(st.lists(_TEXTS, max_size=3))),
        decision=draw(st.none() | _TEXTS.map("discarded: {}".format)),
    )


@st.composite
def _briefs(draw: st.DrawFn) -> Brief:
    runs = draw(st.lists(_records(), max_size=6))
    trees = draw(st.lists(st.tuples(_TEXTS, _TEXTS, _COUNTS), max_size=8))
    name = draw(_TEXTS)
    return Brief(
        root=draw(_TEXTS),
        branch=draw(st.none() | _TEXTS),
        changed=draw(_COUNTS),
        runs=len(runs),
        running=draw(_COUNTS),
        failed=draw(_COUNTS),
        latest_version="e1000000.1000000.1000000",
        versions=draw(_COUNTS),
        unsaved_rows=draw(_COUNTS),
        unsaved_runs=draw(_COUNTS),
        taggable=draw(st.none() | st.just(RunId("a" * 12))),
        undecided=draw(st.none() | _COUNTS),
        best=tuple(best_runs(runs, {name: "max", "loss": "min"})),
        tried=tried(runs, {}, {name: "max"}).first,
        ideas=draw(_COUNTS),
        discarded=tuple(discarded(runs, {})),
        all_discarded=draw(_COUNTS),
        sweeps=tuple(sweeps(runs, {name: "max"})),
        production=tuple(Staged(name, name) for _ in trees),
        failures=tuple(failures(runs)),
        trees=tuple(
            TreeInfo(tree, "/x", TreeRole.READY, branch, unsaved=rows)
            for tree, branch, rows in trees
        ),
        names={run.id: "e1000000.1000000.1000000" for run in runs},
        warnings=tuple(draw(st.lists(_TEXTS, max_size=4))),
    )


@given(_briefs())
def test_it_is_always_short(brief: Brief) -> None:
    """Whatever a project is called and has in it, text and document stay under 2,000 characters."""
    answer = answer_of(brief)

    assert len(json.dumps(envelope_of(answer), ensure_ascii=False)) < _MOST
    assert len("\n".join([answer.text, *answer.warnings, *answer.next])) < _MOST


def test_a_long_list_of_one_is_shortened_too() -> None:
    """One entry of each kind, and still too long: entries go until the rest is short."""
    run = _run("k7f3m2q9x1b4", note="why " * 30)
    best = Best("m" * 2_500, Direction.MAX, 0.9, run.id, "lr=3")
    found = replace(
        _NOTHING,
        root="\\" * 200,
        branch='"' * 200,
        best=(best,),
        tried=(Tried(run.id, '"' * 400),),
        warnings=('"' * 200, '"' * 200),
    )

    answer = answer_of(found)

    assert len(json.dumps(envelope_of(answer), ensure_ascii=False)) < _MOST


def test_a_project_in_few_words(project: Path, call_xvc: Calling) -> None:
    """Best, tried and failed, unsaved rows, other trees, and what to do next."""
    call_xvc("run", "--tag", "minor", "-P", "lr=0.1", "--", "python", "train.py", "--lr", "0.1")
    call_xvc("run", "-P", "lr=0.4", "--", "python", "train.py", "--lr", "0.4")
    call_xvc("run", "-P", "lr=9", "--", "python", "-c", "raise SystemExit(7)")
    call_xvc("worktree", "add", "wide")
    (project / "new.txt").write_text("new")

    told = call_xvc("brief", "--json")
    text = call_xvc("brief").out
    data = told.data

    assert (data["best"][0]["metric"], data["best"][0]["version"]) == ("accuracy", "e0.1.0")
    assert [each["what"] for each in data["tried"]] == [
        "lr=0.1 | accuracy=0.95",
        "lr=0.4 | accuracy=0.8",
    ]
    assert [(each["how"], each["what"]) for each in data["failed"]] == [("exit 7", "lr=9")]
    assert (data["changed_total"], data["unsaved_total"], data["failed_total"]) == (1, 2, 1)
    assert [each["name"] for each in data["worktrees"]] == ["wide"]
    assert any(step.startswith("xvc tag minor --run ") for step in told.json["next"])
    assert "best      accuracy 0.95 (highest): e0.1.0" in text
    assert max(len(told.out), len(text)) < _MOST


def test_data_that_was_edited_is_no_clean_tree(project: Path, call_xvc: Calling) -> None:
    """git sees the pointer alone; and the same command on other data is named by its data."""
    (project / "data.csv").write_text("1\n")
    dvc(project, "add", "-q", "data.csv")
    git(project, "add", ".")
    git(project, "commit", "-qm", "data")
    words = ("run", "--", "python", "train.py", "--lr", "0.1")
    call_xvc(*words)
    clean = call_xvc("brief").out
    (project / "data.csv").write_text("2\n")

    dirty = call_xvc("brief").out
    call_xvc(*words)
    ideas = [each["what"] for each in call_xvc("brief", "--json").data["tried"]]

    assert ", clean\n" in clean
    assert ", 1 file changed\n" in dirty
    assert len(ideas) == 2
    assert all(idea.startswith("data data.csv ") for idea in ideas)


@pytest.mark.parametrize("begun", [False, True])
def test_an_empty_project(begun: bool, tmp_path: Path, call_xvc: Calling) -> None:
    """Without runs, even without git, it says so and how to begin."""
    if begun:
        git(tmp_path, "init", "-q")

    told = call_xvc("brief", "--json", cwd=tmp_path)

    assert (told.code, told.data["runs"], told.data["best"]) == (0, 0, [])
    assert told.json["next"] == ["xvc run -- python train.py"]


def test_a_large_project(project: Path, call_xvc: Calling) -> None:
    """Sixty runs with many params: the newest and the best are there, and the count of all."""
    for number in range(60):
        params = {f"parameter_number_{n}": number * n for n in range(8)}
        with Tracker(params=params) as tracker:
            tracker.log({"accuracy": number / 100, "loss": 1 - number / 100, "f1": 0.5})

    told = call_xvc("brief", "--json")

    assert (told.data["runs"], told.data["unsaved_total"]) == (60, 60)
    assert told.data["best"][0]["value"] == 0.59
    assert len(told.out) < _MOST
