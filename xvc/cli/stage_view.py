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
    evidence = done.evidence
    data: Promoting = {
        "name": evidence.model,
        "stage": evidence.stage,
        "run": evidence.run,
        "version": evidence.version or None,
        "digest": evidence.digest,
        "metrics": dict(evidence.metrics),
        "gates": gate_facts(evidence.gates),
        "previous": evidence.previous or None,
        "tag": done.tag,
        "changed": done.tag is not None,
        "dry_run": done.is_dry,
    }
    verb = "would be" if done.is_dry else "is" if done.tag else "is already"
    which = evidence.version or f"of run {evidence.run}"
    lines = [f"{evidence.model} {which} {verb} in {evidence.stage}"]
    lines += [f"  before: {evidence.previous}"] if evidence.previous and done.tag else []
    lines += [f"  gate: {gate.asked} ({gate.found})" for gate in evidence.gates]
    lines += [f"  tag: {done.tag}"] if done.tag else []
    is_undoable = done.tag and evidence.previous and command == "model promote"
    back = (f"xvc model rollback {evidence.model}",) if is_undoable else ()
    steps = (here.again(),) if done.is_dry else back
    return Answer(command, data, "\n".join(lines), next=steps)
