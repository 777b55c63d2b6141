"""Kills, interrupts and timeouts: each run says how it ended, and keeps its rows."""

from __future__ import annotations

import os
import signal
import time

import pytest

from faulty import PYTHON, Repo, check_rows, wait_for
from forked import end_quietly

_SLOW = """
import os, sys, time
from xvc import Tracker

acks = os.open(os.environ["ACKS"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
tracker = Tracker()
for step in range(3):
    tracker.log({"token": f"slow-{step}", "step": step})
    os.write(acks, f"slow-{step}\\n".encode())
time.sleep(60)
"""


@pytest.fixture
def slow(repo: Repo) -> Repo:
    """A project with a script that logs three rows and then takes a minute."""
    repo.write("slow.py", _SLOW)
    repo.commit("slow")
    return repo


def test_a_killed_xvc_run_is_shown_as_lost_with_its_rows(slow: Repo) -> None:
    """SIGKILL to all of it: the next list says so, without being asked."""
    running = slow.start("xvc", "run", "--", PYTHON, "slow.py")
    wait_for(lambda: len(slow.acks()) == 3)
    assert slow.runs()[0]["status"] == "running"

    running.signal_group(signal.SIGKILL)

    assert running.wait().code == -signal.SIGKILL
    assert slow.runs()[0]["status"] == "lost"
    check_rows(slow, slow.tokens())
    assert slow.run_logging("next", 3, "--tag", "patch").code == 0
    check_rows(slow, slow.tokens())


def test_the_command_of_a_killed_xvc_run_may_go_on_logging(slow: Repo) -> None:
    """SIGKILL to xvc alone: what its command logs afterwards belongs to the run all the same."""
    script = (
        "import os, time\n"
        "from xvc import Tracker\n"
        "acks = os.open(os.environ['ACKS'], os.O_WRONLY | os.O_CREAT | os.O_APPEND)\n"
        "tracker = Tracker()\n"
        "for step in range(6):\n"
        "    tracker.log({'token': f'orphan-{step}'})\n"
        "    os.write(acks, f'orphan-{step}\\n'.encode())\n"
        "    while step == 2 and os.getppid() == int(os.environ['PARENT']): time.sleep(0.01)\n"
    )
    slow.write("orphan.py", script)
    running = slow.start("xvc", "run", "--", "sh", "-c", "PARENT=$PPID exec python orphan.py")
    wait_for(lambda: len(slow.acks()) == 3)

    os.kill(running.pid, signal.SIGKILL)

    running.wait()
    wait_for(lambda: len(slow.acks()) == 6)
    wait_for(lambda: len(slow.tokens()) == 6)
    check_rows(slow, slow.tokens())
    assert [run["status"] for run in slow.runs()] == ["lost"]
    end_quietly(running.pid)


def test_an_interrupt_reaches_the_command_and_is_recorded(slow: Repo) -> None:
    """Ctrl-C: exit 130, the run is interrupted, its rows are kept."""
    running = slow.start("xvc", "run", "--", PYTHON, "slow.py")
    wait_for(lambda: len(slow.acks()) == 3)

    running.signal_group(signal.SIGINT)

    ended = running.wait(20)
    assert ended.code == 130, ended.said
    (run,) = slow.runs()
    assert run["status"] == "interrupted"
    check_rows(slow, slow.tokens())


def test_a_command_that_outlives_its_time_is_stopped(slow: Repo) -> None:
    """``--timeout``: the command is interrupted, the run says timed out."""
    started = time.monotonic()

    ended = slow.xvc("run", "--timeout", "1.5", "--", PYTHON, "slow.py")

    assert time.monotonic() - started < 20
    assert ended.code != 0
    (run,) = slow.runs()
    assert run["status"] == "timed-out"
    check_rows(slow, slow.tokens())


@pytest.mark.parametrize(
    ("script", "code", "status"),
    [
        ("exit 3", 3, "failed"),
        ("kill -KILL $$", 137, "killed"),
        ("kill -TERM $$", 143, "killed"),
        ("kill -SEGV $$", 139, "killed"),
    ],
)
def test_the_exit_code_is_the_commands_own(repo: Repo, script: str, code: int, status: str) -> None:
    """Codes pass through, signals as a shell shows them."""
    ended = repo.xvc("run", "--", "sh", "-c", script)

    assert ended.code == code, ended.said
    (run,) = repo.runs()
    assert run["status"] == status


def test_a_script_that_crashes_keeps_its_rows_and_fails(repo: Repo) -> None:
    """An exception outside ``xvc run`` ends the tracker's own run as failed."""
    text = "from xvc import Tracker\nTracker().log({'token': 'a'})\nraise ValueError('no')\n"
    repo.write("crash.py", text)
    ended = repo.xvc("run", "--", "sh", "-c", f"unset XVC_CONTEXT; {PYTHON} crash.py")

    runs = repo.runs()

    assert ended.code == 1, ended.said
    assert [run["status"] for run in runs] == ["failed", "failed"]
    assert set(repo.tokens()) == {"a"}
