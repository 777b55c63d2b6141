"""Keeping the store up to date: the snapshot its pointer names, with the journals folded on top.

Nothing here holds the store open for longer than one fold or one query. What cannot be folded now
stays in its journal; what cannot be understood is set aside under another name, never overwritten.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, cast

from xvc.core.run import DataFile
from xvc.dvc.follow_folder import bring_listed, take_unlisted
from xvc.dvc.pointers import Pointer, read_pointer
from xvc.dvc.repository import Dvc, pointer_of
from xvc.errors import (
    BusyError,
    CacheUnreadable,
    CorruptError,
    LockBusy,
    NoObject,
    NotAStore,
    ObjectCorrupt,
    RecordRefused,
    StoreBusy,
    StoreCorrupt,
    StoreFailed,
    XvcError,
)
from xvc.journal.layout import Room
from xvc.journal.reader import barred_journals, is_read, is_written, journals, runs_named
from xvc.store import db
from xvc.store.fold import Folded, fold, fold_again, keep_damaged, positions
from xvc.store.idle_instance import reading_own
from xvc.store.masking import cells_with, mask_store
from xvc.store.runs import branches
from xvc.store.state import StoreState, sizes_of, stamp_of
from xvc.system.asset_files import Assets
from xvc.system.files import (
    beside,
    is_shared,
    keep_mode,
    make_private,
    md5_of,
    remove_left_beside,
    write_durably,
)
from xvc.system.lock import FileLock

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_WAIT = 5.0  # seconds for another xvc to finish its fold


class Keeper:
    """One store, its journals and its snapshots.

    Args:
        path: the store.
        room: where its journals lie.
        dvc: None outside a DVC repository; then the store has no snapshots.
    """

    def __init__(self, path: Path, room: Room, dvc: Dvc | None) -> None:
        self.path, self.room, self.dvc = path, room, dvc
        self.warnings: list[str] = []
        self.set_aside: list[str] = []
        """Warnings that name files which were set aside under another name."""
        self._hindrance: XvcError | None = None

    @property
    def _pointer_name(self) -> str:
        """The pointer's path as ``dvc`` wants it."""
        place = pointer_of(self.path)
        root = self.dvc.root if self.dvc else self.path.parent
        return place.relative_to(root).as_posix() if place.is_relative_to(root) else str(place)

    @property
    def pointer(self) -> Pointer | None:
        """What the tree's pointer names; None without one."""
        return read_pointer(pointer_of(self.path), self._pointer_name) if self.dvc else None

    @property
    def lacking(self) -> NoObject | None:
        """The snapshot that has not been brought, so that recorded runs are not seen here."""
        pointer = self.pointer
        if pointer is None or self.dvc is None or self.dvc.holds(pointer.digest):
            return None
        if StoreState.read(self.room.store_state).base == pointer.digest:
            return None
        return self.dvc.lack_of(pointer.digest, self._pointer_name)

    @property
    def is_as_left(self) -> bool:
        """Whether the store is the very file that xvc wrote last: nobody else has put it there."""
        try:
            return StoreState.read(self.room.store_state).stamp == stamp_of(self.path)
        except OSError:
            return False

    def refresh(self, *, wait: float = _WAIT) -> bool:
        """Bring the store up to date; False when another process holds it, so that it has to wait.

        Raises:
            Unresolved: the pointer holds an unfinished merge.
            PointerCorrupt: the pointer cannot be read.
        """
        for said in self.barred():
            self._warn(said)
        if self._is_current(StoreState.read(self.room.store_state), self.pointer):
            return True
        try:
            with FileLock(self.room.store_lock).held(wait=wait, doing="fold"):
                return self._bring_up()
        except db.StoreUnfit:
            raise
        except (BusyError, StoreFailed) as err:
            self._hindrance = err
        except OSError as err:  # a full disk, a read-only tree
            self._hindrance = StoreFailed(str(self.path), err.strerror or str(err))
        return False

    def barred(self) -> list[str]:
        """Say which journals may not be read, as those of a colleague with a strict umask."""
        return [
            f"the runs in {path} are left out: it may not be read; "
            f"`ls -l {quote(str(path))}` shows who may"
            for path in barred_journals(self.room.journals)
        ]

    def _is_current(self, left: StoreState, pointer: Pointer | None) -> bool:
        base = pointer.digest if pointer else None
        if not self.path.exists():
            return base is None and not self._all_journals()
        return (
            left.base == base
            and left.stamp == stamp_of(self.path)
            and left.sizes == sizes_of(self.room.journals)
        )

    def _bring_up(self) -> bool:
        pointer, left = (
            self.pointer,
            StoreState.read(self.room.store_state),
        )  # again: another process may have moved them
        if self._is_current(left, pointer):
            return True
        db.refuse_special(self.path)
        remove_left_beside(self.path)
        self._make_writable()
        base = pointer.digest if pointer else None
        sizes = sizes_of(self.room.journals)  # before they are read: what is added now comes next
        folded = self._folded_on_base(pointer, left)
        if folded is None:
            return False
        self._retire(folded)
        self._leave(base, sizes)
        if left.base != base:
            self._follow_assets()
        return True

    def _follow_assets(self) -> None:
        """Have the assets that the tree's pointer lists; the others go where no run waits."""
        folder = Assets.beside(self.path).folder
        with suppress(XvcError, OSError):  # they are looked at again when they are wanted
            if self.dvc is not None:
                bring_listed(self.dvc, folder)
                if not self._all_journals():
                    take_unlisted(self.dvc, folder)

    def _make_writable(self) -> None:
        if self.path.is_symlink() and not self.path.exists():
            self.path.unlink()
        elif self.path.exists() and is_shared(self.path):
            make_private(self.path)  # a write through a link would change the cache object

    def _folded_on_base(self, pointer: Pointer | None, left: StoreState) -> dict[str, int] | None:
        """Fold what waits into the store, laid anew unless it is based on what the pointer names.

        Tells how far each journal is in, None when the snapshot cannot be had or nothing is there.
        """
        wanted = pointer.digest if pointer else None
        exists = self.path.exists() and not self._is_blank()
        found = self._base_of_file(left) if exists else None
        if exists and found == wanted:
            return self._folded_in_place(left, wanted)
        may_lay = self._may_switch(pointer) if exists else pointer or self._all_journals()
        if not may_lay:
            return None
        return self._lay_anew(lambda: self._set_aside_if_edited(left, found))

    def _folded_in_place(self, left: StoreState, base: str | None) -> dict[str, int] | None:
        is_trusted = left.stamp == stamp_of(self.path)
        if not is_trusted and left.stamp[:1] != stamp_of(self.path)[:1]:
            with db.reading(self.path):
                pass  # it came from elsewhere: nothing in it may compute
        return self._fold_in(everything=not is_trusted or left.base != base)

    def _is_blank(self) -> bool:
        """Whether an empty file lies where no store has been, as from `mktemp`."""
        was_ours = StoreState.read(self.room.store_state).was_at(self.path)
        return self.path.is_file() and self.path.stat().st_size == 0 and not was_ours

    def _lay_anew(self, before: Callable[[], None]) -> dict[str, int] | None:
        """Make the store from the snapshot and the journals; None if the snapshot cannot be had."""
        fresh = self._sibling()
        try:
            folded = self._rebuild(fresh)
            if folded is not None:
                db.refuse_log(fresh)
                keep_mode(fresh, self.path)
                before()
                os.replace(fresh, self.path)
            return folded
        finally:
            fresh.unlink(missing_ok=True)
            db.wal_of(fresh).unlink(missing_ok=True)

    def _base_of_file(self, left: StoreState) -> str | bool | None:
        stamp = stamp_of(self.path)
        if left.stamp == stamp:
            return left.base
        digest = self._kept_as()
        if digest is not None:
            return digest  # the very snapshot, put there by `dvc checkout`
        try:
            is_known = left.stamp[:1] == stamp[:1]  # a user's own change, where the file lies
            with db.reading(self.path, is_known=is_known) as connection:
                db.read_through(connection)
                row = connection.execute("SELECT value FROM meta WHERE key = 'base'").fetchone()
        except StoreCorrupt as err:
            self._set_aside_corrupt(err)
            return False
        if left.stamp[:1] == stamp[:1]:
            return left.base  # changed where it lies: what it says dates from before its version
        return cast("str | None", row[0] if row else None)

    def _kept_as(self) -> str | None:
        """Name the snapshot that the file is, byte for byte; None when it is none."""
        if self.dvc is None or db.wal_of(self.path).exists():
            return None
        digest = md5_of(self.path)
        return digest if self.dvc.holds(digest) else None

    def _may_switch(self, pointer: Pointer | None) -> bool:
        if pointer is None or (self.dvc and self.dvc.holds(pointer.digest)):
            return True
        lack = self.dvc.lack_of(pointer.digest, self._pointer_name) if self.dvc else None
        if isinstance(lack, CacheUnreadable):
            self._warn(f"{lack}; showing what is here. {lack.hint}")
            return False
        self._warn(
            f"{self.path.name}: the version its pointer names ({pointer.digest[:8]}) is not in the "
            "DVC cache; showing what is here. "
            f"`xvc pull` brings it, or `dvc fetch {quote(self._pointer_name)}`."
        )
        return False

    def _set_aside_if_edited(self, left: StoreState, base: object) -> None:
        """Set the store aside before a snapshot replaces it, if only it has some rows."""
        if not self.path.exists() or self._is_blank():
            return
        known = base is None or (isinstance(base, str) and self.dvc and self.dvc.holds(base))
        untouched = left.stamp == stamp_of(self.path) and not db.wal_of(self.path).exists()
        if not (known and untouched) and self._kept_as() is None:
            self._set_aside("kept", "it was changed by another program")

    def _set_aside(self, word: str, reason: str) -> None:
        place = db.set_aside(self.path, word)
        self.set_aside.append(f"{self.path.name} was set aside as {place.name}: {reason}")
        self._warn(self.set_aside[-1])

    def _set_aside_corrupt(self, err: StoreCorrupt) -> None:
        """Give another name to what was a store; a file that never was one stays where it is."""
        if not StoreState.read(self.room.store_state).was_at(self.path):
            raise NotAStore(str(self.path), err.reason) from err
        self._set_aside("corrupt", err.reason)

    def _materialise(self, pointer: Pointer, place: Path) -> bool:
        if self.dvc is None:
            return False
        try:
            self.dvc.materialise(pointer.digest, place)
        except NoObject as err:
            missing = err
            if not isinstance(err, CacheUnreadable):
                missing = self.dvc.lack_of(err.digest, self._pointer_name)
            self._warn(f"{missing}. {missing.hint}")
            return False
        except ObjectCorrupt as err:
            self._warn(f"{err}. {err.hint}")
            return False
        return True

    def _fold_in(self, *, everything: bool) -> dict[str, int] | None:
        """Fold what waits; tells how far each journal is in, None when the store is not whole."""
        found = self._all_journals() if everything else journals(self.room.journals)
        if not found:
            return {}  # as in `_rebuild`
        self._suit_blocks(found)
        try:
            with db.writing(self.path, *self._sources()) as connection:
                return self._fold_into(connection, found, is_ours=False)
        except db.ReadersHold:
            with db.beside_readers(self.path, self._sibling(), *self._sources()) as connection:
                return self._fold_into(connection, found, is_ours=False)
        except db.StoreUnfit as err:
            return self._make_anew(err)
        except StoreCorrupt as err:
            self._set_aside_corrupt(err)
            return self._rebuild(self.path)

    def _suit_blocks(self, found: list[Path]) -> None:
        """Rewrite the store in blocks that fit its size; where that fails, the next fold tries."""
        more = _coming([path for path in found if path.parent == self.room.journals])
        is_whole = not db.wal_of(self.path).exists()
        if is_whole and db.has_unfit_blocks(self.path, more):
            with suppress(BusyError, CorruptError, StoreFailed):
                db.change_blocks(self.path, self._sibling(), more)

    def _sources(self) -> tuple[Path, ...]:
        """Name the folders that a fold reads, with the one that it writes into."""
        room = self.room
        if room.scratch.parent.is_dir():  # a question alone makes no folder
            room.scratch.mkdir(exist_ok=True)
        return room.journals, room.folded, room.kept, room.scratch

    def _all_journals(self) -> list[Path]:
        room = self.room
        return journals(room.journals) + journals(room.folded) + journals(room.kept)

    def _fold_into(
        self, connection: DuckDBPyConnection, found: list[Path], *, is_ours: bool = True
    ) -> dict[str, int]:
        pointer, scratch = self.pointer, self.room.scratch
        self._report(fold(connection, found, scratch, keep=self._keep_refused, is_ours=is_ours))
        base = pointer.digest if pointer is not None else None
        held = connection.execute("SELECT value FROM meta WHERE key = 'base'").fetchall()
        if held != ([(base,)] if base is not None else []):
            connection.execute("DELETE FROM meta WHERE key = 'base'")
            if base is not None:
                connection.execute("INSERT INTO meta VALUES ('base', ?)", [base])
        return positions(connection)

    def _keep_refused(self, journal: str, line: bytes) -> Path:
        return keep_damaged(self.room.refused, journal, line)

    def _rebuild(self, place: Path) -> dict[str, int] | None:
        """Make the store anew from the last snapshot, if that can be had, and every journal."""
        pointer, found = self.pointer, self._all_journals()
        if pointer is None:
            with db.creating(place, _coming(found), *self._sources()) as connection:
                return self._fold_into(connection, found)
        if not self._materialise(pointer, place):
            return None
        with db.reading(place):
            pass  # as a stranger's: nothing in it may compute
        if not found:
            return {}  # untouched, it stays the very snapshot, and `dvc status` clean
        with db.writing(place, *self._sources()) as connection:
            return self._fold_into(connection, found)

    def _make_anew(self, err: db.StoreUnfit) -> dict[str, int]:
        """Rebuild a store that cannot take its rows any more, then set the old one aside."""
        reason = f"new rows do not fit into it ({err.words})"
        folded = self._lay_anew(lambda: self._set_aside("kept", reason))
        if folded is None:
            raise err
        return folded

    def _sibling(self) -> Path:
        return beside(self.path, "new")

    def _report(self, folded: Folded) -> None:
        for name, line in folded.damaged:
            place = keep_damaged(self.room.quarantine, name, line)
            self._warn(f"a damaged record of journal {name} was set apart in {place}")
        for name, reason in folded.refused:
            refused = RecordRefused(name, reason)
            self._warn(f"{refused}. {refused.hint}")

    def retry(self) -> list[RecordRefused]:
        """Try the records again that the store could not take; returns what it still cannot.

        Raises:
            LockBusy: another xvc is folding, for long.
            StoreBusy: another program is using the store.
        """
        still: list[RecordRefused] = []
        self.refresh(wait=60.0)
        with FileLock(self.room.store_lock).held(wait=60.0, doing="retry"):
            for place in journals(self.room.refused):
                left = b""
                for line in place.read_bytes().splitlines(keepends=True):
                    try:
                        with db.writing(self.path, *self._sources()) as connection:
                            fold_again(connection, line, place, self.room.scratch)
                    except RecordRefused as err:
                        still.append(err)
                        left += line
                write_durably(place, left) if left else place.unlink()
        return still

    def _retire(self, positions: Mapping[str, int]) -> None:
        """Move the journals that are wholly in out of the way of the next fold.

        The writer's end is looked at first: what it wrote after it was read is seen by `is_read`.
        """
        for path in journals(self.room.journals):
            if not is_written(path) and is_read(path, positions.get(path.stem, 0)):
                self.room.folded.mkdir(parents=True, exist_ok=True)
                os.replace(path, self.room.folded / path.name)

    def _warn(self, text: str) -> None:
        if text not in self.warnings:
            self.warnings.append(text)

    def _leave(self, base: str | None, sizes: Mapping[str, int]) -> None:
        still = {path.name for path in journals(self.room.journals)}
        kept = {name: size for name, size in sizes.items() if name in still}
        StoreState(base, stamp_of(self.path), kept, str(self.path)).write(self.room.store_state)

    @contextmanager
    def view(self, *, into: Path | None = None) -> Iterator[DuckDBPyConnection]:
        """Open everything recorded, for reading: the store, or a private copy when it is held.

        SQL may write into the folder *into*, and reaches no file otherwise.

        Raises:
            StoreBusy: the store is being written by another program and cannot be rebuilt.
            StoreCorrupt: it does not open.
        """
        is_fresh = self.refresh() and self.path.exists()
        stamp = stamp_of(self.path) if is_fresh else ()
        try:
            with ExitStack() as opened:
                with self._alone() as is_alone:
                    connection = self._open(opened, is_fresh=is_fresh, is_alone=is_alone, into=into)
                yield connection
        except StoreCorrupt as err:
            # Rot that no date betrayed: the next look rebuilds it. But the caller may have read
            # another store meanwhile, whose rot says nothing of ours.
            if err.path == str(self.path):
                with self._alone() as is_alone:
                    if is_alone and self.path.exists() and stamp_of(self.path) == stamp:
                        self._set_aside_corrupt(err)
            raise

    @contextmanager
    def _alone(self) -> Iterator[bool]:
        """Try to lock the store against other xvc; tells whether it is locked."""
        with ExitStack() as held:
            try:
                self.room.folder.stat()  # where nothing was recorded, a look leaves nothing
                lock = FileLock(self.room.store_lock)
                held.enter_context(lock.held(wait=_WAIT, doing="open"))
            except (BusyError, OSError):
                yield False
            else:
                yield True

    def _open(
        self, opened: ExitStack, *, is_fresh: bool, is_alone: bool, into: Path | None
    ) -> DuckDBPyConnection:
        if is_fresh:
            try:
                if into is None:
                    return opened.enter_context(reading_own(self.path))
                return opened.enter_context(db.reading(self.path, is_known=True, into=into))
            except StoreBusy:
                pass  # another program has it for writing
            except StoreCorrupt as err:
                if is_alone:
                    self._set_aside_corrupt(err)
        copy = opened.enter_context(self._private_copy())
        return opened.enter_context(db.reading(copy, into=into))

    @contextmanager
    def copied(self) -> Iterator[Path]:
        """Give a private copy of everything recorded, which goes when the ``with`` ends.

        Raises:
            StoreBusy: the store is being written by another program and cannot be rebuilt.
        """
        is_whole = self.refresh()
        with self._private_copy(is_whole=is_whole) as copy:
            yield copy

    @contextmanager
    def recorded(self) -> Iterator[Path]:
        """Give such a copy, and leave the store and its journals as they are."""
        with self._private_copy() as copy:
            yield copy

    @contextmanager
    def _private_copy(self, *, is_whole: bool = False) -> Iterator[Path]:
        """Copy the store, and fold the journals into the copy unless the store *is_whole*."""
        import tempfile  # late: most times the store itself can be read

        folder = Path(tempfile.mkdtemp(prefix="xvc-view-"))
        copy = folder / self.path.name
        try:
            is_as_it_was = self._fill(copy)
            if not (is_whole and is_as_it_was):
                with db.writing(copy, folder, *self._sources()) as connection:
                    fold(connection, self._all_journals(), folder)
            yield copy
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _fill(self, copy: Path) -> bool:
        """Copy the store, else its last version, else nothing; tells whether it is the store."""
        if self.path.exists():
            try:
                db.copy_through_readers(self.path, copy)
            except (StoreBusy, StoreCorrupt):
                copy.unlink(missing_ok=True)
            else:
                return True
        pointer = self.pointer
        if pointer is None or not self._materialise(pointer, copy):
            db.create(copy)
        return False

    def snapshot(self) -> tuple[str, int]:
        """Put the store as it is into the DVC cache; returns its digest and size in bytes.

        Raises:
            LockBusy: another xvc is folding, for long.
            StoreBusy: another program is writing to it.
            StoreFailed: it cannot be written; the disk is full, or the tree read-only.
            NoObject: what the pointer names is not in the cache, so the store is not whole.
        """
        if self.dvc is None:
            raise AssertionError("a store outside DVC has no snapshots")
        if not self.refresh(wait=60.0) and (self.path.exists() or self.pointer is not None):
            self._explain_why_not(self.dvc)
        if not self.path.exists():
            db.create(self.path)
        with FileLock(self.room.store_lock).held(wait=60.0, doing="snapshot"):
            if db.wal_of(self.path).exists():
                with db.writing(self.path):
                    pass  # closing writes the log into the store
                db.refuse_log(self.path)
            return self.dvc.keep_store(self.path)

    def _explain_why_not(self, dvc: Dvc) -> None:
        if self._hindrance is not None:
            raise self._hindrance
        if (pointer := self.pointer) is not None:
            dvc.verify(pointer.digest, self._pointer_name)
        raise LockBusy(str(self.path), "")

    def mask(self, texts: Sequence[str]) -> str | None:
        """Put stars in the place of texts, in the store and in the snapshot that it grew from.

        The pointer then names another snapshot; returns the digest of the one before, if so.
        Journals are masked by whoever calls, without a change of their length.

        Raises:
            LockBusy: another xvc is folding, for long.
            StoreBusy: another program is using the store.
            StoreFailed: it cannot be written, or something could not be taken out.
        """
        with FileLock(self.room.store_lock).held(wait=60.0, doing="scrub"):
            left, pointer, copy = (
                StoreState.read(self.room.store_state),
                self.pointer,
                self._sibling(),
            )
            base = left.base
            before = None
            try:
                if self.dvc and pointer and self.dvc.holds(pointer.digest):
                    place = self.dvc.place(pointer.digest)
                    if cells_with(place, texts):
                        mask_store(place, copy, texts)
                        base, size = self.dvc.keep_store(copy)
                        text = self.dvc.pointer_text(self.path, DataFile(base, size))
                        write_durably(pointer_of(self.path), text)
                        before = pointer.digest
                if self.path.exists() and cells_with(self.path, texts):
                    mask_store(self.path, copy, texts)
                    keep_mode(copy, self.path)
                    os.replace(copy, self.path)
                if self.path.exists():
                    self._leave(base, left.sizes)
            finally:
                copy.unlink(missing_ok=True)
        return before

    def settle(self, digest: str, branch: str | None) -> None:
        """Delete the journals whose rows are in the snapshot of a version.

        Only a version that stands on *branch*, and only for runs that were made on it or on none:
        from the branch where a run was made it stays visible, whichever is tagged first.
        """
        with FileLock(self.room.store_lock).held(wait=60.0, doing="settle"):
            if md5_of(self.path) != digest:
                return  # more was folded meanwhile; the next version settles it
            self._leave(digest, StoreState.read(self.room.store_state).sizes)
            held = journals(self.room.folded) + journals(self.room.kept)
            needed = self._needed_elsewhere(held, branch)
            for path in held:
                if path not in needed:
                    path.unlink(missing_ok=True)
                elif path.parent != self.room.kept:
                    self.room.kept.mkdir(parents=True, exist_ok=True)
                    os.replace(path, self.room.kept / path.name)

    def _needed_elsewhere(self, held: list[Path], branch: str | None) -> set[Path]:
        if branch is None or not held:
            return set(held)
        named = {path: runs_named([path]) for path in held}
        with reading_own(self.path) as connection:  # we made it what it is just now
            made_on = branches(connection, {run for runs in named.values() for run in runs})
        return {
            path
            for path, runs in named.items()
            if any(made_on.get(run) not in (None, branch) for run in runs)
        }


def _coming(found: list[Path]) -> int:
    """Estimate how many bytes of a store journals will be: a quarter of theirs."""
    return sum(path.stat().st_size for path in found) // 4
