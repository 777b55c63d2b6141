"""Changing a store by SQL: first the plan, found by trying it out on a copy; then the deed.

Whatever is done stands in the operation log, and where DVC keeps the store, in a snapshot.
"""

from __future__ import annotations

from xvc.core.sql_change import SqlChange
from xvc.database.queries import looking
from xvc.project import Project
from xvc.recovery.operation_log import log_operation
from xvc.store import sql


def alter(project: Project, text: str, *, dry_run: bool) -> SqlChange:
    """Run statements on the store, or with *dry_run* find what they would change.

    Raises:
        BadQuery: DuckDB cannot run them.
        NotOurs: they would change what only xvc may change.
        StoreReadOnly: the file may not be written.
        StoreBusy: another program has the store open for writing.
        LockBusy: another xvc is at it, for long.
    """
    with looking(project):
        pass  # a file that is not ours is refused before anything is made beside it
    if dry_run:
        return sql.rehearse(project.keeper, text)
    is_own = project.room.folder.parent != project.store_path.parent
    made = sql.change(project.keeper, text, keeps=is_own and project.dvc is not None)
    if made.touched:
        names = ", ".join(each.table for each in made.touched)
        way = "SQL has no way back; `git checkout -- POINTER` brings the last version's store"
        log_operation(project, "db sql", f"changed {names} by SQL: {text}", hindrance=way)
    return made
