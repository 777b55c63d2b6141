"""Holding a run to conditions, for a script that must stop when they are not met.

Changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from xvc.core.direction import asked_direction
from xvc.core.metric_scale import scales_in_words
from xvc.core.model import PRODUCTION
from xvc.core.objective import Measure, number_of
from xvc.core.run import RunRecord, Status
from xvc.errors import BadValue
from xvc.history.find import FoundRun, find
from xvc.models.list import read_models
from xvc.models.promote import (
    Promoted,
    Promotion,
    are_apart,
    beaten,
    judged_otherwise,
    one_name,
    promote,
    required,
)
from xvc.models.stages import Gate, current
from xvc.project import Project
from xvc.runs.compare import repeats_of
from xvc.runs.verdicts import Verdict, judge, sentence


@dataclass(frozen=True, slots=True)
class GateRequest:
    """What a run is held to.

    ``least`` and ``most`` bound ``metric`` (``acc``, or ``acc:max`` where its name does not say the
    direction); ``against`` is a stage, version or run that it must beat, ``model`` says whose
    stage; with ``is_noisy`` it must be better beyond the noise of the repeats, and by ``margin`` at
    the least; ``repeats`` is how many it must have.
    """

    reference: str = "@"
    metric: str | None = None
    least: float | None = None
    most: float | None = None
    against: str | None = None
    require: tuple[str, ...] = ()
    model: str | None = None
    is_noisy: bool = False
    margin: float = 0.0
    repeats: int | None = None


@dataclass(frozen=True, slots=True)
class Gated:
    """The run and what was found of each condition; ``baseline`` is the run it was held against."""

    run: FoundRun
    gates: tuple[Gate, ...]
    baseline: FoundRun | None = None

    @property
    def is_met(self) -> bool:
        """Whether every condition holds."""
        return all(gate.is_met for gate in self.gates)


def gate(project: Project, wanted: GateRequest) -> Gated:
    """Hold a run to conditions; one that is not recorded is not met.

    Raises:
        BadValue: nothing is asked, or a bound without its metric.
        NoRun, NoVersion, AmbiguousRun, BadReference: a reference names no run.
        NoDirection: a comparison by a metric whose better end nothing tells.
        NoModel: a stage is asked for, and no model or several could be meant.
    """
    _check(wanted)
    run = find(project, [wanted.reference])[0]
    status = run.record.status
    gates = [Gate("finished", f"the run is {status}", is_met=status is Status.FINISHED)]
    gates += [*_bounds(wanted, run), *required(wanted.require, run.record)]
    baseline = None
    if wanted.against is not None:
        baseline = _baseline(project, wanted)
        record = baseline.record if baseline is not None else None
        gates.append(_against(project, wanted, run.record, record))
    gates += _repeated(project, wanted, run.record)
    return Gated(run, tuple(gates), baseline)


def _check(wanted: GateRequest) -> None:
    has_bound = wanted.least is not None or wanted.most is not None
    if wanted.metric is None and (has_bound or wanted.against is not None):
        raise BadValue("--metric", "it must say which metric is meant")
    if wanted.is_noisy and wanted.against is None:
        raise BadValue("--noise", "it needs what to compare with: --vs e1.2.0, --vs production")
    if wanted.margin and wanted.against is None:
        raise BadValue("--margin", "it needs what to compare with: --vs e1.2.0, --vs production")
    if wanted.margin < 0:
        raise BadValue("--margin", f"{wanted.margin} is below 0")
    if not (has_bound or wanted.against or wanted.require or wanted.repeats):
        raise BadValue("--metric", "it needs --min, --max or --vs; or --require says a condition")


def _bounds(wanted: GateRequest, run: FoundRun) -> list[Gate]:
    if wanted.metric is None:
        return []
    name = (
        wanted.metric if wanted.metric in run.record.metrics else asked_direction(wanted.metric)[0]
    )
    value = number_of(run.record.metrics.get(name))
    shown = f"{name} is {'not recorded' if value is None else value}"
    gates = []
    for sign, bound in ((">=", wanted.least), ("<=", wanted.most)):
        if bound is None:
            continue
        scales = scales_in_words(name, value, bound)
        is_met = value is not None and (value >= bound if sign == ">=" else value <= bound)
        gates.append(Gate(f"{name} {sign} {bound}", scales or shown, is_met and scales is None))
    return gates


def _baseline(project: Project, wanted: GateRequest) -> FoundRun | None:
    """Find what to compare with; None where the stage is empty."""
    against, models = wanted.against or "", read_models(project)
    if against not in {PRODUCTION, *(each.stage for each in models.history)}:
        return find(project, [against])[0]
    names = tuple(sorted({each.name for each in models.history}))
    if not names and wanted.model is None:
        return None
    name = one_name(wanted.model, names)
    now = current(models.history, name, against)
    return None if now is None else find(project, [now.evidence.run])[0]


def promote_gated(
    project: Project,
    wanted: Promotion,
    *,
    is_noisy: bool = False,
    margin: float = 0.0,
    repeats: int | None = None,
) -> Promoted:
    """Put a run's model into a stage, as `promote` does, where it also passes the gates of repeats.

    Args:
        project: any tree's.
        wanted: what is promoted, and what it must beat.
        is_noisy: whether better means beyond the noise of the repeats.
        margin: by how much it must be better.
        repeats: how many it must have.

    Raises:
        BadValue: there is nothing that it must beat.
        XvcError: another of those that `promote` raises.
    """
    if not (is_noisy or margin or repeats):
        return promote(project, wanted)
    if wanted.better_than is None:
        raise BadValue("--noise", "it needs what to beat: --better-than production")
    asked = GateRequest(
        wanted.reference,
        against=wanted.better_than,
        is_noisy=is_noisy,
        margin=margin,
        repeats=repeats,
    )

    def also(run: RunRecord, baseline: RunRecord | None, metric: str) -> list[Gate]:
        held = replace(asked, metric=metric)
        return [_against(project, held, run, baseline), *_repeated(project, held, run)]

    return promote(project, wanted, also)


def _repeated(project: Project, wanted: GateRequest, run: RunRecord) -> list[Gate]:
    if wanted.repeats is None:
        return []
    count = len(repeats_of(project, [run])[0].repeats)
    return [Gate(f"repeats >= {wanted.repeats}", f"it has {count}", count >= wanted.repeats)]


def _against(
    project: Project, wanted: GateRequest, run: RunRecord, baseline: RunRecord | None
) -> Gate:
    measure = Measure.parse(wanted.metric or "", project.settings.metrics_direction, "--metric")
    by = f" by {wanted.margin}" if wanted.margin else ""
    asked = f"{measure} better than {wanted.against}{by}{' beyond the noise' * wanted.is_noisy}"
    if baseline is None:
        return Gate(asked, f"nothing is in {wanted.against}", is_met=True)
    otherwise = judged_otherwise(project, asked, baseline, run)
    if otherwise is not None:
        return otherwise
    if not wanted.is_noisy:
        old, new = measure.value(baseline), measure.value(run)
        return beaten(asked, measure, old, new, wanted.margin)
    before, after = repeats_of(project, [baseline, run])
    if before is after:
        return Gate(asked, "they are repeats of one experiment", is_met=False)
    judgement = judge(measure.metric, before, after, measure.direction)
    if judgement is None:
        return Gate(asked, f"{measure.metric} is not recorded in both", is_met=False)
    means = f"{judgement.candidate.mean:.6g} (n={judgement.candidate.count}) against "
    means += f"{judgement.baseline.mean:.6g} (n={judgement.baseline.count}): {sentence(judgement)}"
    is_met = judgement.verdict is Verdict.BETTER and are_apart(
        float(f"{judgement.baseline.mean:.12g}"),  # twelve digits: 0.1 + 0.2 over 2 is no 0.15
        float(f"{judgement.candidate.mean:.12g}"),
        wanted.margin,
    )
    return Gate(asked, means, is_met=is_met)
