"""A sweep: what it was asked for, and how far its trials are.

Pure values. A trial's state is never kept: it is computed from the notes of the scheduler and the
runs that exist, so that a kill between any two of them leaves nothing that could contradict them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import cast

from xvc.core.command_places import filled_in_template
from xvc.core.direction import Direction
from xvc.core.json_values import as_json
from xvc.core.objective import exact_number
from xvc.core.option import option
from xvc.core.run import RunRecord, Status
from xvc.core.search_space import Dimension, dimension_text, facts_of, space_from, typed_point
from xvc.core.secrets import MASK
from xvc.core.trial_names import trial_of
from xvc.core.typed_value import is_equal
from xvc.types import Json

REF = "ref"
"""The param that names the code of a trial, in a sweep over refs."""

LOCAL = "local"
"""The executor that runs trials as processes of this machine."""


class Sampler(StrEnum):
    """Who chooses the next point."""

    GRID = "grid"
    RANDOM = "random"
    TPE = "tpe"


class ParamStyle(StrEnum):
    """How params are put behind the command: not, as ``lr=0.1``, or as ``--lr 0.1``."""

    NONE = "none"
    HYDRA = "hydra"
    FLAGS = "flags"


@dataclass(frozen=True, slots=True)
class SweepRequest:
    """What was asked for; ``timeout`` in seconds, ``trials`` None for the whole grid.

    ``address`` is where the executor connects to; ``away`` tells that its workers do not share our
    disk and have ``scratch`` for their clones; ``slurm`` are submitit's options, and the cluster's
    name. ``worktree`` changes nothing. ``signs`` are what Hydra wants before a param's name: ``+``
    adds it, ``++`` adds or changes it, ``~`` takes it away.
    """

    space: Mapping[str, Dimension]
    command: tuple[str, ...]
    sampler: Sampler = option(Sampler.GRID, "grid (all points), random or tpe.", "--sampler")
    trials: int | None = option(None, "How many at most.", "--trials", least=1)
    jobs: int = option(1, "How many at once.", "--jobs", "-j", least=1)
    metric: str | None = option(
        None, "What is to become better.", "--metric", metavar="KEY[:max|min]"
    )
    direction: Direction | None = None
    style: ParamStyle = option(
        ParamStyle.NONE,
        "Put the params behind the command: hydra (lr=0.1), flags (--lr 0.1) or none.",
        "--style",
    )
    timeout: float | None = option(None, "Stop a trial after this.", "--timeout", metavar="SECONDS")
    retries: int = option(0, "How often a failed trial is tried again.", "--retries", least=0)
    gpus: tuple[str, ...] = option(
        (), "0,1: each job gets one of them in CUDA_VISIBLE_DEVICES.", "--gpus", has_commas=True
    )
    refs: tuple[str, ...] = option(
        (), "a,b,c: try the code of these branches or commits.", "--ref", has_commas=True
    )
    worktree: bool = option(
        False, "Say that trials have trees of their own; they always do.", "--worktree"
    )
    outs: tuple[str, ...] = option(
        (), "An output that DVC keeps of every trial.", "--out", metavar="PATH"
    )
    models: tuple[str, ...] = option(
        (), "A model that every trial leaves; a candidate.", "--model", metavar="PATH[:NAME]"
    )
    params_copy: bool = option(
        False,
        "Put the params of a trial into a copy of the params file, {params} in the command; else "
        "they are set in the file, in the trial's own tree.",
        "--params-copy",
    )
    capture: bool = option(False, "Read metrics from what the command prints.", "--capture")
    prune: bool = option(
        False, "Give up trials whose metric is below the median of others at its step.", "--prune"
    )
    seed: int = option(0, "Of random and tpe.", "--seed", least=0)
    repeat: int = option(
        0,
        "Try each point so often, with the seeds 0, 1, 2 …; the best is by the mean.",
        "--repeat",
        metavar="COUNT",
        least=1,
    )
    seed_param: str = option("seed", "The seed's name, if another.", "--seed-param", metavar="KEY")
    executor: str = option(
        LOCAL, "Where trials run: local, dask, ray, slurm, or what a package adds.", "--executor"
    )
    address: str | None = option(
        None,
        "Of a Dask scheduler or a Ray cluster; without it workers here.",
        "--address",
        metavar="tcp://…",
    )
    away: bool = option(
        False,
        "Dask's workers do not share our disk: send them the code, and the way to the data. A "
        "trial that a kill of this command leaves there is ended and run again.",
        "--away",
    )
    scratch: str | None = option(
        None, "Where such workers put their clones.", "--scratch", metavar="PATH"
    )
    slurm: Mapping[str, Json] = option(
        {},
        "As submitit has it: timeout_min=60, slurm_partition=gpu, gpus_per_node=1.",
        "--slurm",
        metavar="KEY=VALUE",
    )
    signs: Mapping[str, str] = field(default_factory=dict)

    @property
    def repeats_by(self) -> str | None:
        """The param by which trials of one point differ; None where each point is one trial."""
        return self.seed_param if self.repeat else None


@dataclass(frozen=True, slots=True)
class TrialCode:
    """What a trial's tree holds: the files of ``snapshot``, on top of commit ``base``."""

    base: str
    snapshot: str


