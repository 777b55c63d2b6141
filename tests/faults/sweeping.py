"""One operation broken off at many of its storage calls: the loop of the fault sweeps."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from faulty import Repo, copy_repo
from forked import Fault

ACTS = {
    "kill": Fault(1, "kill"),
    "kill one": Fault(1, "kill", group=False),
    "torn": Fault(1, "torn"),
    "no space": Fault(1, "28", group=False),
}
"""What happens at the chosen call, by the name that the tally gives it."""


def _nothing(repo: Repo) -> None:
    pass


@dataclass(frozen=True)
class Operation:
    """A call of ``xvc``, what has to hold after it was broken off, and what is needed before."""

    words: tuple[str, ...]
    check: Callable[[Repo], None]
    prepare: Callable[[Repo], None] = _nothing


@dataclass(frozen=True)
class Sweeper:
    """Copies of one repository, in which operations are broken off."""

    start: Repo
    place: Path
    tally: Callable[[str], None]

    def sweep(self, name: str, operation: Operation, act: str, most: int | None) -> list[str]:
        """Hit *most* points, or all; returns what went wrong, a text each."""
        points, trials, wrong = self._points(operation), 0, list[str]()
        for at in chosen(points, most, list(ACTS).index(act)):
            trials += 1
            try:
                self._trial(operation, ACTS[act], at)
            except AssertionError as err:
                wrong.append(f"{name}, {act} at {at} of {points}: {err}")
        self.tally(f"{name:16} {act:9} {points:4} points, {trials:4} trials, {len(wrong)} failed")
        return wrong

    def _points(self, operation: Operation) -> int:
        repo = copy_repo(self.start, self.place / "counting")
        operation.prepare(repo)
        ended = repo.start("xvc", *operation.words, fault=Fault()).wait()
        assert ended.code == 0, ended.said
        return repo.server.calls()

    def _trial(self, operation: Operation, fault: Fault, at: int) -> None:
        repo = copy_repo(self.start, self.place / str(at))
        operation.prepare(repo)
        ended = repo.start("xvc", *operation.words, fault=Fault(at, fault.act, fault.group)).wait()
        try:
            assert "Traceback" not in ended.err, f"a traceback: {ended.said}"
            operation.check(repo)
        finally:
            shutil.rmtree(self.place / str(at))


def chosen(points: int, most: int | None, shift: int = 0) -> range:
    """Choose points to hit: *most*, each about the middle of an equal part, or all of them.

    Of all of them, ``FAULT_EVERY`` is how far apart they are. *shift* lets acts hit different ones.
    """
    apart = max(1, points // most) if most else int(os.environ.get("FAULT_EVERY", "1"))
    return range(1 + (apart // 2 + shift) % apart, points + 1, apart)
