"""What a kill of git itself leaves: locks of refs, and files that it wrote for merge drivers."""

from __future__ import annotations

from xvc.git.branch import are_ours, drop_locks
from xvc.git.worktrees import take_away_merge_files
from xvc.project import Project
from xvc.recovery.kind import ChangeKind, ChangeState, nothing
from xvc.system.pending import PendingChange


def _of_refs(project: Project, change: PendingChange) -> ChangeState:
    return ChangeState.NEVER if are_ours(change) else ChangeState.WAITS


def _unlock(project: Project, change: PendingChange) -> None:
    drop_locks(change)


def _of_merge_files(project: Project, change: PendingChange) -> ChangeState:
    return ChangeState.NEVER


def _clean(project: Project, change: PendingChange) -> None:
    take_away_merge_files(change)


REFS = ChangeKind(standing=_of_refs, complete=nothing, abandon=_unlock)
MERGE_FILES = ChangeKind(standing=_of_merge_files, complete=nothing, abandon=_clean)
