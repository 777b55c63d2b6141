"""The text of insideLLMs on experiment tracking, statement by statement."""

from __future__ import annotations

import asyncio
import inspect
import json
from dataclasses import MISSING, fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from xvc import Reader, backends
from xvc.backends import (
    ExperimentTracker,
    LocalFileTracker,
    MLflowTracker,
    MultiTracker,
    NoActiveRun,
    TensorBoardTracker,
    TrackingConfig,
    WandBTracker,
    auto_track,
    create_tracker,
)
from xvc.errors import BadValue


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def json_of(file: Path) -> Any:
    """What a file of JSON says."""
    return json.loads(file.read_text())


def a_result(**more: object) -> SimpleNamespace:
    """A result with all that is logged of one."""
    score = SimpleNamespace(
        accuracy=0.9,
        precision=0.8,
        recall=0.7,
        f1_score=0.75,
        mean_latency_ms=12.5,
        total_tokens=100,
        error_rate=0.1,
    )
    facts: dict[str, object] = {
        "success_rate": 0.9,
        "total_count": 10,
        "success_count": 9,
        "error_count": 1,
        "score": score,
        "duration_seconds": 3.5,
        "experiment_id": "e1",
        "model_info": SimpleNamespace(name="m", provider="p"),
        "probe_name": "logic",
        "probe_category": SimpleNamespace(value="reasoning"),
    }
    return SimpleNamespace(**facts | more)


RESULT_METRICS = {
    "success_rate": 0.9,
    "total_count": 10.0,
    "success_count": 9.0,
    "error_count": 1.0,
    "accuracy": 0.9,
    "precision": 0.8,
    "recall": 0.7,
    "f1_score": 0.75,
    "mean_latency_ms": 12.5,
    "total_tokens": 100.0,
    "error_rate": 0.1,
    "duration_seconds": 3.5,
}
RESULT_PARAMS = {
    "experiment_id": "e1",
    "model_name": "m",
    "model_provider": "p",
    "probe_name": "logic",
    "probe_category": "reasoning",
}


def test_the_configuration_has_the_defaults_of_the_text() -> None:
    """Project, names, tags and notes, and the three flags that change nothing."""
    found = TrackingConfig()

    assert vars(found) == {
        "project": "insideLLMs",
        "experiment_name": None,
        "tags": [],
        "notes": None,
        "log_artifacts": True,
        "log_code": False,
        "auto_log_metrics": True,
    }
    assert TrackingConfig("p", "e", ["t"], "n").tags == ["t"]
    assert all(f.default is not MISSING or f.name == "tags" for f in fields(TrackingConfig))


CORE = {
    "start_run": ["run_name", "run_id", "nested"],
    "log_metrics": ["metrics", "step"],
    "log_params": ["params"],
    "log_artifact": ["artifact_path", "artifact_name", "artifact_type"],
    "log_experiment_result": ["result", "prefix"],
    "end_run": ["status"],
}
MORE = {
    WandBTracker: {"log_table": ["table_name", "data", "columns"], "watch_model": ["model"]},
    MLflowTracker: {
        "log_model": ["model", "model_name", "model_flavor"],
        "register_model": ["model_uri", "model_name"],
    },
    TensorBoardTracker: {"log_histogram": ["tag", "values", "step"]},
    LocalFileTracker: {"load_run": ["run_id"], "list_runs": []},
    MultiTracker: {},
}


@pytest.mark.parametrize("kind", MORE, ids=lambda kind: kind.__name__)
def test_every_tracker_has_the_same_calls(kind: type[ExperimentTracker]) -> None:
    """The core interface, and what a backend has beyond it, with the names of their arguments."""
    wanted = CORE | MORE[kind]
    found = {
        name: list(inspect.signature(getattr(kind, name)).parameters)[1:][: len(arguments)]
        for name, arguments in wanted.items()
    }

    assert found == wanted
    assert issubclass(kind, ExperimentTracker)


def test_the_base_is_abstract() -> None:
    """A backend that leaves out a call cannot be made."""
    with pytest.raises(TypeError, match="abstract"):
        ExperimentTracker()  # type: ignore[abstract]


