"""Fits for many params, folds or models, each an experiment; one that fails stops no other.

Anything with ``fit`` and ``score`` will do. Models are copied before they are fitted.
"""

from __future__ import annotations

import copy
import itertools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from numbers import Integral
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, TypeVar

from xvc.errors import BadValue, ExternalError, error
from xvc.experiments.auto import as_number, described
from xvc.experiments.compare import compare_experiments
from xvc.experiments.experiment import HOME, Experiment, begin, refuse_name, series_of
from xvc.system.files import write_durably

_Part = TypeVar("_Part")
_Done = TypeVar("_Done")

Score = Callable[[Any, Any, Any], float]
"""Judges a fitted model: ``score(model, X, y)``, higher is better."""

Grid = Mapping[str, Sequence[object]] | Sequence[Mapping[str, Sequence[object]]]
"""The values of each param, once or for several grids."""

_UNSAID = object()  # a param that only another grid has


@error("all-fits-failed")
class AllFitsFailed(ExternalError):
    """Not one of the fits succeeded."""

    count: int
    last: str
    says = "all {count} fits failed; the last one with {last}"
    way = "See the traceback.txt in the folder of each experiment."


@dataclass(frozen=True)
class Fit:
    """One fit: its params, its metrics, the fitted model, or the error that stopped it."""

    name: str
    params: Mapping[str, object]
    metrics: Mapping[str, float]
    model: object = None
    failure: str | None = None

    @property
    def score(self) -> float | None:
        """What decides: the score on data that was not fitted, where there is one."""
        for name in ("test_score", "mean_score", "train_score"):
            if name in self.metrics:
                return self.metrics[name]
        return None


@dataclass(frozen=True)
class Search:
    """All fits in the order in which they were asked for, and how much each param mattered.

    ``importance`` is the share of the variance of the scores between the values of a param
    (the correlation ratio, from 0 to 1); empty where all scores are equal or fewer than three.
    It is written to ``<name>-importance.md`` in the folder of the series.
    """

    fits: tuple[Fit, ...]
    importance: Mapping[str, float]

    @property
    def best(self) -> Fit:
        """The fit with the highest score, the first of equal ones.

        Raises:
            AllFitsFailed: there is none.
        """
        scored = [fit for fit in self.fits if fit.score is not None]
        if not scored:
            last = self.fits[-1].failure if self.fits else None
            raise AllFitsFailed(len(self.fits), last or "no error")
        return max(scored, key=lambda fit: fit.score or 0.0)

    @property
    def failed(self) -> tuple[Fit, ...]:
        """The fits that an error stopped."""
        return tuple(fit for fit in self.fits if fit.failure is not None)


def track_hyperparameters(
    model: Any,
    param_grid: Grid,
    X_train: Any,  # noqa: N803 - the field's own name
    y_train: Any,
    X_test: Any = None,  # noqa: N803
    y_test: Any = None,
    *,
    series: str | None = None,
    increment: str | None = None,
    name: str | None = None,
    score: Score | None = None,
    n_jobs: int = 1,
    progress: Callable[[int, int], object] | None = None,
    folder: str | Path | None = None,
) -> Search:
    """Fit a model for every combination of a grid; each is an experiment.

    Args:
        model: a model, or a class of models.
        param_grid: the values of each param; of several grids the combinations of each.
        X_train: what is fitted.
        y_train: its targets.
        X_test: judges the fits; without it they are judged on what they were fitted to, and the
            metric is called ``train_score``.
        y_test: its targets.
        series: the group of the experiments.
        increment: another word for *series*.
        name: how the experiments are called, with a number behind; the model's type unless given.
        score: judges a fitted model; its own ``score`` unless given.
        n_jobs: how many fits go on at once, in threads; -1 is one for each core.
        progress: called with how many are done, and of how many.
        folder: holds the folders of all series.

    Raises:
        BadValue: the grid is empty.
    """
    judge = _own_score if score is None else score

    def fit(params: Mapping[str, object], made: Experiment) -> _Fitted:
        fitted = _made(model, params)
        fitted.fit(X_train, y_train)
        metrics = {"train_score": float(judge(fitted, X_train, y_train))}
        if X_test is not None:
            metrics["test_score"] = float(judge(fitted, X_test, y_test))
        return fitted, metrics

    tasks = _grid_tasks(name or _type_name(model), param_grid, fit)
    place = _Place(series_of(series, increment), folder)
    fits = _each(tasks, place, n_jobs, progress)
    return _searched(name or _type_name(model), fits, place)


