"""What a process tree uses is measured from outside, and nothing that is missing is an error."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from xvc.core.run import ResourceUsage
from xvc.system.cgroup import oom_kills
from xvc.system.gpu import Gpus
from xvc.system.process_tree import ProcessTree, UsageSampler, boot_id, started_at

BURN = (
    "import time; block = b'x' * 80_000_000; began = time.process_time()\n"
    "while time.process_time() - began < 0.3: pass\n"
    "print('ready', flush=True); time.sleep(600)"
)
Spawn = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def spawn() -> Iterator[Spawn]:
    started: list[subprocess.Popen[bytes]] = []

    def spawn(*argv: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, start_new_session=True)
        started.append(process)
        assert process.stdout is not None
        process.stdout.readline()
        return process

    yield spawn
    for process in started:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def test_a_tree_is_measured_with_its_grandchildren(spawn: Spawn) -> None:
    """CPU and memory of what a child started count as the child's."""
    process = spawn("sh", "-c", '"$@"; true', "sh", sys.executable, "-c", BURN)
    sampler = UsageSampler(process.pid, interval_seconds=0.05, delay=0.0)
    sampler.start()
    time.sleep(0.3)
    usage = sampler.stop()

    assert usage.cpu_seconds is not None
    assert usage.cpu_seconds >= 0.25
    assert usage.peak_memory is not None
    assert usage.peak_memory >= 80_000_000
    assert (usage.read_bytes is None) == (sys.platform != "linux")


_OWN = """
import os, time
from xvc.system.process_tree import UsageSampler
block = b"x" * 30_000_000
for _ in range(3_000_000):
    pass
before = time.process_time()
sampler = UsageSampler(os.getpid(), interval_seconds=0.05, delay=0.0)
sampler.start()
while time.process_time() - before < 0.4:
    sum(range(1000))
usage = sampler.stop()
print(usage.cpu_seconds, time.process_time() - before, usage.peak_memory >= len(block))
"""


def test_our_own_process_is_measured_from_the_start_on() -> None:
    """A tracker is told what was used since it began, not since the interpreter did."""
    told = subprocess.run([sys.executable, "-c", _OWN], capture_output=True, text=True, check=True)
    cpu, spent, is_seen = told.stdout.split()

    assert 0.35 <= float(cpu) <= float(spent) + 0.1
    assert is_seen == "True"


def test_a_short_tracker_still_knows_its_cpu() -> None:
    """Stopped before the first look, the clock of our own process answers."""
    sampler = UsageSampler(os.getpid(), delay=60.0)
    sampler.start()
    usage = sampler.stop()

    assert usage.cpu_seconds is not None
    assert usage.peak_memory is None


def test_a_process_that_is_gone_has_used_nothing() -> None:
    """A number that nobody has is no error."""
    process = subprocess.Popen(["true"])
    process.wait()
    sampler = UsageSampler(process.pid, delay=0.0)
    sampler.start()
    time.sleep(0.1)

    assert sampler.stop() == ResourceUsage()


def test_a_process_that_ended_and_was_not_waited_for_is_not_drawn() -> None:
    """It holds no memory any more: a look that said so would end each curve at 0."""
    told: list[ResourceUsage] = []
    process = subprocess.Popen([sys.executable, "-c", "sum(range(3_000_000))"])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    sampler = UsageSampler(
        process.pid, interval_seconds=0.01, delay=0.0, tell=lambda _, seen: told.append(seen)
    )
    sampler.start()
    time.sleep(0.2)
    usage = sampler.stop()
    process.wait()

    assert told == []
    assert usage.cpu_seconds is not None
    assert usage.cpu_seconds > 0


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_does_not_wait_for_a_thread_it_lacks() -> None:
    """After a fork the sampler belongs to the parent alone; the child gets an empty answer."""
    sampler = UsageSampler(os.getpid(), delay=0.0)
    sampler.start()
    child = os.fork()
    if child == 0:
        os._exit(7 if sampler.stop() == ResourceUsage() else 1)
    _, status = os.waitpid(child, 0)
    sampler.stop()

    assert os.waitstatus_to_exitcode(status) == 7


def test_a_tree_remembers_whom_its_root_left_behind(spawn: Spawn) -> None:
    """Members seen once stay members when their parent is gone."""
    process = spawn("sh", "-c", "sleep 600 & echo up; wait")
    tree = ProcessTree(process.pid)
    before = {member.pid for member in tree.look()}
    process.kill()
    process.wait()
    after = {member.pid for member in tree.look()}

    assert process.pid in before
    assert after == before - {process.pid}


def test_processes_are_told_apart_by_their_start(spawn: Spawn) -> None:
    """A start is fixed while a process lives and unknown when it does not."""
    process = spawn("sh", "-c", "echo up; exec sleep 600")
    first, again = started_at(process.pid), started_at(process.pid)
    process.kill()
    process.wait()

    assert first is not None
    assert (again, started_at(process.pid)) == (first, None)