def test_the_layout_of_local_runs(tmp_path: Path) -> None:
    """Folder by project and run, five files, copies of artifacts; nothing but metadata before."""
    source = tmp_path / "results.json"
    source.write_text("{}")
    config = TrackingConfig("proj", "exp", ["a", "b"], "why")
    tracker = LocalFileTracker(output_dir="out", config=config)
    began = tracker.start_run(run_name="first")
    tracker.log_params({"model": "gpt-4", "path": Path("x")})
    tracker.log_metrics({"accuracy": 0.95})
    tracker.log_artifact("results.json")
    tracker.log_artifact("results.json", "kept.json", "data")
    home = Path("out/proj/first")
    before = sorted(p.name for p in home.glob("*.json"))
    tracker.end_run()
    metadata, final = json_of(home / "metadata.json"), json_of(home / "final_state.json")
    metrics, artifacts = json_of(home / "metrics.json"), json_of(home / "artifacts.json")

    assert (began, before) == ("first", ["metadata.json"])
    assert sorted(p.name for p in home.glob("*.json")) == [
        *("artifacts.json", "final_state.json", "metadata.json", "metrics.json", "params.json")
    ]
    assert {
        name: metadata[name] for name in ("run_id", "run_name", "project", "tags", "notes")
    } == {
        "run_id": "first",
        "run_name": "first",
        "project": "proj",
        "tags": ["a", "b"],
        "notes": "why",
    }
    assert metadata["started_at"] <= metadata["ended_at"] == final["ended_at"]
    assert (final["status"], final["total_steps"], final["metrics_count"]) == ("finished", 1, 1)
    assert metadata["status"] == "finished"
    assert json_of(home / "params.json") == {"model": "gpt-4", "path": "x"}
    assert [(row["metrics"], row["step"]) for row in metrics] == [({"accuracy": 0.95}, 0)]
    assert metrics[0]["timestamp"]
    assert [(a["name"], a["type"], a["original_path"]) for a in artifacts] == [
        ("results.json", "file", "results.json"),
        ("kept.json", "data", "results.json"),
    ]
    assert sorted(p.name for p in (home / "artifacts").iterdir()) == ["kept.json", "results.json"]
    assert [Path(a["path"]).read_text() for a in artifacts] == ["{}", "{}"]
    assert source.exists()


def test_what_a_local_run_is_called() -> None:
    """Its run_name, else the configuration's name, else the time; folder ./experiments."""
    named = LocalFileTracker(config=TrackingConfig(experiment_name="base"))
    bare = LocalFileTracker()
    found = [named.start_run(run_name="mine"), named.start_run(), bare.start_run()]
    named.end_run()
    bare.end_run()

    assert found[:2] == ["mine", "base"]
    assert len(found[2]) == len("YYYYMMDD_HHMMSS")
    assert found[2].replace("_", "").isdigit()
    assert Path("experiments/insideLLMs/mine").is_dir()
    assert bare.list_runs() == sorted(found)


def test_steps_are_counted_past_those_that_are_given() -> None:
    """A step that is given is kept; the count of the others does not see it."""
    tracker = LocalFileTracker()
    tracker.start_run("r")
    for step in (None, 10, None, 0, None):
        tracker.log_metrics({"loss": 1}, step=step)
    tracker.end_run()
    loaded: Any = tracker.load_run("r")

    assert [row["step"] for row in loaded["metrics"]] == [0, 10, 1, 0, 2]
    assert loaded["final_state"]["total_steps"] == 3


@pytest.mark.parametrize("status", ["finished", "failed", "killed"])
def test_a_run_ends_as_what_it_is_told(status: str) -> None:
    """Any status is written; ending twice and ending nothing change nothing."""
    tracker = LocalFileTracker()
    tracker.end_run()
    tracker.start_run("r")
    tracker.end_run(status=status)
    tracker.end_run("again")

    assert tracker.load_run("r")["final_state"]["status"] == status  # type: ignore[index]
    assert tracker.list_runs() == ["r"]


def test_a_run_of_an_id_goes_on() -> None:
    """Rows, params and artifacts are added to those that are there, and the count goes on."""
    tracker = LocalFileTracker()
    Path("a.txt").write_text("a")
    for params, loss in (({"lr": 1, "depth": 2}, 0.5), ({"lr": 3}, 0.25)):
        tracker.start_run(run_id="same")
        tracker.log_params(params)
        tracker.log_metrics({"loss": loss})
        tracker.log_artifact("a.txt")
        tracker.end_run()
    loaded: Any = tracker.load_run("same")

    assert [(row["step"], row["metrics"]["loss"]) for row in loaded["metrics"]] == [
        *((0, 0.5), (1, 0.25))
    ]
    assert loaded["params"] == {"lr": 3, "depth": 2}
    assert [Path(a["path"]).name for a in loaded["artifacts"]] == ["a.txt", "a-2.txt"]
    assert tracker.list_runs() == ["same"]


