"""MLflow as it is, whose runs are recorded here as well: ``from xvc.experiments import mlflow``.

Everything but `start_run` is MLflow's own.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any

from xvc.experiments.mlflow_series import MlflowSeries, configure_mlflow, latest_series, tool


class RecordedRun:
    """A run of MLflow that is recorded when its ``with`` block ends, or with the program."""

    def __init__(self, run: Any, series: MlflowSeries) -> None:
        self.run, self._series = run, series

    def __enter__(self) -> Any:
        return self.run.__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.run.__exit__(kind, raised, trace)
        self._series.record()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["run"], name)


def start_run(
    run_name: str | None = None,
    *,
    series: str | None = None,
    increment: str | None = None,
    **options: Any,
) -> RecordedRun:
    """Begin a run in MLflow that is also one of xvc; takes what ``mlflow.start_run`` takes.

    Args:
        run_name: what to call it.
        series: the group of the experiment; the one that was said last unless given.
        increment: another word for *series*.
        options: goes to ``mlflow.start_run``.

    Raises:
        ToolMissing: MLflow is not installed.
        BadValue: the series is no name of a folder.
    """
    is_said = series or increment
    found = configure_mlflow(series, increment=increment) if is_said else latest_series()
    return RecordedRun(tool("mlflow").start_run(run_name=run_name, **options), found)


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return getattr(tool("mlflow"), name)
