"""A job's process on the machine that runs it: started, ended on demand, never left behind.

`xvc run` ends its own command well when it is interrupted; here is only who interrupts it, and
what happens when whoever should is gone. Waits by looking: the request to stop has no descriptor.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from math import inf
from pathlib import Path
from typing import BinaryIO, cast

from xvc.core.job import Job

# `xvc run` gives its command ten seconds, and five more; only then is it asked less kindly.
_LADDER = ((signal.SIGINT, 25.0), (signal.SIGTERM, 5.0), (signal.SIGKILL, inf))
_PAUSE = 0.2
_NOT_FOUND, _NOT_EXECUTABLE = 127, 126

# Its input is a pipe from us. A word on it: the child has ended. Its end without one: we have, by
# SIGKILL perhaps, and a child that nobody waits for would go on beside the trial that replaces it.
_LIFELINE = """\
read -r word && exit 0
kill -INT "$1" || exit 0
for second in $(seq 25); do
    kill -0 "$1" || exit 0
    sleep 1
done
kill -TERM -- "-$1"
sleep 5
kill -KILL -- "-$1"
"""


@contextlib.contextmanager
def locked_log(job: Job) -> Iterator[BinaryIO]:
    """Open a job's log on a disk that the submitting machine shares.

    It is locked as long as we have it open, or the process that gets it as its output lives: see
    `local.is_live`.
    """
    path = Path(job.log)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab", buffering=0) as log:
        fcntl.flock(log, fcntl.LOCK_EX)
        yield cast("BinaryIO", log)


def run(
    command: tuple[str, ...],
    folder: str,
    environment: Mapping[str, str],
    output: BinaryIO,
    is_stopped: Callable[[], bool],
    lock: int | None = None,
) -> int:
    """Run a command to its end and return what a shell would show: its code, or 128 and a signal.

    Args:
        command: the words; one that cannot be started says so in *output* and is 126 or 127.
        folder: where.
        environment: all of it.
        output: a file that gets standard output and error.
        is_stopped: asked several times a second; once it says so, the command is interrupted.
        lock: a descriptor that the process keeps open for as long as it lives.
    """
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=() if lock is None else (lock,),
        )
    except OSError as err:
        output.write(f"{err.filename or command[0]}: {err.strerror or err}\n".encode())
        return _NOT_FOUND if isinstance(err, FileNotFoundError) else _NOT_EXECUTABLE
    with _lifeline(process.pid):
        try:
            return _shell_code(_attend(process, is_stopped))
        except BaseException:  # a signal to us, or an asker that is out of reach
            _attend(process, lambda: True)
            raise


def _attend(process: subprocess.Popen[bytes], is_stopped: Callable[[], bool]) -> int:
    rungs, due = iter(_LADDER), -inf
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(_PAUSE)
        if is_stopped() and time.monotonic() >= due:
            number, patience = next(rungs)
            due = time.monotonic() + patience
            with contextlib.suppress(ProcessLookupError):
                os.kill(-process.pid if number == signal.SIGKILL else process.pid, number)


def _shell_code(code: int) -> int:
    return code if code >= 0 else 128 - code


@contextlib.contextmanager
def _lifeline(pid: int) -> Iterator[None]:
    watcher = subprocess.Popen(
        ["sh", "-c", _LIFELINE, "xvc-lifeline", str(pid)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        with contextlib.suppress(BrokenPipeError):
            watcher.communicate(b"ended\n")