def test_a_nested_run_leaves_the_outer_one_open() -> None:
    """Each has its own rows and end, and without `nested` the open one ends."""
    tracker = LocalFileTracker()
    tracker.start_run("outer")
    tracker.log_metrics({"loss": 1.0})
    tracker.start_run("inner", nested=True)
    tracker.log_metrics({"loss": 2.0})
    tracker.log_params({"depth": 1})
    tracker.end_run("failed")
    tracker.log_metrics({"loss": 3.0})
    tracker.start_run("next")
    tracker.end_run()
    with pytest.raises(NoActiveRun):
        tracker.log_metrics({"loss": 4.0})
    loaded: dict[str, Any] = {name: tracker.load_run(name) for name in tracker.list_runs()}

    rows = {name: [(r["step"], r["metrics"]) for r in loaded[name]["metrics"]] for name in loaded}
    assert rows == {
        "inner": [(0, {"loss": 2.0})],
        "next": [],
        "outer": [(0, {"loss": 1.0}), (1, {"loss": 3.0})],
    }
    assert {n: run["final_state"]["status"] for n, run in loaded.items()} == {
        "inner": "failed",
        "next": "finished",
        "outer": "finished",
    }
    assert [loaded[n]["params"] for n in ("inner", "outer")] == [{"depth": 1}, {}]
    assert [loaded[n]["metadata"]["parent"] for n in ("inner", "outer")] == ["outer", None]


def test_an_artifact_stays_inside_the_run(tmp_path: Path) -> None:
    """A name may have folders; one that leads out is refused, and nothing is written there."""
    Path("a.txt").write_text("a")
    Path("many").mkdir()
    Path("many/b.txt").write_text("b")
    tracker = LocalFileTracker("out")
    tracker.start_run("r")
    tracker.log_artifact("a.txt", "plots/a.txt")
    tracker.log_artifact("many")
    for name in ("../a.txt", str(tmp_path / "c.txt"), "x/../../a.txt"):
        with pytest.raises(BadValue, match="leads out"):
            tracker.log_artifact("a.txt", name)
    with pytest.raises(FileNotFoundError):
        tracker.log_artifact("missing.txt")
    tracker.end_run()
    home = Path("out/insideLLMs/r/artifacts")

    assert sorted(str(p.relative_to(home)) for p in home.rglob("*.txt")) == [
        *("many/b.txt", "plots/a.txt")
    ]
    assert len(tracker.load_run("r")["artifacts"]) == 2  # type: ignore[arg-type]


@pytest.mark.parametrize("prefix", ["", "eval_"])
def test_a_result_becomes_the_metrics_and_params_of_the_text(prefix: str) -> None:
    """Counts, scores, duration and identity, each behind the prefix, in one row."""
    with LocalFileTracker(config=TrackingConfig(experiment_name="r")) as tracker:
        tracker.log_experiment_result(a_result(), prefix=prefix)
    loaded: Any = tracker.load_run("r")

    assert [row["metrics"] for row in loaded["metrics"]] == [
        {f"{prefix}{name}": value for name, value in RESULT_METRICS.items()}
    ]
    assert loaded["params"] == {f"{prefix}{name}": v for name, v in RESULT_PARAMS.items()}


def test_what_a_result_has_not_is_left_out() -> None:
    """No score, no duration: the counts alone; a score with some parts: those."""
    tracker = LocalFileTracker()
    tracker.start_run("r")
    tracker.log_experiment_result(a_result(score=None, duration_seconds=None))
    tracker.log_experiment_result(a_result(score=SimpleNamespace(recall=0.5, accuracy=None)))
    tracker.end_run()
    loaded: Any = tracker.load_run("r")

    counts = {"success_rate", "total_count", "success_count", "error_count"}
    assert [set(row["metrics"]) for row in loaded["metrics"]] == [
        counts,
        counts | {"recall", "duration_seconds"},
    ]


