"""The cells of a notebook or an IPython session, and the errors that end them.

IPython is asked only where it is at work already; nothing here imports it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Protocol, cast


class _CellResult(Protocol):
    """What IPython says of a cell that has ended."""

    error_before_exec: BaseException | None
    error_in_exec: BaseException | None


class _Events(Protocol):
    def register(self, event: str, function: Callable[[_CellResult], None]) -> None: ...


class _Shell(Protocol):
    events: _Events


class Cells:
    """Says of each cell that ends by which error; one that the cell has caught is none."""

    def __init__(self, ended: Callable[[BaseException | None], None]) -> None:
        self._say = ended
        self._shell: _Shell | None = None
        self._shown: object = None
        self.any_ended = False

    def watch(self) -> None:
        """Be told by the IPython shell that this process runs, if it runs one."""
        shell = _running_shell()
        if shell is None or shell is self._shell:
            return
        self._shell, self._shown = shell, getattr(sys, "last_value", None)
        shell.events.register("post_run_cell", self._ended)

    def _ended(self, result: _CellResult) -> None:
        """Find the error of a cell: its own, or one that ``%run`` or ``%time`` has shown."""
        before, self._shown = self._shown, getattr(sys, "last_value", None)
        self.any_ended = True
        error = result.error_in_exec
        if result.error_before_exec is not None:  # the cell never ran
            error = None
        elif error is None and self._shown is not before:
            error = self._shown if isinstance(self._shown, BaseException) else None
        self._say(error)


def _running_shell() -> _Shell | None:
    ask = getattr(sys.modules.get("IPython"), "get_ipython", None)
    shell = ask() if callable(ask) else None
    return cast("_Shell", shell) if hasattr(shell, "events") else None
