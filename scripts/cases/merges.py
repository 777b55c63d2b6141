"""What a three-way merge of two stores costs, in time and in memory."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import duckdb

from cases.measuring import Figure, after, cpu, ratios
from xvc.store import db
from xvc.store.merge import Source, merge_into

_FLOATS = [f"f{number}" for number in range(9)]
_ROW = (
    "('00000000-0000-7000-8000-' || printf('%012x', range))::UUID AS row_id, 'bench' AS track_id, "
    "'2026-01-01'::TIMESTAMPTZ + to_seconds(range) AS timestamp, "
    + ", ".join(f"random() AS {name}" for name in _FLOATS)
)
_MERGING = """
import sys
from pathlib import Path
from xvc.store.merge import Source, merge_into

copy, theirs, base, scratch = map(Path, sys.argv[1:])
merge_into(copy, Source("theirs", theirs, "theirs", base), (), scratch)
"""


def _stores(place: Path, records: int) -> dict[str, Path]:
    """Two stores of 12 columns that parted from a third: a tenth new, one in a hundred changed."""
    place.mkdir()
    found = {name: place / f"{name}.duckdb" for name in ("base", "ours", "theirs")}
    db.create(found["base"])
    with db.writing(found["base"]) as connection:
        connection.execute(f"CREATE TABLE events AS SELECT {_ROW} FROM range({records * 9 // 10})")
        connection.execute("INSERT INTO meta VALUES ('table', 'events')")
        noted = [["events", name, name, "DOUBLE"] for name in _FLOATS]
        connection.executemany("INSERT INTO columns VALUES (?, ?, ?, ?)", noted)
    for side, name in enumerate(("ours", "theirs"), 1):
        shutil.copyfile(found["base"], found[name])
        with db.writing(found[name]) as connection:
            connection.execute(f"UPDATE events SET f0 = {side} WHERE rowid % 100 = {side}")
            own = f"range({side * records}, {side * records + records // 10})"
            connection.execute(f"INSERT INTO events SELECT {_ROW} FROM {own}")
    return found


def merge(folder: Path, rounds: int, records: int) -> list[Figure]:
    """A three-way merge of two stores that both moved, beside adding the rows that one lacks."""
    found = _stores(folder / "merge", records)
    copy = folder / "merge" / "copy.duckdb"

    def afresh() -> None:
        shutil.copyfile(found["ours"], copy)

    def ours() -> None:
        source = Source("theirs", found["theirs"], "theirs", found["base"])
        assert merge_into(copy, source, (), folder).has_changed

    def plain() -> None:
        with duckdb.connect(str(copy)) as connection:
            connection.execute(f"ATTACH '{found['theirs']}' AS theirs (READ_ONLY)")
            lacking = "SELECT t.* FROM theirs.events t ANTI JOIN events o USING (row_id)"
            connection.execute(f"INSERT INTO events {lacking}")

    pair = after(afresh, cpu(ours)), after(afresh, cpu(plain))
    ratio, spent, base = ratios(*pair, max(3, rounds // 2))
    what = f"three-way merge of two stores of {records:,} × 12, 10 % new, 1 % changed on each side"
    floor = "DuckDB's `INSERT … ANTI JOIN` of the new rows (CPU)"
    return [Figure("merge", what, floor, ratio, 2.5, f"{spent:.2f} s against {base:.2f} s")]


def memory(folder: Path, records: int) -> list[Figure]:
    """The most memory that a process takes which merges large stores, beside the limit of 1 GB."""
    found = _stores(folder / "large", records)
    places = [str(found["ours"]), str(found["theirs"]), str(found["base"]), str(folder)]
    began = time.perf_counter()
    merging = subprocess.Popen([sys.executable, "-c", _MERGING, *places])
    _, status, used = os.wait4(merging.pid, 0)
    spent = time.perf_counter() - began
    merging.returncode = os.waitstatus_to_exitcode(status)
    if merging.returncode:
        raise SystemExit("the merge of large stores failed")
    peak = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    shutil.rmtree(folder / "large")
    what = f"peak memory of a three-way merge of two stores of {records:,} × 12, diverged as above"
    note = f"{peak / 1e6:,.0f} MB; {spent:.0f} s, {used.ru_utime + used.ru_stime:.0f} s of CPU"
    return [Figure("merge_memory", what, "1 GB", peak / 2**30, 1.0, note)]
