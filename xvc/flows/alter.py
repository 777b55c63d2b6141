"""Changing a store by SQL: first the plan, found by trying it out on a copy; then the deed.

Whatever is done stands in the operation log, and where DVC keeps the store, in a snapshot.
"""

from __future__ import annotations

from xvc.adapters.operations import append
from xvc.flows.look import looking
from xvc.project import Project
from xvc.store import sql
from xvc.store.sql import Change
from xvc.types import Json


def alter(project: Project, text: str, *, dry_run: bool) -> Change:
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
    append(project.room.operations, _entry(made, project))
    return made


def _entry(made: Change, project: Project) -> dict[str, Json]:
    changed: list[Json] = [
        {"table": each.table, "before": each.before, "after": each.after} for each in made.touched
    ]
    names = ", ".join(each.table for each in made.touched) or "nothing"
    return {
        "command": "db sql",
        "did": f"changed {names} by SQL",
        "tree": project.room.tree,
        "statements": [each.statement for each in made.done],
        "tables": changed,
        "snapshot": made.digest,
    }