def test_a_function_is_tracked_with_what_it_returns() -> None:
    """Numbers of a dict, a result; nothing of others; its name and its words stay its own."""
    tracker = LocalFileTracker()

    @auto_track(tracker, experiment_name="baseline")
    def run_eval(scale: float) -> dict[str, object]:
        """Evaluate."""
        return {"accuracy": scale, "f1": 1, "model": "x"}

    @auto_track(tracker)
    async def result() -> object:
        return a_result()

    @auto_track(tracker)
    def number() -> int:
        return 42

    @auto_track(tracker)
    async def broken() -> None:
        raise TimeoutError("late")

    returned = run_eval(scale=0.93), asyncio.run(result()), number()
    with pytest.raises(TimeoutError, match="late"):
        asyncio.run(broken())
    loaded: dict[str, Any] = {name: tracker.load_run(name) for name in tracker.list_runs()}

    assert (returned[0], returned[2]) == ({"accuracy": 0.93, "f1": 1, "model": "x"}, 42)
    assert (run_eval.__name__, run_eval.__doc__) == ("run_eval", "Evaluate.")
    assert inspect.iscoroutinefunction(result)
    assert {n: [row["metrics"] for row in run["metrics"]] for n, run in loaded.items()} == {
        "baseline": [{"accuracy": 0.93, "f1": 1.0}],
        "broken": [],
        "number": [],
        "result": [RESULT_METRICS],
    }
    assert loaded["result"]["params"] == RESULT_PARAMS
    assert loaded["broken"]["final_state"]["status"] == "failed"


def test_a_block_fails_with_its_exception() -> None:
    """It goes on, and the run has the configuration's name and is failed."""
    tracker = create_tracker("local", output_dir="o", config=TrackingConfig(experiment_name="r"))

    with pytest.raises(KeyError), tracker:
        raise KeyError("x")
    assert json_of(Path("o/insideLLMs/r/final_state.json"))["status"] == "failed"


def test_several_begin_together_or_not_at_all() -> None:
    """Where one cannot begin, those that have begun end as failed, and no run is open."""

    class Down(LocalFileTracker):
        def start_run(self, *_: object, **__: object) -> str:
            raise ConnectionError("down")

    good, later = LocalFileTracker("good"), LocalFileTracker("later")
    several = MultiTracker([good, Down("down"), later])
    with pytest.raises(ConnectionError, match="down"), several:
        pytest.fail("a run began")
    (run,) = good.list_runs()

    assert good.load_run(run)["final_state"]["status"] == "failed"  # type: ignore[index]
    assert later.list_runs() == []
    with pytest.raises(NoActiveRun):
        several.log_metrics({"a": 1})


def test_several_have_the_id_of_the_first() -> None:
    """Everything reaches each of them, with the step and the names that were given."""
    Path("a.txt").write_text("a")
    trackers = [LocalFileTracker("one"), LocalFileTracker("two")]
    several = MultiTracker(trackers, config=TrackingConfig(experiment_name="r"))
    with several:
        several.log_metrics({"loss": 1.0}, step=4)
        several.log_params({"lr": 1})
        several.log_artifact("a.txt", "b.txt", "text")
        several.start_run("inner", nested=True)
        several.log_metrics({"loss": 2.0})
        several.end_run("killed")
        several.log_experiment_result(a_result())
    loaded: list[Any] = [each.load_run("r") for each in trackers]

    assert several.trackers == trackers
    for run in loaded:
        assert [row["step"] for row in run["metrics"]] == [4, 0]
        assert run["params"] == {"lr": 1, **RESULT_PARAMS}
        assert [(a["name"], a["type"]) for a in run["artifacts"]] == [("b.txt", "text")]
    assert [each.load_run("inner")["final_state"]["status"] for each in trackers] == [  # type: ignore[index]
        *("killed", "killed")
    ]


def test_the_names_of_the_backends() -> None:
    """`create_tracker` makes a local one unless told; an unknown name is said with the known."""
    assert isinstance(create_tracker(), LocalFileTracker)
    with pytest.raises(ValueError, match=r"Unknown backend: comet; .*local.*wandb.*mlflow.*tensor"):
        create_tracker("comet")
    for flag in ("WANDB_AVAILABLE", "MLFLOW_AVAILABLE", "TENSORBOARD_AVAILABLE"):
        assert isinstance(getattr(backends, flag), bool)


def test_in_a_project_a_nested_run_and_an_artifact_are_of_xvc(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both runs, their rows and the file are in the store of the project."""
    monkeypatch.chdir(project)
    Path("a.txt").write_text("a")
    tracker = LocalFileTracker("tracked")
    tracker.start_run("outer")
    tracker.start_run("inner", nested=True)
    tracker.log_metrics({"loss": 2.0})
    tracker.end_run("failed")
    tracker.log_metrics({"loss": 1.0})
    tracker.log_artifact("a.txt", "kept.txt")
    tracker.end_run()
    asked = "SELECT r.name, r.status, e.loss FROM events e JOIN runs r ON e.track_id = r.id"
    rows = Reader().conn.execute(f"{asked} ORDER BY 1").fetchall()

    assert rows == [("inner", "failed", 2.0), ("outer", "finished", 1.0)]
