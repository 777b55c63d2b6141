"""A candidate held against a baseline by running both now, in turn, each in a tree of its own.

Both meet the same machine, so one that drifts hurts both alike: the second of a pair is the first
of the next. Pairs in which one side has failed are not judged.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from xvc.core.best_effort import best_effort
from xvc.core.direction import Direction, direction_of, is_progress
from xvc.core.objective import exact_number
from xvc.core.run import RunRecord, Status
from xvc.core.seed_names import is_count, is_seed
from xvc.core.typed_value import TypedValue
from xvc.errors import BadValue, NoObject, NoRun
from xvc.history.find import FoundRun
from xvc.history.judging import unlike
from xvc.project import Project
from xvc.recording.begin_run import as_it_would_be
from xvc.runs.code_fingerprint import fingerprints
from xvc.runs.repeat import Repeats, check, code_of, is_refused, of_seed
from xvc.runs.repeats import seeds_in, settings_of, with_seed
from xvc.runs.request import RunRequest
from xvc.runs.rerun import Prepared, RerunRequest, outs_of, prepare, request_again
from xvc.runs.run import UNTAGGED, Ran, pinned
from xvc.runs.run_in_tree import CleanTree, clear, put_data_here, put_data_of, run_in_tree
from xvc.runs.verdicts import Judgement, judge_values
from xvc.worktrees.run_trees import CodeHere, code_here, warnings_of_lacking

if TYPE_CHECKING:
    from xvc.git.worktrees import WorkTree

_INTERRUPTED = 130
_DOING = "run --against"
TIME = "seconds of the run"
"""What is judged where neither side has a metric: how long the command took."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One run of the contest."""

    seed: int
    is_candidate: bool
    ran: Ran


@dataclass(frozen=True, slots=True)
class Contest:
    """All runs in the order in which they began, and what the pairs say of each metric.

    ``baseline`` is None where the reference names a commit that no run is of. ``pairs`` is how many
    seeds finished on both sides.
    """

    baseline: FoundRun | None
    turns: tuple[Turn, ...]
    judged: tuple[Judgement, ...] = ()
    pairs: int = 0
    is_stopped: bool = False
    warnings: tuple[str, ...] = ()

    def side(self, *, is_candidate: bool) -> list[Ran]:
        """List the runs of one side."""
        return [each.ran for each in self.turns if each.is_candidate is is_candidate]

    @property
    def exit_code(self) -> int:
        """The code of the first run whose own is not 0, else 130 where a Ctrl-C ended all."""
        return next((code for each in self.turns if (code := code_of(each.ran))), 0) or (
            _INTERRUPTED if self.is_stopped else 0
        )


