"""What promote and rollback show: what is in the stage, what was, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xvc.cli.output import Answer
from xvc.types import Json

if TYPE_CHECKING:
    from xvc.flows.promote import Promoted


def promoted(command: str, done: Promoted) -> Answer:
    """Describe a change of a stage."""
    told = done.evidence
    data: Json = {
        "name": told.model,
        "stage": told.stage,
        "run": told.run,
        "version": told.version or None,
        "digest": told.digest,
        "metrics": dict(told.metrics),
        "gates": [{"asked": g.asked, "found": g.found, "met": g.is_met} for g in told.gates],
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
    back = (f"xvc model rollback {told.model}",) if done.tag and told.previous else ()
    return Answer(command, data, "\n".join(lines), next=back)
