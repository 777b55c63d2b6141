"""Functions and fits as experiments: what they were given, what they returned, the model."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

from xvc.errors import BadValue
from xvc.experiments.experiment import Experiment, begin, series_of

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")
_LONGEST = 200  # characters of an argument that is no number and no text


class AutoTracker:
    """Makes every call of a function an experiment.

    Args:
        series: the group of the experiments.
        increment: another word for *series*.
        folder: holds the folders of all series.
    """

    def __init__(
        self,
        series: str | None = None,
        *,
        increment: str | None = None,
        folder: str | Path | None = None,
    ) -> None:
        self.series, self.folder = series_of(series, increment), folder

    def track(
        self, name: str | None = None
    ) -> Callable[[Callable[_Given, _Result]], Callable[_Given, _Result]]:
        """Decorate a function: its arguments are params, the numbers that it returns metrics.

        It may return a number (``score``), a dict of numbers, or a model and one of both; the
        model is kept as ``model.pkl``. An error fails the experiment and goes on.

        Args:
            name: what to call the experiments; without one the function's name.

        Raises:
            BadValue: it is the function, for want of parentheses.
        """
        if callable(name):
            raise BadValue("name", "write @tracker.track(), with parentheses")

        def decorate(function: Callable[_Given, _Result]) -> Callable[_Given, _Result]:
            @wraps(function)
            def call(*args: _Given.args, **kwargs: _Given.kwargs) -> _Result:
                made = begin(name or function.__name__, self.series, self.folder)
                try:
                    made.log_params(_arguments(function, args, kwargs))
                    result = function(*args, **kwargs)
                    keep_result(made, result)
                except BaseException as err:
                    made.end(err)
                    raise
                made.end()
                return result

            return call

        return decorate


def keep_result(made: Experiment, result: object) -> None:
    """Log what a function returned: numbers as metrics, a model beside them as a file."""
    if isinstance(result, tuple) and len(result) == 2 and _numbers(result[1]):
        made.save_model(result[0])
        made.log_metrics(_numbers(result[1]))
    elif found := _numbers(result):
        made.log_metrics(found)


def _numbers(result: object) -> dict[str, float]:
    if isinstance(result, Mapping):
        found = {str(key): as_number(value) for key, value in result.items()}
        return {key: value for key, value in found.items() if value is not None}
    number = as_number(result)
    return {} if number is None else {"score": number}


def as_number(value: object) -> float | None:
    """Read a number of Python's or numpy's; None of anything else, and of truth values."""
    if isinstance(value, bool) or type(value).__name__ in ("bool_", "bool"):
        return None
    if isinstance(value, int | float):
        return value
    if getattr(value, "shape", None) == () and hasattr(value, "item"):
        found = value.item()
        return found if isinstance(found, int | float) and not isinstance(found, bool) else None
    return None


def _arguments(
    function: Callable[..., object], args: tuple[object, ...], kwargs: Mapping[str, object]
) -> dict[str, object]:
    try:
        bound = inspect.signature(function).bind(*args, **kwargs)
    except (TypeError, ValueError):
        return {}  # the call itself says what is wrong
    bound.apply_defaults()
    return {name: described(value) for name, value in bound.arguments.items()}


def described(value: object) -> object:
    """Return a param as it can be recorded: a plain value as it is, any other as text."""
    if value is None or isinstance(value, str | int | float | bool):
        return value
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and shape:
        return f"{type(value).__name__} {'×'.join(map(str, shape))}"
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