@dataclass(frozen=True, slots=True)
class Sweep:
    """A sweep as it was begun; ``created`` in nanoseconds since the epoch.

    ``root`` is the project whose store keeps the runs, ``folder`` where the command runs, below
    the top of its tree; ``total`` the number of trials; ``codes`` what each ref names, with "" for
    the tree as it was.
    """

    id: str
    created: int
    root: str
    folder: str
    total: int
    codes: Mapping[str, TrialCode]
    request: SweepRequest

    @property
    def facts(self) -> dict[str, Json]:
        """The same as JSON."""
        own: dict[str, Json] = {
            name: getattr(self, name) for name in ("id", "created", "root", "folder", "total")
        }
        codes: Json = {ref: [code.base, code.snapshot] for ref, code in self.codes.items()}
        request: dict[str, Json] = {
            name: list(value) if isinstance(value, tuple) else value
            for name in _wished()
            if name != "space" and (value := getattr(self.request, name)) is not None
        }
        request["space"] = facts_of(self.request.space)
        return {**own, "codes": codes, "wish": request}

    @classmethod
    def from_facts(cls, facts: Mapping[str, Json]) -> Sweep:
        """Read what `facts` wrote; keys of a later xvc are passed over.

        Raises:
            KeyError: a key is missing.
            ValueError: a word is unknown.
        """
        said = cast("dict[str, Json]", facts["wish"])
        parts: dict[str, object] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in said.items()
            if name in _wished()
        }
        parts["space"] = space_from(cast("dict[str, Json]", said["space"]))
        parts["sampler"], parts["style"] = (
            Sampler(str(said["sampler"])),
            ParamStyle(str(said["style"])),
        )
        if "direction" in said:
            parts["direction"] = Direction(str(said["direction"]))
        codes = cast("dict[str, list[str]]", facts["codes"])
        own = {name: facts[name] for name in ("id", "created", "root", "folder", "total")}
        return cls(
            **own,  # type: ignore[arg-type]
            codes={ref: TrialCode(*pair) for ref, pair in codes.items()},
            request=SweepRequest(**parts),  # type: ignore[arg-type]
        )

    def told_of(self, number: int) -> str:
        """Say on one line which trial of what it was, for a version's message."""
        tried = " ".join(
            f"{key}={dimension_text(each)}" for key, each in self.request.space.items()
        )
        by = f" by {self.request.metric}" if self.request.metric else ""
        return f"{self.id} trial {number} of {self.total}: {self.request.sampler}{by} over {tried}"

    def run_name(self, number: int) -> str:
        """Name the runs of a trial: `xvc show` finds the last of them by it."""
        return f"{self.id}/{number}"


def _wished() -> tuple[str, ...]:
    return tuple(part.name for part in fields(SweepRequest))


class TrialStatus(StrEnum):
    """How far a trial is."""

    WAITING = "waiting"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    PRUNED = "pruned"


@dataclass(frozen=True, slots=True)
class Trial:
    """One trial: its point, its state, and what its last run said.

    ``attempts`` counts how often it was started since it was last asked for; ``value`` is the
    metric, ``seconds`` how long the run took. ``is_unused``: its command ended well, and a param of
    it was taken up by nobody. ``used`` are params that its process says were other than asked for,
    ``contested`` those of which something else that its command read says another value, and what.
    """

    number: int
    params: Mapping[str, Json]
    state: TrialStatus = TrialStatus.WAITING
    attempts: int = 0
    run: str | None = None
    value: float | None = None
    seconds: float | None = None
    reason: str | None = None
    is_unused: bool = False
    used: Mapping[str, Json] = field(default_factory=dict)
    contested: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Note:
    """One line that a scheduler wrote: what, about which trial, when (nanoseconds)."""

    kind: str
    number: int
    at: int
    facts: Mapping[str, Json] = field(default_factory=dict)

    def line(self) -> bytes:
        """Write it as one line of JSON."""
        facts = {"kind": self.kind, "trial": self.number, "at": self.at, **self.facts}
        return json.dumps(facts, ensure_ascii=False).encode() + b"\n"

    @classmethod
    def read(cls, line: bytes) -> Note | None:
        """Read a line; None when it was torn."""
        try:
            found = json.loads(line)
            return cls(found.pop("kind"), found.pop("trial"), found.pop("at"), found)
        except (ValueError, KeyError, AttributeError):
            return None


