"""What people say of runs afterwards: notes, labels, decisions, and the tree of ideas."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb
import pytest

from remotes import use_remote
from surroundings import Calling, git
from xvc import Tracker
from xvc.core.direction import Direction
from xvc.core.objective import Measure
from xvc.core.run import ResourceUsage, RunRecord, Status
from xvc.project import Project
from xvc.runs.idea_tree import tree
from xvc.runs.usage_over_time import UsageKeeper, looks_of, usage_file
from xvc.system.output_log import LogReader, OutputLog
from xvc.types import Nanoseconds, RunId

_SCRIPT = """\
import sys
from xvc import Tracker
value = float(sys.argv[1])
with Tracker() as tracker:
    if value > 1:
        raise MemoryError("too big")
    tracker.log({"accuracy": value})
"""


@pytest.fixture
def lab(project: Path) -> Path:
    """A project with a script that logs what it is told."""
    (project / "fit.py").write_text(_SCRIPT)
    git(project, "add", ".")
    git(project, "commit", "-q", "-m", "A script")
    return project


def made(call_xvc: Calling, value: float, *options: str) -> str:
    """Make a run; returns its id."""
    done = call_xvc("run", "--json", *options, "--", "python", "fit.py", str(value))
    return str(done.data["run"])


def listed(call_xvc: Calling, *options: str) -> list[str]:
    """The runs of `xvc ls`."""
    return [run["id"] for run in call_xvc("ls", *options, "--json").data["runs"]]


def test_a_note_can_be_changed_and_taken_back(lab: Path, call_xvc: Calling) -> None:
    """Note, name and labels of a run that has ended are what was said last; undo takes it back."""
    run = made(call_xvc, 0.5, "-m", "first")
    call_xvc("note", "@", "second", "--name", "warm", "--label", "slow", "--label", "odd")
    call_xvc("note", "warm", "--unlabel", "odd")
    after = call_xvc("show", run, "--json").data
    call_xvc("undo", "--yes")
    call_xvc("undo", "--yes")

    before = call_xvc("show", run, "--json").data

    assert (after["note"], after["name"], after["labels"]) == ("second", "warm", ["slow"])
    assert (before["note"], before.get("name"), before.get("labels")) == ("first", None, None)


def test_an_empty_note_is_none(lab: Path, call_xvc: Calling) -> None:
    """An empty text takes the note back, also the one that the run began with."""
    run = made(call_xvc, 0.5, "-m", "first")

    said = call_xvc("note", run, "", "--json")

    assert (said.code, said.data["note"]) == (0, None)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("note", "@"), 2),
        (("note", "nobody", "x"), 1),
        (("note", "@", "--label", "a,b"), 2),
        (("note", "@", "--fixes", "@"), 2),
        (("discard", "nobody"), 1),
        (("db", "set", "status", "finished", "--table", "runs", "--run", "@", "--yes"), 2),
        (("db", "set", "note", "x", "--table", "runs", "--yes"), 2),
    ],
)
def test_what_cannot_be_said(
    words: tuple[str, ...], code: int, lab: Path, call_xvc: Calling
) -> None:
    """Nothing, of nobody, or of what a run itself knows best: refused, and nothing is changed."""
    made(call_xvc, 0.5)
    before = call_xvc("show", "@", "--json").data

    told = call_xvc(*words, "--json")

    assert (told.code, told.json["ok"]) == (code, False)
    assert call_xvc("show", "@", "--json").data == before


def test_db_set_says_it_too(lab: Path, call_xvc: Calling) -> None:
    """`db set --table runs` is another way to the same edit."""
    made(call_xvc, 0.5)

    call_xvc("db", "set", "note", "by set", "--table", "runs", "--run", "@", "--yes")

    assert call_xvc("show", "@", "--json").data["note"] == "by set"


def test_a_tracker_says_the_last_word(lab: Path, call_xvc: Calling) -> None:
    """`Tracker.note` counts over what `xvc note` said before, and adds labels."""
    store = lab / "results" / "experiments.duckdb"
    with Tracker(store, name="one") as tracker:
        run = tracker.track_id
    call_xvc("note", run, "by hand", "--label", "a")
    with Tracker(store, track_id=run) as tracker:
        tracker.note("by the script", labels=["b"])

    shown = call_xvc("show", run, "--json").data

    assert (shown["note"], shown["labels"]) == ("by the script", ["a", "b"])


def test_a_discarded_run_is_kept_and_ranked_nowhere(lab: Path, call_xvc: Calling) -> None:
    """No list and no `best:` has it, `--discarded` and `show` do; `keep` brings it back."""
    good, leaky = made(call_xvc, 0.8), made(call_xvc, 0.99)
    call_xvc("discard", leaky, "--reason", "it saw the test set")
    seen, best = listed(call_xvc), call_xvc("show", "best:accuracy", "--json").data["id"]
    whole = call_xvc("ls", "--discarded", "--json").data["runs"]
    cut = call_xvc("ls", "--limit", "1", "--json").data
    pages = call_xvc("ui", "--export", str(lab.parent / "page")).out
    call_xvc("keep", leaky)

    back = call_xvc("ls", "--sort", "accuracy", "--json").data

    assert (seen, best) == ([good], good)
    assert [run["decision"] for run in whole] == ["discarded: it saw the test set", None]
    assert (len(cut["runs"]), cut["total"], cut["discarded"]) == (1, 1, 1)
    assert "with the pages of 2 of 2 runs" in pages
    assert [run["id"] for run in back["runs"]] == [leaky, good]
    assert (back["runs"][0]["decision"], back["discarded"]) == ("kept", 0)


def test_runs_are_found_by_what_was_decided(lab: Path, call_xvc: Calling) -> None:
    """A filter that speaks of the decision sees discarded runs."""
    run = made(call_xvc, 0.8)
    call_xvc("discard", run)

    assert listed(call_xvc, "--where", "decision == 'discarded'") == [run]
    assert listed(call_xvc) == []


def test_a_store_of_an_older_xvc_learns_it(lab: Path, call_xvc: Calling) -> None:
    """A store without the columns is read, and gets them when something is said."""
    run = made(call_xvc, 0.8)
    store = lab / "results" / "experiments.duckdb"
    with duckdb.connect(str(store)) as connection:
        for name in ("idea", "fixes", "decision", "labels", "asked"):
            connection.execute(f"ALTER TABLE runs DROP COLUMN {name}")
            connection.execute(f"ALTER TABLE set_aside.runs DROP COLUMN {name}")
    before = listed(call_xvc)
    call_xvc("discard", run, "--reason", "old")

    after = call_xvc("show", run, "--json").data

    assert (before, after["decision"]) == ([run], "discarded: old")


def test_what_two_branches_say_comes_together(lab: Path, call_xvc: Calling) -> None:
    """Labels of both, a note of one side, and where both decided otherwise a person decides."""
    run = made(call_xvc, 0.8, "--tag", "minor")
    git(lab, "switch", "-q", "-c", "other")
    call_xvc("note", run, "theirs", "--label", "b")
    call_xvc("discard", run, "--reason", "leaks")
    made(call_xvc, 0.7, "--tag", "minor")
    git(lab, "switch", "-q", "-")
    call_xvc("note", run, "--label", "a")
    call_xvc("keep", run)
    stopped = call_xvc("merge", "other", "--json")

    call_xvc("merge", "--theirs")
    done = call_xvc("merge", "--continue", "--json")
    call_xvc("note", run, "--label", "c")

    assert (stopped.code, stopped.data["undecided"]) == (4, 1)
    assert done.code == 0, done.err
    shown = call_xvc("show", run, "--json").data
    assert sorted(shown["labels"]) == ["a", "b", "c"]
    assert (shown["note"], shown["decision"]) == ("theirs", "discarded: leaks")


def test_ideas_are_a_tree_with_their_outcome(lab: Path, call_xvc: Calling) -> None:
    """What builds on what, how the metric moved, what failed and what put it right."""
    first = made(call_xvc, 0.8, "--tag", "minor", "--idea", "baseline")
    deeper = made(call_xvc, 0.9, "--parent", "e0.1.0", "--idea", "deeper trees")
    failed = made(call_xvc, 2, "--parent", deeper, "--idea", "more trees")
    fixed = made(call_xvc, 0.85, "--parent", deeper, "--fixes", failed, "--idea", "fewer trees")
    call_xvc("discard", fixed, "--reason", "no better")

    told = call_xvc("log", "--ideas", "--json").data["ideas"]

    assert [(each["run"], each["depth"], each["on"]) for each in told] == [
        (first, 0, None),
        (deeper, 1, first),
        (failed, 2, deeper),
        (fixed, 2, deeper),
    ]
    assert told[0]["version"] == "e0.1.0"
    assert told[1]["change"] == pytest.approx(0.1)
    assert (told[2]["status"], told[2]["mean"]) == ("failed", None)
    assert (told[3]["fixes"], told[3]["decision"]) == (failed, "discarded: no better")
    (bad,) = call_xvc("brief", "--json").data["failed"]
    assert (bad["run"], bad["fixed"]) == (failed, fixed)


def run_of(name: str, at: int, **facts: object) -> RunRecord:
    """A finished run."""
    return RunRecord(
        RunId(name),
        started=Nanoseconds(at),
        status=Status.FINISHED,
        **facts,  # type: ignore[arg-type]
    )


def test_seeds_of_one_idea_are_one_entry() -> None:
    """Repeats count each seed once, and the change is from mean to mean."""
    base = run_of("base", 1, metrics={"acc": 0.5})
    seeds = [
        run_of(f"s{n}", 2 + n, idea="wide", parent="base", params={"seed": n}, metrics={"acc": v})
        for n, v in enumerate((0.6, 0.8))
    ]
    code = {run.id: "same" for run in (base, *seeds)}

    told = tree([*seeds, base], code, Measure("acc", Direction.MAX), {})

    assert [(each.what, len(each.runs)) for each in told] == [("-", 1), ("wide", 2)]
    assert told[1].spread is not None
    assert (told[1].spread.count, told[1].spread.mean) == (2, pytest.approx(0.7))
    assert told[1].change == pytest.approx(0.2)


def test_a_circle_of_parents_ends() -> None:
    """Runs that name each other, as a merge or an edit may leave them, are told once, or not."""
    one = run_of("one", 1, idea="a", parent="two")
    two = run_of("two", 2, idea="b", parent="one")

    told = tree([one, two], {}, None, {})

    assert len(told) <= 2


def test_the_same_is_said_before_it_runs_again(lab: Path, call_xvc: Calling) -> None:
    """`tried` and `run` know the same code, params and data, and what differs."""
    first = made(call_xvc, 0.5)
    same = call_xvc("tried", "--json", "--", "python", "fit.py", "0.5").data
    other = call_xvc("tried", "--json", "-P", "lr=1", "--", "python", "fit.py", "0.5").data
    told = call_xvc("run", "--", "python", "fit.py", "0.5").err
    silent = call_xvc("run", "--again", "--", "python", "fit.py", "0.5").err
    (lab / "fit.py").write_text(_SCRIPT + "# another\n")
    code = call_xvc("tried", "--exit-code", "--json", "--", "python", "fit.py", "0.5")
    (lab / "README.md").write_text("# words\n")

    assert (same["tried"], [each["run"] for each in same["same"]]) == (True, [first])
    assert (other["tried"], other["nearest"][0]["params"]) == (False, {"lr": [None, 1]})
    assert f"ran before: {first}" in told
    assert "ran before" not in silent
    assert (code.code, code.data["tried"]) == (3, False)
    assert code.data["nearest"][0]["files"] == ["fit.py"]


def test_params_that_only_the_script_logs_are_no_difference(lab: Path, call_xvc: Calling) -> None:
    """What was asked for is compared; what was asked for then, and not now, is a difference."""
    (lab / "fit.py").write_text("from xvc import Tracker\nTracker(params={'depth': 3})\n")
    call_xvc("run", "--json", "--", "python", "fit.py")
    call_xvc("run", "--json", "-P", "lr=1", "--", "python", "fit.py")

    plain = call_xvc("tried", "--json", "--", "python", "fit.py").data

    assert (plain["same_total"], plain["nearest"][0]["params"]) == (1, {"lr": [1, None]})


def test_another_seed_is_a_repeat_and_not_the_same(lab: Path, call_xvc: Calling) -> None:
    """With a seed of its own it has not been tried, but repeats of it have."""
    call_xvc("run", "--json", "-P", "seed=1", "--", "python", "fit.py", "0.5")

    found = call_xvc("tried", "--json", "-P", "seed=2", "--", "python", "fit.py", "0.5").data

    assert (found["same_total"], found["repeats_total"]) == (0, 1)


def test_documents_and_versions_are_no_other_code(lab: Path, call_xvc: Calling) -> None:
    """A version's own commit, and prose, leave the code what it was."""
    run = made(call_xvc, 0.5, "--tag", "minor")
    (lab / "NOTES.md").write_text("words")

    found = call_xvc("tried", "--json", "--", "python", "fit.py", "0.5").data

    assert [each["run"] for each in found["same"]] == [run]


