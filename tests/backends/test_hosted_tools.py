"""Backends with the real packages, where they are installed, read back by each tool's own means.

wandb offline, MLflow with its own server on the loopback, TensorBoard's reader.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xvc import Reader
from xvc.backends import MultiTracker, TrackingConfig, create_tracker

pytestmark = pytest.mark.filterwarnings("ignore")  # the packages' own
ASKED = "SELECT name, status FROM runs ORDER BY started"


@pytest.fixture(autouse=True)
def _inside(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    Path("a.txt").write_text("a")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """An MLflow server of its own, over HTTP."""
    pytest.importorskip("mlflow")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    store = f"sqlite:///{tmp_path}/mlflow.db"
    words = ["server", "--host", "127.0.0.1", "--port", str(port), "--backend-store-uri", store]
    words += ["--artifacts-destination", str(tmp_path / "kept"), "--workers", "1"]
    process = subprocess.Popen(
        [sys.executable, "-m", "mlflow", *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    address = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + 240
        while time.monotonic() < until and process.poll() is None:
            try:
                with urllib.request.urlopen(f"{address}/health", timeout=5):
                    break
            except OSError:
                time.sleep(0.5)
        else:
            pytest.fail("the server did not start")
        yield address
    finally:
        process.terminate()
        process.wait(timeout=60)


def test_mlflow_over_http(server: str) -> None:
    """Params as text, steps, tags, a nested run, its artifact and how each ended are there."""
    import mlflow

    config = TrackingConfig(project="p", experiment_name="exp", tags=["fast"], notes="why")
    tracker = create_tracker("mlflow", tracking_uri=server, config=config)
    outer = tracker.start_run("outer")
    tracker.log_params({"lr": 0.1, "net": {"width": 2}})
    tracker.log_metrics({"loss": 0.5})
    tracker.log_metrics({"loss": 0.25}, step=7)
    tracker.log_artifact("a.txt")
    inner = tracker.start_run("inner", nested=True)
    tracker.log_metrics({"loss": 9.0})
    tracker.end_run("failed")
    tracker.log_metrics({"loss": 0.125})
    tracker.end_run()
    tracker.start_run(run_id=outer)
    tracker.log_metrics({"auc": 0.75})
    tracker.end_run()
    client = mlflow.MlflowClient(server)
    first, second = client.get_run(outer), client.get_run(inner)
    history = client.get_metric_history(outer, "loss")

    assert (first.info.status, second.info.status) == ("FINISHED", "FAILED")
    assert first.data.params == {"lr": "0.1", "net": "{'width': 2}"}
    assert sorted((each.step, each.value) for each in history) == [(0, 0.5), (1, 0.125), (7, 0.25)]
    assert first.data.metrics["auc"] == 0.75
    assert first.data.tags["fast"] == "true"
    assert first.data.tags["mlflow.note.content"] == "why"
    assert second.data.tags["mlflow.parentRunId"] == outer
    assert client.get_experiment_by_name("exp") is not None
    assert [each.path for each in client.list_artifacts(outer)] == ["a.txt"]
    assert Reader().conn.execute(ASKED).fetchall() == [
        (outer, "finished"),
        (inner, "failed"),
        (outer, "finished"),
    ]


def test_wandb_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was logged is in the summary of the run's folder; a nested run has its own."""
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_SILENT", "true")
    config = TrackingConfig(experiment_name="net", tags=["t"], notes="n")
    options = {"mode": "offline", "dir": str(Path.cwd())}
    tracker: Any = create_tracker("wandb", project="p", config=config, **options)
    outer = tracker.start_run()
    tracker.log_params({"lr": 0.1})
    tracker.log_metrics({"loss": 0.5})
    tracker.log_artifact("a.txt", "kept", "data")
    tracker.log_table("answers", [{"q": 1, "a": 2}])
    inner = tracker.start_run("inner", nested=True)
    tracker.log_metrics({"loss": 9.0})
    tracker.end_run("failed")
    tracker.log_metrics({"loss": 0.25})
    tracker.end_run()
    folders = {run: next(Path("wandb").glob(f"offline-run-*-{run}")) for run in (outer, inner)}
    summaries = {
        run: json.loads((folder / "files/wandb-summary.json").read_text())
        for run, folder in folders.items()
        if (folder / "files/wandb-summary.json").exists()
    }

    assert outer != inner
    for run, loss in ((outer, 0.25), (inner, 9.0)):
        if run in summaries:  # not every release writes it offline
            assert summaries[run]["loss"] == loss
    assert Reader().conn.execute(ASKED).fetchall() == [(outer, "finished"), (inner, "failed")]
    losses = "SELECT loss FROM events WHERE loss IS NOT NULL ORDER BY timestamp"
    assert Reader().conn.execute(losses).fetchall() == [(0.5,), (9.0,), (0.25,)]


def test_tensorboard_reads_what_was_logged() -> None:
    """Scalars with their steps, params and artifacts as text, and a histogram."""
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    tracker: Any = create_tracker("tensorboard", log_dir="board")
    local = create_tracker("local", output_dir="files")
    several = MultiTracker([tracker, local], config=TrackingConfig(experiment_name="net"))
    with several:
        several.log_params({"lr": 0.1})
        several.log_metrics({"loss": 0.5})
        several.log_metrics({"loss": 0.25}, step=3)
        several.log_artifact("a.txt")
        tracker.log_histogram("weights", np.array([0.0, 1.0, 1.0]))
    board = events.EventAccumulator("board/net", size_guidance={"tensors": 0}).Reload()
    texts = {
        tag: board.Tensors(tag)[0].tensor_proto.string_val[0].decode()
        for tag in board.Tags()["tensors"]
    }

    assert [(event.step, event.value) for event in board.Scalars("loss")] == [(0, 0.5), (3, 0.25)]
    assert sorted(texts.values()) == ["a.txt", "lr: 0.1"]
    assert board.Histograms("weights")[0].histogram_value.num == 3
    assert Reader().conn.execute(ASKED).fetchall() == [("net", "finished")]
