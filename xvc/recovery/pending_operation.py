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
from xvc.system.files import make_folder, write_durably


@contextmanager
def intended(project: Project, operation: Operation) -> Iterator[None]:
    """Note what is about to happen; its line is in the operation log when the ``with`` ends.

    The caller holds the lock of versions, and lets the pointer name ``operation.made`` within.

    Raises:
        JournalFailed: the disk refused the line; the note stays, and the next xvc writes it.
    """
    conclude(project)
    place = project.room.intended
    make_folder(place.parent)
    write_durably(place, operations.line_of(operation))
    yield
    operations.append(project.room.operations, operation)
    place.unlink()


def is_intended(project: Project) -> bool:
    """Whether an operation of this tree was broken off."""
    return project.room.intended.exists()


def conclude(project: Project) -> None:
    """Write down the operation that was broken off, if it had happened, and drop its note.

    The caller holds the lock of versions.

    Raises:
        JournalFailed: the disk refused the line.
    """
    pointer = project.keeper.pointer
    known = {each.id for each in operations.read(project.room.operations)}
    for operation in operations.read(project.room.intended):
        has_happened = pointer is not None and pointer.digest == operation.made
        if has_happened and operation.id not in known:
            operations.append(project.room.operations, operation)
    project.room.intended.unlink(missing_ok=True)
