"""What a kill or a full disk has left, put right by whoever comes next, without being asked.

Touches xvc's own things only: lock files that its git left, journals that had to go elsewhere, and
what a change that is noted in the recovery log names. Each kind of change says itself how it stands
and how it ends (`recovery/kind.py`); here is only who is asked, and in which order.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast

from xvc.errors import BusyError, ExternalError, PointerCorrupt, Unresolved
from xvc.git.branch import clear_index, is_index_dead
from xvc.journal.fallback_dir import fallback_of, is_ours
from xvc.journal.reader import is_written, journals
from xvc.project import Project
from xvc.recovery.old_notes import has_old_notes, take_over
from xvc.system.files import copy_durably, make_folder
from xvc.system.lock import FileLock
from xvc.system.pending import PendingChange
from xvc.types import Json

if TYPE_CHECKING:
    from xvc.recovery.kind import ChangeKind

OWN = {
    "refs": "xvc.recovery.git_changes:REFS",
    "merge-files": "xvc.recovery.git_changes:MERGE_FILES",
    "models": "xvc.models.publish_models:KIND",
    "operation": "xvc.recovery.pending_operation:KIND",
    "worktree-merge": "xvc.merging.worktree:KIND",
}
"""The kinds of change in the order in which they are replayed: what git has locked comes first.
Named by text and loaded when there is one: the rooms that know how stand above this one."""
_LATER = (BusyError, ExternalError, Unresolved, PointerCorrupt, OSError)


def mend(project: Project) -> None:
    """Put right what can be put right now; what cannot waits for the next one."""
    with suppress(OSError):
        collect_stray_journals(project)
    if project.place is None or not _has_remains(project):
        return
    lock = FileLock(project.room.version_lock)
    with suppress(*_LATER), lock.held(wait=0.0, doing="mend"):
        clear_index(project.git)
        take_over(project)
        for kind in OWN:
            replay(project, kind)


def _has_remains(project: Project) -> bool:
    return is_index_dead(project.git) or has_old_notes(project) or bool(_pending(project))


def _pending(project: Project) -> list[PendingChange]:
    """List the changes of this tree, and those of no tree."""
    return [each for each in project.pending.all() if each.tree in ("", project.room.tree)]


def replay(project: Project, kind: str) -> None:
    """Complete or abandon the changes of one kind that were broken off.

    The caller holds the lock of versions. One that a newer xvc has noted is left to it.

    Raises:
        XvcError, OSError: a change cannot be completed now; its note stays.
    """
    broken_off = [each for each in _pending(project) if each.kind == kind]
    known = kind_of(kind) if broken_off else None
    for change in broken_off:
        if known is not None and change.version <= known.version:
            _end(project, known, change)


def begin(project: Project, kind: str, facts: Mapping[str, Json]) -> PendingChange:
    """Note a change of this tree, after what was broken off of its kind; the lock is held.

    Raises:
        XvcError, OSError: what was broken off cannot be completed, or the disk refused the note.
    """
    replay(project, kind)
    return project.pending.note(kind, facts, version=kind_of(kind).version, tree=project.room.tree)


def _end(project: Project, kind: ChangeKind, change: PendingChange) -> None:
    from xvc.recovery.kind import ChangeState  # late: most times nothing was broken off

    try:
        state = kind.state_of(project, change)
    except (KeyError, TypeError, ValueError):  # its facts are of another xvc
        state = ChangeState.FOREIGN
    if state is ChangeState.HAPPENED:
        kind.complete(project, change)
    elif state is ChangeState.NEVER:
        kind.abandon(project, change)
    if state is not ChangeState.WAITS:
        change.take_off()


def kind_of(name: str) -> ChangeKind:
    """Load a kind of change by its name in `OWN`."""
    module, _, attribute = OWN[name].partition(":")
    return cast("ChangeKind", getattr(import_module(module), attribute))


def collect_stray_journals(project: Project) -> None:
    """Bring the journals of ended writers to where they belong.

    They may be in the fallback folder, or beside the store, from before it was a project's.

    Raises:
        OSError: there is still no room for them.
    """
    home, fallback = project.room.journals, fallback_of(project.room.journals)
    if is_ours(fallback) and is_ours(fallback.parent):
        _move(fallback, home)
        with suppress(OSError):  # a writer is still in it
            fallback.rmdir()
            fallback.parent.rmdir()
    if project.room != project.room_beside:
        _move(project.room_beside.journals, home)
        _move(project.room_beside.folded, home)


def _move(folder: Path, home: Path) -> None:
    for path in journals(folder):
        if not is_written(path):
            make_folder(home)
            copy_durably(path, home / path.name, mode=0o644)
            path.unlink(missing_ok=True)
