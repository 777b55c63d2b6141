"""Lightning, Hugging Face's Trainer and torch's writer, where they are installed: what they say.

Each is asked by its own means, too: a CSV logger beside ours, the trainer's history, TensorBoard's
own reader.
"""

from __future__ import annotations

import csv
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from xvc import Reader, Tracker

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore")  # the trainers' own

FIT = """
import sys, torch, lightning
from lightning.pytorch.loggers import CSVLogger
from xvc.callbacks import LightningLogger

class Net(lightning.LightningModule):
    def __init__(self, width=3):
        super().__init__()
        self.save_hyperparameters()
        self.layer = torch.nn.Linear(width, 1)
    def training_step(self, batch, at):
        loss = self.layer(batch).pow(2).mean()
        self.log("loss", loss)
        self.log("odd", float("nan"))
        return loss
    def test_step(self, batch, at):
        self.log("test_loss", self.layer(batch).pow(2).mean())
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.01)

def data(seed=0):
    torch.manual_seed(seed)
    return torch.utils.data.DataLoader(torch.randn(8, 3), batch_size=2)

def trainer(logger, **more):
    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}
    return lightning.Trainer(max_epochs=2, log_every_n_steps=1, logger=logger, **quiet, **more)
"""


@pytest.fixture(autouse=True)
def db(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A store in the current folder."""
    monkeypatch.chdir(tmp_path)
    return "t.duckdb"


@pytest.fixture
def fit() -> dict[str, Any]:
    """A small model of Lightning, data and a trainer."""
    pytest.importorskip("lightning")
    parts: dict[str, Any] = {"__name__": "fit"}
    exec(FIT, parts)  # the same lines are the script of two processes
    return parts


def runs(db: str) -> list[tuple[Any, ...]]:
    """Name, status, params and reason of each run, oldest first."""
    asked = "SELECT name, status, params, reason FROM runs ORDER BY started"
    return Reader(db).conn.execute(asked).fetchall()


def test_lightning_logs_what_its_own_logger_does(db: str, fit: dict[str, Any]) -> None:
    """Steps, values, NaN and checkpoints as Lightning has them; a test belongs to the same run."""
    logger, other = fit["LightningLogger"](db=db, name="net"), fit["CSVLogger"]("csv")
    trainer = fit["trainer"]([logger, other])
    trainer.fit(fit["Net"](), fit["data"]())
    trainer.test(trainer.model, fit["data"](), verbose=False)
    written = list(csv.DictReader(Path(other.log_dir, "metrics.csv").read_text().splitlines()))
    frame = Reader(db).to_df()
    losses = frame[frame["loss"].notna()]

    theirs = [row for row in written if row["loss"]]
    assert losses["step"].tolist() == [int(row["step"]) for row in theirs] == list(range(8))
    assert losses["loss"].tolist() == pytest.approx([float(row["loss"]) for row in theirs])
    odd = Reader(db).conn.execute("SELECT count(*) FROM events WHERE isnan(odd)").fetchall()
    assert odd == [(8,)]
    (tested,) = frame["test_loss"].dropna()
    assert tested == pytest.approx(float(next(r["test_loss"] for r in written if r["test_loss"])))
    saved = [Path(path) for path in frame["checkpoint"].dropna()]
    assert [path.name for path in saved] == ["epoch=0-step=4.ckpt", "epoch=1-step=8.ckpt"]
    assert saved[-1].exists()
    assert [run[:3] for run in runs(db)] == [("net", "finished", '{"width":3}')]


def test_a_training_of_lightning_fails_and_goes_on(db: str, fit: dict[str, Any]) -> None:
    """What its own code raises is raised and the run is failed; a later one joins it by name."""
    net, resumed = fit["Net"](), {"db": db, "run": "net", "resume": True}
    net.on_train_epoch_end = lambda: (_ for _ in ()).throw(LookupError("gone"))
    with pytest.raises(LookupError, match="gone"):
        fit["trainer"](fit["LightningLogger"](**resumed)).fit(net, fit["data"]())
    ((name, status, _, _),) = runs(db)
    fit["trainer"](fit["LightningLogger"](**resumed)).fit(fit["Net"](), fit["data"]())

    assert (name, status) == ("net", "failed")
    assert [run[:2] for run in runs(db)] == [("net", "finished")]
    assert len(Reader(db).to_df()["loss"].dropna()) == 4 + 8


def test_only_rank_zero_of_lightning_records(db: str, fit: dict[str, Any], tmp_path: Path) -> None:
    """Two processes train together, and one run has the rows of one."""
    script = f"{FIT}\nlogger = LightningLogger(db={db!r}, name='net')\n" + (
        "trainer(logger, devices=2, strategy='ddp').fit(Net(), data())\n"
    )
    (tmp_path / "fit.py").write_text(script)
    told = subprocess.run(
        [sys.executable, "fit.py"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "MASTER_ADDR": "127.0.0.1", "GLOO_SOCKET_IFNAME": "lo"},
    )

    assert told.returncode == 0, told.stderr
    assert [run[:2] for run in runs(db)] == [("net", "finished")]
    losses = Reader(db).to_df()[["step", "loss"]].dropna()
    assert losses["step"].tolist() == [0, 1, 2, 3]


def _huggingface(folder: str, callbacks: list[Any], **more: Any) -> Any:
    transformers = pytest.importorskip("transformers")

    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(3, 1)

        def forward(self, x: Any, labels: Any = None) -> dict[str, Any]:
            out = self.layer(x)
            return {"loss": (out[:, 0] - labels).pow(2).mean(), "logits": out}

    rows = [{"x": torch.full((3,), float(n)), "labels": float(n)} for n in range(8)]
    asked: dict[str, Any] = {
        "logging_steps": 1,
        "save_steps": 2,
        "max_steps": 4,
        "eval_strategy": "steps",
        "eval_steps": 2,
        "use_cpu": True,
        "report_to": "none",
        "disable_tqdm": True,
        "per_device_train_batch_size": 2,
    }
    return transformers.Trainer(
        model=Net(),
        args=transformers.TrainingArguments(folder, **asked | more),
        train_dataset=rows,
        eval_dataset=rows,
        callbacks=callbacks,
    )


def test_huggingface_logs_what_its_history_has(db: str) -> None:
    """Every entry of the trainer's history is a row, checkpoints too; a resumed one joins."""
    pytest.importorskip("transformers")
    from xvc.callbacks import TransformersCallback

    go_on = {"db": db, "run": "net", "resume": True}
    trainer = _huggingface("out", [TransformersCallback(**go_on)])
    trainer.train()
    history = trainer.state.log_history
    frame = Reader(db).to_df()
    longer = _huggingface("out", [TransformersCallback(**go_on)], max_steps=6)
    longer.train(resume_from_checkpoint=True)
    later = Reader(db).to_df()

    for key in ("loss", "eval_loss", "grad_norm", "learning_rate", "train_loss"):
        told = [(entry["step"], entry[key]) for entry in history if key in entry]
        rows = frame[frame[key].notna()]
        assert list(zip(rows["step"].tolist(), rows[key].tolist(), strict=True)) == told
    assert [Path(path).is_dir() for path in frame["checkpoint"].dropna()] == [True, True]
    assert later["loss"].dropna().tolist()[:4] == frame["loss"].dropna().tolist()
    assert later[later["loss"].notna()]["step"].tolist() == [1, 2, 3, 4, 5, 6]
    ((name, status, params, _),) = runs(db)
    assert (name, status) == ("net", "finished")
    assert '"logging_steps":1' in params


def test_a_callback_stops_no_training_of_huggingface(db: str) -> None:
    """A tracker that has ended and a store that cannot be are warnings."""
    pytest.importorskip("transformers")
    from xvc.callbacks import TransformersCallback

    ended = Tracker(db)
    ended.close()
    Path("folder").mkdir()
    callbacks = [TransformersCallback(ended), TransformersCallback(db="folder")]
    with pytest.warns(RuntimeWarning, match="not all of this training is recorded"):
        found = _huggingface("out", callbacks).train()

    assert found.global_step == 4


def test_torchs_writer_is_read_by_tensorboard(db: str) -> None:
    """Scalars of both kinds, tensors and hyperparameters are in the event file and in the run."""
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    from xvc.callbacks import SummaryWriter

    with Tracker(db) as tracker:
        writer = SummaryWriter("board", tracker=tracker)
        for step in range(3):
            writer.add_scalar("loss", torch.tensor(1 / (step + 1)), step)
        writer.add_scalar("loss", float("nan"), 3)
        writer.add_scalars("lr", {"head": 0.5, "body": 0.25}, 0)
        writer.add_hparams({"depth": 2}, {"auc": 0.75})
        writer.close()
    board = events.EventAccumulator("board").Reload()
    read = [event.value for event in board.Scalars("loss")]

    assert Reader(db).values("loss")[:3] == pytest.approx(read[:3])
    assert math.isnan(Reader(db).values("loss")[3])
    assert math.isnan(read[3])
    frame = Reader(db).to_df()
    assert frame[["lr/head", "lr/body"]].dropna().to_numpy().tolist() == [[0.5, 0.25]]
    assert frame["auc"].dropna().tolist() == [0.75]
    assert runs(db)[0][2] == '{"depth":2}'
