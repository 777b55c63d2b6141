"""``xvc worktree list``."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson
from xvc.cli.output import Answer, few, moment, show, table

if TYPE_CHECKING:
    from xvc.worktrees.list import TreeInfo


class Tree(TypedDict):
    """One tree; ``base`` is where its branch begins, ``live`` are runs that go on."""

    name: str
    path: str
    state: str
    branch: str | None
    base: str | None
    runs: int
    unsaved_rows: int
    unsaved_runs: Annotated[list[str], "The first twenty."]
    unsaved_runs_total: int
    dirty: bool
    changed_files: Annotated[list[str], "The first twenty."]
    changed_total: int
    last_activity: Annotated[int | None, "Nanoseconds since the epoch."]
    live: Annotated[list[str], "The first twenty."]
    live_total: int
    locked: str | None
    here: bool
    next_minor: Annotated[str | None, "What its next version is called, unless another is faster."]
    next_patch: Annotated[str | None, "And the next patch of its own version."]


class Data(TypedDict):
    """The trees that are there, then what removed ones have left."""

    worktrees: list[Tree]
    total: int


def command(context: typer.Context, as_json: AsJson = False) -> None:
    """List the work trees, what each has that no version holds, and what removed ones have left.

    Example: xvc worktree list
    """
    from xvc.worktrees.list import list_trees  # late: it opens DuckDB

    here: Context = context.obj
    found = list_trees(here.project())
    head = [
        "name",
        "branch",
        "runs",
        "unsaved",
        "changed",
        "live",
        "next",
        "active",
        "state",
        "path",
    ]
    text = table(head, [_row(each) for each in found], right=range(2, 6))
    data: Data = {"worktrees": [_facts(each) for each in found], "total": len(found)}
    warnings = tuple(warning for each in found for warning in each.warnings)
    steps = [
        shlex.join(["xvc", "worktree", "adopt", each.path])
        for each in found
        if each.condition.value == "not adopted"
    ]
    show(Answer("worktree list", data, text, warnings, tuple(few(steps))), here.manner)


def _row(found: TreeInfo) -> list[str]:
    counts = (found.runs, found.unsaved, len(found.changed), len(found.live))
    is_known = found.condition.value != "unreadable"
    return [
        f"{found.name} *" if found.is_here else found.name,
        found.branch or "-",
        *(str(count) if is_known else "?" for count in counts),
        f"{found.next.minor} {found.next.patch}" if found.next else "-",
        moment(found.active),
        found.condition.value + (", locked" if found.locked is not None else ""),
        found.path,
    ]


def _facts(found: TreeInfo) -> Tree:
    return {
        "name": found.name,
        "path": found.path,
        "state": found.condition.value,
        "branch": found.branch,
        "base": found.base,
        "runs": found.runs,
        "unsaved_rows": found.unsaved,
        "unsaved_runs": few(found.unsaved_runs),
        "unsaved_runs_total": len(found.unsaved_runs),
        "dirty": bool(found.changed),
        "changed_files": few(found.changed),
        "changed_total": len(found.changed),
        "last_activity": found.active,
        "live": few(found.live),
        "live_total": len(found.live),
        "locked": found.locked,
        "here": found.is_here,
        "next_minor": found.next.minor if found.next else None,
        "next_patch": found.next.patch if found.next else None,
    }
