"""Driving a sweep: trials are started while there are places, and told apart when they end.

Each trial is one `xvc run`, so that a run is all that counts: one that finished is never run again,
whatever became of us. A trial that fails never stops another.
"""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import islice

from xvc.core.human_units import few_of
from xvc.core.job import Executor, Job, JobEnd
from xvc.core.search_space import grid_point, grid_size, random_points
from xvc.core.sweep import LOCAL, REF, Sampler, Sweep, SweepRequest, Trial, TrialStatus, best_of
from xvc.core.trial_names import trial_of
from xvc.executors import executor_kind
from xvc.executors.kind import Opening
from xvc.executors.local import is_live
from xvc.executors.shipping import Away, pack
from xvc.journal.following import Follower
from xvc.project import Project
from xvc.sweeps.cloned_sweeps import remember, sweep_here
from xvc.sweeps.job import call_of, last_line_of
from xvc.sweeps.optuna_study import OptunaPoints
from xvc.sweeps.repeated_points import RepeatedPoints
from xvc.sweeps.shared_paths import SharedPaths
from xvc.sweeps.sweep_folder import Folder, home_of, one_trial, slots_of, starts_of, trials
from xvc.sweeps.trees import Trees, trees_of
from xvc.system.lock import FileLock
from xvc.system.ports import lease_port
from xvc.system.signal_pipe import Bell
from xvc.types import Json

_LOOK = 0.5  # seconds between two looks at whether to stop
_LOST_TRIES = 3  # a trial that was lost is started so often; nothing says that it failed
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a sweep is; ``latest`` is the trial that has just ended, if that is the news."""

    sweep: Sweep
    counts: dict[TrialStatus, int]
    best: Trial | None
    latest: Trial | None = None


@dataclass(frozen=True, slots=True)
class SweepOutcome:
    """A sweep as a call left it: its trials, and whether it was stopped before its end.

    ``reason`` is why no further trial was begun, where that was our own decision.
    """

    sweep: Sweep
    trials: tuple[Trial, ...]
    is_stopped: bool
    warnings: tuple[str, ...] = ()
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for one trial at a time; on this machine with its GPU and its port."""

    number: int
    environment: dict[str, str]


def drive(
    home: Project, sweep: Sweep, folder: Folder, tell: Callable[[Progress], None]
) -> SweepOutcome:
    """Run what is missing of a sweep, to its end or until it is stopped.

    Args:
        home: the project whose store keeps the runs.
        sweep: which.
        folder: where it is written down.
        tell: hears of every trial that begins or ends.

    Raises:
        LockBusy: another process drives it.
        NoSampler: the sampler needs Optuna, which is missing.
        GitFailed: the trees cannot be made.
        TreeTaken: something else is where a tree belongs.
        NoPackage: what the executor needs is not installed.
        NoScheduler: there is no Dask scheduler, or no longer.
        NoCluster: SLURM takes no jobs from here.
        BadOptions: SLURM has no such option.
    """
    sweep = replace(sweep, root=str(home.root))  # the tree that it began in may be gone
    with folder.lock.held(wait=0.0, doing="sweep"), ExitStack() as stack:
        folder.stop.unlink(missing_ok=True)
        slots = stack.enter_context(_slots(home, sweep))
        trees = stack.enter_context(trees_of(home, sweep))
        opening = Opening(
            request=sweep.request,
            folder=folder.path,
            environment=home.environment,
            away=_away(home, sweep),
        )
        executor = executor_kind(sweep.request.executor).open(opening)
        stack.callback(executor.close)
        # Only now: what stands in the queue of a cluster is withdrawn, so it is not about to begin.
        driver = _Driver(home, sweep, folder, tell)
        bell = stack.enter_context(Bell())
        remember(home, sweep)
        shared = SharedPaths(home.git, sweep.request.command, home.root / sweep.folder)
        is_stopped = driver.run(executor, trees, slots, bell)
        if is_stopped:
            folder.note("stopped", -1)
        return SweepOutcome(
            sweep=sweep,
            trials=driver.in_order(),
            is_stopped=is_stopped,
            warnings=(*trees.warnings, *_told_of(shared.changed(), len(driver.trials))),
            reason=driver.reason,
        )


