"""The tree of ideas: what was tried on top of what, and how it came out.

A run is in it that has an idea, puts another right, or was decided about, and so is whatever it
builds on. Runs that try one idea on top of the same run are one entry. Pure but for `ideas`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from xvc.core.commit_subject import one_line
from xvc.core.objective import Measure, exact_number
from xvc.core.run import RunRecord, Status
from xvc.history.find import known_versions, versions_by_run
from xvc.history.judging import Judge, differing, judges
from xvc.project import Project
from xvc.recovery.lost_runs import opened
from xvc.runs.code_fingerprint import fingerprints
from xvc.runs.digest import best_runs
from xvc.runs.repeats import RepeatedExperiment, Spread, experiments, with_shared_settings
from xvc.store import query
from xvc.types import RunId


@dataclass(frozen=True, slots=True)
class Idea:
    """One thing that was tried; ``runs`` are all that tried it, ``run`` the best or the newest.

    ``change`` is how the metric moved from what it builds on; ``spread`` is of the repeats, each
    seed once; ``depth`` tells how far below a root it is. ``decision`` is what people came to think
    of ``run``, else of the newest of the others, with its name.
    """

    depth: int
    run: RunRecord
    runs: tuple[RunId, ...]
    version: str | None
    what: str
    metric: str | None
    spread: Spread | None
    change: float | None
    on: RunId | None
    decision: str | None = None


@dataclass(frozen=True, slots=True)
class IdeaTree:
    """Ideas in order; ``total`` is how many there are, where these are but the first."""

    ideas: list[Idea]
    total: int


def ideas(project: Project, most: int | None = None) -> IdeaTree:
    """Tell the ideas of a project as a tree, in the order in which they began.

    Args:
        project: whose they are.
        most: so many of the first are told, and the runs of no others are read; None: all.

    Raises:
        BadSetting: a declared direction is neither ``max`` nor ``min``.
    """
    with opened(project) as connection:
        outline = _Outline.of(query.of_ideas(connection))
        held = query.by_ids(connection, outline.runs_of(outline.branches[:most]))
        newest = query.newest(connection) if held else []
    names = versions_by_run(known_versions(project))
    known = _judges(project, sorted(held, key=lambda run: (run.started or 0, run.id)))
    code = fingerprints(project, with_shared_settings(held))
    main = next(iter(best_runs(newest, project.settings.metrics_direction, 1)), None)
    measure = Measure(main.metric, main.direction) if main else None
    told = outline.told({run.id: run for run in held}, code, measure, names, known, most)
    return IdeaTree(told, len(outline.branches))


def _judges(project: Project, held: Sequence[RunRecord]) -> Mapping[RunId, Judge]:
    """Return what judged the runs of the tree, and say where they were judged otherwise."""
    if not project.settings.has_judge:
        return {}
    known = judges(project, held)
    done = [run for run in held if run.status is Status.FINISHED]
    parts = dict.fromkeys(
        part for run in done for part in differing(known.get(done[0].id), known.get(run.id))
    )
    if parts:
        project.keeper.warnings.append(
            f"runs were judged otherwise ({', '.join([*parts][:3])} differs), and no change of a "
            "metric is told between them"
        )
    return known


def tree(
    runs: Sequence[RunRecord],
    code: Mapping[RunId, str],
    measure: Measure | None,
    names: Mapping[RunId, str],
    judges: Mapping[RunId, Judge] = MappingProxyType({}),
) -> list[Idea]:
    """Put ideas under what they build on; a parent that is not known makes a root.

    Runs that were judged otherwise than each other are not compared: of such an idea the best is
    among those that were judged as the newest was.
    """
    by_id = {run.id: run for run in runs}
    return _Outline.of(runs).told(by_id, code, measure, names, judges)


@dataclass(frozen=True, slots=True)
class _Branch:
    """An idea in the tree: its key, that of the idea that it builds on, and how deep it stands."""

    key: object
    above: object
    depth: int


@dataclass(frozen=True, slots=True)
class _Outline:
    """Which runs try which idea on top of which: what runs say of that is enough."""

    entries: Mapping[object, list[RunRecord]]
    branches: list[_Branch]

    @classmethod
    def of(cls, runs: Iterable[RunRecord]) -> _Outline:
        by_id = {run.id: run for run in sorted(runs, key=lambda run: (run.started or 0, run.id))}
        entries = _entries(by_id)
        entry_of = {run.id: key for key, held in entries.items() for run in held}
        below: dict[object, list[object]] = {}
        for key, held in entries.items():
            base = _base(held[0])
            above = entry_of.get(base) if base is not None else None
            below.setdefault(above if above != key else None, []).append(key)
        branches: list[_Branch] = []
        waiting = [_Branch(key, None, 0) for key in below.get(None, [])[::-1]]
        while waiting:
            branch = waiting.pop()
            branches.append(branch)
            key, depth = branch.key, branch.depth + 1
            waiting += [_Branch(each, key, depth) for each in below.get(key, [])[::-1]]
        return cls(entries, branches)

    def runs_of(self, branches: Sequence[_Branch]) -> set[RunId]:
        """Name the runs of these ideas, and of those that they build on."""
        keys = {key for each in branches for key in (each.key, each.above) if key is not None}
        return {run.id for key in keys for run in self.entries[key]}

    def told(
        self,
        by_id: Mapping[RunId, RunRecord],
        code: Mapping[RunId, str],
        measure: Measure | None,
        names: Mapping[RunId, str],
        judges: Mapping[RunId, Judge],
        most: int | None = None,
    ) -> list[Idea]:
        """Tell the first *most* ideas, from their runs and those of what they build on."""
        shown = self.branches[:most]
        keys = dict.fromkeys(key for each in shown for key in (each.above, each.key))
        tries = {
            key: _Try.of([by_id[run.id] for run in self.entries[key]], code, measure, judges)
            for key in keys
            if key is not None
        }
        return [tries[each.key].told(each.depth, tries.get(each.above), names) for each in shown]


def _entries(by_id: Mapping[RunId, RunRecord]) -> dict[object, list[RunRecord]]:
    """Put runs together that try one idea on top of the same; in the order in which they began."""
    wanted: set[RunId] = set()
    for run in by_id.values():
        if not (run.idea or run.fixes or run.decision):
            continue
        at: RunRecord | None = run
        while at is not None and at.id not in wanted:
            wanted.add(at.id)
            base = _base(at)
            at = by_id.get(base) if base else None
    entries: dict[object, list[RunRecord]] = {}
    for run in by_id.values():
        if run.id in wanted:
            key: object = (run.idea, run.parent, run.fixes) if run.idea else run.id
            entries.setdefault(key, []).append(run)
    return entries


def _base(run: RunRecord) -> RunId | None:
    return run.parent or run.fixes


@dataclass(frozen=True, slots=True)
class _Try:
    """The runs of one idea, and how the metric lies in the experiment that came out best."""

    run: RunRecord
    runs: tuple[RunRecord, ...]
    measure: Measure | None
    spread: Spread | None
    judge: Judge | None

    @classmethod
    def of(
        cls,
        held: Sequence[RunRecord],
        code: Mapping[RunId, str],
        measure: Measure | None,
        judges: Mapping[RunId, Judge],
    ) -> _Try:
        newest = next((run for run in held[::-1] if run.status is Status.FINISHED), held[-1])
        judge = judges.get(newest.id)
        alike = [run for run in held if not differing(judge, judges.get(run.id))]
        best = measure.first(alike) if measure else None
        run = best or next((r for r in held[::-1] if r.status is Status.FINISHED), held[-1])
        spread = None
        if measure is not None:
            its = _holding(experiments(alike, code), run)
            numbers = (
                its.numbers(measure.metric)
                if its
                else [exact_number(run.metrics.get(measure.metric))]
            )
            spread = Spread.of([number for number in numbers if number is not None])
        return cls(run, tuple(held), measure, spread, judge)

    def told(self, depth: int, base: _Try | None, names: Mapping[RunId, str]) -> Idea:
        run = self.run
        change = None
        is_alike = base is not None and not differing(base.judge, self.judge)
        if is_alike and base is not None and base.spread and self.spread:
            change = self.spread.mean - base.spread.mean
        version = names.get(run.id) or next((names[r.id] for r in self.runs if r.id in names), None)
        return Idea(
            depth=depth,
            run=run,
            runs=tuple(each.id for each in self.runs),
            version=version,
            what=one_line(run.idea or run.note or run.name or " ".join(run.command) or "-"),
            metric=self.measure.metric if self.measure and self.spread else None,
            spread=self.spread,
            change=change,
            on=base.run.id if base else None,
            decision=run.decision or self._decision_of_another(names),
        )

    def _decision_of_another(self, names: Mapping[RunId, str]) -> str | None:
        said = (f"{names.get(r.id, r.id)} {r.decision}" for r in self.runs[::-1] if r.decision)
        return next(said, None)


def _holding(found: Iterable[RepeatedExperiment], run: RunRecord) -> RepeatedExperiment | None:
    return next((each for each in found if any(its.id == run.id for its in each.runs)), None)


def outcome(idea: Idea) -> str:
    """Say in a few words how an idea came out: its decision, else how its last run ended."""
    run = idea.run
    parts = []
    if run.status is not Status.FINISHED:
        parts.append(": ".join(part for part in (run.status.value, run.reason) if part))
    if run.fixes is not None:
        parts.append(f"fixes {run.fixes}")
    if idea.decision:
        parts.append(idea.decision)
    return "; ".join(parts)
