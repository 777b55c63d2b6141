"""Many writers at once: forks, pools, threads, signal handlers, processes, a reader meanwhile."""

from __future__ import annotations

import os
import re
import signal
from collections import Counter
from pathlib import Path

import pytest

from faulty import PYTHON, Repo, check_rows, wait_for
from forked import Fault

_ACK = """
import os, sys
acks = os.open(os.environ["ACKS"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
def ack(token):
    os.write(acks, f"{token}\\n".encode())
"""

_FORK = (
    _ACK
    + """
from xvc import Tracker
tracker = Tracker(params={"seed": 1})
def log(who, count):
    for step in range(count):
        tracker.log({"token": f"{who}-{step}", "step": step})
        ack(f"{who}-{step}")
log("parent-before", 5)
child = os.fork()
if child == 0:
    log("child", 5)
    grandchild = os.fork()
    if grandchild == 0:
        log("grandchild", 5)
        os._exit(0)
    log("child-after", 5)
    os.waitpid(grandchild, 0)
    sys.exit(0)
log("parent-after", 5)
os.waitpid(child, 0)
log("parent-last", 5)
"""
)

_POOL = (
    _ACK
    + """
import multiprocessing
from xvc import Tracker

def work(number):
    global tracker
    if "tracker" not in globals():
        tracker = Tracker()
    tracker.log({"token": f"worker-{number}", "number": number})
    ack(f"worker-{number}")
    return number

if __name__ == "__main__":
    kind = sys.argv[1]
    if kind == "fork":
        tracker = Tracker()  # open when the workers are made, as a DataLoader's parent has it
        tracker.log({"token": "main-0", "number": -1})
        ack("main-0")
    with multiprocessing.get_context(kind).Pool(4) as pool:
        pool.map(work, range(60), chunksize=3)
"""
)

_THREADS = (
    _ACK
    + """
import threading
from xvc import Tracker
tracker = Tracker()
start = threading.Barrier(16)
def work(who):
    start.wait()
    for step in range(100):
        tracker.log({"token": f"t{who}-{step}", "step": step, f"key{who % 3}": step / 3})
        ack(f"t{who}-{step}")
threads = [threading.Thread(target=work, args=(who,)) for who in range(16)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""
)

_HANDLER = (
    _ACK
    + """
import signal, threading
from xvc import Tracker
tracker = Tracker()
heard = 0
def hear(number, frame):
    global heard
    mine, heard = heard, heard + 1  # one handler may come in the middle of another
    tracker.log({"token": f"handler-{mine}", "odd": {"a": mine}})
    ack(f"handler-{mine}")
signal.signal(signal.SIGALRM, hear)
signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
step = 0
while heard < 400 or step < 4000:
    tracker.log({"token": f"main-{step}", "step": step})
    ack(f"main-{step}")
    if step % 3 == 0:
        tracker.set_params({"step": step})
    if step % 50 == 0:
        tracker.flush()
    step += 1
signal.setitimer(signal.ITIMER_REAL, 0)
"""
)

_KILLED_IN_HANDLER = (
    _ACK
    + """
import signal
from xvc import Tracker
tracker = Tracker()
class Scalar:
    dtype = "float64"
    def tolist(self):  # the journal is in the middle of a row when it asks for this
        os.kill(os.getpid(), signal.SIGUSR1)
        return 1.0
def hear(number, frame):
    tracker.log({"token": "handler-0"})
    ack("handler-0")
    os.kill(os.getpid(), signal.SIGKILL)
signal.signal(signal.SIGUSR1, hear)
tracker.log({"token": "main-0"})
ack("main-0")
tracker.log({"token": "main-1", "value": Scalar()})
"""
)


def _exactly(repo: Repo, count: int) -> None:
    found = repo.tokens()
    check_rows(repo, found)
    assert len(found) == count


@pytest.mark.parametrize("within_run", [False, True])
def test_a_fork_with_an_open_tracker_loses_and_doubles_nothing(
    repo: Repo, within_run: bool
) -> None:
    """Parent, child and grandchild each log into a file of their own."""
    script = repo.write("fork.py", _FORK)

    words = ("xvc", "run", "--", PYTHON, "fork.py") if within_run else (str(script),)
    ended = repo.start(*words).wait()

    assert ended.code == 0, ended.said
    _exactly(repo, 30)
    (run,) = repo.runs()
    assert run["status"] == "finished"


@pytest.mark.parametrize("kind", ["fork", "spawn"])
def test_workers_of_a_pool_log_into_the_run(repo: Repo, kind: str) -> None:
    """Workers as of a DataLoader join the run, and none of their rows is lost."""
    repo.write("pool.py", _POOL)

    ended = repo.xvc("run", "--", PYTHON, "pool.py", kind)

    assert ended.code == 0, ended.said
    _exactly(repo, 61 if kind == "fork" else 60)
    assert len(repo.runs()) == 1


def test_sixteen_threads_share_a_tracker(repo: Repo) -> None:
    """Rows of threads are whole and each is there once."""
    script = repo.write("threads.py", _THREADS)

    ended = repo.start(str(script)).wait()

    assert ended.code == 0, ended.said
    _exactly(repo, 1600)


def test_a_signal_handler_may_log(repo: Repo) -> None:
    """A handler that logs in the middle of anything the tracker does spoils no record."""
    script = repo.write("handler.py", _HANDLER)

    ended = repo.start(str(script)).wait()

    assert ended.code == 0, ended.said
    listed = repo.xvc("ls")
    assert "damaged" not in listed.err
    check_rows(repo, repo.tokens())
    (run,) = repo.runs()
    assert run["status"] == "finished"


_INTERRUPTED = (
    _ACK
    + """
import signal
from xvc import Tracker
tracker = Tracker()
class Enough(Exception): pass
def hear(number, frame):
    raise Enough
signal.signal(signal.SIGALRM, hear)
interrupts = step = 0
while interrupts < 150:
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.0003)
        while True:
            step += 1
            tracker.log({"token": f"row-{step}", "step": step})
            ack(f"row-{step}")
    except Enough:
        interrupts += 1
