"""How runs end outside `xvc run`: each way of ending, and what is right to say of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType

import pytest

from xvc import Reader, Tracker
from xvc.core.record import Control, RecordKind, in_order
from xvc.core.run import RunRecord
from xvc.errors import BadValue, NoRun
from xvc.journal.writer import Journal
from xvc.project import Project
from xvc.recovery.lost_runs import opened
from xvc.store import query
from xvc.types import RunId

HEAD = """
import multiprocessing, os, signal, sys, threading
from xvc import Tracker

DB = sys.argv[1]

def begin(name):
    tracker = Tracker(DB, name=name)
    tracker.log({"a": 1})
    return tracker

def fit(name):
    tracker = begin(name)
    if name == "bad":
        raise ValueError("diverged")
    return 1

def forked(work):
    child = os.fork()
    if child == 0:
        work()
    os.waitpid(child, 0)
"""
WAYS = Path(__file__).with_name("endings.txt")


def ways() -> Iterator[tuple[str, str, dict[str, str]]]:
    """Each program by its name, with the state that each of its runs has to end in."""
    for section in f"\n{WAYS.read_text()}".split("\n== ")[1:]:
        head, _, program = section.partition("\n")
        name, _, states = head.partition(" :: ")
        yield name, program, dict(state.split(" ") for state in states.split(", "))


def runs_in(db: Path) -> list[RunRecord]:
    project = Project.find(db.parent, {}, {"database": str(db)})
    with opened(project) as connection:
        return query.all_runs(connection)


FORKING = """
import os, sys
import duckdb, xvc.recording.begin_run, xvc.tracking.tracker, xvc.tracking.opening

running = set()
for script in sys.argv[1:]:
    if len(running) == 3:
        running.remove(os.wait()[0])
    running.add(os.fork())
    if 0 in running:
        break
else:
    while running:
        running.remove(os.wait()[0])
    os._exit(0)
os.chdir(os.path.dirname(script))
sys.argv, __file__ = [script, "t.duckdb"], script
exec(compile(open(script).read(), script, "exec"))
"""
"""Runs each script in a fork that has loaded xvc, and that ends as its interpreter does."""


@pytest.mark.parametrize("forked", [True, pytest.param(False, marks=pytest.mark.sweep)])
def test_a_run_ends_as_its_code_did(tmp_path: Path, forked: bool) -> None:
    """Some seventy ways of ending, each in a process of its own, which `-m sweep` starts afresh."""
    known = list(ways())
    scripts = [tmp_path / str(place) / "script.py" for place, _ in enumerate(known)]
    for script, (_, program, _) in zip(scripts, known, strict=True):
        script.parent.mkdir()
        script.write_text(HEAD + program)
    some = [scripts] if forked else [[script] for script in scripts]
    for each in some:
        words = ["-c", FORKING, *each] if forked else [*each, each[0].with_name("t.duckdb")]
        subprocess.run(
            [sys.executable, *words],
            cwd=each[0].parent,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )

    found = {
        name: {str(run.name): run.status.value for run in runs_in(script.with_name("t.duckdb"))}
        for script, (name, _, _) in zip(scripts, known, strict=True)
    }

    assert found == {name: states for name, _, states in known}


def test_a_lost_run_took_until_it_last_wrote(tmp_path: Path) -> None:
    """Not until somebody looked."""
    script = HEAD + "t = begin('t'); os.kill(os.getpid(), 9)\n"
    subprocess.run([sys.executable, "-c", script, tmp_path / "t.duckdb"], check=False, cwd=tmp_path)
    time.sleep(2)

    (run,) = runs_in(tmp_path / "t.duckdb")

    assert run.seconds is not None
    assert run.seconds < 1.5


@pytest.fixture
def backwards(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that goes back ten minutes with each look."""
    looks = iter(range(10**6))
    monkeypatch.setattr("xvc.journal.writer.time", lambda: 1.8e9 - 600 * next(looks))


@pytest.mark.usefixtures("backwards")
def test_a_clock_that_steps_back_changes_no_order(tmp_path: Path) -> None:
    """Rows and last values follow the order in which they were logged."""
    db = tmp_path / "t.duckdb"
    with Tracker(db) as tracker:
        for step in range(5):
            tracker.log({"step": step, "loss": None if step == 3 else float(step)})

    assert Reader(db).values("step") == [0, 1, 2, 3, 4]
    assert runs_in(db)[0].metrics == {"step": 4, "loss": 4.0}


def test_records_of_one_writer_keep_their_order() -> None:
    """An end that an earlier clock dates is still the end."""
    run = RunId("bcdfghjkmnpq")
    records = [
        Control(kind, run, None, at, "w", number)
        for number, (kind, at) in enumerate(
            [(RecordKind.BEGIN, 9.0), (RecordKind.SET, 8.0), (RecordKind.END, 1.0)]
        )
    ]

    assert in_order(reversed(records)) == records


