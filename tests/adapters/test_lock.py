"""One process at a time holds a lock, and whoever waits is told for whom."""

from __future__ import annotations

import errno
import fcntl
import gc
import os
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xvc.errors import BadValue, LockBusy
from xvc.system.lease import holder_of
from xvc.system.lock import FileLock, Owner, current_owner, is_alive

HOLD = """
import sys, time; from pathlib import Path
{first}
from xvc.system.lock import FileLock
lock = FileLock(Path(sys.argv[1])); lock.acquire(5, "a long fold")
print("held", flush=True); sys.stdin.readline(); lock.release(); print("free", flush=True)
sys.stdin.readline()
"""
COUNT = """
import sys; from pathlib import Path
{first}
from xvc.system.lock import FileLock
lock, total = FileLock(Path(sys.argv[1])), Path(sys.argv[2])
for _ in range(25):
    with lock.held(wait=60, doing="count"):
        seen = int(total.read_text()); total.write_text(str(seen + 1))
"""
REFUSE = (
    "import errno, fcntl\n"
    "def refuse(fd, how): raise OSError(errno.ENOTSUP, 'no locks here')\n"
    "fcntl.flock = refuse"
)
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def without_flock(monkeypatch: pytest.MonkeyPatch) -> str:
    """A filesystem without ``flock``: what another process does first to be on it."""

    def refuse(fd: int, how: int) -> None:
        raise OSError(errno.ENOTSUP, "no locks here")

    monkeypatch.setattr(fcntl, "flock", refuse)
    return REFUSE


@pytest.fixture(params=["flock", "lease"])
def first(request: pytest.FixtureRequest) -> str:
    """Either kind of filesystem."""
    if request.param == "flock":
        return ""
    refusing: str = request.getfixturevalue("without_flock")
    return refusing


@pytest.fixture
def start(first: str) -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def start(code: str, *arguments: Path) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", code.format(first=first), *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def heard(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_a_held_lock_names_its_holder(start: Start, tmp_path: Path) -> None:
    """Another process is refused at once and learns who holds the lock, and at what."""
    other = start(HOLD, tmp_path / "fold.lock")
    heard(other)
    with pytest.raises(LockBusy) as caught:
        FileLock(tmp_path / "fold.lock").acquire(0, "read")

    assert (caught.value.name, caught.value.holder) == (
        "fold.lock",
        f"pid {other.pid} (a long fold)",
    )


def test_a_waiter_gets_the_lock_when_it_is_given_back(start: Start, tmp_path: Path) -> None:
    """Waiting ends with the lock, not with the deadline."""
    other = start(HOLD, tmp_path / "fold.lock")
    heard(other)
    assert other.stdin is not None
    other.stdin.write("\n")
    other.stdin.flush()
    lock = FileLock(tmp_path / "fold.lock")
    with lock.held(wait=30, doing="read"):
        held_inside = lock.is_held

    assert (held_inside, lock.is_held) == (True, False)


def test_a_killed_holder_frees_the_lock(start: Start, tmp_path: Path) -> None:
    """A process that dies with the lock keeps nobody out."""
    other = start(HOLD, tmp_path / "fold.lock")
    heard(other)
    other.send_signal(signal.SIGKILL)
    other.wait()
    lock = FileLock(tmp_path / "fold.lock")
    lock.acquire(5, "read")

    assert lock.is_held
    lock.release()


def test_no_count_is_lost_between_processes(start: Start, tmp_path: Path) -> None:
    """Read and write under the lock is one step, for four processes at once."""
    (tmp_path / "total").write_text("0")
    counting = [start(COUNT, tmp_path / "a.lock", tmp_path / "total") for _ in range(4)]
    codes = [process.wait() for process in counting]

    assert codes == [0] * 4
    assert (tmp_path / "total").read_text() == "100"


