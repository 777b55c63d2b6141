"""Runs of MLflow as experiments of a series: read through MLflow's own client, nothing patched.

They are read when the program ends, when `MlflowSeries.record` is called, and when the series is
configured again: what a kill kept from being read is recorded then.
"""

from __future__ import annotations

import atexit
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory
from typing import Any

from xvc.core.json_values import to_plain
from xvc.core.record import RecordKind
from xvc.core.run import Status
from xvc.errors import NotFoundError, error
from xvc.experiments.experiment import series_of
from xvc.tracking.tracker import Tracker

_ENDED = {
    "FINISHED": Status.FINISHED.value,
    "FAILED": Status.FAILED.value,
    "KILLED": Status.INTERRUPTED.value,
}
_ID = "mlflow_run_id"
_configured: list[MlflowSeries] = []  # the last one, as MLflow has one experiment at a time
_MILLISECOND = 1_000_000  # nanoseconds


@error("tool-missing")
class ToolMissing(NotFoundError, ImportError):
    """Another tracker was to be used and is not installed."""

    package: str
    says = "{package} is not installed"
    way = 'Install it with `pip install "xvc-experiments[{package}]"`.'


def tool(package: str) -> Any:
    """Import another tracker.

    Raises:
        ToolMissing: it is not installed.
    """
    if find_spec(package) is None:
        raise ToolMissing(package)
    return import_module(package)


class MlflowSeries:
    """An experiment of MLflow whose runs are also runs of xvc, in a series of its name.

    They are recorded in the project of the folder that was the current one when it was made.
    """

    def __init__(self, series: str) -> None:
        from xvc.project import Project  # late: loads yaml

        self.series, self._folder = series, Path.cwd()
        self._store = Project.find(self._folder, os.environ).store_path

    def record(self) -> int:
        """Record the runs that have ended and are not recorded yet; returns how many.

        Each is a run ``<series>/<name>`` with MLflow's params as the texts that MLflow keeps, its
        metrics with their steps, its artifacts and models as assets, its times and how it ended. An
        artifact that MLflow cannot hand over is a warning that names it.
        """
        mlflow = tool("mlflow")
        client = mlflow.MlflowClient()
        experiment = client.get_experiment_by_name(self.series)
        if experiment is None:
            return 0
        known = _recorded(self._folder)
        runs = _every_run(client, experiment.experiment_id)
        new = [run for run in runs if run.info.run_id not in known and run.info.status in _ENDED]
        for run in reversed(new):  # oldest first
            self._record(client, run)
        return len(new)

    def _record(self, client: Any, run: Any) -> None:
        info = run.info
        name = str(info.run_name or info.run_id).replace("/", "-")
        note = f"recorded from MLflow run {info.run_id}"
        tracker = Tracker(
            self._store,
            name=f"{self.series}/{name}",
            note=note,
            nested=True,
            git_root=self._folder,
        )
        tracker.set_params({**run.data.params, _ID: info.run_id})
        for step, row in _rows(client, run):
            tracker._append({**row, "step": step})  # without the params, which are the run's
        if info.end_time is not None:
            tracker._append({"training_time": (info.end_time - info.start_time) / 1000})
        _keep_files(client, info, tracker)
        tracker.close(_ENDED[info.status])
        times = {"started": info.start_time, "finished": info.end_time}
        facts = {key: at * _MILLISECOND for key, at in times.items() if at is not None}
        tracker._journal.note(RecordKind.SET, tracker.track_id, to_plain(facts))
        tracker.flush()


def configure_mlflow(
    series: str | None = None, *, increment: str | None = None, tracking_uri: str | None = None
) -> MlflowSeries:
    """Have MLflow log into an experiment called like a series, and record its runs here, too.

    Args:
        series: the group of the experiments.
        increment: another word for *series*.
        tracking_uri: where MLflow keeps its runs; None is what MLflow itself is told.

    Raises:
        ToolMissing: MLflow is not installed.
        BadValue: the series is no name of a folder.
    """
    mlflow = tool("mlflow")
    found = MlflowSeries(series_of(series, increment) or "Default")
    if tracking_uri is not None:
        mlflow.set_tracking_uri(tracking_uri)
    mlflow.set_experiment(found.series)
    found.record()
    atexit.register(_record_at_exit, found)
    _configured[:] = [found]
    return found


