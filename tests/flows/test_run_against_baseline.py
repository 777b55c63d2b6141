"""`xvc run --repeat N --against REF`: a candidate and a baseline run in turn, pairs judged."""

from __future__ import annotations

from pathlib import Path

import pytest

from surroundings import Begun, Calling, dvc, git

_TRAIN = """\
import json, os, sys
seed = int(sys.argv[sys.argv.index("--seed") + 1])
lr = float(os.environ.get("XVC_PARAM_LR", "0"))
size = len(open("data.txt").read())
json.dump({"accuracy": 0.5 + lr + seed / 100 + size / 1000}, open("metrics.json", "w"))
"""
SEEDED = ("--", "python", "train.py", "--seed", "{seed}")


@pytest.fixture
def train(project: Path, call_xvc: Calling, begun: Begun) -> Path:
    """A project with data of DVC's and a version e0.1.0, whose seed was 7 and whose lr 0.2."""

    def version() -> None:
        (project / "train.py").write_text(_TRAIN)
        (project / "data.txt").write_text("ten bytes\n")
        dvc(project, "add", "-q", "data.txt")
        git(project, "add", ".")
        git(project, "commit", "-qm", "train")
        words = ("--tag", "minor", "-P", "lr=0.2", "--", "python", "train.py", "--seed", "7")
        done = call_xvc("run", *words)
        assert done.code == 0, done.err

    begun(project, version)
    return project


def accuracies(runs: list[dict[str, dict[str, float]]]) -> list[float]:
    return [round(run["metrics"]["accuracy"], 4) for run in runs]


def test_both_sides_run_in_turn_each_as_it_is(train: Path, call_xvc: Calling) -> None:
    """The baseline has its code, data and params, the candidate those of here; pairs are judged."""
    (train / "train.py").write_text(_TRAIN.replace("0.5 +", "0.6 +"))
    (train / "data.txt").unlink()
    (train / "data.txt").write_text("ten bytes\nand ten more\n")
    before = git(train, "status", "--porcelain", "--untracked-files=all", "--", "train.py")

    done = call_xvc(
        *(
            "run",
            "--repeat",
            "2",
            "--against",
            "e0.1.0",
            "--tag",
            "minor",
            "--incomplete",
            "--json",
        ),
        *("-P", "lr=0.3", *SEEDED),
    )

    assert done.code == 0, done.err + done.out
    assert accuracies(done.data["baseline"]) == [0.71, 0.72]  # 0.5 + 0.2 + 10 bytes
    assert accuracies(done.data["candidate"]) == [0.923, 0.933]  # 0.6 + 0.3 + 23 bytes
    (verdict,) = done.data["verdicts"]
    assert (verdict["verdict"], verdict["method"]) == ("better", "paired t")
    assert verdict["difference"] == pytest.approx(0.213)
    assert [each["version"] for each in done.data["candidate"]] == ["e0.2.0", "e0.2.1"]
    listed = call_xvc("ls", "--json").data["runs"]
    begun = [run["id"] for run in sorted(listed, key=lambda run: run["started"])][1:]
    old, new = ([each["run"] for each in done.data[s]] for s in ("baseline", "candidate"))
    assert begun == [old[0], new[0], new[1], old[1]]
    assert git(train, "worktree", "list").count("\n") == 0
    after = git(train, "status", "--porcelain", "--untracked-files=all", "--", "train.py")
    assert (before, (train / "train.py").read_text()) == (after, _TRAIN.replace("0.5 +", "0.6 +"))
    parent = call_xvc("show", old[0], "--json").data["parent"]
    assert parent == done.data["baseline_run"]


def test_a_commit_without_a_run_and_a_measured_time(project: Path, call_xvc: Calling) -> None:
    """The command of here runs with the commit's code; `repeat` numbers what nothing takes up."""
    (project / "bench.py").write_text("print('seconds: 0.5')\n")
    git(project, "add", ".")
    git(project, "commit", "-qm", "bench")
    (project / "bench.py").write_text("print('seconds: 0.25')\n")
    words = ("run", "--repeat", "2", "--seed-param", "repeat", "--against", "main")

    done = call_xvc(*words, "--capture", "--json", "--", "python", "bench.py")
    timed = call_xvc(*words[:2], "1", *words[3:], "--json", "--", "true")

    assert done.code == 0, done.err + done.out
    assert done.data["baseline_run"] is None
    assert done.json["warnings"] == []
    assert [run["metrics"]["seconds"] for run in done.data["baseline"]] == [0.5, 0.5]
    (verdict,) = done.data["verdicts"]
    assert (verdict["metric"], verdict["verdict"]) == ("seconds", "lower")
    (alone,) = timed.data["verdicts"]
    assert (alone["metric"], alone["verdict"]) == ("seconds of the run", "not enough runs")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--against", "e0.1.0", *SEEDED), "it needs --repeat"),
        (("--repeat", "2", "--no-fold", "--against", "e0.1.0", *SEEDED), "none of --record-in"),
        (("--repeat", "2", "--against", "nobody", *SEEDED), "no run answers to"),
        (("--repeat", "2", "--against", "e0.1.0", "--", "python", "train.py"), "nothing takes"),
        (("--repeat", "2", "--against", "e0.1.0", "--", "python", "{here}"), "on both sides"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    train: Path, call_xvc: Calling, words: tuple[str, ...], says: str
) -> None:
    """Nothing runs, and the message names what is missing."""
    whole = str(train / "train.py")
    named = [whole if word == "{here}" else word for word in words]
    if whole in named:
        named += ["--seed", "{seed}"]

    done = call_xvc("run", "--json", *named)

    assert done.code in (1, 2)
    assert says in done.json["error"]["message"]
    assert call_xvc("ls", "--json").data["total"] == 1


def test_a_side_that_fails_is_said_and_not_judged(train: Path, call_xvc: Calling) -> None:
    """A baseline without a seed ends all with the reason; a candidate that fails leaves no pair."""
    call_xvc("run", "--name", "alone", "--", "python", "-c", "print(1)")
    seedless = call_xvc("run", "--repeat", "2", "--against", "alone", "--json", *SEEDED)
    (train / "train.py").write_text("raise SystemExit(5)\n")
    failing = call_xvc("run", "--repeat", "1", "--against", "e0.1.0", "--json", *SEEDED)

    assert (seedless.code, seedless.data["stopped"], seedless.data["pairs"]) == (1, True, 0)
    assert any("nothing has taken it up" in each for each in seedless.json["warnings"])
    assert (failing.code, failing.data["pairs"], failing.data["verdicts"]) == (5, 0, [])
    assert any(".worktreeinclude" in each for each in failing.json["warnings"])
