"""xetrack, the peer that people come from, beside what xvc takes for the same."""

from __future__ import annotations

import json
import statistics
import subprocess
from pathlib import Path

from cases.measuring import ROW, Figure, loop
from cases.stores import framed
from xvc import Reader, Tracker

_TIMED_BY = Path(__file__).parent.parent / "peers.py"
_TOLD = {"log": "one row logged", "track": "a tracked call", "hit": "a cached call, hit"}


def xetrack(python: Path, folder: Path, rounds: int, records: int) -> list[Figure]:
    """Its calls, in an interpreter of its own, beside a row of ours logged before and after."""
    with Tracker(folder / "peer-floor.duckdb") as tracker:
        floor = loop(lambda: tracker.log(ROW), 2_000)
        before = statistics.median(floor() for _ in range(rounds))
        words = [str(python), str(_TIMED_BY), str(records)]
        called = subprocess.run(words, capture_output=True, text=True, check=True)
        base = statistics.median([before, *(floor() for _ in range(rounds))])
    found = json.loads(called.stdout.splitlines()[-1])
    named = f"xetrack {found['version']}"
    figures = []
    for name, told in _TOLD.items():
        what, note = f"({named}: {told})", f"{found[name] * 1e6:.0f} µs"
        ratio = found[name] / base
        figures.append(Figure(f"xetrack_{name}", what, "`Tracker.log` of xvc", ratio, None, note))
    reader = Reader(framed(folder, records))
    ours = statistics.median(loop(reader.to_df, 1)() for _ in range(3))
    note = f"{found['to_df']:.2f} s against {ours:.2f} s, {records:,} rows"
    ratio, what = found["to_df"] / ours, f"({named}: `to_df`)"
    return [*figures, Figure("xetrack_to_df", what, "`Reader.to_df` of xvc", ratio, None, note)]
