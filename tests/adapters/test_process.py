"""A command run by xvc behaves, and is told of, as if xvc were not there."""

from __future__ import annotations

import errno
import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from xvc.errors import NoCommand
from xvc.system.process import Ending, Ladder, Launch, Sink, run
from xvc.system.process_tree import started_at

Start = Callable[..., tuple[Ending, "Output"]]
SHORT = 30.0  # seconds after which a test that hangs is ended by the code under test


class Output:
    """A sink that keeps what it is given."""

    def __init__(self) -> None:
        self.chunks: list[tuple[int, bytes]] = []

    def __call__(self, fd: int, chunk: bytes) -> None:
        self.chunks.append((fd, chunk))

    def of(self, fd: int) -> bytes:
        return b"".join(chunk for channel, chunk in self.chunks if channel == fd)


@pytest.fixture
def start(tmp_path: Path) -> Start:
    def start(
        *argv: str, terminal: tuple[bool, bool] = (False, False), sink: Sink | None = None
    ) -> tuple[Ending, Output]:
        output = Output()
        launch = Launch(argv, tmp_path, dict(os.environ), timeout=SHORT)
        return run(launch, sink=sink or output, terminal=terminal), output

    return start


@pytest.fixture
def pids() -> Iterator[list[int]]:
    """Processes that a test leaves behind on purpose."""
    left: list[int] = []
    yield left
    for pid in left:
        os.kill(pid, signal.SIGKILL)


def python(code: str) -> tuple[str, str, str]:
    return sys.executable, "-c", code


@pytest.mark.parametrize("code", [0, 1, 3, 255])
def test_the_exit_code_is_the_childs(start: Start, code: int) -> None:
    """Whatever the child exits with is what the ending says."""
    ending, _ = start("sh", "-c", f"exit {code}")

    assert (ending.exit_code, ending.signal, ending.shell_code) == (code, None, code)


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGSEGV", "SIGINT"])
def test_a_signal_is_named(start: Start, name: str) -> None:
    """A child that a signal ended has no exit code but the name of the signal."""
    ending, _ = start("sh", "-c", f"kill -{name.removeprefix('SIG')} $$")

    assert (ending.exit_code, ending.signal) == (None, name)
    assert ending.shell_code == 128 + signal.Signals[name]
    assert (ending.interrupted, ending.timed_out, ending.out_of_memory) == (False,) * 3


@pytest.mark.skipif(sys.platform != "linux", reason="real-time signals are Linux's")
def test_a_nameless_signal_keeps_its_number(start: Start) -> None:
    """A real-time signal has no name, and still gives the shell's code."""
    number = signal.SIGRTMIN + 2
    ending, _ = start(*python(f"import os; os.kill(os.getpid(), {number})"))

    assert (ending.signal, ending.shell_code) == (f"SIG{number}", 128 + number)


@pytest.mark.parametrize("terminal", [(False, False), (True, True), (True, False), (False, True)])
def test_every_byte_passes_as_it_is(start: Start, terminal: tuple[bool, bool]) -> None:
    """NUL, invalid UTF-8, CR and bare newlines arrive byte for byte, pipe or terminal."""
    every = bytes(range(256)) * 50 + b"\n\r\n\r bar 10%\r\xff\xfe\x00"
    _, output = start(*python(f"import os; os.write(1, {every!r})"), terminal=terminal)

    assert output.of(1) == every


@pytest.mark.parametrize("terminal", [(False, False), (True, True), (True, False), (False, True)])
def test_the_child_finds_a_terminal_where_we_have_one(
    start: Start, terminal: tuple[bool, bool]
) -> None:
    """Each channel is a terminal for the child exactly when it is one for us."""
    _, output = start(*python("import os; print(os.isatty(1), os.isatty(2))"), terminal=terminal)

    assert output.of(1).split() == [str(is_terminal).encode() for is_terminal in terminal]


def test_the_channels_stay_apart(start: Start) -> None:
    """Output and errors are handed over under their own numbers."""
    _, output = start("sh", "-c", "echo out; echo err >&2")

    assert (output.of(1), output.of(2)) == (b"out\n", b"err\n")


