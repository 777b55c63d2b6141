"""Opening a store: the only door to DuckDB. Short, one at a time, errors mapped here.

Nothing reads, hashes or copies the file while a connection of this process is open: closing any
descriptor of it would drop DuckDB's lock. A new file is made under another name and renamed.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from xvc.core.late_pattern import late
from xvc.errors import (
    BusyError,
    CorruptError,
    NotAStore,
    OtherDuckDB,
    StoreBusy,
    StoreCorrupt,
    StoreFailed,
    TooNew,
    XvcError,
)
from xvc.store.base_tables import refuse_computed
from xvc.store.file_names import file_name, folder_name
from xvc.store.schema import (
    ASSETS,
    EDITS,
    LARGE_BLOCK,
    SMALL_BLOCK,
    STORAGE,
    SYSTEM,
    VERSION,
    literal,
    quoted,
)
from xvc.store.system_table_checks import refuse_unsound
from xvc.system.files import beside, stand_somewhere, take_place
from xvc.system.standard_streams import make_real

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_ROOM = 1 << 30  # bytes of address space; at 200 MB its threads could not begin
_OFFLINE: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
}
COPIED = "copied"
"""What SQL calls the copy of a store that is being written."""

NAME = "db"
"""What SQL may call the store: ``db.events`` is ``events``."""

_PID = late(r"PID (\d+)")
_NAMED = late(r'"[^"\n]*"')  # files, tables and columns in DuckDB's messages
# What a merge may take before it spills. DuckDB's process takes more than it is told: 0.87 GB for
# stores of 10,000,000 rows by 12, and 1.37 GB when told 1 GB.
_MEMORY = "700MB"
_CHANGE = 5_000_000  # bytes of a store from which on large blocks are the better ones
_PAGES = 3 * 4096  # what a file of DuckDB has before its blocks
_FOLD_MEMORY = "400MB"  # what a fold may take before it spills; a process takes 0.1 GB besides
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


_OTHER_DUCKDB = late(
    r"storage version number (\d+), but we can only read storage versions between (\d+) and (\d+)"
)
_UNFIT = ("Binder Error", "Catalog Error", "Constraint Error", "Dependency Error")


class StoreUnfit(StoreFailed):
    """The tables are not as xvc left them: another program changed them."""

    code = "store-unfit"

    @property
    def hint(self) -> str:
        """Names both ways out."""
        return "Undo that change (an index, a column), or move the file away and xvc rebuilds it."


class StoreMisnamed(StoreFailed):
    """DuckDB cannot write there: it puts ``.wal`` before the first question mark of a path."""

    code = "store-misnamed"
    says = "{path}: DuckDB writes no store under a name with a question mark"
    way = "Rename that folder or file; the rows are kept in the journals meanwhile."


class ForeignStore(StoreCorrupt):
    """The file is no store of xvc's: another program's database, or no database."""

    code = "foreign-store"

    def __str__(self) -> str:
        return f"{self.path} is no store that xvc can read: {self.reason}"

    @property
    def hint(self) -> str:
        """Names what opens it."""
        return "Open it with the program that made it; xvc has not touched it."


class SourceCorrupt(StoreCorrupt):
    """A store that was to be read beside ours is damaged."""

    way = "Nothing was changed. It is not the store of this project: get a whole copy of that file."


class ReadersHold(StoreBusy):
    """Other programs hold the store, all of them only reading."""


def is_misnamed(path: Path) -> bool:
    """Whether DuckDB could not write a store there; see `StoreMisnamed`."""
    return "?" in str(path.absolute())


def wal_of(path: Path) -> Path:
    """Name the write-ahead log that DuckDB keeps beside a store."""
    return path.with_name(path.name + ".wal")


def refuse_log(path: Path) -> None:
    """Make sure that a closed store is whole, before it is copied, renamed or hashed.

    DuckDB writes its log into the file when it closes it, and where that fails (a full disk) it
    says nothing: the rows are in the log alone.

    Raises:
        StoreFailed: there is a log.
    """
    if wal_of(path).exists():
        raise StoreFailed(str(path), "DuckDB could not write its log into the file; is there room?")


def _close_off(connection: DuckDBPyConnection, *folders: Path) -> None:
    """Limit SQL to the open databases and the files in *folders*."""
    if folders:
        named = ", ".join(literal(folder_name(each)) for each in folders)
        connection.execute(f"SET allowed_directories = [{named}]")
    connection.execute("SET enable_external_access = false")


def _limit_fold(connection: DuckDBPyConnection, path: Path) -> None:
    """Say how much memory a fold may take, and where it spills what is more."""
    connection.execute(f"SET memory_limit = '{_FOLD_MEMORY}'")
    connection.execute(f"SET temp_directory = {literal(file_name(beside(path, 'spill')))}")


@contextmanager
def writing(path: Path, *folders: Path) -> Iterator[DuckDBPyConnection]:
    """Open an existing store for writing, in one transaction; checkpointed when closed.

    SQL reaches no other file, except in *folders*.

    Raises:
        StoreBusy: another program has it open (`ReadersHold` when they only read).
        StoreCorrupt: it does not open.
        StoreFailed: DuckDB refused something else.
    """
    import duckdb

    make_real()
    stand_somewhere(path.parent)
    with mapped(path):
        connection = duckdb.connect(file_name(path), config=_OFFLINE)
        try:
            connection.execute("SET TimeZone='UTC'")
            _limit_fold(connection, path)
            _close_off(connection, *folders)
            refuse_newer(connection, path)
            connection.execute("BEGIN")
            yield connection
            connection.execute("COMMIT")
        finally:
            connection.close()


@contextmanager
def reading(
    path: Path, *, is_known: bool = False, into: Path | None = None
) -> Iterator[DuckDBPyConnection]:
    """Open a store, or a cache object that is one, for reading; SQL may call it ``db``.

    SQL reaches no other file, loads no extension and changes no setting.

    Args:
        path: the store.
        is_known: xvc has looked at this very file before; else it is looked at as a stranger's.
        into: a folder that SQL may write into, for an answer too large for memory.

    Raises:
        StoreComputes: it holds more than plain tables.
        BooksCorrupt: its books are not as xvc writes them.
        StoreBusy: another program has it open for writing.
        StoreCorrupt: it does not open.
        StoreFailed: DuckDB refused a query.
    """
    import duckdb

    make_real()
    stand_somewhere(path.parent)
    with mapped(path):
        connection = duckdb.connect(":memory:", config=_OFFLINE)
        try:
            connection.execute("SET GLOBAL TimeZone='UTC'")  # for cursors, too
            connection.execute("SET python_enable_replacements = false")
            connection.execute(f"ATTACH {literal(file_name(path))} AS {NAME} (READ_ONLY)")
            _close_off(connection, *([into] if into else []))
            connection.execute("SET lock_configuration = true")
            if not is_known:
                refuse_foreign(connection, path, NAME)
            connection.execute(f"USE {NAME}")
            refuse_newer(connection, path)
            if not is_known:
                refuse_unsound(connection, path)
            yield connection
        finally:
            connection.close()


def started_for(name: str) -> DuckDBPyConnection:
    """Start an instance that reaches no file but one, which it has not attached yet."""
    import duckdb

    connection = duckdb.connect(":memory:", config=_OFFLINE)
    connection.execute("SET GLOBAL TimeZone='UTC'")  # for cursors, too
    connection.execute("SET python_enable_replacements = false")
    connection.execute(f"SET allowed_paths = [{literal(name)}, {literal(name + '.wal')}]")
    _close_off(connection)
    connection.execute("SET lock_configuration = true")
    return connection


def opened(path: Path) -> DuckDBPyConnection:
    """Open a private database file for reading; the caller closes it."""
    import duckdb

    make_real()
    stand_somewhere(path.parent)
    connection = duckdb.connect(file_name(path), read_only=True, config=_OFFLINE)
    connection.execute("SET TimeZone='UTC'")
    return connection


@contextmanager
def in_memory(path: Path) -> Iterator[DuckDBPyConnection]:
    """Open a database in memory; *path* is named in errors."""
    import duckdb

    stand_somewhere(path.parent)
    with mapped(path):
        connection = duckdb.connect(":memory:", config=_OFFLINE)
        try:
            connection.execute("SET TimeZone='UTC'")
            yield connection
        finally:
            connection.close()


@contextmanager
def without_rows(*, into: Path | None = None) -> Iterator[DuckDBPyConnection]:
    """Open a store that holds nothing, as `reading` does."""
    import tempfile  # late: most projects have a store

    folder = Path(tempfile.mkdtemp(prefix="xvc-nothing-"))
    try:
        create(folder / "nothing.duckdb")
        with reading(folder / "nothing.duckdb", into=into) as connection:
            yield connection
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def on_files(path: Path, scratch: Path, memory: str) -> Iterator[DuckDBPyConnection]:
    """Open a database in memory to read and write plain files; *path* is named in errors.

    Beyond *memory*, as in ``1GB``, it spills into *scratch*.

    Raises:
        TablesFailed: DuckDB refused a query, or has not enough memory.
    """
    import duckdb

    from xvc.core.table_merge import TablesFailed  # late: a store needs nothing of tables

    connection = duckdb.connect(":memory:", config=_OFFLINE)
    try:
        connection.execute("SET TimeZone='UTC'")
        connection.execute(f"SET temp_directory = {literal(str(scratch))}")
        connection.execute(f"SET memory_limit = {literal(memory)}")
        connection.execute("SET enable_progress_bar = false")
        yield connection
    except duckdb.Error as err:
        raise TablesFailed(str(path), first_line(str(err))) from err
    finally:
        connection.close()


@contextmanager
def reading_file(path: Path) -> Iterator[None]:
    """Name the file that cannot be read.

    Raises:
        NotParquet: it is none, or damaged.
    """
    import duckdb

    from xvc.core.table_merge import NotParquet  # late: as above

    try:
        yield
    except duckdb.Error as err:
        raise NotParquet(str(path), first_line(str(err))) from err


@contextmanager
def side_by_side(
    stores: Mapping[str, Path], written: str, scratch: Path
) -> Iterator[DuckDBPyConnection]:
    """Open several stores in one connection, by the names given; only *written* can change.

    Another person's file is data: nothing here looks into a file beside those that are named, no
    setting can be changed back, and names are found where they are looked for.
    What takes more memory than a merge may have is spilled into *scratch*.

    Raises:
        StoreComputes: one holds more than plain tables.
        StoreBusy: another program has one of them open for writing.
        StoreCorrupt: one does not open, or is no store.
        TooNew: a newer xvc wrote one.
    """
    spill = beside(scratch / "merge", "spill")  # its own: DuckDB's names in it are always the same
    with _removed(spill), in_memory(stores[written]) as connection:
        for name, path in stores.items():
            mode = "" if name == written else " (READ_ONLY)"
            with _mapped_beside(path, is_ours=name == written):
                connection.execute(f"ATTACH {literal(file_name(path))} AS {quoted(name)}{mode}")
                _refuse_others(connection, path, name)
        refuse_computed(connection, stores)
        for name, path in stores.items():
            with _mapped_beside(path, is_ours=name == written):
                refuse_newer(connection, path, f"{quoted(name)}.main.meta")
        connection.execute(f"SET temp_directory = {literal(str(spill))}")
        connection.execute("SET preserve_insertion_order = false")
        connection.execute("SET enable_progress_bar = false")  # in a notebook DuckDB draws one
        connection.execute(f"SET memory_limit = '{_MEMORY}'")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        yield connection
        # Closing does it too, but keeps silent about a full disk, and the log is left behind.
        connection.execute(f"CHECKPOINT {quoted(written)}")
    refuse_log(stores[written])


@contextmanager
def _mapped_beside(path: Path, *, is_ours: bool) -> Iterator[None]:
    """Turn DuckDB's errors into ours; of a store that is read beside ours they say so."""
    try:
        with mapped(path):
            yield
    except ForeignStore:
        raise
    except StoreCorrupt as err:
        if is_ours:
            raise
        raise SourceCorrupt(err.path, err.reason) from err


