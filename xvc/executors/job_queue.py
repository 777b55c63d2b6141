"""The line of jobs before an executor's places: who is next, and who left it before its turn."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence

from xvc.core.job import Job, JobEnd
from xvc.errors import XvcError


class JobQueue(ABC):
    """The part of an executor that is the same wherever jobs run."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._waiting: deque[Job] = deque()
        self._left: list[JobEnd] = []

    @property
    def places(self) -> int:
        """How many jobs can run at once."""
        return self._places

    def submit(self, job: Job) -> None:
        """Take a job on; it begins when a place is free and all before it have begun.

        What keeps it from beginning is raised, and the job stays in line.
        """
        self._waiting.append(job)
        self._fill()

    def wait(self, seconds: float) -> Sequence[JobEnd]:
        """Return what has ended since the last call, waiting at most so long for the first.

        What keeps the next job from beginning is raised by a call that has nothing to return.
        """
        left, self._left = self._left, []
        found = [*left, *self._collect(0.0 if left else seconds)]
        try:
            self._fill()
        except XvcError:
            if not found:
                raise
        return found

    def stop(self, key: str) -> None:
        """End a job; one that still stands in line leaves it, and one that is unknown is none."""
        for job in self._waiting:
            if job.key == key:
                self._waiting.remove(job)
                self._left.append(JobEnd(key, None, "stopped before it began"))
                return
        self._interrupt(key)

    def _fill(self) -> None:
        while self._waiting and self._under_way() < self._places:
            self._begin(self._waiting[0])
            self._waiting.popleft()

    @abstractmethod
    def _begin(self, job: Job) -> None: ...

    @abstractmethod
    def _under_way(self) -> int: ...

    @abstractmethod
    def _collect(self, seconds: float) -> list[JobEnd]: ...

    @abstractmethod
    def _interrupt(self, key: str) -> None: ...
