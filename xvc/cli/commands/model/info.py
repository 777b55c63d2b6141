"""``xvc model info``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson
from xvc.cli.output import Answer, moment, number, show, size
from xvc.types import Json

if TYPE_CHECKING:
    from xvc.core.stage import Assignment
    from xvc.flows.model_info import ModelInfo


def command(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The model's name.")],
    reference: Annotated[
        str, typer.Argument(help="A stage, version, run or best:METRIC.")
    ] = "production",
    as_json: AsJson = False,
) -> None:
    """Show one model: its run, files, metrics, and the evidence of its stage.

    Example: xvc model info digits e0.2.0
    """
    from xvc.flows.model_info import model_info  # late: it opens DuckDB

    here: Context = context.obj
    found = model_info(here.project(), name, reference)
    show(Answer("model info", _facts(found), "\n".join(_lines(found))), here.manner)


def _facts(found: ModelInfo) -> Json:
    each, run, held = found.candidate, found.candidate.run, found.held
    return {
        "name": each.name,
        "run": each.id,
        "version": each.version,
        "stages": list(each.stages),
        "digest": each.file.digest,
        "bytes": each.file.size,
        "files": dict(found.files),
        "cached": found.is_cached,
        "params": dict(run.params) if run else {},
        "metrics": dict(run.metrics) if run else {},
        "at": each.at,
        "evidence": _evidence(held) if held else None,
    }


def _evidence(held: Assignment) -> Json:
    told = held.evidence
    return {
        "tag": held.tag,
        "at": held.at,
        "by": told.by or None,
        "previous": told.previous or None,
        "gates": [{"asked": g.asked, "found": g.found, "met": g.is_met} for g in told.gates],
    }


def _lines(found: ModelInfo) -> list[str]:
    each, run, held = found.candidate, found.candidate.run, found.held
    away = "" if found.is_cached else "  not in the cache"
    lines = [
        f"{each.name}  run {each.id}  {each.version or 'no version'}  {moment(each.at)}",
        f"stages   {', '.join(each.stages) or 'none'}",
        f"content  {each.file.digest[:10]}  {size(each.file.size)}{away}",
        *(f"  {path}" for path in found.files),
    ]
    for word, values in (("metric", run.metrics), ("param ", run.params)) if run else ():
        lines += [f"{word}   {key} = {number(value)}" for key, value in sorted(values.items())]
    if held is not None:
        lines.append(f"put into {held.stage} by {held.evidence.by or 'another tool'} as {held.tag}")
        lines += [f"gate     {gate.asked}: {gate.found}" for gate in held.evidence.gates]
    return lines
