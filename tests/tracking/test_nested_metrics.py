"""Numbers in logged dicts are metrics by their paths, wherever metrics are."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surroundings import Calling
from xvc import Reader, Tracker
from xvc.core.nested import MOST_NUMBERS, numbers_in
from xvc.project import Project
from xvc.recovery.lost_runs import opened
from xvc.reports.many_curves import CurvesRequest, curve_keys, curves_in, keys_with_curves
from xvc.store import query

TRAIN = """\
import sys
from xvc import Tracker
acc = float(sys.argv[1])
with Tracker(params={"model": {"layers": 3}}) as tracker:
    for step in range(3):
        tracker.log({"step": step, "val": {"acc": acc + step / 100, "by": {"cat": step}}})
"""

Metrics = Callable[[str], dict[str, Any]]


@pytest.fixture
def metrics(project: Path, call_xvc: Calling) -> Metrics:
    """What `xvc show` says of the metrics of the last run."""

    def shown(run: str = "@") -> dict[str, Any]:
        found: dict[str, Any] = call_xvc("show", run, "--json").data["metrics"]
        return found

    return shown


def test_a_logged_dict_is_metrics_by_path(project: Path, call_xvc: Calling) -> None:
    """`show`, `ls`, `best:`, `compare` and a sweep have them; a param in every row is none."""
    (project / "train.py").write_text(TRAIN)
    call_xvc("run", "--", "python", "train.py", "0.5")
    call_xvc("run", "--", "python", "train.py", "0.7")

    best = call_xvc("show", "best:val.acc", "--json").data
    listed = call_xvc("ls", "--sort", "val.acc", "--json").data["runs"]
    compared = call_xvc("compare", "@-1", "@", "--json").data["metrics"]
    words = ("sweep", "-P", "acc=0.1,0.3", "--metric", "val.acc:max", "--json")
    swept = call_xvc(*words, "--", "python", "train.py", "{acc}").data

    assert best["metrics"] == {"step": 2, "val.acc": 0.72, "val.by.cat": 2}
    assert sorted(run["metrics"]["val.acc"] for run in listed) == [0.52, 0.72]
    assert [each["values"] for each in compared if each["key"] == "val.acc"] == [[0.52, 0.72]]
    assert swept["best"]["value"] == 0.32


def test_the_last_value_of_each_path_counts(project: Path, metrics: Metrics) -> None:
    """Rows with other paths, NaN, a key with a dot and a value that is no dict in between."""
    with Tracker() as tracker:
        tracker.log({"val": {"acc": 0.9, "f1": math.nan}, "mixed": 3})
        tracker.log({"val": {"loss": 1}, "mixed": {"a": 7}})
        tracker.log({"val": {"acc": 0.8, "ok": True, "all": [1, 2]}})
        tracker.log({"val": None, "mixed": "text"})
        tracker.log({"val.acc": 0.7})

    found = metrics("@")

    assert math.isnan(float(found.pop("val.f1")["$float"]))
    assert found == {"val.acc": 0.7, "val.loss": 1, "mixed": 3, "mixed.a": 7}


def test_a_large_dict_is_data(project: Path, metrics: Metrics) -> None:
    """A dict of many numbers is kept as it is, and none of them is a metric."""
    many = {str(number): number for number in range(MOST_NUMBERS + 1)}
    with Tracker() as tracker:
        tracker.log({"counts": many, "loss": 1.0})

    found = metrics("@")

    assert found == {"loss": 1.0}
    assert Reader(project / "results" / "experiments.duckdb").values("counts") == [many]


def test_a_metric_of_a_dict_follows_edits(
    project: Path, call_xvc: Calling, metrics: Metrics
) -> None:
    """Set to something else, its paths are no metrics any more; undone, they are again."""
    with Tracker() as tracker:
        tracker.log({"val": {"acc": 0.9}, "val.loss": 0.1})
    before = metrics("@")
    call_xvc("db", "set", "val", "null", "--yes")

    after = metrics("@")
    call_xvc("undo", "--yes")

    assert before == metrics("@") == {"val.acc": 0.9, "val.loss": 0.1}
    assert after == {"val.loss": 0.1}


def test_a_path_is_drawn_and_filtered(project: Path, call_xvc: Calling) -> None:
    """`db head --where`, the curves of a report and those of a page take a path for a column."""
    (project / "train.py").write_text(TRAIN)
    call_xvc("run", "--", "python", "train.py", "0.5")

    rows = call_xvc("db", "head", "--where", "val.acc > 0.505", "--json")
    report = call_xvc("report", "--metric", "val.acc:max")

    with opened(Project.find(project, {}, {})) as connection:
        (run,) = query.all_runs(connection)
        keys = curve_keys(connection, run.id, run.metrics)
        drawn = curves_in(connection, CurvesRequest(runs=[run.id], key="val.acc"))
        known = keys_with_curves(connection)

    assert len(rows.data["rows"]) == 2
    assert "val.acc by step" in report.out
    assert "val.acc" in keys
    assert "val.acc" in known
    assert len(drawn.curves[0].x) > 1


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=4)
        ),
        max_leaves=20,
    )
)
def test_each_number_in_dicts_has_its_path(value: object) -> None:
    """What is found are the leaves that are numbers and lie in no list, and nothing else."""
    found = list(numbers_in("k", {"in": value}).values())

    def leaves(part: object) -> list[object]:
        if isinstance(part, dict):
            return [leaf for each in part.values() for leaf in leaves(each)]
        is_number = isinstance(part, int | float) and not isinstance(part, bool)
        return [part] if is_number else []

    assert {repr(number) for number in found} <= {repr(leaf) for leaf in leaves(value)}
    assert len(found) <= len(leaves(value))
