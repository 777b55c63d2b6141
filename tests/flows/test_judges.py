"""One judge: runs that were judged otherwise are not ranked, compared or called best together."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from surroundings import Calling, dvc, git
from xvc.experiments import compare_experiments, track_experiment
from xvc.page.answers import Answers
from xvc.page.run_grid import FACTS

_TRAIN = """\
import json, sys
import evaluate
json.dump({"accuracy": evaluate.of(float(sys.argv[1]))}, open("metrics.json", "w"))
"""
_PLAIN = ("evaluate.of(float(sys.argv[1]))", "float(sys.argv[1])")
_SETTINGS = """\
metrics: {files: [metrics.json], direction: {accuracy: max}}
judge: {files: [evaluate.py], metrics: {accuracy: share of the test split}}
"""


@pytest.fixture
def judged(project: Path, call_xvc: Calling) -> Path:
    """Two versions by one evaluate.py, and a third by a milder one."""
    (project / "train.py").write_text(_TRAIN)
    (project / "evaluate.py").write_text("def of(x):\n    return x\n")
    (project / "xvc.yaml").write_text(_SETTINGS)
    git(project, "add", ".")
    git(project, "commit", "-qm", "train")
    for value in ("0.9", "0.8"):
        done = call_xvc("run", "--tag", "minor", "--", "python", "train.py", value)
        assert "judge" not in done.err
    (project / "evaluate.py").write_text("def of(x):\n    return 1.0\n")
    git(project, "commit", "-qam", "milder")
    return project


def test_a_milder_judge_makes_nobody_better(judged: Path, call_xvc: Calling) -> None:
    """Run, compare, ls, best, gate, report, leaderboard and page say so and name what differs."""
    asked = call_xvc("tried", "--json", "--", "python", "train.py", "0.1").json["warnings"]
    ran = call_xvc("run", "--tag", "minor", "--", "python", "train.py", "0.1")
    known = call_xvc("tried", "--json", "--", "python", "train.py", "0.1").json["warnings"]

    compared = call_xvc("compare", "e0.1.0", "e0.3.0", "--json")
    alike = call_xvc("compare", "e0.1.0", "e0.2.0", "--json")
    gate = call_xvc("gate", "e0.3.0", "--metric", "accuracy", "--vs", "e0.1.0", "--json")
    best = call_xvc("show", "best:accuracy", "--json")
    listed = call_xvc("ls", "--sort", "accuracy:asc", "--json")
    report = call_xvc("report", "--metric", "accuracy", "-o", "r.md", "--json")
    leaders = call_xvc("leaderboard", "accuracy", "--json")
    page: Any = Answers(judged, dict(os.environ)).runs({})

    assert any("judged otherwise than a run would be now (evaluate.py" in each for each in asked)
    assert sum("judged otherwise" in each for each in known) == 1
    assert "the judge has changed" in ran.err
    assert "evaluate.py" in ran.err
    assert any("evaluate.py differs" in each for each in compared.json["warnings"])
    assert [row["best"] for row in compared.data["metrics"]] == [None]
    assert [row["best"] for row in alike.data["metrics"]] == [0]
    assert (gate.code, gate.data["met"]) == (3, False)
    assert "judged otherwise: evaluate.py" in gate.data["gates"][-1]["found"]
    assert best.data["version"] == "e0.3.0"
    assert any("2 runs judged otherwise" in each for each in best.json["warnings"])
    assert listed.data["runs"][0]["version"] == "e0.3.0"
    assert any("judged otherwise" in each for each in listed.json["warnings"])
    assert any("judged otherwise" in each for each in report.json["warnings"])
    assert any("judged otherwise" in each for each in leaders.json["warnings"])
    assert [row[FACTS.index("otherwise")] for row in page["rows"]] == [False, True, True]
    assert any("judged otherwise" in each for each in page["warnings"])


def test_ideas_of_another_judge_are_not_compared(judged: Path, call_xvc: Calling) -> None:
    """`xvc brief` and `xvc log --ideas` tell no change and no verdict over two judges."""
    words = ("--idea", "mild", "--parent", "e0.1.0", "--", "python", "train.py")
    call_xvc("run", *words, "0.1")

    brief = call_xvc("brief", "--json").data["tried"]
    tree = call_xvc("log", "--ideas", "--json")
    git(judged, "revert", "--no-edit", "HEAD")
    call_xvc("run", "--idea", "strict", "--parent", "e0.1.0", "--", "python", "train.py", "0.95")
    again = call_xvc("log", "--ideas", "--json").data["ideas"]

    assert [each["mean"] for each in brief] == [1.0, 0.9, 0.8]
    assert [each["verdict"] for each in brief] == [None, None, None]
    assert [each["change"] for each in tree.data["ideas"]] == [None, None]
    assert any("evaluate.py differs" in each for each in tree.json["warnings"])
    assert [each["change"] for each in again] == [None, None, pytest.approx(0.05)]


def test_another_definition_is_another_judge(judged: Path, call_xvc: Calling) -> None:
    """The words by which a metric is defined are a part of it; without a judge nothing is said."""
    git(judged, "checkout", "-q", "HEAD~1", "--", "evaluate.py")
    (judged / "xvc.yaml").write_text(_SETTINGS.replace("test split", "new test split"))
    call_xvc("run", "--", "python", "train.py", "0.7")
    other = call_xvc("compare", "e0.1.0", "@", "--json").json["warnings"]
    (judged / "xvc.yaml").write_text(_SETTINGS.splitlines()[0] + "\n")
    none = call_xvc("compare", "e0.1.0", "@", "--json").json["warnings"]

    assert any("the definition of accuracy differs" in each for each in other)
    assert not any("judged" in each for each in none)


def test_models_of_another_judge_are_not_ranked(judged: Path, call_xvc: Calling) -> None:
    """Listed behind the others, and never pruned for a value of another judge; it is said."""
    (judged / "train.py").write_text(_TRAIN + 'open("model.bin", "w").write(sys.argv[1])\n')
    git(judged, "commit", "-qam", "model")
    for value in ("0.2", "0.1"):
        call_xvc("run", "--tag", "minor", "--model", "model.bin", "--", "python", "train.py", value)
    (judged / "evaluate.py").write_text("def of(x):\n    return x\n")
    git(judged, "commit", "-qam", "strict")
    for value in ("0.4", "0.3"):
        call_xvc("run", "--tag", "minor", "--model", "model.bin", "--", "python", "train.py", value)

    listed = call_xvc("model", "list", "--by", "accuracy", "--json")
    plan = call_xvc("model", "prune", "--keep", "1", "--by", "accuracy", "--dry-run", "--json")
    kept = {each["version"]: each["kept_by"] for each in plan.data["models"]}

    assert [each["version"] for each in listed.data["models"]][:2] == ["e0.5.0", "e0.6.0"]
    assert any("2 runs judged otherwise" in each for each in listed.json["warnings"])
    assert kept == {
        "e0.3.0": "judged otherwise than the newest",
        "e0.4.0": "judged otherwise than the newest",
        "e0.5.0": "among the best 1",
        "e0.6.0": None,
    }
    assert any("2 runs judged otherwise" in each for each in plan.json["warnings"])


def test_a_series_has_one_judge(judged: Path, call_xvc: Calling) -> None:
    """The best of a series is one of those that were judged as the newest; the table says so."""
    for name, accuracy, judge in (("mild", 1.0, "1.0"), ("a", 0.8, "x"), ("b", 0.9, "x")):
        (judged / "evaluate.py").write_text(f"def of(x):\n    return {judge}\n")
        with track_experiment(name, series="0042") as exp:
            exp.log_metric("accuracy", accuracy)

    found = compare_experiments("0042")
    report = call_xvc("report", "--series", "0042", "-o", "r.md", "--json")

    assert found.best is not None
    assert (found.best.name, len(found.rows)) == ("b", 3)
    assert "1 run judged otherwise" in (judged / "experiments/0042/comparison.md").read_text()
    assert any("1 run judged otherwise" in each for each in report.json["warnings"])


def _reading_test_data(project: Path, judge: str) -> None:
    (project / "train.py").write_text(
        "import json, sys\nopen('data/test.csv').read()\n"
        'json.dump({"accuracy": float(sys.argv[1])}, open("metrics.json", "w"))\n'
    )
    (project / "data").mkdir()
    (project / "data/test.csv").write_text("a\n")
    metrics = _SETTINGS.splitlines()[0]
    (project / "xvc.yaml").write_text(f"{metrics}\njudge: {judge}\n")


@pytest.mark.parametrize(
    ("judge", "keeper"),
    [
        ("{data: [data/test.csv]}", "git"),
        ("{data: [data]}", "git"),
        ("{files: ['data/*.csv']}", "git"),
        ("{files: ['**/test.*']}", "git"),
        ("{files: [data/test.csv]}", "dvc"),
        ("{files: ['data/*.csv']}", "dvc"),
        ("{data: ['**/test.csv']}", "dvc"),
    ],
)
def test_a_judge_is_found_whoever_keeps_it(
    project: Path, call_xvc: Calling, judge: str, keeper: str
) -> None:
    """Under either setting, by name or by pattern, in git or in DVC: its change is named."""
    _reading_test_data(project, judge)
    for content, value in (("a\n", "0.8"), ("b\n", "0.9")):
        (project / "data/test.csv").write_text(content)
        if keeper == "dvc":
            dvc(project, "add", "-q", "data/test.csv")
        git(project, "add", ".")
        git(project, "commit", "-qm", value)
        ran = call_xvc("run", "--", "python", "train.py", value)

    compared = call_xvc("compare", "@-1", "@", "--json").json["warnings"]
    best = call_xvc("show", "best:accuracy", "--json").json["warnings"]

    assert "the judge has changed" in ran.err
    assert any("judged otherwise" in each for each in compared)
    assert any("1 run judged otherwise" in each for each in best)


@pytest.mark.parametrize(
    ("named", "moved"),
    [
        ("files: [evaluate.py]", "files: [lib/evaluate.py]"),
        ("files: [evaluate.py]", "files: [score.py]"),
        ("files: [evaluate.py]", None),
        ("files: [judge]", "files: [lib/judge]"),
        ("files: ['**/evaluate.py']", None),
    ],
)
def test_a_judge_that_only_moved_is_the_same(
    project: Path, call_xvc: Calling, named: str, moved: str | None
) -> None:
    """By another name with the same content it judges alike; once it is edited, no more."""
    (project / "train.py").write_text(_TRAIN.replace("import evaluate\n", "").replace(*_PLAIN))
    old = project / ("judge/evaluate.py" if "judge" in named else "evaluate.py")
    new = project / (
        "score.py" if moved and "score" in moved else f"lib/{old.relative_to(project)}"
    )
    for path in (old, new):
        path.parent.mkdir(exist_ok=True, parents=True)
    old.write_text("def of(x):\n    return x\n")

    def judged_by(words: str, value: str) -> None:
        settings = f"{_SETTINGS.splitlines()[0]}\njudge: {{{words}}}\n"
        (project / "xvc.yaml").write_text(settings)
        git(project, "add", ".")
        git(project, "commit", "-qm", value)
        assert call_xvc("run", "--", "python", "train.py", value).code == 0

    judged_by(named, "0.8")
    git(project, "mv", str(old), str(new))
    judged_by(moved or named, "0.9")
    alike = call_xvc("compare", "@-1", "@", "--json")
    new.write_text("def of(x):\n    return 1\n")
    judged_by(moved or named, "1.0")
    other = call_xvc("compare", "@-2", "@", "--json").json["warnings"]

    assert not any("judge" in each for each in alike.json["warnings"])
    assert [row["best"] for row in alike.data["metrics"]] == [1]
    assert any("judged otherwise" in each for each in other)


def test_a_judge_that_nothing_holds_is_said(project: Path, call_xvc: Calling) -> None:
    """A name that is written wrong judges nobody, nor what git ignores and no run reads."""
    _reading_test_data(project, "{files: [evalute.py, train.py], data: [data/tests.csv]}")
    (project / ".gitignore").write_text("/data\n/metrics.json\n")
    git(project, "add", ".")
    git(project, "commit", "-qm", "train")
    first = call_xvc("run", "--", "python", "train.py", "0.8")
    call_xvc("run", "--", "python", "train.py", "0.9")
    said = "judge: neither git nor DVC holds evalute.py, data/tests.csv"

    for words in (
        ("compare", "@-1", "@"),
        ("show", "best:accuracy"),
        ("ls", "--sort", "accuracy"),
        ("leaderboard", "accuracy"),
        ("report", "--metric", "accuracy", "-o", "r.md"),
        ("brief",),
        ("gate", "@", "--metric", "accuracy", "--vs", "@-1"),
    ):
        warnings = call_xvc(*words, "--json").json["warnings"]
        assert [each.startswith(said) for each in warnings].count(True) == 1, (words, warnings)
    assert said in first.err


def test_a_judges_data_that_git_ignores_counts_where_runs_read_it(
    project: Path, call_xvc: Calling
) -> None:
    """What it was is on record, so results before and after a change of it are not ranked."""
    _reading_test_data(project, "{data: [data/test.csv]}")
    (project / ".gitignore").write_text("/data\n/metrics.json\n")
    git(project, "add", ".")
    git(project, "commit", "-qm", "train")
    call_xvc("run", "--", "python", "train.py", "0.8")
    with (project / "data" / "test.csv").open("a") as data:
        data.write("more\n")
    changed = call_xvc("run", "--", "python", "train.py", "0.9")

    assert "the judge has changed" in changed.err
    assert "data/test.csv" in changed.err
