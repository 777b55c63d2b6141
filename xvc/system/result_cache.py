"""The folder of cached results: diskcache as the store, each value proven before it is unpickled.

The folder is the user's alone, is never cleared to make room, and is on the disk when `Cache.put`
returns. Unpickling runs code: a folder that others can write to is refused. A value stands behind
the sha256 of its key, its facts and itself: diskcache alone gives empty values after a power cut.
"""

from __future__ import annotations

import os
import pickle
import sqlite3
import time
import weakref
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import diskcache  # type: ignore[import-untyped]

from xvc.core.cache_entry import CachedCall
from xvc.errors import CorruptError, ExternalError, NotFoundError, error

_DATABASE = "cache.db"
_RAW, _FILE = diskcache.core.MODE_RAW, diskcache.core.MODE_BINARY
_HITS, _MISSES = "#hits ", "#misses "
_SEAL = 32  # bytes of a sha256
_COUNT_SECONDS = 5.0  # a commit takes as long as a thousand hits, on a slow disk
_FAILURES = (sqlite3.Error, diskcache.Timeout, OSError)
_UNREADABLE = (  # what the code of a class whose object is made again may raise
    pickle.UnpicklingError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    NameError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)
_UNWRITABLE = (pickle.PicklingError, AttributeError, TypeError, ValueError, RuntimeError)


@error("cache-failed")
class CacheFailed(ExternalError):
    """The folder of cached results cannot be used."""

    folder: str
    reason: str
    says = "the cache {folder} cannot be used: {reason}"
    way = "Mend the folder or name another; without it every call is computed."


@error("entry-rotten")
class EntryRotten(CorruptError):
    """A cached result is not what was stored, or its classes are gone."""

    key: str
    reason: str
    says = "the cached result {key:.12} cannot be trusted: {reason}"
    way = "It is computed anew when it is needed."


@error("no-cache")
class NoCache(NotFoundError):
    """A folder holds no cached results."""

    folder: str
    says = "there is no cache in {folder}"
    way = "Name the folder with --cache, or in the setting cache.folder."


@error("no-entry")
class NoEntry(NotFoundError):
    """Nothing is cached under a key, or for a function."""

    name: str
    says = "nothing is cached for {name!r}"
    way = "`xvc cache ls` lists what is."


class Cache:
    """Results of calls by their keys.

    Args:
        folder: made when it is missing; one that holds other files is refused.

    Raises:
        CacheFailed: the folder cannot be used.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder).absolute()
        with self._mapped():
            _make_private(self.folder)
            self._store = diskcache.Cache(
                str(self.folder),
                disk=_Bytes,
                timeout=20,
                eviction_policy="none",
                cull_limit=0,
                size_limit=1 << 62,
                statistics=0,
                tag_index=0,
                sqlite_synchronous=2,
            )
        self._counts = _Counts()
        self._finish = weakref.finalize(self, self._counts.write, self._store)

    @classmethod
    def existing(cls, folder: str | os.PathLike[str]) -> Cache:
        """Open a cache that is there.

        Raises:
            NoCache: none is.
            CacheFailed: the folder cannot be used.
        """
        if not (Path(folder) / _DATABASE).exists():
            raise NoCache(str(folder))
        return cls(folder)

    def get(self, key: str) -> dict[str, object] | None:
        """Return ``{"result": …, "cache": run id}``, made anew at each call; None when absent.

        Raises:
            EntryRotten: the bytes are not those that were stored; nothing was unpickled.
            CacheFailed: the folder cannot be read.
        """
        try:
            sealed, facts = self._store.get(key, tag=True)
        except _FAILURES as err:
            raise CacheFailed(str(self.folder), str(err)) from err
        if sealed is None:
            return None
        payload = sealed[_SEAL:] if isinstance(sealed, bytes) else b""
        if not payload or not sealed.startswith(_seal(key, facts, payload)):
            raise EntryRotten(key, "its bytes have changed")
        try:
            found: dict[str, object] = pickle.loads(payload)  # noqa: S301 - proven
        except _UNREADABLE as err:
            raise EntryRotten(key, f"{type(err).__name__}: {err}") from err
        return found

    def put(self, entry: CachedCall, result: object) -> None:
        """Store a result durably; one that is there under the same key is replaced.

        Raises:
            TypeError: the result cannot be pickled.
            CacheFailed: the folder cannot be written.
        """
        payload = _pickled({"result": result, "cache": entry.run})
        facts = CachedCall(
            key=entry.key,
            called=entry.called,
            run=entry.run,
            created=entry.created,
            size=len(payload),
        ).write()
        with self._mapped():
            self._store.set(entry.key, _seal(entry.key, facts, payload) + payload, tag=facts)

    def entries(self) -> Iterator[CachedCall]:
        """Everything that is stored, by key, without reading any result."""
        with self._mapped():
            for key in self._keys():
                _, facts = self._store.get(key, read=True, tag=True)
                try:
                    yield CachedCall.read(key, str(facts))
                except ValueError:
                    continue  # another program's, or torn: `get` will say so

    def delete(self, keys: Iterable[str]) -> int:
        """Delete entries; returns how many were there."""
        with self._mapped():
            return sum(bool(self._store.delete(key)) for key in keys)

    def count(self, function: str, *, hit: bool) -> None:
        """Count a hit or a miss; it is on the disk at a later one, or when closed."""
        if self._counts.add(function, hit=hit):
            self._counts.write(self._store)

    def counts(self) -> dict[str, tuple[int, int]]:
        """Hits and misses of every function, over all processes."""
        self._counts.write(self._store)
        found: dict[str, list[int]] = {}
        with self._mapped():
            for key in self._store.iterkeys():
                for place, tag in enumerate((_HITS, _MISSES)):
                    if key.startswith(tag):
                        both = found.setdefault(key.removeprefix(tag), [0, 0])
                        both[place] = int(self._store.get(key, 0))
        return {function: (hits, misses) for function, (hits, misses) in found.items()}

    def close(self) -> None:
        """Write the counts down and let go of the files."""
        self._counts.write(self._store)
        self._store.close()

    def _keys(self) -> list[str]:
        return [key for key in self._store.iterkeys() if key and not key.startswith("#")]

    @contextmanager
    def _mapped(self) -> Iterator[None]:
        try:
            yield
        except _FAILURES as err:
            raise CacheFailed(str(self.folder), str(err)) from err


class _Bytes(diskcache.Disk):  # type: ignore[misc]
    """Bytes and numbers only: diskcache's own disk would unpickle what it finds."""

    def get(self, key: Any, raw: bool) -> str:
        return str(super().get(key, raw)) if raw else ""

    def fetch(self, mode: int, filename: str | None, value: Any, read: bool) -> Any:
        if mode == _RAW:
            return value
        return b"" if read or mode != _FILE else super().fetch(mode, filename, value, read)


