"""``xvc push``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson, DryRun, DvcRemote, GitRemote, Runs
from xvc.cli.output import Answer, progress, show, size

if TYPE_CHECKING:
    from xvc.flows.push import Pushed

_SHOWN = 50


class Data(TypedDict):
    """What was sent, or would be; ``left_out`` are runs whose data is nowhere."""

    remote: str
    dvc_remote: str | None
    objects_needed: int
    objects_sent: int
    bytes_sent: int
    refs: Annotated[list[str], "The first fifty."]
    refs_total: int
    left_out: Annotated[list[str], "The first fifty."]
    left_out_total: int
    dry_run: bool


def command(
    context: typer.Context,
    remote: GitRemote = None,
    dvc_remote: DvcRemote = None,
    runs: Runs = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Push this branch and all versions, after the data that they need has arrived.

    Every object is checked by its hash before it is sent and looked at on the DVC remote after.
    What is there already is not sent; broken off, the next push completes.

    Example: xvc push origin --runs
    """
    from xvc.flows.push import PushRequest, push  # late: it opens DuckDB

    here: Context = context.obj
    request = PushRequest(remote, dvc_remote, runs, dry_run)
    done = push(here.project(), request, lambda text: progress(text, here.manner))
    data: Data = {
        "remote": done.remote,
        "dvc_remote": done.dvc_remote,
        "objects_needed": done.needed,
        "objects_sent": done.objects,
        "bytes_sent": done.size,
        "refs": list(done.refs[:_SHOWN]),
        "refs_total": len(done.refs),
        "left_out": list(done.left_out[:_SHOWN]),
        "left_out_total": len(done.left_out),
        "dry_run": dry_run,
    }
    text = _text(done, is_plan=dry_run)
    steps = (here.again(),) if dry_run and (done.refs or done.objects) else ()
    show(Answer("push", data, text, _warnings(done), steps), here.manner)


def _text(done: Pushed, *, is_plan: bool) -> str:
    would = "would be " if is_plan else ""
    if not done.refs and not done.objects:
        return f"{done.remote} has everything: {done.needed} objects looked at"
    lines = [
        f"{done.objects} of {done.needed} objects ({size(done.size)}) {would}sent to "
        f"{done.dvc_remote}"
    ]
    lines += [f"{len(done.refs)} refs {would}pushed to {done.remote}"] if done.refs else []
    lines += [f"  {ref.removeprefix('refs/')}" for ref in done.refs[:_SHOWN]]
    lines += [f"  … {len(done.refs) - _SHOWN} more"] if len(done.refs) > _SHOWN else []
    return "\n".join(lines)


def _warnings(done: Pushed) -> tuple[str, ...]:
    if not done.left_out:
        return done.warnings
    names = ", ".join(done.left_out[:3]) + (" …" if len(done.left_out) > 3 else "")
    told = f"{len(done.left_out)} runs stay here, because data of theirs is nowhere: {names}"
    return (*done.warnings, told)