def test_the_same_change_is_found_by_its_lines(lab: Path, call_xvc: Calling) -> None:
    """A change that another commit has made already is the same, moved or not."""
    (lab / "fit.py").write_text("# depth = 3\n" + _SCRIPT)
    run = made(call_xvc, 0.5)
    (lab / "fit.py").write_text("# a comment\n" + _SCRIPT)
    git(lab, "commit", "-qam", "Another")
    (lab / "fit.py").write_text("# a comment\n" + _SCRIPT + "#  depth = 3\n")

    found = call_xvc("tried", "--diff", "--json").data

    assert [each["run"] for each in found["same"]] == [run]


def test_nothing_is_recorded_by_asking(lab: Path, call_xvc: Calling) -> None:
    """`tried` leaves no run, no ref, and the tree and index as they were."""
    (lab / "new.py").write_text("1\n")
    before = git(lab, "status", "--porcelain"), git(lab, "for-each-ref")

    call_xvc("tried", "--json", "--", "python", "fit.py", "0.5")

    assert (git(lab, "status", "--porcelain"), git(lab, "for-each-ref")) == before
    assert listed(call_xvc) == []


def test_what_a_run_printed_is_there_in_a_clone(
    lab: Path, call_xvc: Calling, tmp_path: Path
) -> None:
    """Logs go with `push --runs`, masked; a clone prints them, and `show` ends with the last.

    What the run used over time goes with them.
    """
    (lab / "fit.py").write_text(
        "print('token=' + 'gh' + 'p_' + 'a1B2' * 9)\nraise ValueError('odd')\n"
    )
    run = made(call_xvc, 0.5)
    used = UsageKeeper(usage_file(Project.find(lab, dict(os.environ)), RunId(run)))
    for second in range(4):
        used.take(second, ResourceUsage(cpu_seconds=second / 2, peak_memory=5))
    made(call_xvc, 0.5, "--tag", "minor")
    git(lab.parent, "init", "-q", "--bare", "hub.git")
    git(lab, "remote", "add", "origin", str(lab.parent / "hub.git"))
    (lab / "fit.py").write_text("print('fine')\n")
    use_remote(lab, {"url": str(lab.parent / "shelf")})
    git(lab, "add", ".")
    git(lab, "commit", "-qm", "Remote")
    made(call_xvc, 0.5, "--tag", "minor")
    pushed = call_xvc("push", "--runs", "--json")
    again = call_xvc("push", "--runs", "--json")
    clone = lab.parent / "clone"
    branch = git(lab, "branch", "--show-current").strip()
    git(lab.parent, "clone", "-q", "-b", branch, str(lab.parent / "hub.git"), "clone")
    use_remote(clone, {"url": str(lab.parent / "shelf")})
    before = call_xvc("logs", run, cwd=clone)
    pulled = call_xvc("pull", "--runs", cwd=clone)

    told = call_xvc("logs", run, "--json", cwd=clone)
    shown = call_xvc("show", run, "--json", cwd=clone)
    looks = looks_of(Project.find(clone, dict(os.environ)), RunId(run))

    assert [look.cpu_seconds for look in looks] == [0, 0.5, 1, 1.5]
    assert (pushed.code, again.data["refs_total"]) == (0, 0), pushed.err
    assert told.code == 0, (told.out, pulled.out, pulled.err)
    assert before.code != 0
    assert told.data["lines"][-1] == "ValueError: odd"
    assert "a1B2a1B2" not in told.out
    assert (told.data["path"], shown.data["printed"][-1]) == (None, "ValueError: odd")


