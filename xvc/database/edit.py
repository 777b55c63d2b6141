"""Setting values of rows that are logged, and deleting runs: planned, then written down.

Each is an edit in a journal and a line in the operation log, so that `xvc undo` takes it back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xvc.core.edit import RUNS, Edit
from xvc.core.human_units import counted
from xvc.core.name_words import catalog_name
from xvc.core.record import RecordKind
from xvc.database.annotate import set_of_runs
from xvc.errors import BadValue, NoTable
from xvc.history.find import find
from xvc.journal.edit_builder import setting
from xvc.project import Project
from xvc.recording.edit_records import refuse_needed, write_down
from xvc.recovery.operation_log import log_operation
from xvc.store import edits
from xvc.store.columns import tables
from xvc.store.schema import check_table
from xvc.types import RunId


@dataclass(frozen=True, slots=True)
class Setting:
    """What to set where: in the rows of *runs* (references; none is all) that hold *where*."""

    key: str
    value: object
    table: str = "events"
    runs: tuple[str, ...] = ()
    where: tuple[str, object] | None = None


@dataclass(frozen=True, slots=True)
class AppliedEdit:
    """What an edit changes: rows of runs; ``operation`` is None while it is only a plan."""

    rows: int
    runs: tuple[RunId, ...]
    operation: str | None = None


def set_value(project: Project, wanted: Setting, *, dry_run: bool = False) -> AppliedEdit:
    """Set a key in rows that are logged already.

    Raises:
        BadValue: a key or value cannot be kept, or the table is reserved.
        NoTable: there is no such table.
        NoRun: nothing answers to a reference.
    """
    runs = _runs(project, wanted.runs)
    if catalog_name(wanted.table) == RUNS:
        return _say(project, wanted, runs, dry_run=dry_run)
    check_table(wanted.table)
    each = runs or (None,)
    made = [setting(wanted.table, wanted.key, wanted.value, run, wanted.where) for run in each]
    with project.keeper.view() as connection:
        known = tables(connection)
        if catalog_name(wanted.table) not in map(catalog_name, known):
            raise NoTable(wanted.table, tuple(known))
        rows = sum(edits.count(connection, edit) for edit in made)
    if dry_run or not rows:
        return AppliedEdit(rows, runs)
    what = f"set {wanted.key} in {counted(rows, 'row')} of {wanted.table}"
    return AppliedEdit(rows, runs, _do(project, "db set", what, made))


def _say(
    project: Project, wanted: Setting, runs: tuple[RunId, ...], *, dry_run: bool
) -> AppliedEdit:
    if wanted.where is not None:
        raise BadValue("--where", "runs are named by --run")
    made = set_of_runs(project, wanted.key, wanted.value, runs)
    if dry_run:
        return AppliedEdit(len(runs), runs)
    what = f"set {wanted.key} of {', '.join(runs)}"
    return AppliedEdit(len(runs), runs, _do(project, "db set", what, made))


def _runs(project: Project, references: Sequence[str]) -> tuple[RunId, ...]:
    found = find(project, references) if references else []
    return tuple(dict.fromkeys(each.record.id for each in found))


def delete_runs(
    project: Project, references: Sequence[str], *, force: bool = False, dry_run: bool = False
) -> AppliedEdit:
    """Take runs and their rows out of sight; code, versions and DVC objects stay.

    Raises:
        NoRun: nothing answers to a reference.
        RunGoesOn: a run has not ended, and *force* is not given.
        RunVersioned: a version names a run, and *force* is not given.
    """
    found = {each.record.id: each.record for each in find(project, references)}
    if not force:
        refuse_needed(project, list(found.values()))
    made = [Edit(RecordKind.DELETE, run=run) for run in found]
    with project.keeper.view() as connection:
        rows = sum(edits.count(connection, edit) for edit in made)
    if dry_run:
        return AppliedEdit(rows, tuple(found))
    what = f"deleted {counted(len(found), 'run')} with {counted(rows, 'row')}: {', '.join(found)}"
    return AppliedEdit(rows, tuple(found), _do(project, "db delete", what, made))


def _do(project: Project, command: str, what: str, made: Sequence[Edit]) -> str:
    ids = write_down(project, *made)
    undo = "an undo record in a journal takes the edits back"
    return log_operation(project, command, what, undo=undo, edits=tuple(ids))