def test_no_count_is_lost_between_threads(first: str, tmp_path: Path) -> None:
    """Threads that share one lock object exclude each other, and so do two objects."""
    shared, total = FileLock(tmp_path / "a.lock"), [0]

    def count(lock: FileLock) -> None:
        for _ in range(20):
            with lock.held(wait=60, doing="count"):
                seen = total[0]
                os.sched_yield()
                total[0] = seen + 1

    locks = (shared, shared, FileLock(tmp_path / "a.lock"))
    threads = [threading.Thread(target=count, args=(lock,)) for lock in locks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert total == [60]


def test_a_failing_body_gives_the_lock_back(first: str, tmp_path: Path) -> None:
    """Whatever is raised under a lock, the lock is free afterwards."""
    lock = FileLock(tmp_path / "deep" / "a.lock")
    with pytest.raises(ZeroDivisionError), lock.held(wait=0, doing="divide"):
        1 / 0  # noqa: B018
    FileLock(lock.path).acquire(0, "again")

    assert not lock.is_held


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_neither_has_nor_keeps_the_lock(first: str, tmp_path: Path) -> None:
    """The child does not hold it, cannot free it by leaving, and does not keep it by staying."""
    lock, other = FileLock(tmp_path / "a.lock"), FileLock(tmp_path / "a.lock")
    lock.acquire(0, "fold")
    stays, goes = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(goes)
        lock.release()
        os.read(stays, 1)
        os._exit(3 if lock.is_held else 0)
    with pytest.raises(LockBusy):
        other.acquire(0, "read")
    lock.release()
    other.acquire(0, "read")
    os.close(goes)
    _, status = os.waitpid(child, 0)
    os.close(stays)

    assert (other.is_held, os.waitstatus_to_exitcode(status)) == (True, 0)


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_surviving_child_does_not_keep_a_dead_parents_lock(tmp_path: Path) -> None:
    """A worker that outlives the holder has closed its copy at birth."""
    path = tmp_path / "a.lock"
    code = (
        "import os, sys, time; from pathlib import Path\n"
        "from xvc.system.lock import FileLock\n"
        "lock = FileLock(Path(sys.argv[1])); lock.acquire(0, 'fold')\n"
        "child = os.fork()\n"
        "if child == 0: time.sleep(600)\n"
        "os.write(1, b'%d\\n' % child); os._exit(0)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    parent = subprocess.Popen(
        [sys.executable, "-c", code, path], stdout=subprocess.PIPE, env=environment
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.wait()
    parent.stdout.close()
    lock = FileLock(path)
    lock.acquire(30, "read")
    os.kill(child, signal.SIGKILL)

    assert lock.is_held


def test_a_lock_on_a_deleted_file_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is deleted between opening and locking excludes nobody: it is tried again."""
    path, lock_it = tmp_path / "a.lock", fcntl.flock
    losing = [True]

    def flock(fd: int, how: int) -> None:
        if losing.pop() if losing else False:
            path.unlink()
        lock_it(fd, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    lock = FileLock(path)
    lock.acquire(10, "fold")
    with pytest.raises(LockBusy):
        FileLock(path).acquire(0, "read")

    assert lock.is_held
    lock.release()


def test_a_released_lock_is_free_whoever_has_a_copy(tmp_path: Path) -> None:
    """A descriptor that a fork in another thread has just copied does not keep the lock."""
    lock = FileLock(tmp_path / "a.lock")
    lock.acquire(0, "fold")
    assert lock._fd is not None
    copy = os.dup(lock._fd)
    lock.release()
    other = FileLock(tmp_path / "a.lock")
    other.acquire(0, "read")
    os.close(copy)

    assert other.is_held
    other.release()


def test_a_claimant_that_slept_finds_who_came_after(
    without_flock: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between looking and claiming, others may have come and gone: the highest number counts."""
    create, path = os.open, tmp_path / "a.lock"

    def open_late(name: object, *more: int) -> int:
        if str(name).endswith(".lease.1"):
            (tmp_path / "a.lock.lease.2").write_text(f"{current_owner()}\nfold\n")
        return create(name, *more)  # type: ignore[call-overload, no-any-return]

    monkeypatch.setattr(os, "open", open_late)
    with pytest.raises(LockBusy):
        FileLock(path).acquire(0, "read")

    assert {each.name for each in tmp_path.iterdir()} == {"a.lock", "a.lock.lease.2"}


def test_the_file_stays(first: str, tmp_path: Path) -> None:
    """A lock's file is never deleted, and names nobody when nobody holds it."""
    lock = FileLock(tmp_path / "a.lock")
    with lock.held(wait=0, doing="fold"):
        pass

    assert (tmp_path / "a.lock").read_bytes() == b""
    assert holder_of(tmp_path / "a.lock") == ""


def test_locks_are_not_kept_alive(tmp_path: Path) -> None:
    """The hook that closes locks in forked children does not keep them from being collected."""
    seen = weakref.ref(FileLock(tmp_path / "a.lock"))
    gc.collect()

    assert seen() is None


def test_a_disk_that_refuses_is_no_busy_lock(tmp_path: Path) -> None:
    """A lock that can never be taken says so at once instead of waiting."""
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        FileLock(tmp_path / "file" / "a.lock").acquire(60, "fold")


def test_a_lease_of_a_reused_number_is_free(without_flock: str, tmp_path: Path) -> None:
    """The same pid, started at another time, is another process."""
    earlier = replace(current_owner(), started=1)
    (tmp_path / "a.lock.lease.7").write_text(f"{earlier}\nfold\n")
    lock = FileLock(tmp_path / "a.lock")
    lock.acquire(0, "read")

    assert lock.is_held
    assert {path.name for path in tmp_path.iterdir()} == {"a.lock", "a.lock.lease.8"}


def test_a_lease_of_another_host_is_respected(without_flock: str, tmp_path: Path) -> None:
    """Whether a process of another host lives cannot be known, so it is waited for."""
    far = Owner("elsewhere", 12, 34, "cluster-7")
    (tmp_path / "a.lock.lease.1").write_text(f"{far}\nfold\n")
    with pytest.raises(LockBusy) as caught:
        FileLock(tmp_path / "a.lock").acquire(0, "read")

    assert caught.value.holder == "pid 12 on cluster-7 (fold)"


def owners() -> st.SearchStrategy[Owner]:
    words = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=20)
    counts = st.integers(min_value=0, max_value=2**63)
    return st.builds(Owner, boot=words | st.just(""), pid=counts, started=counts, host=words)


@given(owners())
def test_an_owner_survives_being_written(owner: Owner) -> None:
    """Whatever we write of a process, we can read back."""
    assert Owner.parse(str(owner)) == owner


@given(st.text(max_size=30))
def test_no_other_text_is_an_owner(text: str) -> None:
    """A record is read as it was written, or refused."""
    try:
        read = str(Owner.parse(text))
    except BadValue:
        read = text

    assert read == text


def test_we_are_alive() -> None:
    """A process that asks about itself is answered yes, and from a pid alone nothing follows."""
    me = current_owner()

    assert is_alive(me) is True
    assert is_alive(replace(me, started=me.started + 1)) is False


def test_the_dead_are_dead() -> None:
    """A process that has ended is not alive, collected or not."""
    process = subprocess.Popen(["sleep", "600"])
    alive = replace(current_owner(), pid=process.pid)
    process.kill()
    process.wait()

    assert is_alive(alive) is False


@pytest.mark.parametrize(
    ("other", "answer"),
    [
        ({"host": "another"}, None),
        ({"boot": "another-start.1"}, False),
        ({"boot": ""}, None),
    ],
)
def test_other_machines_are_unknown_and_other_starts_dead(
    other: dict[str, str], answer: bool | None
) -> None:
    """A restart ended every process of before; of other hosts nothing is known."""
    assert is_alive(replace(current_owner(), **other)) is answer


@pytest.mark.skipif(sys.platform != "linux", reason="namespaces are Linux's")
def test_another_container_of_this_machine_is_unknown() -> None:
    """The same start of the same host, but other process numbers: nobody can tell."""
    me = current_owner()
    neighbour = replace(me, boot=me.boot.partition(".")[0] + ".1")

    assert is_alive(neighbour) is None
