"""SQL of a user's: one question that can only read, or statements that change the store.

A change is made in a copy that takes the store's place, all of it or nothing. What it may not
touch is what xvc finds rows by: the bookkeeping tables, and the shape of those it keeps.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from xvc.core.run import DataFile
from xvc.core.sql_change import SqlChange, SqlStatement, TouchedTable
from xvc.dvc.repository import pointer_of
from xvc.errors import ExternalError, LockBusy, UsageError, error
from xvc.store import db, edited_runs
from xvc.store.base_tables import refuse_computed
from xvc.store.columns import tables
from xvc.store.keeper import Keeper
from xvc.store.last_values import follow, in_all_tables
from xvc.store.schema import SYSTEM_TABLES, quoted
from xvc.store.state import StoreState, stamp_of
from xvc.store.table_queries import Grid, recorded, table_names
from xvc.store.user_sql import asking, lock_down
from xvc.system.files import beside, write_durably
from xvc.system.lock import FileLock

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection, Statement

_READING = ("SELECT", "EXPLAIN", "MULTI")  # a PIVOT is called MULTI
_CHANGING = ("INSERT", "UPDATE", "DELETE", "MERGE_INTO", "CREATE", "CREATE_FUNC", "DROP", "ALTER")
_KEPT = tuple(name for name in SYSTEM_TABLES if name != "runs")
_WAIT = 60.0  # seconds for another xvc to be done with the store


@error("only-reads")
class OnlyReads(UsageError):
    """SQL that changes something was given where only questions are answered."""

    kind: str
    says = "without --write, `xvc db sql` answers one question, and this is {kind}"
    way = "Ask one SELECT, or add `--write` to see what it would change."


@error("not-for-sql")
class NotOurs(UsageError):
    """SQL would change what only xvc may change."""

    what: str
    says = "SQL may not change {what}"
    way = "It may change rows of runs and of event tables, and make tables of its own."


@error("store-read-only")
class StoreReadOnly(ExternalError):
    """The store's file may not be written."""

    path: str
    says = "{path} is read-only"
    way = "If it is yours to change: `chmod u+w {path}`."


def answer(connection: DuckDBPyConnection, text: str, limit: int | None) -> Grid:
    """Answer one question in SQL, with files, extensions and settings out of its reach.

    Raises:
        OnlyReads: it is no single question.
        BadQuery: DuckDB cannot run it.
    """
    with asking():
        statements = connection.extract_statements(text)
        kinds = [statement.type.name for statement in statements]
        if len(kinds) != 1 or kinds[0] not in _READING:
            raise OnlyReads(", ".join(kinds) or "nothing")
        found = connection.execute(statements[0])
        shape = [(str(part[0]), str(part[1])) for part in found.description or ()]
        most = found.fetchall() if limit is None else found.fetchmany(limit + 1)
        rows = [tuple(map(recorded, row, [kind for _, kind in shape])) for row in most]
        total = len(rows)
        if limit is not None and total > limit:
            return Grid(_apart(shape), tuple(rows[:limit]), _count(connection, statements[0]))
    return Grid(_apart(shape), tuple(rows), total)


