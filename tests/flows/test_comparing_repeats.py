"""`xvc compare` and `xvc gate` of runs with repeats: noise is not called better."""

from __future__ import annotations

from pathlib import Path

import pytest

from surroundings import Calling, git
from xvc.core.human_units import number

_TRAIN = """\
import sys
lr, seed = float(sys.argv[1]), int(sys.argv[3])
noise = [0.001, -0.012, 0.009, 0.004][seed]
gain = 0.03 if lr > 0.2 else 0.0
print(f"accuracy: {0.8 + noise + gain + 0.002 * ((seed + lr * 20) % 3 - 1):.4f}")
"""


def test_repeats_are_found_and_weighed(project: Path, call_xvc: Calling) -> None:
    """Any run stands for its repeats; a gain is better, a flutter is noise, one run is too few."""
    (project / "train.py").write_text(_TRAIN)
    git(project, "add", "train.py")
    git(project, "commit", "-qm", "train")
    for lr, seeds in (("0.1", 3), ("0.3", 3), ("0.15", 3), ("0.2", 1)):
        for seed in range(seeds):
            words = ("python", "train.py", lr, "--seed", str(seed))
            tag = ("--tag", "minor") if seed == seeds - 1 else ()
            done = call_xvc("run", "--capture", *tag, "--", *words)
            assert done.code == 0, done.err

    every = call_xvc("compare", "e0.1.0", "e0.2.0", "e0.3.0", "e0.4.0", "--json").data
    shown = call_xvc("compare", "e0.1.0", "e0.2.0", "e0.3.0", "e0.4.0")
    alike = call_xvc("compare", "@-9", "@-8", "--json")
    gates = {
        version: call_xvc(
            *("gate", version, "--metric", "accuracy", "--vs", "e0.1.0", "--noise"),
            *("--markdown", "gate.md", "--json"),
        )
        for version in ("e0.2.0", "e0.3.0", "e0.4.0")
    }
    absent = call_xvc("gate", "--metric", "nope", "--min", "0", "--json")
    empty = call_xvc("gate", "--metric", "accuracy:max", "--vs", "production", "--json")

    told = [[row["verdict"] for row in rows] for rows in every["verdicts"]]
    assert told == [["better"], ["within noise"], ["not enough runs"]]
    first = every["verdicts"][0][0]
    assert (first["method"], first["baseline"]["count"], first["candidate"]["count"]) == (
        "paired t",
        3,
        3,
    )
    assert first["difference"] == pytest.approx(0.03, abs=0.005)
    assert "(n=3)" in shown.out
    assert every["commands"][1] == "python train.py 0.3 --seed 2"
    assert every["commands"][1] in shown.out
    assert alike.data["verdicts"] == [[]]
    assert any("repeat" in warning for warning in alike.json["warnings"])
    assert [each.code for each in gates.values()] == [0, 3, 3]
    assert [each.data["met"] for each in gates.values()] == [True, False, False]
    assert "not enough runs" in (project / "gate.md").read_text()
    assert (absent.code, empty.code) == (3, 0)
    assert call_xvc("gate", "--min", "1", "--json").json["error"]["code"] == "bad-value"


def test_what_xvc_writes_is_no_other_code(project: Path, call_xvc: Calling) -> None:
    """A promotion and a changed setting between two runs leave them repeats; a stage does not."""
    (project / "train.py").write_text(_TRAIN + "open('net.txt', 'w').write('x')\n")
    git(project, "add", "train.py")
    git(project, "commit", "-qm", "train")
    model = ("--capture", "--model", "net.txt:net", "--", "python", "train.py", "0.1", "--seed")
    call_xvc("run", *model, "0")
    call_xvc("model", "promote", "@")
    with (project / "xvc.yaml").open("a") as settings:
        settings.write("# accuracy is what counts\n")
    (project / ".gitignore").write_text("__pycache__/\n")
    call_xvc("run", *model, "1")
    call_xvc("run", *model, "2")

    three = call_xvc("compare", "@-2", "@-1", "@", "--json")
    repeats = call_xvc("compare", "@-1", "@", "--json")
    with (project / "dvc.yaml").open("a") as pipeline:
        pipeline.write("stages: {look: {cmd: cat train.py}}\n")
    call_xvc("run", *model, "3")
    others = call_xvc("compare", "@-1", "@", "--json")

    assert "artifacts" in (project / "dvc.yaml").read_text()
    assert any("is a repeat of" in warning for warning in repeats.json["warnings"])
    [said] = three.json["warnings"]
    assert said.endswith("are repeats of one experiment, so none of them is better")
    assert others.json["warnings"] == []