def resume(project: Project, name: str | None, tell: Callable[[Progress], None]) -> SweepOutcome:
    """Run what is missing of a sweep; the last one without a name.

    Raises:
        NoSweep: there is none.
        SweepElsewhere: it was begun in another clone.
        AmbiguousRun: several begin so.
        LockBusy: another process drives it.
    """
    sweep, folder = sweep_here(project, name)
    return drive(home_of(project, sweep), sweep, folder, tell)


def _away(home: Project, sweep: Sweep) -> Away | None:
    if not sweep.request.away:
        return None
    (code,) = sweep.codes.values()
    return pack(
        home.git, code.snapshot, home.store_path, home.room, home.dvc, sweep.request.scratch
    )


def _told_of(paths: Sequence[str], trials: int) -> list[str]:
    if not paths or trials < 2:
        return []
    return [
        f"changed while the trials ran, and outside of their trees: {few_of(paths)}. "
        "What one trial writes there the others see; a path in the tree is each trial's own"
    ]


@contextmanager
def _slots(home: Project, sweep: Sweep) -> Iterator[list[Slot]]:
    if sweep.request.executor != LOCAL:
        yield [Slot(number, {}) for number in range(sweep.request.jobs)]
        return
    held: list[FileLock] = []
    slots = []
    gpus = sweep.request.gpus
    try:
        for number in range(sweep.request.jobs):
            port, lock = lease_port(home.room.folder / "locks")
            held.append(lock)
            environment = {"XVC_PORT": str(port)}
            if gpus:
                environment["CUDA_VISIBLE_DEVICES"] = gpus[number % len(gpus)]
            slots.append(Slot(number, environment))
        yield slots
    finally:
        for lock in held:
            lock.release()
            lock.path.unlink(missing_ok=True)


