"""Tracked functions of every kind: plain ones, coroutines, generators and asynchronous ones.

The row of a call, in the order in which names give way to later ones: the tracker's params, the
call's own, dataclasses and models among the arguments by field, ``function_name``, ``args``,
``kwargs``, ``error``, ``function_time`` in seconds, figures of use, then what came of it:
``function_result``, or the keys of a dict, or ``traceback``.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping, Sequence
from functools import partial, wraps
from time import perf_counter
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, cast

from xvc.errors import BadValue
from xvc.tracking.call_text import Parameters
from xvc.tracking.calls import Call, Subject

if TYPE_CHECKING:
    from xvc.tracking.caching import CachedRun

_Function = Callable[..., object]
_Params = Mapping[str, object]


def track(
    tracker: CachedRun,
    function: _Function,
    args: Sequence[object] | None,
    kwargs: _Params | None,
    params: _Params | None,
    depends: object,
    *,
    computes: bool = False,
) -> object:
    """Call *function* and record it.

    Raises:
        BadValue: *function* cannot be called, *args* is no list or tuple, or *params* has a key
            that is no text.
    """
    args, kwargs, params = _in_order(args, kwargs, params)
    if not callable(function):
        raise BadValue(
            "track",
            f"the function itself, as track(train, [0.1]), not what it returned: one "
            f"{type(function).__name__}",
        )
    if args is not None and not isinstance(args, list | tuple):
        raise BadValue("args", f"a list or tuple of arguments, not one {type(args).__name__}")
    parameters = Parameters.of(function)
    subject = Subject(
        tracker=tracker,
        function=function,
        params=_checked(params),
        parameters=parameters,
        depends=depends,
        computes=computes,
    )
    return _recorded(subject)(*(args or ()), **(kwargs or {}))


def _in_order(
    args: object, kwargs: object, params: object
) -> tuple[Sequence[object] | None, _Params | None, _Params | None]:
    """Arguments, keyword arguments, params; xetrack has the params first."""
    is_other = isinstance(args, Mapping) or isinstance(kwargs, list | tuple)
    ordered = (kwargs, params, args) if is_other else (args, kwargs, params)
    return cast("tuple[Sequence[object] | None, _Params | None, _Params | None]", ordered)


def wrap(
    tracker: CachedRun, function: _Function, params: _Params | None, depends: object
) -> _Function:
    """Return *function* with every call of it recorded.

    Raises:
        BadValue: *function* cannot be called, or *params* has a key that is no text.
    """
    if not callable(function) or isinstance(function, staticmethod):
        kind = type(function).__name__
        raise BadValue("wrap", f"cannot wrap a {kind}; its decorator goes above tracker.wrap()")
    subject = Subject(
        tracker=tracker,
        function=function,
        params=_checked(params),
        parameters=Parameters.of(function),
        depends=depends,
    )
    return wraps(function)(_recorded(subject))


def _checked(params: _Params | None) -> _Params:
    if callable(params):
        raise BadValue("params", "write @tracker.wrap(), with parentheses")
    for key in params or {}:
        if not isinstance(key, str) or not key:
            raise BadValue(repr(key), "a key is a text of at least one character")
    return params or {}


def _recorded(subject: Subject) -> _Function:
    """A function of the same kind (coroutine, generator): `inspect` says the same of both."""
    function = subject.function
    is_bare = isinstance(function, FunctionType | MethodType | partial)
    called = function if is_bare else type(function).__call__
    for is_kind, shape in _SHAPES:
        if is_kind(called):
            return shape(subject)
    return _plain(subject)


def _plain(subject: Subject) -> _Function:
    def recorded(*args: object, **kwargs: object) -> object:
        with subject.call(args, kwargs) as call:
            if not call.is_cached():
                call.keep(call.compute())
        return call.result

    return recorded


def _coroutine(subject: Subject) -> _Function:
    async def recorded(*args: object, **kwargs: object) -> object:
        with subject.call(args, kwargs) as call:
            if not call.is_cached():
                call.keep(await cast("Awaitable[object]", call.compute()))
        return call.result

    return recorded


def _generator(subject: Subject) -> _Function:
    def recorded(*args: object, **kwargs: object) -> Generator[object, object, object]:
        with subject.call(args, kwargs) as call:
            inner = cast("Generator[object, object, object]", call.compute())
            call.result = yield from _Counted(inner, _Items(call))
        return call.result

    return recorded


def _async_generator(subject: Subject) -> _Function:
    async def recorded(*args: object, **kwargs: object) -> AsyncGenerator[object, object]:
        with subject.call(args, kwargs) as call:
            inner = cast("AsyncGenerator[object, object]", call.compute())
            items, step = _Items(call), inner.asend(None)
            while True:  # `yield from`, which asynchronous generators lack
                try:
                    with items:
                        item = await step
                except StopAsyncIteration:
                    return
                try:
                    sent = yield item
                except GeneratorExit:
                    await inner.aclose()
                    raise
                except BaseException as err:  # noqa: BLE001 - the generator's own to handle
                    step = inner.athrow(err)
                else:
                    step = inner.asend(sent)

    return recorded


_SHAPES = (
    (inspect.iscoroutinefunction, _coroutine),
    (inspect.isgeneratorfunction, _generator),
    (inspect.isasyncgenfunction, _async_generator),
)


class _Items:
    """Counts what comes out of a generator, and its own time, without that of who takes it."""

    def __init__(self, call: Call) -> None:
        self._call, self._count, self._seconds = call, 0, 0.0
        self._tell()

    def _tell(self) -> None:
        self._call.seconds, self._call.facts["function_items"] = self._seconds, self._count

    def __enter__(self) -> None:
        self._began = perf_counter()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._seconds += perf_counter() - self._began
        self._count += kind is None
        self._tell()


class _Counted(Generator[object, object, object]):
    """A generator that goes through `_Items`."""

    def __init__(self, inner: Generator[object, object, object], items: _Items) -> None:
        self._inner, self._items = inner, items

    def send(self, value: object) -> object:
        with self._items:
            return self._inner.send(value)

    def throw(self, *error: Any) -> object:  # one of three forms, which only pass through
        with self._items:
            return self._inner.throw(*error)

    def close(self) -> None:
        self._inner.close()
