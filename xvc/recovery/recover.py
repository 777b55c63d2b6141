"""What a kill or a full disk has left, put right by whoever comes next, without being asked.

Touches xvc's own things only: lock files that its git left, journals that had to go elsewhere, what
follows a change of the models that the branch has already, and the line of a merge in the log.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import cast

from xvc.errors import BusyError, ExternalError, PointerCorrupt, Unresolved
from xvc.git.branch import clear, has_remains
from xvc.journal.fallback_dir import is_ours, refuge_of
from xvc.journal.reader import is_written, journals
from xvc.project import Project
from xvc.recovery.pending_operation import conclude, is_intended
from xvc.system.files import copy_durably, make_folder
from xvc.system.lock import FileLock

_COMPLETIONS = {"models": "xvc.models.publish_models:complete"}
"""What completes a change that a kill broke off, by kind. Named by text and loaded when there is
one to complete: the rooms that know how stand above this one."""
_LATER = (BusyError, ExternalError, Unresolved, PointerCorrupt, OSError)


def mend(project: Project) -> None:
    """Put right what can be put right now; what cannot waits for the next one."""
    with suppress(OSError):
        bring_home(project)
    if project.place is None:
        return
    is_open, is_broken = project.room.landing.exists(), is_intended(project)
    if not (is_open or is_broken or has_remains(project.git, project.room.scratch)):
        return
    lock = FileLock(project.room.version_lock)
    with suppress(*_LATER), lock.held(wait=0.0, doing="mend"):
        clear(project.git, project.room.scratch)
        if is_open:
            _completion("models")(project)
        if is_broken:
            conclude(project)


def bring_home(project: Project) -> None:
    """Bring the journals of ended writers to where they belong.

    They may be in the refuge, or beside the store from before it was a project's.

    Raises:
        OSError: there is still no room for them.
    """
    home, refuge = project.room.journals, refuge_of(project.room.journals)
    if is_ours(refuge) and is_ours(refuge.parent):
        _move(refuge, home)
        with suppress(OSError):  # a writer is still in it
            refuge.rmdir()
            refuge.parent.rmdir()
    if project.room != project.room_beside:
        _move(project.room_beside.journals, home)
        _move(project.room_beside.folded, home)


def _move(folder: Path, home: Path) -> None:
    for path in journals(folder):
        if not is_written(path):
            make_folder(home)
            copy_durably(path, home / path.name, mode=0o644)
            path.unlink(missing_ok=True)


def _completion(kind: str) -> Callable[[Project], None]:
    module, _, name = _COMPLETIONS[kind].partition(":")
    return cast("Callable[[Project], None]", getattr(import_module(module), name))
