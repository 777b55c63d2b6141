"""Several backends as one, and functions whose calls are runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import wraps
from inspect import iscoroutinefunction
from numbers import Real
from typing import ParamSpec, TypeVar, cast

from xvc.backends.base import (
    FAILED,
    FINISHED,
    ExperimentTracker,
    TrackingConfig,
    is_experiment_result,
)
from xvc.errors import UsageError, error

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")
_Truth: type = bool  # it is a Real, too


@error("no-trackers")
class NoTrackers(UsageError, ValueError):
    """Several backends were asked for, and none was named."""

    says = "MultiTracker requires at least one tracker"
    way = 'Give it some: `MultiTracker([create_tracker("local")])`.'


class MultiTracker(ExperimentTracker):
    """Hands everything to several backends; the run is recorded by xvc once.

    What one of them raises goes on after all of them were called.

    Args:
        trackers: the backends, in order; the first names the run.
        config: the name of a run that is given none.

    Raises:
        NoTrackers: there is no backend.
    """

    def __init__(
        self, trackers: Sequence[ExperimentTracker], config: TrackingConfig | None = None
    ) -> None:
        super().__init__(config)
        self.trackers = list(trackers)
        if not self.trackers:
            raise NoTrackers
        for each in self.trackers:
            each.is_recorded = False

    def _each(self, call: Callable[[ExperimentTracker], _Result]) -> list[_Result]:
        results, failures = [], []
        for each in self.trackers:
            try:
                results.append(call(each))
            except Exception as err:  # noqa: BLE001 - the others are called first
                failures.append(err)
        if failures:
            raise failures[0]
        return results

    def start_run(
        self, run_name: str | None = None, run_id: str | None = None, nested: bool = False
    ) -> str:
        """Begin a run everywhere and return the first backend's id.

        Where one of them cannot, those that have begun end as failed.
        """
        self._end_open(nested=nested)
        begun: dict[int, str] = {}
        try:
            for number, each in enumerate(self.trackers):
                begun[number] = each.start_run(run_name=run_name, run_id=run_id, nested=nested)
        except BaseException:
            for number in begun:
                with suppress(Exception):
                    self.trackers[number].end_run(status=FAILED)
            raise
        return self._begin(begun[0])

    def end_run(self, status: str = FINISHED) -> None:
        """End the run everywhere."""
        try:
            self._each(lambda each: each.end_run(status=status))
        finally:
            if self._run_active:
                self._finish(status)

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log numbers everywhere."""
        self._record_row(metrics, self._next_step(step))
        self._each(lambda each: each.log_metrics(metrics, step=step))

    def log_params(self, params: Mapping[str, object]) -> None:
        """Log params everywhere."""
        self._record_params(params)
        self._each(lambda each: each.log_params(params))

    def log_artifact(
        self,
        artifact_path: str,
        artifact_name: str | None = None,
        artifact_type: str | None = None,
    ) -> None:
        """Keep a file everywhere."""
        self._record_artifact(artifact_path, artifact_name)
        self._each(lambda each: each.log_artifact(artifact_path, artifact_name, artifact_type))


def auto_track(
    tracker: ExperimentTracker, experiment_name: str | None = None
) -> Callable[[Callable[_Given, _Result]], Callable[_Given, _Result]]:
    """Make every call of a function a run: the numbers of a dict that it returns are its metrics.

    What it returns may also be the result of an experiment, as `log_experiment_result` takes it.

    Args:
        tracker: gets the runs.
        experiment_name: what to call them; without one the function's name.
    """

    def wrap(function: Callable[_Given, _Result]) -> Callable[_Given, _Result]:
        name = experiment_name or function.__name__

        @wraps(function)
        def call(*args: _Given.args, **kwargs: _Given.kwargs) -> _Result:
            with _run_of(tracker, name):
                result = function(*args, **kwargs)
                _log_returned(tracker, result)
            return result

        if not iscoroutinefunction(function):
            return call

        @wraps(function)
        async def call_later(*args: _Given.args, **kwargs: _Given.kwargs) -> object:
            with _run_of(tracker, name):
                result: object = await function(*args, **kwargs)
                _log_returned(tracker, result)
            return result

        return cast("Callable[_Given, _Result]", call_later)

    return wrap


@contextmanager
def _run_of(tracker: ExperimentTracker, name: str) -> Iterator[None]:
    """Begin a run, and end it as the block ends."""
    tracker.start_run(run_name=name)
    try:
        yield
    except BaseException:
        tracker.end_run(FAILED)
        raise
    tracker.end_run(FINISHED)


def _log_returned(tracker: ExperimentTracker, result: object) -> None:
    if is_experiment_result(result):
        tracker.log_experiment_result(result)
    if not isinstance(result, Mapping):
        return
    numbers = {
        str(key): float(value)
        for key, value in result.items()
        if isinstance(value, Real) and not isinstance(value, _Truth)
    }
    if numbers:
        tracker.log_metrics(numbers)
