"""Time xetrack at what `scripts/bench` times xvc at; prints seconds a call as JSON.

Needs xetrack and nothing of xvc, and xetrack wants older packages than xvc: `scripts/bench
--xetrack PYTHON` calls it with an interpreter of its own, between its own measurements.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version

from xetrack import Reader, Tracker

ROW = {"loss": 0.123456789, "acc": 0.9, "val_loss": 0.2, "val_acc": 0.8, "lr": 0.001, "step": 12}


def seconds(step: Callable[[], object], count: int) -> float:
    """Return the mean time of a call."""
    step()
    start = time.perf_counter()
    for _ in range(count):
        step()
    return (time.perf_counter() - start) / count


def nothing(a: int, b: float, c: list[int]) -> dict[str, float]:
    """Return what a cheap function returns."""
    return {"accuracy": 0.9, "loss": 0.1}


def fill(rows: int) -> None:
    """Write rows straight into the table: logging a million would take an hour."""
    Tracker("frame.db").log(ROW)
    with sqlite3.connect("frame.db") as store:
        places = ", ".join("?" * (len(ROW) + 2))
        names = ", ".join(["track_id", "timestamp", *ROW])
        store.executemany(
            f'INSERT INTO "default" ({names}) VALUES ({places})',
            ((f"run-{n % 10}", f"{n:026d}", *ROW.values()) for n in range(rows - 1)),
        )


def main(rows: int) -> None:
    """Measure in a temporary folder and print."""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        tracker = Tracker("log.db")
        caching = Tracker("cache.db", cache="cache")
        hashable = (1, 2.0, "x")  # it has no key for lists
        found = {
            "version": version("xetrack"),
            "log": seconds(lambda: tracker.log(ROW), 200),
            "track": seconds(lambda: tracker.track(nothing, args=[1, 2.0, [3]]), 100),
            "hit": seconds(lambda: caching.track(nothing, args=list(hashable)), 100),
        }
        fill(rows)
        found["to_df"] = seconds(lambda: Reader("frame.db").to_df(), 1)
        os.chdir("/")
    print(json.dumps(found))


if __name__ == "__main__":
    main(int(sys.argv[1]))
