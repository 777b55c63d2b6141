"""Sweeps, end to end: real runs, real kills, real trees."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from surroundings import Calling, git
from xvc.core.direction import Direction
from xvc.core.sweep import Sampler
from xvc.sweeps.optuna_study import OptunaPoints

SCRIPT = """\
import json, os, sys, time
a = float(os.environ["XVC_PARAM_A"])
with open(os.environ["OUT"], "a") as out:
    out.write(f"begin {os.environ['XVC_TRIAL']}\\n")
time.sleep(float(os.environ.get("NAP", "0")))
json.dump({"accuracy": 1 - (a - 3) ** 2 / 100}, open("metrics.json", "w"))
with open(os.environ["OUT"], "a") as out:
    out.write(f"end {os.environ['XVC_TRIAL']}\\n")
sys.exit(3 if a == 99 else 0)
"""

SEEN = """\
import os, pathlib
files = ["ckpt.txt", "cache/x", "new/y", "model.txt"]
left = [file for file in files if os.path.exists(file)]
left += ["state.txt"] * (open("state.txt").read() != "begun")
print(f"METRIC seen={len(left)}")
for file in (*files, "state.txt"):
    pathlib.Path(file).parent.mkdir(exist_ok=True)
    pathlib.Path(file).write_text(os.environ["XVC_PARAM_A"])
"""


@pytest.fixture
def out(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a script that writes into this file when it begins and when it ends."""
    (project / "trial.py").write_text(SCRIPT)
    place = tmp_path / "out.txt"
    place.touch()
    monkeypatch.setenv("OUT", str(place))
    return place


def finished(run_xvc: Calling) -> Counter[str]:
    """How many runs of each trial have finished."""
    runs = run_xvc("ls", "--limit", "0", "--json").data["runs"]
    return Counter(run["name"] for run in runs if run["status"] == "finished")


