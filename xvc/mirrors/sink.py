"""What a sink has to be: it gets the numbers of a run, in batches, from a thread beside the run.

Whatever it raises costs the run nothing: what it did not take is kept, and sent again later. So it
may see a batch twice, after a kill between its answer and our note of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from xvc.core.best_effort import in_words
from xvc.errors import XvcError
from xvc.types import Json, RunId


def lack_in_words(sink: str, err: Exception) -> str:
    """Say why a sink does not take a run; of a package that is missing, what installs it.

    >>> lack_in_words("mlflow", ModuleNotFoundError("no mlflow"))
    'no mlflow; `pip install "xvc-experiments[mlflow]"` installs what it needs'
    """
    if isinstance(err, XvcError):
        return in_words(err)
    if isinstance(err, ModuleNotFoundError) and sink in _EXTRAS:
        return f'{err}; `pip install "xvc-experiments[{sink}]"` installs what it needs'
    return f"{type(err).__name__}: {err}"


_EXTRAS = ("mlflow", "tensorboard", "wandb")  # sinks whose package is an extra of that name


@dataclass(frozen=True, slots=True)
class MirroredRun:
    """The run: its id, its name if it has one, and the name of its project's folder."""

    id: RunId
    name: str | None
    project: str


@dataclass(frozen=True, slots=True)
class MirrorRow:
    """The numbers of one row, its step and its time in seconds since the epoch.

    Without a key ``step`` or ``epoch``, rows of one process are counted from 0.
    """

    step: int
    at: float
    values: Mapping[str, float]


class Sink(Protocol):
    """Takes one run; all its methods are called from one thread, in this order."""

    def begin(self, run: MirroredRun, known: str | None) -> str:
        """Begin the run there, or go on with the one that is *known*; returns its id there."""
        ...

    def params(self, values: Mapping[str, Json]) -> None:
        """Take params; a later value of a key counts."""
        ...

    def rows(self, rows: Sequence[MirrorRow]) -> None:
        """Take rows, in their order."""
        ...

    def end(self, status: str | None) -> None:
        """End the run as *status*; None only lets go of it, and it may go on later."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkKind:
    """A kind of sink: how to open one with the options that `Tracker` or the command got."""

    open: Callable[[Mapping[str, object]], Sink]
