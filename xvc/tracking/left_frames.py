"""Whether a function was left by an error that somebody keeps: a future, a list, a tuner's result.

Such an error keeps the function's frame, and that what the function had, until it goes itself: what
is dropped then has not ended well. A mark tells it, which is on the frame's ``f_trace``, where
nobody looks unless the program is traced. A function that returns loses its mark before the values
of its names; one that an error keeps loses it after them.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterable, Iterator, Sequence
from inspect import CO_ASYNC_GENERATOR, CO_COROUTINE, CO_GENERATOR, CO_NEWLOCALS
from types import FrameType
from weakref import ref

from xvc.tracking.frame_place import has_returned

_MOST = 50
_PAUSING = CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR


class Mark:
    """Lies on a frame as long as the frame is there."""

    __slots__ = ("__weakref__",)

    def __call__(self, *_: object) -> None:
        """Trace nothing."""


def marked(frame: FrameType | None) -> list[ref[Mark]]:
    """Mark the function that a frame is of, and those that called it; none where it is traced.

    Generators are not, for to close one is to have it left by an error; nor are coroutines, whose
    frames asyncio keeps for a while with an error that they have caught.
    """
    found: list[ref[Mark]] = []
    while frame is not None and len(found) < _MOST and sys.gettrace() is None:
        flags = frame.f_code.co_flags
        if frame.f_trace is None and flags & CO_NEWLOCALS and not flags & _PAUSING:
            frame.f_trace = Mark()
        if isinstance(frame.f_trace, Mark):
            found.append(ref(frame.f_trace))
        frame = frame.f_back
    return found


def was_left(marks: Sequence[ref[Mark]]) -> bool:
    """Whether an error has left one of the functions, and keeps what it had until now."""
    there = [mark for each in marks if (mark := each()) is not None]
    if not there:
        return False
    at_work = {id(frame.f_trace) for frame in _frames_at_work()}
    return any(id(mark) not in at_work and not _returned(mark) for mark in there)


def _frames_at_work() -> Iterator[FrameType]:
    for frame in [*sys._current_frames().values(), *_of_the_last_error()]:
        at: FrameType | None = frame
        while at is not None:
            yield at
            at = at.f_back


def _of_the_last_error() -> Iterable[FrameType]:
    """The frames of the error that an interactive session keeps: it has its own rules."""
    error = getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)
    trace = error.__traceback__ if isinstance(error, BaseException) else None
    while trace is not None:
        yield trace.tb_frame
        trace = trace.tb_next


def _returned(mark: Mark) -> bool:
    """Whether a function has returned, and an error that it caught keeps its frame."""
    frames = [each for each in gc.get_referrers(mark) if isinstance(each, FrameType)]
    return any(each.f_trace is mark and has_returned(each) for each in frames)
