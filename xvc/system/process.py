"""Runs a child command as if xvc were not there: its terminal, its signals, its exit code.

The child stays in our session and process group, so a Ctrl-C reaches it as it would without us.
Writes nothing itself: every byte of output goes to the caller's sink. Guards nothing: what the
child does to files and processes is its own.
"""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NoReturn

from xvc.core.run import ResourceUsage
from xvc.errors import NoCommand
from xvc.system.cgroup import oom_kills
from xvc.system.child_streams import Outlets
from xvc.system.files import stand_back
from xvc.system.process_tree import UsageSampler
from xvc.system.signal_pipe import PASSING, STOPPING, Bell, held_back
from xvc.system.supervisor import Attendance, Ladder, Sink
from xvc.system.usage import larger, peak_memory_of, usage_of

__all__ = ["Ending", "Ladder", "Launch", "Sink", "run"]

_NOT_EXECUTABLE = 126
_SHELL = "/bin/sh"
_TOO_LITTLE = (errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE)
_KILLED = 128 + signal.SIGKILL


@dataclass(frozen=True, slots=True)
class Launch:
    """What to start, where, with which whole environment, for how many seconds at most.

    ``interval`` is the seconds between two looks at what it uses; each is told to ``on_look``, in a
    thread of its own, with the seconds since the command began.
    """

    argv: tuple[str, ...]
    folder: Path
    environment: Mapping[str, str]
    timeout: float | None = None
    ladder: Ladder = field(default_factory=Ladder)
    interval: float = 1.0
    on_look: Callable[[float, ResourceUsage], None] | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """How a child ended and what it used.

    ``exit_code`` is None when ``signal`` ("SIGKILL") ended it. ``interrupted``: a Ctrl-C, TERM
    or HUP reached us meanwhile. ``told_to_stop``: one of the first two did while it ran, so that it
    ended of that. ``out_of_memory``: it was killed while the kernel counted a kill for memory.
    ``failure``: what first went wrong beside the child, in the sink for example. ``unwatched``: why
    it ran with our own output and unmeasured. ``refused``: why an end without a fault counts as a
    failure all the same.
    """

    exit_code: int | None
    signal: str | None
    timed_out: bool
    interrupted: bool
    out_of_memory: bool
    usage: ResourceUsage
    failure: str | None = None
    unwatched: str | None = None
    refused: str | None = None
    told_to_stop: bool = False

    @property
    def shell_code(self) -> int:
        """The code that a shell would show: the exit code, or 128 and the signal's number.

        >>> Ending(None, "SIGTERM", False, False, False, ResourceUsage()).shell_code
        143
        """
        if self.exit_code is not None:
            return self.exit_code
        return 128 + _signal_number(self.signal or "")


def run(
    launch: Launch,
    *,
    sink: Sink,
    terminal: tuple[bool, bool] | None = None,
    signals: Iterable[int] = (),
) -> Ending:
    """Run a command to its end and return how it ended.

    Where there are too few descriptors, threads or too little memory to watch it, it runs all the
    same, with our own output and without a limit of time: see ``Ending.unwatched``.

    Args:
        sink: called in this thread with 1 or 2 and the next bytes, in order. If it raises, the
            child does not notice: see ``Ending.failure``. It is called again all the same. Only a
            broken pipe is the child's, too: its next write there fails.
        terminal: whether standard output and error go to a terminal, where the child shall find
            one too; by default what our own descriptors 1 and 2 are.
        signals: those that came before there was a child; it gets them when it has begun.

    Raises:
        NoCommand: it cannot be started; ``exit_code`` is 127, or 126 when the file is there.
    """
    where = terminal if terminal is not None else (_is_terminal(1), _is_terminal(2))
    try:
        return _run_watched(launch, sink, where, signals)
    except _Scarce as err:
        return _run_unwatched(launch, str(err))


class _Scarce(Exception):
    """The system gives too little of something to start a command and watch it."""


