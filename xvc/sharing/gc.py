"""Taking out of the DVC cache what nothing needs any more, in two steps with time between.

The first call marks unneeded objects with the date; a later one deletes those that are still
unneeded and were marked for long enough. An object that is needed or written again loses its mark.
If anything cannot be read, nothing is marked or deleted.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from xvc.core.human_units import counted
from xvc.dvc.cache_objects import (
    CachedObject,
    held_objects,
    leftovers,
    old_objects,
    read_marks,
    remove,
    remove_leftover,
    write_marks,
)
from xvc.dvc.repository import Dvc
from xvc.errors import ConflictError, error
from xvc.git.snapshot import LOGS, RUNS, USAGE
from xvc.git.worktrees import trees
from xvc.history.find import versions
from xvc.project import Project
from xvc.recovery.lost_runs import opened
from xvc.recovery.operation_log import log_operation
from xvc.sharing.reachable_objects import needed
from xvc.store import edits, query
from xvc.system.lock import FileLock
from xvc.types import RunId
from xvc.worktrees.known_trees import project_at

_LOCK_WAIT = 60.0


@error("shared-cache")
class SharedCache(ConflictError):
    """The cache lies outside the repository, so others may keep objects in it."""

    cache: str
    says = "{cache} is outside this repository; others may have objects there"
    way = (
        "Only this repository's needs can be known: objects of others would look needless. If "
        "nobody else uses that cache, say so with --shared-cache."
    )


@dataclass(frozen=True, slots=True)
class Amount:
    """How many objects, and their bytes."""

    objects: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True)
class Collected:
    """What there is: needed, marked before or now, due for deletion, deleted, no longer marked.

    ``snapshots`` counts the code of deleted runs that is due, or went; git's gc frees the space.
    ``old`` are those where DVC 2 kept them: they stay, needed or not, and the rest counts none.
    ``next_due`` is when the first of the marked will be due (nanoseconds); None without any.
    """

    needed: Amount
    marked: Amount
    fresh: Amount
    due: Amount
    deleted: Amount
    unmarked: int
    next_due: int | None
    leftovers: Amount
    old: Amount = Amount()
    snapshots: int = 0


def gc(
    project: Project,
    *,
    grace: float,
    does_delete: bool,
    dry_run: bool = False,
    is_alone: bool = False,
) -> Collected:
    """Mark what nothing needs, and delete what was marked by an earlier call and is due.

    Args:
        project: any tree's; all trees and all refs of the repository count.
        grace: seconds between mark and deletion.
        does_delete: whether what is due goes; else it stays marked.
        dry_run: only look; nothing is marked either.
        is_alone: whether a cache outside the repository is this repository's own.

    Raises:
        NoProject: no git, or no DVC here.
        SharedCache: the cache is outside the repository.
        Unreadable: something that may need objects cannot be read.
        UnreadableAt: so it is with a pointer in a commit.
        ObjectCorrupt: a folder's list has rotted in the cache.
        BadListing: one names a file outside the folder.
        LockBusy: a version is being made, for long.
        GitFailed: git cannot say.
    """
    dvc = project.needed_dvc()
    _refuse_shared(project, dvc, is_alone=is_alone)
    with FileLock(project.room.version_lock).held(wait=_LOCK_WAIT, doing="gc"):
        now = time.time_ns()
        held = held_objects(dvc)  # before: what is made from now on is not looked at
        useless = held.keys() - needed(project, dvc)
        place = project.room.marks(project.relative(dvc.root))
        before = read_marks(place)
        known = {name: at for name, at in before.items() if _is_still(name, at, held, useless)}
        fresh = useless - known.keys()
        due = {name for name, at in known.items() if now - at >= grace * 1e9}
        marks = known | dict.fromkeys(fresh, now)
        deleted, litter = Amount(), _leftover(dvc, now)
        forgotten = _forgotten(project, now - int(grace * 1e9))
        if not dry_run:
            if does_delete and forgotten:
                _forget(project, forgotten)
            write_marks(place, marks)
            if does_delete:
                deleted = _delete(project, dvc, due, marks, now)
                write_marks(place, {n: at for n, at in marks.items() if dvc.holds(n)})
        left = [at for name, at in marks.items() if name not in due]
        return Collected(
            needed=_amount(held, held.keys() - useless),
            marked=_amount(held, marks),
            fresh=_amount(held, fresh),
            due=_amount(held, due),
            deleted=deleted,
            unmarked=len(before.keys() & held.keys() - known.keys()),
            next_due=min(left) + int(grace * 1e9) if left else None,
            leftovers=litter,
            old=_old(dvc),
            snapshots=sum(ref.startswith(RUNS) for ref in forgotten),
        )


def _forget(project: Project, refs: dict[str, str]) -> None:
    """Delete the refs of runs' code, and note it: undo cannot bring them back."""
    project.git.drop(refs)
    what = f"deleted the code of {counted(len(refs), 'run')}"
    way = "`git fsck --lost-found` names the commits until git's own gc takes them"
    log_operation(project, "gc", what, hindrance=way)


