"""Processes of this machine: what a tree of them uses, who belongs to it, when each began.

The only door to psutil, which takes some 30 ms to import and is therefore imported late. Starts
no process, and a figure that cannot be had is no error.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from xvc.core.run import ResourceUsage
from xvc.system.gpu import Gpus
from xvc.system.path_containment import is_inside
from xvc.system.usage import larger, traffic_of

if TYPE_CHECKING:
    from psutil import Process

_LARGEST_SHARE = 0.01


def boot_id() -> str:
    """Return what names this start of this machine, the same in all its processes; "" if nothing.

    On Linux the process namespace is part of it: two containers number their processes apart.
    """
    if sys.platform == "darwin":
        return _sysctl(b"kern.bootsessionuuid")
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        namespace = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""
    return f"{boot}.{namespace.strip('pid:[]')}"


def _sysctl(name: bytes) -> str:
    system, value, size = ctypes.CDLL(None), ctypes.create_string_buffer(64), ctypes.c_size_t(64)
    failed = system.sysctlbyname(name, value, ctypes.byref(size), None, 0)
    return "" if failed else value.value.decode("ascii", "replace")


def started_at(pid: int) -> int | None:
    """Return when a process began, in a unit of the platform's own; None if it does not live."""
    if sys.platform != "linux":
        import psutil  # late: only where there is no /proc

        try:
            return int(psutil.Process(pid).create_time() * 1e6)
        except psutil.Error:
            return None
    try:
        after_name = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return None
    is_dead = after_name[0] in (b"Z", b"X")
    return None if is_dead else int(after_name[19])


def is_anybody_in(folder: Path) -> bool:
    """Whether a process that we may look at stands in a folder or below it."""
    import psutil  # late: 30 ms

    top = folder.resolve()
    found = (process.info["cwd"] for process in psutil.process_iter(["cwd"]))
    return any(is_inside(Path(place), top) for place in found if place)


