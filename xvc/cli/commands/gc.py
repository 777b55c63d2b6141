"""``xvc gc``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson, DryRun
from xvc.cli.output import Answer, moment, show, size
from xvc.core.human_units import counted

if TYPE_CHECKING:
    from xvc.sharing.gc import Amount, Collected

_NEEDS_DECISION = 4


class Volume(TypedDict):
    """So much of the cache."""

    objects: int
    bytes: int


class Data(TypedDict):
    """What is needed, what is marked, what may go and what went; half-made files apart."""

    needed: Volume
    marked: Volume
    newly_marked: Volume
    no_longer_marked: int
    due: Volume
    next_due: Annotated[int | None, "Nanoseconds since the epoch."]
    deleted: Volume
    half_made: Volume
    of_dvc_2: Annotated[Volume, "What lies where DVC 2 kept it: it stays, and counts nowhere else."]
    snapshots: Annotated[int, "Code of deleted runs that is due, or went."]
    dry_run: bool


def command(
    context: typer.Context,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Delete what is due; without it that stays marked.")
    ] = False,
    dry_run: DryRun = False,
    grace: Annotated[
        str, typer.Option("--grace", help="How long an object stays after it was marked.")
    ] = "14d",
    shared_cache: Annotated[
        bool,
        typer.Option("--shared-cache", help="A cache outside the repository is used by no other."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Mark the objects in the DVC cache that nothing needs; delete those marked long enough ago.

    All commits, tags, runs, stashes, indexes, pointers and journals of all work trees count. If one
    cannot be read, nothing happens. A first call only marks; remotes are never touched.

    Example: xvc gc --yes
    """
    from xvc.core.durations import seconds_of
    from xvc.sharing.gc import gc  # late: it opens DuckDB

    here: Context = context.obj
    done = gc(
        here.project(),
        grace=seconds_of(grace, "--grace"),
        does_delete=yes,
        dry_run=dry_run,
        is_alone=shared_cache,
    )
    is_open = bool(done.due.objects or done.snapshots) and not yes and not dry_run
    data: Data = {
        "needed": _facts(done.needed),
        "marked": _facts(done.marked),
        "newly_marked": _facts(done.fresh),
        "no_longer_marked": done.unmarked,
        "due": _facts(done.due),
        "next_due": done.next_due,
        "deleted": _facts(done.deleted),
        "half_made": _facts(done.leftovers),
        "of_dvc_2": _facts(done.old),
        "snapshots": done.snapshots,
        "dry_run": dry_run,
    }
    warnings = ("nothing was deleted; add --yes to delete what is due",) if is_open else ()
    code = _NEEDS_DECISION if is_open else 0
    text = _text(done, is_plan=dry_run, does_delete=yes)
    show(Answer("gc", data, text, warnings, _steps(done, here, is_plan=dry_run), code), here.manner)
    raise typer.Exit(code)


def _steps(done: Collected, here: Context, *, is_plan: bool) -> tuple[str, ...]:
    if (done.due.objects and not done.deleted.objects) or (done.snapshots and is_plan):
        return (here.again("--yes"),)
    return (here.again(),) if is_plan and done.fresh.objects else ()


def _facts(amount: Amount) -> Volume:
    return {"objects": amount.objects, "bytes": amount.size}


def _said(amount: Amount) -> str:
    return f"{counted(amount.objects, 'object')} ({size(amount.size)})"


def _text(done: Collected, *, is_plan: bool, does_delete: bool) -> str:
    would = "would be " if is_plan else ""
    lines = [f"needed: {_said(done.needed)}"]
    if done.old.objects:
        lines.append(f"not looked at: {_said(done.old)} where DVC 2 kept them; they stay")
    if not (done.fresh.objects or done.marked.objects or done.deleted.objects):
        every = "every other object" if done.old.objects else "every object"
        lines.append(f"nothing can go: something needs {every}")
    if done.fresh.objects:
        lines.append(f"{_said(done.fresh)} {would}marked now: nothing needs them")
    if done.unmarked:
        objects = counted(done.unmarked, "object")
        lines.append(f"{objects} {would}no longer marked: something needs them again")
    if done.deleted.objects:
        lines.append(f"{_said(done.deleted)} deleted")
    elif done.due.objects:
        lines.append(f"{_said(done.due)} are due for deletion")
    if done.next_due is not None:
        lines.append(f"the next are due on {moment(done.next_due)}")
    if done.snapshots:
        verb = "went" if does_delete and not is_plan else "is due for deletion"
        lines.append(f"the code of {counted(done.snapshots, 'deleted run')} {verb}")
    return "\n".join(lines)
