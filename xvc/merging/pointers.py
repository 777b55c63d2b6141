"""Merging three pointers for git: of the stores they name comes one, and its pointer is the result.

Works from the DVC cache alone: the tree's store, its journals and git's index stay as they are, and
no lock is held, because git holds its own. What both sides changed waits in the private room.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shlex import quote

from xvc.core.run import DataFile
from xvc.dvc.pointers import Pointer
from xvc.dvc.repository import Dvc, pointer_of
from xvc.errors import BadValue
from xvc.merging import unfinished
from xvc.merging.asset_lists import merge_assets
from xvc.merging.driver_input import DriverInput
from xvc.merging.merge import MergeUnfinished
from xvc.merging.sources import MergeSource, NotFetched
from xvc.merging.unfinished import Unfinished
from xvc.project import Project
from xvc.store.db import wal_of
from xvc.store.merge import Outcome, Source, merge_into
from xvc.system.files import make_folder

_THEIRS = "theirs"


class StoresAway(NotFetched):
    """A store that git wants merged is not in the DVC cache; git has stopped."""

    code = "stores-away"

    @property
    def hint(self) -> str:
        """Says what fetches it, and how to go on after git has stopped."""
        return (
            f"Fetch it with `dvc fetch --all-commits {quote(self.path)}`, then "
            "`xvc merge --continue`; nothing was changed."
        )


def merge_pointers(project: Project, given: DriverInput) -> Outcome:
    """Merge what pointers name; with conflicts left, *ours* stays and a note is made.

    Raises:
        NoProject: no DVC here.
        BadValue: the path is neither that of this project's store nor of its assets.
        MergeUnfinished: an earlier merge, not of git's, waits for decisions.
        StoresAway: a store is not in the DVC cache.
        AssetsAway: nor is a list of assets.
        ObjectCorrupt: one has rotted there.
        PointerCorrupt: a file holds no pointer.
        Unresolved: one holds merge marks.
        MergeUnsound: a row is not accounted for.
    """
    dvc = project.needed_dvc()
    if given.path == project.relative(pointer_of(project.assets.folder)):
        merge_assets(dvc, given)
        return Outcome(_THEIRS)
    if given.path != project.relative(pointer_of(project.store_path)):
        raise BadValue("merge-driver", f"{given.path} is not the pointer of the store here")
    return _merge_stores(project, dvc, given)


def _merge_stores(project: Project, dvc: Dvc, given: DriverInput) -> Outcome:
    ours, theirs, base = given.read()
    found = _source_of(dvc, theirs, base)
    for each in (ours, theirs, base):
        if each is not None and not dvc.holds(each.digest):
            _note_undecided(project, given, Unfinished((found,), (), is_git=True))
            raise StoresAway(each.digest, given.path)
        if each is not None:
            dvc.verify(each.digest, given.path)
    with _copied(project, dvc, ours) as copy:
        source = Source(found.name, found.path, found.digest, found.base)
        outcome = merge_into(copy, source, (), project.room.scratch)
        if outcome.open:
            _note_undecided(project, given, Unfinished((found,), outcome.conflicts, is_git=True))
        else:
            if outcome.has_changed:
                given.write_result(dvc, ours.path, DataFile(*dvc.keep_store(copy)))
            _forget_earlier_stop(project, found)
    return outcome


def _source_of(dvc: Dvc, theirs: Pointer, base: Pointer | None) -> MergeSource:
    """Describe their store; git does not say when it was made, so ours counts as the newer."""
    place = None if base is None else dvc.place(base.digest)
    return MergeSource(
        name=_THEIRS,
        path=dvc.place(theirs.digest),
        digest=theirs.digest,
        base=place,
        at=0.0,
        is_live=False,
    )


def _note_undecided(project: Project, given: DriverInput, state: Unfinished) -> None:
    """Note what is left to decide, in place of what an earlier stop of git's had left."""
    if given.is_inner:
        return
    waiting = unfinished.read(project.room)
    if waiting is not None and not waiting.is_git:
        raise MergeUnfinished(tuple(each.name for each in waiting.sources), waiting.open)
    unfinished.write(project.room, state)


@contextmanager
def _copied(project: Project, dvc: Dvc, ours: Pointer) -> Iterator[Path]:
    make_folder(project.room.scratch)
    copy = project.room.scratch / f"driver-{os.getpid()}.duckdb"
    try:
        dvc.materialise(ours.digest, copy)
        yield copy
    finally:
        copy.unlink(missing_ok=True)
        wal_of(copy).unlink(missing_ok=True)


def _forget_earlier_stop(project: Project, found: MergeSource) -> None:
    """Drop the note of an earlier stop over the very same store; git was asked again."""
    waiting = unfinished.read(project.room)
    if waiting is not None and waiting.is_git and waiting.sources[0].digest == found.digest:
        unfinished.forget(project.room)
