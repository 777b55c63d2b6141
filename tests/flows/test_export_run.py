"""The files of a run depend on its results alone; `xvc diff` says what differs for the worse."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from surroundings import Calling, git
from xvc.core.run import RunCode, RunRecord, Status
from xvc.exporting.artifact_diff import Effect, FailOn, diff, read_artifacts
from xvc.exporting.run_artifacts import FILES, ExportedRun, artifacts_of
from xvc.types import Nanoseconds, RunId

EXAMPLES = Path(__file__).parents[2] / "examples" / "ci"
_FIT = """\
import sys
from xvc import Tracker

with Tracker(params={"lr": 1e-5, "seed": 3}) as tracker:
    for step in range(11):
        tracker.log({"step": step, "loss": 1 / (step + 1), "file": __file__})
    tracker.track(max, [1, 2])
    tracker.log({"accuracy": float(sys.argv[1]), "odd": float("nan")})
"""


@pytest.fixture
def fit(project: Path) -> Path:
    """A project with a script that logs the accuracy it is called with."""
    (project / "fit.py").write_text(_FIT)
    git(project, "add", "fit.py")
    git(project, "commit", "-q", "-m", "fit")
    return project


def held(folder: Path) -> dict[str, bytes]:
    """What is in a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_same_results_give_the_same_bytes(fit: Path, run_xvc: Calling) -> None:
    """Twice, at another time, on another commit, in another folder: all five files are equal."""
    other = fit.parent / "other"
    run_xvc("run", "--", "python", "fit.py", "0.9")
    done = run_xvc("export", "run", "@", "../one", "--json")
    git(fit, "commit", "-q", "--allow-empty", "-m", "more")
    run_xvc("run", "--note", "again", "--", "python", "fit.py", "0.9")
    run_xvc("export", "run", "@", "../two")
    git(fit.parent, "clone", "-q", str(fit), str(other))
    run_xvc("run", "--", "python", "fit.py", "0.9", cwd=other)
    run_xvc("export", "run", "@", "../three", cwd=other)
    one = held(fit.parent / "one")
    records = [json.loads(line) for line in one["records.jsonl"].splitlines()]

    assert (done.data["files"], done.data["records"]) == (list(FILES), 13)
    assert one == held(fit.parent / "two") == held(fit.parent / "three")
    assert [row["step"] for row in records if "step" in row] == list(range(11))
    assert {row["file"] for row in records if "file" in row} == {"fit.py"}
    assert yaml.safe_load(one["config.resolved.yaml"])["params"] == {"lr": 1e-5, "seed": 3}
    assert json.loads(one["summary.json"])["directions"] == {"accuracy": "max", "loss": "min"}
    host = os.uname().nodename.encode()
    assert not any(host in content or str(fit).encode() in content for content in one.values())


def test_files_that_are_there_are_replaced_only_when_told(fit: Path, call_xvc: Calling) -> None:
    """The same bytes again are no conflict; others need --yes, and files of others stay."""
    folder = fit.parent / "files"
    call_xvc("run", "--", "python", "fit.py", "0.9")
    call_xvc("export", "run", "@", str(folder))
    (folder / "mine.txt").write_text("mine")
    again = call_xvc("export", "run", "@", str(folder), "--json")
    call_xvc("run", "--", "python", "fit.py", "0.8")
    refused = call_xvc("export", "run", "@", str(folder), "--json")
    before = held(folder)
    done = call_xvc("export", "run", "@", str(folder), "--yes", "--json")

    assert (again.code, refused.code, done.code) == (0, 4, 0)
    assert refused.json["error"]["code"] == "target-exists"
    assert before != held(folder)
    assert (folder / "mine.txt").read_text() == "mine"