def test_a_promotion_asks_for_repeats_and_a_margin(project: Path, call_xvc: Calling) -> None:
    """The gates of a promotion are those of `xvc gate`: noise, margin and repeats decide."""
    (project / "train.py").write_text(_TRAIN + "open('m.bin', 'w').write(sys.argv[1])\n")
    git(project, "add", "train.py")
    git(project, "commit", "-qm", "train")
    for lr in ("0.1", "0.3"):
        words = ("--model", "m.bin:m", "--", "python", "train.py", lr, "--seed", "{seed}")
        done = call_xvc("run", "--repeat", "3", "--capture", "--tag", "minor", *words)
        assert done.code == 0, done.err
    beat = ("model", "promote", "e0.2.0", "--better-than", "e0.1.0", "--by", "accuracy:max")

    wide = call_xvc(*beat, "--noise", "--margin", "0.5", "--json")
    few = call_xvc(*beat, "--noise", "--repeats", "5", "--json")
    met = call_xvc(*beat, "--noise", "--margin", "0.01", "--repeats", "3", "--json")
    gate = call_xvc("gate", "e0.2.0", "--repeats", "5", "--json")

    assert (wide.code, few.code, met.code, gate.code) == (3, 3, 0, 3)
    assert "by 0.5 beyond the noise" in wide.json["error"]["message"]
    assert "it has 3" in few.json["error"]["message"]
    assert "repeats >= 5" in [each["asked"] for each in gate.data["gates"]]


def test_groups_are_held_against_the_best(project: Path, call_xvc: Calling) -> None:
    """The group with the best mean is named; another is worse, or cannot be told from it.

    Brief and report say the same, and a run that people discarded is no repeat any more. Where the
    group that leads has runs of two codes none is the best, and it is said why.
    """
    (project / "train.py").write_text(_TRAIN.replace("argv[1]", "argv[2]").replace("[3]", "[4]"))
    git(project, "add", "train.py")
    git(project, "commit", "-qm", "train")
    for lr, seeds in (("0.1", 3), ("0.3", 3), ("0.2", 1)):
        train = ("python", "train.py", "--lr", lr, "--seed", "{seed}")
        done = call_xvc("run", "--capture", "--repeat", str(seeds), "--", *train)
        assert done.code == 0, done.err

    listed = call_xvc("ls", "--group", "lr", "--sort", "accuracy", "--json").data
    shown, seen = listed["groups"], call_xvc("ls", "--group", "lr", "--sort", "accuracy").out
    brief = call_xvc("brief", "--json").data["tried"]
    said = call_xvc("brief").out
    report = call_xvc("report", "--metric", "accuracy", "--json").data
    best = call_xvc("ls", "--where", "lr = 0.3", "--json").data["runs"]
    call_xvc("discard", best[0]["id"], "--reason", "the disk was full")
    fewer = call_xvc("compare", best[1]["id"], brief[2]["run"], "--json").data["verdicts"]
    (project / "train.py").write_text((project / "train.py").read_text() + "# other code\n")
    call_xvc("run", "--capture", "--", "python", "train.py", "--lr", "0.3", "--seed", "1")
    mixed = call_xvc("ls", "--group", "lr", "--sort", "accuracy", "--json")
    seen_mixed = call_xvc("ls", "--group", "lr", "--sort", "accuracy")

    words = ["", "not enough runs", "worse"]
    assert [each["verdict"] or "" for each in brief] == words
    assert [each["verdict"] or "" for each in report["standing"]] == words
    assert "over 3 seeds, worse" in said
    assert "not enough runs" in report["text"]
    assert fewer[0][0]["baseline"]["count"] == 2
    told = {each["value"]: each["verdict"] for each in shown}
    assert told == {0.3: "the best", 0.1: "worse", 0.2: "not enough runs"}
    worse = next(each for each in shown if each["verdict"] == "worse")
    ends = f"[{number(worse['low'])}, {number(worse['high'])}]"
    assert worse["low"] < worse["difference"] < worse["high"] < 0
    assert f"{number(worse['difference'])} {ends}" in seen
    assert f"{number(worse['difference'])} {ends}" in said
    assert listed["luck"].startswith("noise between repeats")
    assert listed["luck"] in seen
    assert listed["luck"] in said
    nothing = "no verdict: several experiments"
    told = {each["value"]: each["verdict"] for each in mixed.data["groups"]}
    assert (told, mixed.data["luck"]) == ({0.3: nothing, 0.1: None, 0.2: None}, None)
    assert (
        "no group is the best: the runs of lr=0.3, which leads, are of" in mixed.json["warnings"][0]
    )
    assert nothing in seen_mixed.out


