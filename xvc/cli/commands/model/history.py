"""``xvc model history``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from xvc.cli.context import Context
from xvc.cli.options import AsJson, Limit
from xvc.cli.output import Answer, moment, show, table
from xvc.cli.stage_view import GateFacts, gate_facts

if TYPE_CHECKING:
    from xvc.models.stages import Assignment


class Change(TypedDict):
    """One change of a stage; ``away`` means that the model was taken out."""

    tag: str
    at: Annotated[int, "Nanoseconds since the epoch."]
    stage: str
    action: Annotated[str | None, "promote or rollback; null when another tool made the tag."]
    away: bool
    version: str | None
    run: str | None
    previous: str | None
    by: str | None
    metrics: Mapping[str, object]
    gates: list[GateFacts]


class Data(TypedDict):
    """The changes, newest first."""

    history: list[Change]
    total: int


def command(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The model's name.")],
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """List what was put into which stage, when, by whom and why; newest first.

    Example: xvc model history digits
    """
    from xvc.models.list import history  # late: it opens DuckDB

    here: Context = context.obj
    found = history(here.project(), name)
    shown = found[:limit] if limit else found
    data: Data = {"history": [_facts(each) for each in shown], "total": len(found)}
    head = ["when", "stage", "action", "version", "before", "gates", "by", "tag"]
    text = table(head, [_row(each) for each in shown])
    show(
        Answer("model history", data, text if found else f"{name} was in no stage yet"), here.manner
    )


def _row(each: Assignment) -> list[str]:
    evidence = each.evidence
    return [
        moment(each.at * 10**9),
        each.stage,
        "taken out" if each.is_away else evidence.action or "by hand",
        evidence.version or "-",
        evidence.previous or "-",
        str(len(evidence.gates)),
        evidence.by or "-",
        each.tag,
    ]


def _facts(each: Assignment) -> Change:
    evidence = each.evidence
    return {
        "tag": each.tag,
        "at": each.at * 10**9,
        "stage": each.stage,
        "action": evidence.action or None,
        "away": each.is_away,
        "version": evidence.version or None,
        "run": evidence.run or None,
        "previous": evidence.previous or None,
        "by": evidence.by or None,
        "metrics": dict(evidence.metrics),
        "gates": gate_facts(evidence.gates),
    }
