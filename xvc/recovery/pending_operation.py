"""Noting an operation before the store's pointer moves, so that a kill in between loses no undo.

The pointer decides: where it names the store that was to be made, the operation has happened, and
whoever comes next writes its line into the operation log; else the note is dropped.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from xvc.journal import operations
from xvc.journal.operations import Operation
from xvc.project import Project
from xvc.recovery.kind import ChangeKind, ChangeState, nothing
from xvc.recovery.recover import begin
from xvc.system.pending import PendingChange

OPERATION = "operation"


@contextmanager
def intended(project: Project, operation: Operation) -> Iterator[None]:
    """Note what is about to happen; its line is in the operation log when the ``with`` ends.

    The caller holds the lock of versions, and lets the pointer name ``operation.made`` within.

    Raises:
        JournalFailed: the disk refused the line; the note stays, and the next xvc writes it.
    """
    change = begin(project, OPERATION, operations.facts_of(operation))
    yield
    operations.append(project.room.operations, operation)
    change.take_off()


def _state_of(project: Project, change: PendingChange) -> ChangeState:
    pointer, made = project.keeper.pointer, operations.from_facts(change.facts).made
    has_happened = pointer is not None and pointer.digest == made
    return ChangeState.HAPPENED if has_happened else ChangeState.NEVER


def _complete(project: Project, change: PendingChange) -> None:
    operation = operations.from_facts(change.facts)
    if operation.id not in {each.id for each in operations.read(project.room.operations)}:
        operations.append(project.room.operations, operation)


KIND = ChangeKind(state_of=_state_of, complete=_complete, abandon=nothing)
