"""Attends a running child: carries its output out and our signals in, and stops it in steps.

Waits for events and polls nothing. It never decides that a child must end: a signal to us or
the caller's timeout does.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from xvc.system.child_streams import Outlet, Outlets
from xvc.system.process_tree import ProcessTree
from xvc.system.signal_pipe import Bell, held_back

Sink = Callable[[int, bytes], None]

_ONE_BREATH = 0.3
_GRACE = 0.3
_MOST_AFTER_END = 8 << 20
_KILL_AGAIN = 1.0
_BREATHER = 0.05
_A_LOOK = 0.005
_ASKED, _TOLD, _KILLED = 1, 2, 3


@dataclass(frozen=True, slots=True)
class Ladder:
    """Seconds to wait after each rung: after the interrupt, and after SIGTERM before SIGKILL."""

    interrupt: float = 10.0
    terminate: float = 5.0


class Attendance:
    """Stays with one child until it has ended and its output is read."""

    def __init__(
        self,
        pid: int,
        timeout: float | None,
        ladder: Ladder,
        *,
        sink: Sink,
        bell: Bell,
        outlets: Outlets,
    ) -> None:
        self.timed_out = False
        self.interrupted = False
        self.told_to_stop = False
        self.failure: str | None = None
        self._pid, self._ladder, self._sink = pid, ladder, sink
        self._bell, self._outlets = bell, outlets
        self._tree = ProcessTree(pid)
        self._rung = 0
        self._ends_orphans = False
        self._due = inf if timeout is None else time.monotonic() + timeout
        self._last_interrupt = -inf
        self._has_ended: Callable[[], bool] = lambda: False
        self._moved = 0
        # macOS: kqueue and poll have failed on terminals; Linux: select stops at descriptor 1024.
        linux = sys.platform == "linux"
        self._waiting = selectors.PollSelector() if linux else selectors.SelectSelector()

    def last_until(self, has_ended: Callable[[], bool]) -> None:
        """Attend until *has_ended*, which the bell announces; then read what is left."""
        self._has_ended = has_ended
        with self._waiting:
            self._waiting.register(self._bell.fd, selectors.EVENT_READ, self._listen)
            for outlet in self._outlets.both:
                self._waiting.register(
                    outlet.reader, selectors.EVENT_READ, lambda outlet=outlet: self._carry(outlet)
                )
            with held_back([signal.SIGTSTP], self._stop_with_child):
                while not has_ended():
                    self._turn(self._due)
            self._listen()
            self._finish()

    def _turn(self, until: float) -> None:
        patience = None if until == inf else max(0.0, until - time.monotonic())
        for key, _ in self._waiting.select(patience):
            self._take(key.data)
        if time.monotonic() >= self._due and not self._has_ended():
            self._take(self._climb)

    def _take(self, step: Callable[[], object]) -> None:
        """Take one step; a mistake in it, or no memory for it, must not cost the run."""
        try:
            step()
        except Exception as err:  # noqa: BLE001 - as above
            self.failure = self.failure or f"{type(err).__name__}: {err}"
            time.sleep(_BREATHER)  # it may go wrong again at once

    # -- output ---------------------------------------------------------------------------------

    def _carry(self, outlet: Outlet) -> bool:
        chunk = outlet.read()
        if chunk:
            self._moved += len(chunk)
            self._pour(outlet, chunk)
        elif chunk is not None:
            self._waiting.unregister(outlet.reader)
        return bool(chunk) and not outlet.is_closed

    def _pour(self, outlet: Outlet, chunk: bytes) -> None:
        try:
            self._sink(outlet.fd, chunk)
        except BrokenPipeError:
            # Whoever read us has gone (`| head -1`): the command is to notice as if it wrote there.
            self._waiting.unregister(outlet.reader)
            outlet.close()
        except Exception as err:  # noqa: BLE001 - a mistake in what watches must not cost the run
            self.failure = self.failure or f"{type(err).__name__}: {err}"

    def _finish(self) -> None:
        """Read what the child left; of what its own children still write, a moment's worth."""
        if self.timed_out:  # its time is over, and so is that of all that it began
            self._take(lambda: self._tree.end_orphans(self._ladder.terminate))
        elif self._ends_orphans:
            self._take(lambda: self._tree.signal_orphans(signal.SIGTERM))
        self._moved, self._due = 0, inf
        for outlet in self._outlets.both:
            while outlet.reader in self._waiting.get_map() and self._has_room():
                if not self._carry(outlet):
                    break
        self._outlets.release(with_terminals=True)
        deadline = time.monotonic() + _GRACE
        while len(self._waiting.get_map()) > 1 and self._has_room():
            self._turn(deadline)
            if time.monotonic() >= deadline:
                break

    def _has_room(self) -> bool:
        return self._moved < _MOST_AFTER_END

    # -- signals --------------------------------------------------------------------------------

    def _listen(self) -> None:
        for number in self._bell.heard():
            if number == signal.SIGWINCH:
                self._outlets.resize()
                self._pass_on(number)
            elif number in (signal.SIGINT, signal.SIGTERM):
                self._stop(number)
            elif number == signal.SIGHUP:
                self.interrupted = True
                self._pass_on(number)
            elif number == signal.SIGTSTP:
                continue  # told already, in the handler: the bell rings for all that have one
            elif number != signal.SIGQUIT or not self._terminal_told_child():
                self._pass_on(number)

    def _stop_with_child(self, number: int) -> None:
        """Be stopped, as job control asks, when the command is: it may have a handler instead."""
        if not self._terminal_told_child():
            self._pass_on(number)
        until = time.monotonic() + _ONE_BREATH
        while not self._has_ended() and time.monotonic() < until:
            if self._tree.is_stopped():
                os.kill(os.getpid(), signal.SIGSTOP)
                return
            time.sleep(_A_LOOK)

    def _stop(self, number: int) -> None:
        self.interrupted = True
        if number == signal.SIGINT:
            # A launcher above us (uv, npm) may repeat what the terminal has told everyone.
            earlier, self._last_interrupt = self._last_interrupt, time.monotonic()
            if self._last_interrupt - earlier < _ONE_BREATH:
                return
        if self._has_ended():
            return
        if self._rung == 0:
            self._ask(number)
        else:
            self._climb()

    def _ask(self, number: int) -> None:
        self.told_to_stop = True
        self._rung, self._due = _ASKED, time.monotonic() + self._ladder.interrupt
        if number == signal.SIGTERM:
            self._ends_orphans = True
            self._take(self._tree.look)  # while it can be seen who belongs to it
            self._pass_on(number)
        elif not self._terminal_told_child():
            self._tell_all(number)

    def _climb(self) -> None:
        self._ends_orphans = True
        if self._rung == 0:
            self.timed_out = True
            self._rung, self._due = _ASKED, time.monotonic() + self._ladder.interrupt
            self._tell_all(signal.SIGINT)
            return
        self._rung = min(self._rung + 1, _KILLED)
        pause = self._ladder.terminate if self._rung == _TOLD else _KILL_AGAIN
        self._due = time.monotonic() + pause
        self._tell_all(signal.SIGTERM if self._rung == _TOLD else signal.SIGKILL)

    def _tell_all(self, number: int) -> None:
        """Signal the child and all below it; the child at least, if those cannot be seen."""
        try:
            self._tree.signal(number)
        except Exception as err:  # noqa: BLE001 - psutil that cannot be loaded, no memory
            self.failure = self.failure or f"{type(err).__name__}: {err}"
            self._pass_on(number)

    def _pass_on(self, number: int) -> None:
        if not self._has_ended():
            with contextlib.suppress(OSError):
                os.kill(self._pid, number)

    def _terminal_told_child(self) -> bool:
        """Whether a key at the terminal reached the child too: it tells its foreground group."""
        with contextlib.suppress(OSError):
            if os.getpgid(self._pid) != os.getpgrp():
                return False
        for fd in (0, 1, 2):
            with contextlib.suppress(OSError):
                if os.tcgetpgrp(fd) == os.getpgrp():
                    return True
        return False
