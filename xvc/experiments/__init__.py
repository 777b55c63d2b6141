"""Experiments from Python: a ``with`` block, a decorator or a search, each fit a run.

>>> from xvc.experiments import compare_experiments, track_experiment
>>> import os, tempfile
>>> os.chdir(tempfile.mkdtemp())
>>> for name, accuracy in (("baseline", 0.65), ("boosted", 0.87)):
...     with track_experiment(name, series="0042") as exp:
...         exp.log_metric("accuracy", accuracy)
>>> compare_experiments(series="0042").best.name
'boosted'
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from xvc.experiments.auto import AutoTracker
from xvc.experiments.compare import Row, SeriesComparison, compare_experiments
from xvc.experiments.experiment import (
    Experiment,
    ExperimentMetadata,
    track_artifacts,
    track_experiment,
)
from xvc.experiments.mlflow_series import MlflowSeries, ToolMissing, configure_mlflow
from xvc.experiments.pipeline import ExperimentPipeline, Stage
from xvc.experiments.search import (
    AllFitsFailed,
    Fit,
    Search,
    compare_models,
    track_cross_validation,
    track_grid_search,
    track_hyperparameters,
)
from xvc.experiments.wandb_series import WandbRun, WandbSeries, configure_wandb

if TYPE_CHECKING:
    from xvc.callbacks.keras import TensorBoardCallback
    from xvc.experiments import mlflow, wandb

__all__ = [
    "AllFitsFailed",
    "AutoTracker",
    "Experiment",
    "ExperimentMetadata",
    "ExperimentPipeline",
    "Fit",
    "MlflowSeries",
    "Row",
    "Search",
    "SeriesComparison",
    "Stage",
    "TensorBoardCallback",
    "ToolMissing",
    "WandbRun",
    "WandbSeries",
    "compare_experiments",
    "compare_models",
    "configure_mlflow",
    "configure_wandb",
    "mlflow",
    "track_artifacts",
    "track_cross_validation",
    "track_experiment",
    "track_grid_search",
    "track_hyperparameters",
    "wandb",
]


def __getattr__(name: str) -> object:
    if name in ("mlflow", "wandb"):
        return import_module(f"xvc.experiments.{name}")
    if name == "TensorBoardCallback":
        from xvc.callbacks.keras import TensorBoardCallback  # late: imports Keras

        return TensorBoardCallback
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
