"""Lists: runs (``xvc ls``) and versions (``xvc log``), sorted, filtered, grouped."""

from __future__ import annotations

import math
import re
import shlex
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import partial
from typing import TYPE_CHECKING

from xvc.core.commit_subject import chosen_keys, chosen_metrics
from xvc.core.direction import Direction, direction_of
from xvc.core.equality import is_same
from xvc.core.expression import Expression, keys_of
from xvc.core.filter import evaluate, parse_filter
from xvc.core.human_units import did_you_mean, duration, few_of, instant, number
from xvc.core.objective import Measure, in_order
from xvc.core.run import RunRecord, Status, series_in
from xvc.core.tag_message import VersionInfo
from xvc.errors import BadValue
from xvc.history.find import known_versions, versions, versions_by_run
from xvc.project import Project
from xvc.recovery.lost_runs import opened
from xvc.runs.repeats import RepeatedExperiment, Spread, experiments, with_shared_settings
from xvc.store import query
from xvc.store.run_values import fitting, has_key, ordered
from xvc.store.runs import discarded as discarded_runs
from xvc.store.table_queries import Grid
from xvc.types import Json, Nanoseconds, RunId

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True, slots=True)
class ListRequest:
    """What is asked of a list; ``limit`` None is all, ``sort`` may end in ``:asc`` or ``:desc``.

    ``everywhere`` asks for the runs of all work trees, ``columns`` for these keys and no others,
    ``series`` for the runs whose names lie below it: ``0042/boosted``; ``discarded`` for those
    that people have discarded, too, and so does a filter that speaks of the decision.
    """

    sort: str | None = None
    where: str | None = None
    group: str | None = None
    limit: int | None = 20
    everywhere: bool = False
    columns: tuple[str, ...] = ()
    series: str | None = None
    discarded: bool = False


@dataclass(frozen=True, slots=True)
class RunList:
    """Runs in order, how many there are in all, and the keys worth a column.

    ``elsewhere`` says where runs are that this store does not have, when it has none, and what
    brings them; ``discarded`` counts those that are left out because people discarded them.
    """

    runs: tuple[RunRecord, ...]
    total: int
    versions: dict[RunId, str]
    params: tuple[str, ...]
    metrics: tuple[str, ...]
    elsewhere: tuple[str, str] | None = None
    discarded: int = 0


@dataclass(frozen=True, slots=True)
class Group:
    """Runs that share a value: how many finished, how many did not, and a metric among the former.

    ``spread`` counts each seed of an experiment once; ``best`` is None where no direction is known.
    ``experiment`` is the one that all of the finished runs repeat; None where they are of several,
    and ``is_mixed`` then says so.
    """

    value: Json
    finished: int
    failed: int
    running: int
    metric: str | None
    spread: Spread | None
    best: int | float | None
    experiment: RepeatedExperiment | None = None
    is_mixed: bool = False


def runs(project: Project, request: ListRequest) -> RunList:
    """List runs, newest first unless sorted.

    Raises:
        BadExpression: the filter cannot be read.
        BadValue: a key of the request is no metric, param or fact of any run.
    """
    where = parse_filter(request.where) if request.where else None
    sort, descending = order_asked(project, request.sort)
    is_judged = sort is not None and project.settings.has_judge
    if where is not None and not (request.everywhere or request.series or is_judged):
        return _fitting(project, request, where)
    is_cut = (where, request.group, request.series) == (None, None, None) and not is_judged
    limit = request.limit if is_cut else None
    tagged = versions_by_run(known_versions(project)) if sort == "version" else {}
    order = RunOrder(sort, tagged, descending=descending)
    if request.everywhere:
        from xvc.runs.all_runs import gather  # late: it looks into every store

        found, total = gather(project, limit if sort is None else None)
        found = _sorted(found, order)
    elif request.series is not None:
        found = _sorted(_of_series(project, request.series), order)
        total = len(found)
    else:
        is_whole = takes_discarded(request)
        found, total = _of_this_tree(project, order, limit, is_whole=is_whole)
    if request.everywhere or request.series is not None or is_judged:
        found = _judged_last(project, found, sort)
    tagged = versions_by_run(known_versions(project)) if found else {}
    return among(project, found, request, tagged, total=total)


