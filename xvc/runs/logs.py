"""What a run printed: here, or as another clone pushed it; and on while it is printed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from xvc.core.run import RunRecord, Status
from xvc.errors import BadValue, NotFoundError, error
from xvc.git.snapshot import LOGS
from xvc.history.find import find
from xvc.project import Project
from xvc.system.output_log import LogReader
from xvc.system.process_id import Owner, is_alive

_PAUSE = 0.2  # seconds between two looks at a log that grows
_LAST = 10


@error("no-log")
class NoLog(NotFoundError):
    """What a run printed is not here."""

    run: str
    host: str
    reason: str
    says = "what run {run} printed is not here: {reason}"
    way = "`xvc pull --runs` brings what `xvc push --runs` has sent from {host}."


@dataclass(frozen=True, slots=True)
class RunLog:
    """What a run printed so far; ``path`` is None where it came as a git object."""

    run: RunRecord
    version: str | None
    content: bytes
    path: Path | None

    @property
    def lines(self) -> list[str]:
        """Its lines, as a terminal shows them in the end."""
        text = self.content.decode("utf-8", "replace")
        return [line.rpartition("\r")[2] for line in text.replace("\r\n", "\n").splitlines()]


def log_of(project: Project, reference: str) -> RunLog:
    """Read what a run printed.

    Raises:
        NoRun: nothing answers to the reference.
        NoLog: it is not here, or the run had no output of its own.
    """
    (found,) = find(project, [reference])
    run = found.record
    path = project.room.logs / f"{run.id}.log"
    if (content := printed(project, run)) is None:
        why = "a Tracker that stands alone keeps none" if run.log is None else "it was not pulled"
        raise NoLog(run.id, run.host or "the machine of the run", why)
    return RunLog(run, found.version, content, path if path.is_file() else None)


def printed(project: Project, run: RunRecord) -> bytes | None:
    """Read what a run printed, from its file or from git; None where it is not here."""
    path = project.room.logs / f"{run.id}.log"
    if path.is_file():
        return LogReader(path).read()
    if project.place is None:
        return None
    name = project.git.refs(LOGS + run.id).get(LOGS + run.id)
    return project.git.call("cat-file", "blob", name) if name else None


def last_lines(project: Project, run: RunRecord) -> list[str]:
    """Return the last lines that a run printed which did not end well; else none."""
    if run.status in (Status.FINISHED, Status.RUNNING):
        return []
    content = printed(project, run)
    lines = RunLog(run, None, content, None).lines if content else []
    return [line.rstrip() for line in lines if line.strip()][-_LAST:]


def followed(log: RunLog, start: int) -> Iterator[bytes]:
    """Yield what a run goes on to print, until it has ended; *start* is how much was seen."""
    if log.path is None:
        return
    reader = LogReader(log.path, start)
    while True:
        has_ended = not _is_alive(log.run)  # first: what it printed last is read after
        if chunk := reader.read():
            yield chunk
        if has_ended:
            return
        time.sleep(_PAUSE)


def _is_alive(run: RunRecord) -> bool:
    if run.status is not Status.RUNNING or run.owner is None:
        return False
    try:
        return is_alive(Owner.parse(run.owner)) is True
    except BadValue:
        return False
