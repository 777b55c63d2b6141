"""Keeping the store up to date: the snapshot its pointer names, with the journals folded on top.

Nothing here holds the store open for longer than one fold or one query. What cannot be folded now
stays in its journal; what cannot be understood is set aside under another name, never overwritten.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, cast

from xvc.adapters.dvc import Dvc, Pointer, pointer_of, read_pointer
from xvc.adapters.files import is_shared, make_private, md5_of, write_durably
from xvc.adapters.lock import FileLock
from xvc.errors import BusyError, LockBusy, NoObject, ObjectCorrupt, StoreBusy, StoreCorrupt
from xvc.journal.codec import from_json, to_json
from xvc.journal.layout import Room
from xvc.journal.reader import is_written, journals
from xvc.store import db
from xvc.store.fold import Folded, fold
from xvc.types import Json

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_WAIT = 5.0  # seconds for another xvc to finish its fold


@dataclass(frozen=True, slots=True)
class Left:
    """How xvc left the store: its base, its file's stamp, and the journals' sizes then."""

    base: str | None = None
    stamp: tuple[int, ...] = ()
    sizes: dict[str, int] = field(default_factory=dict)


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

    @property
    def pointer(self) -> Pointer | None:
        """What the tree's pointer names; None without one."""
        return read_pointer(pointer_of(self.path)) if self.dvc else None

    def refresh(self, *, wait: float = _WAIT) -> bool:
        """Bring the store up to date; False when that has to wait for somebody else.

        Raises:
            Unresolved: the pointer holds an unfinished merge.
            PointerCorrupt: the pointer cannot be read.
        """
        pointer = self.pointer
        left = self._left()
        if self._is_current(left, pointer):
            return True
        try:
            with FileLock(self.room.store_lock).held(wait=wait, doing="fold"):
                self._bring_up(pointer)
        except (BusyError, OSError):
            return False
        return True

    def _is_current(self, left: Left, pointer: Pointer | None) -> bool:
        base = pointer.digest if pointer else None
        if not self.path.exists():
            return base is None and not journals(self.room.journals)
        return (
            left.base == base
            and left.stamp == _stamp(self.path)
            and left.sizes == _sizes(self.room.journals)
        )

    def _bring_up(self, pointer: Pointer | None) -> None:
        left = self._left()  # again: another process may just have done it
        if self._is_current(left, pointer):
            return
        self._make_writable()
        if not self._ensure_base(pointer, left):
            return
        trusted = self.path.exists() and left.stamp == _stamp(self.path)
        base = pointer.digest if pointer else None
        if self._fold_in(everything=not trusted or left.base != base):
            self._leave(base)

    def _make_writable(self) -> None:
        if self.path.is_symlink() and not self.path.exists():
            self.path.unlink()
        elif self.path.exists() and is_shared(self.path):
            make_private(self.path)  # a write through a link would change the cache object

    def _ensure_base(self, pointer: Pointer | None, left: Left) -> bool:
        """Have at the store's place a file that grew from what the pointer names."""
        wanted = pointer.digest if pointer else None
        if self.path.exists():
            found = self._base_of_file(left, wanted)
            if found == wanted:
                return True
            if not self._may_switch(pointer):
                return False
            self._set_aside_if_edited(left, found)
        if pointer is None:
            if journals(self.room.journals) or journals(self.room.folded):
                db.create(self.path)
            return self.path.exists()
        return self._materialise(pointer, self.path)

    def _base_of_file(self, left: Left, wanted: str | None) -> str | Json | None:
        if left.stamp == _stamp(self.path):
            return left.base
        try:
            with db.reading(self.path) as connection:
                row = connection.execute("SELECT value FROM meta WHERE key = 'base'").fetchone()
        except StoreCorrupt as err:
            self._set_aside("corrupt", err.reason)
            return False
        base = row[0] if row else None
        if wanted is not None and base != wanted and md5_of(self.path) == wanted:
            return wanted  # the very snapshot, put there by `dvc checkout`
        return cast("str | None", base)

    def _may_switch(self, pointer: Pointer | None) -> bool:
        if pointer is None or (self.dvc and self.dvc.holds(pointer.digest)):
            return True
        self._warn(
            f"{self.path.name}: the version its pointer names ({pointer.digest[:8]}) is not in the "
            "DVC cache; showing what is here. "
            f"Fetch it with `dvc fetch {pointer_of(self.path).name}`."
        )
        return False

    def _set_aside_if_edited(self, left: Left, base: object) -> None:
        """Before another snapshot takes its place: everything in the file must be had elsewhere."""
        if not self.path.exists():
            return
        known = base is None or (isinstance(base, str) and self.dvc and self.dvc.holds(base))
        untouched = left.stamp == _stamp(self.path)
        exact = self.dvc is not None and self.dvc.holds(md5_of(self.path))
        if not exact and not (known and untouched):
            self._set_aside("kept", "it was changed by another program")
            return
        self.path.unlink()
        db.wal_of(self.path).unlink(missing_ok=True)

    def _set_aside(self, word: str, reason: str) -> None:
        stem = f"{self.path.name}.{word}-{time.strftime('%Y%m%dT%H%M%S')}"
        names = (stem if number == 1 else f"{stem}-{number}" for number in count(1))
        place = next(path for name in names if not (path := self.path.with_name(name)).exists())
        os.replace(self.path, place)
        wal = db.wal_of(self.path)
        if wal.exists():
            os.replace(wal, db.wal_of(place))
        self._warn(f"{self.path.name} was set aside as {place.name}: {reason}")

    def _materialise(self, pointer: Pointer, place: Path) -> bool:
        if self.dvc is None:
            return False
        try:
            self.dvc.materialise(pointer.digest, place)
        except (NoObject, ObjectCorrupt) as err:
            self._warn(f"{err}. {err.hint}")
            return False
        return True

    def _fold_in(self, *, everything: bool) -> bool:
        found = journals(self.room.journals)
        if everything:
            found += journals(self.room.folded)
        if not self.path.exists():
            db.create(self.path)
        try:
            with db.writing(self.path) as connection:
                self._fold_into(connection, found)
        except db.ReadersHold:
            self._fold_beside_readers(found)
        except db.StoreUnfit as err:
            self._make_anew(err)
        except StoreCorrupt as err:
            self._set_aside("corrupt", err.reason)
            if not self._rebuild(self.path):
                return False
        self._retire(found)
        return True

    def _fold_into(self, connection: DuckDBPyConnection, found: list[Path]) -> None:
        pointer = self.pointer
        connection.execute("DELETE FROM meta WHERE key = 'base'")
        if pointer is not None:
            connection.execute("INSERT INTO meta VALUES ('base', ?)", [pointer.digest])
        self._report(fold(connection, found, self.room.scratch))

    def _rebuild(self, place: Path) -> bool:
        """Make the store anew from the last snapshot, if that can be had, and every journal."""
        pointer = self.pointer
        if pointer is None:
            db.create(place)
        elif not self._materialise(pointer, place):
            return False
        with db.writing(place) as connection:
            self._fold_into(connection, journals(self.room.journals) + journals(self.room.folded))
        return True

    def _make_anew(self, err: db.StoreUnfit) -> None:
        """Set a store aside in which rows have no place any more, once there is a whole one.

        Raises:
            StoreUnfit: neither have they in the last snapshot.
        """
        fresh = self._sibling()
        try:
            if not self._rebuild(fresh):
                raise err
            self._set_aside("kept", f"new rows do not fit into it ({err.words})")
            os.replace(fresh, self.path)
        finally:
            fresh.unlink(missing_ok=True)
            db.wal_of(fresh).unlink(missing_ok=True)

    def _sibling(self) -> Path:
        return self.path.with_name(f".{self.path.name}.{os.getpid()}.new")

    def _fold_beside_readers(self, found: list[Path]) -> None:
        """Fold into a copy and rename it over, while our own reading keeps writers out."""
        copy = self._sibling()
        try:
            with db.reading(self.path):
                db.copy_through_readers(self.path, copy)
                with db.writing(copy) as connection:
                    self._fold_into(connection, found)
                os.replace(copy, self.path)
        finally:
            copy.unlink(missing_ok=True)
            db.wal_of(copy).unlink(missing_ok=True)

    def _report(self, folded: Folded) -> None:
        if not folded.damaged:
            return
        self.room.quarantine.mkdir(parents=True, exist_ok=True)
        for name, line in folded.damaged:
            place = self.room.quarantine / name
            held = place.read_bytes() if place.exists() else b""
            if line not in held:
                write_durably(place, held + line)
            self._warn(f"a damaged record of journal {name} was set apart in {place}")

    def _retire(self, found: list[Path]) -> None:
        """Move the journals of ended writers out of the way of the next fold."""
        for path in found:
            if path.parent == self.room.journals and not is_written(path):
                self.room.folded.mkdir(parents=True, exist_ok=True)
                os.replace(path, self.room.folded / path.name)

    def _warn(self, text: str) -> None:
        if text not in self.warnings:
            self.warnings.append(text)

    def _left(self) -> Left:
        try:
            found = cast("dict[str, Json]", from_json(self.room.store_state.read_bytes()))
        except (FileNotFoundError, ValueError):
            return Left()
        stamp = tuple(cast("list[int]", found["stamp"]))
        return Left(
            cast("str | None", found["base"]), stamp, cast("dict[str, int]", found["sizes"])
        )

    def _leave(self, base: str | None) -> None:
        left = Left(base, _stamp(self.path), _sizes(self.room.journals))
        self.room.store_state.parent.mkdir(parents=True, exist_ok=True)
        write_durably(self.room.store_state, to_json(cast("Json", asdict(left))).encode())

    @contextmanager
    def view(self) -> Iterator[DuckDBPyConnection]:
        """Open everything recorded, for reading: the store, or a private copy when it is held.

        Raises:
            StoreBusy: the store is being written by another program and cannot be rebuilt.
            StoreCorrupt: it does not open.
        """
        if self.refresh() and self.path.exists():
            try:
                with db.reading(self.path) as connection:
                    yield connection
                return
            except StoreBusy:
                pass  # somebody took it in between
        with self._private_copy() as copy, db.reading(copy) as connection:
            yield connection

    @contextmanager
    def _private_copy(self) -> Iterator[Path]:
        folder = Path(tempfile.mkdtemp(prefix="xvc-view-"))
        copy = folder / self.path.name
        try:
            self._fill(copy)
            with db.writing(copy) as connection:
                found = journals(self.room.journals) + journals(self.room.folded)
                self._quietly_fold(connection, found, folder)
            yield copy
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _quietly_fold(
        self, connection: DuckDBPyConnection, found: list[Path], scratch: Path
    ) -> None:
        fold(connection, found, scratch)

    def _fill(self, copy: Path) -> None:
        if self.path.exists():
            try:
                db.copy_through_readers(self.path, copy)
            except (StoreBusy, StoreCorrupt):
                copy.unlink(missing_ok=True)
            else:
                return
        pointer = self.pointer
        if pointer is not None and self.dvc is not None and self.dvc.holds(pointer.digest):
            self.dvc.materialise(pointer.digest, copy)
        else:
            db.create(copy)

    def snapshot(self) -> tuple[str, int]:
        """Put the store as it is into the DVC cache; returns its digest and size in bytes.

        Raises:
            LockBusy: another xvc is folding, for long.
            StoreBusy: another program is writing to it.
            NoObject: what the pointer names is not in the cache, so the store is not whole.
        """
        if self.dvc is None:
            raise AssertionError("a store outside DVC has no snapshots")
        if not self.refresh(wait=60.0):
            self._explain_why_not()
        pointer = self.pointer
        if pointer is not None and self._left().base != pointer.digest:
            raise NoObject(pointer.digest, pointer_of(self.path).name)
        if not self.path.exists():
            db.create(self.path)
        with FileLock(self.room.store_lock).held(wait=60.0, doing="snapshot"):
            if db.wal_of(self.path).exists():
                with db.writing(self.path):
                    pass  # closing writes the log into the store
            return self.dvc.keep_file(self.path)

    def _explain_why_not(self) -> None:
        lock = FileLock(self.room.store_lock)
        with lock.held(wait=0.0, doing="snapshot"), db.writing(self.path):
            pass
        raise LockBusy(str(self.path), "")

    def settle(self, digest: str) -> None:
        """After a version holds the snapshot: the journals it contains are no longer needed."""
        with FileLock(self.room.store_lock).held(wait=60.0, doing="settle"):
            if md5_of(self.path) != digest:
                return  # more was folded meanwhile; the next version settles it
            self._leave(digest)
            for path in journals(self.room.folded):
                path.unlink(missing_ok=True)


def _stamp(path: Path) -> tuple[int, ...]:
    facts = path.stat()
    return (facts.st_ino, facts.st_size, facts.st_mtime_ns)


def _sizes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in journals(folder)}
