"""Work trees and an unfinished merge, for the page: what stands where, and decisions."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING

from xvc.page.browser_values import Wired

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xvc.core.merge import Conflict
    from xvc.merging.unfinished import Unfinished
    from xvc.project import Project
    from xvc.worktrees.list import TreeInfo

_MOST_CONFLICTS = 500


def all_trees(project: Project) -> dict[str, Wired]:
    """Tell how each work tree stands, and what an unfinished merge of this one waits for."""
    from xvc.merging import unfinished  # late: loads what reads the store
    from xvc.worktrees.list import list_trees

    if project.place is None:
        return {"trees": [], "merge": None, "warnings": []}
    waiting = unfinished.read(project.room)
    return {
        "trees": [_tree(each) for each in list_trees(project)],
        "merge": None if waiting is None else _waiting(waiting),
        "warnings": list(project.keeper.warnings),
    }


def decide(project: Project, asked: Mapping[str, str]) -> dict[str, Wired]:
    """Decide one conflict, or with ``prefer`` all that are left.

    Raises:
        NoMerge: no merge is unfinished.
        BadValue: a word says nothing.
    """
    from xvc.core.merge import Choice, Side  # late: as above
    from xvc.errors import BadValue
    from xvc.merging.merge import Policy, choose, choose_at

    if asked.get("prefer"):
        return _waiting(choose(project, Policy.named(asked["prefer"])))
    try:
        choice = Choice(Side(asked.get("side", "")))
    except ValueError as err:
        raise BadValue("side", "it is neither ours nor theirs") from err
    place = (asked.get("table", ""), asked.get("key", ""), asked.get("column") or None)
    return _waiting(choose_at(project, asked.get("source", ""), place, choice))


def finish_merge(project: Project) -> dict[str, Wired]:
    """Carry out the unfinished merge; as `xvc merge --continue`.

    Raises:
        NoMerge: no merge is unfinished.
    """
    from xvc.merging.merge import proceed  # late: as above

    done = proceed(project)
    changed = done.digest is not None
    return {"undecided": done.undecided, "changed": changed, "operation": done.operation}


def abort_merge(project: Project) -> dict[str, Wired]:
    """Forget the unfinished merge; as `xvc merge --abort`.

    Raises:
        NoMerge: no merge is unfinished.
    """
    from xvc.merging.merge import abort  # late: as above

    return {"sources": [each.name for each in abort(project).sources]}


def _tree(each: TreeInfo) -> Mapping[str, Wired]:
    return {
        "name": each.name,
        "path": each.path,
        "condition": each.condition.value,
        "branch": each.branch,
        "base": each.base,
        "runs": each.runs,
        "unsaved": each.unsaved,
        "unsavedRuns": list(each.unsaved_runs),
        "changed": list(each.changed),
        "active": None if each.active is None else each.active / 1e6,
        "live": list(each.live),
        "here": each.is_here,
        "locked": each.locked,
        "warnings": list(each.warnings),
    }


def _waiting(waiting: Unfinished) -> dict[str, Wired]:
    return {
        "sources": [each.name for each in waiting.sources],
        "git": waiting.is_git,
        "open": waiting.open,
        "total": len(waiting.conflicts),
        "conflicts": [_conflict(each) for each in waiting.conflicts[:_MOST_CONFLICTS]],
    }


def _conflict(each: Conflict) -> Mapping[str, Wired]:
    choice = each.choice
    return {
        "source": each.source,
        "table": each.table,
        "key": each.key,
        "column": each.column,
        "kind": each.kind,
        "base": _shown(each.base),
        "ours": _shown(each.ours),
        "theirs": _shown(each.theirs),
        "newer": each.newer.value if each.newer else None,
        "choice": None if choice is None else (choice.side.value if choice.side else "value"),
    }


def _shown(text: str | None) -> Wired:
    """A value as a person reads it: text without its quotes, all else as it is written."""
    with suppress(ValueError):
        read = json.loads(text or "null")
        return read if isinstance(read, str) else text
    return text
