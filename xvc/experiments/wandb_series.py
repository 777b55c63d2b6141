"""Runs of Weights & Biases that are also runs of xvc: begun here, logged into both.

wandb tells nobody what is logged into a run, so its runs are begun through this module: by the
`WandbSeries.init` of a series, which ``wandb.init`` is once a series is configured.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import Any

from xvc.experiments.experiment import series_of
from xvc.experiments.mlflow_series import tool
from xvc.tracking.tracker import Tracker


class WandbRun:
    """A run of wandb that is logged here, too; what else that run can do is there as well.

    Attributes:
        tracker: the run of xvc.
        run: the run of wandb.
    """

    def __init__(self, run: Any, tracker: Tracker) -> None:
        self.run, self.tracker = run, tracker

    def log(self, data: Mapping[str, object], step: int | None = None, **more: Any) -> None:
        """Log a row here, then in wandb: a failing wandb is a warning and loses no row.

        What only wandb can keep (its images and tables) is left out here, and named.
        """
        plain = {key: value for key, value in data.items() if not _is_of_wandb(value)}
        if plain:
            self.tracker.log(plain, step=step)
        with self._harmless():
            self.run.log(dict(data), step=step, **more)

    def log_model(self, path: str, name: str | None = None, **more: Any) -> None:
        """Keep a file as an asset here, and as a model in wandb."""
        self.tracker.log_artifact(path, name)
        with self._harmless():
            self.run.log_model(path, name, **more)

    def finish(self, exit_code: int | None = None, **more: Any) -> None:
        """End both: finished when *exit_code* is 0 or None, else failed."""
        try:
            with self._harmless():
                self.run.finish(exit_code=exit_code, **more)
        finally:
            self.tracker.close("failed" if exit_code else "finished")

    @contextmanager
    def _harmless(self) -> Iterator[None]:
        try:
            yield
        except Exception as err:  # noqa: BLE001 - the record here is complete without it
            words = f"wandb did not take it: {type(err).__name__}: {err}"
            warnings.warn(words, RuntimeWarning, stacklevel=4)

    def __enter__(self) -> WandbRun:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.finish(exit_code=0 if kind is None else 1)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["run"], name)


class WandbSeries:
    """Runs of one project of wandb, which is called like the series.

    Args:
        series: the group of the experiments.
        options: what every ``wandb.init`` is given, like ``mode="offline"``.
    """

    def __init__(self, series: str, options: Mapping[str, object]) -> None:
        self.series, self._options = series, dict(options)

    def init(self, name: str | None = None, **options: Any) -> WandbRun:
        """Begin a run in wandb and here; takes what ``wandb.init`` takes.

        Raises:
            ToolMissing: wandb is not installed.
        """
        wandb = tool("wandb")
        begin = vars(wandb).get("xvc_init", wandb.init)  # wandb's own, once a series is configured
        run = begin(**{"project": self.series, **self._options, "name": name, **options})
        tracker = Tracker(name=f"{self.series}/{run.name or run.id}", nested=True)
        params = {"wandb_run_id": str(run.id), **dict(options.get("config") or {})}
        tracker.set_params(params)
        made = WandbRun(run, tracker)
        if wandb.run is run:
            wandb.log = made.log  # as wandb itself makes it that of its run
        return made


def configure_wandb(
    series: str | None = None, *, increment: str | None = None, **options: object
) -> WandbSeries:
    """Have runs of wandb in a project called like a series, and record them here, too.

    From now on ``wandb.init`` is the `WandbSeries.init` of what comes back: wandb tells nobody
    what is logged into a run that it has begun by itself. A run that ends by ``wandb.finish()``
    ends here with the program; ``run.finish()`` and a ``with`` block end both.

    Args:
        series: the group of the experiments.
        increment: another word for *series*.
        options: what every ``wandb.init`` is given, like ``mode="offline"``.

    Raises:
        ToolMissing: wandb is not installed.
        BadValue: the series is no name of a folder.
    """
    wandb = tool("wandb")
    found = WandbSeries(series_of(series, increment) or "uncategorized", options)
    wandb.xvc_init = vars(wandb).get("xvc_init", wandb.init)

    @wraps(wandb.xvc_init)
    def init(*, name: str | None = None, **options: Any) -> WandbRun:
        return found.init(name, **options)

    wandb.init = init
    return found


def _is_of_wandb(value: object) -> bool:
    return type(value).__module__.partition(".")[0] == "wandb"
