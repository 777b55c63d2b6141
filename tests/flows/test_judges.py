"""One judge: runs that were judged otherwise are not ranked, compared or called best together."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from surroundings import Calling, git
from xvc.page.answers import Answers
from xvc.page.run_grid import FACTS

_TRAIN = """\
import json, sys
import evaluate
json.dump({"accuracy": evaluate.of(float(sys.argv[1]))}, open("metrics.json", "w"))
"""
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
    ran = call_xvc("run", "--tag", "minor", "--", "python", "train.py", "0.1")

    compared = call_xvc("compare", "e0.1.0", "e0.3.0", "--json")
    alike = call_xvc("compare", "e0.1.0", "e0.2.0", "--json")
    gate = call_xvc("gate", "e0.3.0", "--metric", "accuracy", "--vs", "e0.1.0", "--json")
    best = call_xvc("show", "best:accuracy", "--json")
    listed = call_xvc("ls", "--sort", "accuracy:asc", "--json")
    report = call_xvc("report", "--metric", "accuracy", "-o", "r.md", "--json")
    leaders = call_xvc("leaderboard", "accuracy", "--json")
    page: Any = Answers(judged, dict(os.environ)).runs({})

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