class ProcessTree:
    """A process and all that it started, remembered after their parents have gone."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._members: tuple[Process, ...] = ()

    def look(self) -> tuple[Process, ...]:
        """Return the living members, the root first; a number used again is no member."""
        import psutil  # late: a short command never asks

        with contextlib.suppress(psutil.Error):
            self._members = self._members or (psutil.Process(self.pid),)
        seen: dict[int, Process] = {}
        for member in self._members:
            with contextlib.suppress(psutil.Error):
                if member.pid not in seen and member.is_running():
                    seen[member.pid] = member
                    seen |= {child.pid: child for child in member.children(recursive=True)}
        self._members = tuple(seen.values()) or self._members
        return tuple(seen.values())

    def is_stopped(self) -> bool:
        """Tell whether the root is held by job control."""
        import psutil

        with contextlib.suppress(psutil.Error):
            return bool(psutil.Process(self.pid).status() == psutil.STATUS_STOPPED)
        return False

    def signal(self, number: int) -> None:
        """Send *number* to every member that we may signal."""
        for member in self.look():
            _send(member, number)

    def signal_orphans(self, number: int) -> None:
        """Send *number* to what outlived the root without leaving our process group."""
        for member in self.look():
            with contextlib.suppress(OSError):
                if member.pid != self.pid and os.getpgid(member.pid) == os.getpgrp():
                    _send(member, number)

    def end_orphans(self, patience: float) -> None:
        """End what outlived the root, in its own session too: by TERM, and what stays by KILL."""
        import psutil

        left = [member for member in self.look() if member.pid != self.pid]
        for member in left:
            _send(member, signal.SIGTERM)
        _, left = psutil.wait_procs(left, timeout=patience)
        for member in left:
            _send(member, signal.SIGKILL)


def _send(member: Process, number: int) -> None:
    import psutil

    with contextlib.suppress(psutil.Error, OSError):
        member.send_signal(number)
        if number == signal.SIGTERM:  # a stopped process would not notice
            member.send_signal(signal.SIGCONT)


class UsageSampler:
    """Watches a process tree from a thread, until stopped.

    Memory is the peak of the summed resident sets: what processes share counts once for each.
    CPU and traffic count from `start` on, for a child from its birth. Looking may take one
    hundredth of a core, so on a machine with very many processes it looks less often.

    ``tell`` is called in that thread with the seconds since `start` and what one look has seen.
    """

    def __init__(
        self,
        pid: int,
        interval_seconds: float = 1.0,
        delay: float = 0.3,
        tell: Callable[[float, ResourceUsage], None] | None = None,
    ) -> None:
        self._meter = _Meter(pid)
        self._tell, self._began = tell, time.monotonic()
        self._interval, self._delay = interval_seconds, delay
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="xvc-sampler", daemon=True)
        self._home = os.getpid()

    def start(self) -> None:
        """Begin; the first look comes after the delay."""
        self._began = time.monotonic()
        self._thread.start()

    def stop(self) -> ResourceUsage:
        """End, and return what was seen; None for a figure that nobody could read."""
        if os.getpid() != self._home:  # forked: the thread, and perhaps a lock, stayed behind
            return ResourceUsage()
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout=1.0)  # a driver may hang; its figures are not worth a wait
        return larger(self._meter.usage, self._meter.own_usage())

    def _watch(self) -> None:
        if self._stopped.wait(self._delay):
            return
        with contextlib.suppress(ImportError), _cards() as cards:
            pause = 0.0
            while not self._stopped.wait(pause):
                began, spent = time.monotonic(), time.thread_time()
                seen = self._meter.look(cards)
                if seen is not None and self._tell is not None:
                    self._tell(began - self._began, seen)
                pause = max(self._interval, (time.thread_time() - spent) / _LARGEST_SHARE)
            if self._meter.is_own:
                self._meter.look(cards)


@contextlib.contextmanager
def _cards() -> Iterator[Gpus | None]:
    cards = Gpus.open()
    try:
        yield cards
    finally:
        if cards is not None:
            cards.close()


class _Meter:
    """Adds up what is seen of a tree: one thread looks, another reads."""

    def __init__(self, pid: int) -> None:
        self.usage = ResourceUsage()
        self.is_own = pid == os.getpid()
        self._tree = ProcessTree(pid)
        self._cpu: dict[tuple[int, float], float] = {}
        self._cpu_before = _own_cpu() if self.is_own else 0.0
        self._traffic_before = _own_traffic() if self.is_own else (0, 0)

    def own_usage(self) -> ResourceUsage:
        if not self.is_own:
            return ResourceUsage()
        return ResourceUsage(cpu_seconds=_own_cpu() - self._cpu_before)

    def look(self, cards: Gpus | None) -> ResourceUsage | None:
        """Add what is used at the moment, and return it; None where nothing lives any more."""
        import psutil

        resident, traffic, pids = 0, [0, 0], set[int]()
        for member in self._tree.look():
            with contextlib.suppress(psutil.Error, OSError), member.oneshot():
                times = member.cpu_times()
                self._cpu[member.pid, member.create_time()] = times.user + times.system
                if not (held := member.memory_info().rss):  # it has ended; nobody waited for it yet
                    continue
                resident += held
                pids.add(member.pid)
                if sys.platform == "linux":
                    # A sum over the living: the kernel adds a child's to whoever waited for it.
                    counters = member.io_counters()
                    traffic[0] += counters.read_bytes
                    traffic[1] += counters.write_bytes
        on_cards = cards.look(pids) if cards is not None and pids else (None, None)
        seen = self._take(resident, traffic, on_cards) if self._cpu else None
        return seen if pids else None

    def _take(
        self, resident: int, traffic: list[int], on_cards: tuple[int | None, float | None]
    ) -> ResourceUsage:
        read, written = (
            max(0, now - before) for now, before in zip(traffic, self._traffic_before, strict=True)
        )
        is_linux = sys.platform == "linux"
        seen = ResourceUsage(
            cpu_seconds=max(0.0, sum(self._cpu.values()) - self._cpu_before),
            peak_memory=resident,
            read_bytes=read if is_linux else None,
            written_bytes=written if is_linux else None,
            gpu_memory=on_cards[0],
            gpu_percent=on_cards[1],
        )
        self.usage = larger(self.usage, seen)
        return seen


class Gauge:
    """Reads how much of the machine is in use, and by this process and all that it started."""

    def __init__(self, folder: Path) -> None:
        import psutil  # late: thirty milliseconds, only for who asks

        self._folder, self._process = str(folder), psutil.Process()

    def read(self) -> dict[str, float]:
        """Return memory and disk in percent and our processes' memory in bytes; {} if hidden."""
        import psutil

        try:
            memory = self._process.memory_info().rss
            for each in self._started():
                with contextlib.suppress(psutil.Error, OSError):
                    memory += each.memory_info().rss
            return {
                "process_memory": memory,
                "memory_percent": psutil.virtual_memory().percent,
                "disk_percent": psutil.disk_usage(self._folder).percent,
            }
        except (psutil.Error, OSError):
            return {}

    def cpu_seconds(self) -> float:
        """Return the processor time of this process and of all that it started, living or not."""
        import psutil

        total = _own_cpu()
        for each in self._started():
            with contextlib.suppress(psutil.Error, OSError):
                total += sum(each.cpu_times()[:4])  # user, system, and of children it waited for
        return total

    def _started(self) -> list[Process]:
        """List the living processes that this one started, and those that they did."""
        import psutil

        if sys.platform != "linux":
            return self._process.children(recursive=True)
        found: dict[int, Process] = {}
        unseen = [os.getpid()]
        while unseen:
            for pid in _children(unseen.pop()):
                with contextlib.suppress(psutil.Error):
                    if pid not in found:
                        found[pid] = psutil.Process(pid)
                        unseen.append(pid)
        return list(found.values())


def _children(pid: int) -> list[int]:
    """List a process's children as the kernel has them; psutil would look at all there are."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(OSError):
                text = Path(f"/proc/{pid}/task/{thread}/children").read_text()
                found += map(int, text.split())
    return found


def network_traffic() -> dict[str, float]:
    """Return the bytes that this machine has sent and received since it started; {} if hidden."""
    import psutil

    try:
        counted = psutil.net_io_counters()
    except (psutil.Error, OSError):
        return {}
    names = ("bytes_sent", "bytes_recv")  # of None, where a machine has no interface at all
    return {name: getattr(counted, name) for name in names if hasattr(counted, name)}


def _own_cpu() -> float:
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime


def _own_traffic() -> tuple[int, int]:
    mine = traffic_of(resource.getrusage(resource.RUSAGE_SELF))
    ended = traffic_of(resource.getrusage(resource.RUSAGE_CHILDREN))
    return mine[0] + ended[0], mine[1] + ended[1]