def _judged_last(project: Project, found: list[RunRecord], sort: str | None) -> list[RunRecord]:
    """Put the runs that a metric cannot rank with the others behind them, where it sorts."""
    metric = (sort or "").removeprefix("metrics.")
    if not any(sort in run.metrics or metric in run.metrics for run in found):
        return found
    from xvc.history.judging import judged_alike  # late: most settings name no judge

    key = metric if any(metric in run.metrics for run in found) else sort or ""
    judged = judged_alike(project, found, Measure(key, Direction.MAX))
    if judged.warning is None:
        return found
    project.keeper.warnings.append(judged.warning)
    others = {*judged.others}
    return [*judged.runs, *(run for run in found if run.id in others)]


def _on_one_scale(
    project: Project,
    connection: DuckDBPyConnection,
    names: list[RunId],
    sort: str | None,
    gone: Collection[RunId],
) -> list[RunId]:
    """Put those of these runs last that have percentages where the newest has fractions.

    As `_judged_last` does of runs that are read; where a file or a definition judges, that does.
    """
    from xvc.core.metric_scale import is_share  # late: lists in one order need neither

    asked = (sort or "").removeprefix("metrics.")
    metric = next((key for key in (asked, sort or "") if is_share(key)), None)
    if metric is None or project.settings.has_judge:
        return names
    ranked = {*names} - {*gone}
    scored = [run for run in query.scores_around_one(connection, metric) if run.id in ranked]
    if not scored:
        return names
    from xvc.history.judging import judged_alike

    judged = judged_alike(project, scored, Measure(metric, Direction.MAX))
    project.keeper.warnings += [judged.warning] if judged.warning else []
    return sorted(names, key={*judged.others}.__contains__)


def takes_discarded(request: ListRequest) -> bool:
    """Whether discarded runs are asked for, too."""
    where = parse_filter(request.where) if request.where else None
    return request.discarded or (where is not None and "decision" in keys_of(where))


def among(
    project: Project,
    found: list[RunRecord],
    request: ListRequest,
    tagged: dict[RunId, str],
    *,
    total: int | None = None,
) -> RunList:
    """Choose among runs that have been read, in the order that they have.

    Args:
        project: whose they are.
        found: the runs.
        request: what is asked; its sort only says which column comes first.
        tagged: the version of each run that has one.
        total: how many there are, where *found* is but the first of them.

    Raises:
        BadExpression: the filter cannot be read.
        BadValue: a key of the request is no metric, param or fact of any run.
    """
    total = len(found) if total is None else total
    discarded = len(found) - len(_listed(found, request))
    total -= discarded
    chosen = passing(found, request, tagged)
    if request.series is not None or request.where:
        total = len(chosen)
    for key in request.columns if chosen else ():
        _refuse_unheld_by(chosen, "--columns", key)
    shown = chosen if request.group else chosen[: request.limit]
    elsewhere = None if chosen or request.where or discarded else _elsewhere(project)
    sort, _ = order_asked(project, request.sort)
    columns = _columns(project, shown, sort)
    return RunList(tuple(shown), total, tagged, *columns, elsewhere, discarded)


def passing(
    found: list[RunRecord], request: ListRequest, tagged: Mapping[RunId, str]
) -> list[RunRecord]:
    """Choose among runs that have been read by what a request asks of them.

    Raises:
        BadExpression: the filter cannot be read.
        BadValue: a key of the request is no metric, param or fact of any run.
    """
    where = parse_filter(request.where) if request.where else None
    kept = _listed(found, request)
    if request.series is not None:
        kept = of_series(kept, request.series)
    if kept and request.group is not None:
        _refuse_unheld_by(kept, "--group", request.group)
    if where is None:
        return kept
    for key in keys_of(where) if kept else ():
        _refuse_unheld_by(kept, "--where", key)
    return [run for run in kept if _fits(run, where, tagged)]


def _listed(found: list[RunRecord], request: ListRequest) -> list[RunRecord]:
    """Leave out the runs that people discarded, unless those are asked for."""
    if takes_discarded(request) or not any(run.is_discarded for run in found):
        return found
    return [run for run in found if not run.is_discarded]


def _refuse_unheld_by(found: Sequence[RunRecord], option: str, key: str) -> None:
    if key not in FACTS and key != "version" and not any(_holds_key(run, key) for run in found):
        _refuse_unknown(option, key, _names(found))


def _holds_key(run: RunRecord, key: str) -> bool:
    try:
        value_of(run, key)
    except KeyError:
        return False
    return True


