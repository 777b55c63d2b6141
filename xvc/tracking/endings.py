"""Ending runs that were not ended explicitly: with the process, an error, or the tracker object.

A process knows its exit code only inside the interpreter, so two things are watched: what is given
to ``sys.exit``, and where the script's own frame was left. That is a guess, and the code that the
process leaves in a file corrects it (see `xvc.system.exit_code`). A tracker that is dropped ends as
what its function did. In a notebook the error of a cell is the end of those that are open in it,
unless they go on to write afterwards. What a forked child does with its parent's trackers ends
nothing.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache, wraps
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn, Protocol

from xvc.core.run import Status
from xvc.tracking.frame_place import has_returned, here
from xvc.tracking.left_frames import Mark, marked, was_left
from xvc.tracking.notebook import Cells
from xvc.tracking.stop_signals import frames_from, stopped_by, watch_handlers

if TYPE_CHECKING:
    from xvc.tracking.pool_workers import LastWords


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """How a run ended, and why when it did not finish.

    Attributes:
        is_guess: the exit code of the process says how, and is not known yet.
    """

    status: Status = Status.FINISHED
    reason: str | None = None
    is_guess: bool = False


FINISHED = RunOutcome()
_LEFT = RunOutcome(Status.FAILED, "an error ended the code that had begun it")


class Endable(Protocol):
    """A tracker as its end is seen from here."""

    @property
    def written(self) -> int:
        """How many records it has written."""

    @property
    def is_open(self) -> bool:
        """Whether it has a run of its own that has not ended."""

    @property
    def track_id(self) -> str:
        """The id of its run."""

    @property
    def journal_path(self) -> Path | None:
        """The file that it writes."""

    def end(self, outcome: RunOutcome) -> None:
        """End its run so, if it is its own and has not ended."""


def outcome_of(error: BaseException | None) -> RunOutcome:
    """Say how a run ended whose code was left by *error*, or by none.

    >>> outcome_of(SystemExit(0)).status.value, outcome_of(SystemExit(2)).reason
    ('finished', 'exit 2')
    """
    if isinstance(error, SystemExit):
        stopped = _outcome_of_stop(_frames(error), error.code)
        return stopped or _outcome_of_code(error.code)
    if error is None or isinstance(error, GeneratorExit):
        return FINISHED
    status = Status.INTERRUPTED if isinstance(error, KeyboardInterrupt) else Status.FAILED
    return RunOutcome(status, f"{type(error).__name__}: {error}".removesuffix(": "))


def _outcome_of_code(code: object) -> RunOutcome:
    if code is None or code == 0:
        return FINISHED
    return RunOutcome(Status.FAILED, f"exit {code}" if isinstance(code, int) else f"{code}"[:1000])


def _outcome_of_stop(frames: Iterable[FrameType], code: object) -> RunOutcome | None:
    """Say how a run ended that was left within a handler of a signal with a good exit code."""
    stop = stopped_by(frames) if code is None or code == 0 else None
    return stop and _stopped(*stop)


def _stopped(name: str, status: Status) -> RunOutcome:
    return RunOutcome(status, f"{name}; its handler left the process with exit code 0")


@cache
def endings() -> Endings:
    """The endings of this process, which there are once."""
    return Endings()


class Endings:
    """Ends, when the process does, the runs of trackers that are still open."""

    def __init__(self) -> None:
        self._pid, self._open = os.getpid(), list[_Known]()
        self._exits: list[RunOutcome] = []
        self._dropped: list[Endable] = []
        self._scripts_own = 0
        self._script = None if _is_child() else _script_frame()
        self._is_child = False
        self._words: LastWords | None = None  # of a worker of a pool alone
        self._cells = Cells(self._cell_ended)
        atexit.register(self._at_exit)
        os.register_at_fork(after_in_child=self._forget)
        sys.exit = self._watched(sys.exit)

    def add(self, tracker: Endable, last_words: Path | None = None) -> None:
        """Register a tracker, so that its run ends with the process.

        *last_words* is the folder where a worker leaves what becomes of its runs, if it is one that
        its pool will end without a word.
        """
        for each in self._open:
            each.rows = each.written()
        while self._dropped:  # replaced by this one
            self._end(self._dropped.pop(), FINISHED)
        self._scripts_own = id(tracker) if _caller() is self._script else 0
        self._open = [each for each in self._open if each.tracker() is not None]
        known = _Known(weakref.ref(tracker), id(tracker), marks=marked(_caller()))
        self._open.append(known)
        self._end_with_child(last_words)
        self._cells.watch()
        watch_handlers(lambda name, status: self._exits.append(_stopped(name, status)))

    def drop(self, tracker: Endable, frame: FrameType | None) -> None:
        """End the run of a tracker without references, while *frame* is running.

        One that the script itself has begun, and replaced by no other, ends with the script.
        """
        if id(tracker) == self._scripts_own and frame is self._script:
            self._dropped.append(tracker)
            self._open.append(_Known(weakref.ref(tracker), id(tracker)))
        else:
            is_left = frame is None and threading.current_thread() is threading.main_thread()
            # no frame is at work: SystemExit, which had those of the tracker, goes with the process
            how = self._exit() if is_left else _outcome_of_dropped(frame)
            self._end(tracker, how, may_be_left=not is_left)

    def _end(self, tracker: Endable, how: RunOutcome, *, may_be_left: bool = False) -> None:
        """End a run as its failed cell did, unless it was used since; else as *how* says."""
        known = [each for each in self._open if each.identity == id(tracker)]
        if may_be_left and known and how is FINISHED and was_left(known[-1].marks):
            how = _LEFT
        tracker.end(known[-1].outcome(tracker.written, how) if known else how)

    def _cell_ended(self, error: BaseException | None) -> None:
        """Note the error of a cell for the trackers that it used, else for the one that is open."""
        alive = self._alive()
        used = [each for each in alive if each.written() > each.rows_then]
        concerned = used or alive
        spared = _spared(concerned, error) if error is not None else concerned
        for each in alive:
            if each in used:  # what it had failed of before is got over
                each.failure, each.rows_then = None, each.written()
            if each in concerned and each not in spared:
                each.failure = each.failure or outcome_of(error)

    def _alive(self) -> list[_Known]:
        return [each for each in self._open if each.is_open]

    def _end_with_child(self, last_words: Path | None) -> None:
        """Children of `multiprocessing` skip exit handlers, and have their own."""
        if self._is_child or not _is_child():
            return
        from multiprocessing.util import Finalize  # late: only in such a child

        from xvc.tracking.pool_workers import LastWords, hear_of_failed_tasks

        self._is_child = True
        Finalize(None, self._at_exit, exitpriority=100)
        hear_of_failed_tasks(self._task_failed)
        if last_words is not None:
            self._words = LastWords(last_words)

    def _task_failed(self, error: BaseException) -> None:
        """Note the error of a task for the trackers of the code that failed."""
        alive = self._alive()
        spared = _spared(alive, error)
        for each in alive:
            if each not in spared:
                each.failure, each.rows_then = outcome_of(error), each.written()
                tracker = each.tracker()
                if self._words is not None and tracker is not None:
                    how = {"status": each.failure.status.value, "reason": each.failure.reason}
                    self._words.say_failed(tracker.track_id, how, tracker.journal_path)

    def _forget(self) -> None:
        """In a forked child: the runs are its parent's, and so is the script's end."""
        self._pid, self._open, self._script, self._is_child = os.getpid(), [], None, False
        self._dropped = []
        self._forget_words()

    def _forget_words(self) -> None:
        words, self._words = self._words, None
        if words is not None:
            words.forget()

    def _watched(self, leave: Callable[..., NoReturn]) -> Callable[..., NoReturn]:
        @wraps(leave)
        def exit(status: object = None, /) -> NoReturn:  # noqa: A001 - it stands for that one
            if threading.current_thread() is threading.main_thread():
                self._exits.append(_outcome_of_exit(status))
            leave(status)

        return exit

    def _at_exit(self) -> None:
        if os.getpid() != self._pid:
            return
        alive = self._alive()
        error = None if self._cells.any_ended else self._error()
        how = outcome_of(error) if error is not None else self._exit()
        spared = _spared(alive, error) if how is not FINISHED else []
        for each in alive:
            tracker = each.tracker()
            if tracker is not None:
                how_it = FINISHED if each in spared else how
                self._end(tracker, how_it, may_be_left=error is None)
        self._open = []
        self._forget_words()

    def _error(self) -> BaseException | None:
        """What the process dies of; what a session of commands has survived is nothing."""
        handled = sys.exc_info()[1]
        if handled is not None:
            return handled
        last = getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)
        is_over = self._script is None or not has_returned(self._script)
        return last if is_over and isinstance(last, BaseException) else None

    def _exit(self) -> RunOutcome:
        """What the exit code says, as far as it can be known."""
        is_session = self._cells.any_ended  # its exit code is that of the notebook's program
        if is_session or self._script is None or has_returned(self._script):
            return FINISHED
        return self._guess(self._script)

    def _guess(self, script: FrameType) -> RunOutcome:
        if self._exits:
            return self._exits[-1]
        steps, place = here(script)
        if place is None or steps[place].opname != "RAISE_VARARGS":
            return RunOutcome(Status.FAILED, is_guess=True)
        given = [step for step in steps[max(0, place - 4) : place] if step.opname == "LOAD_CONST"]
        is_call = any(step.opname.startswith("CALL") for step in steps[max(0, place - 1) : place])
        guess = _outcome_of_code(given[-1].argval) if given and is_call else FINISHED
        return replace(guess, is_guess=True)


def _outcome_of_exit(status: object) -> RunOutcome:
    stop = _outcome_of_stop(frames_from(sys._getframe()), status)
    return stop or replace(_outcome_of_code(status), is_guess=True)


def _is_child() -> bool:
    """Whether `multiprocessing` has started this process: its script is not what it runs."""
    process = sys.modules.get("multiprocessing.process")
    return process is not None and process.parent_process() is not None


@dataclass(slots=True, eq=False)
class _Known:
    """A tracker that is open, and how many records it had when the next one was begun.

    In a notebook ``failure`` is how the cell ended that it failed in, ``rows_then`` what it had
    when the last cell ended.
    """

    tracker: weakref.ref[Endable]
    identity: int  # a weak reference is dead by the time that its object is dropped
    rows: int | None = None
    failure: RunOutcome | None = None
    rows_then: int = 0
    marks: list[weakref.ref[Mark]] = field(default_factory=list)

    def written(self) -> int:
        tracker = self.tracker()
        return 0 if tracker is None else tracker.written

    def outcome(self, written: int, otherwise: RunOutcome) -> RunOutcome:
        """How its run ends: as the cell did, when it has written nothing since."""
        is_left = self.failure is not None and self.rows_then == written
        return self.failure if is_left and self.failure is not None else otherwise

    @property
    def is_open(self) -> bool:
        tracker = self.tracker()
        return tracker is not None and tracker.is_open

    @property
    def is_replaced(self) -> bool:
        """Whether another was begun, and this one was not used since."""
        return self.rows is not None and self.rows == self.written()


def _spared(alive: list[_Known], error: BaseException | None) -> list[_Known]:
    """Those that have nothing to do with the error: not of the failing code, or replaced in it."""
    frames = list(_frames(error)) if error is not None else []
    named = [[each for each in alive if _has(frame, each.tracker())] for frame in frames]
    failing = [each for some in named for each in _current(some)]
    if not failing:
        failing = _current(alive)
    return [each for each in alive if each not in failing]


def _current(some: list[_Known]) -> list[_Known]:
    return [each for each in some[:-1] if not each.is_replaced] + some[-1:]


def _frames(error: BaseException) -> Iterator[FrameType]:
    trace = error.__traceback__
    while trace is not None:
        yield trace.tb_frame
        trace = trace.tb_next


def _has(frame: FrameType, tracker: object) -> bool:
    """Whether a name of a frame leads to the tracker, or to an object that has it."""
    for value in list(frame.f_locals.values()):
        if value is tracker or any(part is tracker for part in _parts(value)):
            return True
    return False


def _parts(value: object) -> list[object]:
    if isinstance(value, list | tuple):
        return list(value)
    own = getattr(value, "__dict__", None)
    return list(own.values()) if isinstance(own, dict) else []


def _script_frame() -> FrameType | None:
    """The frame of the script that this process runs, when it runs one."""
    main = sys.modules.get("__main__")
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_code.co_name == "<module>" and main and frame.f_globals is vars(main):
            return frame
        frame = frame.f_back
    return None


def _caller() -> FrameType | None:
    """The frame of the user's that called into xvc."""
    frame: FrameType | None = sys._getframe()
    while frame is not None and str(frame.f_globals.get("__name__")).startswith("xvc."):
        frame = frame.f_back
    return frame


def _outcome_of_dropped(frame: FrameType | None) -> RunOutcome:
    """Say how a tracker's run ended that is dropped while *frame* is at work.

    When an ``except`` is left, the error goes, with the frames that it came through and all that
    they hold: so the code that had the tracker has failed. Anything else is an ordinary end.
    """
    error = sys.exc_info()[1]
    if error is not None and error.__traceback__ is None:  # a pool's worker has let it go
        return outcome_of(error)
    if frame is None or error is not None:
        return FINISHED
    steps, place = here(frame)
    if place is None:
        return FINISHED
    around = [step.opname for step in steps[max(0, place - 2) : place + 1]]
    is_left = around[-1] == "POP_EXCEPT" or (
        around[-1].startswith("STORE_") and around[:2] == ["POP_EXCEPT", "LOAD_CONST"]
    )
    return _LEFT if is_left else FINISHED
