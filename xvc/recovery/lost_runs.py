"""Ending runs whose process is gone: the next command writes their end into the journal.

A run whose process left no end is marked as lost. A process that ended its run before its exit
code was known has left the code in a file.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from xvc.core.record import RecordKind
from xvc.core.run import RunRecord, Status
from xvc.errors import BadValue, JournalFailed, XvcError
from xvc.journal.reader import journals, last_written
from xvc.project import Project
from xvc.recovery.ended_workers import forget_last_words, last_words
from xvc.recovery.recover import mend
from xvc.store import query
from xvc.system.exit_code import left_exit_code
from xvc.system.output_log import finish, mask
from xvc.system.process_id import Owner, is_alive
from xvc.types import Json, RunId

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


_ENDING_SECONDS = 600


def reap(project: Project) -> list[RunId]:
    """End the runs of dead processes as lost; what they logged is kept."""
    mend(project)
    _note_exit_codes(project)
    with project.keeper.view() as connection:
        dead = _dead(connection)
    ended = _end(project, dead)
    if len(ended) == len(dead):
        forget_last_words(project.room)
    return ended


@contextmanager
def opened(project: Project) -> Iterator[DuckDBPyConnection]:
    """Open everything recorded, for reading, with the runs of dead processes ended."""
    mend(project)
    _note_exit_codes(project)
    with project.keeper.view() as connection:
        dead = _dead(connection)
        if not dead:
            forget_last_words(project.room)
            yield connection
            return
    if len(_end(project, dead)) == len(dead):
        forget_last_words(project.room)
    with project.keeper.view() as connection:
        yield connection


def _note_exit_codes(project: Project) -> None:
    """Write down how runs ended whose processes left their exit codes, where that was not known."""
    folder = project.room.exit_codes
    if not folder.is_dir():
        return
    with suppress(OSError, XvcError):  # a tree that cannot be written shows what is on record
        left = [(path, left_exit_code(path)) for path in sorted(folder.iterdir())]
        known = [(path, code) for path, code in left if code is not None]
        if known:
            _correct_status(project, [(RunId(path.name), code) for path, code in known])
        for path in [path for path, code in left if code is not None or _is_old(path)]:
            path.unlink(missing_ok=True)
        folder.rmdir()


def _correct_status(project: Project, codes: Sequence[tuple[RunId, int]]) -> None:
    with project.keeper.view() as connection:
        runs = {run: query.by_id(connection, run) for run, _ in codes}
    from xvc.recording.begin_run import open_journal  # late: few looks end a run

    journal = open_journal(project)
    for name, code in codes:
        run = runs[name]
        status = Status.FAILED if code else Status.FINISHED
        reason = f"exit {code}" if code else None
        if run is None or run.status not in (Status.FINISHED, Status.FAILED):
            continue
        if run.status != status or (code and run.reason is None):
            journal.note(RecordKind.SET, name, {"status": status.value, "reason": reason})
    journal.close()


def _is_old(path: Path) -> bool:
    """Whether the process that would have left its code there was killed while it ended."""
    return time.time() - path.stat().st_mtime > _ENDING_SECONDS


def _dead(connection: DuckDBPyConnection) -> list[RunRecord]:
    running = query.with_status(connection, Status.RUNNING.value)
    return [run for run in running if _is_dead(run)]


def _end(project: Project, dead: Sequence[RunRecord]) -> list[RunId]:
    if not dead:
        return []
    try:
        from xvc.recording.begin_run import open_journal  # late: few looks end a run

        journal = open_journal(project)
        for run in dead:
            journal.note(RecordKind.END, run.id, _facts_of_loss(project, run))
        journal.close()
    except JournalFailed:
        return []  # a tree that cannot be written shows them as running
    return [run.id for run in dead]


def _facts_of_loss(project: Project, run: RunRecord) -> dict[str, Json]:
    log = project.room.logs / f"{run.id}.log"
    ended = _last_sign_of_life(project, run, log)  # before the parts of the log are joined
    with suppress(OSError):  # a log that cannot be joined lies there in its parts
        finish(log)
        mask(log)
    facts: dict[str, Json] = {"log": str(log)} if log.exists() else {}
    if run.exit_code is not None or run.signal is not None:  # its command's end is on record
        facts["reason"] = "xvc was stopped after the command had ended, before it kept what it left"
        return {**facts, "status": _status_of(run).value}
    if (said := last_words(project.room, run)) is not None:
        return {**facts, **said, "finished": ended}
    reason = "its process ended without a word (killed, or the machine stopped)"
    facts |= {"status": Status.LOST.value, "reason": reason}
    return {**facts, "finished": ended}


def _last_sign_of_life(project: Project, run: RunRecord, log: Path) -> int:
    """When the run last wrote anything, in nanoseconds; that is taken as its end."""
    now = time.time_ns()
    signs = [run.started or now]
    with suppress(OSError):
        signs += [part.stat().st_mtime_ns for part in log.parent.glob(f"{log.name}*")]
    with suppress(OSError):
        room = project.room
        signs.append(last_written([*journals(room.journals), *journals(room.folded)], run.id) or 0)
    return min(now, max(signs))


def _status_of(run: RunRecord) -> Status:
    if run.signal is not None:
        return Status.KILLED
    return Status.FINISHED if run.exit_code == 0 else Status.FAILED


def _is_dead(run: RunRecord) -> bool:
    if run.owner is None:
        return False
    try:
        return is_alive(Owner.parse(run.owner)) is False
    except BadValue:
        return False