def _fitting(project: Project, request: ListRequest, where: Expression) -> RunList:
    """List the runs of this tree that fit, and read no others."""
    facts = (*FACTS, "version")
    sort, descending = order_asked(project, request.sort)
    tagged = versions_by_run(known_versions(project))
    with opened(project) as connection:
        fit = fitting_ids(project, connection, where)
        if query.count(connection):
            refuse_unheld(connection, "--group", (request.group,) if request.group else (), facts)
            refuse_unheld(connection, "--columns", request.columns, facts)
            asked = (sort,) if sort else ()
            refuse_unheld(connection, "--sort", asked, (*query.sortable(), *facts))
        gone = set() if takes_discarded(request) else discarded_runs(connection)
        order = RunOrder(sort, tagged, descending=descending)
        names = order.names(connection) if fit else []
        chosen = [name for name in names if name in fit and name not in gone]
        chosen = _on_one_scale(project, connection, chosen, sort, gone)
        limit = None if request.group else request.limit
        shown = query.in_turn(connection, chosen[:limit])
    columns = _columns(project, shown, sort)
    return RunList(tuple(shown), len(chosen), tagged, *columns, discarded=len(gone))


def fitting_ids(project: Project, connection: DuckDBPyConnection, where: Expression) -> set[RunId]:
    """Name the runs of an open store that fit a filter, and read none.

    Raises:
        BadValue: a key of the filter is no metric, param or fact of any run.
    """
    keys = sorted(keys_of(where))
    if query.count(connection):
        refuse_unheld(connection, "--where", keys, (*FACTS, "version"))
    tagged = versions_by_run(known_versions(project)) if "version" in keys else {}
    return fitting(connection, keys, partial(evaluate, where), {"version": tagged})


def refuse_unheld(
    connection: DuckDBPyConnection, option: str, keys: Sequence[str], facts: Sequence[str]
) -> None:
    for key in keys:
        if key not in facts and not has_key(connection, key):
            names, (side, dot, _) = query.keys(connection), key.partition(".")
            if side + dot in ("metrics.", "params."):
                names = [side + dot + name for name in names]
            _refuse_unknown(option, key, (*names, *facts))


def _of_series(project: Project, series: str) -> list[RunRecord]:
    """Read the runs of a series of this tree; of an unknown one what tells which there are."""
    with opened(project) as connection:
        kept = query.named_below(connection, f"{series}/")
        return kept or query.named_with(connection, "/") or query.newest(connection, 1)


def of_series(found: Sequence[RunRecord], series: str) -> list[RunRecord]:
    """Keep the runs of a series."""
    kept = [run for run in found if (run.name or "").startswith(f"{series}/")]
    if kept or not found:
        return kept
    names = [run.name for run in found if run.name and "/" in run.name]
    known = sorted({series_in(name) or "" for name in names})
    said = f"there are {', '.join(known[:9])}" if known else "no run is of any"
    raise BadValue("--series", f"no run is of series {series!r}; {said}")


def _elsewhere(project: Project) -> tuple[str, str] | None:
    """Say of a store that is not here, as in a fresh clone, where it is, and what brings it."""
    if bare := project.nothing_checked_out():
        named = few_of(bare.branches)
        way = f"git switch {shlex.quote(bare.branches[0])}"
        return f"no branch is checked out, and the remote has {named}", way
    pointer, dvc = project.keeper.pointer, project.dvc
    if pointer is None or dvc is None or dvc.holds(pointer.digest):
        return None
    return "the recorded ones have not been pulled", "xvc pull"


_DOUBTED = "contested"
"""The column that names a run's params which may be overruled; only where a run has one."""


def value_in(found: RunList, run: RunRecord, key: str) -> Json:
    """Return what a run has under a key of the list; None when it has none."""
    if key == _DOUBTED and key not in {**run.params, **run.metrics}:
        return ", ".join(name for name in run.params if run.doubt(name)) or None
    return found.versions.get(run.id) if key == "version" else _or_none(run, key)


def shown_value(found: RunList, run: RunRecord, key: str) -> str:
    """Write what a run has under a key for eyes."""
    value = value_in(found, run, key)
    if key == "seconds" and isinstance(value, float):
        return duration(value)
    is_param = key.startswith("params.") or key not in {**run.metrics, **FACTS}
    return number(value) + (run.doubt(key.removeprefix("params.")) if is_param else "")