@dataclass
class _Driver:
    home: Project
    sweep: Sweep
    folder: Folder
    tell: Callable[[Progress], None]
    trials: dict[int, Trial] = field(default_factory=dict)
    points: RepeatedPoints | None = None
    stopping: bool = False
    reason: str | None = None
    _follower: Follower | None = None

    def __post_init__(self) -> None:
        request = self.sweep.request
        if request.sampler is Sampler.TPE or request.prune:
            seeds = request.repeats_by
            points = OptunaPoints(
                self.folder.points,
                {key: each for key, each in request.space.items() if key != seeds},
                request.sampler,
                request.direction,
                seed=request.seed,
                at_once=request.jobs,
            )
            self.points = RepeatedPoints(points, seeds, max(1, request.repeat))
        if request.prune and request.metric is not None:
            journals = self.home.room.journals
            self._follower = Follower(journals, f"{self.sweep.id}/", request.metric)
        self._starts = starts_of(self.folder.notes())
        self.trials = trials(self.home, self.sweep, self.folder)
        self._catch_up()
        self._fresh = islice(points_in(request), len(self.trials), None)
        self._queue = deque(n for n, trial in sorted(self.trials.items()) if self._is_owed(trial))
        self._orphans = {
            n for n, trial in self.trials.items() if trial.state is TrialStatus.RUNNING
        }
        self._busy: dict[int, Slot] = {}

    def _catch_up(self) -> None:
        """Bring what was chosen and what was noted together: a kill may have come in between."""
        if self.points is None:
            return
        for number, params in sorted(self.points.known().items()):
            if number not in self.trials:
                self._ask(number, params)
        for trial in self.trials.values():
            if trial.state not in (TrialStatus.WAITING, TrialStatus.RUNNING):
                self.points.tell(trial.number, trial.state, trial.value)

    def _is_owed(self, trial: Trial) -> bool:
        if trial.state is TrialStatus.FAILED:
            return not trial.is_unused and 0 < trial.attempts <= self.sweep.request.retries
        return trial.state is TrialStatus.WAITING

    def in_order(self) -> tuple[Trial, ...]:
        return tuple(trial for _, trial in sorted(self.trials.items()))

    def run(self, executor: Executor, trees: Trees, slots: list[Slot], bell: Bell) -> bool:
        """Drive to the end; whether something was left because the sweep was stopped."""
        places = slots_of(self.folder.notes())
        self._busy = {number: slots[places[number] % len(slots)] for number in self._orphans}
        free = deque(slot for slot in slots if slot not in self._busy.values())
        self._say(None)
        while True:
            while free and not self._is_over and (number := self._next()) is not None:
                self._start(number, free, executor, trees)
                self._say(None)
            if not self._busy:
                break
            for ended in executor.wait(_LOOK):
                self._ended(ended, free, trees)
            self._look_at_orphans(free, trees)
            self._prune(executor)
            self._look_whether_to_stop(executor, bell)
        return self._is_over and self._is_anything_left()

    @property
    def _is_over(self) -> bool:
        """Whether no further trial is begun."""
        return self.stopping or self.reason is not None

    def _next(self) -> int | None:
        if self._queue:
            return self._queue.popleft()
        if len(self.trials) >= self.sweep.total:
            return None
        if self.points is not None:
            chosen = self.points.ask()
        else:
            chosen = {len(self.trials): next(self._fresh)}
        for number, params in chosen.items():
            self._ask(number, params)
            self._queue.append(number)
        return self._queue.popleft()

    def _ask(self, number: int, params: dict[str, Json]) -> None:
        self.folder.note("asked", number, params=params)
        self.trials[number] = Trial(number, params)

    def _start(self, number: int, free: deque[Slot], executor: Executor, trees: Trees) -> None:
        slot, trial = free.popleft(), self.trials[number]
        ref = str(trial.params[REF]) if self.sweep.request.refs else ""
        attempt = self._starts.get(number, -1) + 1
        where = trees.make(number, attempt, ref)
        self._starts[number] = attempt
        self.folder.note("started", number, attempt=attempt, slot=slot.number)
        self._busy[number] = slot
        self.trials[number] = replace(trial, state=TrialStatus.RUNNING, attempts=trial.attempts + 1)
        own = {"XVC_SWEEP": self.sweep.id, "XVC_TRIAL": str(number)}
        executor.submit(
            Job(
                key=f"{number}.{attempt}",
                command=call_of(self.sweep, trial),
                folder=str(where),
                log=str(self.folder.log(number, attempt)),
                environment={**slot.environment, **own},
            )
        )

    def _ended(self, ended: JobEnd, free: deque[Slot], trees: Trees) -> None:
        number = _number(ended)
        log = self.folder.log(number, self._starts[number])
        if ended.exit_code is None and is_live(log):
            self._orphans.add(number)  # who ran it was lost, and it is not gone yet
            return
        self._leave(number, free, trees)
        found = one_trial(self.home, self.sweep, self.folder, number)
        if found.run is None and ended.exit_code is not None and not self.stopping:
            found = self._refused(found, ended)
        if found.state is TrialStatus.WAITING:
            found = replace(found, reason=ended.reason or None)
        if found.is_unused and self.reason is None:
            self.reason = f"trial {number}: {found.reason}"
        self._take(found)

    def _leave(self, number: int, free: deque[Slot], trees: Trees) -> None:
        free.append(self._busy.pop(number))
        trees.remove(number, self._starts[number])

    def _refused(self, trial: Trial, ended: JobEnd) -> Trial:
        """Note why `xvc run` did not begin a run."""
        reason = last_line_of(self.folder.log(trial.number, self._starts[trial.number]))
        reason = reason or ended.reason or f"it ended with {ended.exit_code}"
        self.folder.note("refused", trial.number, reason=reason)
        return replace(trial, state=TrialStatus.FAILED, reason=reason)

    def _take(self, trial: Trial) -> None:
        """Note how a trial stands, and queue it again when it is owed another attempt."""
        if (
            trial.state is TrialStatus.WAITING
            and trial.attempts >= _LOST_TRIES
            and not self.stopping
        ):
            reason = (
                f"it was lost {trial.attempts} times: {trial.reason or 'nothing is known of it'}"
            )
            self.folder.note("refused", trial.number, reason=reason)
            trial = replace(trial, state=TrialStatus.FAILED, reason=reason)
        self.trials[trial.number] = trial
        if self._is_owed(trial):
            self._queue.append(trial.number)
            return
        if self.points is not None:
            self.points.tell(trial.number, trial.state, trial.value)
        self._say(trial)

    def _prune(self, executor: Executor) -> None:
        """Give up running trials that are worse than the earlier ones were at the same step."""
        if self._follower is None or self.points is None:
            return
        for report in self._follower.read():
            trial = trial_of(report.name)
            number = -1 if trial is None else trial[1]
            if number not in self._busy or self.trials[number].state is TrialStatus.PRUNED:
                continue
            for each in self.points.report(number, report.step, report.value):
                self._give_up(each, executor)

    def _give_up(self, number: int, executor: Executor) -> None:
        """Stop a trial that runs, or leave out one that waits."""
        if number not in self._busy and number not in self._queue:
            return
        self.folder.note("pruned", number)
        self.trials[number] = replace(self.trials[number], state=TrialStatus.PRUNED)
        if number in self._busy:
            executor.stop(f"{number}.{self._starts[number]}")
        else:
            self._queue.remove(number)
            self._take(self.trials[number])

    def _look_at_orphans(self, free: deque[Slot], trees: Trees) -> None:
        """Look whether trials have ended that outlived the scheduler or worker that ran them."""
        for number in [*self._orphans]:
            if not is_live(self.folder.log(number, self._starts[number])):
                self._orphans.discard(number)
                self._leave(number, free, trees)
                self._take(one_trial(self.home, self.sweep, self.folder, number))

    def _look_whether_to_stop(self, executor: Executor, bell: Bell) -> None:
        heard = [number for number in bell.heard() if number in _ENDING]
        is_wanted = self.folder.stop.exists() or self.reason is not None
        if not heard and (self.stopping or not is_wanted):
            return
        is_alone = self.sweep.request.executor == LOCAL and heard == [signal.SIGINT]
        was_told = not self.stopping and is_alone and _is_foreground()
        self.stopping = True
        if was_told:
            return  # the terminal has told the trials as well
        for number in self._busy:
            executor.stop(f"{number}.{self._starts[number]}")

    def _is_anything_left(self) -> bool:
        is_owed = any(self._is_owed(trial) for trial in self.trials.values())
        return is_owed or len(self.trials) < self.sweep.total

    def _say(self, latest: Trial | None) -> None:
        self.tell(progress(self.sweep, self.trials.values(), latest))