def _run_watched(
    launch: Launch,
    sink: Sink,
    where: tuple[bool, bool],
    signals: Iterable[int],
) -> Ending:
    with ExitStack() as stack:
        try:
            kills_before = oom_kills()
            bell = stack.enter_context(Bell(signals))
            outlets = stack.enter_context(Outlets(where))
            child = _Child(launch, outlets, bell)
        except (OSError, RuntimeError, MemoryError, ImportError) as err:
            raise _Scarce(str(err) or type(err).__name__) from err
        attendance = Attendance(
            child.pid, launch.timeout, launch.ladder, sink=sink, bell=bell, outlets=outlets
        )
        sampler = UsageSampler(child.pid, launch.interval, tell=launch.on_look)
        try:
            with contextlib.suppress(RuntimeError, MemoryError):  # no thread: nothing is measured
                sampler.start()
            attendance.last_until(child.has_ended)
        except BaseException:
            child.kill()
            raise
        finally:
            child.join()
            sampled = sampler.stop()
    return _ending(child, attendance, sampled, kills_before)


def _run_unwatched(launch: Launch, why: str) -> Ending:
    """Run a command by what the kernel alone needs: no descriptor, no thread."""
    name = launch.argv[0]
    if shutil.which(name, path=launch.environment.get("PATH", os.defpath)) is None:
        raise NoCommand(name, "not found")
    try:
        pid = os.fork()
    except OSError:
        _become(launch)  # not even a second process: there is room for one of us
    if pid == 0:
        _become(launch)
    with held_back(PASSING | STOPPING, lambda number: os.kill(pid, number)) as came:
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    died = _signal_name(-code) if code < 0 else None
    interrupted = not STOPPING.isdisjoint(came)
    return Ending(
        exit_code=code if code >= 0 else None,
        signal=died,
        timed_out=False,
        interrupted=interrupted,
        out_of_memory=False,
        usage=ResourceUsage(),
        failure=None,
        unwatched=why,
        told_to_stop=not {signal.SIGINT, signal.SIGTERM}.isdisjoint(came),
    )


def _become(launch: Launch) -> NoReturn:
    """Be the command from here on."""
    try:
        for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them, a program does not
            signal.signal(number, signal.SIG_DFL)
        os.chdir(_folder_of(launch))
        os.execvpe(launch.argv[0], list(launch.argv), dict(launch.environment))  # noqa: S606
    except OSError:
        os._exit(_NOT_EXECUTABLE)


def _ending(
    child: _Child, attendance: Attendance, sampled: ResourceUsage, kills_before: int | None
) -> Ending:
    # A shell that ran the command says 137 of it and ends well itself.
    was_killed = child.signal_number == signal.SIGKILL or child.exit_code == _KILLED
    return Ending(
        exit_code=child.exit_code,
        signal=_signal_name(child.signal_number) if child.signal_number else None,
        timed_out=attendance.timed_out,
        interrupted=attendance.interrupted,
        out_of_memory=was_killed and _rose(kills_before, oom_kills()),
        usage=larger(sampled, child.usage),
        failure=attendance.failure,
        told_to_stop=attendance.told_to_stop,
    )


class _Child:
    """A started command and the thread that waits for it; the thread alone collects it."""

    def __init__(self, launch: Launch, outlets: Outlets, bell: Bell) -> None:
        self._bell = bell
        self._ended = threading.Event()
        self._begun = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self.pid = 0
        self.exit_code: int | None = None
        self.signal_number: int | None = None
        self.usage = ResourceUsage()
        self._waiter = threading.Thread(target=self._wait, name="xvc-wait", daemon=True)
        self._waiter.start()  # first: where there can be no thread, no child is left alone
        try:
            self._process = _start(launch, outlets)
            self.pid = self._process.pid
        finally:
            self._begun.set()

    def has_ended(self) -> bool:
        return self._ended.is_set()

    def kill(self) -> None:
        if not self.has_ended():
            with contextlib.suppress(OSError):
                os.kill(self.pid, signal.SIGKILL)

    def join(self) -> None:
        """Wait for the end; before it the bell must not be closed."""
        self._waiter.join()

    def _wait(self) -> None:
        self._begun.wait()
        if self._process is None:
            return
        # wait4 and not Popen.wait: it brings the child's CPU, memory and traffic for nothing.
        try:
            _, status, spent = os.wait4(self.pid, 0)
        except ChildProcessError:  # collected by someone else in this process: the code is gone
            self.exit_code = 255
        else:
            code = os.waitstatus_to_exitcode(status)
            self.exit_code, self.signal_number = (code, None) if code >= 0 else (None, -code)
            ours = peak_memory_of(resource.getrusage(resource.RUSAGE_SELF))
            self.usage = usage_of(spent, spawner_peak=ours)
        self._process.returncode = 0  # tells Popen that there is nothing left to wait for
        self._ended.set()
        self._bell.ring()


