"""Lightning: a logger for its Trainer, of the package ``lightning`` or ``pytorch_lightning``."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from xvc.callbacks.framework import base_of
from xvc.callbacks.training_run import TrainingRun
from xvc.tracking.tracker import Tracker
from xvc.tracking.values import named

_HOME = "lightning.pytorch" if find_spec("lightning") is not None else "pytorch_lightning"
_Logger: Any = base_of(f"{_HOME}.loggers.logger", "Logger")
_rank_zero_only: Any = base_of(f"{_HOME}.utilities.rank_zero", "rank_zero_only")


class LightningLogger(_Logger):  # type: ignore[misc]
    """Logs what `self.log` reports: rows with Lightning's ``step``, and ``epoch`` as it gives it.

    Only the process of rank 0 records. Hyperparameters are params of the run, nested ones by their
    path; checkpoints are rows with the path and the score. An exception, Ctrl-C included, makes
    the run failed. What is logged after the training, by ``trainer.test``, belongs to its run.

    Args:
        tracker: one of yours; it stays open. None makes one with the first that is logged.
        options: the arguments of `Tracker`.
    """

    def __init__(self, tracker: Tracker | None = None, **options: object) -> None:
        super().__init__()
        self.run = TrainingRun(tracker, options, goes_on=True)
        self._name = str(options.get("name") or "xvc")
        self._checkpoints: set[str] = set()

    @property
    def name(self) -> str:
        """What the run is called."""
        return self._name

    @property
    def version(self) -> str:
        """The id of the run; ``0`` before it began."""
        return self.run.id or "0"

    @property
    def experiment(self) -> Tracker | None:
        """The tracker, where this process records."""
        if getattr(_rank_zero_only, "rank", 0) == 0:
            self.run.begin()
        return self.run.tracker

    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Log one row."""
        if getattr(_rank_zero_only, "rank", 0) == 0:
            self.run.log(metrics, **({} if step is None else {"step": step}))

    def log_hyperparams(self, params: Mapping[str, Any] | Namespace, *_: Any, **__: Any) -> None:
        """Add hyperparameters to the params."""
        if getattr(_rank_zero_only, "rank", 0) == 0:
            found: dict[str, object] = {}
            with self.run.harmless():
                found = named(params or {})
            self.run.begin(found)

    def after_save_checkpoint(self, checkpoint_callback: Any) -> None:
        """Log where a checkpoint lies."""
        if getattr(_rank_zero_only, "rank", 0) != 0:
            return
        with self.run.harmless():
            path = str(checkpoint_callback.last_model_path or checkpoint_callback.best_model_path)
            if path and path not in self._checkpoints:
                self._checkpoints.add(path)
                score = checkpoint_callback.current_score
                self.run.log({"checkpoint": path, "checkpoint_score": score})

    def save(self) -> None:
        """Put every row on the disk."""
        with self.run.harmless():
            if self.run.tracker is not None:
                self.run.tracker.flush()

    def finalize(self, status: str) -> None:
        """End the run as the training ended."""
        if self.run.tracker is not None:
            self.run.end("failed" if status == "failed" else "finished")
