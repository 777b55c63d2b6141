"""``xvc push``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson, DryRun, DvcRemote, GitRemote, Runs
from xvc.cli.output import Answer, show, size
from xvc.core.human_units import counted

if TYPE_CHECKING:
    from xvc.sharing.push import Pushed

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
    from xvc.sharing.push import PushRequest, push  # late: it opens DuckDB

    here: Context = context.obj
    request = PushRequest(remote, dvc_remote, runs, dry_run)
    done = push(here.project(), request, here.progress)
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
        return f"{done.remote} has everything: {counted(done.needed, 'object')} looked at"
    lines = []
    if done.objects:
        part = f"{done.objects} of {counted(done.needed, 'object')} ({size(done.size)})"
        lines.append(f"{part} {would}sent to {done.dvc_remote}")
    elif done.needed:
        lines.append(f"{done.dvc_remote} has all {counted(done.needed, 'object')} already")
    if done.refs:
        lines.append(f"{counted(len(done.refs), 'ref')} {would}pushed to {done.remote}")
    lines += [f"  {ref.removeprefix('refs/')}" for ref in done.refs[:_SHOWN]]
    lines += [f"  … {len(done.refs) - _SHOWN} more"] if len(done.refs) > _SHOWN else []
    return "\n".join(lines)


def _warnings(done: Pushed) -> tuple[str, ...]:
    warnings = list(done.warnings)
    if done.left_out:
        names = ", ".join(done.left_out[:3]) + (" …" if len(done.left_out) > 3 else "")
        kept = counted(len(done.left_out), "run")
        warnings.append(f"left here, because data of theirs is nowhere: {kept}, {names}")
    if done.unsaved:
        kept = counted(done.unsaved, "run")
        warnings.append(f"not pushed: {kept} in no version yet; `xvc tag minor`, then push again")
    return tuple(warnings)
