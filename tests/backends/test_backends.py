"""Tracking backends: one interface, runs as folders, and each of them a run of xvc in a project."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from xvc import backends
from xvc.backends import (
    BackendMissing,
    LocalFileTracker,
    MultiTracker,
    NoActiveRun,
    RunFolderMissing,
    TrackingConfig,
    UnknownBackend,
    auto_track,
    create_tracker,
)
from xvc.errors import BadValue, XvcError


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def local(folder: Path, **config: Any) -> LocalFileTracker:
    return LocalFileTracker(str(folder), TrackingConfig(project="p", **config))


def test_a_run_is_a_folder_of_json(tmp_path: Path) -> None:
    """All that was logged is in the files that the layout names, and the source is left."""
    source = tmp_path / "roc.txt"
    source.write_text("curve")
    with local(tmp_path, experiment_name="first", tags=["a"], notes="n") as tracker:
        tracker.log_params({"lr": 0.1, "odd": Path("x")})
        tracker.log_metrics({"acc": 0.9})
        tracker.log_metrics({"acc": 0.95}, step=7)
        tracker.log_metrics({"acc": 0.97})
        tracker.log_artifact(str(source), artifact_name="curve", artifact_type="text")
    loaded: Any = tracker.load_run("first")

    assert loaded["params"] == {"lr": 0.1, "odd": "x"}
    assert [(row["metrics"]["acc"], row["step"]) for row in loaded["metrics"]] == [
        *((0.9, 0), (0.95, 7), (0.97, 1))
    ]
    assert loaded["final_state"]["status"] == loaded["metadata"]["status"] == "finished"
    assert (loaded["metadata"]["tags"], loaded["metadata"]["notes"]) == (["a"], "n")
    assert [(a["name"], a["type"]) for a in loaded["artifacts"]] == [("curve", "text")]
    assert (tmp_path / "p" / "first" / "artifacts" / "curve").read_text() == "curve"
    assert source.exists()


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """A second run of a name, and a second artifact, get a number; the first ones stay."""
    tracker, file = local(tmp_path), tmp_path / "model.pkl"
    for text in ("one", "two"):
        file.write_text(text)
        tracker.start_run("same")
        tracker.log_artifact(str(file))
        file.write_text(text * 2)
        tracker.log_artifact(str(file))
        tracker.end_run()

    assert tracker.list_runs() == ["same", "same-2"]
    found = {str(p.relative_to(tmp_path / "p")): p.read_text() for p in tmp_path.glob("p/*/*/*")}
    assert found == {
        "same/artifacts/model.pkl": "one",
        "same/artifacts/model-2.pkl": "oneone",
        "same-2/artifacts/model.pkl": "two",
        "same-2/artifacts/model-2.pkl": "twotwo",
    }


@pytest.mark.parametrize("name", ["../out", "a/b", "..", "x\0y"])
def test_a_run_stays_in_the_folder_of_its_project(tmp_path: Path, name: str) -> None:
    """A name that leads elsewhere is refused, to begin and to load."""
    tracker = local(tmp_path / "in")

    for call in (tracker.start_run, tracker.load_run):
        with pytest.raises(BadValue, match="no name of a folder"):
            call(name)
    assert list(tmp_path.iterdir()) == []


def test_refusals_are_of_the_kinds_that_callers_catch(tmp_path: Path) -> None:
    """Each is one of xvc's errors and one of Python's, with the way on."""
    tracker = local(tmp_path)
    calls: list[tuple[Any, type[Exception], type[XvcError]]] = [
        (lambda: tracker.log_metrics({"a": 1}), RuntimeError, NoActiveRun),
        (lambda: tracker.log_params({"a": 1}), RuntimeError, NoActiveRun),
        (lambda: tracker.log_artifact("a"), RuntimeError, NoActiveRun),
        (lambda: tracker.load_run("a"), FileNotFoundError, RunFolderMissing),
        (lambda: create_tracker("neptune"), ValueError, UnknownBackend),
        (lambda: MultiTracker([]), ValueError, backends.NoTrackers),
    ]

    for call, python, own in calls:
        with pytest.raises(python) as caught:
            call()
        assert isinstance(caught.value, own)
        assert caught.value.hint


def test_tensorboard_alone_is_told_what_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not asked for again where it is: without torch or tensorboardX nothing writes."""
    monkeypatch.setattr(backends, "TENSORBOARD_AVAILABLE", False)
    monkeypatch.setattr("xvc.backends.hosted.find_spec", lambda name: object())

    with pytest.raises(ImportError, match=r"^tensorboardX beside tensorboard is required"):
        create_tracker("tensorboard")


@pytest.mark.parametrize("call", ["log_metrics", "log_params"])
@pytest.mark.parametrize("values", ["loss", None, [1, 2]])
def test_values_without_names_are_refused_with_the_call_that_is_meant(
    call: str, values: object
) -> None:
    """One sentence, and the run goes on."""
    with LocalFileTracker() as tracker:
        with pytest.raises(BadValue, match=rf"as {call}\(\{{'loss': 0.5\}}\), not one"):
            getattr(tracker, call)(values)
        tracker.log_metrics({"loss": 0.5})


