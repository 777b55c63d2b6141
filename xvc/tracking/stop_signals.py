"""Whether code runs within a handler of a signal that tells a process to stop.

An exit from there with code 0 is no good end: the run did not do all that it had to. Python says of
`SystemExit` neither who raised it nor, once the process ends, that it came; so the handlers that a
script sets are called through one of ours. Whoever asks for them gets the script's own.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterable
from functools import partial, wraps
from inspect import CO_VARARGS
from types import CodeType, FrameType

from xvc.core.run import Status

_ENDS = {
    signal.SIGTERM: Status.FAILED,
    signal.SIGHUP: Status.FAILED,
    signal.SIGINT: Status.INTERRUPTED,
}


def stopped_by(frames: Iterable[FrameType | None]) -> tuple[str, Status] | None:
    """Name the signal whose handler one of *frames* is of, and how a run ends that it ends.

    >>> stopped_by([None]) is None
    True
    """
    handlers = {_code_of(signal.getsignal(number)): number for number in _ENDS}
    handlers.pop(None, None)
    for frame in frames if handlers else ():
        number = handlers.get(frame.f_code) if frame is not None else None
        if frame is not None and number is not None and _was_called_by(frame, number):
            return number.name, _ENDS[number]
    return None


def watch_handlers(note: Callable[[str, Status], None]) -> None:
    """Have *note* called, with the signal and the end, when a handler leaves with exit code 0.

    That is one that is set now or later. Does nothing where it was done before.
    """
    if not hasattr(signal.signal, "__wrapped__"):
        _watch_setting(note)
    if threading.current_thread() is threading.main_thread():
        for number in _ENDS:
            handler = signal.getsignal(number)
            if callable(handler):
                signal.signal(number, handler)


def _watch_setting(note: Callable[[str, Status], None]) -> None:
    set_, get = signal.signal, signal.getsignal

    @wraps(set_)
    def set_watched(signalnum: int, handler: object) -> object:
        is_own = callable(handler) and not isinstance(handler, signal.Handlers | _Watched)
        if is_own and signalnum in _ENDS and handler is not signal.default_int_handler:
            handler = _Watched(handler, note)  # type: ignore[arg-type]
        return _own(set_(signalnum, handler))  # type: ignore[arg-type]

    @wraps(get)
    def get_own(signalnum: int) -> object:
        return _own(get(signalnum))

    signal.signal = set_watched  # type: ignore[assignment]
    signal.getsignal = get_own  # type: ignore[assignment]


class _Watched:
    """A handler that a script has set, and who is told how it left."""

    def __init__(
        self,
        handler: Callable[[int, FrameType | None], object],
        note: Callable[[str, Status], None],
    ) -> None:
        self.handler, self._note = handler, note

    def __call__(self, number: int, frame: FrameType | None) -> object:
        try:
            return self.handler(number, frame)
        except SystemExit as leaving:
            if leaving.code is None or leaving.code == 0:
                stop = signal.Signals(number)
                self._note(stop.name, _ENDS[stop])
            raise


def _own(handler: object) -> object:
    return handler.handler if isinstance(handler, _Watched) else handler


def frames_from(frame: FrameType | None) -> Iterable[FrameType]:
    """A frame and all that called it, the innermost first."""
    while frame is not None:
        yield frame
        frame = frame.f_back


def _was_called_by(frame: FrameType, number: int) -> bool:
    """Whether Python called a handler, with a signal and a frame: scripts call theirs, too."""
    code, values = frame.f_code, frame.f_locals
    given = [values.get(name) for name in code.co_varnames[: code.co_argcount]]
    if code.co_flags & CO_VARARGS:
        given += values.get(code.co_varnames[code.co_argcount + code.co_kwonlyargcount], ())
    has_frame = any(isinstance(value, FrameType) for value in given)
    return has_frame and any(isinstance(value, int) and value == number for value in given)


def _code_of(handler: object) -> CodeType | None:
    while isinstance(handler, partial):
        handler = handler.func
    function = getattr(handler, "__func__", handler)
    if not hasattr(function, "__code__"):
        function = vars(type(handler)).get("__call__")
    code = getattr(function, "__code__", None)
    return code if isinstance(code, CodeType) else None
