"""The operation log of a project: what changed the record on purpose, so that it can be undone."""

from __future__ import annotations

import os
import time
from dataclasses import replace

from xvc.core.ids import writer_id
from xvc.journal import operations
from xvc.journal.operations import Operation
from xvc.project import Project


def log_operation(
    project: Project,
    command: str,
    what: str,
    *,
    undo: str = "",
    edits: tuple[str, ...] = (),
    runs: tuple[str, ...] = (),
    hindrance: str = "",
    undoes: str = "",
) -> str:
    """Add a line to the operation log; returns its id.

    Raises:
        JournalFailed: the disk refused.
    """
    operation = new_operation(project, command, what, undo)
    facts = replace(operation, edits=edits, runs=runs, hindrance=hindrance, undoes=undoes)
    operations.append(project.room.operations, facts)
    return operation.id


def new_operation(project: Project, command: str, what: str, undo: str = "") -> Operation:
    """Give an operation of this tree a name and a time; it is not in the log yet."""
    name = writer_id(os.urandom(5))
    return Operation(
        id=name, at=time.time(), tree=project.room.tree, command=command, what=what, undo=undo
    )
