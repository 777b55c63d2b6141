"""Hydra: every job as a run, with its configuration as params."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from xvc.callbacks.training_run import TrainingRun


class HydraCallback(Callback):
    """Makes every job of Hydra a run: the resolved configuration is its params, by path.

    Hydra's own part of the configuration is left out. A number that the job returns is the metric
    ``value``, a mapping of numbers its metrics. A job that failed is a failed run with its reason.
    The project is that of the folder in which the program was started, whatever folder Hydra works
    in. Within `xvc run` a single job is that run, and each job of a multirun is a child of it.
    Trackers that the job makes are children of nothing: they are runs beside it, unless the job
    joins this one by ``Tracker(run=…, resume=True)``; Hydra's callbacks see no more of a job.

    Args:
        options: the arguments of `Tracker`.
    """

    def __init__(self, **options: object) -> None:
        self._options = options
        self.run: TrainingRun | None = None

    def on_job_start(self, config: Any, **_: Any) -> None:
        """Begin a run."""
        about = {**_named(config), **_placed(config)}
        self.run = TrainingRun(None, {**about, **self._options})
        with self.run.harmless():
            self.run.begin(_resolved(config))

    def on_job_end(self, config: Any, job_return: Any, **_: Any) -> None:
        """End the run as the job ended."""
        run, self.run = self.run, None
        if run is None:
            return
        has_failed = getattr(job_return.status, "name", "") == "FAILED"
        found = job_return._return_value  # `return_value` raises what the job raised
        if has_failed:
            run.fail(found)
            return
        if isinstance(found, Mapping):
            run.log({str(key): value for key, value in found.items()})
        elif isinstance(found, int | float):
            run.log({"value": found})
        run.end()


def _resolved(config: Any) -> dict[str, object]:
    """The values of all parts but Hydra's own; one that cannot be resolved is as it was written."""
    return {str(key): _value(config, key) for key in config if key != "hydra"}


def _value(node: Any, key: Any) -> object:
    try:
        found = node[key]
    except OmegaConfBaseException:  # it is missing, or made of what is not there
        return str(OmegaConf.to_container(node, resolve=False)[key])  # type: ignore[index]
    if OmegaConf.is_dict(found):
        return {str(each): _value(found, each) for each in found}
    if OmegaConf.is_list(found):
        return [_value(found, place) for place in range(len(found))]
    return found


def _named(config: Any) -> dict[str, object]:
    found = _selected(config, "hydra.job.name")
    return {"name": str(found)} if found else {}


def _placed(config: Any) -> dict[str, object]:
    """Where the run belongs, and whether it is one of several."""
    started = _selected(config, "hydra.runtime.cwd")
    is_elsewhere = started is not None and not Path.cwd().is_relative_to(str(started))
    place: dict[str, object] = {"git_root": str(started)} if is_elsewhere else {}
    is_one_of_several = getattr(_selected(config, "hydra.mode"), "name", "") == "MULTIRUN"
    return {**place, "nested": True} if is_one_of_several else place


def _selected(config: Any, path: str) -> Any:
    try:
        return OmegaConf.select(config, path, throw_on_missing=False)
    except OmegaConfBaseException:  # it is made of what is not there
        return None
