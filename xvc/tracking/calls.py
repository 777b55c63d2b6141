"""One call of a tracked function: what is known before it, what came of it, one row in the end.

What goes wrong while this is written down costs the caller nothing but a warning: the function's
own result or exception is what comes back.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, Self

from xvc.errors import BadValue
from xvc.tracking.call_text import (
    Parameters,
    argument_columns,
    argument_texts,
    error_text,
    name_of,
    traceback_text,
)
from xvc.tracking.excerpt import excerpt
from xvc.tracking.sampling import begin

if TYPE_CHECKING:
    from xvc.tracking.caching import CachedRun, Miss


@dataclass(frozen=True, slots=True)
class Subject:
    """A function to be called, who records it, and what every row of it says."""

    tracker: CachedRun
    function: Callable[..., object]
    params: Mapping[str, object]
    parameters: Parameters
    depends: object = None
    computes: bool = False
    """Whether the function is called even where the cache has a result, which is replaced."""

    def counting(self) -> Mapping[str, object]:
        """The params, and what else the caller says that the result depends on."""
        if self.depends is None:
            return self.params
        return {**self.params, **depending(self.depends)}

    def call(self, args: Sequence[object], kwargs: Mapping[str, object]) -> Call:
        """One call, not begun."""
        return Call(self, args, kwargs)


class Call(AbstractContextManager["Call"]):
    """Entered before the function begins, left when it has ended, however it did.

    Attributes:
        result: what the function returned; set by whoever entered.
        facts: more columns for the row.
        seconds: how long it took, when that is not from entering to leaving.
    """

    def __init__(
        self, subject: Subject, args: Sequence[object], kwargs: Mapping[str, object]
    ) -> None:
        self._subject, self._args, self._kwargs = subject, args, kwargs
        self._name = name_of(subject.function)
        self._options = subject.tracker._options
        self._row: dict[str, object] = dict(subject.params)
        self._figures: Callable[[], Mapping[str, object]] = dict
        self._miss: Miss | None = None
        self.result: object = None
        self.facts: dict[str, object] = {}
        self.seconds: float | None = None

    def compute(self) -> object:
        """Call the function itself."""
        return self._subject.function(*self._args, **self._kwargs)

    def is_cached(self) -> bool:
        """Whether the result of an equal call is kept; it is this one's then."""
        if self._options.cache is None:
            return False
        from xvc.tracking.caching import Hit, lookup  # late: loads what reads functions' code

        subject = self._subject
        self.facts["cache"] = ""
        with self._harmless():
            found = lookup(
                subject.tracker,
                subject.function,
                self._args,
                self._kwargs,
                subject.counting(),
                computes=subject.computes,
            )
            if isinstance(found, Hit):
                self.result, self.facts["cache"] = found.result, found.run
                self.seconds = 0.0  # the function did not run
                return True
            self._miss = found
        self._began = perf_counter()
        return False

    def keep(self, result: object) -> None:
        """Take what the function returned as the result, and keep it for equal calls."""
        self.result = result
        if self._miss is not None:
            self.seconds = perf_counter() - self._began
            with self._harmless():
                self._miss.store(result)

    def __enter__(self) -> Self:
        parameters = self._subject.parameters
        named = parameters.named(self._args)
        with self._harmless():
            self._row |= argument_columns({**parameters.defaults, **named, **self._kwargs})
        self._row["function_name"] = self._name
        with self._harmless():
            self._row |= argument_texts(named, self._kwargs)
        with self._harmless():
            self._figures = begin(self._options, self._subject.tracker._root)
        self._began = perf_counter()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        spent = perf_counter() - self._began if self.seconds is None else self.seconds
        is_closed = isinstance(error, GeneratorExit)  # a generator that nobody needs any more
        with self._harmless():
            said = "" if error is None or is_closed else error_text(error)
            self._row |= {"error": said, "function_time": spent, **self._figures(), **self.facts}
            self._row |= self._outcome(None if is_closed else error)
            self._log()
        return isinstance(error, Exception) and not self._options.raise_on_error

    def _outcome(self, error: BaseException | None) -> Mapping[str, object]:
        if error is not None:
            return {"traceback": traceback_text(error)}
        result = self.result
        if isinstance(result, dict) and all(isinstance(key, str) and key for key in result):
            return result
        return {"function_result": result}

    def _log(self) -> None:
        """Log the row; a value that cannot be kept is there as text, rather than no row at all."""
        tracker = self._subject.tracker
        row = {**tracker._params, **self._row}
        try:
            tracker._append(row)
        except BadValue:
            _, refused = tracker._log_what_fits(row, instead=excerpt)
            if refused is not None:
                with self._harmless():
                    raise refused from None

    def _harmless(self) -> _Harmless:
        return _Harmless(self._name, is_said=self._options.warnings)


def depending(depends: object) -> dict[str, object]:
    """Return what ``depends=`` stands for, under a name that no parameter can have."""
    return {"depends=": depends() if callable(depends) else depends}


class _Harmless(AbstractContextManager[None]):
    """Says what goes wrong inside, once for each way of going wrong, and lets the caller go on."""

    def __init__(self, name: str, *, is_said: bool) -> None:
        self._name, self._is_said = name, is_said

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if not isinstance(error, Exception):
            return False
        if self._is_said:  # Python shows a text once for each place, and this is one place
            said = f"{self._name}: not all of the call is recorded: {error_text(error)}"
            warnings.warn(said, RuntimeWarning, stacklevel=1)
        return True
