"""What promote and rollback show: what is in the stage, what was, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypedDict

from xvc.cli.output import Answer

if TYPE_CHECKING:
    from xvc.cli.context import Context
    from xvc.models.promote import Promoted
    from xvc.models.stages import Gate


class GateFacts(TypedDict):
    """One condition: as it was asked, what was found, whether it held."""

    asked: str
    found: str
    met: bool


class Promoting(TypedDict):
    """What is in the stage now, or would be, and why; ``previous`` is the version before."""

    name: str
    stage: str
    run: str
    version: str | None
    digest: str
    metrics: Mapping[str, object]
    gates: list[GateFacts]
    previous: str | None
    tag: str | None
    changed: bool
    dry_run: bool


def gate_facts(gates: Sequence[Gate]) -> list[GateFacts]:
    """Write conditions as JSON."""
    return [{"asked": gate.asked, "found": gate.found, "met": gate.is_met} for gate in gates]


def promoted(command: str, done: Promoted, here: Context) -> Answer:
    """Describe a change of a stage."""
    told = done.evidence
    data: Promoting = {
        "name": told.model,
        "stage": told.stage,
        "run": told.run,
        "version": told.version or None,
        "digest": told.digest,
        "metrics": dict(told.metrics),
        "gates": gate_facts(told.gates),
        "previous": told.previous or None,
        "tag": done.tag,
        "changed": done.tag is not None,
        "dry_run": done.is_dry,
    }
    verb = "would be" if done.is_dry else "is" if done.tag else "is already"
    lines = [f"{told.model} {told.version or f'of run {told.run}'} {verb} in {told.stage}"]
    lines += [f"  before: {told.previous}"] if told.previous and done.tag else []
    lines += [f"  gate: {gate.asked} ({gate.found})" for gate in told.gates]
    lines += [f"  tag: {done.tag}"] if done.tag else []
    is_undoable = done.tag and told.previous and command == "model promote"
    back = (f"xvc model rollback {told.model}",) if is_undoable else ()
    steps = (here.again(),) if done.is_dry else back
    return Answer(command, data, "\n".join(lines), next=steps)
