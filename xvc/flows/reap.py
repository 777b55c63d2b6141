"""Runs whose process is gone without a word: written down as lost, by whoever looks next."""

from __future__ import annotations

import time

from xvc.adapters.owner import Owner, is_alive
from xvc.beginning import open_journal
from xvc.core.record import Kind
from xvc.core.run import RunRecord, Status
from xvc.errors import BadValue, JournalFailed
from xvc.project import Project
from xvc.store import query
from xvc.types import Json, RunId


def reap(project: Project) -> list[RunId]:
    """End the runs of dead processes as lost; what they logged is kept."""
    with project.keeper.view() as connection:
        running = query.with_status(connection, Status.RUNNING.value)
    lost = [run for run in running if _is_dead(run)]
    if not lost:
        return []
    try:
        journal = open_journal(project, [])
    except JournalFailed:
        return []  # a tree that cannot be written shows them as running
    for run in lost:
        reason = "its process ended without a word (killed, or the machine stopped)"
        facts: dict[str, Json] = {
            "status": Status.LOST.value,
            "reason": reason,
            "finished": time.time_ns(),
        }
        journal.note(Kind.END, run.id, facts)
    journal.close()
    return [run.id for run in lost]


def _is_dead(run: RunRecord) -> bool:
    if run.owner is None:
        return False
    try:
        return is_alive(Owner.parse(run.owner)) is False
    except BadValue:
        return False