@contextmanager
def _removed(folder: Path) -> Iterator[None]:
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


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
            # not hash(t): where a key is called so, that is of its column alone
            f"SELECT bit_xor(hash(*COLUMNS(*))) FROM {quoted(schema)}.{quoted(table)}"
        ).fetchall()


def _attached(path: Path, name: str, block: int) -> str:
    """Write the statement that makes a database file."""
    storage = f"STORAGE_VERSION '{STORAGE}', BLOCK_SIZE {block}"
    return f"ATTACH {literal(file_name(path))} AS {name} ({storage})"


def block_for(size: int) -> int:
    """Choose the size of blocks for a store of so many bytes.

    Measured: in small blocks a store of three runs has 0.2 MB in place of 1.8 MB; from 100,000
    rows on, which take 5 MB, they cost more space than large ones, and more time.
    """
    return SMALL_BLOCK if size < _CHANGE else LARGE_BLOCK


def has_unfit_blocks(path: Path, more: int) -> bool:
    """Whether a store that is about to grow by *more* bytes had better be written anew.

    By its size alone: a file is three pages and whole blocks. One small store in sixteen looks
    like a large one, and is looked at again after the next fold.
    """
    size = path.stat().st_size
    is_large = (size - _PAGES) % LARGE_BLOCK == 0
    return size <= _CHANGE // 2 and more < _CHANGE // 2 if is_large else size + more >= _CHANGE