def points_in(request: SweepRequest) -> Iterator[dict[str, Json]]:
    """List the points of a sampler that learns nothing, the same ones each time.

    With repeats each point comes once for each seed, one after the other.
    """
    if request.sampler is not Sampler.RANDOM:
        return (grid_point(request.space, number) for number in range(grid_size(request.space)))
    if not request.repeat:
        return random_points(request.space, request.seed)
    space = {key: each for key, each in request.space.items() if key != request.seed_param}
    return (
        {**point, request.seed_param: seed}
        for point in random_points(space, request.seed)
        for seed in range(request.repeat)
    )


def progress(sweep: Sweep, known: Collection[Trial], latest: Trial | None = None) -> Progress:
    """Count the trials of a sweep by state; those nobody asked for yet are waiting."""
    counts = dict.fromkeys(TrialStatus, 0)
    for trial in known:
        counts[trial.state] += 1
    counts[TrialStatus.WAITING] += sweep.total - len(known)
    return Progress(
        sweep, counts, best_of(known, sweep.request.direction, sweep.request.repeats_by), latest
    )


def _number(ended: JobEnd) -> int:
    return int(ended.key.partition(".")[0])


def _is_foreground() -> bool:
    """Whether a key at the terminal reaches the trials, too: it tells its foreground group."""
    for descriptor in (0, 1, 2):
        with suppress(OSError):
            return os.tcgetpgrp(descriptor) == os.getpgrp()
    return False