@pytest.mark.parametrize("repeats", [1, 3])
def test_a_percentage_is_not_better_than_a_fraction(
    project: Path, call_xvc: Calling, repeats: int
) -> None:
    """93 against 0.8: compare, gate and leaderboard give no verdict, best and worst no winner."""
    (project / "say.py").write_text("import sys; print(f'{sys.argv[2]}: {sys.argv[1]}')\n")
    git(project, "add", "say.py")
    git(project, "commit", "-qm", "say")
    for value, name in (("0.8", "accuracy"), ("93.0", "accuracy"), ("0.8", "loss"), ("93", "loss")):
        for seed in range(repeats):
            words = ("python", "say.py", value, name, "--seed", str(seed))
            tag = () if seed else ("--tag", "minor")
            assert call_xvc("run", "--capture", *tag, "--", *words).code == 0

    compared = call_xvc("compare", "e0.1.0", "e0.2.0", "--json")
    loss = call_xvc("compare", "e0.3.0", "e0.4.0", "--json")
    noisy = ("--noise",) if repeats > 1 else ()
    gate = call_xvc("gate", "e0.2.0", "--metric", "accuracy", "--vs", "e0.1.0", *noisy, "--json")
    leaderboard = call_xvc("leaderboard", "accuracy", "--json").data
    leaders = leaderboard["places"]
    bounds = {
        bound: call_xvc("gate", "e0.2.0", "--metric", "accuracy", *bound.split(), "--json").code
        for bound in ("--min 0.9", "--min 90", "--max 0.95", "--max 95")
    }
    conditions = ("accuracy >= 0.9", "accuracy >= 90", "accuracy >= 0.9 or accuracy >= 90")
    required = [call_xvc("gate", "e0.2.0", "--require", each, "--json").code for each in conditions]
    ends = [call_xvc("show", f"{end}:accuracy", "--json") for end in ("best", "worst")]
    lists = [
        call_xvc("ls", "--sort", "accuracy:asc", "--json"),
        call_xvc("ls", "--sort", "accuracy", "--limit", "1", "--json"),
        call_xvc(
            "ls", "--sort", "accuracy:asc", "--where", "accuracy > 0", "--limit", "1", "--json"
        ),
        call_xvc("log", "--sort", "accuracy:asc", "--limit", "1", "--json"),
        call_xvc("report", "--metric", "accuracy", "-o", "r.md", "--json"),
        *ends,
    ]

    assert bounds == {"--min 0.9": 3, "--min 90": 0, "--max 0.95": 3, "--max 95": 0}
    assert required == [3, 0, 0]
    assert [each.data["metrics"]["accuracy"] for each in ends] == [93, 93]
    firsts = [each.data["runs"][0]["metrics"]["accuracy"] for each in lists[:3]]
    assert firsts == [93, 93, 93]
    assert lists[3].data["versions"][0]["version"] == "e0.2.0"
    for each in lists:
        assert any("seems to be in percent in some " in said for said in each.json["warnings"])
    assert leaderboard["noise"] is None
    said = "accuracy seems to be in percent in one and a fraction in the other (0.8, 93)"
    assert f"{said}, so neither is better" in compared.json["warnings"]
    assert [row["best"] for row in compared.data["metrics"]] == [None]
    assert [row["best"] for row in loss.data["metrics"]] == [0]
    verdicts = [[each["verdict"] for each in rows] for rows in compared.data["verdicts"]]
    scales = "not comparable: percent against fraction"
    assert verdicts == ([[scales]] if repeats > 1 else [])
    assert (gate.code, gate.data["met"]) == (3, False)
    assert "percent" in gate.data["gates"][-1]["found"]
    assert [each["verdict"] for each in leaders] == [None, scales]


