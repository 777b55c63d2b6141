"""What a call of a `Tracker` costs: a row, a tracked call, a cached call."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import diskcache  # type: ignore[import-untyped]
import duckdb
import orjson

from cases.measuring import ROW, Figure, loop, ratios
from xvc import Tracker
from xvc.journal.codec import STRICT
from xvc.journal.writer import Journal
from xvc.tracking.caching import cached_call


def log(folder: Path, rounds: int) -> list[Figure]:
    """A row, beside the write that it cannot do without; and what databases take for one."""
    tracker = Tracker(folder / "log.duckdb")
    tracker.log(ROW)
    journal = tracker._journal
    assert isinstance(journal, Journal)
    record = orjson.loads(journal.path.read_bytes().splitlines()[-1])
    file = os.open(folder / "floor.jsonl", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    floor = loop(lambda: os.write(file, orjson.dumps(record, option=STRICT)), 20_000)
    ratio, ours, base = ratios(loop(lambda: tracker.log(ROW), 20_000), floor, rounds * 3)
    tracker.close()
    what = "`Tracker.log` of 5 floats and a step"
    beside = "`orjson.dumps` + one `os.write` of the same record"
    note = f"{ours * 1e6:.1f} µs against {base * 1e6:.1f} µs"
    return [
        Figure("log", what, beside, ratio, 3.0, note),
        _mirrored(folder, rounds),
        _sqlite(folder, floor, rounds),
        _duckdb(folder, floor),
    ]


def _mirrored(folder: Path, rounds: int) -> Figure:
    plain = Tracker(folder / "plain.duckdb")
    sinks = {"jsonl": {"path": str(folder / "mirrored.jsonl")}}
    mirrored = Tracker(folder / "mirrored.duckdb", sinks=sinks, warnings=False)
    floor = loop(lambda: plain.log(ROW), 20_000)
    ratio, ours, base = ratios(loop(lambda: mirrored.log(ROW), 20_000), floor, rounds * 3)
    mirrored.close()
    plain.close()
    note = f"{ours * 1e6:.1f} µs against {base * 1e6:.1f} µs"
    return Figure("log_mirrored", "the same with a mirror on", "without one", ratio, 1.5, note)


def _sqlite(folder: Path, floor: Callable[[], float], rounds: int) -> Figure:
    lite = sqlite3.connect(folder / "peer.sqlite", isolation_level=None)
    lite.execute("PRAGMA journal_mode=WAL")
    lite.execute("PRAGMA synchronous=NORMAL")
    lite.execute("CREATE TABLE t (a, b, c, d, e, f)")
    values = tuple(ROW.values())
    row = loop(lambda: lite.execute("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?)", values), 2_000)
    ratio, spent, _ = ratios(row, floor, rounds)
    what, note = "(sqlite3, WAL: one insert)", f"{spent * 1e6:.1f} µs"
    return Figure("log_sqlite", what, "the same", ratio, None, note)


def _duckdb(folder: Path, floor: Callable[[], float]) -> Figure:
    duck = duckdb.connect(str(folder / "peer.duckdb"))
    duck.execute("CREATE TABLE t (a DOUBLE, b DOUBLE, c DOUBLE, d DOUBLE, e DOUBLE, f BIGINT)")
    values = tuple(ROW.values())
    row = loop(lambda: duck.execute("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?)", values), 200)
    ratio, spent, _ = ratios(row, floor, 3)
    what, note = "(DuckDB: one insert)", f"{spent * 1e6:.0f} µs"
    return Figure("log_duckdb", what, "the same", ratio, None, note)


def nothing(step: int, name: str) -> None:
    """A function whose whole cost is that it is tracked."""


def track(folder: Path, rounds: int) -> list[Figure]:
    """A tracked call, beside logging by hand the row that it logs."""
    tracker = Tracker(folder / "track.duckdb")
    wrapped = tracker.wrap()(nothing)
    wrapped(1, "a")
    stamped = {"timestamp", "track_id"}
    row = {key: value for key, value in tracker.latest.items() if key not in stamped}
    floor = loop(lambda: tracker.log(row), 2_000)
    bare = loop(lambda: nothing(1, "a"), 20_000)
    called = "a call of a function under `Tracker.wrap` that does nothing"
    figures = []
    for name, what, step in (
        ("wrap", called, lambda: wrapped(1, "a")),
        ("track", "`Tracker.track` of the same", lambda: tracker.track(nothing, [1, "a"])),
    ):
        ratio, spent, base = ratios(loop(step, 2_000), floor, rounds)
        note = f"{spent * 1e6:.1f} µs against {base * 1e6:.1f} µs"
        note += f"; the bare call {bare() * 1e6:.2f} µs"
        figures.append(Figure(name, what, "`Tracker.log` of the same row", ratio, None, note))
    tracker.close()
    return figures


def fit(lr: float, layers: list[int], optimizer: str) -> dict[str, float]:
    """A function whose result is worth keeping."""
    return {"loss": 0.1, "acc": 0.9, "val_loss": 0.2, "val_acc": 0.8, "seconds": 3.5}


def cache(folder: Path, rounds: int) -> list[Figure]:
    """A cached call, beside getting its result from the cache below."""
    args = (0.1, [64, 32, 10], "adam")
    below = diskcache.Cache(str(folder / "floor"))
    below["fit"] = fit(*args)
    floor = loop(lambda: below.get("fit"), 2_000)
    with Tracker(folder / "cache.duckdb", cache=folder / "cache") as tracker:

        def hit() -> tuple[object, str]:
            return cached_call(tracker, fit, args, {}, {}, lambda: fit(*args))

        hit()
        assert hit() == (below["fit"], tracker.track_id)
        ratio, ours, base = ratios(loop(hit, 2_000), floor, rounds * 3)
    note = f"{ours * 1e6:.1f} µs against {base * 1e6:.1f} µs"
    what = "a cached call of 3 arguments, hit: code looked at, arguments keyed, result proven"
    beside = "`diskcache.Cache.get` of the same 5 floats"
    return [Figure("cached_hit", what, beside, ratio, 3.0, note)]