class _Side(Protocol):
    """What runs: its code, and the request for a seed in a tree that has it."""

    @property
    def code(self) -> CodeHere:
        """Which commit and files."""

    def ask(self, there: Project, tree: WorkTree, seed: int, warnings: list[str]) -> RunRequest:
        """Put the data of the run into a tree and say what runs there."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """The command as it was typed, with the code of here or of a commit."""

    project: Project
    request: RunRequest
    wanted: Repeats
    code: CodeHere
    edited: tuple[str, ...] = ()

    def ask(self, there: Project, tree: WorkTree, seed: int, warnings: list[str]) -> RunRequest:
        """See `_Side`."""
        root, folder = self.project.root, self.request.folder
        put_data_here(self.project, tree, self.edited)
        clear(self.project, tree, (os.path.relpath(folder / o, root) for o in self.request.outs))
        return replace(
            of_seed(self.request, self.wanted, seed),
            folder=there.root / os.path.relpath(folder, root),
            edit_params=not self.request.write_params,  # a tree of its own: nobody else reads it
            tag=None,
        )


@dataclass(frozen=True, slots=True)
class _Past:
    """A run that is recorded, with its own code, data, command and params."""

    project: Project
    ready: Prepared
    asked: RunRequest
    wanted: Repeats
    key: str

    @property
    def code(self) -> CodeHere:
        """See `_Side`."""
        return CodeHere(self.ready.base, self.ready.snapshot)

    def ask(self, there: Project, tree: WorkTree, seed: int, warnings: list[str]) -> RunRequest:
        """See `_Side`."""
        record = self.ready.was.record
        put_data_of(self.project, tree, record.id, record.data)
        again = request_again(there, self.ready, warnings)
        clear(self.project, tree, outs_of(record))
        command = with_seed(record, again.command, self.key, str(seed))
        is_said = command != with_seed(record, again.command, self.key, str(seed + 1))
        return replace(
            again,
            command=command,
            params={**again.params, self.key: TypedValue.of(seed)},
            edit_params=not again.write_params,
            in_command=frozenset([self.key] if is_said else []),
            must_use=() if is_said or again.write_params or is_count(self.key) else (self.key,),
            capture=self.asked.capture,
            capture_patterns=self.asked.capture_patterns,
            timeout=self.asked.timeout,
        )


def contest(
    project: Project,
    request: RunRequest,
    wanted: Repeats,
    reference: str,
    sink: Callable[[int, bytes], None],
    tell: Callable[[Turn], None],
) -> Contest:
    """Run a command and a baseline in turn, once each for every seed, and judge the pairs.

    Args:
        project: where.
        request: the candidate; its code is that of this work tree, now.
        wanted: how often.
        reference: a run, which is run with its own command and params, or a commit, with which
            the candidate's command is run.
        sink: gets the output of all.
        tell: hears of each run that has ended.

    Raises:
        BadValue: as `repeat.repeat`; the baseline's seed is not known; a command names a file
            of this work tree by its whole path, which would be the code of neither side.
        NoRun, NoVersion, AmbiguousRun, BadReference: the reference names neither run nor commit.
        NotRepeatable: the baseline's command or code is not known in full.
        NoProject: there is no git.
        NoBase: there is no commit yet.
        GitFailed, TreeTaken, LockBusy: no tree can be made.
        NoCommand: a command cannot be started.
    """
    if project.place is None:
        raise project.no_git()
    check(project, replace(request, edit_params=not request.write_params), wanted)
    request = pinned(project, request)
    warnings: list[str] = []
    baseline, was = _baseline(project, request, wanted, reference, warnings)
    candidate = _candidate(project, request, wanted, warnings)
    turns: list[Turn] = []
    is_stopped = False
    for seed, is_candidate in _in_turn(wanted.count):
        side = candidate if is_candidate else baseline
        name = f"against-{os.getpid()}-{seed}-{'candidate' if is_candidate else 'baseline'}"
        try:
            ran = _one(project, side, name, seed, sink, warnings)
        except KeyboardInterrupt:  # between two runs
            is_stopped = True
            break
        if is_candidate and request.tag is not None:
            ran = _as_version(project, request, ran, turns)
        turns.append(Turn(seed, is_candidate, ran))
        tell(turns[-1])
        if ran.is_interrupted or is_refused(ran):
            is_stopped = True
            break
    found = Contest(was, tuple(turns), is_stopped=is_stopped)
    return _judged(project, found, warnings)


def _in_turn(count: int) -> Iterator[tuple[int, bool]]:
    """Name each seed with each side; who was second is first next."""
    for seed in range(count):
        is_first_candidate = seed % 2 == 1
        yield seed, is_first_candidate
        yield seed, not is_first_candidate


def _one(
    project: Project,
    side: _Side,
    name: str,
    seed: int,
    sink: Callable[[int, bytes], None],
    warnings: list[str],
) -> Ran:
    tree = CleanTree(name, side.code.base, side.code.snapshot, _DOING)

    def prepared(there: Project, tree: WorkTree) -> RunRequest:
        return side.ask(there, tree, seed, warnings)

    return run_in_tree(project, tree, prepared, sink, warnings)


def _candidate(
    project: Project, request: RunRequest, wanted: Repeats, warnings: list[str]
) -> _Asked:
    _refuse_whole_paths(project, request.command)
    code = code_here(project, f"against-{os.getpid()}")
    warnings += warnings_of_lacking(code)
    one = of_seed(request, wanted, 0)
    as_now, _ = as_it_would_be(project, one.command, request.folder, {}, [])
    edited = tuple(path for path, file in as_now.data.items() if file.state == "modified")
    return _Asked(project=project, request=request, wanted=wanted, code=code, edited=edited)


def _baseline(
    project: Project,
    request: RunRequest,
    wanted: Repeats,
    reference: str,
    warnings: list[str],
) -> tuple[_Side, FoundRun | None]:
    try:
        ready = prepare(project, RerunRequest(reference))
    except (NoRun, NoObject):
        commit = project.git.commit_of(reference)
        if commit is None:
            raise
        bare = replace(request, models=(), parent=None, fixes=None, idea=None, name=None)
        return _Asked(project, bare, wanted, CodeHere(commit, commit)), None
    warnings += ready.warnings
    _refuse_whole_paths(project, ready.was.record.command)
    return _Past(
        project=project,
        ready=ready,
        asked=request,
        wanted=wanted,
        key=_seed_of(ready.was.record, wanted),
    ), ready.was


def _seed_of(record: RunRecord, wanted: Repeats) -> str:
    """Name the param that is the seed of a run."""
    known = [key for key in record.params if is_seed(key)]
    if wanted.param in known or not known:
        if not known and seeds_in(record.command):
            return _option_of(record, wanted)
        return wanted.param
    if len(known) > 1:
        says = f"run {record.id} has several seeds, {', '.join(known)}; --seed-param says which"
        raise BadValue("--against", says)
    return known[0]


def _option_of(record: RunRecord, wanted: Repeats) -> str:
    """Name the option that is the seed, of a run whose options are not its params."""
    options = [word.partition("=")[0] for word in record.command]
    found = dict.fromkeys(each.lstrip("-") for each in options if is_seed(each))
    return wanted.param if wanted.param in found else next(iter(found))


def _refuse_whole_paths(project: Project, command: Sequence[str]) -> None:
    """Refuse a file of this tree by its whole path: what runs would not be the tree's own."""
    top = project.git.place.top
    for word in command:
        if not os.path.isabs(word) or not Path(word).is_relative_to(top):
            continue
        inside = Path(word).relative_to(top).as_posix()
        if project.git.listed(f":(literal){inside}"):
            says = f"the command names {word}, which is this tree's on both sides; write {inside}"
            raise BadValue("--against", says)