def change_blocks(path: Path, copy: Path, more: int) -> None:
    """Write a store anew, in blocks for the size that it will have, and put it in its place.

    Meanwhile our own reading keeps writers out.

    Raises:
        StoreBusy: another program has it open for writing.
        StoreFailed: DuckDB refused, or the disk is full; the store is as it was.
    """
    _remove(copy)
    try:
        with in_memory(path) as connection:
            connection.execute(f"ATTACH {literal(file_name(path))} AS held (READ_ONLY)")
            connection.execute(_attached(copy, "copy", block_for(path.stat().st_size + more)))
            _close_off(connection)
            connection.execute("COPY FROM DATABASE held TO copy")
            connection.execute("DETACH copy")
            refuse_log(copy)
            take_place(copy, path)
    finally:
        _remove(copy)


def copy_store(path: Path, copy: Path, change: Callable[[DuckDBPyConnection], object]) -> None:
    """Write a store anew at *copy*, and change it there, under the name of `COPIED`.

    Raises:
        StoreComputes: it holds more than plain tables.
        StoreFailed: DuckDB refused, or the disk is full.
    """
    _remove(copy)
    with in_memory(path) as connection:
        connection.execute(f"ATTACH {literal(file_name(path))} AS held (READ_ONLY)")
        refuse_foreign(connection, path, "held")
        connection.execute(_attached(copy, COPIED, block_for(path.stat().st_size)))
        _close_off(connection)
        connection.execute(f"COPY FROM DATABASE held TO {COPIED}")
        change(connection)
        connection.execute(f"DETACH {COPIED}")
    refuse_log(copy)