_AGAIN = (Status.RUNNING, Status.LOST, Status.INTERRUPTED)
"""How a run stands that says nothing of its trial: it is to be run (again)."""


def trials_of(
    notes: Iterable[Note], runs: Iterable[RunRecord], live: set[int], metric: str | None, name: str
) -> dict[int, Trial]:
    """Compute the state of every trial that was asked for.

    Args:
        notes: what the schedulers wrote, in order.
        runs: all runs of the sweep, whose names begin with *name* and ``/``.
        live: trials whose process lives.
        metric: what the value is.
        name: of the sweep.
    """
    trials: dict[int, Trial] = {}
    since: dict[int, int] = {}
    for note in notes:
        trials, since[note.number] = _noted(trials, note, since.get(note.number, 0))
    by_number: dict[int, list[RunRecord]] = {}
    for run in runs:
        number = _number_of(run, name)
        if number in trials and (run.started or 0) >= since.get(number, 0):
            by_number.setdefault(number, []).append(run)
    for number, trial in trials.items():
        ended = told_by(trial, by_number.get(number, ()), metric)
        is_done = ended.state is TrialStatus.FINISHED  # whoever still has its log open
        is_live = number in live and not is_done
        trials[number] = replace(ended, state=TrialStatus.RUNNING) if is_live else ended
    return trials


def _noted(trials: dict[int, Trial], note: Note, since: int) -> tuple[dict[int, Trial], int]:
    number = note.number
    if note.kind == "asked":
        params = cast("dict[str, Json]", note.facts["params"])
        trials.setdefault(number, Trial(number, params))
    elif number in trials and note.kind == "started":
        attempts = trials[number].attempts + 1
        trials[number] = replace(trials[number], attempts=attempts, state=TrialStatus.WAITING)
    elif number in trials and note.kind == "pruned":
        trials[number] = replace(trials[number], state=TrialStatus.PRUNED)
    elif number in trials and note.kind == "refused":
        reason = str(note.facts.get("reason", ""))
        trials[number] = replace(trials[number], state=TrialStatus.FAILED, reason=reason)
    elif number in trials and note.kind == "again":
        trials[number] = Trial(number, trials[number].params)
        return trials, note.at
    return trials, since


def _number_of(run: RunRecord, name: str) -> int:
    trial = trial_of(run.name)
    return trial[1] if trial is not None and trial[0] == name else -1


def told_by(trial: Trial, runs: Sequence[RunRecord], metric: str | None) -> Trial:
    """Say what its runs tell of a trial: one that finished counts, else the last."""
    if not runs:
        return trial
    ordered = sorted(runs, key=lambda run: (run.status is Status.FINISHED, run.started or 0))
    run = ordered[-1]
    value = exact_number(run.metrics.get(metric)) if metric else None
    used = {
        key: run.params[key]
        for key, asked in trial.params.items()
        if run.params.get(key, MASK) != MASK and not is_equal(asked, run.params[key])
    }
    doubts = {key: says for key, says in run.code.contested.items() if key in trial.params}
    ended = replace(
        trial, run=run.id, value=value, seconds=run.seconds, used=used, contested=doubts
    )
    if run.status is Status.FINISHED:
        return replace(ended, state=TrialStatus.FINISHED, reason=None)
    if trial.state is TrialStatus.PRUNED:
        return ended
    if run.status in _AGAIN:
        return replace(ended, state=TrialStatus.WAITING)
    how = f"exit code {run.exit_code}" if run.exit_code else ""
    if run.status is not Status.FAILED:
        how = run.status.value
    reason = ": ".join(part for part in (how, run.reason) if part) or run.status.value
    is_unused = run.status is Status.FAILED and run.exit_code == 0
    return replace(ended, state=TrialStatus.FAILED, reason=reason, is_unused=is_unused)


