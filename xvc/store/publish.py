"""Putting another file in the store's place, so that every next command takes it for the store.

Object, pointer, file, note, each on the disk before the next: killed in between, the pointer
decides which store there is, and both are whole.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from xvc.core.run import DataFile
from xvc.dvc.repository import Dvc, pointer_of
from xvc.errors import LockBusy
from xvc.store import db
from xvc.store.keeper import Keeper
from xvc.store.state import StoreState, stamp_of
from xvc.system.files import beside, take_place, write_durably
from xvc.system.lock import FileLock

_WAIT = 60.0
_TRIES = 5


@contextmanager
def held_still(keeper: Keeper) -> Iterator[Path]:
    """Have every row that is recorded in the store, and give a copy; no other xvc writes meanwhile.

    The copy lies beside the store and goes when the ``with`` ends, unless it was published.

    Raises:
        LockBusy: another xvc is at it, for long.
        StoreBusy: another program is writing to the store.
        StoreFailed: it cannot be written.
        NoObject: what the pointer names is not in the cache, so the store is not whole.
    """
    copy = beside(keeper.path, "merge")
    for _ in range(_TRIES):
        if not keeper.refresh(wait=_WAIT):
            keeper.snapshot()  # brings it up, or says what hinders
        with FileLock(keeper.room.store_lock).held(wait=_WAIT, doing="merge"):
            if not _is_whole(keeper):
                continue  # git moved the pointer meanwhile
            try:
                renew(keeper, copy)
                yield copy
            finally:
                copy.unlink(missing_ok=True)
                db.wal_of(copy).unlink(missing_ok=True)
            return
    raise LockBusy(str(keeper.path), "")


def _is_whole(keeper: Keeper) -> bool:
    if not keeper.path.exists():
        return keeper.pointer is None
    pointer, left = keeper.pointer, StoreState.read(keeper.room.store_state)
    return left.base == (pointer.digest if pointer else None)


def renew(keeper: Keeper, copy: Path) -> None:
    """Make the copy the store as it is again, for another attempt."""
    path = keeper.path
    copy.unlink(missing_ok=True)
    if not path.exists():
        db.create(copy)
        return
    with db.reading(path, is_known=True):
        pass  # says so when another program is writing to it
    if db.wal_of(path).exists():
        db.copy_through_readers(path, copy)
    else:
        shutil.copyfile(path, copy)


def keep_as_it_is(keeper: Keeper, dvc: Dvc) -> str:
    """Put the store, within `held_still`, into the cache; returns its digest.

    What it grew from and the journals do not stand for it: a version lets the journals go.
    """
    before = beside(keeper.path, "before")
    try:
        renew(keeper, before)
        digest, _ = dvc.keep_store(before)
        return digest
    finally:
        before.unlink(missing_ok=True)
        db.wal_of(before).unlink(missing_ok=True)


def keep(dvc: Dvc, copy: Path) -> DataFile:
    """Put a copy that is to be published into the cache.

    Raises:
        StoreFailed: a part of it is only in the log beside it.
    """
    db.refuse_log(copy)
    return DataFile(*dvc.keep_store(copy))


def publish(keeper: Keeper, dvc: Dvc, copy: Path, kept: DataFile) -> None:
    """Make *copy*, within `held_still` and *kept* in the cache, the store that the pointer names.

    The journals stay: whoever takes the pointer back has every row of this tree again.
    """
    pointer = pointer_of(keeper.path)
    sizes = StoreState.read(keeper.room.store_state).sizes
    write_durably(pointer, dvc.pointer_text(keeper.path, kept))
    take_place(copy, keeper.path)
    db.wal_of(keeper.path).unlink(missing_ok=True)
    StoreState(kept.digest, stamp_of(keeper.path), sizes, str(keeper.path)).write(
        keeper.room.store_state
    )
