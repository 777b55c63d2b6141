"""What MLflow and wandb log into a series is recorded; with the packages, where they are."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from xvc import Reader
from xvc.experiments import ToolMissing, compare_experiments, configure_mlflow, configure_wandb


@pytest.fixture(autouse=True)
def inside(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project as the current folder."""
    monkeypatch.chdir(project)
    return project


def recorded() -> list[tuple[Any, ...]]:
    """Name, status, params and seconds of each run."""
    asked = (
        "SELECT name, status, params->>'depth', epoch(finished - started) FROM runs ORDER BY name"
    )
    return Reader().conn.execute(asked).fetchall()


@pytest.mark.filterwarnings("ignore")  # MLflow's own
def test_mlflow(inside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs of MLflow are experiments once, with every step, their times and how they ended."""
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setattr("atexit.register", lambda *_: None)
    series = configure_mlflow(increment="0042", tracking_uri=f"file:{inside}/mlruns")
    with mlflow.start_run(run_name="boosted"):
        mlflow.log_param("depth", 6)
        for step in range(3):
            mlflow.log_metric("accuracy", 0.8 + step / 100, step=step)
        time.sleep(0.3)
    with suppress(LookupError), mlflow.start_run(run_name="broken"):
        mlflow.log_metric("accuracy", 0.99)
        raise LookupError
    monkeypatch.chdir(inside.parent)
    counts = (series.record(), series.record())
    monkeypatch.chdir(inside)
    counts += (configure_mlflow("0042").record(),)
    (boosted, broken), frame = recorded(), Reader().to_df()

    assert counts == (2, 0, 0)
    assert boosted[:3] == ("0042/boosted", "finished", "6")
    assert broken[:2] == ("0042/broken", "failed")
    assert 0.3 <= boosted[3] < 60
    assert frame["accuracy"].dropna().tolist() == [0.8, 0.8 + 1 / 100, 0.8 + 2 / 100, 0.99]
    assert frame["step"].dropna().tolist() == [0, 1, 2, 0]
    found = compare_experiments(series="0042")
    assert (found.best and found.best.name, found.metric) == ("boosted", "accuracy")


@pytest.mark.filterwarnings("ignore")  # MLflow's own
def test_artifacts_of_mlflow(inside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files, figures and models that MLflow itself logs are assets of the run."""
    mlflow = pytest.importorskip("mlflow")
    pyplot = pytest.importorskip("matplotlib.pyplot")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setattr("atexit.register", lambda *_: None)
    series = configure_mlflow("0042", tracking_uri=f"file:{inside}/mlruns")
    (inside / "notes").mkdir()
    (inside / "notes/a.txt").write_text("a")
    with mlflow.start_run(run_name="boosted"):
        mlflow.log_artifact("notes/a.txt")
        mlflow.log_artifacts("notes", "more/notes")
        mlflow.log_text("b", "b.txt")
        mlflow.log_dict({"c": 1}, "c.json")
        mlflow.log_figure(pyplot.figure(), "figure.png")
        mlflow.pyfunc.log_model(
            name="model", python_model=lambda model_input: model_input, pip_requirements=["numpy"]
        )
    counts = (series.record(), series.record())
    asked = "SELECT name, digest, kind FROM assets ORDER BY name"
    kept = Reader().conn.execute(asked).fetchall()
    Reader().assets.export(kept[-2][1], inside / "out")

    assert counts == (1, 0)
    assert [name for name, *_ in kept] == [
        *("a.txt", "b.txt", "c.json", "figure.png", "model", "more/notes/a.txt")
    ]
    assert kept[0][1] == kept[-1][1]
    assert (inside / "out/MLmodel").exists()


@pytest.mark.filterwarnings("ignore")  # wandb's own
def test_wandb(inside: Path) -> None:
    """A run that is begun through the series is in both; an exception fails both."""
    pytest.importorskip("wandb")
    series = configure_wandb(series="0042", mode="offline")
    with series.init(name="boosted", config={"depth": 6}) as run:
        run.log({"auc": 0.8}, step=0)
        run.log({"auc": 0.87}, step=1)
    with pytest.raises(LookupError), series.init(name="broken"):
        raise LookupError
    boosted, broken = recorded()

    assert boosted[:3] == ("0042/boosted", "finished", "6")
    assert broken[:2] == ("0042/broken", "failed")
    assert Reader().values("auc") == [0.8, 0.87]
    assert list(Path("wandb").glob("offline-run-*"))


@pytest.mark.filterwarnings("ignore")  # MLflow's own
def test_mlflow_in_its_own_words(inside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of the wrapper is recorded when its block ends, in the series that was said last."""
    pytest.importorskip("mlflow")
    from xvc.experiments import mlflow

    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setattr("atexit.register", lambda *_: None)
    configure_mlflow(increment="0042", tracking_uri=f"file:{inside}/mlruns")
    with mlflow.start_run("boosted") as run:
        mlflow.log_metric("accuracy", 0.9)
    with suppress(LookupError), mlflow.start_run("broken", series="0043"):
        raise LookupError

    assert run.info.run_name == "boosted"
    assert [row[:2] for row in recorded()] == [
        ("0042/boosted", "finished"),
        ("0043/broken", "failed"),
    ]
    assert Reader().to_df()["accuracy"].dropna().tolist() == [0.9]


@pytest.mark.filterwarnings("ignore")  # wandb's own
def test_wandb_in_its_own_words(inside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once a series is configured `wandb.init` and `wandb.log` are recorded, as is the wrapper."""
    tool = pytest.importorskip("wandb")
    from xvc.experiments import wandb

    monkeypatch.setattr(tool, "init", tool.init)
    Path("model.pkl").write_bytes(b"weights")
    configure_wandb(increment="0041", mode="offline")
    configure_wandb(increment="0042", mode="offline")
    run = tool.init(name="boosted", config={"depth": 6})
    run.log({"auc": 0.8})
    tool.log({"auc": 0.9})
    run.log_model("model.pkl")
    run.finish()
    with wandb.init(increment="0043", name="other", mode="offline") as other:
        other.log({"auc": 0.5})

    assert [row[:3] for row in recorded()] == [
        ("0042/boosted", "finished", "6"),
        ("0043/other", "finished", None),
    ]
    assert sorted(Reader().values("auc")) == [0.5, 0.8, 0.9]
    assert wandb.Table is tool.Table


def test_what_is_not_installed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the extra."""
    monkeypatch.setattr("xvc.experiments.mlflow_series.find_spec", lambda _: None)
    for configure in (configure_mlflow, configure_wandb):
        with pytest.raises(ToolMissing) as caught:
            configure("0042")  # type: ignore[operator]
        assert "xvc-experiments[" in caught.value.hint
