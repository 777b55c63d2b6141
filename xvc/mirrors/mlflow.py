"""The sink ``mlflow``: a run there for a run here, through `MlflowClient` and no global state.

``sinks={"mlflow": {"tracking_uri": …, "experiment": …}}``; both are MLflow's own and the name of
the project's folder unless given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from xvc.core.json_values import readable
from xvc.mirrors.sink import MirroredRun, MirrorRow, SinkKind
from xvc.types import Json

_METRICS, _PARAMS = 1000, 100  # MLflow takes no more in one call
_LONGEST = 6000  # characters of a param
_ENDED = {"finished": "FINISHED", "failed": "FAILED"}


class MlflowSink:
    """Logs by the run's id, so nothing of the user's own use of MLflow is touched."""

    def __init__(self, options: Mapping[str, object]) -> None:
        self._mlflow: Any = import_module("mlflow")
        uri = options.get("tracking_uri")
        self._client: Any = self._mlflow.MlflowClient(None if uri is None else str(uri))
        self._experiment, self._run = options.get("experiment"), ""
        self._said: set[str] = set()

    def begin(self, run: MirroredRun, known: str | None) -> str:
        """Create the run, or open the known one again."""
        if known is not None:
            self._client.update_run(known, status="RUNNING")
            self._run = known
            return known
        name = str(self._experiment or run.project)
        found = self._client.get_experiment_by_name(name)
        there = self._client.create_experiment(name) if found is None else found.experiment_id
        tags = {"xvc.run": run.id}
        made = self._client.create_run(there, tags=tags, run_name=run.name or run.id)
        self._run = str(made.info.run_id)
        return self._run

    def params(self, values: Mapping[str, Json]) -> None:
        """Log params as the texts that MLflow keeps; there a param has its first value for ever."""
        fresh = {key: readable(value)[:_LONGEST] for key, value in values.items()}
        entities = self._mlflow.entities
        new = [entities.Param(key, fresh[key]) for key in fresh if key not in self._said]
        for start in range(0, len(new), _PARAMS):
            self._client.log_batch(self._run, params=new[start : start + _PARAMS])
        self._said |= fresh.keys()

    def rows(self, rows: Sequence[MirrorRow]) -> None:
        """Log the numbers of all rows, as few calls as MLflow allows."""
        metric = self._mlflow.entities.Metric
        every = [
            metric(key, value, int(row.at * 1000), row.step)
            for row in rows
            for key, value in row.values.items()
        ]
        for start in range(0, len(every), _METRICS):
            self._client.log_batch(self._run, metrics=every[start : start + _METRICS])

    def end(self, status: str | None) -> None:
        """End the run as finished, failed or killed."""
        if status is not None and self._run:
            self._client.set_terminated(self._run, _ENDED.get(status, "KILLED"))


KIND = SinkKind(open=MlflowSink)
