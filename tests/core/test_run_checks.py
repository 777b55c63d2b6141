"""Rules over runs: done twice, failed, lacking a param; and what is not to be blamed."""

from __future__ import annotations

from typing import Any

from xvc.core.run import DataFile, RunRecord, Status
from xvc.runs.check_results import Finding, Level
from xvc.runs.repeats import settings_of as experiment
from xvc.runs.run_checks import duplicates, failures, missing_params
from xvc.types import Nanoseconds, RunId


def run(name: str, at: int = 0, *, command: str = "python train.py", **facts: Any) -> RunRecord:
    known: dict[str, Any] = {"status": Status.FINISHED, "started": Nanoseconds(at)}
    return RunRecord(RunId(name), command=tuple(command.split()), **{**known, **facts})


def levels(found: tuple[Finding, ...]) -> list[tuple[Level, int]]:
    return [(each.level, each.count) for each in found]


def twice(*runs: RunRecord, code: dict[str, str] | None = None) -> tuple[Finding, ...]:
    held = {each.id: "c" for each in runs} if code is None else code
    return duplicates(runs, {RunId(key): value for key, value in held.items()}, 3)


def test_the_same_execution_twice_is_a_problem() -> None:
    """Same code, params, data and command."""
    found = twice(run("a", params={"lr": 1}), run("b", params={"lr": 1}))

    assert levels(found) == [(Level.PROBLEM, 1)]
    assert found[0].examples == ("a, b",)


def test_repeats_by_seed_are_not_blamed() -> None:
    """Seeds may be params or options of the command."""
    found = twice(
        run("a", params={"seed": 1}, command="python train.py --seed 1"),
        run("b", params={"seed": 2}, command="python train.py --seed 2"),
        run("c", params={"seed": 3}, command="python train.py --seed=3"),
    )

    assert levels(found) == [(Level.NOTE, 1)]


def test_other_params_data_code_or_commands_are_other_executions() -> None:
    """One difference is enough; so is a run that did not finish, or whose code is unknown."""
    base = run("a", params={"lr": 1}, data={"x": DataFile("d1")})
    others = [
        run("b", params={"lr": 2}, data={"x": DataFile("d1")}),
        run("c", params={"lr": 1}, data={"x": DataFile("d2")}),
        run("d", params={"lr": 1}, data={"x": DataFile("d1")}, command="python train.py -v"),
        run("e", params={"lr": 1}, data={"x": DataFile("d1")}, status=Status.FAILED),
        run("f", params={"lr": 1}, data={"x": DataFile("d1")}),
        run("g", params={"lr": 1}, data={"x": DataFile("d1")}),
        run("h", params={"lr": 1}, data={"x": DataFile("d1")}, parent=RunId("a")),
    ]

    found = twice(base, *others, code={**dict.fromkeys("abcdeh", "c"), "f": "another"})

    assert found == ()


def test_a_seed_without_a_value_ends_nothing() -> None:
    """Only the value of a seed is taken out of a command."""
    assert experiment(run("a", command="x --seed 1 --lr 2")) == experiment(
        run("b", command="x --seed 2 --lr 2")
    )
    assert experiment(run("a", command="x --seed 1 --lr 2")) != experiment(
        run("b", command="x --seed 1 --lr 3")
    )


def test_failures_are_counted_with_their_reasons() -> None:
    """What failed and stayed so is a problem; what was done again is a note."""
    found = failures(
        [
            run("a", 1, status=Status.FAILED, exit_code=3),
            run("b", 2, status=Status.FAILED, params={"lr": 2}, reason="no such file"),
            run("c", 3, status=Status.FINISHED),
            run("d", 4, status=Status.INTERRUPTED),
        ],
        3,
    )

    assert levels(found) == [(Level.PROBLEM, 1), (Level.NOTE, 1)]
    assert found[0].examples == ("b: failed: no such file",)


def test_a_success_before_a_failure_settles_nothing() -> None:
    """What fails after it had worked is a problem."""
    found = failures([run("a", 1), run("b", 2, status=Status.FAILED, exit_code=3)], 3)

    assert levels(found) == [(Level.PROBLEM, 1)]


def test_a_param_that_a_run_lacks_is_found() -> None:
    """A run that forgot what the others say."""
    found = missing_params(
        [run("a", 1, params={"lr": 1, "bs": 2}), run("b", 2, params={"lr": 1})], (), 3
    )

    assert levels(found) == [(Level.PROBLEM, 1)]
    assert "'bs'" in found[0].says
    assert found[0].examples == ("b",)


def test_an_option_that_a_command_left_out_is_a_note() -> None:
    """It had its default: nothing is missing of the run."""
    runs = [
        run("a", 1, params={"lr": "0.1"}, command="python t.py --lr 0.1"),
        run("b", 2, command="python t.py"),
    ]

    (found,) = missing_params(runs, (), 3)

    assert (found.level, found.examples) == (Level.NOTE, ("b",))
    assert "left the param 'lr' to the default" in found.says


def test_a_param_that_came_later_is_a_note() -> None:
    """Earlier runs could not have had it."""
    runs = [run("a", 1), run("b", 2, params={"lr": 1}), run("c", 3, params={"lr": 1})]

    assert levels(missing_params(runs, (), 3)) == [(Level.NOTE, 1)]


def test_a_param_of_one_model_only_is_a_note() -> None:
    """Two models in one comparison need not have the same params."""
    runs = [
        run("a", 1, params={"model": "svm", "C": 1}),
        run("b", 2, params={"model": "forest", "trees": 9}),
        run("c", 3, params={"model": "svm", "C": 2}),
        run("d", 4, params={"model": "forest", "trees": 3}),
    ]

    assert {each.level for each in missing_params(runs, (), 3)} == {Level.NOTE}


def test_params_of_other_scripts_and_renamed_ones_are_left_alone() -> None:
    """Only runs of one script are held together."""
    runs = [
        run("a", 1, params={"lr": 1}),
        run("b", 2, command="python eval.py", params={"beam": 1}),
        run("c", 3, params={"learning_rate": 1}),
    ]

    assert missing_params(runs, ("lr", "learning_rate"), 3) == ()