def track_grid_search(
    estimator: Any,
    param_grid: Grid,
    X: Any,  # noqa: N803
    y: Any,
    *,
    cv: Any = 5,
    series: str | None = None,
    increment: str | None = None,
    score: Score | None = None,
    n_jobs: int = 1,
    progress: Callable[[int, int], object] | None = None,
    folder: str | Path | None = None,
) -> tuple[Any, Search]:
    """Cross-validate every combination of a grid, and fit the best one to all data.

    Args:
        estimator: a model, or a class of models.
        param_grid: the values of each param; of several grids the combinations of each.
        X: the data.
        y: its targets.
        cv: how many folds, a splitter of scikit-learn, or the folds themselves: pairs of the
            rows to fit and the rows to judge.
        series: the group of the experiments.
        increment: another word for *series*.
        score: judges a fitted model; its own ``score`` unless given.
        n_jobs: how many fits go on at once, in threads; -1 is one for each core.
        progress: called with how many are done, and of how many.
        folder: holds the folders of all series.

    Returns:
        the best model, fitted to all data, and every result.

    Raises:
        BadValue: the grid is empty, or *cv* does not fit the data.
        AllFitsFailed: no combination could be fitted.
    """
    folds, judge = _folds(X, y, cv), _own_score if score is None else score

    def fit(params: Mapping[str, object], made: Experiment) -> _Fitted:
        found = _validated(lambda: _made(estimator, params), X, y, folds, judge, made)
        if found.errors:  # a mean over fewer folds is none to compare
            raise found.errors[0]
        return None, found.summary()

    tasks = _grid_tasks(_type_name(estimator), param_grid, fit)
    place = _Place(series_of(series, increment), folder)
    fits = _each(tasks, place, n_jobs, progress)
    search = _searched(_type_name(estimator), fits, place)
    best = _made(estimator, search.best.params)
    best.fit(X, y)
    return best, search


def track_cross_validation(
    model: Any,
    X: Any,  # noqa: N803
    y: Any,
    cv: Any = 5,
    *,
    series: str | None = None,
    increment: str | None = None,
    name: str | None = None,
    score: Score | None = None,
    n_jobs: int = 1,
    progress: Callable[[int, int], object] | None = None,
    folder: str | Path | None = None,
) -> Fit:
    """Fit a model on each fold's other data and judge it on the fold, as one experiment.

    Every fold is a row (``fold``, ``fold_score``, ``train_size``, ``test_size``); the experiment
    has ``mean_score`` and, from two folds on, ``sd_score`` (of the sample). A fold that fails is a
    row with ``fold_error``, counts in ``failed_folds``, and stops no other.

    Args:
        model: a model, or a class of models.
        X: the data.
        y: its targets; where scikit-learn is installed and they are classes, folds are stratified.
        cv: how many folds, a splitter of scikit-learn, or the folds themselves: pairs of the
            rows to fit and the rows to judge.
        series: the group of the experiment.
        increment: another word for *series*.
        name: what to call it; the model's type and ``cv`` unless given.
        score: judges a fitted model; its own ``score`` unless given.
        n_jobs: how many fits go on at once, in threads; -1 is one for each core.
        progress: called with how many are done, and of how many.
        folder: holds the folders of all series.

    Raises:
        BadValue: *cv* does not fit the data.
        AllFitsFailed: no fold could be fitted.
    """
    folds, judge = _folds(X, y, cv), _own_score if score is None else score

    def fit(made: Experiment) -> _Fitted:
        found = _validated(lambda: _made(model, {}), X, y, folds, judge, made, n_jobs, progress)
        if not found.scores:
            raise found.errors[0]
        return None, found.summary()

    task = _Task(name or f"{_type_name(model)}-cv", {"cv": len(folds)}, fit)
    done = _tracked(task, _Place(series_of(series, increment), folder))
    if done.failure is not None:
        raise AllFitsFailed(len(folds), done.failure)
    return done


def compare_models(
    models: Mapping[str, Any],
    X_train: Any,  # noqa: N803
    y_train: Any,
    X_test: Any,  # noqa: N803
    y_test: Any,
    *,
    series: str | None = None,
    increment: str | None = None,
    score: Score | None = None,
    n_jobs: int = 1,
    progress: Callable[[int, int], object] | None = None,
    folder: str | Path | None = None,
) -> Search:
    """Fit several models to the same data; each is an experiment of its name.

    The table of the whole series is ``comparison.md`` in its folder, as of `compare_experiments`.

    Args:
        models: each by its name.
        X_train: what is fitted.
        y_train: its targets.
        X_test: judges the fits.
        y_test: its targets.
        series: the group of the experiments.
        increment: another word for *series*.
        score: judges a fitted model; its own ``score`` unless given.
        n_jobs: how many fits go on at once, in threads; -1 is one for each core.
        progress: called with how many are done, and of how many.
        folder: holds the folders of all series.
    """
    judge = _own_score if score is None else score

    def fit(model: Any, made: Experiment) -> _Fitted:
        fitted = _made(model, {})
        fitted.fit(X_train, y_train)
        made.save_model(fitted)
        train, test = judge(fitted, X_train, y_train), judge(fitted, X_test, y_test)
        return fitted, {"train_score": float(train), "test_score": float(test)}

    tasks = [
        _Task(name, {"model": _type_name(model), **_params_of(model)}, partial(fit, model))
        for name, model in models.items()
    ]
    for name in models:
        refuse_name(name)  # before the first fit, not among them
    fits = _each(tasks, _Place(series_of(series, increment), folder), n_jobs, progress)
    compare_experiments(series, increment=increment, folder=folder)
    return Search(tuple(fits), {})  # each has params of its own: none can have mattered


