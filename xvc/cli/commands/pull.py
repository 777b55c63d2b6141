"""``xvc pull``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson, DvcRemote, GitRemote, Runs
from xvc.cli.output import Answer, show, size
from xvc.core.human_units import counted

if TYPE_CHECKING:
    from xvc.sharing.pull import Pulled

_SHOWN = 50


class Data(TypedDict):
    """What was brought; ``old`` and ``new`` are the commits of the branch before and after."""

    remote: str
    dvc_remote: str | None
    objects_needed: int
    objects_brought: int
    bytes_brought: int
    tags: Annotated[list[str], "The first fifty."]
    tags_total: int
    runs_brought: int
    branch: str | None
    old: str | None
    new: str | None
    files_put: int
    missing: Annotated[list[str], "Versions whose run the store lacks, the first fifty."]
    missing_total: int


def command(
    context: typer.Context,
    remote: GitRemote = None,
    dvc_remote: DvcRemote = None,
    runs: Runs = False,
    everything: Annotated[
        bool, typer.Option("--all", help="The data of every version, not only this branch's.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Bring what was pushed: branches, versions, stores, assets, models, this branch's data.

    Every object is checked by its hash before it counts. The branch only goes forward; rows that
    no version holds stay, and a file with bytes of its own is left alone.

    Example: xvc pull
    """
    from xvc.sharing.pull import PullRequest, pull  # late: it opens DuckDB

    here: Context = context.obj
    request = PullRequest(remote, dvc_remote, runs, everything)
    done = pull(here.project(), request, here.progress)
    data: Data = {
        "remote": done.remote,
        "dvc_remote": done.dvc_remote,
        "objects_needed": done.needed,
        "objects_brought": done.objects,
        "bytes_brought": done.size,
        "tags": list(done.tags[:_SHOWN]),
        "tags_total": len(done.tags),
        "runs_brought": done.runs,
        "branch": done.branch,
        "old": done.old,
        "new": done.new,
        "files_put": done.files,
        "missing": list(done.missing[:_SHOWN]),
        "missing_total": len(done.missing),
    }
    steps = ("xvc merge --missing", "xvc log") if done.missing else ("xvc log",)
    show(Answer("pull", data, _text(done), done.warnings, steps), here.manner)


def _text(done: Pulled) -> str:
    lines = _brought(done)
    if done.is_driver_new:
        lines.append("git merges the stores of branches in this clone from now on")
    return "\n".join(lines)


def _brought(done: Pulled) -> list[str]:
    if done.old == done.new and not (done.objects or done.tags or done.runs or done.files):
        return [f"everything of {done.remote} is here: {counted(done.needed, 'object')} looked for"]
    lines = [f"{done.objects} of {counted(done.needed, 'object')} brought ({size(done.size)})"]
    if done.tags:
        names = ", ".join(done.tags[:_SHOWN]) + (" …" if len(done.tags) > _SHOWN else "")
        lines.append(f"{counted(len(done.tags), 'tag')}: {names}")
    lines += [f"the code of {counted(done.runs, 'run')}"] if done.runs else []
    if done.old != done.new:
        lines.append(f"{done.branch} is at {(done.new or '')[:10]}")
    if done.files:
        lines.append(f"{counted(done.files, 'file')} of data and models put in place")
    return lines
