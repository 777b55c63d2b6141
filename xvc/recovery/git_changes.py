"""What a kill of git itself leaves: locks of refs, and files that it wrote for merge drivers."""

from __future__ import annotations

from xvc.git.branch import are_ours, drop_locks
from xvc.git.worktrees import take_away_merge_files
from xvc.project import Project
from xvc.recovery.kind import ChangeKind, ChangeState, nothing
from xvc.system.pending import PendingChange


def _ref_locks_state(project: Project, change: PendingChange) -> ChangeState:
    return ChangeState.NEVER if are_ours(change) else ChangeState.WAITS


def _drop_ref_locks(project: Project, change: PendingChange) -> None:
    drop_locks(change)


def _merge_files_state(project: Project, change: PendingChange) -> ChangeState:
    return ChangeState.NEVER


def _drop_merge_files(project: Project, change: PendingChange) -> None:
    take_away_merge_files(change)


REFS = ChangeKind(state_of=_ref_locks_state, complete=nothing, abandon=_drop_ref_locks)
MERGE_FILES = ChangeKind(state_of=_merge_files_state, complete=nothing, abandon=_drop_merge_files)
