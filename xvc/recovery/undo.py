"""Taking back the last operation of this work tree; each call goes one further back.

What was written into a version stays in that version. An operation that cannot be taken back says
so and is not passed over.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from xvc.core.edit import Edit
from xvc.core.record import RecordKind
from xvc.core.run import DataFile
from xvc.dvc.repository import pointer_of
from xvc.errors import ConflictError, NotFoundError, error
from xvc.journal.operations import Operation, read
from xvc.project import Project
from xvc.recording.edit_records import write_down
from xvc.recovery.exclusive import exclusively
from xvc.recovery.operation_log import log_operation, new_operation
from xvc.recovery.pending_operation import intended
from xvc.recovery.recover import mend
from xvc.store.edits import are_known
from xvc.system.files import write_durably
from xvc.system.lock import FileLock
from xvc.types import Digest, RunId

_WAIT = 60.0


@error("nothing-to-undo")
class NothingToUndo(NotFoundError):
    """The operation log of this work tree has nothing that still counts."""

    says = "there is no operation to undo"


@error("cannot-undo")
class CannotUndo(ConflictError):
    """The last operation is one that cannot be taken back."""

    what: str
    reason: str
    says = "cannot undo '{what}': {reason}"


@dataclass(frozen=True, slots=True)
class Undone:
    """The operation that was taken back; ``operation`` is None while it is only a plan."""

    command: str
    what: str
    at: float
    operation: str | None = None


def undo(project: Project, *, dry_run: bool = False, only: str | None = None) -> Undone:
    """Take the last operation back that is not taken back yet; with *only*, if it is that one.

    Raises:
        NothingToUndo: there is none.
        CannotUndo: it is one for good, was done on another branch, or is not the one meant.
        NoObject: the store of before is not in the DVC cache.
    """
    mend(project)
    last = _last(project)
    if only is not None and last.id != only:
        raise CannotUndo(last.what, "it is the last one, and not the change that was meant")
    if last.hindrance:
        raise CannotUndo(last.what, last.hindrance)
    if last.made:
        return _take_store_back(project, last, dry_run=dry_run)
    with project.keeper.view() as connection:
        if not are_known(connection, last.edits):
            raise CannotUndo(last.what, "it is not in the store of this branch")
    found = Undone(last.command, last.what, last.at)
    if dry_run:
        return found
    made = [Edit(RecordKind.UNDO, undone=name) for name in reversed(last.edits)]
    made += [Edit(RecordKind.DELETE, run=RunId(run)) for run in last.runs]
    write_down(project, *made)
    done = log_operation(project, "undo", f"took back: {last.what}", undoes=last.id)
    return Undone(last.command, last.what, last.at, done)


def _take_store_back(project: Project, last: Operation, *, dry_run: bool) -> Undone:
    """Let the pointer name the earlier store; the journals add what was recorded since."""
    dvc = project.needed_dvc()
    pointer = pointer_of(project.store_path)
    with exclusively(project):
        found = project.keeper.pointer
        if found is None or found.digest != last.made:
            raise CannotUndo(last.what, "the tree's pointer names another store by now")
        kept = dvc.verify(last.was, project.relative(pointer))
        if dry_run:
            return Undone(last.command, last.what, last.at)
        file = DataFile(Digest(last.was), kept.stat().st_size)
        done = new_operation(project, "undo", f"took back: {last.what}")
        noted = intended(project, replace(done, undoes=last.id, made=last.was))
        with noted, FileLock(project.room.store_lock).held(wait=_WAIT, doing="undo"):
            write_durably(pointer, dvc.pointer_text(project.store_path, file))
        project.keeper.refresh()
    return Undone(last.command, last.what, last.at, done.id)


def _last(project: Project) -> Operation:
    found = [each for each in read(project.room.operations) if each.tree == project.room.tree]
    gone = {each.undoes for each in found}
    left = [each for each in found if not each.undoes and each.id not in gone]
    if not left:
        raise NothingToUndo
    return left[-1]
