"""Signals, deadlines and terminals reach a running command as they would without xvc."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

HOST = Path(__file__).with_name("host_process.py")
SLEEPER = "sleep 600 & echo $!; wait"
COUNTER = """
import os, signal, sys, time
seen = []
def note(number, frame):
    seen.append(number)
    os.write(1, b"got %d\\n" % number)
for number in {numbers}:
    signal.signal(number, note)
os.write(1, b"ready\\n")
while len(seen) < {wanted}:
    time.sleep(0.02)
time.sleep(0.4)
sys.exit(10 + len(seen))
"""


class Host:
    """A process that runs one command through xvc, its terminal or pipe, and its report."""

    def __init__(self, folder: Path, argv: tuple[str, ...], **wishes: object) -> None:
        self._report = folder / "report.json"
        self.has_terminal = bool(wishes.get("takes_terminal"))
        ours, its = os.openpty() if self.has_terminal else os.pipe()
        self.terminal = ours
        if self.has_terminal:
            termios.tcsetwinsize(ours, (24, 61))
        defaults = {
            "timeout": 20.0,
            "ladder": (20.0, 20.0),
            "takes_terminal": False,
            "group": None,
            "ignores_hup": False,
        }
        ask = {"argv": argv, "folder": str(folder), "report": str(self._report)}
        self.process = subprocess.Popen(
            [sys.executable, str(HOST), json.dumps({**defaults, **ask, **wishes})],
            stdin=its if self.has_terminal else subprocess.DEVNULL,
            stdout=its,
            stderr=its,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            start_new_session=True,
        )
        os.close(its)
        self.heard = b""

    def until(self, words: bytes) -> bytes:
        """Read output up to *words*; what came before them is kept too."""
        while words not in self.heard:
            chunk = os.read(self.terminal, 4096)
            assert chunk, self.heard
            self.heard += chunk
        return self.heard

    def first_number(self) -> int:
        return int(self.until(b"\n").split()[0])

    def tell(self, number: int) -> None:
        os.kill(self.process.pid, number)

    def report(self) -> dict[str, object]:
        """Read all output, wait for the end and return what the host says of its child."""
        with contextlib.suppress(OSError):
            while chunk := os.read(self.terminal, 4096):
                self.heard += chunk
        assert self.process.wait() == 0, self.heard
        facts: dict[str, object] = json.loads(self._report.read_text())
        return facts

    def close(self) -> None:
        os.close(self.terminal)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


Begin = Callable[..., Host]


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    hosts: list[Host] = []

    def begin(*argv: str, **wishes: object) -> Host:
        hosts.append(Host(tmp_path, argv, **wishes))
        return hosts[-1]

    yield begin
    for host in hosts:
        host.close()


def counter(*numbers: signal.Signals, wanted: int = 1) -> tuple[str, str, str]:
    code = COUNTER.format(numbers=[int(number) for number in numbers], wanted=wanted)
    return sys.executable, "-c", code


def is_gone(pid: int) -> bool:
    """Wait until a process that nobody of us can wait for has ended; False if it will not."""
    for _ in range(500):
        if state_of(pid)[:1] in ("", "Z"):
            return True
        time.sleep(0.01)
    return False


def state_of(pid: int) -> str:
    asked = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, check=False)
    return asked.stdout.decode().strip()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_to_us_is_passed_on_once(begin: Begin, number: signal.Signals) -> None:
    """The child gets the signal, decides what it means, and its code is the result."""
    host = begin(*counter(number))
    host.until(b"ready")
    host.tell(number)
    facts = host.report()

    assert (facts["exit_code"], facts["interrupted"]) == (11, True)


def test_every_signal_that_is_none_of_ours_is_passed_on(begin: Begin) -> None:
    """USR1 of a scheduler, XCPU, a real-time one: the child gets them, and we live on."""
    names = ("USR1", "USR2", "ALRM", "VTALRM", "PROF", "XCPU", "IO", "ABRT", "TRAP", "SYS", "CONT")
    numbers = [*(int(getattr(signal, f"SIG{name}")) for name in names)]
    if sys.platform == "linux":
        numbers += [int(signal.SIGRTMIN), int(signal.SIGRTMIN) + 5, int(signal.SIGRTMAX)]
    code = COUNTER.format(numbers=numbers, wanted=len(numbers))
    host = begin(sys.executable, "-c", code)
    host.until(b"ready")
    for number in numbers:
        host.tell(number)
        host.until(b"got %d\n" % number)
    report = host.report()

    assert (report["exit_code"], report["interrupted"]) == (10 + len(numbers), False)


def test_quit_is_passed_on_and_is_no_interruption(begin: Begin) -> None:
    """SIGQUIT asks some programs for a report; it does not say that the run was stopped."""
    host = begin(*counter(signal.SIGQUIT))
    host.until(b"ready")
    host.tell(signal.SIGQUIT)
    facts = host.report()

    assert (facts["exit_code"], facts["interrupted"]) == (11, False)


def test_an_ignored_hangup_stays_ignored(begin: Begin) -> None:
    """Under ``nohup`` neither we nor the child hear of a hang-up."""
    host = begin("sh", "-c", "echo ready; sleep 0.5; exit 3", ignores_hup=True)
    host.until(b"ready")
    host.tell(signal.SIGHUP)
    facts = host.report()

    assert (facts["exit_code"], facts["interrupted"]) == (3, False)


def test_a_ctrl_c_at_the_terminal_arrives_once(begin: Begin) -> None:
    """The terminal tells the child itself: passing it on as well would tell it twice."""
    host = begin(*counter(signal.SIGINT), takes_terminal=True)
    host.until(b"ready")
    os.write(host.terminal, b"\x03")
    facts = host.report()

    assert (facts["exit_code"], facts["interrupted"]) == (11, True)


def test_a_ctrl_backslash_at_the_terminal_arrives_once(begin: Begin) -> None:
    """As Ctrl-C, so the other key that the terminal turns into a signal."""
    host = begin(*counter(signal.SIGQUIT), takes_terminal=True)
    host.until(b"ready")
    os.write(host.terminal, b"\x1c")
    facts = host.report()

    assert (facts["exit_code"], facts["interrupted"]) == (11, False)


def test_a_plain_child_dies_of_ctrl_c_and_we_do_not(begin: Begin) -> None:
    """A command that handles nothing is ended by the key, and its ending is still told."""
    host = begin("sh", "-c", "echo ready; exec sleep 600", takes_terminal=True)
    host.until(b"ready")
    os.write(host.terminal, b"\x03")
    facts = host.report()

    assert (facts["signal"], facts["interrupted"], facts["shell_code"]) == ("SIGINT", True, 130)


def test_the_same_ctrl_c_told_twice_counts_once(begin: Begin) -> None:
    """A launcher that repeats the terminal's interrupt does not push the child up the ladder."""
    host = begin(*counter(signal.SIGINT), ladder=(20.0, 0.0))
    host.until(b"ready")
    host.tell(signal.SIGINT)
    host.until(b"got")
    host.tell(signal.SIGINT)
    facts = host.report()

    assert (facts["exit_code"], facts["signal"]) == (11, None)