def test_one_terminal_keeps_the_order_of_both_channels(start: Start) -> None:
    """What is written to both in turn is read in turn when both are the terminal."""
    code = "import os\nfor i in range(3000): os.write(1 + i % 2, b'%d\\n' % i)"
    _, output = start(*python(code), terminal=(True, True))

    assert output.of(1).split() == [b"%d" % number for number in range(3000)]


@pytest.mark.parametrize("terminal", [(False, False), (True, True)])
def test_much_output_arrives_whole(start: Start, terminal: tuple[bool, bool]) -> None:
    """Twelve megabytes on each channel at once neither block nor lose a byte."""
    code = (
        "import os, threading\n"
        "def write(fd):\n"
        "    block = bytes([64 + fd]) * 65536\n"
        "    for _ in range(192):\n"
        "        rest = memoryview(block)\n"
        "        while rest: rest = rest[os.write(fd, rest):]\n"
        "threads = [threading.Thread(target=write, args=(fd,)) for fd in (1, 2)]\n"
        "[t.start() for t in threads]; [t.join() for t in threads]"
    )
    ending, output = start(*python(code), terminal=terminal)
    everything = output.of(1) + output.of(2)

    assert ending.exit_code == 0
    assert (everything.count(b"A"), everything.count(b"B")) == (192 * 65536, 192 * 65536)


@pytest.mark.parametrize("terminal", [(False, False), (True, True)])
def test_the_last_words_are_heard(start: Start, terminal: tuple[bool, bool]) -> None:
    """What a child writes just before its end is never cut off, however often it is tried."""
    text = b"x" * 40_000
    code = f"import os; os.write(1, {text!r}); os._exit(0)"
    heard = [start(*python(code), terminal=terminal)[1].of(1) for _ in range(20)]

    assert heard == [text] * 20


@pytest.mark.parametrize("terminal", [(False, False), (True, True)])
def test_a_child_may_close_its_output_and_live_on(
    start: Start, tmp_path: Path, terminal: tuple[bool, bool]
) -> None:
    """A closed output is not an ended child: its code is waited for."""
    command = "exec >&- 2>&-; sleep 0.4; touch done; exit 9"
    ending, _ = start("sh", "-c", command, terminal=terminal)

    assert ending.exit_code == 9
    assert (tmp_path / "done").exists()


@pytest.mark.parametrize("terminal", [(False, False), (True, True)])
def test_a_daemon_that_keeps_the_output_open_is_not_waited_for(
    start: Start, pids: list[int], terminal: tuple[bool, bool]
) -> None:
    """The run ends with the child, not with what the child left behind."""
    _, output = start("sh", "-c", "sleep 600 & echo $!", terminal=terminal)
    pids.append(int(output.of(1)))
    os.kill(pids[0], 0)

    assert output.of(1).strip().isdigit()


def test_a_daemon_that_floods_the_output_does_not_keep_us(start: Start) -> None:
    """Endless output of a grandchild ends with the run: it meets a closed pipe."""
    ending, output = start("sh", "-c", "cat /dev/zero & echo first; exit 4")

    assert ending.exit_code == 4
    assert b"first" in output.of(1)


def test_a_failing_sink_does_not_reach_the_child(start: Start, tmp_path: Path) -> None:
    """A mistake behind us neither blocks nor kills the child, and is told once."""
    seen: list[int] = []

    def breaking(fd: int, chunk: bytes) -> None:
        seen.append(len(chunk))
        raise ValueError("gone")

    ending, _ = start("sh", "-c", "head -c 2000000 /dev/zero; touch done", sink=breaking)

    assert (ending.exit_code, ending.failure) == (0, "ValueError: gone")
    assert (sum(seen), (tmp_path / "done").exists()) == (2_000_000, True)


def test_a_reader_that_goes_away_ends_the_command(start: Start) -> None:
    """`yes | head -1` ends at once: the pipe that is broken behind us breaks for the child."""

    def gone(fd: int, chunk: bytes) -> None:
        if fd == 1:
            raise BrokenPipeError

    endless, _ = start("yes", sink=gone)
    other, output = start("sh", "-c", "trap '' PIPE; echo a; sleep 0.2; echo b; echo c >&2; exit 3")
    half, told = start("sh", "-c", "trap '' PIPE; yes 2>&-; echo c >&2; exit 3", sink=gone)

    assert (endless.signal, endless.shell_code, endless.timed_out) == ("SIGPIPE", 141, False)
    assert (other.exit_code, output.of(1)) == (3, b"a\nb\n")
    assert (half.exit_code, half.timed_out, told.chunks) == (3, False, [])