def _searched(name: str, fits: Sequence[Fit], place: _Place) -> Search:
    """Say how much each param mattered, and write it down where the fits are."""
    search = Search(tuple(fits), _importance(fits))
    lines = [f"# What mattered in {name}", "", f"Of {len(fits)} fits, {len(search.failed)} failed."]
    lines += ["", "| Param | Share of the variance | |", "|---|---|---|"]
    lines += [
        f"| {param} | {share:.2f} | {'█' * round(20 * share)} |"
        for param, share in search.importance.items()
    ]
    if not search.importance:
        lines[-2:] = ["The scores of too few differ to tell."]
    home = (Path(place.folder) if place.folder else HOME) / place.series
    write_durably(home / f"{name}-importance.md", "\n".join([*lines, ""]).encode())
    return search


def _points(grid: Grid) -> list[dict[str, object]]:
    if not isinstance(grid, Mapping):
        return [point for each in grid for point in _points(each)] or _points({})
    if not grid or any(len(values) == 0 for values in grid.values()):
        raise BadValue("param_grid", "has no combination: every param needs a value")
    return [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]


_Fitted = tuple[object, dict[str, float]]
"""A fitted model, or None, and its metrics."""


@dataclass(frozen=True)
class _Task:
    """A fit to make: what the experiment is called, its params, and what does it."""

    name: str
    params: Mapping[str, object]
    fit: Callable[[Experiment], _Fitted]


@dataclass(frozen=True)
class _Place:
    """Where the experiments of a search go."""

    series: str
    folder: str | Path | None


def _grid_tasks(
    name: str,
    grid: Grid,
    fit: Callable[[Mapping[str, object], Experiment], _Fitted],
) -> list[_Task]:
    """Number the fits of a grid, so that their names sort."""
    points = _points(grid)
    width = len(str(len(points)))
    return [
        _Task(f"{name}-{number:0{width}}", point, partial(fit, point))
        for number, point in enumerate(points, 1)
    ]


def _tracked(task: _Task, place: _Place) -> Fit:
    params = task.params
    made = begin(task.name, place.series, place.folder)
    made.log_params({key: described(value) for key, value in params.items()})
    try:
        model, metrics = task.fit(made)
        made.log_metrics(metrics)
    except Exception as err:  # noqa: BLE001 - one fit that fails stops no other
        made.end(err)
        return Fit(made.folder.name, params, {}, failure=f"{type(err).__name__}: {err}")
    except BaseException as err:
        made.end(err)
        raise
    made.end()
    return Fit(made.folder.name, params, metrics, model)


def _each(
    tasks: Sequence[_Task],
    place: _Place,
    n_jobs: int,
    progress: Callable[[int, int], object] | None,
) -> list[Fit]:
    done: list[Fit] = []
    for each in _in_threads(lambda task: _tracked(task, place), tasks, n_jobs):
        done.append(each)
        if progress is not None:
            progress(len(done), len(tasks))
    return done


def _made(model: Any, params: Mapping[str, object]) -> Any:
    """Make a fresh model of a class or of another model, with params."""
    if isinstance(model, type):
        return model(**params)
    fresh = _cloned(model)
    if not params:
        return fresh
    if hasattr(fresh, "set_params"):
        changed = fresh.set_params(**params)
        return fresh if changed is None else changed  # not `or`: an unfitted forest has no length
    for key, value in params.items():
        setattr(fresh, key, value)
    return fresh


def _cloned(model: Any) -> Any:
    if hasattr(model, "get_params") and find_spec("sklearn") is not None:
        from sklearn.base import clone  # type: ignore[import-untyped] # late: the user's own

        return clone(model)
    return copy.deepcopy(model)


def _type_name(model: Any) -> str:
    return (model if isinstance(model, type) else type(model)).__name__


def _params_of(model: Any) -> dict[str, object]:
    if isinstance(model, type) or not hasattr(model, "get_params"):
        return {}
    return {str(key): value for key, value in model.get_params(deep=False).items()}


def _own_score(model: Any, inputs: Any, targets: Any) -> float:
    found = as_number(model.score(inputs, targets))
    if found is None:
        raise BadValue("score", f"of {_type_name(model)} is no number")
    return found