def test_the_last_lines_of_a_log(lab: Path, call_xvc: Calling) -> None:
    """`--tail` cuts, byte for byte; a finished run has no last words in `show`."""
    (lab / "fit.py").write_text("for n in range(5):\n    print(n)\n")
    made(call_xvc, 0.5)

    assert call_xvc("logs", "--tail", "2").out == "3\n4\n"
    assert call_xvc("logs", "--tail", "0").out == ""
    assert call_xvc("logs").out == "0\n1\n2\n3\n4\n"
    assert "printed" not in call_xvc("show", "--json").data


def test_a_log_is_followed_while_it_grows(tmp_path: Path) -> None:
    """Nothing twice, nothing lost at the joints; what left the middle is said to be missing."""
    path = tmp_path / "a.log"
    log, reader, seen = OutputLog(path, 20), LogReader(path), b""
    for number in range(6):
        log.write(b"line %d\n" % number)
        seen += reader.read()
    log.write(b"x" * 40)
    late = reader.read()

    assert seen == b"".join(b"line %d\n" % number for number in range(6))
    assert b"bytes left out" in late
    assert late.endswith(b"x" * 10)
    assert reader.read() == b""


def test_repeats_come_from_one_run(lab: Path, call_xvc: Calling) -> None:
    """What `@` names when they begin is the parent of all of them, and what they put right."""
    failed = made(call_xvc, 2)
    words = ("--parent", "@", "--fixes", "@", "--idea", "smaller", "--repeat", "2")
    done = call_xvc("run", "--json", *words, "--", "python", "fit.py", "0.{seed}")

    runs = [call_xvc("show", each["run"], "--json").data for each in done.data["repeats"]]

    assert [(run["parent"], run["fixes"]) for run in runs] == [(failed, failed)] * 2