@pytest.mark.skipif(sys.platform != "linux", reason="needs waitid, which macOS has from 3.13 on")
def test_a_process_that_waits_to_be_collected_is_dead(spawn: Spawn) -> None:
    """A zombie does nothing any more, so nobody shall wait for it."""
    process = spawn("sh", "-c", "echo up; exec sleep 600")
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)

    assert started_at(process.pid) is None


def test_the_boot_is_the_same_in_every_process() -> None:
    """Two processes of one machine name its start alike."""
    call = "from xvc.system.process_tree import boot_id; print(boot_id())"
    path = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    other = subprocess.run([sys.executable, "-c", call], capture_output=True, check=True, env=path)

    assert other.stdout.decode().strip() == boot_id() != ""


def proc_with(tmp_path: Path, memberships: str, **files: str) -> tuple[Path, Path]:
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text(memberships)
    for name, text in files.items():
        path = tmp_path / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "proc", tmp_path / "mounted"


def test_kills_are_counted_in_version_2(tmp_path: Path) -> None:
    """The events of our own unified group are read."""
    events = {"mounted__user__lab__memory_dot_events": "low 0\noom 5\noom_kill 3\n"}
    places = proc_with(tmp_path, "0::/user/lab\n", **events)

    assert oom_kills(*places) == 3


def test_kills_are_counted_in_version_1(tmp_path: Path) -> None:
    """The memory controller's group wins over an empty unified one."""
    control = {"mounted__memory__job__memory_dot_oom_control": "under_oom 0\noom_kill 2\n"}
    places = proc_with(tmp_path, "9:cpu:/\n4:cpu,memory:/job\n0::/\n", **control)

    assert oom_kills(*places) == 2


def test_a_container_counts_at_the_root_of_its_mount(tmp_path: Path) -> None:
    """A path of the host that the container's mount does not have is its root."""
    events = {"mounted__memory_dot_events": "oom_kill 4\n"}
    places = proc_with(tmp_path, "0::/kubepods/pod1\n", **events)

    assert oom_kills(*places) == 4


def test_the_root_group_counts_for_the_machine(tmp_path: Path) -> None:
    """Where the group has no counter the kernel's total serves."""
    places = proc_with(tmp_path, "0::/\n", proc__vmstat="pgfault 9\noom_kill 1\n")

    assert oom_kills(*places) == 1


def test_no_counter_is_no_error(tmp_path: Path) -> None:
    """Without any of the files the answer is that nobody knows."""
    assert oom_kills(tmp_path / "proc", tmp_path / "mounted") is None


FAKE_DRIVER = """
typedef struct { unsigned pid; unsigned long long memory; unsigned gi, ci; } process;
int nvmlInit_v2(void) { return STARTS; }
int nvmlShutdown(void) { return 0; }
int nvmlDeviceGetCount_v2(unsigned *count) { *count = 3; return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **card) {
  *card = (void *)(0x7f0000000000ul + index); return 0; }
int nvmlDeviceGetComputeRunningProcesses_VERSION(void *card, unsigned *count, process *found) {
  unsigned index = (unsigned long)card & 0xff;
  *count = 2;
  found[0].pid = 41 + index; found[0].memory = 1000 * (index + 1) + 0x100000000ul;
  found[1].pid = 41; found[1].memory = index == 1 ? -1ul : 7;
  return index == 2 ? 999 : 0; }
int nvmlDeviceGetUtilizationRates(void *card, unsigned *load) {
  load[0] = 30 + ((unsigned long)card & 0xff); load[1] = 1; return 0; }
"""


@pytest.fixture
def driver(tmp_path: Path) -> Callable[..., str]:
    if shutil.which("cc") is None:
        pytest.skip("no C compiler to make a driver with")

    def build(*, version: str = "v3", starts: int = 0) -> str:
        source, target = tmp_path / "driver.c", tmp_path / f"driver-{version}-{starts}.so"
        source.write_text(FAKE_DRIVER.replace("VERSION", version).replace("STARTS", str(starts)))
        subprocess.run(["cc", "-shared", "-fPIC", "-o", target, source], check=True)
        return str(target)

    return build


@pytest.mark.parametrize("version", ["v2", "v3"])
def test_cards_are_summed_over_the_tree(driver: Callable[..., str], version: str) -> None:
    """Memory is the sum over cards and members, load the busiest card's, past 4 GB and old drivers.

    A size that the driver does not know, and a card that fails, count nothing.
    """
    cards = Gpus.open(driver(version=version))
    assert cards is not None
    used = cards.look({41, 42})
    cards.close()

    assert used == ((1000 + 2**32) + 7 + (2000 + 2**32), 31.0)


def test_cards_of_others_are_not_ours(driver: Callable[..., str]) -> None:
    """A card that none of us uses tells nothing about us."""
    cards = Gpus.open(driver())
    assert cards is not None

    assert cards.look({7}) == (None, None)


def test_a_library_without_a_driver_is_no_card(driver: Callable[..., str]) -> None:
    """The library may be installed where no driver runs, or be absent, or be too old."""
    opened = [
        Gpus.open(driver(starts=9)),
        Gpus.open("libno-such-thing.so.1"),
        Gpus.open(driver(version="v1")),
    ]

    assert opened == [None, None, None]
