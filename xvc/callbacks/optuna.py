"""Optuna: every trial as a row, or as a run of its own. Needs nothing of the package."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from xvc.callbacks.training_run import TrainingRun, flat
from xvc.tracking.tracker import Tracker

_Value = float | Sequence[float]


class OptunaCallback:
    """Logs a row a trial when it has ended: ``trial``, ``state``, ``value``, ``params_x``.

    As Optuna's own frame of trials has it: several objectives are ``values_0``, ``values_1``; a
    pruned trial has the value that it reported last, a failed one none. Optuna calls no callback
    for a trial whose error ends the study.

    Args:
        tracker: one of yours; it stays open. None makes one, which ends with the process, with
            the ``with`` block of the callback, or with `close`.
        options: the arguments of `Tracker`.
    """

    def __init__(self, tracker: Tracker | None = None, **options: object) -> None:
        self.run = TrainingRun(tracker, options)

    def __call__(self, study: Any, trial: Any) -> None:
        """Log a trial that has ended."""
        row: dict[str, object] = {"trial": trial.number, "state": trial.state.name}
        with self.run.harmless():
            row |= _values(trial.values)
            row |= {f"params_{key}": value for key, value in flat(trial.params).items()}
            if trial.duration is not None:
                row["seconds"] = trial.duration.total_seconds()
            if trial.intermediate_values:
                row["last_step"] = max(trial.intermediate_values)
                row["last_value"] = trial.intermediate_values[row["last_step"]]
        self.run.log(row)

    def each(self, objective: Callable[[Any], _Value]) -> Callable[[Any], _Value]:
        """Make every trial of an objective a run of its own, called ``<study>/<number>``.

        The run has the params that the trial asked for, and its value as the metric ``value``. The
        trial has the run's id as the user attribute ``xvc_run``. A pruned trial is a finished run
        without a value.
        """

        @wraps(objective)
        def call(trial: Any) -> _Value:
            name = f"{trial.study.study_name}/{trial.number}"
            run = TrainingRun(None, {"name": name, "nested": True})
            run.begin({"trial": trial.number})
            with run.harmless():
                trial.set_user_attr("xvc_run", run.id)
            try:
                value = objective(trial)
            except BaseException as err:
                run.begin(trial.params)
                if type(err).__name__ == "TrialPruned":  # Optuna is not imported for it
                    run.end(reason=f"TrialPruned: {err}")
                else:
                    run.fail(err)
                raise
            run.begin(trial.params)
            run.log(_values(value))
            run.end()
            return value

        return call

    def close(self) -> None:
        """End the run, if it is the callback's own."""
        self.run.end()

    def __enter__(self) -> OptunaCallback:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.run.end("finished" if kind is None else "failed")


def _values(found: object) -> dict[str, object]:
    if found is None:
        return {}
    if isinstance(found, int | float):
        return {"value": found}
    numbers = list(found) if isinstance(found, Sequence) else [found]
    if len(numbers) == 1:
        return {"value": numbers[0]}
    return {f"values_{place}": number for place, number in enumerate(numbers)}