def test_inherited_descriptors_reach_the_command(start: Start, tmp_path: Path) -> None:
    """What our caller opened for the command is there under the same number, with systemd's too."""
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)
    closed, ours = os.pipe()
    code = f"import os; os.write({writer}, b'given'); os.write({ours}, b'not for it')"
    ending, _ = start(*python(code))
    os.close(writer)
    given = os.read(reader, 100)
    environment = {**os.environ, "LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"}
    output = Output()
    named = run(Launch(("sh", "-c", "echo $LISTEN_PID $$"), tmp_path, environment), sink=output)
    for each in (reader, closed, ours):
        os.close(each)
    named_pid, its_pid = output.of(1).split()

    assert (ending.exit_code, given) == (1, b"given")
    assert (named.exit_code, named_pid) == (0, its_pid)


@pytest.mark.parametrize("lacking", ["openpipe", "thread", "memory"])
def test_where_nothing_can_be_watched_the_command_runs(
    lacking: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too few descriptors, threads or bytes: the command runs with our own output, and ends."""

    def none(*_: object) -> None:
        raise {
            "openpipe": OSError(errno.EMFILE, "Too many open files"),
            "thread": RuntimeError("can't start new thread"),
            "memory": MemoryError(),
        }[lacking]

    place = {"openpipe": "Outlets", "thread": "_Child", "memory": "Bell"}[lacking]
    monkeypatch.setattr(f"xvc.system.process.{place}", none)
    launch = Launch(("sh", "-c", "pwd > here; kill -TERM $$"), tmp_path, dict(os.environ))
    ending = run(launch, sink=Output())
    good = run(Launch(("sh", "-c", "exit 9"), tmp_path, dict(os.environ)), sink=Output())

    assert (ending.signal, ending.shell_code, bool(ending.unwatched)) == ("SIGTERM", 143, True)
    assert (tmp_path / "here").read_text().strip() == str(tmp_path)
    assert good.exit_code == 9


@pytest.mark.parametrize(
    ("name", "reason", "code"),
    [
        ("no-such-command-anywhere", "not found", 127),
        ("./nothing", "not found", 127),
        ("local", "not found; ./local is here", 127),
        ("./plain", "Permission denied", 126),
        ("./torn", "the interpreter in its first line is not there", 126),
        ("nul\0nul", "embedded null byte", 126),
        ("", "no command was given", 127),
    ],
)
def test_what_cannot_start_says_why(
    start: Start, tmp_path: Path, name: str, reason: str, code: int
) -> None:
    """The refusal tells what is missing from what may not run, as a shell's codes do."""
    (tmp_path / "plain").write_text("text")
    (tmp_path / "local").write_text("#!/bin/sh\n")
    (tmp_path / "torn").write_text("#!/no/such/interpreter\n")
    (tmp_path / "torn").chmod(0o755)
    (tmp_path / "local").chmod(0o755)
    with pytest.raises(NoCommand) as caught:
        start(name)
    again = pickle.loads(pickle.dumps(caught.value))

    assert (again.reason, again.exit_code) == (reason, code)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    """The folder of a launch is blamed, not the command."""
    launch = Launch(("true",), tmp_path / "gone", dict(os.environ))
    with pytest.raises(NoCommand, match="gone is not there"):
        run(launch, sink=Output())

    assert not (tmp_path / "gone").exists()


def test_the_environment_is_whole(tmp_path: Path) -> None:
    """The child sees the variables that the launch names, and none of ours."""
    output = Output()
    argv = python("import os; print(sorted(os.environ))")
    launch = Launch(argv, tmp_path, {"A": "1", "LC_ALL": "C.UTF-8"})
    run(launch, sink=output, terminal=(False, False))

    assert output.of(1).strip() == b"['A', 'LC_ALL']"


def test_the_child_has_the_usual_signals(start: Start) -> None:
    """A child dies of SIGPIPE as any command does, although Python itself ignores it."""
    _, output = start("bash", "-c", "yes | head -n 1 >/dev/null; echo ${PIPESTATUS[0]}")

    assert output.of(1).strip() == b"141"


def test_handlers_and_descriptors_are_given_back(start: Start) -> None:
    """After a run nothing of it is left: handlers, wake-up descriptor, files, threads."""

    def traces() -> tuple[object, ...]:
        heard = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGWINCH)
        handlers = tuple(map(signal.getsignal, heard))
        return handlers, len(os.listdir("/dev/fd")), threading.active_count()

    bell, waker = os.pipe()
    os.set_blocking(waker, False)
    ours = signal.signal(signal.SIGTERM, lambda *_: None)
    waker_before, before = signal.set_wakeup_fd(waker), traces()
    for terminal in ((False, False), (True, True), (True, False)):
        start("sh", "-c", "echo out; echo err >&2", terminal=terminal)
    after, waker_after = traces(), signal.set_wakeup_fd(waker_before)
    signal.signal(signal.SIGTERM, ours)
    os.close(bell)
    os.close(waker)

    assert (after, waker_after) == (before, waker)


