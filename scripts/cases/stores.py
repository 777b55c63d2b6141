"""What it costs to fill a store, to read it and to rebase a table, beside DuckDB alone."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb

from cases.measuring import ROW, Figure, cpu, loop, ratios
from xvc import Reader, Tracker
from xvc.core.table_merge import Order
from xvc.journal.reader import ReadPosition, read_new
from xvc.journal.writer import Journal
from xvc.merging.parquet import merge_tables
from xvc.project import Project
from xvc.store import db
from xvc.store.columns import struct_of
from xvc.store.fold import fold as fold_into
from xvc.types import RunId

_ENVELOPE = (
    "v: 'INTEGER', n: 'BIGINT', t: 'DOUBLE', c: 'BIGINT', "
    "w: 'VARCHAR', r: 'VARCHAR', e: 'VARCHAR', k: 'VARCHAR'"
)


def fold(folder: Path, rounds: int, records: int) -> list[Figure]:
    """A journal into an empty store, beside the reading of its lines into a table."""
    journal = _journal(folder / "journals", records)

    def ours() -> None:
        store = folder / "fold.duckdb"
        store.unlink(missing_ok=True)
        db.create(store)
        with db.writing(store, folder / "scratch", folder / "journals") as connection:
            done = fold_into(connection, [journal], folder / "scratch")
        assert done.rows == records, done

    read = _read_json(journal, folder / "rows.jsonl")

    def plain() -> None:
        with duckdb.connect() as connection:
            connection.execute(f"CREATE TABLE t AS FROM {read}")

    ratio, spent, base = ratios(cpu(ours), cpu(plain), max(3, rounds // 2))
    note = f"{spent:.2f} s against {base:.2f} s of CPU, {records:,} records"
    floor = "DuckDB's `read_json(columns=…)` of the same bytes into a table"
    return [Figure("fold", "fold of a journal", floor, ratio, 2.0, note)]


def _journal(folder: Path, records: int) -> Path:
    journal = Journal(folder, {"owner": "bench"})
    run = RunId("bzk3nzk3r8d7")
    for step in range(records):
        journal.row(run, "events", {**ROW, "loss": step / 7, "step": step})
    journal.close()
    return journal.path


def _read_json(journal: Path, rows: Path) -> str:
    """How DuckDB reads the same bytes, told every type, without the lines that are no rows."""
    names = read_new(journal, ReadPosition())
    assert names is not None
    columns = struct_of(dict.fromkeys(names.mark.names["events"]))
    with journal.open("rb") as lines:
        rows.write_bytes(b"".join(line for line in lines if line.startswith(b'{"v"')))
    types = f"columns={{{_ENVELOPE}, d: '{columns}'}}"
    return f"read_json('{rows}', format='newline_delimited', {types})"


def framed(folder: Path, records: int) -> Path:
    """A store with so many rows; made once."""
    store = folder / "frame.duckdb"
    if not store.exists():
        with Tracker(store) as tracker:
            for step in range(records):
                tracker.log({**ROW, "loss": step / 7, "step": step})
            len(tracker)
    return store


def frame(folder: Path, rounds: int, records: int) -> list[Figure]:
    """A table as a data frame, beside DuckDB's own."""
    store = framed(folder, records)
    reader = Reader(store)

    def ours() -> None:
        assert len(reader.to_df()) == records

    def plain() -> None:
        with duckdb.connect(str(store), read_only=True) as connection:
            connection.execute("SELECT * EXCLUDE (row_id) FROM events").df()

    ratio, spent, base = ratios(loop(ours, 1), loop(plain, 1), max(3, rounds // 2))
    note = f"{spent:.2f} s against {base:.2f} s, {records:,} rows"
    what, floor = "`Reader.to_df` of a table", "DuckDB's `.df()` of the same columns"
    return [Figure("to_df", what, floor, ratio, None, note)]


def tables(folder: Path, rounds: int, records: int) -> list[Figure]:
    """A rebase of a table of 12 columns, one row in a hundred replaced, beside a copy of it."""
    place = folder / "tables"
    place.mkdir()
    base, new, out = (place / f"{name}.parquet" for name in ("base", "new", "out"))
    duck = duckdb.connect()
    drawn = ", ".join(f"random() AS f{number}" for number in range(9))
    columns = f"range AS id, {drawn}, (range % 1000)::VARCHAR AS name, range % 7 = 0 AS flag"
    duck.execute(f"COPY (SELECT {columns} FROM range({records})) TO '{base}'")
    some = f"FROM '{base}' WHERE id % 100 = 0"
    duck.execute(f"COPY (SELECT * REPLACE (random() AS f0) {some}) TO '{new}'")
    project = Project.find(place, dict(os.environ))
    order = Order(base, (new,), out, ("id",), replaces=True)
    ours = cpu(lambda: merge_tables(project, order, agreed=True))
    plain = f"COPY (FROM '{base}') TO '{place / 'copy.parquet'}'"
    floor = cpu(lambda: duckdb.connect().execute(plain))  # a database of its own, as ours has
    ratio, spent, copied = ratios(ours, floor, rounds)
    what = f"`rebase data` of {records:,} rows, 1 % replaced"
    note = f"{spent:.2f} s against {copied:.2f} s"
    beside = "DuckDB's `COPY` of the same file, in a database of its own (CPU)"
    return [Figure("rebase_data", what, beside, ratio, 1.5, note)]
