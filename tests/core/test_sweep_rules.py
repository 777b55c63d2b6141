"""What a sweep's trials are: computed from notes and runs, whatever is missing among them."""

from __future__ import annotations

import re

import pytest

from xvc.core.direction import Direction
from xvc.core.run import RunRecord, Status
from xvc.core.search_space import Choices, facts_of, grid_point, space_from
from xvc.core.sweep import (
    Note,
    ParamStyle,
    Sampler,
    Sweep,
    SweepRequest,
    Trial,
    TrialCode,
    TrialStatus,
    best_of,
    command_of,
    trials_of,
)
from xvc.sweeps.request import BadSweep, request_of, total_of
from xvc.system.value_files import parse_typed
from xvc.types import Json, Nanoseconds, RunId

SPACE = {"lr": Choices((0.1, 0.01)), "name": Choices(("{lr}",))}
ASKED = Note("asked", 0, 1, {"params": {"lr": 0.1}})
STARTED = Note("started", 0, 2, {"attempt": 0})


def run_of(status: Status, at: int = 3, name: str = "s/0", **metrics: Json) -> RunRecord:
    run = RunRecord(RunId(f"r{at}"), name=name, status=status, metrics=metrics)
    return RunRecord(run.id, name=name, status=status, metrics=metrics, started=Nanoseconds(at))


def state_of(notes: list[Note], *runs: RunRecord, live: set[int] | None = None) -> TrialStatus:
    return trials_of(notes, runs, live or set(), "acc", "s")[0].state


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (Status.FINISHED, TrialStatus.FINISHED),
        (Status.FAILED, TrialStatus.FAILED),
        (Status.KILLED, TrialStatus.FAILED),
        (Status.TIMED_OUT, TrialStatus.FAILED),
        (Status.OUT_OF_MEMORY, TrialStatus.FAILED),
        (Status.LOST, TrialStatus.WAITING),
        (Status.INTERRUPTED, TrialStatus.WAITING),
    ],
)
def test_a_run_tells_its_trial(status: Status, state: TrialStatus) -> None:
    """A command's own end counts; a run that was cut off says nothing of its trial."""
    assert state_of([ASKED, STARTED], run_of(status)) is state


def test_a_finished_run_counts_whatever_came_after() -> None:
    """A trial that finished once is done, even when a later attempt was cut off."""
    runs = run_of(Status.FINISHED, 3), run_of(Status.LOST, 5)

    assert state_of([ASKED, STARTED], *runs) is TrialStatus.FINISHED


def test_runs_of_others_do_not_count() -> None:
    """A run that merely begins alike is another sweep's."""
    assert state_of([ASKED, STARTED], run_of(Status.FINISHED, name="ss/0")) is TrialStatus.WAITING


def test_a_retry_forgets_what_was_before() -> None:
    """A trial that is to be run again waits, though its failed run is still there."""
    notes = [ASKED, STARTED, Note("again", 0, 10)]

    assert state_of(notes, run_of(Status.FAILED, 3)) is TrialStatus.WAITING
    assert (
        state_of(notes, run_of(Status.FAILED, 3), run_of(Status.FINISHED, 12))
        is TrialStatus.FINISHED
    )


def test_a_living_process_is_a_running_trial() -> None:
    """One that was started and has not yet written its beginning is not started again."""
    assert state_of([ASKED, STARTED], live={0}) is TrialStatus.RUNNING


def test_a_finished_run_is_a_finished_trial_whoever_holds_its_log() -> None:
    """A process that it left, or a copy made by a fork, has the log open for a moment longer."""
    assert state_of([ASKED, STARTED], run_of(Status.FINISHED), live={0}) is TrialStatus.FINISHED


def test_a_torn_note_is_passed_over() -> None:
    """A line that a power cut broke off is none."""
    line = ASKED.line()

    assert Note.read(line) == ASKED
    assert Note.read(line[:-9]) is None


def test_the_command_gets_its_params_once() -> None:
    """A value that looks like a placeholder is not filled in again; the style adds the rest."""
    request = SweepRequest(SPACE, ("t.py", "{lr}", "{other}"), style=ParamStyle.HYDRA)

    words = command_of(request, {"lr": 0.1, "name": "{lr}"})

    assert words == ("t.py", "0.1", "{other}", "lr=0.1", "name={lr}")


def test_the_best_trial_has_finished() -> None:
    """A better value of a failed trial does not win; without a direction nothing does."""
    trials = [
        Trial(0, {"lr": 1}, TrialStatus.FINISHED, value=0.5),
        Trial(1, {"lr": 2}, TrialStatus.FAILED, value=0.9),
        Trial(2, {"lr": 3}, TrialStatus.FINISHED, value=0.7),
    ]

    best = best_of(trials, Direction.MAX)

    assert best is not None
    assert best.number == 2
    assert best_of(trials, None) is None