def _forgotten(project: Project, before: int) -> dict[str, str]:
    """Map the snapshots of runs that somebody deleted, and that nothing names, to their commits.

    A run that is merely in no store at hand is not deleted: another branch's store may have it.
    """
    refs = project.git.refs(RUNS)
    deleted: dict[RunId, float] = {}
    kept = {info.message.run for info in versions(project)}
    for tree in trees(project.git):
        if tree.is_bare:
            continue
        with opened(project_at(project, tree)) as connection:
            deleted |= edits.deletions(connection)
            kept |= query.ids(connection)
    gone = [run for run, at in deleted.items() if run not in kept and at * 1000 <= before]
    refs |= project.git.refs(LOGS)
    names = (name for run in gone for name in (RUNS + run, LOGS + run, LOGS + run + USAGE))
    return {name: refs[name] for name in names if name in refs}


def _refuse_shared(project: Project, dvc: Dvc, *, is_alone: bool) -> None:
    cache = dvc.cache.resolve()
    inside = [tree.path.resolve() for tree in trees(project.git)]
    inside.append(project.git.place.common.resolve())
    if not is_alone and not any(cache.is_relative_to(each) for each in inside):
        raise SharedCache(str(cache))


def _is_still(name: str, at: int, held: Mapping[str, CachedObject], useless: Iterable[str]) -> bool:
    """Whether a mark counts: the object is there, nothing needs it, and nobody wrote it again."""
    return name in useless and held[name].at <= at


def _amount(held: Mapping[str, CachedObject], names: Iterable[str]) -> Amount:
    sizes = [held[name].size for name in names]
    return Amount(len(sizes), sum(sizes))


def _old(dvc: Dvc) -> Amount:
    sizes = old_objects(dvc)
    return Amount(len(sizes), sum(sizes))


def _leftover(dvc: Dvc, now: int) -> Amount:
    found = leftovers(dvc, now)
    return Amount(len(found), sum(found.values()))


def _delete(
    project: Project, dvc: Dvc, due: Iterable[str], marks: Mapping[str, int], now: int
) -> Amount:
    """Delete the lists of folders first, so that no list ever names files that are gone."""
    sizes = []
    for name in sorted(due, key=lambda name: (not name.endswith(".dir"), name)):
        size = remove(dvc, name, since=marks[name])
        if size is not None:
            sizes.append(size)
    for path, size in leftovers(dvc, now).items():
        sizes.append(size)
        remove_leftover(path)
    if sizes:
        way = "what is on the DVC remote comes back with `xvc pull` or `xvc get`"
        log_operation(
            project,
            "gc",
            f"deleted {counted(len(sizes), 'object')}, {sum(sizes)} bytes",
            hindrance=way,
        )
    return Amount(len(sizes), sum(sizes))