def test_a_run_is_not_compared_with_itself(project: Path, call_xvc: Calling) -> None:
    """Two references may name one run: that they are alike would say something of two."""
    call_xvc("run", "--tag", "minor", "--", "true")

    said = call_xvc("compare", "@", "e0.1.0")

    assert said.out.strip() == "all of them name one run, e0.1.0: there is nothing to compare"


def test_a_gate_takes_the_margin_as_it_is_written(project: Path, call_xvc: Calling) -> None:
    """0.9 is better than 0.8 by 0.1, whatever a float makes of it, and not by more."""
    (project / "say.py").write_text("import sys\nprint(f'accuracy: {sys.argv[1]}')\n")
    git(project, "add", "say.py")
    git(project, "commit", "-qm", "say")
    for value in ("0.8", "0.9"):
        done = call_xvc("run", "--capture", "--tag", "minor", "--", "python", "say.py", value)
        assert done.code == 0, done.err
    beat = ("gate", "--metric", "accuracy", "--vs")

    codes = {
        (new, old, margin): call_xvc(*beat, old, "--margin", margin, new).code
        for new, old in (("e0.2.0", "e0.1.0"), ("e0.1.0", "e0.2.0"))
        for margin in ("0.1", "0.10000001")
    }

    assert 0.9 - 0.8 < 0.1
    assert [key for key, code in codes.items() if code == 0] == [("e0.2.0", "e0.1.0", "0.1")]
    assert set(codes.values()) == {0, 3}


def test_a_seed_by_a_short_option_is_a_seed(project: Path, call_xvc: Calling) -> None:
    """What the script declares says so, as does the beginning of the option's name."""
    (project / "t.py").write_text(
        "import argparse\np = argparse.ArgumentParser()\n"
        "p.add_argument('-s', '--seed', type=int)\np.add_argument('-l', '--lr', type=float)\n"
        "a = p.parse_args()\nprint(f'acc: {a.lr + a.seed}')\n"
    )
    git(project, "add", "t.py")
    git(project, "commit", "-qm", "t")
    for words in (("-s1",), ("-s2",), ("--se", "3"), ("--se", "3")):
        call_xvc("run", "--capture", "--", "python", "t.py", *words, "-l", "0.5")

    tried = call_xvc("brief", "--json").data["tried"]
    shown = {each["id"]: each["params"] for each in call_xvc("ls", "--json").data["runs"]}
    assert sorted(each["seed"] for each in shown.values()) == [1, 2, 3, 3]
    assert [(each["n"], each["again"]) for each in tried] == [(1, 1), (2, 0)]
