"""Waiting for another machine: reported while it lasts, ended after minutes of silence."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from xvc.errors import ExternalError, error

SAID_EACH = 15.0
GIVEN_UP = 300.0


class Silence(str):
    """What is said of a wait: everybody hears it, also who watches no terminal."""

    __slots__ = ()


@error("no-answer")
class NoAnswer(ExternalError):
    """Another machine has said nothing for minutes, so the call was ended."""

    who: str
    seconds: int
    says = "{who} has not answered for {seconds} s"
    way = "What had arrived stays. Call it again when {who} answers."


class Wait:
    """One wait for another machine; `heard` notes a sign of life."""

    def __init__(
        self, who: str, notify: Callable[[str], object], give_up: Callable[[], object] | None
    ) -> None:
        self.who, self.silent = who, 0.0
        self.is_given_up = False
        self._notify, self._give_up = notify, give_up
        self._since = monotonic()
        self._ended = threading.Event()

    def heard(self) -> None:
        """Begin to count anew."""
        self._since = monotonic()

    def watch(self) -> None:
        """Say it each quarter of a minute, until the wait has ended or is given up."""
        while not self._ended.wait(SAID_EACH):
            self.silent = monotonic() - self._since
            if self.silent >= SAID_EACH:
                self._notify(Silence(f"still waiting for {self.who}: {self.silent:.0f} s"))
            if self.silent >= GIVEN_UP and self._give_up is not None:
                self.is_given_up = True
                self._give_up()
                return

    def end(self) -> None:
        """Stop watching."""
        self._ended.set()


@contextmanager
def waiting_for(
    who: str,
    notify: Callable[[str], object] | None,
    give_up: Callable[[], object] | None = None,
) -> Iterator[Wait]:
    """Watch over a wait for *who*; without *give_up* it is only said, and never ended.

    Raises:
        NoAnswer: nothing was heard for five minutes, and *give_up* was called.
    """
    wait = Wait(who, notify or (lambda text: None), give_up)
    watcher = threading.Thread(target=wait.watch, name="xvc-wait", daemon=True)
    watcher.start()
    try:
        yield wait
    finally:
        wait.end()
        watcher.join()
        if wait.is_given_up:
            raise NoAnswer(who, round(wait.silent))
