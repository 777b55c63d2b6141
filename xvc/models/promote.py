"""Promoting a model: chosen, gated and checked before anything changes; then one step.

A metric's direction is known or said. What was in the stage stays a candidate.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction

from xvc.core.commit_subject import chosen_metrics, subject
from xvc.core.direction import better
from xvc.core.expression import Expression, compared_in, keys_of
from xvc.core.filter import evaluate, parse_filter
from xvc.core.metric_scale import scales_in_words
from xvc.core.model import PRODUCTION, candidate_of, check_stage
from xvc.core.objective import Measure, number_of, written_distance
from xvc.core.reference import Extreme, parse_reference
from xvc.core.run import DataFile, RunRecord
from xvc.dvc.pointers import Out
from xvc.errors import BadValue, ConflictError, NoObject, NoRun, error
from xvc.history.find import find
from xvc.history.judging import judged_alike, unlike
from xvc.models.list import Models, NoModel, read_models
from xvc.models.set_stage import assign, stage_now
from xvc.models.stages import PROMOTE, Assignment, Evidence, Gate, current
from xvc.project import Project
from xvc.types import Digest, Json
from xvc.versions.get import obtain
from xvc.versions.tag import TagRequest, tag


@error("gates-not-met")
class GatesNotMet(ConflictError):
    """A promotion was asked for under conditions that do not hold."""

    exit_code = 3
    reasons: tuple[str, ...]
    says = "the gates are not met: {reasons:; }"
    way = "Nothing was changed."


@dataclass(frozen=True, slots=True)
class Promotion:
    """What ``xvc model promote`` was asked for; ``better_than`` is a stage, version or run."""

    reference: str
    name: str | None = None
    stage: str = PRODUCTION
    require: tuple[str, ...] = ()
    better_than: str | None = None
    by: str | None = None
    message: str | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Promoted:
    """What is in a stage now, or would be; ``tag`` is None while nothing was changed."""

    evidence: Evidence
    previous: Assignment | None
    tag: str | None = None
    is_dry: bool = False


Also = Callable[[RunRecord, RunRecord | None, str], Sequence[Gate]]
"""Further gates: of the run, against what it must beat (None: nothing), by a metric."""


def promote(project: Project, wanted: Promotion, also: Also | None = None) -> Promoted:
    """Put a run's model into a stage; a run that has no version gets one.

    *also* holds it to more, as `xvc gate` does, where it must beat something.

    Raises:
        NoModel: the run has no model, or several and none was named.
        NoRun, NoVersion, AmbiguousRun, BadReference: the reference names no run.
        NoDirection: a metric decides, and nothing says which way it is better.
        GatesNotMet: a condition does not hold; nothing was changed.
        NoObject, DvcFailed: a part of the model is neither in the cache nor on the remote.
        ObjectCorrupt: its bytes are not what its name says.
        StageMoved: somebody else has put another model there meanwhile.
        ConflictError: another of those that `assign` and `tag` raise.
    """
    check_stage(wanted.stage)
    models = read_models(project)
    record, version, name = _chosen(project, wanted, models)
    file = models_of(record)[name]
    now = current(models.history, name, wanted.stage)
    gates = (*required(wanted.require, record), *_compared(project, wanted, record, now, also))
    unmet = tuple(f"{gate.asked} ({gate.found})" for gate in gates if not gate.is_met)
    if unmet:
        raise GatesNotMet(unmet)
    obtain(project, Out(name, Digest(file.digest), f"run {record.id}", file.size))
    evidence = Evidence(
        model=name,
        stage=wanted.stage,
        action=PROMOTE,
        version=version or "",
        run=record.id,
        digest=file.digest,
        size=file.size or 0,
        previous=now.evidence.version if now else "",
        metrics=_numbers(record),
        gates=gates,
    )
    is_there = now is not None and (now.evidence.run, now.evidence.digest) == (
        evidence.run,
        evidence.digest,
    )
    if wanted.dry_run or is_there:
        return Promoted(evidence, now, None, wanted.dry_run)
    if version is None:
        version = tag(project, TagRequest(run=record.id)).name
    evidence = replace(evidence, version=version)
    tag_name = assign(
        project,
        evidence,
        stage_now(models.history, name, wanted.stage),
        _line(project, evidence, wanted.message),
    )
    return Promoted(evidence, now, tag_name)


def _line(project: Project, evidence: Evidence, message: str | None) -> str:
    keys = chosen_metrics(evidence.metrics, list(project.settings.metrics_direction))
    return subject({}, evidence.metrics, None, message, keys) if keys or message else ""


def models_of(record: RunRecord) -> dict[str, DataFile]:
    """Map the models of a run, by name, to their content."""
    which = {path: candidate_of(path) for path in record.outs}
    return {at[0]: record.outs[path] for path, at in which.items() if at and at[1] == record.id}


def _chosen(
    project: Project, wanted: Promotion, models: Models
) -> tuple[RunRecord, str | None, str]:
    reference = parse_reference(wanted.reference, project.settings.tag_prefix)
    if isinstance(reference, Extreme):
        return _extreme(project, wanted, reference, models)
    found = find(project, [wanted.reference])[0]
    having = models_of(found.record)
    name = one_name(wanted.name, tuple(sorted(having)), run=found.record.id)
    return found.record, found.version, name


def one_name(name: str | None, known: tuple[str, ...], *, run: str = "") -> str:
    """Return the one model that can be meant; *run* is the one whose models these are.

    Raises:
        NoModel: there is none of that name, or none at all.
        BadValue: there are several, and none was named.
    """
    if name is not None and name in known:
        return name
    if name is None and len(known) == 1:
        return known[0]
    if name is None and known:
        raise BadValue("--name", f"it must say which: {', '.join(known)}")
    raise NoModel(name or "", known, run)


def _extreme(
    project: Project, wanted: Promotion, reference: Extreme, models: Models
) -> tuple[RunRecord, str | None, str]:
    """Choose among the candidates that are here: only a model can be promoted."""
    name = one_name(wanted.name, tuple(sorted({e.name for e in models.candidates if e.is_here})))
    measure = _measure(project, wanted, reference.metric)
    having = {e.id: e for e in models.of(name) if e.is_here and e.run is not None}
    runs = [each.run for each in having.values() if each.run is not None]
    judged = judged_alike(project, runs, measure)
    project.keeper.warnings += [judged.warning] if judged.warning else []
    record = measure.first(judged.runs, best=reference.best)
    if record is None:
        says = f"no candidate of {name} is of a finished run with a number {reference.metric}"
        raise BadValue("REFERENCE", says)
    return record, having[record.id].version, name


def _measure(project: Project, wanted: Promotion, metric: str | None) -> Measure:
    declared = project.settings.metrics_direction
    said = Measure.parse(wanted.by, declared) if wanted.by is not None else None
    if said is not None and (metric is None or said.metric == metric):
        return said
    if metric is None:
        raise BadValue("--better-than", "it needs a metric: --by METRIC, or METRIC:max, METRIC:min")
    return Measure.parse(metric, declared)


def required(conditions: Sequence[str], record: RunRecord) -> list[Gate]:
    """Hold a run's params and metrics to conditions like ``acc >= 0.9``; absent is not met.

    Raises:
        BadFilter: one cannot be read.
    """
    values: dict[str, Json] = {**record.params, **record.metrics}
    gates = []
    for text in conditions:
        claim = parse_filter(text)
        found = ", ".join(f"{key} is {_shown(values.get(key))}" for key in keys_of(claim))
        scales = _on_two_scales(claim, record)
        is_met = scales is None and evaluate(claim, values.__getitem__)
        gates.append(Gate(str(claim), scales or found, is_met))
    return gates


def _on_two_scales(claim: Expression, record: RunRecord) -> str | None:
    """Say which metric is held to percentages and is a fraction, or the other way round."""
    bounds: dict[str, list[float]] = {}
    for part in compared_in(claim):
        bound = number_of(part.value)
        if bound is not None and part.key in record.metrics and part.key not in record.params:
            bounds.setdefault(part.key, []).append(bound)
    for key, held in bounds.items():
        value = number_of(record.metrics[key])
        said = [scales_in_words(key, value, bound) for bound in held]
        if all(said):  # one bound on its scale is one that was meant
            return said[0]
    return None


def _compared(
    project: Project,
    wanted: Promotion,
    record: RunRecord,
    now: Assignment | None,
    also: Also | None,
) -> list[Gate]:
    if wanted.better_than is None:
        return []
    reference = parse_reference(wanted.reference, project.settings.tag_prefix)
    metric = reference.metric if isinstance(reference, Extreme) else None
    measure = _measure(project, wanted, metric if wanted.by is None else None)
    asked = f"{measure} better than {wanted.better_than}"
    is_stage = wanted.better_than == wanted.stage
    if is_stage and now is None:
        return [Gate(asked, f"nothing is in {wanted.stage}", is_met=True)]
    against = now.evidence.run if is_stage and now is not None else wanted.better_than
    is_told = is_stage and now is not None and measure.metric in now.evidence.metrics
    other: RunRecord | None = None
    with suppress(*((NoRun, NoObject) if is_told and also is None else ())):  # its tag says enough
        other = find(project, [against])[0].record if against else None
    if also is not None:
        return [*also(record, other, str(measure))]
    if other is not None and (otherwise := judged_otherwise(project, asked, other, record)):
        return [otherwise]
    old = measure.value(other) if other is not None else None
    if is_stage and now is not None:
        said = number_of(now.evidence.metrics.get(measure.metric))
        old = said if said is not None else old
    return [beaten(asked, measure, old, measure.value(record))]


def judged_otherwise(project: Project, asked: str, old: RunRecord, new: RunRecord) -> Gate | None:
    """Return the gate that is not met by runs that were judged otherwise; None if they were not."""
    parts = unlike(project, old, new)
    found = f"they were judged otherwise: {', '.join(parts)}"
    return Gate(asked, found, is_met=False) if parts else None


def beaten(
    asked: str, measure: Measure, old: float | None, new: float | None, margin: float = 0.0
) -> Gate:
    """Hold one number against another, by the way of the measure: met if it is better by *margin*.

    Numbers on two scales are not compared.
    """
    scales = scales_in_words(measure.metric, number_of(old), number_of(new))
    if scales is not None:
        return Gate(asked, scales, is_met=False)
    is_better = old is not None and new is not None and better(measure.direction, old, new) is True
    is_met = is_better and are_apart(old, new, margin)
    return Gate(asked, f"{_shown(new)} against {_shown(old)}", is_met)


def are_apart(old: float | None, new: float | None, margin: float) -> bool:
    """Whether two numbers lie at least so far apart, as they are written.

    >>> are_apart(0.9, 0.8, 0.1), are_apart(0.9, 0.81, 0.1), are_apart(math.inf, 0.8, 0.1)
    (True, False, True)
    """
    if old is None or new is None or not math.isfinite(margin):
        return False
    apart = written_distance(old, new)
    return apart is None or apart >= Fraction(repr(margin))  # None: infinitely far


def _shown(value: Json) -> str:
    return "not recorded" if value is None else str(value)


def _numbers(record: RunRecord) -> dict[str, Json]:
    return {k: v for k, v in sorted(record.metrics.items()) if number_of(v) is not None}
