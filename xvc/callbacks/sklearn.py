"""scikit-learn: what is fitted, its params, and every candidate of a search.

Through the callbacks of scikit-learn 1.9; with any release by `autolog`, or by hand after ``fit``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import wraps
from importlib import import_module
from threading import Lock
from time import perf_counter
from typing import Any, Self

from xvc.callbacks.framework import FrameworkMissing
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
        self._handled: BaseException | None = None  # what the caller is busy with

    def setup(self, estimator: Any, context: Any) -> None:
        """Open the run."""
        self._began, self._handled = perf_counter(), sys.exc_info()[1]
        params: dict[str, object] = {}
        with self.run.harmless():
            params = _params(estimator)
        self.run.begin(params)

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Do nothing."""

    def on_fit_task_end(self, estimator: Any, context: Any) -> bool:
        """Stop nothing."""
        return False

    def teardown(self, estimator: Any, context: Any) -> None:
        """Log what came out, and end the run; of a fit that failed there is only its reason."""
        error = sys.exc_info()[1]  # scikit-learn calls this while the error is on its way
        handled, self._handled = self._handled, None
        if error is not None and error is not handled:
            self.run.fail(error)
            return
        self._log(estimator, {"fit_seconds": perf_counter() - self._began})
        self.run.end()

    def record(self, estimator: Any) -> None:
        """Log an estimator that has been fitted: the way with scikit-learn before 1.9."""
        self.setup(estimator, None)
        self._log(estimator, {})
        self.run.end()

    def _log(self, estimator: Any, more: Mapping[str, object]) -> None:
        with self.run.harmless():
            for row in _candidates(getattr(estimator, "cv_results_", None)):
                self.run.log(row)
        with self.run.harmless():
            found = {"best_score": getattr(estimator, "best_score_", None), **more}
            self.run.log({key: value for key, value in found.items() if value is not None})


class autolog:  # noqa: N801 - it is called like a function
    """Makes every ``fit`` a run, as `SklearnCallback` records it, from now on or in a block.

    A fit that begins while another is open is part of that one: the steps of a pipeline, the
    candidates of a search. So is one in another thread. Other processes record nothing.

    Args:
        kinds: the classes whose ``fit`` it is; all of scikit-learn's unless given.
        options: the arguments of `SklearnCallback`.
    """

    def __init__(self, *kinds: type, **options: Any) -> None:
        self._options = options
        self._lock, self._is_open = Lock(), False
        self._before: dict[type, object] = {}
        for kind in kinds or _all_kinds():
            if callable(fit := getattr(kind, "fit", None)):
                self._before[kind] = vars(kind).get("fit")
                kind.fit = self._recorded(fit)  # type: ignore[attr-defined]

    def stop(self) -> None:
        """Leave every ``fit`` as it was; a second time does nothing."""
        while self._before:
            kind, fit = self._before.popitem()
            if fit is None:
                del kind.fit  # type: ignore[attr-defined]
            else:
                kind.fit = fit  # type: ignore[attr-defined]

    def _recorded(self, fit: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(fit)
        def call(estimator: Any, *args: Any, **kwargs: Any) -> Any:
            with self._lock:
                is_part, self._is_open = self._is_open, True
            if is_part:
                return fit(estimator, *args, **kwargs)
            callback = SklearnCallback(**self._options)
            try:
                callback.setup(estimator, None)
                try:
                    return fit(estimator, *args, **kwargs)
                finally:
                    callback.teardown(estimator, None)
            finally:
                self._is_open = False

        return call

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _all_kinds() -> list[type]:
    try:
        found = import_module("sklearn.utils").all_estimators()
    except ImportError as err:
        raise FrameworkMissing("scikit-learn") from err
    return [kind for _, kind in found]


def _params(estimator: Any) -> dict[str, object]:
    found: dict[str, object] = {"estimator_class": type(estimator).__name__}
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