class _Counts:
    """Hits and misses that are not written down yet; a forked child begins with none."""

    def __init__(self) -> None:
        self._pending: deque[tuple[str, bool]] = deque()  # threads share it without a lock
        self._pid = os.getpid()
        self._written = time.monotonic()

    def add(self, function: str, *, hit: bool) -> bool:
        """Count one; tells whether it is time to write."""
        if self._pid != os.getpid():
            self._pending, self._pid = deque(), os.getpid()
        self._pending.append((function, hit))
        return time.monotonic() - self._written > _COUNT_SECONDS

    def write(self, store: Any) -> None:
        """Add what is pending to the store; where that fails it stays pending: only counts."""
        if self._pid != os.getpid():
            return
        self._written = time.monotonic()
        taken = []
        with suppress(IndexError):  # another thread may be taking, too
            while self._pending:
                taken.append(self._pending.popleft())
        try:
            if taken:
                with store.transact():
                    for (function, hit), count in Counter(taken).items():
                        store.incr(f"{_HITS if hit else _MISSES}{function}", count)
        except _FAILURES:
            self._pending.extend(taken)


def _make_private(folder: Path) -> None:
    """Make the folder, or see that it is ours alone."""
    is_new = not folder.exists()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    state = folder.stat()
    if state.st_uid != os.getuid():
        raise CacheFailed(str(folder), "it belongs to another user")
    if (folder / _DATABASE).exists():
        if state.st_mode & 0o077:
            mode = f"{state.st_mode & 0o777:o}"
            words = f"others can reach it (mode {mode}); `chmod 700` it if all in it is yours"
            raise CacheFailed(str(folder), words)
        return
    if not is_new and any(
        not path.name.startswith((".git", _DATABASE)) for path in folder.iterdir()
    ):
        raise CacheFailed(str(folder), "it holds other files")
    folder.chmod(0o700)
    with suppress(FileExistsError), (folder / ".gitignore").open("x") as ignored:
        ignored.write("*\n")  # results are no code: a run's snapshot would take them


def _seal(key: str, facts: object, payload: bytes) -> bytes:
    whole = sha256(f"{key} {facts} ".encode())
    whole.update(payload)
    return whole.digest()


def _pickled(value: object) -> bytes:
    try:
        return pickle.dumps(value, protocol=5)
    except _UNWRITABLE:
        import cloudpickle  # type: ignore[import-untyped]  # late: only for lambdas and local classes

        try:
            return bytes(cloudpickle.dumps(value, protocol=5))
        except _UNWRITABLE as err:
            raise TypeError(str(err)) from err