def create(path: Path, size: int = 0) -> None:
    """Make an empty store; arguments are those of `creating`."""
    with creating(path, size):
        pass


@contextmanager
def creating(path: Path, size: int = 0, *folders: Path) -> Iterator[DuckDBPyConnection]:
    """Make a store and fill it, in one transaction.

    Under another name first, because one that was killed at birth never opens. SQL reaches no other
    file, except in *folders*.

    Args:
        path: where.
        size: how many bytes will soon be in it.
        folders: where SQL may read and write files.
    """
    if is_misnamed(path):  # before DuckDB leaves half of it under a name of its own
        raise StoreMisnamed(str(path), "")
    path.parent.mkdir(parents=True, exist_ok=True)
    birth = beside(path, "new")
    _remove(birth)
    try:
        with in_memory(path) as connection:
            connection.execute(_attached(birth, "born", block_for(size)))
            connection.execute("USE born")
            connection.execute(SYSTEM + ASSETS + EDITS)
            connection.execute("INSERT INTO meta VALUES ('schema', ?)", [str(VERSION)])
            _limit_fold(connection, path)
            _close_off(connection, *folders)
            connection.execute("BEGIN")
            yield connection
            connection.execute("COMMIT")
            connection.execute("USE memory")
            connection.execute("DETACH born")
        refuse_log(birth)
        os.replace(birth, path)
    finally:
        _remove(birth)


def copy_through_readers(path: Path, copy: Path) -> None:
    """Copy a store that others are reading, by DuckDB itself, so that no lock is dropped."""
    _remove(copy)
    with in_memory(path) as connection:
        connection.execute(f"ATTACH {literal(file_name(path))} AS held (READ_ONLY)")
        connection.execute(_attached(copy, "copy", block_for(path.stat().st_size)))
        _close_off(connection)
        connection.execute("COPY FROM DATABASE held TO copy")
    refuse_log(copy)


@contextmanager
def beside_readers(path: Path, copy: Path, *folders: Path) -> Iterator[DuckDBPyConnection]:
    """Open a copy of a store that others read, for writing; it takes the store's place.

    Meanwhile our own reading keeps writers out. What a log beside the store held is in the copy.
    """
    try:
        with reading(path):
            copy_through_readers(path, copy)
            with writing(copy, *folders) as connection:
                yield connection
            refuse_log(copy)
            take_place(copy, path)
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


def stores_set_aside(path: Path) -> list[Path]:
    """List what lies beside a store and was one: edited by others, or damaged."""
    if not path.parent.is_dir():
        return []
    names = tuple(f"{path.name}.{word}-" for word in ("kept", "corrupt"))
    found = (each for each in path.parent.iterdir() if each.name.startswith(names))
    return sorted(each for each in found if not each.name.endswith(".wal"))


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    wal_of(path).unlink(missing_ok=True)


