"""Reports: what was run, which is best and why, curves, differences, how to have it again.

Reads only. The same runs give the same report: its date is that of the newest run unless another
is given, and days are in UTC.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING

from xvc.core.commit_subject import chosen_keys, chosen_metrics
from xvc.core.direction import OWN_SCORES, Direction, asked_direction, direction_of
from xvc.core.human_units import counted, day, did_you_mean, duration, number, size
from xvc.core.objective import Measure
from xvc.core.run import RunRecord, Status
from xvc.errors import BadValue
from xvc.history.find import FoundRun, find, known_versions, versions_by_run
from xvc.history.judging import judged_alike
from xvc.project import Project
from xvc.recovery.lost_runs import opened
from xvc.render.document import Block, Commands, DocumentTable, Report, Section, Text, bounded
from xvc.reports.curves import curves
from xvc.reports.ranking import RankedRun, ranked, reason, repeats, spread
from xvc.runs.code_fingerprint import fingerprints
from xvc.runs.compare import compare, repeats_of
from xvc.runs.difference_tables import differences
from xvc.runs.digest import judged
from xvc.runs.leaderboard import Leaderboard, standing
from xvc.runs.repeats import experiments, with_shared_settings
from xvc.runs.verdicts import sentence
from xvc.store import query
from xvc.types import Json

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_ROWS = 50
_PLACES = 5
_LEADING = 100  # runs that are read because they lead, where there are very many
_COMPARED = 4
_DRAWN = 8
_WIDEST = 200  # characters of a command


@dataclass(frozen=True, slots=True)
class ReportRequest:
    """What to report on: runs by their references, all when there are none.

    ``metric`` is a key or ``key:max``, ``date`` a day as YYYY-MM-DD; ``series`` asks for the
    section of a series.
    """

    references: tuple[str, ...] = ()
    metric: str | None = None
    title: str | None = None
    date: str | None = None
    series: str | None = None


@dataclass(frozen=True, slots=True)
class Reported:
    """The document, and the facts that it rests on."""

    report: Report
    runs: int
    date: str | None
    aim: Measure | None
    best: FoundRun | None
    standing: Leaderboard | None = None
    """Experiments with their repeats as one, where any was repeated."""
    warnings: tuple[str, ...] = ()


@dataclass(slots=True)
class _Material:
    """The runs with their names, how they are ranked, and what is worth a column."""

    project: Project
    found: list[FoundRun]
    aim: Measure | None = None
    places: list[RankedRun] = field(default_factory=list)
    standing: Leaderboard | None = None
    params: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    warnings: list[str] = field(default_factory=list)
    total: int = 0
    kinds: Mapping[str, int] = field(default_factory=dict)
    span: tuple[int, int] | None = None

    @property
    def is_part(self) -> bool:
        """Whether there are more runs than were looked at."""
        return self.total > len(self.found)

    @property
    def runs(self) -> list[RunRecord]:
        return [each.record for each in self.found]

    @property
    def names(self) -> dict[str, str]:
        """What each run is called: its version, else its id."""
        return {each.record.id: each.version or each.record.id for each in self.found}

    @property
    def first(self) -> list[FoundRun]:
        """The runs in the order in which they matter: as ranked, then the others as they come."""
        by_id = {each.record.id: each for each in self.found}
        best = [by_id.pop(place.run.id) for place in self.places]
        return [*best, *by_id.values()]

    def row(self, run: RunRecord) -> list[str]:
        values = [number(run.params.get(key)) + run.doubt(key) for key in self.params]
        return [*values, *(number(run.metrics.get(key)) for key in self.metrics)]


def report(project: Project, request: ReportRequest) -> Reported:
    """Make a report.

    Raises:
        NoRun: a reference names nothing, and the other errors of `find`.
        BadValue: the metric is none of any run, or has no known direction; the date is none.
    """
    if request.series is not None:
        return _of_series(project, request)
    material = _gathered(project, request)
    said = _date(request, material.runs)
    sections = [
        _summary(material),
        _best(material),
        *_noise(material),
        _list(material),
        *_curves(material),
        *_differences(material),
        *_again(material),
    ]
    lead = f"As of {said}." if said else "No run is recorded."
    title = request.title or "Experiments"
    made = Report(title, lead, tuple(each for each in sections if each.blocks))
    best = material.first[0] if material.places else None
    warnings = (*project.keeper.warnings, *material.warnings)
    return Reported(
        report=made,
        runs=material.total,
        date=said,
        aim=material.aim,
        best=best,
        standing=material.standing,
        warnings=warnings,
    )


def _of_series(project: Project, request: ReportRequest) -> Reported:
    from xvc.reports.series import series_report  # late: loads what tracks experiments

    if request.references:
        raise BadValue("--series", "it is a choice of runs; name none beside it")
    made, found, said = series_report(project, request.series or "", request.metric, request.title)
    best, declared = None, project.settings.metrics_direction
    aim = None
    if found.best is not None and found.metric is not None:
        (best,) = find(project, [found.best.run])
        aim = Measure.parse(request.metric or found.metric, {**OWN_SCORES, **declared}, "--metric")
    date = _date(request, []) if request.date is not None else said
    report = replace(made, lead=f"As of {date}.") if date else made
    return Reported(
        report=report,
        runs=len(found.rows),
        date=date,
        aim=aim,
        best=best,
        warnings=(*project.keeper.warnings, *filter(None, [found.warning])),
    )


def _gathered(project: Project, request: ReportRequest) -> _Material:
    if request.references:
        named = find(project, request.references)
        found = list({each.record.id: each for each in named}.values())
        kinds, days = _kinds_of(found), _span_of(found)
    else:
        tagged = versions_by_run(known_versions(project))
        with opened(project) as connection:
            runs = _newest_and_best(project, connection, request)
            kinds, days = query.statuses(connection), query.span(connection)
        found = [FoundRun(run, tagged.get(run.id)) for run in runs]
    material = _Material(project, found, span=days)
    material.kinds, material.total = kinds, sum(kinds.values())
    if material.is_part:
        material.warnings.append(
            f"of {material.total:,} runs the newest {query.MANY:,} and the best were looked at; "
            "the counts are of all"
        )
    _choose(material, request)
    return material


def _newest_and_best(
    project: Project, connection: DuckDBPyConnection, request: ReportRequest
) -> list[RunRecord]:
    """Read the runs, newest first; of very many the newest and those that lead by the metric."""
    if project.settings.has_judge:  # what the newest was judged by says which may be best
        return query.all_runs(connection)
    runs = query.newest(connection)
    if len(runs) < query.MANY:
        return runs
    declared = project.settings.metrics_direction
    if request.metric is not None:
        aim: Measure | None = Measure.parse(request.metric, declared, "--metric")
    else:
        aim = next(iter(judged(runs, declared, 1)), None)
    found = {run.id: run for run in runs}
    if aim is not None:
        highest = aim.direction is Direction.MAX
        leading = query.foremost(connection, aim.metric, highest=highest, most=_LEADING)
        found |= {run.id: run for run in aim.ranked(leading)}
    return sorted(found.values(), key=lambda run: (-(run.started or 0), run.id))


def _kinds_of(found: Sequence[FoundRun]) -> dict[str, int]:
    return Counter(each.record.status.value for each in found)


def _span_of(found: Sequence[FoundRun]) -> tuple[int, int] | None:
    began = [each.record.started for each in found if each.record.started is not None]
    return (min(began), max(began)) if began else None


def _choose(material: _Material, request: ReportRequest) -> None:
    """Choose by what to rank, and the columns of the list."""
    runs, declared = material.runs, material.project.settings.metrics_direction
    every: dict[str, Json] = {}
    done: dict[str, Json] = {}
    for run in reversed(runs):
        every |= run.metrics
        done |= run.metrics if run.status is Status.FINISHED else {}
    metrics = list(chosen_metrics(done or every, list(declared)))
    material.aim = _aim(request.metric, every, metrics, declared)
    if material.aim is not None:
        judged = judged_alike(material.project, runs, material.aim)
        material.warnings += [judged.warning] if judged.warning else []
        material.places = ranked(judged.runs, material.aim)
        material.standing = _standing(material, judged.runs)
        metrics = [material.aim.metric, *(key for key in metrics if key != material.aim.metric)]
    params: dict[str, Json] = {}
    for run in reversed(runs):
        params |= run.params
    material.metrics = tuple(metrics)
    material.params = chosen_keys([run.params for run in runs], params)


def _aim(
    wanted: str | None,
    every: Mapping[str, Json],
    chosen: Sequence[str],
    declared: Mapping[str, str],
) -> Measure | None:
    if wanted is None:
        key = next(iter(chosen), "")
        return Measure.parse(key, declared) if direction_of(key, declared) else None
    key, _ = asked_direction(wanted)
    if every and key not in every:
        raise BadValue("--metric", f"no run has {key!r}{did_you_mean(key, list(every))}")
    return Measure.parse(wanted, declared, "--metric")


def _date(request: ReportRequest, runs: Sequence[RunRecord]) -> str | None:
    if request.date is None:
        newest = max((run.started or 0 for run in runs), default=0)
        return day(newest) if newest else None
    try:
        return date.fromisoformat(request.date).isoformat()
    except ValueError as err:
        raise BadValue("--date", f"{request.date!r} is no day; write YYYY-MM-DD") from err


def _summary(material: _Material) -> Section:
    runs = material.runs
    if not runs:
        return Section("Summary", (Text("There is nothing to report yet."),))
    ways = ", ".join(f"{count:,} {kind}" for kind, count in sorted(material.kinds.items()))
    span = ""
    if material.span is not None:
        first, last = map(day, material.span)
        span = f" on {first}" if first == last else f" from {first} to {last}"
    versions = sum(each.version is not None for each in material.found)
    tagged = f" {counted(versions, 'run')} with a version." if versions else ""
    if material.is_part:
        tagged = ""  # how many of the others have one is not known here
    runs_said = "1 run" if material.total == 1 else f"{material.total:,} runs"
    return Section("Summary", (Text(f"{runs_said}{span}: {ways}.{tagged}"),))


def _best(material: _Material) -> Section:
    title = "Best run"
    if not material.runs:
        return Section(title, ())
    if material.aim is None:
        metric = next(iter(material.metrics), None)
        why = f"nothing says which way {metric} is better" if metric else "no metric was recorded"
        return Section(title, (Text(f"No run is called best: {why}."),))
    if not material.places:
        says = f"No run is called best: no finished run has {material.aim.metric}."
        return Section(title, (Text(says),))
    says = reason(material.places, material.aim, material.names, are_all=not material.is_part)
    own = _repeats(material, material.places[0].run)
    same = spread(own, material.aim)
    head = ("place", "run", material.aim.metric, "behind", *material.params)
    rows = [
        (
            str(place),
            material.names[each.run.id],
            number(each.value),
            number(each.behind) if place > 1 else "-",
            *(number(each.run.params.get(key)) + each.run.doubt(key) for key in material.params),
        )
        for place, each in enumerate(material.places[:_PLACES], 1)
    ]
    total = len(rows) if material.is_part else len(material.places)
    table = DocumentTable("", head, tuple(rows), frozenset({0, 2, 3}), total)
    return Section(title, (Text(f"{says} {same}"), bounded(table, _PLACES)))


def _repeats(material: _Material, best: RunRecord) -> Sequence[RunRecord]:
    if material.is_part:
        (own,) = repeats_of(material.project, [best])
        return own.repeats
    code = fingerprints(material.project, with_shared_settings(material.runs))
    return repeats(best, experiments(material.runs, code))


def _standing(material: _Material, runs: Sequence[RunRecord]) -> Leaderboard | None:
    """Rank what was repeated as one; None where nothing was, and where not all runs are read."""
    if material.aim is None or material.is_part:
        return None
    ours = [run for run in runs if not run.is_discarded]
    groups = experiments(ours, fingerprints(material.project, with_shared_settings(ours)))
    names = {each.record.id: each.version for each in material.found if each.version}
    found = standing(groups, material.aim, names, _ROWS)
    return found if any(len(each.repeats) > 1 for each in groups) else None


def _noise(material: _Material) -> list[Section]:
    """Say of each experiment how its repeats compare with those of the first."""
    found = material.standing
    if found is None or len(found.places) < 2:
        return []
    first = found.places[0]
    rows = [
        (
            f"{each.rank}{'=' if each.is_tied else ''}",
            material.names[each.run.id] if each.version is None else each.version,
            *(str(each.spread.count), number(each.spread.mean), number(each.spread.deviation)),
            "" if each.judged is None else sentence(each.judged),
        )
        for each in found.places[:_ROWS]
    ]
    name = first.version or first.run.id
    head = ("rank", "run", "n", f"mean {found.measure.metric}", "sd", f"against {name}")
    table = DocumentTable("", head, tuple(rows), frozenset({0, 2, 3, 4}), found.total)
    luck = found.luck
    says = "Repeats (the same but for the seed) as one; ranks with = cannot be told apart."
    texts = [Text(f"{says} {luck[0].upper()}{luck[1:]}." if luck else says)]
    return [Section("More than noise", (*texts, bounded(table, _ROWS)))]


def _list(material: _Material) -> Section:
    rows = [
        (
            each.version or "-",
            each.record.id,
            each.record.status.value,
            day(each.record.started),
            duration(each.record.seconds),
            *material.row(each.record),
        )
        for each in material.first[:_ROWS]
    ]
    if not rows:
        return Section("Runs", ())
    head = ("version", "run", "status", "day", "took", *material.params, *material.metrics)
    right = frozenset({4, *range(5 + len(material.params), len(head))})
    table = DocumentTable("", head, tuple(rows), right, material.total)
    return Section("Runs", (bounded(table, _ROWS),))


def _curves(material: _Material) -> list[Section]:
    drawn = [each.record for each in material.first[:_DRAWN]]
    found = curves(material.project, drawn, material.metrics, material.names)
    return [Section("Curves", tuple(found))] if found else []


def _differences(material: _Material) -> list[Section]:
    compared = material.first[:_COMPARED]
    if len(compared) < 2:
        return []
    found = compare(material.project, [each.version or each.record.id for each in compared])
    material.warnings += found.warnings
    called = [each.version or each.record.id for each in found.runs]
    rows = differences(found.comparison, called, every=False)
    tables = [bounded(each, _ROWS) for each in rows]
    says = f"Against {called[0]}; what is the same is not shown."
    none = f"{' and '.join(called)} are the same in everything that was recorded."
    blocks: tuple[Block, ...] = (Text(says), *tables) if tables else (Text(none),)
    return [Section("Differences", blocks)]


def _again(material: _Material) -> list[Section]:
    """Tell how the best run, or the newest, came to be."""
    if not material.found:
        return []
    chosen = material.first[0]
    (full,) = find(material.project, [chosen.version or chosen.record.id])
    run, environment = full.record, full.environment
    name = material.names[run.id]
    rows = [("code", _code(run)), ("command", shlex.join(run.command))]
    rows += [
        ("data", f"{path} {file.short} {size(file.size)}".rstrip())
        for path, file in run.data.items()
    ]
    if environment is not None:
        rows += [("python", environment.python), ("platform", environment.platform)]
        rows += [(f"tool {tool}", version) for tool, version in sorted(environment.tools.items())]
    if environment is not None and environment.packages:
        count = len(environment.packages)
        rows.append(("packages", f"{count}; xvc show {name} --json lists them"))
    facts = tuple(row for row in rows if row[1])
    table = DocumentTable("", ("what", f"of {name}"), facts)
    blocks: list[Block] = [bounded(table, _ROWS, _WIDEST)]
    if run.code.snapshot is not None:
        blocks.append(Commands((f"xvc checkout {name}",)))
    return [Section("Environment", tuple(blocks))]


def _code(run: RunRecord) -> str:
    code = run.code
    if code.snapshot is None:
        return "not recorded"
    changed = " with uncommitted changes" if code.is_dirty else ""
    return f"commit {(code.commit or '-')[:10]}{changed}, snapshot {code.snapshot[:10]}"
