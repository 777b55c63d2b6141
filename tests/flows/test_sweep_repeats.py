"""`xvc sweep --repeat`: each point with several seeds, and a leader that is more than luck."""

from __future__ import annotations

from pathlib import Path

import pytest

from surroundings import Calling, git

_TRAIN = """\
import json, sys, yaml
lr, seed = float(sys.argv[1]), yaml.safe_load(open("params.yaml"))["seed"]
luck = {0.1: [0.0, 0.09], 0.2: [0.05, 0.05], 0.3: [0.01, 0.02]}[lr][seed]
json.dump({"accuracy": 0.8 + luck}, open("metrics.json", "w"))
"""


def test_each_point_is_tried_with_each_seed(project: Path, run_xvc: Calling) -> None:
    """Six trials of three points; the best is by the mean, and the luck of picking is told."""
    (project / "t.py").write_text(_TRAIN)
    (project / "params.yaml").write_text("seed: 7\n")
    git(project, "add", ".")
    git(project, "commit", "-qm", "t")

    done = run_xvc(
        *("sweep", "--param", "lr=0.1,0.2,0.3", "--repeat", "2", "--metric", "accuracy:max"),
        *("--json", "--", "python", "t.py", "{lr}"),
    )
    shown = run_xvc("sweep", "show", "--json").data
    said = run_xvc("sweep", "show", "--no-plots").out
    runs = [trial["run"] for trial in shown["trials"]]
    compared = run_xvc("compare", runs[0], runs[2], "--json").data["verdicts"][0][0]

    assert done.code == 0, done.err + done.out
    assert (done.data["total"], done.data["counts"]["finished"]) == (6, 6)
    assert done.data["best"]["params"] == {"lr": 0.2, "seed": 0}
    assert [t["params"]["lr"] for t in shown["trials"]] == [0.2, 0.2, 0.1, 0.1, 0.3, 0.3]
    leader = shown["leader"]
    assert (leader["trials"], leader["count"], leader["points"]) == ([2, 3], 2, 3)
    assert leader["mean"] == pytest.approx(0.85)
    assert leader["luck"] > leader["lift"]
    assert leader["verdict"]["verdict"] == "within noise"
    assert "by noise alone the best of 3 would" in said
    assert (compared["baseline"]["count"], compared["candidate"]["count"]) == (2, 2)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--repeat", "2", "--param", "seed=1,2"), "seed is a param already"),
        (("--repeat", "2", "--seed-param", "depth"), "no name by which repeats are known"),
        (("--seed-param", "fold"), "goes with repeat"),
        (("--repeat", "0"), "no whole number from 1"),
    ],
)
def test_mistakes_are_named(
    project: Path, call_xvc: Calling, words: tuple[str, ...], says: str
) -> None:
    """What cannot be repeats is refused before anything runs."""
    done = call_xvc(
        *("sweep", "--param", "lr=1,2", "--metric", "a:max", *words, "--json", "--", "true", "{lr}")
    )

    assert done.code == 2
    assert says in done.json["error"]["message"]


def test_random_points_come_with_each_seed(project: Path, call_xvc: Calling) -> None:
    """`--trials` counts points; every one of them has all seeds."""
    done = call_xvc(
        *("sweep", "--param", "lr=0.0..1.0", "--sampler", "random", "--trials", "4"),
        *("--repeat", "3", "--dry-run", "--json", "--", "true", "{lr}", "{seed}"),
    )

    assert done.data["total"] == 12
    assert done.data["command"][-1] == "0"


def test_tpe_learns_the_mean_of_each_point(project: Path, run_xvc: Calling) -> None:
    """The luck of one seed is not the point's: what Optuna hears is what the leader is told by."""
    from optuna import load_study
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    (project / "t.py").write_text(_TRAIN)
    (project / "params.yaml").write_text("seed: 7\n")
    git(project, "add", ".")
    git(project, "commit", "-qm", "t")

    done = run_xvc(
        *("sweep", "--param", "lr=0.1,0.2,0.3", "--repeat", "2", "--metric", "accuracy:max"),
        *("--sampler", "tpe", "--trials", "3", "--json", "--", "python", "t.py", "{lr}"),
    )
    (log,) = (project / ".git" / "xvc").rglob("optuna.log")
    study = load_study(study_name="sweep", storage=JournalStorage(JournalFileBackend(str(log))))
    learnt = {each.params["lr"]: each.value for each in study.trials if each.value is not None}

    assert done.code == 0, done.err + done.out
    assert (done.data["total"], done.data["counts"]["finished"]) == (6, 6)
    assert learnt == pytest.approx({0.1: 0.845, 0.2: 0.85, 0.3: 0.815})
    assert done.data["best"]["params"] == {"lr": 0.2, "seed": 0}


def test_a_hopeless_point_is_given_up_whole(project: Path, run_xvc: Calling) -> None:
    """With --prune the other seeds of a point are not begun once its first one was given up."""
    (project / "steps.py").write_text(
        "import os, time\nfrom xvc import Tracker\n"
        "a, seed = (float(os.environ['XVC_PARAM_' + key]) for key in ('A', 'SEED'))\n"
        "with Tracker() as t:\n"
        "    for step in range(3 if int(os.environ['XVC_TRIAL']) < 10 else 40):\n"
        "        t.log({'Acc': a, 'step': step})\n        time.sleep(0.2)\n"
    )
    words = ("--sampler", "random", "--trials", "6", "--repeat", "2", "--prune", "--seed", "3")

    done = run_xvc(
        *("sweep", "-P", "a=0.0..1.0", *words, "--metric", "Acc:max", "--json"),
        *("--", "python", "steps.py"),
        timeout=250,
    )

    trials = run_xvc("sweep", "show", "--json").data["trials"]
    by_number = {trial["trial"]: trial for trial in trials}
    assert done.code == 0, done.err + done.out
    assert [by_number[n]["state"] for n in range(12)] == [*["finished"] * 10, "pruned", "pruned"]
    assert (by_number[10]["run"] is None, by_number[11]["run"]) == (False, None)
