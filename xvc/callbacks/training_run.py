"""The run behind a callback: opened when training begins, fed with copies, ended when it ends.

Whatever goes wrong here is said through Python's warnings, once for each way of going wrong, and
never reaches the training.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Lock

from xvc.core.run import Status
from xvc.tracking.tracker import Tracker

_MAKE: Callable[..., Tracker] = Tracker
_DEEPEST = 32


class TrainingRun:
    """What a callback writes to.

    Args:
        tracker: one that is open, and stays open; None makes one when training begins.
        options: the arguments of that `Tracker`.
        is_silent: whether nothing is recorded: in all processes of a training but the first.
        goes_on: whether what is logged after the end belongs to the same run.
    """

    def __init__(
        self,
        tracker: Tracker | None,
        options: Mapping[str, object],
        *,
        is_silent: bool = False,
        goes_on: bool = False,
    ) -> None:
        self._given, self._options, self._tracker = tracker, dict(options), tracker
        self._said: set[str] = set()
        self.is_silent, self._goes_on = is_silent, goes_on
        self._opens = Lock()  # trials that end at once in several threads are of one run

    @property
    def tracker(self) -> Tracker | None:
        """The tracker, where training has begun."""
        return self._tracker

    @property
    def id(self) -> str | None:
        """The id of the run, where training has begun."""
        return None if self._tracker is None else self._tracker.track_id

    def begin(self, params: Mapping[str, object] | None = None) -> None:
        """Open the run, if it is not open, and add *params* to it; nested ones by their path.

        Rows do not have them: a framework logs some of the same names, like its learning rate.
        """
        with self.harmless():
            if self.is_silent:
                return
            with self._opens:
                if self._tracker is None:
                    self._tracker = _MAKE(**self._options)
            if params:
                _, refused = self._tracker._say_params(flat(params))
                if refused is not None:
                    raise refused

    def log(self, values: Mapping[str, object], **more: object) -> None:
        """Log a row of a copy of *values*; numbers are as the framework gave them."""
        if self.is_silent or not (values or more):
            return
        if self._tracker is None:
            self.begin()
        with self.harmless():
            if self._tracker is not None:
                row = {str(key): plain_number(value) for key, value in values.items()}
                self._tracker.log({**row, **more})

    def end(self, status: str = Status.FINISHED.value, reason: str | None = None) -> None:
        """End the run, if it is the callback's own, and put every row on the disk."""
        tracker, self._tracker = self._tracker, self._given
        with self.harmless():
            if tracker is not None and self._given is None:
                if self._goes_on:
                    self._options |= {"run": tracker.track_id, "resume": True}
                tracker.close(status, reason)
            elif tracker is not None:
                tracker.flush()

    def fail(self, error: BaseException) -> None:
        """End the run as failed by *error*."""
        reason = type(error).__name__
        with self.harmless():
            reason = f"{reason}: {error}"
        self.end(Status.FAILED.value, reason)

    @contextmanager
    def harmless(self) -> Iterator[None]:
        """Say what goes wrong inside, once for each text, and go on."""
        try:
            yield
        except Exception as err:  # noqa: BLE001 - nothing of ours may stop a training
            said = f"{type(err).__name__}: {err}"
            if said not in self._said:
                self._said.add(said)
                _warn(f"not all of this training is recorded: {said}")

    def __getstate__(self) -> dict[str, object]:
        """Travel to another process without the tracker; nothing is recorded there."""
        return {"options": self._options}

    def __setstate__(self, state: Mapping[str, Mapping[str, object]]) -> None:
        self.__init__(None, state["options"], is_silent=True)  # type: ignore[misc]


def _warn(words: str) -> None:
    try:
        warnings.warn(words, RuntimeWarning, stacklevel=4)
    except RuntimeWarning:  # warnings are errors here, and an error would stop the training
        sys.stderr.write(f"warning: {words}\n")


def plain_number(value: object) -> object:
    """Return a number of an array library or a tensor of one element as Python's; else *value*.

    >>> import numpy
    >>> plain_number(numpy.float32(0.5)), plain_number("a")
    (0.5, 'a')
    """
    if isinstance(value, bool | int | float | str) or value is None:
        return value
    item = getattr(value, "item", None)
    size = getattr(value, "size", None)
    count = size if isinstance(size, int) else getattr(value, "numel", lambda: 0)()
    return item() if callable(item) and count == 1 else value


def flat(values: Mapping[str, object], above: str = "", depth: int = 0) -> dict[str, object]:
    """Return nested values by their path; a value that is not plain becomes its text.

    >>> flat({"model": {"layers": 2, "act": len}, "lr": 0.1})
    {'model.layers': 2, 'model.act': '<built-in function len>', 'lr': 0.1}
    """
    found: dict[str, object] = {}
    for key, value in values.items():
        name = f"{above}{key}"
        if isinstance(value, Mapping) and value and depth < _DEEPEST:
            found |= flat(value, f"{name}.", depth + 1)
        else:
            found[name] = _param(value)
    return found


def _param(value: object) -> object:
    number = plain_number(value)
    if number is None or isinstance(number, bool | int | float | str):
        return number
    if isinstance(number, list | tuple) and len(repr(number)) <= 1000:
        return [_param(each) for each in number]
    return repr(number)[:1000]