def _folds(inputs: Any, targets: Any, wanted: Any) -> list[tuple[list[int], list[int]]]:
    """Split rows into folds: for each the rows to fit, and the rows to judge."""
    if not isinstance(wanted, Integral):
        try:
            pairs = wanted.split(inputs, targets) if hasattr(wanted, "split") else wanted
            folds = [([*map(int, a)], [*map(int, b)]) for a, b in pairs]
        except (TypeError, ValueError) as err:
            raise BadValue("cv", f"does not fit the data: {err}") from err
        if not folds:
            raise BadValue("cv", "has no fold")
        return folds
    rows, count = len(targets), int(wanted)
    if not 2 <= count <= rows:
        raise BadValue("cv", f"is {count}; it may be from 2 to the {rows} rows of the data")
    if find_spec("sklearn") is not None:
        from sklearn.model_selection import check_cv  # type: ignore[import-untyped] # late

        splitter = check_cv(count, targets, classifier=True)
        try:
            return [(list(a), list(b)) for a, b in splitter.split([[0]] * rows, targets)]
        except ValueError as err:
            raise BadValue("cv", f"does not fit the data: {err}") from err
    bounds = [round(rows * number / count) for number in range(count + 1)]
    parts = [list(range(a, b)) for a, b in itertools.pairwise(bounds)]
    return [([row for row in range(rows) if row not in set(part)], part) for part in parts]


@dataclass(frozen=True)
class _Validated:
    """The scores of the folds that could be fitted, and the errors of the others."""

    scores: Sequence[float]
    errors: Sequence[Exception]

    def summary(self) -> dict[str, float]:
        """Their mean, their standard deviation, and how many failed."""
        spread = {"sd_score": stdev(self.scores)} if len(self.scores) > 1 else {}
        failed = {"failed_folds": len(self.errors)} if self.errors else {}
        return {"mean_score": fmean(self.scores), **spread, **failed}


def _validated(
    make: Callable[[], Any],
    inputs: Any,
    targets: Any,
    folds: Sequence[tuple[list[int], list[int]]],
    judge: Score,
    made: Experiment,
    n_jobs: int = 1,
    progress: Callable[[int, int], object] | None = None,
) -> _Validated:
    def judged(rows: tuple[list[int], list[int]]) -> float | Exception:
        fit, test = rows
        try:
            model = make()
            model.fit(_rows(inputs, fit), _rows(targets, fit))
            return float(judge(model, _rows(inputs, test), _rows(targets, test)))
        except Exception as err:  # noqa: BLE001 - one fold that fails stops no other
            return err

    found: list[float | Exception] = []
    for (fit, test), each in zip(folds, _in_threads(judged, folds, n_jobs), strict=True):
        found.append(each)
        sizes = {"fold": len(found), "train_size": len(fit), "test_size": len(test)}
        if isinstance(each, Exception):
            made.tracker.log({**sizes, "fold_error": f"{type(each).__name__}: {each}"})
        else:
            made.log_metrics({"fold": len(found), "fold_score": each, **sizes})
        if progress is not None:
            progress(len(found), len(folds))
    return _Validated(
        [each for each in found if not isinstance(each, Exception)],
        [each for each in found if isinstance(each, Exception)],
    )


def _in_threads(
    call: Callable[[_Part], _Done], parts: Sequence[_Part], n_jobs: int
) -> Iterator[_Done]:
    """Call for each part, and give what comes back in their order."""
    workers = n_jobs if n_jobs >= 0 else (os.cpu_count() or 1) + 1 + n_jobs
    with ThreadPoolExecutor(max_workers=max(1, workers)) as pool:
        yield from pool.map(call, parts)


def _rows(table: Any, chosen: list[int]) -> Any:
    if hasattr(table, "iloc"):
        return table.iloc[chosen]
    if hasattr(table, "shape"):
        return table[chosen]
    return [table[row] for row in chosen]


def _importance(fits: Sequence[Fit]) -> dict[str, float]:
    """Compute the correlation ratio of the scores for each param.

    Source: K. Pearson, "On the general theory of skew correlation and non-linear regression",
    1905: the variance between the groups of a param's values, over that of all scores.
    """
    scored = [(fit.params, fit.score) for fit in fits if fit.score is not None]
    scores = [score for _, score in scored if score is not None]
    if len(scores) < 3:
        return {}
    mean = fmean(scores)
    total = sum((score - mean) ** 2 for score in scores)
    if total == 0:
        return {}
    found = {}
    for name in dict.fromkeys(name for params, _ in scored for name in params):
        groups: dict[str, list[float]] = {}
        for params, score in scored:
            groups.setdefault(repr(params.get(name, _UNSAID)), []).append(score or 0.0)
        between = sum(len(each) * (fmean(each) - mean) ** 2 for each in groups.values())
        found[name] = between / total
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))
