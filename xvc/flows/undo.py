"""Taking back the last operation of this work tree; each call goes one further back.

What was written into a version stays in that version. An operation that cannot be taken back says
so and is not passed over.
"""

from __future__ import annotations

from dataclasses import dataclass

from xvc.changing import write_down
from xvc.core.edit import Edit
from xvc.core.record import Kind
from xvc.errors import ConflictError, NotFoundError
from xvc.flows.edit import log
from xvc.journal.operations import Operation, read
from xvc.project import Project
from xvc.store.edits import are_known
from xvc.types import RunId


class NothingToUndo(NotFoundError):
    """The operation log of this work tree has nothing that still counts."""

    code = "nothing-to-undo"

    def __str__(self) -> str:
        return "there is no operation to undo"


class CannotUndo(ConflictError):
    """The last operation is one that cannot be taken back."""

    code = "cannot-undo"

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(what, reason)
        self.what, self.reason = what, reason

    def __str__(self) -> str:
        return f"cannot undo '{self.what}': {self.reason}"


@dataclass(frozen=True, slots=True)
class Undone:
    """The operation that was taken back; ``operation`` is None while it is only a plan."""

    command: str
    what: str
    at: float
    operation: str | None = None


def undo(project: Project, *, dry_run: bool = False) -> Undone:
    """Take the last operation back that is not taken back yet.

    Raises:
        NothingToUndo: there is none.
        CannotUndo: it is one for good, or was done on another branch.
    """
    last = _last(project)
    if last.hindrance:
        raise CannotUndo(last.what, last.hindrance)
    with project.keeper.view() as connection:
        if not are_known(connection, last.edits):
            raise CannotUndo(last.what, "it is not in the store of this branch")
    found = Undone(last.command, last.what, last.at)
    if dry_run:
        return found
    made = [Edit(Kind.UNDO, undone=name) for name in reversed(last.edits)]
    made += [Edit(Kind.DELETE, run=RunId(run)) for run in last.runs]
    write_down(project, *made)
    done = log(project, "undo", f"took back: {last.what}", undoes=last.id)
    return Undone(last.command, last.what, last.at, done)


def _last(project: Project) -> Operation:
    found = [each for each in read(project.room.operations) if each.tree == project.room.tree]
    gone = {each.undoes for each in found}
    left = [each for each in found if not each.undoes and each.id not in gone]
    if not left:
        raise NothingToUndo
    return left[-1]