def run_table(found: RunList, columns: tuple[str, ...] = (), *, first: str = "id") -> Grid:
    """Lay runs out for programs: the id, then these columns, or all that the runs have."""
    keys = columns or every_column(found)
    rows = ((run.id, *(value_in(found, run, key) for key in keys)) for run in found.runs)
    return Grid((first, *keys), tuple(rows), found.total)


def every_column(found: RunList) -> tuple[str, ...]:
    """List all that the runs have: facts, metrics, params; a key of both says which it is."""
    metrics = list(dict.fromkeys(key for run in found.runs for key in run.metrics))
    params = list(dict.fromkeys(key for run in found.runs for key in run.params))
    both = {*metrics} & {*params} | {*FACTS, "version"} & {*metrics, *params}
    named = [f"metrics.{key}" if key in both else key for key in metrics]
    named += [f"params.{key}" if key in both else key for key in params]
    called = ["name"] if any(run.name for run in found.runs) else []
    doubts = [_DOUBTED] if any(run.code.contested for run in found.runs) else []
    return ("version", "status", "started", "seconds", *named, *called, "note", *doubts)


@dataclass(frozen=True, slots=True)
class RunOrder:
    """By what runs are sorted: a metric, a param or a fact, as `value_of` looks it up."""

    sort: str | None
    tagged: Mapping[RunId, str]
    _: KW_ONLY
    descending: bool

    def is_column(self, connection: DuckDBPyConnection) -> bool:
        """Whether the store's own column is meant, which SQL sorts."""
        if self.sort is None:
            return True
        return self.sort in query.sortable() and not has_key(connection, self.sort)

    def names(self, connection: DuckDBPyConnection) -> list[RunId]:
        """List the ids of all runs in this order."""
        if self.sort is None or self.is_column(connection):
            return query.ordered(connection, sort=self.sort, descending=self.descending)
        own = self.beside()
        return ordered(connection, self.sort, own, descending=self.descending)

    def beside(self) -> Mapping[RunId, Json]:
        """What runs hold under the key beside the store: e0.10.0 comes after e0.9.0."""
        if self.sort != "version":
            return {}
        by_name = sorted(self.tagged, key=lambda run: _numbers_in(self.tagged[run]))
        return {run: place for place, run in enumerate(by_name)}


def _numbers_in(text: str) -> list[int]:
    """Return the numbers that a text has.

    >>> _numbers_in("e0.10.0") > _numbers_in("e0.9.0")
    True
    """
    return [int(digits) for digits in re.findall("[0-9]+", text)]


def _of_this_tree(
    project: Project, order: RunOrder, limit: int | None, *, is_whole: bool
) -> tuple[list[RunRecord], int]:
    with opened(project) as connection:
        if limit is not None and not is_whole and discarded_runs(connection):
            limit = None  # which of them are shown is known when those are left out
        if order.sort is not None and query.count(connection):
            facts = (*query.sortable(), *FACTS, "version")
            refuse_unheld(connection, "--sort", (order.sort,), facts)
        if order.is_column(connection):
            found = query.page(
                connection, sort=order.sort, descending=order.descending, limit=limit
            )
        else:
            gone = set() if is_whole else discarded_runs(connection)
            names = order.names(connection)
            names = _on_one_scale(project, connection, names, order.sort, gone)
            found = query.in_turn(connection, names[:limit])
        return found, query.count(connection) if limit is not None else len(found)


def _sorted(found: list[RunRecord], order: RunOrder) -> list[RunRecord]:
    """Sort as the store does: newest first, or by a key with those last that lack it."""
    sort = order.sort
    if sort is None:
        return found
    if found:
        _refuse_unknown("--sort", sort, (*_names(found), *query.sortable()))
    by_age = sorted(found, key=lambda run: (run.started or 0, run.id))
    by_id = {run.id: run for run in by_age}
    own = order.beside()
    values = {
        run.id: own[run.id]
        if run.id in own
        else run.started
        if sort == "started"
        else _or_none(run, sort)
        for run in by_age
    }
    return [by_id[name] for name in in_order(values, descending=order.descending)]


def _names(found: Sequence[RunRecord]) -> list[str]:
    """List what can be asked of these runs."""
    params = dict.fromkeys(key for run in found for key in run.params)
    metrics = dict.fromkeys(key for run in found for key in run.metrics)
    whole = [f"params.{key}" for key in params] + [f"metrics.{key}" for key in metrics]
    return [*params, *metrics, *whole, *FACTS, "version"]