@pytest.mark.parametrize(
    ("name", "flag"),
    [
        ("wandb", "WANDB_AVAILABLE"),
        ("mlflow", "MLFLOW_AVAILABLE"),
        ("tensorboard", "TENSORBOARD_AVAILABLE"),
    ],
)
def test_a_missing_package_is_named_with_its_extra(
    monkeypatch: pytest.MonkeyPatch, name: str, flag: str
) -> None:
    """What is not installed is an ImportError that says what to install."""
    monkeypatch.setattr(backends, flag, False)

    with pytest.raises(ImportError, match=f"{name} is required") as caught:
        create_tracker(name)
    assert isinstance(caught.value, BackendMissing)
    assert f"[{name}]" in caught.value.hint


def test_several_backends_get_everything_even_if_one_fails(tmp_path: Path) -> None:
    """What one of them raises goes on when all of them have been called."""

    class Down(LocalFileTracker):
        def log_metrics(self, metrics: object, step: int | None = None) -> None:
            raise ConnectionError("down")

    good, bad = local(tmp_path / "good"), Down(str(tmp_path / "bad"))
    several = MultiTracker([bad, good])
    several.start_run("r")
    with pytest.raises(ConnectionError, match="down"):
        several.log_metrics({"a": 1.0})
    several.end_run()
    loaded: Any = good.load_run("r")

    assert [row["metrics"] for row in loaded["metrics"]] == [{"a": 1.0}]


def test_a_result_is_logged_with_what_it_has(tmp_path: Path) -> None:
    """Counts, score, duration and identity get the prefix; what is None or absent is left out."""
    result = SimpleNamespace(
        success_rate=0.5,
        total_count=2,
        success_count=1,
        error_count=1,
        score=SimpleNamespace(accuracy=0.5, precision=None),
        duration_seconds=None,
        experiment_id="e",
        model_info=SimpleNamespace(name="m", provider="p"),
        probe_name="probe",
        probe_category=SimpleNamespace(value="logic"),
    )
    tracker = local(tmp_path)
    tracker.start_run("r")
    tracker.log_experiment_result(result, prefix="eval_")
    tracker.end_run()
    loaded: Any = tracker.load_run("r")

    assert loaded["metrics"][0]["metrics"] == {
        "eval_success_rate": 0.5,
        "eval_total_count": 2.0,
        "eval_success_count": 1.0,
        "eval_error_count": 1.0,
        "eval_accuracy": 0.5,
    }
    assert loaded["params"]["eval_probe_category"] == "logic"


def test_calls_of_functions_are_runs(tmp_path: Path) -> None:
    """Numbers of a returned dict are metrics; an error fails the run and goes on; async as well."""
    tracker = local(tmp_path)

    @auto_track(tracker)
    def plain() -> dict[str, object]:
        return {"acc": 0.5, "name": "x", "ok": True}

    @auto_track(tracker, experiment_name="later")
    async def later() -> dict[str, float]:
        return {"acc": 0.7}

    @auto_track(tracker, experiment_name="broken")
    def broken() -> None:
        raise TypeError("no")

    plain()
    asyncio.run(later())
    with pytest.raises(TypeError, match="no"):
        broken()
    loaded: dict[str, Any] = {name: tracker.load_run(name) for name in tracker.list_runs()}

    assert {n: r["final_state"]["status"] for n, r in loaded.items()} == {
        "plain": "finished",
        "later": "finished",
        "broken": "failed",
    }
    assert [loaded[n]["metrics"][0]["metrics"] for n in ("plain", "later")] == [
        *({"acc": 0.5}, {"acc": 0.7})
    ]


def test_in_a_project_each_run_is_one_of_xvc(project: Path, call_xvc: Any) -> None:
    """Metrics, params and the end are in the history; several backends make one run."""
    first, second = local(project / "runs"), local(project / "others")
    tracker = MultiTracker([first, second])

    def fail() -> None:
        with tracker:
            tracker.log_params({"lr": 0.1})
            tracker.log_metrics({"acc": 0.9})
            _ = 1 / 0

    with pytest.raises(ZeroDivisionError):
        fail()
    with local(project / "runs", experiment_name="mine") as alone:
        alone.log_metrics({"acc": 0.95})
    listed = json.loads(call_xvc("ls", "--json").out)["data"]["runs"]

    assert listed[0]["name"] == "mine"
    assert [run["status"] for run in listed] == ["finished", "failed"]


def test_the_experiment_of_mlflow_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its id is there from the first run on, by the name that insideLLMs' programs read, too."""
    begun = SimpleNamespace(info=SimpleNamespace(run_id="r", experiment_id="7"))
    made = SimpleNamespace(
        set_experiment=lambda name: None,
        start_run=lambda **about: begun,
        end_run=lambda status: None,
    )
    monkeypatch.setattr(backends, "MLFLOW_AVAILABLE", True)
    monkeypatch.setattr(backends, "mlflow", made, raising=False)
    tracker = backends.MLflowTracker()
    before = tracker.experiment_id
    with tracker:
        pass

    assert (before, tracker.experiment_id, tracker._experiment_id) == (None, "7", "7")
