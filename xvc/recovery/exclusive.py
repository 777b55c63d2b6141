"""One at a time: what changes versions, the store's pointer or the branch of a repository."""

from __future__ import annotations

from contextlib import AbstractContextManager

from xvc.project import Project
from xvc.system.lock import FileLock

_WAIT = 120.0


def exclusively(project: Project) -> AbstractContextManager[None]:
    """Keep other merges, and versions being made, from this repository."""
    return FileLock(project.room.version_lock).held(wait=_WAIT, doing="merge")
