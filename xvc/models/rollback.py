"""Rolling back: what was in a stage before is there again, checked, in one step.

Changes nothing that was: the tree gets another commit, the history another line.
"""

from __future__ import annotations

from dataclasses import replace

from xvc.core.model import PRODUCTION, check_stage
from xvc.dvc.pointers import Out
from xvc.errors import NotFoundError, error
from xvc.models.list import read_models
from xvc.models.promote import Promoted, one_name
from xvc.models.set_stage import assign
from xvc.models.stages import ROLLBACK, before_current, current
from xvc.project import Project
from xvc.types import Digest
from xvc.versions.get import obtain


@error("nothing-before")
class NothingBefore(NotFoundError):
    """A rollback has nothing to go back to."""

    name: str
    stage: str
    says = "there is nothing in {stage} of {name} to roll back to"
    way = "`xvc model history {name}` shows what was; `xvc model promote` takes any run."


def rollback(
    project: Project,
    name: str | None = None,
    *,
    stage: str = PRODUCTION,
    to: str | None = None,
    dry_run: bool = False,
) -> Promoted:
    """Put back what was in a stage before, or the version *to* that was there once.

    Raises:
        NoModel: there is no such model in the stage, or several and none was named.
        NothingBefore: there is nothing to go back to.
        NoObject, DvcFailed: a part of the model is neither in the cache nor on the remote.
        ObjectCorrupt: its bytes are not what its name says.
        ConflictError: those that `assign` raises.
    """
    check_stage(stage)
    models = read_models(project)
    staged = tuple(sorted({each.name for each in models.history if each.stage == stage}))
    name = one_name(name, staged)
    now = current(models.history, name, stage)
    wanted = before_current(models.history, name, stage)
    if to is not None:
        of_stage = [e for e in models.history if (e.name, e.stage) == (name, stage)]
        wanted = next((e for e in reversed(of_stage) if e.evidence.version == to), None)
    if wanted is None or not wanted.evidence.digest:
        raise NothingBefore(name, stage)
    old = wanted.evidence
    obtain(project, Out(name, Digest(old.digest), wanted.tag, old.size))
    evidence = replace(
        old,
        model=name,
        stage=stage,
        action=ROLLBACK,
        previous=now.evidence.version if now else "",
        by="",
        gates=(),
    )
    is_there = now is not None and now.evidence.digest == evidence.digest
    if dry_run or is_there:
        return Promoted(evidence, now, None, dry_run)
    seen = 0 if now is None else now.number
    line = f"instead of {evidence.previous}" if evidence.previous else ""
    return Promoted(evidence, now, assign(project, evidence, seen, line))
