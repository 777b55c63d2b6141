"""Comparing runs: values by the core's rules, code by git, packages by environment.

Where runs have repeats, what differs is judged against the noise between them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from xvc.core.direction import OWN_SCORES, is_progress
from xvc.core.human_units import few_of
from xvc.core.metric_scale import scales_in_words
from xvc.core.objective import number_of
from xvc.core.run import RunCode, RunRecord, Status
from xvc.core.seed_names import is_seed
from xvc.dvc.pointers import SUFFIX
from xvc.errors import GitFailed, UsageError, error
from xvc.git.commands import LineChange
from xvc.history.find import FoundRun, find
from xvc.history.judging import differing, judges
from xvc.project import Project
from xvc.recovery.lost_runs import opened
from xvc.runs.code_fingerprint import fingerprints
from xvc.runs.comparison import Comparison, Difference, Missing, compare_packages, of_doubt
from xvc.runs.comparison import compare as compare_records
from xvc.runs.list import ListRequest
from xvc.runs.list import runs as list_runs
from xvc.runs.repeats import (
    RepeatedExperiment,
    experiments,
    own_params,
    settings_of,
    with_shared_settings,
)
from xvc.runs.row_pairs import RowRequest, judge_rows
from xvc.runs.verdicts import Judgement, all_held, judge
from xvc.store import query
from xvc.types import RunId
from xvc.versions.base import paths_without_code


@error("too-few")
class TooFew(UsageError):
    """A comparison needs at least two runs."""

    says = "a comparison needs at least two runs"
    way = "For example `xvc compare @-1 @`, or `xvc compare e0.1.0 e0.2.0`."


@dataclass(frozen=True, slots=True)
class Compared:
    """The runs in the order asked for, and how they differ from the first."""

    runs: tuple[FoundRun, ...]
    comparison: Comparison
    unknown_directions: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    verdicts: tuple[tuple[Judgement, ...], ...] = ()
    """Of each run behind the first, by metric; empty where no run has repeats."""
    rows: tuple[tuple[Judgement, ...], ...] = ()
    """Of each run behind the first, by score; empty where no rows were asked for."""


def compare(
    project: Project,
    references: Sequence[str],
    *,
    series: str | None = None,
    rows: RowRequest | None = None,
) -> Compared:
    """Compare runs by their references, and the finished ones of a series, oldest first.

    With *rows* their rows in a table are held against each other, too, by `row_pairs.judge_rows`,
    which may raise what it says.

    Raises:
        TooFew: fewer than two were given.
        BadValue: no run is of the series.
        NoRun: one of them does not exist, and the other errors of `find`.
    """
    if series is not None:
        listed = list_runs(project, ListRequest(series=series, limit=None)).runs
        members = [run.id for run in reversed(listed) if run.status == Status.FINISHED]
        references = [*references, *members]
    if len(references) < 2:
        raise TooFew
    found = find(project, references)
    records = [one.record for one in found]
    own = OWN_SCORES if series is not None else {}
    comparison = compare_records(records, {**own, **project.settings.metrics_direction})
    warnings: list[str] = []
    comparison = replace(
        comparison,
        packages=_packages(found, warnings),
        code=tuple(_code(project, found[0], one, warnings) for one in found[1:]),
    )
    unknown = tuple(
        row.key
        for row in comparison.metrics
        if row.direction is None and not row.is_same and not is_progress(row.key)
    )
    warnings += [*_of_two_scales(comparison.metrics), *of_doubt(records)]
    groups = repeats_of(project, records)
    verdicts = _verdicts(groups, records, comparison.metrics, warnings)
    by_row = judge_rows(project, rows, groups, warnings) if rows is not None else []
    others = _judged_otherwise(project, records, warnings)
    if others:
        comparison = replace(
            comparison, metrics=tuple(replace(row, best=None) for row in comparison.metrics)
        )
        verdicts = tuple(() if place in others else rows for place, rows in enumerate(verdicts))
        by_row = [() if place in others else each for place, each in enumerate(by_row)]
    return Compared(
        runs=tuple(found),
        comparison=comparison,
        unknown_directions=unknown,
        warnings=tuple(warnings),
        verdicts=verdicts,
        rows=tuple(by_row),
    )


def _of_two_scales(metrics: Sequence[Difference]) -> Iterator[str]:
    """Name the metrics of which one run has a fraction and another a percentage."""
    for row in metrics:
        numbers = [None if isinstance(v, Missing) else number_of(v) for v in row.values]
        if (said := scales_in_words(row.key, *numbers)) is not None:
            yield f"{said}, so neither is better"


def _judged_otherwise(
    project: Project, records: Sequence[RunRecord], warnings: list[str]
) -> set[int]:
    """Return the places, behind the first, of runs that were judged otherwise, and say so."""
    known = judges(project, records)
    first = records[0]
    found = set[int]()
    for place, record in enumerate(records[1:]):
        parts = differing(known.get(first.id), known.get(record.id))
        if parts:
            found.add(place)
            warnings.append(
                f"{record.id} was judged otherwise than {first.id} ({', '.join(parts)} differs), "
                "so neither is better"
            )
    return found


def _verdicts(
    groups: Sequence[RepeatedExperiment],
    records: Sequence[RunRecord],
    metrics: Sequence[Difference],
    warnings: list[str],
) -> tuple[tuple[Judgement, ...], ...]:
    """Judge each run behind the first, with its repeats, against the first with its own."""
    if all(len(group.repeats) < 2 for group in groups):
        return ()
    baseline, others = groups[0], groups[1:]
    warnings += _of_one_experiment(groups, records)
    judged = [
        all_held([judge(row.key, baseline, each, row.direction) for each in others], row.direction)
        for row in metrics
        if not is_progress(row.key) and not is_seed(row.key)
    ]
    return tuple(
        tuple(each for row in judged if (each := row[place]) is not None and group is not baseline)
        for place, group in enumerate(others)
    )


def _of_one_experiment(
    groups: Sequence[RepeatedExperiment], records: Sequence[RunRecord]
) -> Iterator[str]:
    """Say which of the runs are repeats, each experiment once."""
    for group in dict.fromkeys(map(id, groups)):
        names = [r.id for r, its in zip(records, groups, strict=True) if id(its) == group]
        if len(names) == 2:
            yield f"{names[1]} is a repeat of {names[0]}, so neither is better"
        elif len(names) > 2:
            listed = f"{', '.join(names[:-1])} and {names[-1]}"
            yield f"{listed} are repeats of one experiment, so none of them is better"


def repeats_of(project: Project, records: Sequence[RunRecord]) -> list[RepeatedExperiment]:
    """Find the experiment that each run is a repeat of, among the runs that `xvc ls` lists here.

    Runs that repeat each other share one; a run that did not finish stands alone.
    """
    asked = {settings_of(record) for record in records}
    known: dict[RunId, RunRecord] = {}
    with opened(project) as connection:
        for record in records:
            like_it = query.alike(connection, record.folder, own_params(record))
            known |= {run.id: run for run in like_it if settings_of(run) in asked}
    known |= {record.id: record for record in records}
    runs = list(known.values())
    found = experiments(runs, fingerprints(project, with_shared_settings(runs)))
    return [_group_of(record, found) for record in records]


def ranked_repeats(project: Project, records: Sequence[RunRecord]) -> list[RunId]:
    """Name the runs that repeat one of *records*, are none of them and are still ranked."""
    plain = [replace(record, decision=None) for record in records]
    own = {record.id for record in records}
    found = (run.id for group in repeats_of(project, plain) for run in group.runs)
    return [run for run in dict.fromkeys(found) if run not in own]


def _group_of(record: RunRecord, found: Sequence[RepeatedExperiment]) -> RepeatedExperiment:
    return next((each for each in found if record in each.runs), RepeatedExperiment((record,)))


def _beside(one: RunCode, other: RunCode) -> list[str]:
    names = {*one.incomplete, *other.incomplete}
    alike = {name for name, said in one.unheld.items() if other.unheld.get(name) == said}
    return sorted(names - alike)


def _packages(found: Sequence[FoundRun], warnings: list[str]) -> tuple[Difference, ...]:
    environments = [one.environment for one in found]
    if any(environment is None for environment in environments):
        warnings.append("the environment of a run is not recorded, so packages are not compared")
        return ()
    return compare_packages([each for each in environments if each is not None])


def _code(
    project: Project, first: FoundRun, other: FoundRun, warnings: list[str]
) -> tuple[LineChange, ...]:
    old, new = first.record.code.snapshot, other.record.code.snapshot
    if old is None or new is None or project.place is None:
        warnings.append("the code of a run is not recorded, so code is not compared")
        return ()
    if unlike := _beside(first.record.code, other.record.code):
        warnings.append(
            f"{few_of(unlike)}: code that no snapshot holds; it was another in each of the runs, "
            "or is not known to be the same"
        )
    passed = paths_without_code(project, first.record, other.record, documents=False)
    data = {path + SUFFIX for path in (*first.record.data, *other.record.data)}  # under data
    try:
        changes = project.git.changes(old, new)
    except GitFailed:
        warnings.append(
            "the code of a run is not in this clone, so it is not compared; "
            "fetch it with `git fetch origin 'refs/xvc/runs/*:refs/xvc/runs/*'`"
        )
        return ()
    return tuple(
        change for change in changes if change.path not in data and not passed.holds(change.path)
    )