def _start(launch: Launch, outlets: Outlets) -> subprocess.Popen[bytes]:
    name = launch.argv[0] if launch.argv else ""
    if not name:
        raise NoCommand(name, "no command was given")
    try:
        process = subprocess.Popen(
            _own_argv(launch),
            cwd=_folder_of(launch),
            env=launch.environment,
            stdout=outlets.out.writer,
            stderr=outlets.err.writer,
            # What we inherited is for the command: `<(…)`, `flock 9`, make's jobserver. Python
            # opens its own descriptors so that no child gets them, and so do git and DuckDB.
            close_fds=False,
        )
    except (OSError, ValueError) as err:
        if isinstance(err, OSError) and err.errno in _TOO_LITTLE:
            raise
        if isinstance(err, OSError) and err.errno == errno.ENOEXEC and name != _SHELL:
            # A script without `#!`: every shell, env and execvp read it with this one.
            script = shutil.which(name, path=launch.environment.get("PATH", "")) or name
            return _start(replace(launch, argv=(_SHELL, script, *launch.argv[1:])), outlets)
        raise _refusal(launch, err) from err
    outlets.release(with_terminals=False)
    return process


def _folder_of(launch: Launch) -> Path:
    """Where to start it: where we are, if that was removed under us and has no name any more."""
    stand_back()
    try:
        Path.cwd()
    except FileNotFoundError:
        return launch.folder if launch.folder.is_dir() else Path()
    return launch.folder


def _own_argv(launch: Launch) -> Sequence[str]:
    """Name the command's own process as the one that systemd's sockets are for."""
    if launch.environment.get("LISTEN_PID") != str(os.getpid()):
        return launch.argv
    return (_SHELL, "-c", 'LISTEN_PID=$$ exec "$0" "$@"', *launch.argv)


def _refusal(launch: Launch, err: OSError | ValueError) -> NoCommand:
    name = launch.argv[0]
    if not launch.folder.is_dir():
        return NoCommand(name, f"its folder {launch.folder} is not there")
    is_there = _is_file(launch.folder / name)
    if isinstance(err, FileNotFoundError) and not (is_there and "/" in name):
        return NoCommand(name, f"not found; ./{name} is here" if is_there else "not found")
    if isinstance(err, FileNotFoundError):
        refusal = NoCommand(name, "the interpreter in its first line is not there")
    elif isinstance(err, OSError):
        refusal = NoCommand(name, os.strerror(err.errno) if err.errno else str(err))
    else:
        refusal = NoCommand(name, str(err))
    vars(refusal)["exit_code"] = _NOT_EXECUTABLE  # as a shell says it of a file that is there
    return refusal


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a folder on the way may not be entered
        return False


def _is_terminal(fd: int) -> bool:
    try:
        return os.isatty(fd)
    except OSError:
        return False


def _rose(before: int | None, after: int | None) -> bool:
    return before is not None and after is not None and after > before


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal has a number only
        return f"SIG{number}"


def _signal_number(name: str) -> int:
    known = signal.Signals.__members__.get(name)
    return int(name.removeprefix("SIG") or 0) if known is None else int(known)
