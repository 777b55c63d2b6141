"""Commands that are forked from an interpreter which has loaded xvc: see forkserver.py."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import IO

_OF_START = ("PYTHON", "LC_", "LANG")


def end_quietly(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


@dataclass(frozen=True)
class Fault:
    """What happens at which storage call; ``at`` 0 only counts."""

    at: int = 0
    act: str = ""
    group: bool = True


@dataclass(frozen=True)
class Outcome:
    """How a command ended: its exit code, or minus the signal that killed it."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        return f"exit {self.code}\n{self.out}\n{self.err}"

    @property
    def data(self) -> dict:
        return json.loads(self.out)["data"]


class Running:
    """A command that was started; its output is in files without a name."""

    def __init__(self, report: int, out: IO[bytes], err: IO[bytes]) -> None:
        self._report, self._out, self._err = report, out, err
        self._text = b""
        self.pid = int(self._line(300))

    def _line(self, seconds: float) -> bytes:
        deadline = time.monotonic() + seconds
        while b"\n" not in self._text:
            if not select.select([self._report], [], [], max(0, deadline - time.monotonic()))[0]:
                raise TimeoutError(f"no answer in {seconds} s; {_written(self._err)[-2000:]}")
            got = os.read(self._report, 100)
            if not got:
                raise EOFError("the fork server's minder has gone")
            self._text += got
        line, _, self._text = self._text.partition(b"\n")
        return line

    def wait(self, seconds: float = 300) -> Outcome:
        status = int(self._line(seconds))
        os.close(self._report)
        self._report = -1
        code = os.waitstatus_to_exitcode(status)
        texts = [_written(file) for file in (self._out, self._err)]
        self._out.close()
        self._err.close()
        return Outcome(code, *texts)

    def has_ended(self) -> bool:
        if self._report < 0 or b"\n" in self._text:
            return True
        return bool(select.select([self._report], [], [], 0)[0])

    def signal_group(self, number: int) -> None:
        while os.getpgid(self.pid) != self.pid:  # only just forked, and of no group of its own yet
            time.sleep(0.001)
        os.killpg(self.pid, number)

    def has_stopped(self) -> bool:
        state = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state == "T"


def _written(file: IO[bytes]) -> str:
    """Read a file from its start; who writes it shares its position, which stays."""
    return os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0).decode("utf-8", "replace")


def _of_start(environment: Mapping[str, str]) -> dict[str, str]:
    """What an interpreter reads of its environment while it starts."""
    return {name: environment[name] for name in environment if name.startswith(_OF_START)}


DOOR = """\
#!{python} -IS
import json, os, socket, sys
door = socket.socket(socket.AF_UNIX)
door.connect({socket!r})
words, place = ["xvc", *sys.argv[1:]], os.getcwd()
data = json.dumps({{"words": words, "folder": place, "environment": dict(os.environ)}}).encode()
socket.send_fds(door, [len(data).to_bytes(4, "big")], [0, 1, 2])
door.sendall(data)
code = os.waitstatus_to_exitcode(int(door.makefile().read().split()[1]))
if code < 0:
    os.kill(os.getpid(), -code)
sys.exit(code)
"""


def put_door(folder: Path) -> socket.socket:
    """Make a program ``xvc`` for shells; returns the socket that it asks to be forked."""
    program, listener = folder / "xvc", socket.socket(socket.AF_UNIX)
    program.write_text(DOOR.format(python=sys.executable, socket=str(folder / "door")))
    program.chmod(0o755)
    listener.bind(str(folder / "door"))
    listener.listen(16)
    return listener


class Server:
    """The fork server, as its client sees it."""

    def fits(self, environment: Mapping[str, str]) -> bool:
        """Whether an interpreter that starts there would be as the one that is forked."""
        return _of_start(environment) == self._said

    def __init__(
        self,
        scratch: Path | None = None,
        *,
        library: Path | None = None,
        environment: Mapping[str, str] = os.environ,
        loaded: str = "xvc",
        door: Path | None = None,
    ) -> None:
        """Start it; *door* is a folder that gets a program ``xvc`` whose processes it forks."""
        self.library, self._scratch = library, scratch
        self._lock, self._said = Lock(), _of_start(environment)
        ours, its = socket.socketpair()
        preload = {"LD_PRELOAD": str(library)} if library else {}
        doors = [put_door(door)] if door else []
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("forkserver.py")), loaded]
            + [str(listener.fileno()) for listener in doors],
            stdin=its,
            env={**environment, **preload},
            pass_fds=[listener.fileno() for listener in doors],
        )
        for listener in doors:
            listener.close()
        its.close()
        self._socket = ours
        self._started: list[Running] = []

    def close(self) -> None:
        for running in self._started:
            if not running.has_ended():
                end_quietly(running.pid)
        self._socket.close()
        self._process.wait(30)

    def start(self, words: Sequence[str], folder: Path, **wishes: object) -> Running:
        """Start ``xvc …``, ``dvc …`` or a Python script.

        Wishes: ``environment`` (whole), ``limits`` by resource name, ``user``, ``fault`` and the
        ``prefix`` it watches.
        """
        environment = dict(wishes["environment"])
        if (fault := wishes.get("fault")) is not None:
            environment |= self._armed(fault, wishes["prefix"])
        request = {
            "words": list(words),
            "folder": str(folder),
            "environment": environment,
            "limits": wishes.get("limits") or {},
            "user": wishes.get("user"),
        }
        data = json.dumps(request).encode()
        reader, writer = os.pipe()
        out, err = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115
        with self._lock:
            descriptors = [out.fileno(), err.fileno(), writer]
            socket.send_fds(self._socket, [len(data).to_bytes(4, "big")], descriptors)
            self._socket.sendall(data)
        os.close(writer)
        self._started.append(Running(reader, out, err))
        return self._started[-1]

    def _armed(self, fault: Fault, prefix: Path) -> dict[str, str]:
        state = self._scratch / "counter"
        state.unlink(missing_ok=True)
        armed = {
            "LD_PRELOAD": str(self.library),
            "FAULT_PREFIX": str(prefix),
            "FAULT_STATE": str(state),
        }
        if fault.at:
            armed |= {"FAULT_AT": str(fault.at), "FAULT_ACT": fault.act}
        if fault.group:
            armed["FAULT_GROUP"] = "1"
        return armed

    def calls(self) -> int:
        """How many storage calls the last armed command made."""
        return int.from_bytes((self._scratch / "counter").read_bytes()[:8], sys.byteorder)