def latest_series() -> MlflowSeries:
    """Return the series that was configured last, else one that nothing was said of.

    Raises:
        ToolMissing: MLflow is not installed.
    """
    return _configured[0] if _configured else configure_mlflow()


def _record_at_exit(series: MlflowSeries) -> None:
    try:
        series.record()
    except Exception as err:  # noqa: BLE001 - the program has ended; MLflow has its runs
        words = f"runs of MLflow are recorded the next time: {type(err).__name__}: {err}"
        warnings.warn(words, RuntimeWarning, stacklevel=2)


def _every_run(client: Any, experiment: str) -> list[Any]:
    runs, token = [], None
    while True:
        page = client.search_runs([experiment], page_token=token)
        runs += list(page)
        token = page.token
        if not token:
            return runs


def _rows(client: Any, run: Any) -> list[tuple[int, Mapping[str, float]]]:
    """The metrics by step; a second value of one step is a row of its own."""
    rows: dict[tuple[int, int], dict[str, float]] = {}
    for key in run.data.metrics:
        seen: dict[int, int] = {}
        for metric in client.get_metric_history(run.info.run_id, key):
            count = seen[metric.step] = seen.get(metric.step, -1) + 1
            rows.setdefault((metric.step, count), {})[key] = metric.value
    return [(step, rows[step, count]) for step, count in sorted(rows)]


def _keep_files(client: Any, info: Any, tracker: Tracker) -> None:
    """Keep what MLflow has of a run as assets: a file by its path, a model as the folder it is."""
    with TemporaryDirectory(prefix="xvc-mlflow-") as passing:
        for number, (name, source) in enumerate(_artifacts(client, info)):
            place = Path(passing, str(number))
            place.mkdir()
            with _harmless(name, info):
                kept = tool("mlflow.artifacts").download_artifacts(
                    artifact_uri=source, dst_path=str(place)
                )
                tracker.log_artifact(kept, name)
            rmtree(place, ignore_errors=True)


def _artifacts(client: Any, info: Any) -> list[tuple[str, str]]:
    """Name each file and each model of a run, with its address."""
    found: list[tuple[str, str]] = []
    with _harmless("the list of artifacts", info):
        found += [(path, f"runs:/{info.run_id}/{path}") for path in _paths(client, info.run_id)]
        found += _models(client, info)
    return found


def _paths(client: Any, run: str, folder: str | None = None) -> list[str]:
    """The artifacts of a run: its files, and of folders that are models the folder."""
    found = client.list_artifacts(run, folder)
    if folder is not None and any(Path(each.path).name == "MLmodel" for each in found):
        return [folder]
    paths: list[str] = []
    for each in found:
        paths += _paths(client, run, each.path) if each.is_dir else [each.path]
    return paths


def _models(client: Any, info: Any) -> list[tuple[str, str]]:
    """The models of a run that MLflow 3 keeps beside it; before that they are artifacts."""
    search = getattr(client, "search_logged_models", None)
    if search is None:
        return []
    wanted = f"source_run_id = '{info.run_id}'"
    found, token = [], None
    while True:
        page = search([info.experiment_id], filter_string=wanted, page_token=token)
        found += [(str(each.name), f"models:/{each.model_id}") for each in page]
        token = page.token
        if not token:
            return found


@contextmanager
def _harmless(what: str, info: Any) -> Iterator[None]:
    """Say what MLflow could not hand over, and go on: the rest of its run is recorded."""
    try:
        yield
    except Exception as err:  # noqa: BLE001 - stores of artifacts raise whatever they like
        words = f"{what} of MLflow's run {info.run_id} is not kept: {type(err).__name__}: {err}"
        warnings.warn(words, RuntimeWarning, stacklevel=3)


def _recorded(folder: Path) -> set[str]:
    """The ids of the runs of MLflow that are recorded in the project."""
    from xvc.project import Project  # late: loads yaml
    from xvc.recovery.lost_runs import opened  # late: opens DuckDB
    from xvc.store import query

    with opened(Project.find(folder, os.environ)) as connection:
        return set(map(str, query.param_values(connection, _ID)))