def test_an_interrupt_leaves_no_lock_held(tmp_path: Path) -> None:
    """Wherever Ctrl-C comes in the middle of a row, another thread can log afterwards."""
    journal = Journal(tmp_path, {})
    main = threading.get_ident()
    stop = threading.Event()

    def interrupt() -> None:
        while not stop.wait(0.002):
            signal.pthread_kill(main, signal.SIGINT)

    before = signal.signal(signal.SIGINT, _in_a_row_only)
    killer = threading.Thread(target=interrupt)
    killer.start()
    until, caught = time.monotonic() + 1.0, 0
    try:
        while time.monotonic() < until:
            try:
                for step in range(1_000):
                    journal.row(RunId("bcdfghjkmnpq"), "events", {"step": step, "loss": 0.5})
            except KeyboardInterrupt:
                caught += 1
                with ThreadPoolExecutor(1) as another:
                    assert another.submit(_is_free, journal).result()
    finally:
        stop.set()
        killer.join()
        signal.signal(signal.SIGINT, before)

    assert caught > 20


def _in_a_row_only(number: int, frame: FrameType | None) -> None:
    """Interrupt a row wherever it is, and nothing of the test around it."""
    while frame is not None:
        if frame.f_code is Journal.row.__code__:
            raise KeyboardInterrupt
        frame = frame.f_back


def _is_free(journal: Journal) -> bool:
    held = journal._lock.acquire(timeout=1)
    if held:
        journal._lock.release()
    return held


def test_many_writers_share_few_descriptors(tmp_path: Path) -> None:
    """Two hundred that nobody closes; the first can still log, and nothing is lost."""
    before = len(os.listdir("/dev/fd"))
    journals = [Journal(tmp_path, {}) for _ in range(200)]
    for journal in journals:
        journal.row(RunId("bcdfghjkmnpq"), "events", {"a": 1})

    assert len(os.listdir("/dev/fd")) - before < 150
    lines = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert lines.count(b'"i:a":1') == 200


@pytest.fixture
def db(tmp_path: Path) -> Path:
    """A store with a run called *first* that has ended."""
    with Tracker(tmp_path / "t.duckdb", name="first") as tracker:
        tracker.log({"step": 0})
    return tmp_path / "t.duckdb"


def test_a_run_can_be_gone_on_with(db: Path) -> None:
    """By name or by id: the rows are of one run, which ends when the last tracker does."""
    (first,) = runs_in(db)
    second = Tracker(db, run="first", resume=True)
    second.log({"step": 1})
    meanwhile = runs_in(db)[0].status.value
    second.close("failed", "no memory")
    then = runs_in(db)[0]
    with Tracker(db, run=first.id, resume=True) as third:
        third.log({"step": 2})
    (last,) = runs_in(db)

    assert (meanwhile, then.status.value, then.reason) == ("running", "failed", "no memory")
    assert (last.id, last.status.value, last.reason) == (first.id, "finished", None)
    assert last.metrics["step"] == 2
    assert Reader(db).values("track_id") == [first.id] * 3


def test_a_run_of_another_process_that_lives_is_ended_there(db: Path) -> None:
    """A tracker that goes on with it only adds rows."""
    owner = Tracker(db, name="long")
    script = (
        "import sys; from xvc import Tracker\n"
        "with Tracker(sys.argv[1], run='long', resume=True) as t: t.log({'step': 7})\n"
    )
    subprocess.run([sys.executable, "-c", script, db], check=True, cwd=db.parent)
    during = next(run for run in runs_in(db) if run.name == "long")
    owner.close()

    assert (during.status.value, during.metrics) == ("running", {"step": 7})
    assert all(run.status.value == "finished" for run in runs_in(db))


def test_what_cannot_be_gone_on_with(db: Path) -> None:
    """An id of no run is refused, a new name begins one; what is meant has to be said."""
    with pytest.raises(NoRun):
        Tracker(db, run="bcdfghjkmnpq", resume=True)
    with pytest.raises(BadValue, match="resume=True"):
        Tracker(db, run="first")
    with pytest.raises(BadValue, match="run="):
        Tracker(db, resume=True)
    Tracker(db, run="second", resume=True).close()

    assert {run.name for run in runs_in(db)} == {"first", "second"}


def test_the_reason_is_the_exit_code(tmp_path: Path) -> None:
    """A code that only the C library sees is the reason, and its file is gone once it is read."""
    script = HEAD + "t = begin('t')\ndef main(): return 7\nraise SystemExit(main())\n"
    subprocess.run([sys.executable, "-c", script, tmp_path / "t.duckdb"], check=False, cwd=tmp_path)

    (run,) = runs_in(tmp_path / "t.duckdb")

    assert (run.status.value, run.reason) == ("failed", "exit 7")
    assert not list(tmp_path.rglob("exit-codes/*/*"))
