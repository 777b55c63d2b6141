"""Looking into a store: its tables, rows, columns, figures, and questions in SQL.

Reads only, everything that is recorded, rows still in journals included.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from xvc.core.filter import parse_filter
from xvc.errors import NoStore, NotAStore, StoreBusy, StoreCorrupt, StoreFailed
from xvc.history.find import find
from xvc.project import Project
from xvc.recovery.lost_runs import opened
from xvc.store import db, sql
from xvc.store import table_queries as look
from xvc.store.schema import SYSTEM_TABLES
from xvc.store.table_queries import Grid, WantedRows

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True, slots=True)
class LookRequest:
    """What is asked of one table; ``limit`` None is all, ``columns`` empty are all."""

    table: str = "events"
    columns: tuple[str, ...] = ()
    where: str | None = None
    run: str | None = None
    limit: int | None = 10


def project_of(project: Project, database: Path | None) -> Project:
    """Find the project of a store: the one at hand, that of its folder, or the file on its own.

    Raises:
        NoStore: there is no such file.
        NotAStore: it is a folder.
    """
    if database is None:
        return project
    path = database.resolve()
    if path.is_dir():
        raise NotAStore(str(path), "it is a folder")
    if not path.parent.is_dir():
        raise NoStore(str(path))
    found = Project.of_store(path, project.environment, project)
    if not path.exists() and not found.room.journals.is_dir():  # journals make the store
        raise NoStore(str(path))
    return found


@contextmanager
def looking(project: Project) -> Iterator[DuckDBPyConnection]:
    """Open a store with its journals; one without journals is opened as it is, and left so.

    Raises:
        ForeignStore: it is a database of another program.
        TooNew: a newer xvc wrote it.
        StoreCorrupt: it does not open.
    """
    if _is_alone(project):
        with db.reading(project.store_path, is_known=True) as connection:
            yield connection
        return
    with opened(project) as connection:
        yield connection


def _is_alone(project: Project) -> bool:
    """Whether a store has no journals; a file that xvc did not make is refused here, unchanged."""
    path, has_journals = project.store_path, project.room.folder.exists()
    if not path.exists() or (has_journals and project.keeper.is_as_left):
        return False
    try:
        with db.reading(path):
            return not has_journals
    except db.ForeignStore:
        raise
    except (StoreCorrupt, StoreFailed) as err:
        if has_journals:
            return False  # the keeper has the means to rebuild it
        raise db.ForeignStore(str(path), str(err.__cause__ or err).splitlines()[0]) from err
    except StoreBusy:
        if has_journals:
            return False
        raise


def tables(project: Project) -> Grid:
    """List the tables of a store."""
    with looking(project) as connection:
        return look.overview(connection)


def head(project: Project, request: LookRequest) -> Grid:
    """Read the first rows of a table.

    Raises:
        NoTable: there is no such table.
        NoColumn: a key of the request has no column.
        BadExpression: the filter cannot be read.
    """
    return _rows(project, request, newest=False)


def tail(project: Project, request: LookRequest) -> Grid:
    """Read the last rows of a table; raises as `head` does."""
    return _rows(project, request, newest=True)


def _rows(project: Project, request: LookRequest, *, newest: bool) -> Grid:
    wanted = wanted_of(project, request)
    with looking(project) as connection:
        return look.rows(connection, wanted, request.limit, newest=newest)


def extremes(project: Project, request: LookRequest, key: str, *, largest: bool) -> Grid:
    """Read the rows with the largest or the smallest values of a key; raises as `head` does."""
    wanted = wanted_of(project, request)
    with looking(project) as connection:
        return look.extremes(connection, wanted, key, request.limit, largest=largest)


def columns(project: Project, request: LookRequest) -> Grid:
    """List what is logged in a table; raises as `head` does."""
    wanted = wanted_of(project, request)
    with looking(project) as connection:
        return look.about(connection, wanted)


def described(project: Project, request: LookRequest) -> Grid:
    """Describe the values of each key; raises as `head` does."""
    wanted = wanted_of(project, request)
    with looking(project) as connection:
        return look.described(connection, wanted)


def asked(project: Project, text: str, limit: int | None) -> Grid:
    """Answer a question in SQL.

    Raises:
        OnlyReads: it would change something, or is not one question.
        BadQuery: DuckDB cannot run it.
    """
    with looking(project) as connection:
        return sql.answer(connection, text, limit)


def wanted_of(project: Project, request: LookRequest) -> WantedRows:
    """Read a request: its filter and its run."""
    where = parse_filter(request.where) if request.where else None
    run = find(project, [request.run])[0].record.id if request.run else None
    return WantedRows(request.table, request.columns or None, where, run)


def suggestions(project: Project, table: str | None = None) -> list[str]:
    """List the tables of a store that hold rows of a user's, or the keys of one of them."""
    with looking(project) as connection:
        if table is None:
            return [name for name in look.table_names(connection) if name not in SYSTEM_TABLES]
        return [each.label for each in look.fields(connection, table)]
