"""Keras: every epoch as Keras prints it, with any of its backends.

Single batches are logged when that is asked for: their values wait for the device.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from xvc.callbacks.framework import base_of
from xvc.callbacks.training_run import TrainingRun
from xvc.tracking.tracker import Tracker

_Logs = Mapping[str, object] | None
_Callback: Any = base_of("keras.callbacks", "Callback")


class KerasCallback(_Callback):  # type: ignore[misc]
    """Logs a row an epoch: ``epoch`` from 1 as Keras prints it, and all that it reports.

    Args:
        tracker: one of yours; it stays open. None makes one that ends with the training.
        batches: also logs the running means of every so many batches, as ``batch/loss`` and so
            on, with ``batch``, counted over all epochs; 0 is never.
        options: the arguments of `Tracker`.

    ``run_id`` is the id of the run. A training that an exception stops is failed when the process
    or the callback ends: Keras tells callbacks nothing of it.
    """

    def __init__(
        self, tracker: Tracker | None = None, *, batches: int = 0, **options: object
    ) -> None:
        super().__init__()
        self.run = TrainingRun(tracker, options)
        self._every, self._batch = batches, 0

    @property
    def run_id(self) -> str | None:
        """The id of the run, once training has begun."""
        return self.run.id

    def on_train_begin(self, logs: _Logs = None) -> None:
        """Open the run, with what the model is trained with as params."""
        found: dict[str, object] = {}
        with self.run.harmless():
            self.run.is_silent = _process() != 0
            found = {**(self.params or {}), **_compiled(self.model)}
        self.run.begin(found)

    def on_epoch_end(self, epoch: int, logs: _Logs = None) -> None:
        """Log the epoch."""
        self.run.log(dict(logs or {}), epoch=epoch + 1)

    def on_train_batch_end(self, batch: int, logs: _Logs = None) -> None:
        """Log a batch, when its turn has come."""
        self._batch += 1
        if self._every and self._batch % self._every == 0:
            means = {f"batch/{key}": value for key, value in (logs or {}).items()}
            self.run.log(means, batch=self._batch)

    def on_train_end(self, logs: _Logs = None) -> None:
        """End the run."""
        self.run.end()


class TensorBoardCallback(KerasCallback):
    """`KerasCallback` that also writes an event file for TensorBoard: ``epoch_loss`` and so on.

    Args:
        log_dir: gets the event files; None is ``experiments/<series>/tensorboard``.
        series: the group of the run; its name is then ``<series>/<name>``.
        increment: another word for *series*.
        name: what to call the run in the series.
        tracker: one of yours; it stays open.
        options: the arguments of `Tracker`.
    """

    def __init__(
        self,
        log_dir: str | Path | None = None,
        *,
        series: str | None = None,
        increment: str | None = None,
        name: str = "tensorboard",
        tracker: Tracker | None = None,
        **options: object,
    ) -> None:
        group = series or increment or ""
        called = f"{group}/{name}" if group else name
        super().__init__(tracker, batches=0, name=called, **options)
        home = Path("experiments") / group / "tensorboard"
        self._place = str(log_dir or home)
        self._board: Any = None

    def on_train_begin(self, logs: _Logs = None) -> None:
        """Open the run and the event file."""
        super().on_train_begin(logs)
        with self.run.harmless():
            from xvc.callbacks.event_files import event_writer  # late: torch, where it is there

            self._board = None if self.run.is_silent else event_writer()(self._place)

    def on_epoch_end(self, epoch: int, logs: _Logs = None) -> None:
        """Log the epoch in both, there at the step that Keras calls it: from 0."""
        super().on_epoch_end(epoch, logs)
        if self._board is not None:
            with self.run.harmless():
                for key, value in (logs or {}).items():
                    self._board.add_scalar(f"epoch_{key}", value, epoch)

    def on_train_end(self, logs: _Logs = None) -> None:
        """End both."""
        if self._board is not None:
            with self.run.harmless():
                self._board.close()
        super().on_train_end(logs)


def _process() -> int:
    """The number of this process in a distributed training; 0 when it is the only one."""
    distribution: Any = getattr(import_module("keras"), "distribution", None)
    ask = getattr(distribution, "process_id", None)
    return int(ask()) if callable(ask) and distribution.distribution() is not None else 0


def _compiled(model: object) -> dict[str, object]:
    optimizer: Any = getattr(model, "optimizer", None)
    config = {} if optimizer is None else optimizer.get_config()
    return {"optimizer": config} if config else {}
