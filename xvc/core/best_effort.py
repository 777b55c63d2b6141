"""What is done beside a command or a training, and must never stop it."""

from __future__ import annotations

from types import TracebackType

from xvc.errors import XvcError


class best_effort:  # noqa: N801 - it is used as a statement, like `contextlib.suppress`
    """Take one step; whatever goes wrong in it becomes a warning, said once.

    >>> said: list[str] = []
    >>> with best_effort(said):
    ...     _ = 1 / 0
    >>> said
    ['ZeroDivisionError: division by zero']
    """

    def __init__(self, warnings: list[str]) -> None:
        self._warnings = warnings

    def __enter__(self) -> None:
        return

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if not isinstance(error, Exception):  # an interrupt goes on; a list of kinds would miss one
            return False
        words = in_words(error)
        if words not in self._warnings:
            self._warnings.append(words)
        return True


def in_words(err: Exception) -> str:
    """Say what went wrong, with the hint of an error of ours.

    >>> in_words(MemoryError())
    'there is not enough memory'
    """
    if isinstance(err, XvcError):
        return f"{err}. {err.hint}".rstrip()
    if isinstance(err, MemoryError):
        return "there is not enough memory"
    if isinstance(err, RecursionError):
        return "something is nested too deeply to be read"
    if isinstance(err, OSError):
        return f"{err.filename}: {err.strerror}" if err.filename and err.strerror else str(err)
    first = next(iter(str(err).splitlines()), "no message")
    return f"{type(err).__name__}: {first}"
