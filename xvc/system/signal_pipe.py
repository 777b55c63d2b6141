"""One descriptor that becomes readable when a signal arrives or a child has ended.

Handlers are put in for the time of a ``with`` and taken out after it, in the main thread only:
Python gives signals to no other. What the process ignores (``nohup``) stays ignored.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from types import FrameType, TracebackType

STOPPING = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT})
"""Signals that ask a program to end; they mean something to xvc itself."""

_FAULTS = {signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL}
_JOB_CONTROL = {signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU}
_OWN = {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD, signal.SIGPIPE, signal.SIGXFSZ}
_HEARD = frozenset(signal.valid_signals()) - _FAULTS - _JOB_CONTROL - _OWN
"""What is heard: everything but a fault of this very process, which a handler would repeat for
ever, job control, which stops us where it stops the command, and what cannot be or is ours."""

PASSING = _HEARD - STOPPING
"""Signals that mean nothing to xvc: they are for the command that it runs."""

_CHILD_ENDED = 0


@contextlib.contextmanager
def held_back(
    numbers: Iterable[int], tell: Callable[[int], None] | None = None
) -> Iterator[list[int]]:
    """Keep these signals from ending the process; yields the list of those that came.

    What the process ignores stays ignored, and only the main thread can do this. *tell* is called
    with each. What somebody else has put in by the end stays: a program that ignores them while it
    leaves.
    """
    came: list[int] = []

    def hear(number: int, frame: FrameType | None) -> None:
        came.append(number)
        if tell is not None:
            tell(number)

    before: dict[int, signal._HANDLER] = {}
    if threading.current_thread() is threading.main_thread():
        for number in numbers:
            if signal.getsignal(number) not in (signal.SIG_IGN, None):
                before[number] = signal.signal(number, hear)
    try:
        yield came
    finally:
        tell = None  # from here on a handler that raises would keep the others from being put back
        for number, handler in before.items():
            if signal.getsignal(number) is hear:
                signal.signal(number, handler)


class Bell:
    """Rings for signals and for the end of a child; `fd` is what to wait on.

    Those in *before* came before it was there, and are heard first.
    """

    def __init__(self, before: Iterable[int] = ()) -> None:
        self.fd, self._writer = os.pipe()
        os.set_blocking(self.fd, False)
        os.set_blocking(self._writer, False)
        with contextlib.suppress(BlockingIOError):
            os.write(self._writer, bytes(before))
        self._before: dict[int, signal._HANDLER] = {}
        self._waker_before: int | None = None

    def __enter__(self) -> Bell:
        if threading.current_thread() is not threading.main_thread():
            return self
        # The writing is done by the interpreter, whichever thread the kernel picks: a handler in
        # Python would run only once the main thread has left poll().
        self._waker_before = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        for number in _HEARD:
            if signal.getsignal(number) not in (signal.SIG_IGN, None):
                self._before[number] = signal.signal(number, _hear)
        if signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:  # or nobody could be waited for
            self._before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self._waker_before is not None:
            signal.set_wakeup_fd(self._waker_before)
        os.close(self.fd)
        os.close(self._writer)

    def ring(self) -> None:
        """Say that the child has ended; from any thread."""
        with contextlib.suppress(BlockingIOError):  # full: it is ringing already
            os.write(self._writer, bytes([_CHILD_ENDED]))

    def heard(self) -> list[int]:
        """Return the signals that arrived since the last call, in order."""
        try:
            rung = os.read(self.fd, 4096)
        except BlockingIOError:
            return []
        return [number for number in rung if number != _CHILD_ENDED]


def _hear(number: int, frame: FrameType | None) -> None:
    """Do nothing: without a handler in Python the interpreter would not ring."""
