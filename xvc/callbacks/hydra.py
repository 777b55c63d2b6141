"""Hydra: every job as a run, with its configuration as params."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from hydra.experimental.callback import Callback
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from xvc.callbacks.training_run import TrainingRun


class HydraCallback(Callback):
    """Makes every job of Hydra a run: the resolved configuration is its params, by path.

    Hydra's own part of the configuration is left out. A number that the job returns is the metric
    ``value``, a mapping of numbers its metrics. A job that failed is a failed run with its reason.
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
        self.run = TrainingRun(None, {**_named(config), **self._options})
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
    try:
        found = OmegaConf.to_container(config, resolve=True)
    except Exception:  # noqa: BLE001 - a value that is not there is still a configuration
        found = OmegaConf.to_container(config, resolve=False)
    parts = cast("dict[str, object]", found)
    return {str(key): value for key, value in parts.items() if key != "hydra"}


def _named(config: Any) -> dict[str, object]:
    try:
        found = OmegaConf.select(config, "hydra.job.name", throw_on_missing=False)
    except OmegaConfBaseException:  # it is made of what is not there
        return {}
    return {"name": str(found)} if found else {}
