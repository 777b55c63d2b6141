"""What a tracked call uses of its machine, seen from a thread; never from another process.

A thread can be started wherever a function can run: in workers of a pool, which may have no
children of their own, and in threads. Nothing is started when nobody asks.

==================  =====================================================  =============
column              what it says                                           unit
==================  =====================================================  =============
``cpu_percent``     processor time of this process and its children        % of one core
``process_memory``  resident memory of this process and its children       bytes
``memory_percent``  memory of the machine that is in use                   %
``disk_percent``    the project's file system that is in use               %
``bytes_sent``      what the machine sent in the meantime, loopback, too   bytes
``bytes_recv``      what it received                                       bytes
==================  =====================================================  =============

Each of the first four is two columns, ``cpu_percent_peak`` and ``cpu_percent_mean``: over what
was seen at the beginning, at the end, and every ``measurement_interval`` seconds in between. The
processor's peak is that of one interval, or of the whole call when that is shorter. Calls that
run at the same time in one process see the same process. Children are all processes that this one
started and those that they did; memory that they share counts for each. A figure that cannot be had
is left out.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from xvc.system.process_tree import Gauge, network_traffic
from xvc.tracking.options import Options

_Figures = dict[str, float]


def begin(options: Options, folder: Path) -> Callable[[], _Figures]:
    """Begin to measure what *options* ask for; calling the answer ends it and returns the columns.

    Args:
        options: which figures, and the seconds between two looks.
        folder: any folder of the file system whose use is recorded.
    """
    ends: list[Callable[[], _Figures]] = []
    if options.log_system_params:
        sampling = Sampling(folder, options.measurement_interval)
        sampling.start()
        ends.append(sampling.stop)
    if options.log_network_params:
        before = network_traffic()
        ends.append(lambda: _grown(before, network_traffic()))
    return lambda: {name: value for end in ends for name, value in end().items()}


class Sampling:
    """Watches from `start` to `stop`; ``looks`` is how often it has looked."""

    def __init__(self, folder: Path, interval_seconds: float) -> None:
        self._gauge, self._interval = Gauge(folder), interval_seconds
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="xvc-sampling", daemon=True)
        self._home = os.getpid()
        self.looks = 0
        self._peaks: _Figures = {}
        self._sums: _Figures = {}

    def start(self) -> None:
        """Look, and go on looking."""
        self._clocks = self._first = self._now()
        self._look()
        self._thread.start()

    def stop(self) -> _Figures:
        """Look a last time; returns the columns; none in a child that was forked meanwhile."""
        if os.getpid() != self._home:  # the thread, and perhaps a lock, stayed behind
            return {}
        self._stopped.set()
        self._thread.join(timeout=1.0)  # a look takes far less; a stuck one is not worth a wait
        cpu = _cpu_percent(self._first, self._now())
        self._look()
        means = {  # a mean of equal numbers can come out above them, by rounding
            f"{name}_mean": min(total / self.looks, self._peaks[name])
            for name, total in self._sums.items()
        }
        peaks = {f"{name}_peak": peak for name, peak in self._peaks.items()}
        peaks["cpu_percent_peak"] = max(cpu, peaks.get("cpu_percent_peak", cpu))
        return {**peaks, **means, "cpu_percent_mean": cpu}

    def _watch(self) -> None:
        while not self._stopped.wait(self._interval):
            before, self._clocks = self._clocks, self._now()
            self._look()
            self._raise_peak("cpu_percent", _cpu_percent(before, self._clocks))

    def _now(self) -> _Clocks:
        return self._gauge.cpu_seconds(), time.perf_counter()

    def _look(self) -> None:
        seen = self._gauge.read()
        self.looks += bool(seen)
        for name, value in seen.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
            self._raise_peak(name, value)

    def _raise_peak(self, name: str, value: float) -> None:
        self._peaks[name] = max(value, self._peaks.get(name, value))


_Clocks = tuple[float, float]


def _cpu_percent(before: _Clocks, now: _Clocks) -> float:
    # A child that nobody waits for takes its time with it.
    return 100.0 * max(0.0, now[0] - before[0]) / max(now[1] - before[1], 1e-9)


def _grown(before: _Figures, now: _Figures) -> _Figures:
    return {name: now[name] - count for name, count in before.items() if name in now}