def refuse_foreign(connection: DuckDBPyConnection, path: Path, database: str) -> None:
    """Look at a database that xvc may not have made, before anything in it is read.

    Raises:
        ForeignStore: it is no store of xvc's.
        StoreComputes: it holds more than plain tables.
    """
    _refuse_others(connection, path, database)
    refuse_computed(connection, {database: path})


def _refuse_others(connection: DuckDBPyConnection, path: Path, database: str) -> None:
    has_meta = connection.execute(
        "SELECT 1 FROM system.main.duckdb_tables() "
        "WHERE database_name = ? AND schema_name = 'main' AND table_name = 'meta'",
        [database],
    ).fetchone()
    if has_meta is None:
        raise ForeignStore(str(path), "it is a database of another program")


def refuse_newer(connection: DuckDBPyConnection, path: Path, table: str = "meta") -> None:
    """Look at the schema's number, which *table* holds.

    Raises:
        TooNew: it is higher than the one known here.
        ForeignStore: it is no store of xvc's.
    """
    import duckdb

    try:
        found = connection.execute(f"SELECT value FROM {table} WHERE key = 'schema'").fetchone()
    except duckdb.CatalogException as err:
        raise ForeignStore(str(path), "it is a database of another program") from err
    number = str(found[0]) if found is not None else str(VERSION)
    if not (number.isdecimal() and len(number) < 10):
        raise ForeignStore(str(path), "its schema has no number")
    if int(number) > VERSION:
        raise TooNew(str(path), int(number), VERSION)


def refuse_special(path: Path) -> None:
    """Refuse what is no file, before it is opened: reading a pipe or a device may never end.

    Raises:
        NotAStore: a folder, a pipe or a device is there.
    """
    if path.exists() and not path.is_file():
        raise NotAStore(str(path), "it is no file")


@contextmanager
def mapped(path: Path) -> Iterator[None]:
    """Turn DuckDB's errors into ours.

    Raises:
        NotAStore: a folder, a pipe or a device is there.
    """
    import duckdb

    refuse_special(path)
    try:
        yield
    except duckdb.Error as err:
        raise _translated(path, str(err)) from err
    except RuntimeError as err:  # some storage errors reach Python as bare RuntimeErrors
        if isinstance(err, XvcError):
            raise
        raise StoreCorrupt(str(path), first_line(str(err))) from err


def _translated(path: Path, words: str) -> BusyError | CorruptError | StoreFailed:
    if "Conflicting lock" in words or "Unique file handle conflict" in words:
        pid = _PID.search(words)
        held = ReadersHold if _READABLE in words else StoreBusy
        return held(str(path), f"process {pid[1]}" if pid else "")
    if other := _OTHER_DUCKDB.search(words):
        return OtherDuckDB(str(path), *(int(number) for number in other.groups()))
    own_words = _NAMED.sub("", words.replace(str(path), "")).lower()
    if any(sign in own_words for sign in _ROTTEN):
        return StoreCorrupt(str(path), first_line(words))
    if is_misnamed(path) and ".wal?" in words:
        return StoreMisnamed(str(path), first_line(words))
    kind = StoreUnfit if words.startswith(_UNFIT) else StoreFailed
    return kind(str(path), first_line(words))


def is_of_what_was_asked(err: Exception, *, shapes: bool) -> bool:
    """Whether DuckDB refused what it was given: neither the disk, nor its own fault, nor a stop.

    Args:
        err: what was raised.
        shapes: whether a table of another shape than was expected counts, too.
    """
    import duckdb

    others = (
        *(duckdb.IOException, duckdb.FatalException, duckdb.InterruptException),
        duckdb.PermissionException,  # what this connection may not read is no fault of a record
    )
    unfit = (duckdb.BinderException, duckdb.CatalogException, duckdb.ConstraintException)
    is_refusal = isinstance(err, duckdb.Error) and not isinstance(err, others)
    return is_refusal and (shapes or not isinstance(err, unfit))


def first_line(words: str) -> str:
    """Take the sentence of DuckDB that says what happened."""
    return words.strip().splitlines()[0][:300] if words.strip() else "no message"


def has_room() -> bool:
    """Whether this process may take the memory that DuckDB needs.

    With less (``ulimit -v``), what its libraries cannot get ends the whole process: no exception
    is raised that a caller could handle.
    """
    import resource  # late: only a run asks

    limits = (resource.getrlimit(kind)[0] for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA))
    return all(soft == resource.RLIM_INFINITY or soft >= _ROOM for soft in limits)
