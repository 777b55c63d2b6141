"""What was tried, what worked and what not to repeat, in few words. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from xvc.core.commit_subject import (
    chosen_keys,
    chosen_metrics,
    cut,
    shown,
    subject,
    varying_keys,
    with_doubts,
)
from xvc.core.direction import Direction, direction_of
from xvc.core.human_units import few_of
from xvc.core.objective import Measure
from xvc.core.run import RunRecord, Status
from xvc.core.run_inputs import given, short
from xvc.core.trial_names import trial_of
from xvc.runs.repeats import (
    RepeatedExperiment,
    Spread,
    experiments,
    order_of,
    own_params,
    settings_of,
    without_seeds,
)
from xvc.runs.verdicts import Judgement, against_first, luck_in_words, pooled
from xvc.types import RunId

if TYPE_CHECKING:
    from xvc.core.sweep import TrialStatus

FAILED = frozenset({*Status} - {Status.FINISHED, Status.RUNNING})
"""How runs end that ended badly."""


@dataclass(frozen=True, slots=True)
class Best:
    """The best run by one metric."""

    metric: str
    direction: Direction
    value: float
    run: RunId
    what: str


@dataclass(frozen=True, slots=True)
class Tried:
    """One idea: the runs that repeat it, and how the main metric lies among them.

    ``run`` is the best of the repeats, or the newest without a metric; ``again`` counts runs of a
    seed that had been run before. ``judged`` says how its repeats compare with those of the idea
    with the best mean, None for that one and without repeats.
    """

    run: RunId
    what: str
    repeats: int = 1
    metric: str | None = None
    mean: float | None = None
    deviation: float | None = None
    again: int = 0
    judged: Judgement | None = None


@dataclass(frozen=True, slots=True)
class TriedIdeas:
    """The first of the ideas; ``luck`` says how far the best of all would lead by chance."""

    first: tuple[Tried, ...]
    luck: str | None = None
    total: int = 0


@dataclass(frozen=True, slots=True)
class Discarded:
    """Runs of one idea that people discarded for one reason; ``run`` is the newest of them."""

    run: RunId
    what: str
    why: str | None
    times: int


@dataclass(frozen=True, slots=True)
class Staged:
    """What is in production."""

    model: str
    version: str


@dataclass(frozen=True, slots=True)
class Failed:
    """Runs that failed alike; ``run`` is the newest, ``fixed`` a later one that finished."""

    run: RunId
    how: str
    what: str
    times: int
    fixed: RunId | None = None  # it has the same params and command


@dataclass(frozen=True, slots=True)
class SweptRuns:
    """A sweep by its runs: how many trials are in each state, and the best of them."""

    name: str
    counts: Mapping[TrialStatus, int]
    best: RunId | None
    what: str


def judged(
    runs: Sequence[RunRecord], directions: Mapping[str, str], limit: int = 3
) -> list[Measure]:
    """Choose the telling metrics of finished runs, as far as it is known which way is better.

    Raises:
        BadSetting: a declared direction is neither ``max`` nor ``min``.
    """
    done = (run for run in runs if run.status is Status.FINISHED)
    merged = {key: value for run in done for key, value in run.metrics.items()}
    names = chosen_metrics(merged, list(directions), limit)
    found = [(name, direction_of(name, directions)) for name in names]
    return [Measure(name, direction) for name, direction in found if direction is not None]


def best_runs(
    runs: Sequence[RunRecord],
    directions: Mapping[str, str],
    limit: int = 3,
    *,
    among: Sequence[RunRecord] | None = None,
) -> list[Best]:
    """Find the best finished run by each of the telling metrics, as `Measure` says.

    The metrics are chosen, and runs told apart, *among* all or these.

    Raises:
        BadSetting: a declared direction is neither ``max`` nor ``min``.
    """
    every = runs if among is None else among
    done = [run for run in every if run.status is Status.FINISHED]
    found = [_best(runs, done, measure) for measure in judged(every, directions, limit)]
    return [each for each in found if each is not None]


def _best(runs: Sequence[RunRecord], others: Sequence[RunRecord], measure: Measure) -> Best | None:
    first = measure.first(measure.on_one_scale(runs)[0])
    value = measure.value(first) if first is not None else None
    if first is None or value is None:
        return None
    return Best(
        metric=measure.metric,
        direction=measure.direction,
        value=value,
        run=first.id,
        what=described(first, others),
    )


def described(
    run: RunRecord, others: Sequence[RunRecord], varying: Collection[str] | None = None
) -> str:
    """Return a run in one line: what tells it from the others, its metrics, its note.

    A run without params is its command. Whoever describes many of *others* knows their *varying*
    keys.

    >>> described(RunRecord(RunId("a"), params={"lr": 0.1}, metrics={"loss": 2.0}), [])
    'lr=0.1 | loss=2.0'
    """
    compared = [] if varying is not None else [each.params for each in others]
    params = chosen_keys(compared, run.params, varying=varying)
    metrics = chosen_metrics(run.metrics, [])
    said = run.note or run.name
    if not params and not said:
        said = " ".join(run.command) or None
    return cut(subject(with_doubts(run), run.metrics, None, said, (*params, *metrics)))


def tried(
    runs: Sequence[RunRecord],
    code: Mapping[RunId, str],
    directions: Mapping[str, str],
    limit: int = 5,
    otherwise: Collection[RunId] = (),
) -> TriedIdeas:
    """Describe the ideas that were tried, one line each: the best first, or the newest.

    Trials of sweeps are left to `sweeps`, what people discarded to `discarded`. Ideas with a run
    that was judged *otherwise* come behind the others, and are compared with none of them.
    """
    kept = (run for run in runs if not _sweep_of(run) and not run.is_discarded)
    found = experiments(kept, code)
    others = {each.repeats[0].id for each in found if any(r.id in otherwise for r in each.runs)}
    done = [run for each in found for run in each.runs if each.repeats[0].id not in others]
    main = next(iter(best_runs(done, directions, 1)), None)
    measure = Measure(main.metric, main.direction) if main else None
    firsts = [each.repeats[0] for each in found]
    said = [settings_of(run) for run in firsts]
    settings = Counter(said)
    inputs: dict[str, list[dict[str, str]]] = {}
    for run, its in zip(firsts, said, strict=True):
        key = _but_for_data(run) if run.data else its
        inputs.setdefault(key, []).append(given(run.data))
    told = [(each, _lie(each, measure)) for each in reversed(found)]
    if measure is not None:
        key, way = measure.metric, measure.direction
        told.sort(  # of equal ones the first that began, as everywhere
            key=lambda pair: (order_of(pair[0].numbers(key), way), pair[0].repeats[0].started or 0)
        )
    told.sort(key=lambda pair: pair[0].repeats[0].id in others)
    ours = [each for each, lie in told if lie is not None and each.repeats[0].id not in others]
    verdicts = _verdicts(ours, measure)
    seedless = _seedless_of(done) if any(len(each.repeats) > 1 for each, _ in told[:limit]) else {}
    ideas = [_idea(each, lie, measure, done, settings, seedless) for each, lie in told[:limit]]
    ideas = [
        _with_data(idea, each.repeats[0], inputs)
        for idea, (each, _) in zip(ideas, told, strict=False)
    ]
    judged = [verdicts.get(each.repeats[0].id) for each, _ in told[:limit]]
    key = measure.metric if measure is not None else ""
    luck = luck_in_words(pooled(ours, key), len(ours))
    every = zip(ideas, judged, strict=True)
    return TriedIdeas(tuple(replace(idea, judged=its) for idea, its in every), luck, len(found))


def discarded(runs: Sequence[RunRecord], code: Mapping[RunId, str]) -> list[Discarded]:
    """Tell what people discarded, however it ended, trials of sweeps too; newest first.

    Runs that repeat one idea and were discarded for one reason are told once.
    """
    gone = [run for run in runs if run.is_discarded]
    if not gone:
        return []
    ideas = {run.id: each.repeats[0].id for each in experiments(gone, code) for run in each.runs}
    varying = varying_keys([run.params for run in runs])
    held: dict[tuple[str, str | None], list[RunRecord]] = {}
    for run in gone:
        idea = ideas.get(run.id) or described(run, (), varying)
        held.setdefault((idea, run.decision), []).append(run)
    return [
        Discarded(
            run=same[0].id,
            what=described(same[0] if len(same) == 1 else _seedless(same[0]), (), varying),
            why=cut((same[0].decision or "").partition(":")[2]) or None,
            times=len(same),
        )
        for same in held.values()
    ]


def _but_for_data(run: RunRecord) -> str:
    return settings_of(replace(run, data={}))


def _with_data(
    idea: Tried, run: RunRecord, inputs: Mapping[str, Sequence[Mapping[str, str]]]
) -> Tried:
    """Name the data by which an idea differs from others that are the same but for that."""
    known, ours = inputs[_but_for_data(run)], given(run.data)
    paths = sorted({path for data in known for path in data})
    apart = [path for path in paths if len({data.get(path) for data in known}) > 1]
    if not apart:
        return idea
    named = few_of([f"{path} {short(ours.get(path, 'absent'))}" for path in apart], 1)
    return replace(idea, what=cut(f"data {named} | {idea.what}"))


def _verdicts(
    held: Sequence[RepeatedExperiment], measure: Measure | None
) -> dict[RunId, Judgement]:
    """Say of each idea, by its first run, how its repeats compare with those of the best."""
    if measure is None or all(len(each.repeats) < 2 for each in held):
        return {}
    told = against_first(measure.metric, held, measure.direction)
    both = zip(held, told, strict=True)
    return {each.repeats[0].id: judged for each, judged in both if judged is not None}


def _lie(each: RepeatedExperiment, measure: Measure | None) -> Spread | None:
    return Spread.of(each.numbers(measure.metric)) if measure else None


def _idea(
    each: RepeatedExperiment,
    lie: Spread | None,
    measure: Measure | None,
    done: Sequence[RunRecord],
    settings: Mapping[str, int],
    seedless: Mapping[RunId, RunRecord],
) -> Tried:
    best = measure.first(each.repeats) if measure else None
    run = best or each.repeats[-1]
    if len(each.repeats) > 1:
        what = described(seedless.get(run.id) or _seedless(run), [*seedless.values()])
    else:
        what = described(run, done)
    if settings[settings_of(run)] > 1:
        what = cut(f"code {(run.code.snapshot or run.code.commit or 'unknown')[:7]} | {what}")
    if run.decision:
        what = cut(f"{run.decision} | {what}")
    return Tried(
        run=run.id,
        what=what,
        repeats=len(each.repeats),
        metric=measure.metric if measure and lie else None,
        mean=lie.mean if lie else None,
        deviation=lie.deviation if lie else None,
        again=len(each.again),
    )


def _seedless_of(runs: Sequence[RunRecord]) -> dict[RunId, RunRecord]:
    return {run.id: _seedless(run) for run in runs}


def _seedless(run: RunRecord) -> RunRecord:
    return replace(run, params=own_params(run), command=tuple(without_seeds(run)))


def _sweep_of(run: RunRecord) -> str | None:
    trial = trial_of(run.name)
    return trial[0] if trial is not None else None


def sweeps(runs: Sequence[RunRecord], directions: Mapping[str, str]) -> list[SweptRuns]:
    """Tell the sweeps by their runs, newest first as *runs* are."""
    by_name: dict[str, list[RunRecord]] = {}
    for run in runs:
        if (name := _sweep_of(run)) is not None:
            by_name.setdefault(name, []).append(run)
    return [_swept(name, held, directions) for name, held in by_name.items()]


def _swept(name: str, held: Sequence[RunRecord], directions: Mapping[str, str]) -> SweptRuns:
    done = [run for run in held if run.status is Status.FINISHED]
    best = next(iter(best_runs(done, directions, 1)), None)
    what = best.what.replace(f" | {name}", "") if best else ""
    return SweptRuns(name=name, counts=_trials_in(held), best=best.run if best else None, what=what)


def _trials_in(held: Sequence[RunRecord]) -> dict[TrialStatus, int]:
    """Count the trials that runs of a sweep are of, by state."""
    from xvc.core.sweep import Trial, TrialStatus, told_by_runs_alone  # late: sweeps alone need it

    by_number: dict[int, list[RunRecord]] = {}
    for run in held:
        if (trial := trial_of(run.name)) is not None:
            by_number.setdefault(trial[1], []).append(run)
    told = (told_by_runs_alone(Trial(n, {}), its, None) for n, its in by_number.items())
    states = Counter(trial.state for trial in told)
    return {state: states[state] for state in TrialStatus}


def failures(runs: Sequence[RunRecord], limit: int = 3) -> list[Failed]:
    """Put together the runs that failed alike, newest first.

    Those that nothing has fixed come first; what people discarded is left to `discarded`.
    """
    bad = [run for run in runs if run.status in FAILED and not run.is_discarded]
    varying = varying_keys([run.params for run in bad])
    alike = [(_how(run), described(run, bad, varying)) for run in bad]
    counts = Counter(alike)
    newest = dict(zip(reversed(alike), reversed(bad), strict=True))
    done: dict[tuple[object, ...], list[RunRecord]] = {}
    for run in runs:
        if run.status is Status.FINISHED:
            done.setdefault((run.command, run.folder), []).append(run)
            if run.fixes is not None:
                done.setdefault((run.fixes,), []).append(run)
    found = [
        Failed(newest[key].id, *key, times=counts[key], fixed=_fix_of(newest[key], done))
        for key in dict.fromkeys(alike)
    ]
    found.sort(key=lambda each: each.fixed is not None)
    return found[:limit]


def _fix_of(run: RunRecord, done: Mapping[tuple[object, ...], Sequence[RunRecord]]) -> RunId | None:
    """Find the first later run that says it fixes it, or was asked for the same, and finished."""
    alike = [
        each
        for each in done.get((run.command, run.folder), ())
        if each.command or dict(each.params) == dict(run.params)
    ]
    later = [
        each
        for each in (*alike, *done.get((run.id,), ()))
        if (each.started or 0) > (run.started or 0)
    ]
    return min(later, key=lambda each: (each.started or 0, each.id)).id if later else None


def _how(run: RunRecord) -> str:
    how = run.status.value
    if run.status is Status.FAILED and run.exit_code:
        how = f"exit {run.exit_code}"
    elif run.status is Status.KILLED and run.signal:
        how = f"killed by {run.signal}"
    return cut(": ".join(part for part in (how, run.reason) if part))


def figure(metric: str, direction: Direction, value: float) -> str:
    """Write a best value.

    >>> figure("loss", Direction.MIN, 0.25)
    'loss 0.25 (lowest)'
    """
    end = "highest" if direction is Direction.MAX else "lowest"
    return f"{cut(metric, 32)} {shown(value)} ({end})"