def test_a_sweep_survives_being_written() -> None:
    """What was asked for is what a resume finds."""
    request = SweepRequest(
        SPACE, ("a", "b"), Sampler.TPE, 4, 2, "acc", Direction.MIN, ParamStyle.FLAGS, 1.5, 7
    )
    sweep = Sweep("s", 5, "/p", ".", 4, {"": TrialCode("a", "b")}, request)

    assert Sweep.from_facts(sweep.facts) == sweep


def test_all_mistakes_are_named_at_once() -> None:
    """Every wrong key of a file is in one error, with the key that was meant."""
    said: dict[str, Json] = {
        "params": {"lr": "0.001..0.1", "depth": "9..2", "x": [1, 1]},
        "sampler": "gird",
        "trials": "many",
        "jobs": 0,
        "timeout": -1,
        "metrik": "acc",
        "metric": "zork",
        "worktree": 3,
    }

    with pytest.raises(BadSweep) as caught:
        request_of(said, {}, ("local",), parse_typed)

    wrong = ("lr:", "depth", "x", "sampler:", "trials:", "jobs:", "timeout:", "metrik:")
    wrong += ("metric:", "worktree:", "command:")
    assert len(caught.value.mistakes) == len(wrong)
    for key in wrong:
        assert any(mistake.startswith(key) for mistake in caught.value.mistakes), key


def test_a_grid_is_as_large_as_its_space_or_as_wanted() -> None:
    """The whole grid, unless fewer are asked for; never more than there are."""
    assert total_of(SweepRequest(SPACE, ("a",))) == 2
    assert total_of(SweepRequest(SPACE, ("a",), trials=1)) == 1
    assert total_of(SweepRequest(SPACE, ("a",), trials=9)) == 2


@pytest.mark.parametrize(
    ("word", "mistake"),
    [
        ("{lrr}", "did you mean {lr}?"),
        ("--x={rate}", "params are lr"),
        ("{params}", "--params-copy"),
        ("{{lrr}}", None),
        ("${HOME}", None),
        ("{1..3}", None),
        ("{}", None),
        ("print(f'{x} {y}')", None),
    ],
)
def test_braces_that_are_no_param_are_named(word: str, mistake: str | None) -> None:
    """A word that would reach the command with its braces is refused; other tools have braces."""
    said: dict[str, Json] = {"params": {"lr": "1,2"}, "command": ["t.py", "{lr}", word]}

    if mistake is not None:
        with pytest.raises(BadSweep, match=re.escape(mistake)):
            request_of(said, {}, ("local",), parse_typed)
        return
    request = request_of(said, {}, ("local",), parse_typed)
    assert command_of(request, {"lr": 1})[1:] == ("1", word.replace("{{lrr}}", "{lrr}"))


def test_what_is_typed_reaches_the_command() -> None:
    """A trial's value is its own in the record, and as it was typed in the command."""
    typed = "3.10,1234567e8,00012,1e-3,0.50,[64,64],true,'7'"
    said: dict[str, Json] = {"params": {"v": typed}, "command": ["t.py", "{v}"]}
    request = request_of(said, {}, ("local",), parse_typed)

    words = [command_of(request, grid_point(request.space, number))[1] for number in range(8)]

    assert words == ["3.10", "1234567e8", "00012", "1e-3", "0.50", "[64,64]", "true", "7"]
    assert [grid_point(request.space, n)["v"] for n in range(8)] == [
        *("3.10", "1234567e8", "00012", 0.001, "0.50", [64, 64], True, "7")
    ]
    assert space_from(facts_of(request.space)) == request.space


@pytest.mark.parametrize("sign", ["+", "++", "~"])
def test_hydras_sign_is_no_part_of_a_params_name(sign: str) -> None:
    """The command has it, and what is recorded has not; written down and read, too."""
    said: dict[str, Json] = {
        "params": {f"{sign}new.key": "1,2"},
        "command": ["python", "t.py"],
        "style": "hydra",
    }

    request = request_of(said, {}, ("local",), parse_typed)

    sweep = Sweep("s", 1, "/r", ".", 2, {}, request)
    assert [*request.space] == ["new.key"]
    for each in (request, Sweep.from_facts(sweep.facts).request):
        assert command_of(each, {"new.key": 2}) == ("python", "t.py", f"{sign}new.key=2")


def test_a_name_with_and_without_hydras_sign_is_one_param() -> None:
    """Which of the two values a trial would record, nobody could say."""
    said: dict[str, Json] = {
        "params": {"lr": "1,2", "++lr": "3"},
        "command": ["python", "t.py"],
        "style": "hydra",
    }

    with pytest.raises(BadSweep, match=re.escape("++lr names lr a second time")):
        request_of(said, {}, ("local",), parse_typed)


def test_a_plus_is_a_name_of_its_own_where_hydra_is_not_asked_for() -> None:
    """Names are kept as they are given."""
    said: dict[str, Json] = {"params": {"+a": "1"}, "command": ["t.py"], "style": "flags"}

    assert [*request_of(said, {}, ("local",), parse_typed).space] == ["+a"]
