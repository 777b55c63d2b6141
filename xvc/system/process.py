"""Runs a child command as if xvc were not there: its terminal, its signals, its exit code.

The child stays in our session and process group, so a Ctrl-C reaches it as it would without us.
Writes nothing itself: every byte of output goes to the caller's sink. Guards nothing: what the
child does to files and processes is its own.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from xvc.core.run import Usage
from xvc.errors import NoCommand
from xvc.system.cgroup import oom_kills
from xvc.system.child_streams import Outlets
from xvc.system.process_tree import Sampler
from xvc.system.signal_pipe import Bell
from xvc.system.supervisor import Attendance, Ladder, Sink
from xvc.system.usage import larger, peak_memory_of, usage_of

__all__ = ["Ending", "Ladder", "Launch", "Sink", "run"]

_NOT_EXECUTABLE = 126
_KILLED = 128 + signal.SIGKILL


@dataclass(frozen=True, slots=True)
class Launch:
    """What to start, where, with which whole environment, for how many seconds at most.

    ``interval`` is the seconds between two looks at what it uses.
    """

    argv: tuple[str, ...]
    folder: Path
    environment: Mapping[str, str]
    timeout: float | None = None
    ladder: Ladder = field(default_factory=Ladder)
    interval: float = 1.0


@dataclass(frozen=True, slots=True)
class Ending:
    """How a child ended and what it used.

    ``exit_code`` is None when ``signal`` ("SIGKILL") ended it. ``interrupted``: a Ctrl-C, TERM
    or HUP reached us meanwhile. ``out_of_memory``: it was killed while the kernel counted a kill
    for memory. ``sink_failure``: what the sink first raised, if it did.
    """

    exit_code: int | None
    signal: str | None
    timed_out: bool
    interrupted: bool
    out_of_memory: bool
    usage: Usage
    sink_failure: str | None = None

    @property
    def shell_code(self) -> int:
        """The code that a shell would show: the exit code, or 128 and the signal's number.

        >>> Ending(None, "SIGTERM", False, False, False, Usage()).shell_code
        143
        """
        if self.exit_code is not None:
            return self.exit_code
        return 128 + _signal_number(self.signal or "")


def run(
    launch: Launch,
    *,
    sink: Sink,
    on_start: Callable[[int], None] | None = None,
    terminal: tuple[bool, bool] | None = None,
) -> Ending:
    """Run a command to its end and return how it ended.

    Args:
        sink: called in this thread with 1 or 2 and the next bytes, in order. If it raises, the
            child does not notice: see ``Ending.sink_failure``. It is called again all the same.
        on_start: called with the child's pid once it runs; if it raises, the child is killed.
        terminal: whether standard output and error go to a terminal, where the child shall find
            one too; by default what our own descriptors 1 and 2 are.

    Raises:
        NoCommand: it cannot be started; ``exit_code`` is 127, or 126 when the file is there.
    """
    kills_before = oom_kills()
    where = terminal if terminal is not None else (_is_terminal(1), _is_terminal(2))
    with Bell() as bell, Outlets(where) as outlets:
        child = _Child(launch, outlets, bell)
        attendance = Attendance(
            child.pid, launch.timeout, launch.ladder, sink=sink, bell=bell, outlets=outlets
        )
        sampler = Sampler(child.pid, launch.interval)
        try:
            sampler.start()
            if on_start is not None:
                on_start(child.pid)
            attendance.last_until(child.has_ended)
        except BaseException:
            child.kill()
            raise
        finally:
            child.join()
            sampled = sampler.stop()
    return _ending(child, attendance, sampled, kills_before)


def _ending(
    child: _Child, attendance: Attendance, sampled: Usage, kills_before: int | None
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
        sink_failure=attendance.sink_failure,
    )


class _Child:
    """A started command and the thread that waits for it; the thread alone collects it."""

    def __init__(self, launch: Launch, outlets: Outlets, bell: Bell) -> None:
        self._process = _start(launch, outlets)
        self._bell = bell
        self._ended = threading.Event()
        self.pid = self._process.pid
        self.exit_code: int | None = None
        self.signal_number: int | None = None
        self.usage = Usage()
        self._waiter = threading.Thread(target=self._wait, name="xvc-wait", daemon=True)
        self._waiter.start()

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
            launch.argv,
            cwd=launch.folder,
            env=launch.environment,
            stdout=outlets.out.writer,
            stderr=outlets.err.writer,
        )
    except (OSError, ValueError) as err:
        raise _refusal(launch, err) from err
    outlets.release(with_terminals=False)
    return process


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
