"""LightGBM: the evaluations of every round, as it prints them. Needs nothing of the package."""

from __future__ import annotations

from typing import Any

from xvc.callbacks.training_run import TrainingRun
from xvc.tracking.tracker import Tracker


class LightGBMCallback:
    """Logs a row a round: ``iteration`` from 1, and ``valid_0-l2`` and so on.

    ``lightgbm.cv`` has a mean and a deviation of each: ``valid-l2-mean``, ``valid-l2-stdv``.
    Without ``valid_sets=`` (the wrappers: ``eval_set=``) there is nothing to log. The run ends with
    the last round; when early stopping is what ends it, call `close`, or use it as a context.

    Args:
        tracker: one of yours; it stays open. None makes one.
        options: the arguments of `Tracker`.
    """

    order = 20
    """After the evaluation is printed, before early stopping ends the training (30)."""
    before_iteration = False

    def __init__(self, tracker: Tracker | None = None, **options: object) -> None:
        self.run = TrainingRun(tracker, options)
        self._has_begun = False

    def __call__(self, env: Any) -> None:
        """Log a round."""
        if not self._has_begun:
            self._has_begun = True
            self.run.begin({**(env.params or {})})
        row: dict[str, object] = {}
        with self.run.harmless():
            for each in env.evaluation_result_list or ():
                row |= _evaluation(each)
        if row:
            self.run.log(row, iteration=env.iteration + 1)
        if env.iteration + 1 >= env.end_iteration:
            self.close()

    def close(self) -> None:
        """End the run, if it is the callback's own; a second time does nothing."""
        self._has_begun = False
        self.run.end()

    def __enter__(self) -> LightGBMCallback:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._has_begun = False
        self.run.end("finished" if kind is None else "failed")


def _evaluation(each: Any) -> dict[str, object]:
    """Read one evaluation: named parts since LightGBM 4.7, a tuple before; five parts are of cv."""
    data, metric, value = each[:3]
    if data == "cv_agg":  # LightGBM 3: the data stands in the metric's name
        data, _, metric = str(metric).partition(" ")
    name, spread = f"{data}-{metric}", each[4] if len(each) > 4 else None
    return {name: value} if spread is None else {f"{name}-mean": value, f"{name}-stdv": spread}
