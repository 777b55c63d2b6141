"""``xvc status``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson
from xvc.cli.output import Answer, few, moment, show
from xvc.core.human_units import counted

if TYPE_CHECKING:
    from xvc.setup.status import ProjectStatus


class Data(TypedDict):
    """Where a project stands; ``undecided`` counts conflicts, null: no merge is unfinished."""

    root: str
    branch: str | None
    store: str
    pointer: str | None
    runs: int
    rows: Mapping[str, int]
    running: Annotated[list[str], "Ids of runs, the first twenty."]
    running_total: int
    lost: Annotated[list[str], "Ids of runs, the first twenty."]
    lost_total: int
    unsaved: Annotated[list[str], "Ids of runs that no version holds, the first twenty."]
    unsaved_total: int
    unsaved_rows: Annotated[int, "Their rows that no version holds, of every table."]
    live_journals: int
    waiting_journals: int
    versions: int
    latest_version: str | None
    missing: Annotated[list[str], "Versions whose run is not in the store, the first twenty."]
    missing_total: int
    undecided: int | None


def command(context: typer.Context, as_json: AsJson = False) -> None:
    """Show what is recorded, what versions hold, and what no version holds yet.

    Example: xvc status
    """
    from xvc.setup.status import status  # late: it opens DuckDB

    here: Context = context.obj
    found = status(here.project())
    data: Data = {
        "root": found.root,
        "branch": found.branch,
        "store": found.store,
        "pointer": found.pointer,
        "runs": found.runs,
        "rows": found.rows,
        "running": [run.id for run in few(found.running)],
        "running_total": len(found.running),
        "lost": few(found.lost),
        "lost_total": len(found.lost),
        "unsaved": few(list(found.unsaved)),
        "unsaved_total": len(found.unsaved),
        "unsaved_rows": sum(found.unsaved.values()),
        "live_journals": found.live_journals,
        "waiting_journals": found.waiting_journals,
        "versions": found.versions,
        "latest_version": found.latest_version,
        "missing": few(found.missing),
        "missing_total": len(found.missing),
        "undecided": found.undecided,
    }
    steps: tuple[str, ...] = ("xvc merge --missing",) if found.missing else ()
    steps += (f"xvc tag minor --run {found.taggable}",) if found.taggable else ()
    show(Answer("status", data, _text(found), found.warnings, steps), here.manner)


def _text(found: ProjectStatus) -> str:
    rows = ", ".join(f"{count} in {table}" for table, count in found.rows.items()) or "none"
    lines = [
        f"project    {found.root}" + (f" on {found.branch}" if found.branch else ""),
        f"store      {found.store}",
        f"runs       {found.runs} (rows: {rows})",
        f"versions   {found.versions}"
        + (f", the latest {found.latest_version}" if found.latest_version else ""),
    ]
    lines += [
        f"running    {run.id} since {moment(run.started)} on {run.host}" for run in found.running
    ]
    lines += [f"lost       {run}: its process is gone" for run in found.lost]
    if found.unsaved:
        count = counted(sum(found.unsaved.values()), "row")
        lines.append(
            f"unsaved    {count} of {counted(len(found.unsaved), 'run')}, in no version yet"
        )
    if found.waiting_journals:
        lines.append(
            f"waiting    {counted(found.waiting_journals, 'journal')} could not be folded yet"
        )
    if found.undecided is not None:
        lines.append(
            f"merge      unfinished, {counted(found.undecided, 'conflict')} to decide: "
            "`xvc merge --conflicts`, then `--continue` or `--abort`"
        )
    return "\n".join(lines)
