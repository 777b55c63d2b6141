"""Opening a store: the only door to DuckDB. Short, one at a time, errors mapped here.

Nothing reads, hashes or copies the file while a connection of this process is open: closing any
descriptor of it would drop DuckDB's lock. A new file is made under another name and renamed.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from xvc.adapters.files import beside
from xvc.errors import (
    BusyError,
    CorruptError,
    StoreBusy,
    StoreCorrupt,
    StoreFailed,
    TooNew,
    XvcError,
)
from xvc.store.schema import ASSETS, STORAGE, SYSTEM, VERSION, literal, quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_OFFLINE: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}
_PID = re.compile(r"PID (\d+)")
_READABLE = "open this database in read-only mode"
_ROTTEN = (
    "corrupt",
    "checksum",
    "not a valid duckdb database",
    "wal file",
    "replaying wal",
    "could not read",
    "deserialize",
    "serialization error",
    "unexpected end",
)


_UNFIT = ("Binder Error", "Catalog Error", "Constraint Error", "Dependency Error")


class StoreUnfit(StoreFailed):
    """The tables are not as xvc left them: another program changed them."""

    code = "store-unfit"

    @property
    def hint(self) -> str:
        """Names both ways out."""
        return "Undo that change (an index, a column), or move the file away and xvc rebuilds it."


class ReadersHold(StoreBusy):
    """Other programs hold the store, all of them only reading."""


def wal_of(path: Path) -> Path:
    """Name the write-ahead log that DuckDB keeps beside a store."""
    return path.with_name(path.name + ".wal")


@contextmanager
def writing(path: Path) -> Iterator[DuckDBPyConnection]:
    """Open an existing store for writing, in one transaction; checkpointed when closed.

    Raises:
        StoreBusy: another program has it open (`ReadersHold` when they only read).
        StoreCorrupt: it does not open.
        StoreFailed: DuckDB refused something else.
    """
    import duckdb

    with mapped(path):
        connection = duckdb.connect(str(path), config=_OFFLINE)
        try:
            connection.execute("SET TimeZone='UTC'")
            refuse_newer(connection, path)
            connection.execute("BEGIN")
            yield connection
            connection.execute("COMMIT")
        finally:
            connection.close()


@contextmanager
def reading(path: Path) -> Iterator[DuckDBPyConnection]:
    """Open a store, or a cache object that is one, for reading.

    Raises:
        StoreBusy: another program has it open for writing.
        StoreCorrupt: it does not open.
        StoreFailed: DuckDB refused a query.
    """
    import duckdb

    with mapped(path):
        connection = duckdb.connect(str(path), read_only=True, config=_OFFLINE)
        try:
            connection.execute("SET TimeZone='UTC'")
            refuse_newer(connection, path)
            yield connection
        finally:
            connection.close()


@contextmanager
def in_memory(path: Path) -> Iterator[DuckDBPyConnection]:
    """Open a database in memory; *path* is named in errors."""
    import duckdb

    with mapped(path):
        connection = duckdb.connect(":memory:", config=_OFFLINE)
        try:
            connection.execute("SET TimeZone='UTC'")
            yield connection
        finally:
            connection.close()


def read_through(connection: DuckDBPyConnection) -> None:
    """Look at every value of every table: a torn file opens, and fails where it is torn.

    0.2 s for a million rows; for files that another program has changed.
    """
    found = connection.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() "
        "WHERE database_name = current_database() AND NOT internal"
    ).fetchall()
    for schema, table in found:
        connection.execute(
            f"SELECT bit_xor(hash(t)) FROM {quoted(schema)}.{quoted(table)} t"
        ).fetchall()


def create(path: Path) -> None:
    """Make an empty store: under another name first, because one killed at birth never opens."""
    path.parent.mkdir(parents=True, exist_ok=True)
    birth = beside(path, "new")
    _remove(birth)
    with in_memory(path) as connection:
        connection.execute(f"ATTACH {literal(str(birth))} AS born (STORAGE_VERSION '{STORAGE}')")
        connection.execute("USE born")
        connection.execute(SYSTEM + ASSETS)
        connection.execute("INSERT INTO meta VALUES ('schema', ?)", [str(VERSION)])
        connection.execute("USE memory")
        connection.execute("DETACH born")
    os.replace(birth, path)


def copy_through_readers(path: Path, copy: Path) -> None:
    """Copy a store that others are reading, by DuckDB itself, so that no lock is dropped."""
    _remove(copy)
    with in_memory(path) as connection:
        connection.execute(f"ATTACH {literal(str(path))} AS held (READ_ONLY)")
        connection.execute(f"ATTACH {literal(str(copy))} AS copy (STORAGE_VERSION '{STORAGE}')")
        connection.execute("COPY FROM DATABASE held TO copy")


@contextmanager
def beside_readers(path: Path, copy: Path) -> Iterator[DuckDBPyConnection]:
    """Open a copy of a store that others read, for writing; it takes the store's place.

    Meanwhile our own reading keeps writers out. What a log beside the store held is in the copy.
    """
    try:
        with reading(path):
            copy_through_readers(path, copy)
            with writing(copy) as connection:
                yield connection
            os.replace(copy, path)
            wal_of(path).unlink(missing_ok=True)
    finally:
        _remove(copy)


def set_aside(path: Path, word: str) -> Path:
    """Give a store another name, one that nothing has; returns it."""
    stem = f"{path.name}.{word}-{time.strftime('%Y%m%dT%H%M%S')}"
    names = (stem if number == 1 else f"{stem}-{number}" for number in count(1))
    place = next(free for name in names if not (free := path.with_name(name)).exists())
    os.replace(path, place)
    if wal_of(path).exists():
        os.replace(wal_of(path), wal_of(place))
    return place


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    wal_of(path).unlink(missing_ok=True)


def refuse_newer(connection: DuckDBPyConnection, path: Path) -> None:
    """Look at the schema's number.

    Raises:
        TooNew: it is higher than the one known here.
        StoreCorrupt: it is no store of xvc's.
    """
    import duckdb

    try:
        found = connection.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
    except duckdb.CatalogException as err:
        raise StoreCorrupt(str(path), "it is a database of another program") from err
    if found is not None and int(found[0]) > VERSION:
        raise TooNew(str(path), int(found[0]), VERSION)


@contextmanager
def mapped(path: Path) -> Iterator[None]:
    """Turn DuckDB's errors into ours."""
    import duckdb

    try:
        yield
    except duckdb.Error as err:
        raise _translated(path, str(err)) from err
    except RuntimeError as err:  # some storage errors reach Python as bare RuntimeErrors
        if isinstance(err, XvcError):
            raise
        raise StoreCorrupt(str(path), _first_line(str(err))) from err


def _translated(path: Path, words: str) -> BusyError | CorruptError | StoreFailed:
    if "Conflicting lock" in words or "Unique file handle conflict" in words:
        pid = _PID.search(words)
        held = ReadersHold if _READABLE in words else StoreBusy
        return held(str(path), f"process {pid[1]}" if pid else "")
    if any(sign in words.lower() for sign in _ROTTEN):
        return StoreCorrupt(str(path), _first_line(words))
    kind = StoreUnfit if words.startswith(_UNFIT) else StoreFailed
    return kind(str(path), _first_line(words))


def _first_line(words: str) -> str:
    return words.strip().splitlines()[0][:300] if words.strip() else "no message"


def warm_up() -> None:
    """Begin to load DuckDB in a thread, while the caller waits for something else."""
    import threading
    from importlib import import_module

    threading.Thread(target=import_module, args=("duckdb",), daemon=True).start()