def _as_version(project: Project, request: RunRequest, ran: Ran, turns: Sequence[Turn]) -> Ran:
    """Give a candidate that finished its version: the first what was asked for, then patches."""
    from xvc.core.version import Bump  # late: with the versions, which most contests do not make
    from xvc.runs.versioning import tag_run
    from xvc.versions.tag import TagRequest

    if ran.record.status is not Status.FINISHED:
        return ran
    first = next((each.ran.tagged for each in turns if each.ran.tagged is not None), None)
    wish = TagRequest(
        bump=request.tag if first is None else Bump.PATCH,
        within=None if first is None else first.name,
        run=ran.record.id,
        incomplete=request.incomplete,
    )
    problems: list[str] = []
    with best_effort(problems):
        return replace(ran, tagged=tag_run(project, wish))
    code = ran.exit_code or (0 if request.tag_optional else UNTAGGED)
    said = (*ran.warnings, *(f"no version was made: {each}" for each in problems))
    return replace(ran, exit_code=code, warnings=said, untagged="; ".join(problems))


@dataclass(frozen=True, slots=True)
class _Sides:
    """The runs that finished on both sides, by seed."""

    old: dict[int, RunRecord] = field(default_factory=dict)
    new: dict[int, RunRecord] = field(default_factory=dict)


def _judged(project: Project, found: Contest, warnings: list[str]) -> Contest:
    sides = _sides(found, warnings)
    pairs = len(sides.old)
    warnings += _doubts(project, found, sides)
    judged: list[Judgement] = []
    if pairs and not (
        parts := unlike(project, sides.old[min(sides.old)], sides.new[min(sides.new)])
    ):
        judged = _verdicts(project, sides)
    elif pairs:
        warnings.append(f"they were judged otherwise ({', '.join(parts)}), so neither is better")
    unique = tuple(dict.fromkeys(warnings))
    return replace(found, judged=tuple(judged), pairs=pairs, warnings=unique)


def _sides(found: Contest, warnings: list[str]) -> _Sides:
    done = {
        (each.is_candidate, each.seed): each.ran.record
        for each in found.turns
        if each.ran.record.status is Status.FINISHED
    }
    seeds = {seed for _, seed in done}
    both = sorted(seed for seed in seeds if {(True, seed), (False, seed)} <= done.keys())
    alone = sorted(seeds - {*both})
    if alone:
        named = ", ".join(str(seed) for seed in alone)
        warnings.append(f"not judged, because one side alone finished: {named}")
    return _Sides(
        {seed: done[False, seed] for seed in both}, {seed: done[True, seed] for seed in both}
    )


def _doubts(project: Project, found: Contest, sides: _Sides) -> Iterator[str]:
    for is_candidate in (False, True):
        ended = [ran for ran in found.side(is_candidate=is_candidate) if not ran.is_interrupted]
        if ended and all(ran.record.status is not Status.FINISHED for ran in ended):
            yield _all_failed(ended, "candidate" if is_candidate else "baseline")
    if not sides.old:
        return
    pair = [next(iter(sides.old.values())), next(iter(sides.new.values()))]
    code = fingerprints(project, pair)
    if len(code) == 2 and len({*code.values()}) == 1 and len({*map(settings_of, pair)}) == 1:
        yield "both sides are the same code, data, command and params"


def _all_failed(ended: Sequence[Ran], side: str) -> str:
    if is_refused(ended[0]):
        return f"no run of the {side} finished: {ended[0].record.reason}"
    return (
        f"no run of the {side} finished; each had a tree of its own, without the files that git "
        "ignores: a .worktreeinclude copies them there"
    )


def _verdicts(project: Project, sides: _Sides) -> list[Judgement]:
    records = [*sides.old.values(), *sides.new.values()]
    keys = sorted({key for each in records for key in each.metrics})
    judgements = [
        judge_values(key, *_of_metric(sides, key), direction)
        for key in keys
        if not is_progress(key) and not is_seed(key)
        for direction in (direction_of(key, project.settings.metrics_direction),)
    ]
    if not any(each is not None for each in judgements):
        judgements = [judge_values(TIME, _times(sides.old), _times(sides.new), Direction.MIN)]
    return [each for each in judgements if each is not None]


def _times(side: Mapping[int, RunRecord]) -> dict[str, int | float]:
    return {str(seed): run.seconds for seed, run in side.items() if run.seconds is not None}


def _of_metric(sides: _Sides, key: str) -> tuple[dict[str, int | float], dict[str, int | float]]:
    found = [
        {
            str(seed): value
            for seed, run in side.items()
            if (value := exact_number(run.metrics.get(key))) is not None
        }
        for side in (sides.old, sides.new)
    ]
    return found[0], found[1]
