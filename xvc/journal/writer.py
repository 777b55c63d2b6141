"""A writer: one append-only file, one ``write`` a record, nothing held back.

What `Journal.row` has returned for is in the kernel: it survives SIGKILL. `Journal.flush` puts it
on the disk. After a fork the child opens a file of its own, and so does a signal handler that
finds a record half made. Each record carries the running CRC-32 of all bytes before it, so a
reader finds rot with one call. Never touches another's file.
"""

from __future__ import annotations

import fcntl
import os
import re
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from os import write
from pathlib import Path
from threading import RLock
from time import time
from typing import Any
from uuid import UUID
from zlib import crc32

from orjson import dumps

from xvc.core.ids import origin_of, row_id, writer_id
from xvc.core.limits import KEYS, RECORD, VALUE
from xvc.core.record import SCHEMA, Control, RecordKind
from xvc.errors import JournalFailed, TooLarge, XvcError
from xvc.journal.codec import (
    DIRECT,
    PLAIN,
    STRICT,
    check_key,
    decode_name,
    encode_control,
    encode_key,
    encode_value,
)
from xvc.system.standard_streams import make_real
from xvc.types import Json, Row, RunId

SUFFIX = ".jsonl"
_MOST_OPEN = 128
_HEAD = 80  # no record's values begin before this byte
_has_null = re.compile(b"null").search  # a fifth faster than `bytes.find`