def _apart(shape: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """Give columns of one name a number each, so that none hides another."""
    names: list[str] = []
    for name, _ in shape:
        number = sum(each == name for each, _ in shape[: len(names)])
        names.append(f"{name}_{number + 1}" if number else name)
    return tuple(names)


def _count(connection: DuckDBPyConnection, statement: Statement) -> int | None:
    if statement.type.name != "SELECT":
        return None
    inner = statement.query.strip().rstrip(";")
    found = connection.execute(f"SELECT count(*) FROM ({inner}\n)").fetchone()
    return int(found[0]) if found else None


def rehearse(keeper: Keeper, text: str) -> SqlChange:
    """Find what statements would change, in a copy that is thrown away.

    Raises:
        as `change` does.
    """
    with _current(keeper), _sibling(keeper.path) as copy:
        db.copy_through_readers(keeper.path, copy)
        with db.writing(copy) as connection:
            return _run(connection, text, keeper.path)


def change(keeper: Keeper, text: str, *, keeps: bool) -> SqlChange:
    """Run statements on the store: all of them, or none.

    Args:
        keeper: the store.
        text: the statements.
        keeps: whether the store becomes a snapshot at once, named by the tree's pointer.

    Raises:
        BadQuery: DuckDB cannot run them.
        NotOurs: they would change what only xvc may change.
        StoreComputes: they would make what no reader takes: a view, a macro, a computed column.
        StoreReadOnly: the file may not be written.
        StoreBusy: another program is writing to it.
        LockBusy: another xvc is at it, for long.
    """
    with _current(keeper), _sibling(keeper.path) as copy:
        with db.beside_readers(keeper.path, copy) as connection:
            made = _run(connection, text, keeper.path)
        left = StoreState.read(keeper.room.store_state)
        digest, base = None, left.base
        if keeps and keeper.dvc is not None:
            digest, size = keeper.dvc.keep_store(keeper.path)
            pointer = keeper.dvc.pointer_text(keeper.path, DataFile(digest, size))
            write_durably(pointer_of(keeper.path), pointer)
            base = digest
        StoreState(base, stamp_of(keeper.path), left.sizes, str(keeper.path)).write(
            keeper.room.store_state
        )
        return SqlChange(made.done, made.touched, digest)


@contextmanager
def _current(keeper: Keeper) -> Iterator[None]:
    """Hold the store, up to date, from every other xvc."""
    if keeper.path.exists() and not keeper.path.stat().st_mode & 0o222:
        raise StoreReadOnly(str(keeper.path))
    if not keeper.refresh(wait=_WAIT):
        raise LockBusy(str(keeper.path), "")
    with FileLock(keeper.room.store_lock).held(wait=_WAIT, doing="sql"):
        if not keeper.path.exists():
            db.create(keeper.path)
        elif StoreState.read(keeper.room.store_state).stamp != stamp_of(keeper.path):
            raise LockBusy(str(keeper.path), "")  # changed since, by another program
        yield


@contextmanager
def _sibling(path: Path) -> Iterator[Path]:
    """Name a copy on the store's own disk; the file's name is what SQL may call it."""
    folder = beside(path, "sql")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder / f"{db.NAME}.duckdb"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(connection: DuckDBPyConnection, text: str, path: Path) -> SqlChange:
    with asking():
        statements = connection.extract_statements(text)
    for statement in statements:
        if statement.type.name not in (*_CHANGING, *_READING):
            raise NotOurs(f"settings, transactions or files ({statement.type.name})")
    kept = [*SYSTEM_TABLES, *tables(connection)]
    shape, before = _shape(connection, kept), _contents(connection)
    numbers = in_all_tables(connection)
    lock_down(connection)
    with asking():
        done = [_one(connection, statement) for statement in statements]
    refuse_computed(connection, {db.NAME: path})
    after = _contents(connection)
    if _shape(connection, kept) != shape:
        raise NotOurs("the columns and indexes of tables that xvc keeps")
    changed = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    if its := [name for name in changed if name in _KEPT]:
        raise NotOurs(f"the bookkeeping of xvc ({', '.join(its)})")
    follow(connection, numbers, *([edited_runs.ASIDE] if "edits" in before else []))
    touched = (TouchedTable(n, _rows(before, n), _rows(after, n)) for n in sorted(changed))
    return SqlChange(tuple(done), tuple(touched))


def _one(connection: DuckDBPyConnection, statement: Statement) -> SqlStatement:
    kind = statement.type.name
    found = connection.execute(statement)
    names = [part[0] for part in found.description or ()]
    rows = found.fetchall()
    counted = kind in _CHANGING and names == ["Count"] and len(rows) == 1
    count = int(rows[0][0]) if counted else len(rows)
    concerns = kind in ("INSERT", "UPDATE", "DELETE", "MERGE_INTO") or (counted and count)
    return SqlStatement(statement.query.strip(), kind, count if concerns else None)


def _shape(connection: DuckDBPyConnection, kept: Sequence[str]) -> list[tuple[object, ...]]:
    """Describe the tables that xvc keeps: columns with types, and indexes."""
    return connection.execute(
        "SELECT table_name, column_name, data_type FROM duckdb_columns() "
        "WHERE database_name = current_database() AND table_name IN (SELECT unnest($1)) "
        "UNION ALL SELECT table_name, index_name, 'INDEX' FROM duckdb_indexes() "
        "WHERE database_name = current_database() AND table_name IN (SELECT unnest($1)) "
        "ORDER BY ALL",
        [list(kept)],
    ).fetchall()


def _contents(connection: DuckDBPyConnection) -> dict[str, tuple[int, int]]:
    """Map each table to the number of its rows and a sum over their contents."""
    found = {}
    for table in table_names(connection):
        row = connection.execute(
            f"SELECT count(*), coalesce(sum(hash(*COLUMNS(*))::HUGEINT), 0) FROM {quoted(table)}"
        ).fetchone()
        found[table] = (int(row[0]), int(row[1])) if row else (0, 0)
    return found


def _rows(contents: dict[str, tuple[int, int]], table: str) -> int | None:
    return contents[table][0] if table in contents else None
