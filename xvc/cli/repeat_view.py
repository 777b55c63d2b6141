"""Several runs, a seed each, alone or in turn with a baseline: what `xvc run` says of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, TypedDict

from xvc.cli.context import Context
from xvc.cli.output import Answer, few, say, show, table, warn
from xvc.cli.run_end_view import Ended, ended_facts, ended_line
from xvc.cli.verdict_words import Noise, noise, noise_cells
from xvc.core.human_units import counted
from xvc.runs.verdicts import Judgement
from xvc.system.signal_pipe import PASSING, STOPPING, held_back

if TYPE_CHECKING:
    from xvc.project import Project
    from xvc.runs.repeat import Repeated, Repeats
    from xvc.runs.request import RunRequest
    from xvc.runs.run import Ran
    from xvc.runs.run_against_baseline import Contest


class MetricNoise(Noise):
    """How a metric lies among the repeats that finished."""

    metric: str


class Repeating(TypedDict):
    """Repeats of one experiment: each run, and how every metric lies among those that finished."""

    repeats: list[Ended]
    repeats_total: int
    wanted: int
    finished: int
    seed_param: str
    exit_code: int
    stopped: Annotated[bool, "Whether some were not begun."]
    metrics: list[MetricNoise]
    metrics_total: int


class Contending(TypedDict):
    """A candidate and a baseline, run in turn for each seed, and what the pairs say.

    ``baseline_run`` is null where the reference names a commit that no run is of. ``pairs`` is how
    many seeds finished on both sides.
    """

    against: str
    baseline_run: str | None
    baseline_version: str | None
    baseline: list[Ended]
    baseline_total: int
    candidate: list[Ended]
    candidate_total: int
    wanted: int
    pairs: int
    seed_param: str
    exit_code: int
    stopped: Annotated[bool, "Whether some were not begun."]
    verdicts: list[Judgement]
    verdicts_total: int


@dataclass(frozen=True, slots=True)
class Seeds:
    """How often a command runs, what its seed is called, and the baseline, if there is one."""

    count: int
    param: str
    against: str | None = None


def run_with_seeds(
    here: Context,
    project: Project,
    request: RunRequest,
    seeds: Seeds,
    sink: Callable[[int, bytes], None],
) -> int:
    """Run a command with each seed and tell what came out; returns the exit code."""
    from xvc.runs.repeat import Repeats  # late: most runs are alone

    wanted = Repeats(seeds.count, seeds.param)
    if seeds.against is None:
        return _repeated(here, project, request, wanted, sink)
    return _contended(here, project, request, wanted, seeds.against, sink)


def _repeated(
    here: Context,
    project: Project,
    request: RunRequest,
    wanted: Repeats,
    sink: Callable[[int, bytes], None],
) -> int:
    from xvc.runs.repeat import repeat  # late: as above

    declared = list(project.settings.metrics_direction)

    def tell(seed: int, ran: Ran) -> None:
        if not here.manner.as_json:
            for warning in ran.warnings:
                warn(warning, here.manner)
            say(f"xvc: {wanted.param} {seed}: {ended_line(ran, declared)}", here.manner)

    found = repeat(project, request, wanted, sink, tell)
    with held_back(PASSING | STOPPING):
        _tell_all(here, found, wanted)
    return found.exit_code


def _contended(
    here: Context,
    project: Project,
    request: RunRequest,
    wanted: Repeats,
    reference: str,
    sink: Callable[[int, bytes], None],
) -> int:
    from xvc.runs.run_against_baseline import Turn, contest  # late: as above

    declared = list(project.settings.metrics_direction)

    def tell(turn: Turn) -> None:
        if not here.manner.as_json:
            for warning in turn.ran.warnings:
                warn(warning, here.manner)
            side = "candidate" if turn.is_candidate else "baseline "
            line = ended_line(turn.ran, declared)
            say(f"xvc: {side} {wanted.param} {turn.seed}: {line}", here.manner)

    found = contest(project, request, wanted, reference, sink, tell)
    with held_back(PASSING | STOPPING):
        _tell_of_contest(here, found, wanted, reference)
    return found.exit_code


def _tell_of_contest(here: Context, found: Contest, wanted: Repeats, reference: str) -> None:
    from xvc.runs.difference_tables import verdicts  # late: as above

    old, new = (found.side(is_candidate=is_candidate) for is_candidate in (False, True))
    data: Contending = {
        "against": reference,
        "baseline_run": found.baseline.record.id if found.baseline else None,
        "baseline_version": found.baseline.version if found.baseline else None,
        "baseline": few([ended_facts(each) for each in old]),
        "baseline_total": len(old),
        "candidate": few([ended_facts(each) for each in new]),
        "candidate_total": len(new),
        "wanted": wanted.count,
        "pairs": found.pairs,
        "seed_param": wanted.param,
        "exit_code": found.exit_code,
        "stopped": found.is_stopped,
        "verdicts": few(found.judged),
        "verdicts_total": len(found.judged),
    }
    if here.manner.as_json:
        own = (w for turn in found.turns for w in turn.ran.warnings)
        warnings = tuple(dict.fromkeys((*own, *found.warnings)))
        show(Answer("run", data, warnings=warnings, exit_code=found.exit_code), here.manner)
        return
    for warning in found.warnings:
        warn(warning, here.manner)
    say(f"xvc: {found.pairs} of {counted(wanted.count, 'pair')} finished", here.manner)
    for each in verdicts((found.judged,), (reference, "candidate")):
        say(table(each.head, few(each.rows)), here.manner)


def _tell_all(here: Context, found: Repeated, wanted: Repeats) -> None:
    group, code = found.experiment, found.exit_code
    count = len(group.repeats)
    own = tuple(w for each in found.runs for w in each.warnings) if here.manner.as_json else ()
    data: Repeating = {
        "repeats": few([ended_facts(each) for each in found.runs]),
        "repeats_total": len(found.runs),
        "wanted": wanted.count,
        "finished": count,
        "seed_param": wanted.param,
        "exit_code": code,
        "stopped": found.is_stopped,
        "metrics": few([{"metric": key, **noise(each)} for key, each in found.spreads]),
        "metrics_total": len(found.spreads),
    }
    if here.manner.as_json:
        warnings = tuple(dict.fromkeys((*own, *found.warnings)))
        show(Answer("run", data, warnings=warnings, exit_code=code), here.manner)
        return
    for warning in found.warnings:
        warn(warning, here.manner)
    say(f"xvc: {count} of {counted(wanted.count, 'repeat')} finished", here.manner)
    rows = [(key, *noise_cells(each)) for key, each in few(found.spreads)]
    if rows:
        say(table(("metric", "n", "mean", "sd"), rows, right=(1, 2, 3)), here.manner)