def test_a_second_ctrl_c_goes_one_rung_up(begin: Begin) -> None:
    """Who asks again does not wait for the ladder: the tree is told to terminate."""
    host = begin("sh", "-c", f"trap '' INT; {SLEEPER}")
    sleeper = host.first_number()
    host.tell(signal.SIGINT)
    time.sleep(0.5)
    host.tell(signal.SIGINT)
    facts = host.report()

    assert (facts["signal"], facts["interrupted"]) == ("SIGTERM", True)
    assert is_gone(sleeper)


def test_the_ladder_ends_in_a_kill_of_the_whole_tree(begin: Begin) -> None:
    """A tree that ignores what it is asked is gone in the end, grandchildren too."""
    host = begin("sh", "-c", f"trap '' INT TERM; {SLEEPER}; sleep 600", ladder=(0.1, 0.1))
    sleeper = host.first_number()
    host.tell(signal.SIGTERM)
    facts = host.report()

    assert (facts["signal"], facts["interrupted"], facts["timed_out"]) == ("SIGKILL", True, False)
    assert is_gone(sleeper)


def test_a_timeout_asks_before_it_kills(begin: Begin) -> None:
    """A child that cleans up on an interrupt may, and the ending still says that time was up."""
    host = begin(*counter(signal.SIGINT), timeout=0.5)
    facts = host.report()

    assert (facts["exit_code"], facts["timed_out"], facts["interrupted"]) == (11, True, False)


def test_a_timeout_leaves_nobody_behind(begin: Begin) -> None:
    """A worker in the background, deaf to interrupts as shells make it, ends with its run."""
    host = begin("sh", "-c", SLEEPER, timeout=0.3)
    sleeper = host.first_number()
    facts = host.report()

    assert facts["timed_out"] is True
    assert is_gone(sleeper)