def wait_for(claim: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@contextmanager
def sweeping(*words: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A sweep in a process group of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "xvc", "sweep", *words, "--", "python", "trial.py"],
        env={**os.environ, **environment},
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_a_grid_is_swept_in_order(out: Path, run_xvc: Calling) -> None:
    """Every point is a run with its params and metric; the best is known; no tree is left."""
    done = run_xvc(
        *("sweep", "--param", "a=1..4", "--metric", "accuracy:max", "--json"),
        *("--", "python", "trial.py", "{a}"),
    )

    assert done.code == 0, done.err
    assert done.data["counts"]["finished"] == 4
    assert done.data["best"]["params"] == {"a": 3}
    assert done.data["best"]["value"] == 1.0
    shown = run_xvc("sweep", "show", "--json").data
    assert sorted(t["trial"] for t in shown["trials"]) == [0, 1, 2, 3]
    assert {t["trial"]: t["params"]["a"] for t in shown["trials"]} == {0: 1, 1: 2, 2: 3, 3: 4}
    assert shown["trials"][0]["params"] == {"a": 3}
    assert set(finished(run_xvc).values()) == {1}
    assert git(Path.cwd(), "worktree", "list").count("\n") == 0
    run = run_xvc("show", f"{done.data['sweep']}/2", "--json")
    assert run.code == 0, run.err


def test_the_winner_gets_a_version(out: Path, run_xvc: Calling) -> None:
    """`xvc tag` of the best run works as for any run."""
    settings = Path("xvc.yaml")
    settings.write_text(settings.read_text() + "  direction: {accuracy: max}\n")
    git(Path.cwd(), "add", ".")
    git(Path.cwd(), "commit", "-qm", "trial")
    done = run_xvc("sweep", "-P", "a=1,3", "--json", "--", "python", "trial.py")

    tagged = run_xvc("tag", "minor", "--run", "best:accuracy", "--json")

    assert tagged.code == 0, tagged.err + tagged.out
    assert tagged.data["run"] == done.data["best"]["run"]
    message = git(Path.cwd(), "tag", "-l", "--format=%(contents)", tagged.data["version"])
    assert f"Xvc-Sweep: {done.data['sweep']} trial 1 of 2: grid by accuracy over a=1,3" in message


@pytest.mark.parametrize("whole_group", [True, False], ids=["the whole group", "scheduler alone"])
def test_a_killed_sweep_is_completed(out: Path, run_xvc: Calling, whole_group: bool) -> None:
    """SIGKILL half way, then resume: every trial has finished exactly once."""
    trials = 8
    with sweeping("-P", f"a=1..{trials}", "--jobs", "2", NAP="0.1") as process:
        wait_for(lambda: out.read_text().count("end") >= trials // 2)
        if whole_group:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
        process.wait()
    ended = out.read_text().count("end")

    done = run_xvc("sweep", "resume", "--json", timeout=280)

    assert ended < trials
    assert done.code == 0, done.err
    assert done.data["counts"] == {
        **dict.fromkeys(("waiting", "running", "failed", "pruned"), 0),
        "finished": trials,
    }
    counted = finished(run_xvc)
    assert set(counted.values()) == {1}
    assert len(counted) == trials
    if not whole_group:  # the trials that it had started went on, and were waited for
        assert out.read_text().count("begin") == trials
    assert git(Path.cwd(), "worktree", "list").count("\n") == 0


def test_a_failing_trial_stops_no_other(out: Path, run_xvc: Calling) -> None:
    """One fails: the others run, the exit code says so, and only it is tried again."""
    done = run_xvc(
        "sweep", "-P", "a=99,1,2", "--retries", "1", "--json", "--", "python", "trial.py"
    )

    counts = done.data["counts"]
    assert (done.code, counts["failed"], counts["finished"]) == (1, 1, 2)
    assert out.read_text().count("begin 0\n") == 2  # once more, as --retries says
    again = run_xvc("sweep", "retry", "--json")
    assert again.data["counts"] == counts
    assert out.read_text().count("begin 0\n") == 4
    assert out.read_text().count("begin 1\n") == 1


def test_a_sampler_learns_from_a_trial_that_was_retried(out: Path, run_xvc: Calling) -> None:
    """Its value is in the study as the others' are, and counts for what mattered."""
    fails = "sys.exit(os.environ['XVC_TRIAL'] == '2' and 'FIXED' not in os.environ)"
    Path("trial.py").write_text(SCRIPT.replace("sys.exit(3 if a == 99 else 0)", fails))
    words = ("--sampler", "tpe", "--trials", "4", "--metric", "accuracy:max")
    begun = run_xvc("sweep", "-P", "a=0.0..9.0", *words, "--json", "--", "python", "trial.py")

    done = run_xvc("sweep", "retry", "--json", env={"FIXED": "1"})

    shown = run_xvc("sweep", "show", "--json").data
    values = {trial["value"] for trial in shown["trials"]}
    (log,) = Path(".git/xvc/sweeps").glob("*/optuna.log")
    points = OptunaPoints(log, {}, Sampler.RANDOM, Direction.MAX, seed=0, at_once=1)
    assert (begun.code, begun.data["counts"]["failed"]) == (1, 1)
    assert done.data["counts"]["finished"] == 4
    assert shown["importances"] == {"a": 1.0}
    assert {t.value for t in points._study.trials if t.value is not None} == values
    assert len(values) == 4


def test_a_trial_that_takes_too_long_is_stopped(out: Path, run_xvc: Calling) -> None:
    """It counts as failed, and says why."""
    env = {"NAP": "30", "XVC_INTERRUPT__SECONDS": "1"}

    done = run_xvc("sweep", "-P", "a=1", "--timeout", "0.5", "--", "python", "trial.py", env=env)

    assert done.code == 1
    trial = run_xvc("sweep", "show", "--json").data["trials"][0]
    assert trial["state"] == "failed"
    assert "timed" in trial["reason"]


def test_edits_do_not_reach_trials(out: Path, project: Path, run_xvc: Calling) -> None:
    """What is changed during a sweep is not in it; what was changed before it is."""
    with sweeping("-P", "a=1..4", NAP="0.5") as process:
        wait_for(lambda: "begin 0" in out.read_text())
        (project / "trial.py").write_text("raise SystemExit(9)")
        code = process.wait(timeout=60)

    assert code == 0
    runs = run_xvc("ls", "--json").data["runs"]
    assert [run["status"] for run in runs] == ["finished"] * 4
    snapshots = {run_xvc("show", run["id"], "--json").out.count("raise") for run in runs}
    assert snapshots == {0}


def test_a_sweep_is_stopped_from_outside(out: Path, run_xvc: Calling) -> None:
    """`xvc sweep stop` ends it well, `resume` runs the rest."""
    with sweeping("-P", "a=1..6", NAP="0.4") as process:
        wait_for(lambda: "end 0" in out.read_text())
        stopped = run_xvc("sweep", "stop", "--json")
        code = process.wait(timeout=60)

    assert stopped.code == 0, stopped.err
    assert stopped.data["state"] == "stopped"
    assert stopped.data["counts"]["running"] == 0
    assert 1 <= stopped.data["counts"]["finished"] < 6
    assert code == 130
    assert run_xvc("sweep", "status", "--json").data["state"] == "stopped"
    done = run_xvc("sweep", "resume", "--json")
    assert done.data["counts"]["finished"] == 6
    assert set(finished(run_xvc).values()) == {1}


def test_an_interrupted_sweep_ends_well(out: Path, run_xvc: Calling) -> None:
    """A TERM to the scheduler ends the running trial; it waits to be run again, in `brief`, too."""
    with sweeping("-P", "a=1,2", NAP="5") as process:
        wait_for(lambda: "begin 0" in out.read_text())
        process.terminate()
        code = process.wait(timeout=60)

    status = run_xvc("sweep", "status", "--json").data
    (told,) = run_xvc("brief", "--json").data["sweeps"]
    assert code == 130
    assert status["state"] == "stopped"
    assert status["counts"]["waiting"] == 2
    assert {state: told[state] for state in status["counts"]} == status["counts"]


def test_a_sweep_is_not_driven_twice(out: Path, run_xvc: Calling) -> None:
    """While one process drives it, `resume` says that it is busy."""
    with sweeping("-P", "a=1,2", NAP="20"):
        wait_for(lambda: "begin 0" in out.read_text())
        refused = run_xvc("sweep", "resume", "--json")
        status = run_xvc("sweep", "status", "--json").data

    assert refused.code == 5
    assert refused.json["error"]["code"] == "lock-busy"
    assert status["state"] == "running"
    assert [trial["trial"] for trial in status["running"]] == [0]


def test_refs_are_swept_in_trees_of_their_own(out: Path, project: Path, run_xvc: Calling) -> None:
    """Each trial has the code of its ref, whatever the tree holds; two at once do not meet."""
    git(project, "add", ".")
    git(project, "commit", "-qm", "one")
    git(project, "branch", "one")
    (project / "trial.py").write_text(SCRIPT.replace("(a - 3)", "(a - 7)"))
    git(project, "commit", "-qam", "two")

    done = run_xvc(
        *("sweep", "--ref", "one,main", "-P", "a=3,7", "-j", "2", "--metric", "accuracy"),
        *("--json", "--", "python", "trial.py"),
    )

    assert done.code == 0, done.err
    trials = run_xvc("sweep", "show", "--json").data["trials"]
    best = {(t["params"]["ref"], t["params"]["a"]) for t in trials if t["value"] == 1.0}
    assert best == {("one", 3), ("main", 7)}
    assert git(project, "worktree", "list").count("\n") == 0


def test_slots_have_gpus_and_ports(project: Path, run_xvc: Calling) -> None:
    """Two at once see different GPUs and ports; jobs are as many as GPUs."""
    (project / "slot.py").write_text(
        "import os, time; time.sleep(1)\n"
        "print('METRIC gpu=' + os.environ['CUDA_VISIBLE_DEVICES'])\n"
        "print('METRIC port=' + os.environ['XVC_PORT'])\n"
    )

    done = run_xvc(
        "sweep", "-P", "a=1,2", "--gpus", "4,6", "--capture", "--", "python", "slot.py", "{a}"
    )

    assert done.code == 0, done.err
    metrics = [run["metrics"] for run in run_xvc("ls", "--json").data["runs"]]
    assert {each["gpu"] for each in metrics} == {4, 6}
    assert len({each["port"] for each in metrics}) == 2


@pytest.mark.sweep
def test_tpe_learns(out: Path, run_xvc: Calling) -> None:
    """After some trials the best is better than the first, and the same seed chose the same."""
    words = ("--sampler", "tpe", "--trials", "12", "--metric", "accuracy:max", "--seed", "1")

    done = run_xvc(
        *("sweep", "-P", "a=-40.0..40.0", *words, "--json", "--", "python", "trial.py"),
        timeout=200,
    )

    assert done.code == 0, done.err
    trials = {t["trial"]: t for t in run_xvc("sweep", "show", "--json").data["trials"]}
    assert len(trials) == 12
    assert done.data["best"]["value"] > trials[0]["value"]


def test_a_tracker_of_the_own_store_joins_its_trial(project: Path, run_xvc: Calling) -> None:
    """A program that names the store of its tree logs into the trial, where the sweep began."""
    (project / "own.py").write_text(
        "from xvc import Tracker\n"
        "with Tracker('results/experiments.duckdb') as t:\n    t.log({'acc': 0.5})\n"
    )

    run_xvc("sweep", "-P", "a=1", "--", "python", "own.py", "{a}")

    (run,) = run_xvc("ls", "--json").data["runs"]
    assert run["metrics"] == {"acc": 0.5}
    assert run["worktree"] == "main"


def test_a_sweep_needs_git(tmp_path: Path, run_xvc: Calling) -> None:
    """Outside a repository there is no code to keep for the trials."""
    refused = run_xvc("sweep", "-P", "a=1", "--json", "--", "true", cwd=tmp_path)

    assert refused.code == 1
    assert refused.json["error"]["code"] == "no-project"


def test_a_file_is_checked_as_a_whole(project: Path, run_xvc: Calling) -> None:
    """All its mistakes are in one answer, and nothing is begun."""
    (project / "s.yaml").write_text("params: {lr: 9..2}\nsampler: gird\njobs: no\n")

    refused = run_xvc("sweep", "--file", "s.yaml", "--json")

    said: Any = refused.json["error"]
    assert (refused.code, said["code"]) == (2, "bad-sweep")
    for word in ("lr", "sampler", "jobs", "command"):
        assert word in said["message"]
    assert run_xvc("sweep", "status").code == 1


def test_a_sweep_is_read_from_a_file(out: Path, project: Path, run_xvc: Calling) -> None:
    """The file says all of it; the command line wins."""
    (project / "s.yaml").write_text(
        "params:\n  a: [1, 2, 3]\ncommand: python trial.py\njobs: 2\nmetric: accuracy:max\n"
    )

    done = run_xvc("sweep", "-f", "s.yaml", "--trials", "2", "--json")

    assert done.code == 0, done.err
    assert done.data["counts"]["finished"] == 2
    assert done.data["best"]["params"] == {"a": 2}


@pytest.mark.sweep
def test_hopeless_trials_are_given_up(project: Path, run_xvc: Calling) -> None:
    """With --prune a trial that is worse than the median at its step ends early, and says so."""
    (project / "steps.py").write_text(
        "import os, time\nfrom xvc import Tracker\na = float(os.environ['XVC_PARAM_A'])\n"
        "with Tracker() as t:\n"
        "    for step in range(4 if int(os.environ['XVC_TRIAL']) < 5 else 50):\n"
        "        t.log({'Acc': a, 'step': step})\n        time.sleep(0.2)\n"
    )
    words = ("--sampler", "random", "--trials", "8", "--metric", "Acc:max", "--prune")

    done = run_xvc(
        *("sweep", "-P", "a=0.0..1.0", *words, "--seed", "3", "--json"),
        *("--", "python", "steps.py"),
        timeout=200,
    )

    trials = run_xvc("sweep", "show", "--json").data["trials"]
    given_up = [trial for trial in trials if trial["state"] == "pruned"]
    median = sorted(trial["value"] for trial in trials if trial["trial"] < 5)[2]
    assert done.code == 0, done.err
    assert given_up
    assert all(trial["trial"] >= 5 and trial["value"] < median for trial in given_up)
    assert done.data["best"]["value"] >= median


def test_a_trial_sees_no_file_of_another(project: Path, run_xvc: Calling) -> None:
    """Ignored, untracked and tracked files, folders and outputs: each trial begins without them."""
    (project / ".gitignore").write_text("metrics.json\nckpt.txt\ncache/\n")
    (project / "state.txt").write_text("begun")
    (project / "model.txt").write_text("left by hand\n")
    (project / "seen.py").write_text(SEEN)
    git(project, "add", "seen.py", "state.txt", ".gitignore")
    git(project, "commit", "-qm", "code")

    done = run_xvc(
        *("sweep", "-P", "a=1..4", "-j", "2", "--capture", "--out", "model.txt"),
        *("--metric", "seen:min", "--json", "--", "python", "seen.py"),
    )

    assert done.code == 0, done.err
    trials = run_xvc("sweep", "show", "--json").data["trials"]
    assert [trial["value"] for trial in trials] == [0, 0, 0, 0]
    for trial in trials:
        run_xvc("get", trial["run"], "model.txt", "-o", f"../got{trial['trial']}")
        assert (project.parent / f"got{trial['trial']}").read_text() == str(trial["params"]["a"])


def test_what_a_run_has_left_is_no_data_that_trials_lack(project: Path, call_xvc: Calling) -> None:
    """An ignored model or output of an earlier run is not named; what no run left is."""
    (project / ".gitignore").write_text("*.bin\nleft/\nraw/\n")
    git(project, "add", ".gitignore")
    git(project, "commit", "-qm", "rules")
    for name in ("raw", "left"):
        (project / name).mkdir()
    (project / "raw" / "x.csv").write_text("1")
    (project / "more.bin").write_text("1")
    script = "[open(p, 'w').write(p) for p in ('m.bin', 'left/n.bin', 'o.bin')]"
    left = ("--model", "m.bin:m", "--model", "left/n.bin:n", "--out", "o.bin")
    assert call_xvc("run", *left, "--", "python", "-c", script).code == 0

    words = (
        "sweep",
        "--dry-run",
        "-P",
        "a=1,2",
        "--json",
        "--",
        "python",
        "train.py",
        "--lr",
        "{a}",
    )
    told = call_xvc(*words).json["warnings"]

    assert [each.partition(",")[0] for each in told] == ["trials have no more.bin"]
    assert "more.bin, raw/, which git ignores" in told[0]


YAML_SCRIPT = """\
import yaml
from xvc import Tracker
params = yaml.safe_load(open("params.yaml"))["train"]
Tracker().log({"lr_used": params["lr"], "epochs_used": params["epochs"]})
"""


def test_what_looks_like_a_path_and_cannot_be_looked_at_hinders_no_sweep(
    project: Path, tmp_path: Path, call_xvc: Calling
) -> None:
    """The text of a picture has parts of any length; links may lead in a circle."""
    (tmp_path / "circle").symlink_to("circle")
    names = ("/" + "9j" * 200 + "/AAQ/Z", str(tmp_path / "circle" / "a" / "b"), "/a\0b/c")
    (project / "step.py").write_text("".join(f'"{name}"\n' for name in names[:2]) + "print(1)\n")
    (project / "odd.sh").write_text(f'python step.py "$@" # "{names[2]}"\n')

    done = call_xvc("sweep", "--json", "-P", "a=1,2", "--", "sh", "odd.sh", "{a}", *names[:1])

    assert done.code == 0, done.err


def test_a_file_outside_of_the_trees_that_trials_wrote_is_named(
    project: Path, tmp_path: Path, call_xvc: Calling
) -> None:
    """A path in the code, or in a word of the command; what nobody changed is not named."""
    for name in ("checkpoint", "log", "data"):
        (tmp_path / name).write_text("0")
    (project / "step.py").write_text(
        f"import sys\nopen({str(tmp_path / 'data')!r}).read()\n"
        f"open({str(tmp_path / 'checkpoint')!r}, 'a').write('1')\n"
        "open(sys.argv[1].partition('=')[2], 'a').write(sys.argv[2])\n"
    )
    words = ("python", "step.py", f"--log={tmp_path / 'log'}", "{a}")
    done = call_xvc("sweep", "--json", "-P", "a=1,2", "--", *words)

    told = [text for text in done.json["warnings"] if "outside of their trees" in text]
    assert len(told) == 1
    assert f"{tmp_path / 'checkpoint'}, {tmp_path / 'log'}. " in told[0]


def test_a_param_of_a_file_is_set_in_the_file(project: Path, run_xvc: Calling) -> None:
    """What a trial records is what its script read; the file is kept with it, else unchanged."""
    text = "# by hand\ntrain:\n  lr: 0.1   # slow\n  epochs: 0x10\n"
    (project / "params.yaml").write_text(text)
    (project / "train.py").write_text(YAML_SCRIPT)
    git(project, "add", ".")
    git(project, "commit", "-qm", "params")

    refused = run_xvc("run", "-P", "train.lr=0.3", "--json", "--", "python", "train.py")
    done = run_xvc(
        *("sweep", "-P", "train.lr=0.10,0.2", "--metric", "lr_used:max", "--json"),
        *("--", "python", "train.py"),
    )
    edited = run_xvc("run", "-P", "train.lr=0.3", "--params-edit", "--", "python", "train.py")

    assert (refused.code, refused.json["error"]["code"]) == (2, "param-in-file")
    assert done.code == 0, done.err
    for trial in run_xvc("sweep", "show", "--json").data["trials"]:
        run = run_xvc("show", trial["run"], "--json").data
        assert run["params"]["train.lr"] == run["metrics"]["lr_used"] == trial["value"]
        assert run["metrics"]["epochs_used"] == 16
        run_xvc("get", trial["run"], "params.yaml", "-o", f"../got{trial['trial']}")
        typed = "0.10" if trial["trial"] == 0 else "0.2"
        got = (project.parent / f"got{trial['trial']}").read_text()
        assert got == text.replace("0.1", typed)
    assert edited.code == 0, edited.err
    assert (project / "params.yaml").read_text() == text.replace("0.1", "0.3")
    assert run_xvc("show", "@", "--json").data["params"]["train.lr"] == 0.3


ASKING = """\
from xvc import Tracker
tracker = Tracker(params={"lr": 0.1, "wd": 0.5})
params = {**tracker.params} if "ALL" in __import__("os").environ else {"lr": tracker.params["lr"]}
tracker.log({"lr_used": params["lr"], "wd_used": params.get("wd", 0.5)})
"""


def test_a_tracker_gives_what_was_asked_for(project: Path, run_xvc: Calling) -> None:
    """Reading `params` is using them: only what was read is the run's; the rest is named."""
    (project / "ask.py").write_text(ASKING)
    words = ("-P", "lr=0.7", "-P", "wd=0.9", "--json", "--", "python", "ask.py")

    one = run_xvc("run", *words)
    both = run_xvc("run", *words, env={"ALL": "1"})
    swept = run_xvc("sweep", "-P", "lr=0.7,0.8", "--json", "--", "python", "ask.py")
    stopped = run_xvc("sweep", "-P", "wd=0.7,0.8,0.9", "--json", "--", "python", "ask.py")

    assert one.data["params"] == {"lr": 0.7, "wd": 0.5}
    assert one.data["metrics"] == {"lr_used": 0.7, "wd_used": 0.5}
    assert one.json["warnings"] == ["wd: 0.9 was asked for, and the process used 0.5"]
    assert both.data["params"] == {"lr": 0.7, "wd": 0.9}
    assert both.json["warnings"] == []
    assert swept.data["counts"]["finished"] == 2
    assert (stopped.code, stopped.data["counts"]["waiting"]) == (1, 2)
    assert "wd: 0.7 was asked for, and the process used 0.5" in stopped.json["warnings"][-1]


def test_a_param_asked_for_with_dashes_is_what_the_script_used(
    project: Path, call_xvc: Calling
) -> None:
    """A script that calls it ``max_steps`` reports on ``max-steps``, and a difference is named."""
    (project / "steps.py").write_text(
        "from xvc import Tracker\nTracker(params={'max_steps': 1}).log({'loss': 1.0})\n"
    )
    done = call_xvc("run", "--json", "-P", "max-steps=4", "--", "python", "steps.py")
    shown = call_xvc("show", done.data["run"], "--json").data

    assert "max-steps: 4 was asked for, and the process used 1" in " ".join(done.json["warnings"])
    assert shown["params"]["max-steps"] == 1
    assert set(shown["metrics"]) == {"loss"}


def test_a_param_that_reaches_nothing_is_refused(project: Path, run_xvc: Calling) -> None:
    """Before the first trial where the code can be looked at, else the first trial fails."""
    known = run_xvc("sweep", "-P", "a=1,2", "--json", "--", "python", "train.py")
    misspelt = ("sh", "-c", "echo $XVC_PARAM_AA")
    unknown = run_xvc("sweep", "-P", "a=1..5", "--json", "--", *misspelt)
    named = run_xvc("sweep", "-P", "a=1,2", "--json", "--", "sh", "-c", "echo $XVC_PARAM_A")
    alone = run_xvc("run", "-P", "a=1", "--json", "--", "true")
    twice = run_xvc("run", "-P", "a=1", "-P", "a=2", "--json", "--", "true")
    beside = run_xvc("run", "-P", "lr=1", "--json", "--", "python", "train.py", "--lr", "2")

    assert (known.code, known.json["error"]["code"]) == (2, "bad-sweep")
    assert (unknown.code, unknown.data["counts"]["waiting"]) == (1, 4)
    assert "nothing has taken it up" in unknown.json["warnings"][-1]
    assert named.code == 0, named.out
    assert "nothing has taken it up" in alone.json["warnings"][0]
    assert twice.code == beside.code == 2


@pytest.mark.parametrize(
    ("options", "command"),
    [
        ("--style flags", ["sh", "-c", "python opts.py"]),
        ("--style flags", ["sh", "-c", 'python opts.py "$@"']),
        ("--style flags", ["bash", "opts.sh"]),
        ("", ["sh", "-c", "python opts.py", "x", "--lr", "{lr}"]),
        ("", ["./opts.sh", "--lr={lr}"]),
        ("", ["python", "opts.py", "--lr", "0.5"]),
        ("--style none", ["python", "opts.py", "--lr=0.3"]),
    ],
)
def test_a_param_that_stops_on_its_way_is_refused(
    project: Path, call_xvc: Calling, options: str, command: list[str]
) -> None:
    """A shell that hands no words on, or the command itself: known before the first trial."""
    (project / "params.yaml").write_text("lr: 0.1\n")
    (project / "opts.py").write_text("import sys; print(sys.argv)")
    (project / "opts.sh").write_text("#!/bin/bash\npython opts.py\n")
    (project / "opts.sh").chmod(0o755)
    refused = call_xvc("sweep", "-P", "lr=0.3,0.4", *options.split(), "--json", "--", *command)

    assert refused.code == 2
    assert refused.json["error"]["code"] == "bad-sweep"
    assert "lr" in refused.json["error"]["message"]


@pytest.mark.parametrize(
    ("options", "command"),
    [
        ("", ["sh", "-c", "python opts.py --lr {lr}"]),
        ("--style flags", ["sh", "-c", 'python opts.py "$@"', "sh"]),
        ("--style flags", ["bash", "opts.sh"]),
    ],
)
def test_a_param_that_a_shell_hands_on(
    project: Path, call_xvc: Calling, options: str, command: list[str]
) -> None:
    """Each trial has its value, and no other is on record."""
    code = "import json, sys; json.dump({'used': float(sys.argv[2])}, open('metrics.json', 'w'))"
    (project / "opts.py").write_text(code)
    (project / "opts.sh").write_text('python opts.py "$@"\n')
    git(project, "add", "-A")
    git(project, "commit", "-qm", "code")
    call_xvc("sweep", "-P", "lr=0.3,0.4", *options.split(), "--", *command)
    runs = call_xvc("ls", "--json").data["runs"]

    assert sorted((run["params"]["lr"], run["metrics"]["used"]) for run in runs) == [
        (0.3, 0.3),
        (0.4, 0.4),
    ]


def test_words_that_a_shell_drops_are_no_params(project: Path, call_xvc: Calling) -> None:
    """Of a run, too, with `{lr}` in them or not."""
    (project / "opts.sh").write_text("echo\n")
    call_xvc("run", "--", "bash", "opts.sh", "--n", "4")
    plain = call_xvc("show", "--json", "@").data
    ran = call_xvc("run", "-P", "lr=3", "--", "sh", "-c", "echo", "x", "--lr", "{lr}")

    assert "n" not in plain.get("params", {})
    assert "lr: nothing has taken it up" in ran.err


def test_a_param_of_a_file_that_no_setting_names(project: Path, call_xvc: Calling) -> None:
    """It is refused beside what the file says, with the setting by which it is set there."""
    (project / "config.json").write_text('{"opt": {"rate": 0.1, "steps": 3}}')
    (project / "fit.py").write_text(
        "import json; print(json.load(open('config.json'))['opt']['rate'])"
    )
    command = ("--json", "--", "python", "fit.py")
    run = call_xvc("run", "-P", "opt.rate=0.3", *command)
    same = call_xvc("run", "-P", "opt.rate=0.10", *command)
    other = call_xvc("run", "-P", "opt.rat=0.3", *command)
    sweep = call_xvc("sweep", "-P", "opt.rate=0.2,0.3", *command)
    (project / "xvc.yaml").write_text("params: {files: [config.json]}")
    swept = call_xvc("sweep", "-P", "opt.rate=0.2,0.3", "--dry-run", *command)

    assert run.json["error"]["code"] == "param-undeclared"
    assert "config.json says 0.1" in run.json["error"]["message"]
    assert "`params: {files: [config.json]}` in xvc.yaml" in run.json["error"]["hint"]
    assert same.code == 0
    assert "nothing has taken it up" in other.json["warnings"][0]
    assert "`params: {files: [config.json]}`" in sweep.json["error"]["message"]
    assert swept.code == 0


def test_only_what_is_wrong_is_said_of_a_sweep(project: Path, call_xvc: Calling) -> None:
    """A value that cannot be read is no reason to say that its param is none."""
    done = call_xvc("sweep", "-P", "v=null,~", "--json", "--", "echo", "{v}")

    assert done.json["error"]["message"] == "v: null and ~ are one value"


def test_a_plan_says_what_would_be_tried(project: Path, run_xvc: Calling) -> None:
    """The space with what its ranges mean, the first command; nothing is written down."""
    words = ("-P", "lr=0..1", "-P", "x=0.10,0.2", "--dry-run", "--", "t.py", "{lr}", "{x}")

    plan = run_xvc("sweep", "--json", *words)
    said = run_xvc("sweep", *words)

    assert plan.data["total"] == 4
    assert plan.data["means"] == {"lr": "whole numbers"}
    assert plan.data["command"] == ["t.py", "0", "0.10"]
    assert "lr=0..1 (whole numbers), x=0.10,0.2" in said.out
    assert run_xvc("sweep", "status").code == 1


def test_a_params_file_of_any_size_is_recorded(project: Path, run_xvc: Calling) -> None:
    """What is large goes by a file: the command starts, and gets what was asked for."""
    ids = [f"sample_{number:06d}" for number in range(12_000)]
    (project / "params.json").write_text("{}")
    (project / "params.yaml").write_text("lr: 0.1\nids:\n" + "".join(f"- {i}\n" for i in ids))

    done = run_xvc("run", "--json", "--", "python", "train.py")
    broken = project / "params.yaml"
    broken.write_text("a: &a\n  b: *a\nlr: 0.1\n" + broken.read_text().partition("\n")[2])
    again = run_xvc("run", "--json", "--", "python", "train.py")

    assert done.code == 0, done.err
    assert done.data["params"]["ids"] == ids
    assert again.code == 0, again.err
    assert again.data["params"]["lr"] == 0.1
    assert "a left out" in again.json["warnings"][0]


def test_a_sweep_outlives_the_tree_that_it_ran_in(project: Path, call_xvc: Calling) -> None:
    """Merged and removed, its trials are runs of the project: it is finished, not lost."""
    made = call_xvc("worktree", "add", "s", "--json").data
    there = Path(made["path"])
    words = ("sweep", "--param", "lr=0.1,0.2", "--metric", "accuracy:max")
    call_xvc(*words, "--", "python", "train.py", "--lr", "{lr}", cwd=there)
    call_xvc("tag", "minor", "--run", "best:accuracy", cwd=there)
    call_xvc("worktree", "merge", "s")
    call_xvc("worktree", "remove", "s", "--yes")

    shown = call_xvc("sweep", "show", "--json")
    resumed = call_xvc("sweep", "resume")

    assert not there.exists()
    assert [trial["state"] for trial in shown.data["trials"]] == ["finished", "finished"]
    assert resumed.code == 0
    assert not there.exists()


def test_a_param_of_a_python_file_is_set_in_it(project: Path, call_xvc: Calling) -> None:
    """A pipeline whose params are in params.py records them, and a sweep sets them there."""
    (project / "params.py").write_text("LR = 0.1\nclass Train:\n    EPOCHS = 3\n")
    (project / "fit.py").write_text(
        "import json, params\njson.dump({'acc': params.LR}, open('m.json', 'w'))\n"
    )
    (project / "dvc.yaml").write_text(
        "stages:\n  fit:\n    cmd: python fit.py\n    params:\n      - params.py:\n"
        "        - LR\n        - Train.EPOCHS\n    metrics:\n      - m.json: {cache: false}\n"
    )
    git(project, "add", "-A")
    git(project, "commit", "-qm", "params in Python")
    call_xvc("run", "--", "dvc", "repro", "-q")
    refused = call_xvc("run", "-P", "LR=0.5", "--", "dvc", "repro", "-q")

    words = ("sweep", "-P", "LR=0.2,3e-1", "--metric", "acc:max", "--json")
    swept = call_xvc(*words, "--", "dvc", "repro", "-q")

    assert call_xvc("show", "@-2", "--json").data["params"] == {"LR": 0.1, "Train.EPOCHS": 3}
    assert "params.py says 0.1" in refused.err
    assert swept.code == 0, swept.err
    assert swept.data["best"]["value"] == 0.3
