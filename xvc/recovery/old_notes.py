"""The notes of xvc 0.1, each in a shape of its own: read into the recovery log, for one version.

What a killed merge of work trees had noted is not read: it did not name its tree.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import cast

from xvc.git.branch import REFS
from xvc.project import Project
from xvc.system.pending import PendingChange, PendingLog
from xvc.types import Json

MERGE_FILES = "merge-files"  # as `git.worktrees` has it, which needs not be loaded for each run


def has_old_notes(project: Project) -> bool:
    """Whether notes of the earlier xvc are left."""
    return any(path.exists() for path, _, _ in _places(project))


def take_over(project: Project) -> None:
    """Write the earlier xvc's notes into the log; the caller holds the lock of versions.

    Raises:
        OSError: the disk refused; the old note is still there.
    """
    for path, kind, tree in _places(project):
        for facts in _facts(project, path, kind):
            _date_back(project.pending.note(kind, facts, tree=tree), path)
        path.unlink(missing_ok=True)


def take_over_refs(scratch: Path, log: PendingLog) -> None:
    """Write the note on refs of one work tree into its log."""
    path = scratch / "refs-being-moved"
    with suppress(FileNotFoundError, ValueError):
        _date_back(log.note(REFS, json.loads(path.read_bytes())), path)
    path.unlink(missing_ok=True)


def _date_back(change: PendingChange, path: Path) -> None:
    """Give a note the time of the old one: what git left since then is ours."""
    at = path.stat().st_mtime_ns
    os.utime(change.path, ns=(at, at))


def _places(project: Project) -> Iterator[tuple[Path, str, str]]:
    room = project.room
    yield room.scratch / "refs-being-moved", REFS, ""
    yield room.scratch / "merging", MERGE_FILES, ""
    yield room.scratch / f"landing-{room.tree}.json", "models", room.tree
    yield room.folder / "intended" / f"{room.tree}.jsonl", "operation", room.tree


def _facts(project: Project, path: Path, kind: str) -> Iterator[Mapping[str, Json]]:
    if kind == MERGE_FILES and path.exists():
        yield {"top": str(project.git.place.top)}
    elif kind == "operation":
        from xvc.journal import operations  # late: notes of the earlier xvc are rare

        yield from map(operations.facts_of, operations.read(path))
    else:
        with suppress(FileNotFoundError, ValueError):
            yield cast("Mapping[str, Json]", json.loads(path.read_bytes()))
