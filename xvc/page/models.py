"""Models, for the page: what is in which stage and why, the candidates, promote and roll back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xvc.core.direction import is_progress
from xvc.page.browser_values import Wired, wired

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from xvc.models.list import Candidate
    from xvc.models.promote import Promoted
    from xvc.models.stages import Assignment, Gate
    from xvc.project import Project


def all_models(project: Project) -> dict[str, Wired]:
    """Tell of each model its stages, its candidates and its history; none outside DVC."""
    from xvc.models.list import read_models  # late: loads what reads the store
    from xvc.models.stages import current

    if project.place is None or project.dvc is None:
        return {"models": [], "warnings": []}
    held = read_models(project)
    models = []
    for name in held.names:
        history = [each for each in held.history if each.name == name]
        stages = dict.fromkeys(each.stage for each in history)
        now = {stage: current(history, name, stage) for stage in stages}
        models.append(
            {
                "name": name,
                "stages": [
                    {"stage": stage, **_assigned(each)} for stage, each in now.items() if each
                ],
                "candidates": [_candidate(each) for each in held.of(name)],
                "history": [_assigned(each) for each in reversed(history)],
            }
        )
    return {"models": models, "warnings": list(project.keeper.warnings)}


def promote_model(
    project: Project, reference: str, name: str, stage: str, *, dry_run: bool
) -> dict[str, Wired]:
    """Put a run's model into a stage, or only plan it; as `xvc model promote`.

    Raises:
        GatesNotMet: a condition of the settings does not hold.
    """
    from xvc.models.promote import Promotion, promote  # late: as above

    wanted = Promotion(reference=reference, name=name, stage=stage, dry_run=dry_run)
    return _promoted(promote(project, wanted))


def rollback_model(project: Project, name: str, stage: str, *, dry_run: bool) -> dict[str, Wired]:
    """Put back what was in a stage before, or only plan it; as `xvc model rollback`.

    Raises:
        NothingBefore: nothing was there before.
    """
    from xvc.models.rollback import rollback  # late: as above

    return _promoted(rollback(project, name, stage=stage, dry_run=dry_run))


def _promoted(done: Promoted) -> dict[str, Wired]:
    evidence = done.evidence
    return {
        "model": evidence.model,
        "stage": evidence.stage,
        "version": evidence.version,
        "run": evidence.run,
        "previous": evidence.previous,
        "metrics": _results(evidence.metrics),
        "gates": _gates(evidence.gates),
    }


def _candidate(each: Candidate) -> Mapping[str, Wired]:
    run = each.run
    return {
        "run": each.id,
        "version": each.version,
        "stages": list(each.stages),
        "digest": each.file.digest,
        "size": each.file.size,
        "at": None if each.at is None else each.at / 1e6,
        "here": each.is_here,
        "metrics": _results(run.metrics) if run is not None else {},
    }


def _assigned(each: Assignment) -> Mapping[str, Wired]:
    evidence = each.evidence
    return {
        "stage": each.stage,
        "number": each.number,
        "at": each.at * 1000,
        "away": each.is_away,
        "action": evidence.action or "set by hand",
        "version": evidence.version,
        "run": evidence.run,
        "by": evidence.by,
        "previous": evidence.previous,
        "digest": evidence.digest,
        "metrics": _results(evidence.metrics),
        "gates": _gates(evidence.gates),
    }


def _results(metrics: Mapping[str, object]) -> Wired:
    """What a run reached: not how far it had come when it did."""
    return wired({key: value for key, value in metrics.items() if not is_progress(key)})


def _gates(gates: Sequence[Gate]) -> list[Mapping[str, Wired]]:
    return [{"asked": each.asked, "found": each.found, "met": each.is_met} for each in gates]
