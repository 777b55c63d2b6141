"""Whether code runs within a handler of a signal that tells a process to stop.

An exit from there with code 0 is no good end: the run did not do all that it had to.
"""

from __future__ import annotations

import signal
from collections.abc import Iterable
from functools import partial
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