class Journal:
    """One process's journal in *folder*.

    Args:
        folder: made when missing.
        facts: what the first record says of the writer, JSON values.
        sync_seconds: at most so long until a record is on the disk; 0 is every record, None only
            at `flush` and `close`.

    Raises:
        JournalFailed: the file cannot be made.
    """

    __slots__ = (
        "__weakref__",
        "_aside",
        "_busy",
        "_chain",
        "_declared",
        "_descriptor",
        "_facts",
        "_folder",
        "_keys",
        "_known",
        "_lock",
        "_sequence",
        "_sync_seconds",
        "_synced",
        "path",
        "writer",
    )

    def __init__(
        self, folder: Path, facts: Mapping[str, Json], *, sync_seconds: float | None = None
    ) -> None:
        self._folder, self._facts, self._sync_seconds = folder, dict(facts), sync_seconds
        self._start_over()
        self._open()
        forked = weakref.WeakMethod(self._leave_to_parent)
        os.register_at_fork(after_in_child=lambda: _call(forked))

    def _start_over(self) -> None:
        self._lock = RLock()
        self._aside: Journal | None = None
        self._busy = False
        self._descriptor = -1
        self._known: dict[str, tuple[dict[type, dict[str, str]], dict[str, Any]]] = {}

    def _leave_to_parent(self) -> None:
        """In a forked child: the file stays the parent's; the next record opens another."""
        if self._aside is not None:
            self._aside._leave_to_parent()
        self._let_go()
        self._start_over()

    def _open(self) -> None:
        self.writer = writer_id(os.urandom(5))
        self.path = self._folder / (self.writer + SUFFIX)
        self._sequence, self._chain, self._synced = 0, 0, time()
        self._known = {}
        self._declared: dict[str, set[str]] = {}
        self._keys: dict[str, set[str]] = {}
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            make_real()
            self._descriptor = _make_held(self.path)
        except OSError as err:
            raise JournalFailed(str(self.path), err.strerror or str(err)) from err
        self._write(RecordKind.OPEN, None, self._facts)
        _close_oldest(self)

    def row(self, run: RunId, table: str, values: Row) -> float:
        """Append one row and return its time in seconds since the epoch.

        Raises:
            BadValue: a key or value cannot be kept; nothing was written.
            JournalFailed: the disk refused; nothing of this row will be read.
        """
        with self._lock:  # nothing else lets go of it wherever an interrupt comes
            if self._busy:
                return self._beside().row(run, table, values)
            try:
                self._busy = True
                try:
                    names, record = self._known[table]
                    floats = names[float]
                    body = {}
                    for key, value in values.items():
                        kind = value.__class__
                        if kind is float:
                            body[floats[key]] = value
                        else:
                            body[names[kind][key]] = value
                    at = time()
                    if at <= record["t"]:
                        at = _after(record["t"])
                    record["n"] = sequence = self._sequence + 1
                    record["t"] = at
                    record["c"] = self._chain
                    record["r"] = run
                    record["d"] = body
                    line = dumps(record, None, STRICT)
                except (KeyError, TypeError):  # a new key, or a value that JSON has no word for
                    return self._spelled_row(run, table, values)
                length = len(line)
                # What NaN and infinity become; and what may hold a value that is too large.
                if length > VALUE or _has_null(line, _HEAD):
                    return self._spelled_row(run, table, values)
                # This is `_append`, written out: calling it would cost a tenth of the whole.
                written = write(self._descriptor, line)
                if written != length:
                    self._take_back(written)
                self._sequence = sequence
                self._chain = crc32(line, self._chain)
                if self._sync_seconds is not None:
                    self._sync_when_due(self._sync_seconds)
                return at
            except BaseException as err:
                self._broken_off(err)
                raise
            finally:
                self._busy = False

    def _broken_off(self, err: BaseException) -> None:
        if isinstance(err, OSError):
            raise JournalFailed(str(self.path), err.strerror or str(err)) from err
        if not isinstance(err, XvcError):
            self._let_go()  # an interrupt: the record may be in the file, and is not counted

    def _beside(self) -> Journal:
        """A journal for a signal handler that came in the middle of a record of this one."""
        if self._aside is None:
            self._aside = Journal(self._folder, self._facts, sync_seconds=self._sync_seconds)
        return self._aside

    @property
    def written(self) -> int:
        """How many records are in the file."""
        return self._sequence

    def copy(self, name: UUID, run: RunId, table: str, values: Row) -> None:
        """Append a row of another journal, which keeps the id it has.

        Raises:
            BadValue: a key or value cannot be kept; nothing was written.
            JournalFailed: the disk refused; nothing of this row will be read.
        """
        with self._lock:
            self._spelled_row(run, table, values, origin_of(name))

    def _spelled_row(
        self, run: RunId, table: str, values: Row, origin: tuple[int, int, str] | None = None
    ) -> float:
        """Write a row value by value, after naming the keys that are new to this file."""
        body: dict[str, object] = {}
        names: dict[str, str] = {}
        for key, value in values.items():
            tag, carried = encode_value(check_key(key), value)
            names[key] = name = f"{tag}:{encode_key(key)}"
            if tag != "n":
                body[name] = carried
        if self._descriptor < 0:
            self._open()
        if beyond := self.beyond(table, values):
            raise too_many(beyond)
        _refuse_large(body)
        self._declare(run, table, values, names)
        microseconds, number, writer = origin or (None, self._sequence + 1, self.writer)
        record = self._known[table][1]
        if microseconds is None:
            at = time()
            if at <= record["t"]:
                at = _after(record["t"])
            record["t"] = at
        else:
            at = microseconds / 1e6
        said = {"n": number, "t": at, "c": self._chain, "w": writer, "r": run, "d": body}
        self._append(dumps(record | said, option=PLAIN))
        return at

    def beyond(self, table: str, keys: Iterable[str]) -> list[str]:
        """List the keys that a table of this run has no room for any more, in their order."""
        held = self._keys.get(table, ())
        fresh = [key for key in keys if key not in held]
        return fresh[KEYS - len(held) :]

    def _declare(self, run: RunId, table: str, values: Row, names: Mapping[str, str]) -> None:
        held = self._declared.get(table)
        fresh: list[Json] = [n for n in names.values() if held is None or n not in held]
        if fresh or held is None:  # a table is named even by a row without keys
            self._write(RecordKind.KEYS, run, fresh, table)
            self._declared.setdefault(table, set()).update(names.values())
            self._keys.setdefault(table, set()).update(names)
            self._known.setdefault(table, ({kind: {} for kind in DIRECT}, self._record(table)))
        for key, value in values.items():
            if DIRECT.get(value.__class__) == names[key].partition(":")[0]:
                self._known[table][0][value.__class__][key] = names[key]

    def _record(self, table: str) -> dict[str, Any]:
        """What the records of a table's rows have in common, in the order of their fields."""
        said = dict.fromkeys("vntcwred")
        return {**said, "v": SCHEMA, "t": 0.0, "w": self.writer, "e": table}

    def note(self, kind: RecordKind, run: RunId | None, facts: Json) -> UUID:
        """Append a record that is no row; returns its id, which sorts by time as those of rows.

        Secrets in what it says are masked, whoever says it.

        Raises:
            TooLarge: it says more than a record may; nothing was written.
            JournalFailed: the disk refused.
        """
        with self._lock:
            if self._busy:
                return self._beside().note(kind, run, facts)
            self._busy = True
            try:
                if self._descriptor < 0:
                    self._open()
                at = self._write(kind, run, _masked(kind, facts))
                return row_id(at, self._sequence, self.writer)
            except BaseException as err:
                self._broken_off(err)
                raise
            finally:
                self._busy = False

    def _write(
        self, kind: RecordKind, run: RunId | None, facts: Json, table: str | None = None
    ) -> float:
        at = time()
        control = Control(
            kind=kind.value,
            run=run,
            facts=facts,
            at=at,
            writer=self.writer,
            sequence=self._sequence + 1,
            table=table,
        )
        line = encode_control(control, self._chain)
        if len(line) > RECORD and kind is not RecordKind.KEYS:
            words = f"the record has {len(line):,} bytes; it may have {RECORD:,}"
            raise TooLarge(kind.value, words)
        self._append(line)
        return at

    def _append(self, line: bytes) -> None:
        try:
            written = write(self._descriptor, line)
        except OSError as err:
            raise JournalFailed(str(self.path), err.strerror or str(err)) from err
        if written != len(line):
            self._take_back(written)
        self._sequence += 1
        self._chain = crc32(line, self._chain)
        if self._sync_seconds is not None:
            self._sync_when_due(self._sync_seconds)

    def _take_back(self, written: int) -> None:
        """Cut off half a record after a full disk, so that the next one starts on a line."""
        try:
            os.ftruncate(self._descriptor, os.fstat(self._descriptor).st_size - written)
        except OSError:
            self._let_go()  # the next record opens another file; this tail stays torn
        raise JournalFailed(str(self.path), "no space left on device")

    def _sync_when_due(self, seconds: float) -> None:
        if time() - self._synced >= seconds:
            self.flush()

    def flush(self) -> None:
        """Put every record on the disk.

        Raises:
            JournalFailed: the disk refused; the records may be lost by a power cut, and later
                ones go to another file.
        """
        with self._lock:
            if self._aside is not None:
                self._aside.flush()
            if self._descriptor < 0:
                return
            try:
                os.fsync(self._descriptor)
                _sync_folder(self._folder)
            except OSError as err:
                # After a failed fsync the kernel forgets the error: asking again would lie.
                self._let_go()
                raise JournalFailed(str(self.path), err.strerror or str(err)) from err
            self._synced = time()

    def close(self) -> None:
        """Seal, flush and release the file; a second call does nothing.

        Raises:
            JournalFailed: the disk refused.
        """
        with self._lock:
            if self._aside is not None:
                self._aside.close()
            if self._descriptor < 0 or self._busy:
                return  # busy: a handler closes, and the record it interrupted is still to come
            self.note(RecordKind.SEAL, None, None)
            self.flush()
            self._let_go()

    def rest(self) -> None:
        """Close the file, unless a row is being written; the next row opens another.

        Raises:
            JournalFailed: the disk refused.
        """
        if self._lock.acquire(blocking=False):
            try:
                self.close()
            finally:
                self._lock.release()

    def _let_go(self) -> None:
        """Close the file; with no names known, the next row opens another."""
        self._known = {}
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:  # last: an interrupt before it must leave no number of another's file
            os.close(descriptor)