def test_a_thread_may_run_a_command(start: Start) -> None:
    """Outside the main thread, where Python hands out no signals, a run still works."""
    endings: list[Ending] = []
    thread = threading.Thread(target=lambda: endings.append(start("sh", "-c", "exit 6")[0]))
    thread.start()
    thread.join()

    assert endings[0].exit_code == 6


def test_usage_counts_the_whole_tree(start: Start) -> None:
    """CPU, memory and traffic of a grandchild are the run's; a figure not known is None."""
    code = (
        "import os, time; block = b'x' * 60_000_000; began = time.process_time()\n"
        "while time.process_time() - began < 0.4: sum(range(1000))\n"
        "os.write(os.open('out', 65), block[:5_000_000]); time.sleep(0.3)"
    )
    ending, _ = start("sh", "-c", '"$@"; true', "sh", *python(code))
    usage = ending.usage

    assert usage.cpu_seconds is not None
    assert usage.cpu_seconds >= 0.4
    assert usage.peak_memory is not None
    assert usage.peak_memory >= 60_000_000
    if sys.platform == "linux":
        assert usage.written_bytes is not None


def test_a_short_child_does_not_inherit_our_peak(start: Start) -> None:
    """The kernel counts the spawner's memory as the child's; we do not repeat that."""
    ballast = bytearray(50_000_000)
    ending, _ = start("true")

    assert (ending.usage.peak_memory or 0) < len(ballast)


@pytest.mark.parametrize(
    ("name", "way"),
    [
        ("python train.py | tee log", "sh -c"),
        ("cd", "sh -c"),
        ("CUDA_VISIBLE_DEVICES=0", "env CUDA_VISIBLE_DEVICES=…"),
        ("trian", "xvc run -- python train.py"),
    ],
)
def test_what_only_a_shell_understands_gets_its_way(name: str, way: str) -> None:
    """A line, a shell's own word, a variable before a command: each hint has a call that works."""
    assert way in NoCommand(name, "not found").hint


def test_at_the_timeout_all_ends_that_the_run_began(tmp_path: Path, pids: list[int]) -> None:
    """What has a session of its own, and ignores an interrupt and TERM, ends with its run."""
    noted = tmp_path / "pid"
    script = f"setsid sh -c 'trap \"\" INT TERM; echo $$ > {noted}; sleep 60' & sleep 60"
    launch = Launch(("sh", "-c", script), tmp_path, dict(os.environ), 2.0, Ladder(0.2, 0.2))

    ending = run(launch, sink=Output(), terminal=(False, False))

    pid = int(noted.read_text())
    deadline = time.monotonic() + SHORT
    while started_at(pid) is not None and time.monotonic() < deadline:
        time.sleep(0.01)  # it is told; dying takes a moment
    is_alive = started_at(pid) is not None
    pids += [pid] if is_alive else []
    assert (ending.timed_out, is_alive) == (True, False)