def _fits(run: RunRecord, where: Expression, tagged: Mapping[RunId, str]) -> bool:
    facts = {"version": tagged[run.id]} if run.id in tagged else {}
    return evaluate(where, lambda key: facts[key] if key in facts else value_of(run, key))


def grouped(project: Project, listed: RunList, key: str) -> list[Group]:
    """Group the runs of a list by a param, a metric or a column, in the order of the list.

    The metric that is told of each is the one that the list is sorted by, else the main one.
    """
    metric = listed.metrics[0] if listed.metrics else None
    direction = direction_of(metric, project.settings.metrics_direction) if metric else None
    measure = Measure(metric, direction) if metric and direction else None
    from xvc.history.judging import judged_alike  # late: lists in one order need neither
    from xvc.runs.code_fingerprint import fingerprints

    code = fingerprints(project, with_shared_settings(listed.runs))
    together: dict[str, list[RunRecord]] = {}
    for run in listed.runs:
        together.setdefault(repr(_or_none(run, key)), []).append(run)
    judged = judged_alike(project, listed.runs)
    project.keeper.warnings += [judged.warning] if judged.warning else []
    others = {*judged.others}
    return [_group(held, key, metric, measure, code, others) for held in together.values()]


def _group(
    held: Sequence[RunRecord],
    key: str,
    metric: str | None,
    measure: Measure | None,
    code: Mapping[RunId, str],
    others: Collection[RunId],
) -> Group:
    """Count the runs of a group; of those that were judged otherwise the metric says nothing."""
    counts = Counter(run.status for run in held)
    finished, running = counts[Status.FINISHED], counts[Status.RUNNING]
    judged = [run for run in held if run.id not in others]
    found = experiments(judged, code) if metric else []
    numbers = [number for each in found for number in each.numbers(metric or "")]
    best = measure.first(judged) if measure else None
    return Group(
        value=_or_none(held[0], key),
        finished=finished,
        failed=len(held) - finished - running,
        running=running,
        metric=metric,
        spread=Spread.of(numbers),
        best=measure.value(best) if measure and best else None,
        experiment=found[0] if len(found) == 1 else None,
        is_mixed=len(found) > 1,
    )