def test_a_brief_says_what_was_decided(lab: Path, call_xvc: Calling) -> None:
    """A discarded idea is told with its reason, so that nobody repeats it."""
    run = made(call_xvc, 0.5)
    call_xvc("discard", run, "--reason", "overfits")

    told, text = call_xvc("brief", "--json").data, call_xvc("brief").out
    (idea,) = told["discarded"]

    assert (idea["run"], idea["why"], told["tried"]) == (run, "overfits", [])
    assert f"discarded {run}: overfits" in text


def test_a_run_that_failed_before_it_wrote_its_output_was_tried(
    lab: Path, call_xvc: Calling
) -> None:
    """It has left no output, and the pointer that another run left is none of its data."""
    (lab / "out.py").write_text(
        "import sys\nif sys.argv[1] == 'bad':\n    raise SystemExit('no such way')\n"
        "open('model.bin', 'w').write(sys.argv[1])\n"
    )
    git(lab, "add", ".")
    git(lab, "commit", "-qm", "out")
    call_xvc(*("run", "--tag", "minor", "--out", "model.bin", "--", "python", "out.py", "good"))
    call_xvc(*("run", "--out", "model.bin", "--", "python", "out.py", "bad"))
    tried = call_xvc("tried", "--json", "--", "python", "out.py", "bad").data

    assert tried["tried"]
    assert tried["same"][0]["status"] == "failed"


def test_a_decision_about_one_repeat_is_told_of_its_idea(lab: Path, call_xvc: Calling) -> None:
    """Of whichever repeat it was said; what is discarded leaves no repeats in the lead unsaid."""
    words = ("--idea", "baseline", "--", "python", "fit.py", "0.8", "--seed")
    runs = [str(call_xvc("run", "--json", *words, seed).data["run"]) for seed in "012"]

    said = call_xvc("discard", runs[2], "--reason", "no better", "--json")
    told = call_xvc("log", "--ideas", "--json").data["ideas"]
    every = call_xvc("discard", *runs, "--json")

    assert [each["decision"] for each in told] == [f"{runs[2]} discarded: no better"]
    (warning,) = said.json["warnings"]
    assert "2 repeats of what is discarded stay ranked" in warning
    assert all(run in warning for run in runs[:2])
    assert every.json["warnings"] == []
