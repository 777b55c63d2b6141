"""One trial of a sweep as a process to be run, and the port of what runs it.

A job is plain values, so that it can travel to another machine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Job:
    """A process that is wanted.

    ``environment`` is added to that of the machine that runs it; ``log`` is the file that gets its
    output, on the machine that asks.
    """

    key: str
    command: tuple[str, ...]
    folder: str
    log: str
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class JobEnd:
    """How a job ended; ``exit_code`` is None when whoever ran it was lost, and ``reason`` says how.

    A lost job may be tried again: nothing says that its command failed.
    """

    key: str
    exit_code: int | None
    reason: str = ""


class Executor(Protocol):
    """Runs jobs, in the order in which they come, as many at once as it has places."""

    @property
    def places(self) -> int:
        """How many jobs can run at once."""

    def submit(self, job: Job) -> None:
        """Take a job on."""

    def wait(self, seconds: float) -> Sequence[JobEnd]:
        """Return what has ended since the last call, waiting at most so long for the first."""

    def stop(self, key: str) -> None:
        """End a job, with the time to end well that `xvc run` gives its command."""

    def close(self) -> None:
        """End what still runs and let go of all that was opened."""