def told_by_runs_alone(trial: Trial, runs: Sequence[RunRecord], metric: str | None) -> Trial:
    """Say the same where no scheduler's notes are at hand: a run that goes on is its trial's."""
    ended = told_by(trial, runs, metric)
    is_open = any(run.id == ended.run and run.status is Status.RUNNING for run in runs)
    return replace(ended, state=TrialStatus.RUNNING) if is_open else ended


def points_of(
    trials: Iterable[Trial], direction: Direction | None, seed: str | None = None
) -> list[tuple[Trial, ...]]:
    """Put the finished trials that have a value together by their point, the best first.

    Trials that differ by the param *seed* alone are of one point, and count by their mean; points
    with all their trials come first, for a few may have had luck.

    >>> def done(n, lr, seed, value):
    ...     return Trial(n, {"lr": lr, "seed": seed}, TrialStatus.FINISHED, value=value)
    >>> found = [done(0, 1, 0, 0.9), done(1, 1, 1, 0.1), done(2, 2, 0, 0.6), done(3, 2, 1, 0.6)]
    >>> [trial.number for point in points_of(found, Direction.MAX, "seed") for trial in point]
    [2, 3, 0, 1]
    """
    if direction is None:
        return []
    together: dict[str, list[Trial]] = {}
    for trial in trials:
        if trial.state is TrialStatus.FINISHED and trial.value is not None:
            point = {key: value for key, value in trial.params.items() if key != seed}
            together.setdefault(as_json(point, sort_keys=True), []).append(trial)
    most = max((len(point) for point in together.values()), default=0)
    sign = -1 if direction is Direction.MAX else 1

    def place(point: Sequence[Trial]) -> tuple[bool, int | float, int]:
        return len(point) < most, sign * _mean(point), point[0].number

    return sorted(map(tuple, together.values()), key=place)


def _mean(point: Sequence[Trial]) -> int | float:
    values = [trial.value or 0 for trial in point]
    return values[0] if len(values) == 1 else math.fsum(values) / len(values)


def best_of(
    trials: Iterable[Trial], direction: Direction | None, seed: str | None = None
) -> Trial | None:
    """Return the best finished trial, of equals the first; None without a value or direction.

    Of repeats by the param *seed* it is the first of the point whose mean is best.
    """
    found = points_of(trials, direction, seed)
    return found[0][0] if found else None


def ranked(
    trials: Iterable[Trial], direction: Direction | None, seed: str | None = None
) -> list[Trial]:
    """Sort trials: those with a value first, best first, then the others by number.

    >>> one = Trial(0, {}, TrialStatus.FINISHED, value=0.1)
    >>> two = Trial(1, {}, TrialStatus.FINISHED, value=0.2)
    >>> [trial.number for trial in ranked([one, two], Direction.MAX, "seed")]
    [0, 1]
    >>> [trial.number for trial in ranked([one, replace(two, params={"a": 1})], Direction.MAX)]
    [1, 0]
    """
    known = list(trials)
    first = [trial for point in points_of(known, direction, seed) for trial in point]
    done = {trial.number for trial in first}

    def place(trial: Trial) -> tuple[bool, int]:
        return trial.state is not TrialStatus.FINISHED, trial.number

    return [*first, *sorted((each for each in known if each.number not in done), key=place)]


def command_of(request: SweepRequest, params: Mapping[str, Json]) -> tuple[str, ...]:
    """Fill the params into the command: ``{lr}`` anywhere, and behind it as the style says.

    >>> from xvc.core.search_space import Choices
    >>> space = {"lr": Choices((0.001,), ("1e-3",))}
    >>> request = SweepRequest(space, ("t.py", "opt.lr={lr}", "{{x}}"))
    >>> command_of(request, {"lr": 0.001})
    ('t.py', 'opt.lr=1e-3', '{x}')
    """
    shown = {key: typed.text for key, typed in typed_point(request.space, params).items()}
    words = [*filled_in_template(request.command, shown)]
    own = {key: text for key, text in shown.items() if not (request.refs and key == REF)}
    if request.style is ParamStyle.HYDRA:
        words += [f"{request.signs.get(key, '')}{key}={text}" for key, text in own.items()]
    elif request.style is ParamStyle.FLAGS:
        words += [part for key, text in own.items() for part in (f"--{key}", text)]
    return tuple(words)


def settled_keys(request: SweepRequest) -> set[str]:
    """Name the params that the command itself takes up: by its words, or by a copy of a file."""
    if request.style is not ParamStyle.NONE or request.params_copy:
        return set(request.space)
    named = {key for key in request.space if any(f"{{{key}}}" in word for word in request.command)}
    return named | ({REF} if request.refs else set())
