"""XGBoost: the evaluations of every round, as it prints them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from xvc.callbacks.framework import base_of
from xvc.callbacks.training_run import TrainingRun
from xvc.tracking.tracker import Tracker

_Callback: Any = base_of("xgboost.callback", "TrainingCallback")


class XGBoostCallback(_Callback):  # type: ignore[misc]
    """Logs a row a round: ``iteration`` from 0, and ``train-rmse`` and so on, as XGBoost prints.

    ``xgboost.cv`` has a mean and a deviation of each: ``test-rmse-mean``, ``test-rmse-std``.
    Without ``evals=`` (the wrappers: ``eval_set=``) there is nothing to log.

    Args:
        tracker: one of yours; it stays open. None makes one that ends with the training.
        options: the arguments of `Tracker`; XGBoost tells callbacks nothing of the params of a
            training, so say them: ``params=``.
    """

    def __init__(self, tracker: Tracker | None = None, **options: object) -> None:
        super().__init__()
        self.run = TrainingRun(tracker, options)

    def before_training(self, model: Any) -> Any:
        """Open the run."""
        with self.run.harmless():
            self.run.is_silent = import_module("xgboost.collective").get_rank() != 0
        self.run.begin()
        return model

    def after_iteration(
        self, model: Any, epoch: int, evals_log: Mapping[str, Mapping[str, list[Any]]]
    ) -> bool:
        """Log the round; never stops the training."""
        row: dict[str, object] = {}
        for data, metrics in evals_log.items():
            for metric, values in metrics.items():
                row |= _named(f"{data}-{metric}", values[-1])
        if row:
            self.run.log(row, iteration=epoch)
        return False

    def after_training(self, model: Any) -> Any:
        """End the run."""
        self.run.end()
        return model


def _named(name: str, value: object) -> dict[str, object]:
    if isinstance(value, tuple | list) and len(value) == 2:
        return {f"{name}-mean": value[0], f"{name}-std": value[1]}
    return {name: value}
