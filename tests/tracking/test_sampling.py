"""Figures of use: seen by a thread, at the interval that was asked for, wherever a call runs."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from xvc import Tracker
from xvc.errors import BadValue
from xvc.tracking.options import Options
from xvc.tracking.sampling import Sampling, begin

SAMPLED = ("cpu_percent", "process_memory", "memory_percent", "disk_percent")
SYSTEM = {f"{name}_{kind}" for name in SAMPLED for kind in ("peak", "mean")}
NETWORK = {"bytes_sent", "bytes_recv"}


def busy(seconds: float) -> float:
    """Work, and return the seconds of processor time that it took."""
    began = time.process_time()
    while time.process_time() - began < seconds:
        pass
    return time.process_time() - began


def measured_in_worker(store: str) -> dict[str, Any]:
    """What a worker of a pool does: track a call, with figures."""
    with Tracker(
        store, log_system_params=True, log_network_params=True, measurement_interval=0.02
    ) as tracker:
        tracker.track(busy, [0.1])
        return tracker.latest


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_of_a_pool(method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker, which may have no children, has the same figures as its parent."""
    monkeypatch.chdir(tmp_path)
    with multiprocessing.get_context(method).Pool(2) as pool:
        rows = pool.map(measured_in_worker, [str(tmp_path / "a.duckdb")] * 4, chunksize=1)

    assert all(row.keys() >= SYSTEM | NETWORK for row in rows)
    assert all(row["process_memory_peak"] > 1_000_000 for row in rows)
    assert all(row["cpu_percent_peak"] >= row["cpu_percent_mean"] > 0 for row in rows)


def test_the_interval_is_respected(tmp_path: Path) -> None:
    """A look at each end, and one each interval in between."""
    looks = []
    for interval in (0.05, 60.0):
        sampling = Sampling(tmp_path, interval)
        sampling.start()
        time.sleep(0.5)
        sampling.stop()
        looks.append(sampling.looks)

    assert 4 <= looks[0] <= 12
    assert looks[1] == 2


def test_peak_and_mean(tmp_path: Path) -> None:
    """Memory that is held in the middle is in the peak, and only partly in the mean."""
    sampling = Sampling(tmp_path, 0.02)
    sampling.start()
    held = bytearray(100_000_000)
    held[::4096] = b"x" * len(held[::4096])
    time.sleep(0.1)
    del held
    time.sleep(0.2)
    figures = sampling.stop()

    spread = figures["process_memory_peak"] - figures["process_memory_mean"]
    assert 20_000_000 < spread < 100_000_000
    assert 0 <= figures["memory_percent_mean"] <= figures["memory_percent_peak"] <= 100


def test_a_thread_only_when_asked_for(tmp_path: Path) -> None:
    """Nothing runs for nobody: network figures are two counts, and no figures are none."""
    before = threading.active_count()
    nothing = begin(Options(), tmp_path)
    network = begin(Options(log_network_params=True), tmp_path)
    during = threading.active_count()

    assert during == before
    assert nothing() == {}
    assert network().keys() == NETWORK


def test_the_thread_ends(tmp_path: Path) -> None:
    """When a call has ended its thread has, too."""
    end = begin(Options(log_system_params=True, measurement_interval=0.01), tmp_path)
    during = {thread.name for thread in threading.enumerate()}
    end()

    assert "xvc-sampling" in during
    assert "xvc-sampling" not in {thread.name for thread in threading.enumerate()}


def test_calls_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls in several threads have figures each."""
    monkeypatch.chdir(tmp_path)
    with Tracker("a.duckdb", log_system_params=True, measurement_interval=0.01) as tracker:
        threads = [
            threading.Thread(target=tracker.track, args=(time.sleep, [0.05])) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len(tracker) == 4
        assert all(value > 0 for value in tracker.values("process_memory_peak"))


@pytest.mark.parametrize("interval", [0, -1, float("nan")])
def test_no_interval(interval: float) -> None:
    """Looking without a pause is refused."""
    with pytest.raises(BadValue, match="measurement_interval"):
        Options(measurement_interval=interval)


def test_children_count(tmp_path: Path) -> None:
    """What a call lets other processes do is in its figures, whether they live on or have ended."""
    work = "import time\nx = bytes(80_000_000)\nwhile time.process_time() < 0.6: pass\nprint(1)\n"
    child = subprocess.Popen(
        [sys.executable, "-c", f"{work}import sys; sys.stdout.flush(); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    sampling = Sampling(tmp_path, 0.05)
    began = time.perf_counter()
    sampling.start()
    own = time.process_time()
    child.stdout.readline()
    subprocess.run([sys.executable, "-c", work], check=True, stdout=subprocess.DEVNULL)
    own = time.process_time() - own

    figures = sampling.stop()
    took = time.perf_counter() - began
    child.communicate(b"\n")

    assert figures["cpu_percent_mean"] * took / 100 > own + 0.8
    assert figures["process_memory_peak"] > 80_000_000
