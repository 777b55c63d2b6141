"""Going on with a run that was begun before, by this process or another, living or gone."""

from __future__ import annotations

from xvc.core.ids import is_run_id
from xvc.core.record import RecordKind
from xvc.core.run import RunRecord, Status
from xvc.errors import AmbiguousRun, BadValue, NoRun
from xvc.journal.writer import Journal
from xvc.project import Project
from xvc.recording.begin_run import open_journal
from xvc.store import query
from xvc.system.process_id import Owner, current_owner, is_alive
from xvc.types import Json, RunId

_OPEN_AGAIN = dict.fromkeys(("finished", "exit_code", "signal", "reason"))


def resumed(
    project: Project, name: str, *, may_begin: bool = False
) -> tuple[RunId, Journal, bool] | None:
    """Open a journal for the run with this id or name; None when no run is called so.

    Tells whether the run is now this process's to end: not while the one that began it lives.

    Args:
        project: where runs are kept.
        name: an id or a name.
        may_begin: whether None is the answer for the whole id of no run, too.

    Raises:
        NoRun: *name* is a whole run id, and there is no such run.
        AmbiguousRun: several ids begin so.
    """
    found = _find(project, name)
    if found is None:
        if is_run_id(name) and not may_begin:
            raise NoRun(name)
        return None
    journal, is_ours = open_journal(project), not _is_held(found)
    if is_ours:
        facts: dict[str, Json] = {"status": Status.RUNNING.value, "owner": str(current_owner())}
        journal.note(RecordKind.SET, found.id, {**facts, **_OPEN_AGAIN})
        journal.flush()
    return found.id, journal, is_ours


def _find(project: Project, name: str) -> RunRecord | None:
    with project.keeper.view() as connection:
        named = query.by_given_name(connection, name)
        fitting = query.by_prefix(connection, name) if len(name) >= 2 else []
        if named is not None or len(fitting) == 1:
            return named or query.by_id(connection, fitting[0])
    if fitting:
        raise AmbiguousRun(name, tuple(fitting))
    return None


def _is_held(run: RunRecord) -> bool:
    """Whether the process that began the run may still end it."""
    if run.status != Status.RUNNING or run.owner is None:
        return False
    try:
        owner = Owner.parse(run.owner)
    except BadValue:
        return False
    return owner != current_owner() and is_alive(owner) is not False
