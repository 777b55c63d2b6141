"""``xvc cleanup``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson, DryRun, Yes
from xvc.cli.output import Answer, few, show

if TYPE_CHECKING:
    from xvc.versions.cleanup import Cleaned

_NEEDS_DECISION = 4


class Tree(TypedDict):
    """One tree, and why it has to stay, if so."""

    name: str
    path: str
    kept_by: list[str]
    removed: bool


class Data(TypedDict):
    """The trees that `xvc checkout` has made."""

    trees: Annotated[list[Tree], "The first twenty."]
    total: int
    dry_run: bool


def command(
    context: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Names, versions or folders; without any all that `checkout` made."),
    ] = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Remove trees that `xvc checkout` made; those with changes, runs or rows of their own stay.

    Without --yes it shows what would go, and exits 4; so it does when a tree has to stay.

    Example: xvc cleanup e0.1.0 --yes
    """
    from xvc.versions.cleanup import cleanup  # late: it opens DuckDB

    here: Context = context.obj
    is_plan = dry_run or not yes
    found = cleanup(here.project(), names or (), here.folder, dry_run=is_plan)
    is_open = any(each.reasons for each in found) or (bool(found) and not yes)
    code = _NEEDS_DECISION if is_open and not dry_run else 0
    data: Data = {
        "trees": [
            {
                "name": each.name,
                "path": each.path,
                "kept_by": list(each.reasons),
                "removed": each.is_removed,
            }
            for each in few(found)
        ],
        "total": len(found),
        "dry_run": is_plan,
    }
    text = _text(found)
    steps = (here.again("--yes"),) if is_plan and any(not each.reasons for each in found) else ()
    warnings = _warnings(found, is_plan=is_plan)
    show(Answer("cleanup", data, text, warnings, steps, code), here.manner)
    raise typer.Exit(code)


def _text(found: Sequence[Cleaned]) -> str:
    lines = [] if found else ["no tree of `xvc checkout` is there"]
    for each in found:
        fate = "is removed" if each.is_removed else "stays" if each.reasons else "would be removed"
        lines.append(f"{each.name} {fate}")
        lines += [f"  {reason}" for reason in each.reasons]
    return "\n".join(lines)


def _warnings(found: Sequence[Cleaned], *, is_plan: bool) -> tuple[str, ...]:
    kept = [each.name for each in found if each.reasons]
    way = "`xvc worktree remove NAME --dry-run` shows what would be lost"
    warnings = [f"{', '.join(kept)} cannot be cleaned up; {way}"] if kept else []
    if is_plan and any(not each.reasons for each in found):
        warnings.append("nothing was removed; add --yes to do it")
    return tuple(warnings)
