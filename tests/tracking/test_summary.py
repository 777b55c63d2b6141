"""Which value of a metric is the run's: the last, or its best, lowest or highest."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from surroundings import Calling, git
from xvc import Tracker
from xvc.errors import BadValue

TRAIN = """\
import sys
from xvc import Tracker
with Tracker() as tracker:
    for acc in map(float, sys.argv[1:]):
        tracker.log({"acc": acc, "loss": 1 - acc, "val": {"f1": acc / 2}})
"""


def metrics(call_xvc: Calling, run: str = "@") -> dict[str, Any]:
    """What `xvc show` says of a run's metrics."""
    found: dict[str, Any] = call_xvc("show", run, "--json").data["metrics"]
    return found


@pytest.fixture
def configured(project: Path) -> Path:
    """A project whose settings say what counts."""
    (project / "train.py").write_text(TRAIN)
    settings = project / "xvc.yaml"
    told = "metrics:\n  summary: {acc: best, val.f1: max, loss: last}\n"
    settings.write_text(settings.read_text() + told)
    git(project, "add", "-A")
    git(project, "commit", "-qm", "what counts")
    return project


def test_a_setting_says_which_value_counts(configured: Path, call_xvc: Calling) -> None:
    """`show`, `ls`, `best:`, `compare`, a sweep and a version have the best where it is asked."""
    call_xvc("run", "--tag", "minor", "--", "python", "train.py", "0.5", "0.9", "0.7")
    call_xvc("run", "--", "python", "train.py", "0.8", "0.6")

    shown = call_xvc("show", "e0.1.0")
    best = call_xvc("show", "best:acc", "--json").data
    compared = call_xvc("compare", "e0.1.0", "@", "--json").data["metrics"]
    listed = call_xvc("ls", "--json").data["runs"]
    words = ("sweep", "-P", "a=0.1,0.3", "--metric", "acc:max", "--json")
    swept = call_xvc(*words, "--", "python", "train.py", "{a}", "0").data

    assert metrics(call_xvc, "e0.1.0") == {"acc": 0.9, "loss": 1 - 0.7, "val.f1": 0.45}
    assert "acc     0.9  (max)" in shown.out
    assert best["metrics"]["acc"] == 0.9
    assert best["summaries"] == {"acc": "max", "val.f1": "max", "loss": "last"}
    assert [each["values"] for each in compared if each["key"] == "acc"] == [[0.9, 0.8]]
    assert sorted(run["metrics"]["acc"] for run in listed) == [0.8, 0.9]
    assert swept["best"]["value"] == 0.3


def test_a_tracker_says_which_value_counts(project: Path, call_xvc: Calling) -> None:
    """Of rows before and after; NaN is never the best, integers stay exact."""
    with Tracker() as tracker:
        tracker.log({"acc": 0.5, "n": 2**60 + 1, "empty": math.nan})
        tracker.summary({"acc": "best"}, n="max", empty="min")
        for acc in (0.9, math.nan, 0.7):
            tracker.log({"acc": acc, "n": 3})

    found = metrics(call_xvc)

    assert (found["acc"], found["n"]) == (0.9, 2**60 + 1)
    assert "empty" in found


def test_a_later_word_counts(configured: Path, call_xvc: Calling) -> None:
    """What a script says goes over the settings; `last` takes it back."""
    train = TRAIN.replace(
        "    for acc", "    tracker.summary(acc='last', loss='max')\n    for acc", 1
    )
    (configured / "train.py").write_text(train)

    call_xvc("run", "--", "python", "train.py", "0.5", "0.9", "0.7")

    assert metrics(call_xvc) == {"acc": 0.7, "loss": 0.5, "val.f1": 0.45}


def test_the_best_follows_edits(configured: Path, call_xvc: Calling) -> None:
    """A row set to something else is no best any more; undone, it is."""
    call_xvc("run", "--", "python", "train.py", "0.5", "0.9", "0.7")
    call_xvc("db", "set", "acc", "0.1", "--where", "acc=0.9", "--yes")

    edited = metrics(call_xvc)["acc"]
    call_xvc("undo", "--yes")

    assert (edited, metrics(call_xvc)["acc"]) == (0.7, 0.9)


def test_what_counts_is_copied_with_a_run(project: Path, call_xvc: Calling, tmp_path: Path) -> None:
    """A run that comes from another store has the value that counted there."""
    with Tracker(tmp_path / "other.duckdb") as tracker:
        tracker.summary(acc="max")
        tracker.log_batch([{"acc": 0.9}, {"acc": 0.7}])
    assert len(tracker) == 2  # folded, so that there is a file
    copied = call_xvc("db", "copy", str(tmp_path / "other.duckdb"), "--yes")

    assert copied.code == 0, copied.err
    assert metrics(call_xvc)["acc"] == 0.9


def test_what_is_best_is_not_guessed(project: Path) -> None:
    """A metric whose direction nobody knows, and a word that is no way, are refused."""
    with Tracker() as tracker:
        for wrong in ({"temperature": "best"}, {"acc": "mean"}):
            with pytest.raises(BadValue, match="max"):
                tracker.summary(wrong)
        with pytest.raises(BadValue, match="records a value"):
            tracker.summary(acc=0.93)  # type: ignore[arg-type]