def _masked(kind: RecordKind, facts: Json) -> Json:
    if kind in (
        RecordKind.OPEN,
        RecordKind.KEYS,
        RecordKind.SEAL,
        RecordKind.ASSET,
        RecordKind.METRICS,
    ):
        return facts
    from xvc.core.secrets import mask_record  # late: rows are logged without it

    return mask_record(kind, facts)


def _refuse_large(body: Mapping[str, object]) -> None:
    """Refuse a row of which each value is small enough, and the whole is not."""
    whole = len(dumps(body))
    if whole > RECORD:
        largest = max(body, key=lambda name: len(dumps(body[name])))
        words = f"the row has {whole:,} bytes, this the most of them; it may have {RECORD:,}"
        raise TooLarge(decode_name(largest)[1], words)


def too_many(keys: Sequence[str]) -> TooLarge:
    """Make the error that names the first of the keys that a table has no room for."""
    others = f" and {len(keys) - 1:,} more" if len(keys) > 1 else ""
    words = f"{KEYS:,} keys are the most that a run may have in a table"
    return TooLarge(f"{keys[0]}{others}", words)


_OPEN: deque[weakref.ref[Journal]] = deque()
"""The journals that this process has opened, oldest first. Descriptors are the process's, too."""


def _close_oldest(opened: Journal) -> None:
    """Let go of the file that was opened first, when there are many; its next row opens another."""
    _OPEN.append(weakref.ref(opened))
    while len(_OPEN) > _MOST_OPEN:
        oldest = _OPEN.popleft()()
        if oldest is not None:
            with suppress(JournalFailed):  # then its rows are as safe as before any flush
                oldest.rest()


def _after(at: float) -> float:
    """The next microsecond: a clock that steps back does not change the order of rows."""
    return (round(at * 1e6) + 1) / 1e6


def _make_held(path: Path) -> int:
    """Make a file that nobody sees before it is marked as being written.

    Whoever saw it before would take its writer for one that has ended, and, by looking, keep it
    from ever being marked: of 100 journals made beside a busy reader that befell two.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
    unseen = path.with_name(f".{path.name}.new")
    descriptor = os.open(unseen, flags, 0o644)
    try:
        _hold(descriptor)
        os.rename(unseen, path)
    except BaseException:
        os.close(descriptor)
        with suppress(OSError):
            unseen.unlink()
        raise
    return descriptor


def _hold(descriptor: int) -> None:
    """Mark the file as being written for as long as this process lives."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return  # a file system without flock: the owner in the first record still tells


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _call(method: weakref.WeakMethod[Callable[[], None]]) -> None:
    alive = method()
    if alive is not None:
        alive()
