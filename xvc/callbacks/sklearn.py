"""scikit-learn: what is fitted, its params, and every candidate of a search.

Through the callbacks of scikit-learn 1.9, or by hand after ``fit`` with an older one. Needs
nothing of the package.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from time import perf_counter
from typing import Any

from xvc.callbacks.training_run import TrainingRun, flat
from xvc.tracking.tracker import Tracker


class SklearnCallback:
    """Logs a fit: the estimator's params, ``fit_seconds``, and of a search every candidate.

    A candidate is a row with ``candidate``, ``params.x`` and the numbers of ``cv_results_``
    (``mean_test_score``, ``std_test_score``, ``rank_test_score``, …); the run has ``best_score``.
    What is fitted in other processes for a search is not logged by itself.

    Args:
        tracker: one of yours; it stays open. None makes one that ends with the fit.
        options: the arguments of `Tracker`.
    """

    def __init__(self, tracker: Tracker | None = None, **options: object) -> None:
        self.run = TrainingRun(tracker, options)
        self._began = 0.0

    def setup(self, estimator: Any, context: Any) -> None:
        """Open the run."""
        self._began = perf_counter()
        self.run.begin(_params(estimator))

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Do nothing."""

    def on_fit_task_end(self, estimator: Any, context: Any) -> bool:
        """Stop nothing."""
        return False

    def teardown(self, estimator: Any, context: Any) -> None:
        """Log what came out, and end the run; of a fit that failed there is only its reason."""
        error = sys.exc_info()[1]  # scikit-learn calls this while the error is on its way
        if error is not None:
            self.run.end("failed", f"{type(error).__name__}: {error}")
            return
        self._log(estimator, {"fit_seconds": perf_counter() - self._began})
        self.run.end()

    def record(self, estimator: Any) -> None:
        """Log an estimator that has been fitted: the way with scikit-learn before 1.9."""
        self.run.begin(_params(estimator))
        self._log(estimator, {})
        self.run.end()

    def _log(self, estimator: Any, more: Mapping[str, object]) -> None:
        with self.run.harmless():
            for row in _candidates(getattr(estimator, "cv_results_", None)):
                self.run.log(row)
        with self.run.harmless():
            found = {"best_score": getattr(estimator, "best_score_", None), **more}
            self.run.log({key: value for key, value in found.items() if value is not None})


def _params(estimator: Any) -> dict[str, object]:
    found: dict[str, object] = {"estimator": type(estimator).__name__}
    return found | dict(estimator.get_params(deep=True))


def _candidates(results: Mapping[str, Any] | None) -> list[dict[str, object]]:
    if not results:
        return []
    params = list(results["params"])
    numbers = {
        key: values
        for key, values in results.items()
        if key != "params" and not key.startswith("param_")
    }
    return [
        {
            "candidate": place,
            **flat(given, "params."),
            **{key: values[place] for key, values in numbers.items()},
        }
        for place, given in enumerate(params)
    ]
