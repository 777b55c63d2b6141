"""Whether code runs within a handler of a signal that tells a process to stop.

An exit from there with code 0 is no good end: the run did not do all that it had to.
"""

from __future__ import annotations

import signal
from collections.abc import Iterable
from functools import partial
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
        if number is not None:
            return number.name, _ENDS[number]
    return None


def frames_from(frame: FrameType | None) -> Iterable[FrameType]:
    """A frame and all that called it, the innermost first."""
    while frame is not None:
        yield frame
        frame = frame.f_back


def _code_of(handler: object) -> CodeType | None:
    while isinstance(handler, partial):
        handler = handler.func
    function = getattr(handler, "__func__", handler)
    if not hasattr(function, "__code__"):
        function = vars(type(handler)).get("__call__")
    code = getattr(function, "__code__", None)
    return code if isinstance(code, CodeType) else None