def test_diff_tells_regressions_from_changes(fit: Path, call_xvc: Calling) -> None:
    """Exit 3 for what --fail-on names and nothing else; it works where there is no project."""
    for name, accuracy in (("good", "0.9"), ("same", "0.9"), ("bad", "0.8"), ("best", "0.95")):
        call_xvc("run", "--", "python", "fit.py", accuracy)
        call_xvc("export", "run", "@", f"../{name}")
    asked = [("same", "changes"), ("best", "regressions"), ("best", "changes"), ("bad", None)]
    asked += [("bad", "regressions")]

    codes = [
        call_xvc("diff", "good", name, *(["--fail-on", on] if on else []), cwd=fit.parent).code
        for name, on in asked
    ]
    told = call_xvc(
        *("diff", "good", "bad", "--fail-on", "regressions", "--markdown", "d.md", "--json"),
        cwd=fit.parent,
    )

    assert codes == [0, 0, 3, 0, 3]
    assert (told.data["regressions"], told.data["records_added_total"]) == (1, 1)
    assert told.data["changes"][0] == {
        "part": "metric",
        "key": "accuracy",
        "old": 0.9,
        "new": 0.8,
        "effect": "worse",
        "direction": "max",
    }
    assert "| metric accuracy |" in (fit.parent / "d.md").read_text()


def test_what_is_no_folder_of_files_is_refused(project: Path, call_xvc: Calling) -> None:
    """A missing file is named; one that is damaged, of a newer format or edited is told."""
    folder = project.parent / "files"
    call_xvc("run", "--", "python", "train.py")
    none = call_xvc("diff", ".", ".", "--json")
    call_xvc("export", "run", "@", str(folder))
    report = folder / "report.html"
    report.write_text("edited")
    edited = call_xvc("diff", str(folder), str(folder), "--json")
    (folder / "manifest.json").write_text('{"format": 99}')
    newer = call_xvc("diff", str(folder), str(folder), "--json")
    (folder / "manifest.json").write_text("{")
    damaged = call_xvc("diff", str(folder), str(folder), "--json")

    assert (none.code, none.json["error"]["code"]) == (1, "no-artifacts")
    assert [f"{report} was changed" in text for text in edited.json["warnings"]] == [True, True]
    assert [each.json["error"]["code"] for each in (newer, damaged)] == [
        *("artifacts-unreadable", "artifacts-unreadable")
    ]
    assert (newer.code, damaged.code) == (6, 6)


_NUMBERS = st.floats(allow_nan=True) | st.integers(-(2**53), 2**53)
_ROWS = st.lists(
    st.tuples(
        st.sampled_from(["events", "other"]),
        st.dictionaries(st.sampled_from(["step", "loss", "epoch", "x"]), _NUMBERS, min_size=1),
    ),
    max_size=8,
)


def run_of(metrics: Mapping[str, Any], **more: Any) -> RunRecord:
    """A run that has finished with these metrics."""
    return RunRecord(RunId("a"), status=Status.FINISHED, metrics=dict(metrics), **more)


@given(_ROWS, st.randoms())
def test_neither_order_nor_identity_is_in_the_bytes(rows: Any, chance: Any) -> None:
    """Whoever wrote first, on whatever machine and commit, and as which type: the same files."""
    run = run_of({"loss": 1, "n": 2.0}, params={"b": 1, "a": 2})
    other = replace(
        run_of({"n": 2, "loss": 1.0}, params={"a": 2, "b": 1}),
        id=RunId("b"),
        host="h",
        name="n",
        started=Nanoseconds(5),
        code=RunCode(commit="c", snapshot="s"),
    )
    mixed = [(table, {**row, "track_id": "t", "timestamp": 1}) for table, row in rows]
    chance.shuffle(mixed)

    one, two = artifacts_of(ExportedRun(run, rows, {})), artifacts_of(ExportedRun(other, mixed, {}))

    assert one == two


def sides_of(place: Path, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Any]:
    """The artifacts of two runs with these metrics."""
    sides = []
    for name, metrics in (("old", old), ("new", new)):
        (place / name).mkdir()
        for file, content in artifacts_of(ExportedRun(run_of(metrics), [], {})).items():
            (place / name / file).write_bytes(content)
        sides.append(read_artifacts(place / name))
    return sides


