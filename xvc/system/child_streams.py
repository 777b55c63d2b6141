"""Where the output of a child comes in: a pipe, or a pseudo-terminal if ours goes to a terminal.

The bytes pass as they are: the pseudo-terminal translates nothing, the real one will.
"""

from __future__ import annotations

import contextlib
import os
import termios
from dataclasses import dataclass
from types import TracebackType

_CHUNK = 64 * 1024


@dataclass(slots=True)
class Outlet:
    """One channel: the child writes to `writer`; `fd` is 1 or 2, where the bytes belong."""

    fd: int
    reader: int
    writer: int
    is_terminal: bool
    is_closed: bool = False

    def read(self) -> bytes | None:
        """Return what is there, empty at the end, None when there is nothing just now."""
        try:
            return os.read(self.reader, _CHUNK)
        except BlockingIOError:
            return None
        except OSError:  # Linux says EIO when nobody has a pseudo-terminal open any more
            return b""

    def close(self) -> None:
        """Read no more: whoever still writes is told so by the kernel, as by any broken pipe."""
        if not self.is_closed:
            self.is_closed = True
            os.close(self.reader)


class Outlets:
    """The outlets of one child, closed at the end of a ``with``.

    Two terminals share one outlet: what the child writes to them arrives in its order, as 1.
    """

    def __init__(self, terminals: tuple[bool, bool]) -> None:
        self.out = _open(1, is_terminal=terminals[0])
        shares = terminals[1] and self.out.is_terminal
        self.err = self.out if shares else _open(2, is_terminal=terminals[1])
        self.both = (self.out,) if self.err is self.out else (self.out, self.err)
        self._held = {outlet.writer for outlet in self.both}

    def __enter__(self) -> Outlets:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release(with_terminals=True)
        for outlet in self.both:
            outlet.close()

    def release(self, *, with_terminals: bool) -> None:
        """Close our copies of what the child writes to, so that an end can be seen.

        Those of pseudo-terminals stay open until the child has ended and its output was read:
        macOS throws away, or waits for, what is unread when the last copy closes.
        """
        for outlet in self.both:
            if outlet.writer in self._held and (with_terminals or not outlet.is_terminal):
                self._held.discard(outlet.writer)
                os.close(outlet.writer)

    def resize(self) -> None:
        """Give the pseudo-terminals the size of the terminals they stand for."""
        for outlet in self.both:
            if outlet.is_terminal and outlet.writer in self._held:
                _copy_size(outlet.fd, outlet.writer)


def _open(fd: int, *, is_terminal: bool) -> Outlet:
    pair = _open_terminal(fd) if is_terminal else None
    reader, writer = pair or os.pipe()
    os.set_blocking(reader, False)
    return Outlet(fd, reader, writer, is_terminal=pair is not None)


def _open_terminal(fd: int) -> tuple[int, int] | None:
    try:
        reader, writer = os.openpty()
    except OSError:  # none left, or no /dev/pts: a pipe will do
        return None
    modes = termios.tcgetattr(writer)
    modes[1] &= ~termios.OPOST
    termios.tcsetattr(writer, termios.TCSANOW, modes)
    _copy_size(fd, writer)
    return reader, writer


def _copy_size(source: int, target: int) -> None:
    with contextlib.suppress(OSError, termios.error):
        termios.tcsetwinsize(target, termios.tcgetwinsize(source))