"""
)


def test_an_exception_in_the_middle_of_a_row_spoils_no_other(repo: Repo) -> None:
    """An interrupt or a time limit may break off ``log`` anywhere; what was acknowledged stays."""
    script = repo.write("interrupted.py", _INTERRUPTED)

    ended = repo.start(str(script)).wait()

    assert ended.code == 0, ended.said
    listed = repo.xvc("ls")
    assert "damaged" not in listed.err
    check_rows(repo, repo.tokens())


def test_a_row_that_a_handler_logged_survives_the_kill_that_follows(repo: Repo) -> None:
    """``log`` in a handler has returned, so the row is in the kernel, whatever it interrupted."""
    script = repo.write("handler.py", _KILLED_IN_HANDLER)

    ended = repo.start(str(script)).wait()

    assert ended.code == -signal.SIGKILL
    assert repo.acks() == ["main-0", "handler-0"]
    check_rows(repo, repo.tokens())


def test_eight_processes_log_a_thousand_rows_each_while_a_reader_polls(repo: Repo) -> None:
    """No reader is refused, none sees a row twice, and in the end all rows are there."""
    writers = [
        repo.start("xvc", "run", "--", *repo.logging(f"p{number}", 1000)) for number in range(8)
    ]

    seen: list[Counter[str]] = []
    while not all(writer.has_ended() for writer in writers):
        listed = repo.xvc("ls", "--json")
        assert listed.code == 0, listed.said
        seen.append(repo.seen())
    codes = [writer.wait().code for writer in writers]

    assert codes == [0] * 8
    assert all(count == 1 for found in seen for count in found.values())
    sizes = [len(found) for found in seen]
    assert sizes == sorted(sizes)
    _exactly(repo, 8000)
    assert {run["status"] for run in repo.runs()} == {"finished"}


_LATE = (
    _ACK
    + """
import time
from pathlib import Path
from xvc import Tracker
tracker = Tracker()
go = Path(os.environ["ACKS"] + ".go")
tracker.log({"token": "early-0"})
ack("early-0")
while not go.exists(): time.sleep(0.005)
for step in range(3):
    tracker.log({"token": f"late-{step}"})
    ack(f"late-{step}")
if sys.argv[1] == "killed":
    os.kill(os.getpid(), 9)
if sys.argv[1] == "waits":
    while go.exists(): time.sleep(0.005)
"""
)


@pytest.mark.usefixtures("injector")
@pytest.mark.parametrize("ending", ["closed", "killed", "waits"])
def test_rows_logged_during_a_fold_are_in_the_next_one(repo: Repo, ending: str) -> None:
    """A fold that was slow takes what it has read for folded, and nothing that came after."""
    script = repo.write("late.py", _LATE)
    writer = repo.start(str(script), ending)
    wait_for(lambda: repo.acks() == ["early-0"])
    at = _first_store_write(repo)
    folder = repo.start("xvc", "ls", fault=Fault(at, "stop"))
    wait_for(folder.has_stopped, what="the stop of the fold")
    go = Path(f"{repo.aside / 'acks'}.go")
    go.touch()
    wait_for(lambda: len(repo.acks()) == 4)
    if ending != "waits":
        writer.wait()

    os.kill(folder.pid, signal.SIGCONT)

    assert folder.wait().code == 0
    found = repo.tokens()
    go.unlink()
    check_rows(repo, found)
    if ending == "waits":
        writer.wait()
    assert repo.run_logging("next").code == 0
    repo.ran("tag")
    check_rows(repo, repo.tokens())


def _first_store_write(repo: Repo) -> int:
    """Number the storage call at which a fold of this repository begins to write its rows."""
    from faulty import copy_repo  # a copy is folded to find out

    trial = copy_repo(repo, repo.root.parent / "trial")
    log = repo.aside / "points"
    trial.xvc("ls", fault=Fault(), more={"FAULT_LOG": str(log)})
    lines = log.read_text().splitlines()
    is_store = re.compile(r"duckdb(\.\d+\.new)?\.wal$").search  # a first one is made beside
    return next(int(line.split()[0]) for line in lines if is_store(line))