def test_a_detached_daemon_outlives_a_stop(begin: Begin) -> None:
    """What has left our session did so on purpose: it is not ended with the child."""
    detach = "import os; os.setsid(); os.execvp('sleep', ['sleep', '600'])"
    script = 'trap \'exit 5\' TERM; "$0" -c "$1" & echo $!; sleep 0.5; echo up; wait'
    host = begin("sh", "-c", script, sys.executable, detach)
    sleeper = host.first_number()
    host.until(b"up")
    host.tell(signal.SIGTERM)
    facts, state = host.report(), state_of(sleeper)
    os.kill(sleeper, signal.SIGKILL)

    assert (facts["exit_code"], state[:1]) == (5, "S")


def test_a_stopped_child_goes_on(begin: Begin) -> None:
    """A child that is stopped is not ended: it is left alone until somebody continues it."""
    host = begin("sh", "-c", "echo $$; kill -STOP $$; exit 8")
    child = host.first_number()
    while "T" not in state_of(child):
        time.sleep(0.01)
    os.kill(child, signal.SIGCONT)
    facts = host.report()

    assert facts["exit_code"] == 8


def test_a_stop_that_can_be_handled_is_for_the_child(begin: Begin) -> None:
    """`kill -TSTP` of us alone: one that handles it goes on, and us with it."""
    host = begin(*counter(signal.SIGTSTP))
    host.until(b"ready")
    host.tell(signal.SIGTSTP)
    facts = host.report()

    assert (facts["exit_code"], facts["interrupted"]) == (11, False)


@pytest.mark.parametrize("takes_terminal", [False, True])
def test_we_are_stopped_where_the_child_is(begin: Begin, takes_terminal: bool) -> None:
    """By `kill -TSTP` or Ctrl-Z: both are held, and both go on when we are continued."""
    # It stops itself: of a session without a shell the kernel stops nobody.
    stops = "trap 'kill -STOP $$; exit 8' TSTP; echo $$; while :; do sleep 0.02; done"
    host = begin("sh", "-c", stops, takes_terminal=takes_terminal)
    child = host.first_number()
    if takes_terminal:
        os.write(host.terminal, b"\x1a")
    else:
        host.tell(signal.SIGTSTP)
    while not (state_of(child)[:1] == state_of(host.process.pid)[:1] == "T"):
        time.sleep(0.01)
    host.tell(signal.SIGCONT)
    facts = host.report()

    assert facts["exit_code"] == 8


def test_a_stopped_child_can_be_terminated(begin: Begin) -> None:
    """The ladder wakes what it tells to end."""
    host = begin("sh", "-c", "echo $$; trap 'exit 6' TERM; kill -STOP $$", ladder=(0.1, 20.0))
    host.until(b"\n")
    host.tell(signal.SIGINT)
    facts = host.report()

    assert facts["shell_code"] in (6, 130)


def test_the_window_size_follows_ours(begin: Begin) -> None:
    """The child's terminal has our size from the start, and is told when it changes."""
    code = (
        "import os, signal, time\n"
        "def show(*_): os.write(1, b'%d %d\\n' % os.get_terminal_size(1))\n"
        "signal.signal(signal.SIGWINCH, show); show()\n"
        "while True: time.sleep(0.05)"
    )
    host = begin(sys.executable, "-c", code, takes_terminal=True)
    first = host.until(b"\n")
    termios.tcsetwinsize(host.terminal, (33, 77))
    told = host.until(b"77 33")
    os.write(host.terminal, b"\x03")
    host.report()

    assert first.startswith(b"61 24")
    assert told.splitlines()[-1].startswith(b"77 33")


def test_a_short_child_costs_no_psutil(begin: Begin) -> None:
    """The package that takes longer to import than a short command takes to run stays out."""
    facts = begin("true").report()

    assert (facts["exit_code"], facts["psutil"]) == (0, False)


@pytest.fixture
def small_group() -> Iterator[Path]:
    root = Path("/sys/fs/cgroup")
    first = root / "memory" if (root / "memory").is_dir() else root
    group, limit = first / f"xvc-test-{os.getpid()}", 80 << 20
    try:
        group.mkdir()
        version_1 = group / "memory.limit_in_bytes"
        (version_1 if version_1.exists() else group / "memory.max").write_text(str(limit))
    except OSError as err:
        with contextlib.suppress(OSError):
            group.rmdir()
        pytest.skip(f"no control group of our own: {err}")
    yield group
    with contextlib.suppress(OSError):
        group.rmdir()


def test_a_kill_for_memory_is_recognised(begin: Begin, small_group: Path) -> None:
    """A child that the kernel kills for its memory is told from one that a person killed."""
    argv = (sys.executable, "-c", "import time; b = b'x' * 400_000_000; time.sleep(60)")
    facts = begin(*argv, group=str(small_group)).report()

    assert (facts["signal"], facts["out_of_memory"]) == ("SIGKILL", True)
