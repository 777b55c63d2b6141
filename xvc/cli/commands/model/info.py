"""``xvc model info``."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson
from xvc.cli.output import FEW, Answer, moment, number, show, size
from xvc.cli.stage_view import GateFacts, gate_facts

if TYPE_CHECKING:
    from xvc.models.info import ModelInfo
    from xvc.models.stages import Assignment


class Held(TypedDict):
    """What put the model into its newest stage."""

    tag: str
    at: Annotated[int, "Nanoseconds since the epoch."]
    by: str | None
    previous: str | None
    gates: list[GateFacts]


class Data(TypedDict):
    """One model of one run; ``cached`` tells whether all its bytes are here."""

    name: str
    run: str
    version: str | None
    stages: list[str]
    digest: str
    bytes: int | None
    files: Annotated[Mapping[str, str], "The first twenty, with their digests."]
    files_total: int
    cached: bool
    params: Mapping[str, object]
    metrics: Mapping[str, object]
    at: Annotated[int | None, "When the run ended: nanoseconds since the epoch."]
    evidence: Held | None


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
    from xvc.models.info import model_info  # late: it opens DuckDB

    here: Context = context.obj
    found = model_info(here.project(), name, reference)
    show(Answer("model info", _facts(found), "\n".join(_lines(found))), here.manner)


def _facts(found: ModelInfo) -> Data:
    each, run, held = found.candidate, found.candidate.run, found.held
    return {
        "name": each.name,
        "run": each.id,
        "version": each.version,
        "stages": list(each.stages),
        "digest": each.file.digest,
        "bytes": each.file.size,
        "files": dict(islice(sorted(found.files.items()), FEW)),
        "files_total": len(found.files),
        "cached": found.is_cached,
        "params": dict(run.params) if run else {},
        "metrics": dict(run.metrics) if run else {},
        "at": each.at,
        "evidence": _evidence(held) if held else None,
    }


def _evidence(held: Assignment) -> Held:
    evidence = held.evidence
    return {
        "tag": held.tag,
        "at": held.at * 10**9,
        "by": evidence.by or None,
        "previous": evidence.previous or None,
        "gates": gate_facts(evidence.gates),
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
