"""Runs put together by a param, a metric or a fact, with how one metric lies in each group.

Of more than `query.MANY` runs SQL says it, and none is read but those that are shown or judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from xvc.core.commit_subject import chosen_metrics
from xvc.core.direction import Direction, direction_of
from xvc.core.filter import parse_filter
from xvc.core.objective import Measure, exact_number
from xvc.core.run import RunRecord
from xvc.history.find import known_versions, versions_by_run
from xvc.project import Project
from xvc.recovery.lost_runs import opened
from xvc.runs.code_fingerprint import fingerprints
from xvc.runs.experiment_rule import rule_of
from xvc.runs.list import (
    FACTS,
    Group,
    ListRequest,
    RunOrder,
    fitting_ids,
    grouped,
    key_in,
    order_asked,
    refuse_unheld,
    runs,
    takes_discarded,
)
from xvc.runs.repeats import Spread, experiments
from xvc.store import grouped_runs, query
from xvc.store.grouped_runs import Figures, Members
from xvc.store.runs import discarded
from xvc.types import RunId

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_JUDGED = 300  # so many groups are held against the best one, where not all runs are read


@dataclass(frozen=True, slots=True)
class Groups:
    """Groups in order; ``total`` is how many there are, where these are but the first."""

    groups: list[Group]
    total: int


def groups(project: Project, request: ListRequest) -> Groups:
    """Group runs by a param, a metric or a column, with how one metric lies in each group.

    The metric is the one that the list is sorted by, else the main one.

    Raises:
        BadExpression: the filter cannot be read.
        BadValue: a key of the request is no metric, param or fact of any run.
    """
    found = _of_many(project, request)
    if found is None:
        every = grouped(project, runs(project, request), request.group or "status")
        found = Groups(every, len(every))
    return found


def _of_many(project: Project, request: ListRequest) -> Groups | None:
    """Group more runs than are read; None of fewer, or where only reading all tells."""
    if request.everywhere or request.series is not None or project.settings.has_judge:
        return None
    with opened(project) as connection:
        if query.count(connection) <= query.MANY:
            return None
        return groups_in(project, connection, request)


def groups_in(
    project: Project, connection: DuckDBPyConnection, request: ListRequest
) -> Groups | None:
    """Group the runs of an open store, as `groups` does; None where only reading all tells.

    Raises:
        BadExpression: the filter cannot be read.
        BadValue: a key of the request is no metric, param or fact of any run.
    """
    key, facts = request.group or "status", (*FACTS, "version")
    where = parse_filter(request.where) if request.where else None
    among = None if where is None else fitting_ids(project, connection, where)
    if among is not None and len(among) <= query.MANY:
        return None
    refuse_unheld(connection, "--group", (key,), facts)
    refuse_unheld(connection, "--columns", request.columns, facts)
    sort, descending = order_asked(project, request.sort)
    order = None
    if sort is not None:
        refuse_unheld(connection, "--sort", (sort,), (*query.sortable(), *facts))
        tagged = versions_by_run(known_versions(project)) if sort == "version" else {}
        order = RunOrder(sort, tagged, descending=descending).names(connection)
    gone = set[RunId]() if takes_discarded(request) else discarded(connection)
    held = grouped_runs.put_groups(connection, key, among, gone, order)
    metric = _main_metric(project, connection, sort)
    is_judged = len(held) <= _JUDGED
    shown = held if is_judged else held[: request.limit]
    told = _told(project, connection, shown, metric, judged=is_judged)
    if told is not None and not is_judged:
        words = f"of more than {_JUDGED} groups none is held against the best; --where takes fewer"
        project.keeper.warnings.append(words)
    return None if told is None else Groups(told, len(held))


def _main_metric(project: Project, connection: DuckDBPyConnection, sort: str | None) -> str | None:
    """Name the metric that a list of these runs would show first."""
    every = grouped_runs.metric_keys(connection, finished=False)
    first = key_in(sort, "metrics.", dict.fromkeys(every))
    if first is not None:
        return first
    declared = list(project.settings.metrics_direction)
    done = grouped_runs.metric_keys(connection, finished=True)
    left = dict.fromkeys(done or every, 0)
    while chosen := chosen_metrics(left, declared, 1):
        (metric,) = chosen
        value = grouped_runs.newest_value(connection, metric, finished=bool(done))
        if metric in declared or chosen_metrics({metric: value}, [], 1):
            return metric
        del left[metric]
    return None


def _told(
    project: Project,
    connection: DuckDBPyConnection,
    shown: Sequence[Members],
    metric: str | None,
    *,
    judged: bool,
) -> list[Group] | None:
    """Tell of these groups how the metric lies in them."""
    if metric is None:
        return [_group(each, None, None, None, {}) for each in shown]
    direction = direction_of(metric, project.settings.metrics_direction)
    figures = grouped_runs.figures(
        connection,
        metric,
        highest=None if direction is None else direction is Direction.MAX,
        rule=rule_of(partial(fingerprints, project)),
        places=[each.place for each in shown],
        judged=judged,
    )
    if figures is None:
        return None
    single = [name for its in figures.values() for name in its.runs]
    whole = single if len(single) <= query.MANY else []
    best = [its.best for its in figures.values() if its.best is not None]
    odd = [name for its in figures.values() for name in (*its.odd, *its.odd_repeats)]
    read = {run.id: run for run in query.by_ids(connection, {*whole, *best, *odd})}
    measure = Measure(metric, direction) if direction else None
    return [_group(each, metric, measure, figures.get(each.place), read) for each in shown]


def _group(
    held: Members,
    metric: str | None,
    measure: Measure | None,
    figures: Figures | None,
    read: dict[RunId, RunRecord],
) -> Group:
    spread = best = experiment = None
    if metric is not None and figures is not None:
        others = (exact_number(read[name].metrics[metric]) for name in figures.odd_repeats)
        spread = Spread.of([*figures.numbers, *(each for each in others if each is not None)])
        first = None
        if measure is not None:
            best_names = (*figures.odd, *([figures.best] if figures.best else []))
            first = measure.first(read[name] for name in best_names)
            best = measure.value(first) if first else None
        if figures.runs and all(name in read for name in figures.runs):
            alike = dict.fromkeys(figures.runs, "")
            experiment = next(iter(experiments([read[name] for name in figures.runs], alike)))
    is_mixed = figures is not None and figures.experiments > 1
    return Group(
        value=held.value,
        finished=held.finished,
        failed=held.failed,
        running=held.running,
        metric=metric,
        spread=spread,
        best=best,
        experiment=experiment,
        is_mixed=is_mixed,
    )