def _columns(
    project: Project, shown: Sequence[RunRecord], sort: str | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if not shown:
        return (), ()
    merged_params = {key: value for run in reversed(shown) for key, value in run.params.items()}
    merged_metrics = {key: value for run in reversed(shown) for key, value in run.metrics.items()}
    declared = list(project.settings.metrics_direction)
    done = [run for run in reversed(shown) if run.status is Status.FINISHED]
    telling = {key: value for run in done for key, value in run.metrics.items()}
    metrics = list(chosen_metrics(telling or merged_metrics, declared))
    chosen = chosen_keys([run.params for run in shown], merged_params)
    params = tuple(key for key in chosen if not _is_constant([run.params for run in shown], key))
    first = key_in(sort, "metrics.", merged_metrics)
    if first is not None:
        metrics = [first, *(key for key in metrics if key != first)]
    first = key_in(sort, "params.", merged_params)
    if first is not None:
        params = (first, *(key for key in params if key != first))
    return params, tuple(metrics)


def key_in(sort: str | None, prefix: str, held: Mapping[str, Json]) -> str | None:
    """Return the key among *held* that a list is sorted by; None where it is another."""
    if sort is None:
        return None
    return next((key for key in (sort.removeprefix(prefix), sort) if key in held), None)


def _is_constant(sides: Sequence[Mapping[str, Json]], key: str) -> bool:
    """Whether several runs all have the same under a key, so that it tells nothing of them."""
    values = [side[key] for side in sides if key in side]
    return len(values) == len(sides) > 1 and all(is_same(values[0], each) for each in values)


def order_asked(project: Project, sort: str | None) -> tuple[str | None, bool]:
    """Read ``--sort``: the better end of a metric first, when its direction is known."""
    if sort is None:
        return None, True
    key, _, way = sort.rpartition(":")
    if way in ("asc", "desc") and key:
        return key, way == "desc"
    if sort.startswith("params."):
        return sort, True
    for name in (sort, sort.removeprefix("metrics.")):
        direction = direction_of(name, project.settings.metrics_direction)
        if direction is not None:
            return sort, direction is not Direction.MIN
    return sort, True


def _refuse_unknown(option: str, key: str, names: Sequence[str]) -> None:
    if key not in names:
        raise BadValue(option, f"no run has {key!r}{did_you_mean(key, names)}")


def value_of(run: RunRecord, key: str) -> Json:
    """Look a key up in a run: ``params.x``, ``metrics.x``, a metric, a param, or a fact of it.

    Raises:
        KeyError: the run has no such key.
    """
    for prefix, held in (("metrics.", run.metrics), ("params.", run.params)):
        if key.startswith(prefix) and key.removeprefix(prefix) in held:
            return held[key.removeprefix(prefix)]
    for held in (run.metrics, run.params):
        if key in held:
            return held[key]
    return FACTS[key](run)


FACTS: dict[str, Callable[[RunRecord], Json]] = {
    "id": lambda run: run.id,
    "name": lambda run: run.name,
    "series": lambda run: series_in(run.name),
    "status": lambda run: run.status.value,
    "branch": lambda run: run.code.branch,
    "worktree": lambda run: run.code.worktree,
    "commit": lambda run: run.code.commit,
    "dirty": lambda run: run.code.is_dirty,
    "note": lambda run: run.note,
    "labels": lambda run: ", ".join(run.labels) or None,
    "idea": lambda run: run.idea,
    "parent": lambda run: run.parent,
    "fixes": lambda run: run.fixes,
    "decision": lambda run: run.decision,
    "host": lambda run: run.host,
    "started": lambda run: instant(run.started),
    "seconds": lambda run: run.seconds,
    "exit_code": lambda run: run.exit_code,
    "command": lambda run: " ".join(run.command),
}


def _or_none(run: RunRecord, key: str) -> Json:
    try:
        return value_of(run, key)
    except KeyError:
        return None


def _number(value: Json) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return math.nan
    return float(value)


def log(project: Project, request: ListRequest) -> tuple[list[VersionInfo], int]:
    """List versions, newest first, and how many there are; read from tags alone.

    Raises:
        BadExpression: the filter cannot be read.
        BadValue: the sort key is no metric or param of any version.
    """
    found = versions(project)[::-1]
    where = parse_filter(request.where) if request.where else None
    if where is not None:
        found = [info for info in found if _holds(info, where)]
    if request.sort is not None:
        key, descending = order_asked(project, request.sort)
        known = {name for info in found for name in _values(info)}
        if found:
            _refuse_unknown("--sort", key or "", sorted(known))
        found.sort(key=lambda info: _rank(info, key or "", descending=descending))
        found = _versions_on_one_scale(project, found, key or "")
    return found[: request.limit], len(found)


def _versions_on_one_scale(
    project: Project, found: list[VersionInfo], key: str
) -> list[VersionInfo]:
    """Put those versions last that have percentages where the newest has fractions, and say so."""
    from xvc.core.metric_scale import is_share  # late: lists in one order need neither

    metric = key.removeprefix("metrics.")
    if not is_share(metric):
        return found
    ends = [
        RunRecord(
            RunId(info.name),
            status=Status.FINISHED,
            started=Nanoseconds(info.at * 10**9),
            metrics=info.message.metrics,
        )
        for info in found
    ]
    others = [run.id for run in Measure(metric, Direction.MAX).on_one_scale(ends)[1]]
    if others:
        from xvc.history.judging import on_another_scale

        project.keeper.warnings.append(on_another_scale(metric, others, "version"))
    return sorted(found, key=lambda info: info.name in others)


def _holds(info: VersionInfo, where: Expression) -> bool:
    values = _values(info)
    return evaluate(where, lambda key: values[key])


def _values(info: VersionInfo) -> dict[str, Json]:
    """Map what can be asked of a version to its value; a metric comes before a param."""
    values: dict[str, Json] = {"version": info.name, **info.message.params, **info.message.metrics}
    for prefix, held in (("params.", info.message.params), ("metrics.", info.message.metrics)):
        values |= {prefix + key: value for key, value in held.items()}
    return values


def _rank(info: VersionInfo, key: str, *, descending: bool) -> tuple[bool, float, str]:
    value = _values(info).get(key)
    number = _number(value)
    if math.isnan(number):
        return (True, 0.0, str(value))
    return (False, -number if descending else number, "")
