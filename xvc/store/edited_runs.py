"""Runs as edits leave them: deleted ones out of sight, numbers set afterwards among the metrics.

What a run said of itself is kept in ``set_aside.runs`` for as long as the table ``runs`` shows
something else, and records that come late are added to that.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from xvc.core.edit import Edit, part_of, with_said
from xvc.core.run import RunRecord
from xvc.store import cell_edits, runs
from xvc.store.columns import is_held
from xvc.store.edits import Arrived, in_force
from xvc.store.last_values import in_all_tables, with_numbers
from xvc.store.schema import quoted
from xvc.types import RunId

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

ASIDE = "set_aside.runs"


def as_logged(connection: DuckDBPyConnection, ids: Iterable[RunId]) -> list[RunRecord]:
    """Read runs as their own records say; those that are not known are left out."""
    wanted = set(ids)
    found = runs.load(connection, *_named(wanted), table=ASIDE) if wanted else []
    rest = wanted - {run.id for run in found}
    return found + (runs.load(connection, *_named(rest)) if rest else [])


def _named(ids: Iterable[RunId]) -> tuple[str, list[object]]:
    return "WHERE id IN (SELECT unnest(?::VARCHAR[]))", [sorted(ids)]


def save(connection: DuckDBPyConnection, logged: Sequence[RunRecord], arrived: Arrived) -> None:
    """Show runs as the edits in force leave them.

    Args:
        connection: an open store.
        logged: runs that changed, as their own records say.
        arrived: the edits that are new; the runs that they concern are shown anew, too.
    """
    known = {run.id: run for run in logged}
    for run in as_logged(connection, _concerned(connection, arrived) - set(known)):
        known[run.id] = run
    if not known:
        return
    its = ("track_id IS NULL OR track_id IN (SELECT unnest(?::VARCHAR[]))", [sorted(known)])
    force = in_force(connection, *its)
    gone = {edit.run for edit in force if edit.is_tombstone}
    shown = _said(connection, known, force, arrived)
    for edit in force:
        if edit.is_metric:
            for name in [edit.run] if edit.run else _runs_before(connection, edit):
                if name in shown:
                    shown[name] = _with_metric(shown[name], edit)
    _follow_rows(connection, shown, force)
    aside = [run for run in known.values() if run.id in gone or shown[run.id] != run]
    runs.remove(connection, known)
    runs.remove(connection, known, table=ASIDE)
    runs.save(connection, aside, table=ASIDE)
    runs.save(connection, [run for run in shown.values() if run.id not in gone])


def _said(
    connection: DuckDBPyConnection,
    known: dict[RunId, RunRecord],
    force: Sequence[Edit],
    arrived: Arrived,
) -> dict[RunId, RunRecord]:
    """Let runs say what people said of them.

    What is shown already stays, with the new edits on top: a merge may have decided otherwise than
    the order of time. Only where an edit comes late, or is taken back, all are applied anew.
    """
    shown = dict(known)
    said = [edit for edit in force if edit.is_of_runs and edit.run in shown]
    if not said:
        return shown
    anew = {edit.run for edit in arrived.late if edit.is_of_runs}
    fresh = {edit.id for edit in arrived.fresh}
    there = {edit.run for edit in said if edit.run is not None} - anew
    now = {run.id: run for run in runs.load(connection, *_named(there))}
    for edit in said:
        if (before := now.get(edit.run or RunId(""))) is not None:
            part = part_of(edit)
            held = replace(shown[before.id], **{part: getattr(before, part)})
            shown[before.id] = held
    for edit in said:
        if edit.run is not None and (edit.run not in now or edit.id in fresh):
            shown[edit.run] = with_said(shown[edit.run], edit)
    return shown


def _follow_rows(
    connection: DuckDBPyConnection, shown: dict[RunId, RunRecord], force: Sequence[Edit]
) -> None:
    """Take the metrics of edited keys from the rows as the edits leave them.

    A number set for a whole run that has no row with it is its metric all the same.
    """
    keys: dict[RunId, set[str]] = {}
    for edit in force:
        if edit.is_tombstone or edit.is_of_runs:
            continue
        for name in [edit.run] if edit.run else _runs_before(connection, edit):
            if name in shown:
                own = {edit.key} if edit.key else set(shown[name].metrics)
                keys.setdefault(name, set()).update(own)
    if not keys:
        return
    now = in_all_tables(connection, keys, {key for own in keys.values() for key in own})
    for name, own in keys.items():
        if name in now:
            shown[name] = with_numbers(shown[name], own, now[name])


def _concerned(connection: DuckDBPyConnection, arrived: Arrived) -> set[RunId]:
    found: set[RunId] = set()
    for edit in (*arrived.fresh, *arrived.late):
        if edit.run is not None:
            found.add(edit.run)
        elif edit.table is not None:
            found.update(_runs_before(connection, edit))
    return found


def _runs_before(connection: DuckDBPyConnection, edit: Edit) -> list[RunId]:
    """List the runs that had rows in the table when all of it was set, deleted ones included."""
    table = edit.table or ""
    if not is_held(connection, table):
        return []
    places = [quoted(table)]
    places += [f"set_aside.{quoted(table)}"] if cell_edits.has_aside(connection, table) else []
    found: set[RunId] = set()
    for place in places:
        query = f"SELECT DISTINCT track_id FROM {place} WHERE row_id < ?::UUID"
        found.update(RunId(run) for (run,) in connection.execute(query, [edit.id]).fetchall())
    return sorted(found)


def _with_metric(run: RunRecord, edit: Edit) -> RunRecord:
    if edit.key is None or edit.value is None or edit.key in run.params:
        return run
    return run.with_metrics({edit.key: edit.value.number}, {edit.key: edit.at})