@pytest.mark.parametrize(
    ("old", "new", "effect"),
    [
        ({"loss": 1.0}, {"loss": 0.5}, Effect.BETTER),
        ({"loss": 1.0}, {"loss": 1.5}, Effect.WORSE),
        ({"loss": 1.0}, {"loss": float("nan")}, Effect.WORSE),
        ({"loss": 1.0}, {}, Effect.WORSE),
        ({"loss": float("nan")}, {"loss": 1.0}, Effect.CHANGED),
        ({"loss": float("nan")}, {"loss": float("nan")}, None),
        ({"loss": 1.0}, {"loss": 1.0005}, None),
        ({"banana": 1.0}, {"banana": 2.0}, Effect.CHANGED),
        ({}, {"loss": 1.0}, Effect.CHANGED),
        ({"loss": 10**400}, {"loss": 10**400}, None),
    ],
)
def test_the_direction_decides_what_is_worse(
    old: Mapping[str, Any], new: Mapping[str, Any], effect: Effect | None, tmp_path: Path
) -> None:
    """A number that is lost or NaN is worse; without a direction there are changes only."""
    found = diff(*sides_of(tmp_path, old, new), tolerance=0.001)

    assert [each.effect for each in found.changes] == ([effect] if effect else [])
    assert found.fails(FailOn.REGRESSIONS) == (effect is Effect.WORSE)
    assert found.fails(FailOn.CHANGES) == (effect is not None)


@pytest.mark.parametrize(
    ("old", "new", "tolerance", "is_near"),
    [
        (0.8, 0.72, 0.1, True),  # 0.8 - 0.72 is 0.08000000000000007
        (-0.8, -0.72, 0.1, True),
        (0.8, 0.7199, 0.1, False),
        (1e300, 0.9e300, 0.1, True),
        (0.8, float("inf"), 0.1, False),
        (0.0, 1e-300, 0.1, False),
    ],
)
def test_a_tolerance_holds_for_numbers_as_they_are_written(
    old: float, new: float, tolerance: float, is_near: bool, tmp_path: Path
) -> None:
    """What a person can work out from the two numbers shown is what counts."""
    found = diff(*sides_of(tmp_path, {"loss": old}, {"loss": new}), tolerance=tolerance)

    assert (not found.changes) == is_near


def test_a_key_of_yours_can_be_volatile() -> None:
    """What --volatile names is null everywhere; what xvc measured is, anyway."""
    rows = [("events", {"latency_ms": 3, "table": "t", "function_time": 0.1})]
    wanted = ExportedRun(run_of({"latency_ms": 3.0}), rows, {}, ("latency_*",))

    made = artifacts_of(wanted)

    assert json.loads(made["records.jsonl"]) == {
        "function_time": None,
        "latency_ms": None,
        "table": "events",
        "table_2": "t",
        "timestamp": None,
        "track_id": None,
    }
    assert json.loads(made["summary.json"])["metrics"] == {"latency_ms": None}


def _steps(file: Path) -> list[str]:
    """The shell lines of a pipeline, installation aside."""
    found = yaml.safe_load(file.read_text())["jobs" if file.stem == "github" else "results"]
    if file.stem == "github":
        lines = [step["run"] for step in found["results"]["steps"] if "run" in step]
    else:
        lines = found["script"]
    assert lines[0] == "python -m pip install xvc-experiments"
    return lines[1:]


@pytest.mark.parametrize("name", ["github", "gitlab"])
def test_the_pipelines_of_the_documentation_work(
    name: str, project: Path, run_xvc: Calling
) -> None:
    """As scripts in a clone: green on the same results, exit 3 on worse ones, with a table."""
    summary = project.parent / "summary.md"
    run_xvc("run", "--", "python", "train.py")
    run_xvc("export", "run", "@", "ci/baseline")
    git(project, "add", "ci")
    git(project, "commit", "-q", "-m", "baseline")
    script = "set -e\n" + "\n".join(_steps(EXAMPLES / f"{name}.yml"))

    def pipeline(clone: Path) -> int:
        git(project.parent, "clone", "-q", str(project), str(clone))
        environment = {**os.environ, "GITHUB_STEP_SUMMARY": str(summary)}
        return subprocess.run(
            ["bash", "-c", script], cwd=clone, env=environment, capture_output=True, check=False
        ).returncode

    good = pipeline(project.parent / "good")
    text = (project / "train.py").read_text().replace("1 - lr / 2", "1 - lr")
    (project / "train.py").write_text(text)
    git(project, "commit", "-q", "-a", "-m", "worse")
    bad = pipeline(project.parent / "bad")

    assert (good, bad) == (0, 3)
    assert "metric accuracy" in (project.parent / "bad" / "diff.md").read_text()
