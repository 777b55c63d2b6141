"""Copying another store's runs and rows into this project's: a union by id, nothing replaced.

What is copied goes through a journal like everything that is logged, each row under its own id, so
that copying twice is copying once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from xvc.core.human_units import counted
from xvc.core.name_words import catalog_name
from xvc.core.record import RecordKind, environment_facts, facts_of
from xvc.core.summary import beginning_of
from xvc.errors import BadValue, ConflictError, NoStore, NoTable, StoreCorrupt, error
from xvc.journal.reader import journals
from xvc.project import Project
from xvc.recording.begin_run import open_journal
from xvc.recovery.operation_log import log_operation
from xvc.store import db, query
from xvc.store.columns import tables
from xvc.store.missing_rows import MissingRows, missing_rows, read_rows
from xvc.types import Json, RunId

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@error("stores-differ")
class StoresDiffer(ConflictError):
    """Both stores have a run or row, and not the same."""

    path: str
    differing: tuple[str, ...]
    says = "{differing!n} differ from {path}: {differing:5}"
    way = (
        "Nothing was copied. One side was changed since (`xvc db set`); "
        "make both alike, or copy another table with --table."
    )


@dataclass(frozen=True, slots=True)
class Copied:
    """What a copy brings: runs, and rows by table.

    Rows ``present`` are here already; runs ``deleted`` and ``hidden`` rows were deleted here, so
    they stay away.
    """

    runs: tuple[RunId, ...]
    rows: Mapping[str, int]
    present: int
    deleted: tuple[RunId, ...]
    hidden: int
    operation: str | None = None


def copy(
    project: Project, source: Path, *, table: str | None = None, dry_run: bool = False
) -> Copied:
    """Bring what another store has and this one lacks; *table* leaves only its rows.

    What was logged there and is not in its file yet is brought, too; the other stays as it is.

    Raises:
        NoStore: there is no store at *source*.
        BadValue: it is the store of this project itself.
        NoTable: it has no such table.
        ForeignStore: it is no store.
        SourceCorrupt: it does not open, or is damaged.
        RowsDoubled: rows of one side have doubled or empty ids.
        StoresDiffer: runs or rows of one id are not the same; nothing was copied.
    """
    _refuse_unfit(project, source)
    with (
        project.keeper.copied() as here,
        _damage_named(source),
        _as_recorded(project, source) as whole,
    ):
        with db.reading(whole) as there:
            known = tables(there)
        if table is not None and catalog_name(table) not in map(catalog_name, known):
            raise NoTable(table, tuple(known))
        lack = missing_rows(here, whole, table)
        if lack.differing:
            raise StoresDiffer(str(source), tuple(lack.differing))
        if not dry_run and (lack.runs or lack.rows):
            with db.reading(whole, is_known=True) as there:
                _write(project, there, lack)
    planned = Copied(
        runs=tuple(run.id for run in lack.runs),
        rows={name: len(ids) for name, ids in lack.rows.items()},
        present=lack.present,
        deleted=tuple(sorted(lack.deleted)),
        hidden=lack.hidden,
    )
    if dry_run or not (lack.runs or lack.rows):
        return planned
    return replace(planned, operation=_log(project, source, planned, lack))


def _refuse_unfit(project: Project, source: Path) -> None:
    if not source.is_file() and not _has_journals(project, source):
        raise NoStore(str(source))
    both = source.exists() and project.store_path.exists()
    if both and source.samefile(project.store_path):
        raise BadValue("SOURCE", f"{source} is the store of this project itself")


def _has_journals(project: Project, source: Path) -> bool:
    room = Project.of_store(source.resolve(), project.environment, project).room
    return bool(journals(room.journals))


@contextmanager
def _as_recorded(project: Project, source: Path) -> Iterator[Path]:
    """Give a store with what its journals have beside it: then a copy, for it is only read."""
    if not _has_journals(project, source):
        yield source
        return
    there = Project.of_store(source.resolve(), project.environment, project)
    with there.keeper.recorded() as whole:
        yield whole


@contextmanager
def _damage_named(source: Path) -> Iterator[None]:
    """Blame the source for damage: our side is a copy that was just written."""
    try:
        yield
    except (db.ForeignStore, db.SourceCorrupt):
        raise
    except StoreCorrupt as err:
        raise db.SourceCorrupt(str(source), err.reason) from err


def _write(project: Project, there: DuckDBPyConnection, lack: MissingRows) -> None:
    journal = open_journal(project)
    try:
        for run in lack.runs:
            environment = query.environment(there, run.environment)
            if environment is not None:
                facts: dict[str, Json] = {
                    "digest": run.environment,
                    "facts": environment_facts(environment),
                }
                journal.note(RecordKind.ENVIRONMENT, run.id, facts)
            for name, ways in query.shared_facts(there, beginning_of(run.id)).items():
                journal.note(RecordKind.ENVIRONMENT, run.id, {"digest": name, "facts": ways})
            journal.note(RecordKind.SET, run.id, facts_of(run))
        for table, ids in lack.rows.items():
            for row in read_rows(there, table, ids):
                journal.copy(row.id, row.run, table, row.values)
    finally:
        journal.close()


def _log(project: Project, source: Path, planned: Copied, lack: MissingRows) -> str:
    count = sum(planned.rows.values())
    what = (
        f"copied {counted(len(planned.runs), 'run')} and {counted(count, 'row')} from {source.name}"
    )
    joined = lack.of - set(planned.runs)
    if joined:
        reason = f"rows went into runs that were here: {', '.join(sorted(joined)[:5])}"
        return log_operation(project, "db copy", what, hindrance=reason)
    undo = "the copied runs are deleted"
    return log_operation(project, "db copy", what, undo=undo, runs=planned.runs)
