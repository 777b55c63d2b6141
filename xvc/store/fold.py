"""Folding: what journals say, put into the store's tables in the caller's transaction.

Idempotent: each writer's watermark is stored beside its rows, so a record counts once however
often it is offered. Refuses nothing that was acknowledged.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from xvc.core.record import Control, Kind, apply, in_order
from xvc.core.run import RunRecord
from xvc.journal.codec import from_json, to_json
from xvc.journal.reader import Mark, Slice, read_new
from xvc.store import assets, edited, edits
from xvc.store.columns import Column, make_room, struct_of, value_of
from xvc.store.last_values import last_numbers
from xvc.store.schema import literal, quoted
from xvc.system.files import write_durably
from xvc.types import Json, RunId

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# The id that core.ids.row_id computes, in SQL: milliseconds, microseconds, sequence, writer.
_ROW_ID = """((((us // 1000)::UHUGEINT << 80) | ((28672 + us % 1000)::UHUGEINT << 64)
    | (9223372036854775808 + ((n::UBIGINT & 4194303) << 40))::UHUGEINT
    | ('0x' || w)::UBIGINT::UHUGEINT)::UUID)"""


@dataclass(frozen=True, slots=True)
class Folded:
    """What a fold did: journals read, rows added, damaged lines set apart by journal."""

    journals: int = 0
    rows: int = 0
    damaged: tuple[tuple[str, bytes], ...] = ()


def positions(connection: DuckDBPyConnection) -> dict[str, int]:
    """Read how many bytes of each writer's journal are in."""
    return dict(connection.execute("SELECT writer, position FROM folds").fetchall())


def marks(connection: DuckDBPyConnection) -> dict[str, Mark]:
    """Read how far each writer is in."""
    found = connection.execute("SELECT writer, position, sequence, names FROM folds").fetchall()
    return {writer: _mark(position, sequence, names) for writer, position, sequence, names in found}


def _mark(position: int, sequence: int, names: str) -> Mark:
    held = cast("dict[str, list[str]]", from_json(names))
    return Mark(position, sequence, {table: tuple(its) for table, its in held.items()})


def fold(connection: DuckDBPyConnection, journals: Iterable[Path], scratch: Path) -> Folded:
    """Put what is new in *journals* into the store that *connection* has open.

    Raises:
        TooNew: a newer xvc wrote one of them.
        OSError: one cannot be read, or *scratch* not written.
    """
    known = marks(connection)
    once = {path.stem: path for path in journals}  # one that is being moved is listed twice
    read = (read_new(path, known.get(writer, Mark())) for writer, path in once.items())
    fresh = [part for part in read if part is not None]
    if not fresh:
        return Folded()
    scratch.mkdir(parents=True, exist_ok=True)
    file = scratch / f"fold-{fresh[0].writer}.jsonl"
    touched: dict[RunId, RunRecord] = {}
    starts: dict[str, int] = {}
    arrived = edits.arrive(connection, (control for part in fresh for control in part.controls))
    try:
        rows = _fold_rows(connection, fresh, file, touched, starts)
    finally:
        file.unlink(missing_ok=True)
    edits.replay(connection, arrived, starts)
    _fold_controls(connection, fresh, touched)
    edited.save(connection, [_tidy(run) for run in touched.values()], arrived)
    _advance(connection, fresh)
    damaged = tuple((part.path.name, line) for part in fresh for line in part.damaged)
    return Folded(len(fresh), rows, damaged)


def _fold_rows(
    connection: DuckDBPyConnection,
    fresh: Sequence[Slice],
    file: Path,
    touched: dict[RunId, RunRecord],
    starts: dict[str, int],
) -> int:
    with_rows = [part for part in fresh if part.has_rows]
    if not with_rows:
        return 0
    if len(with_rows) == 1 and with_rows[0].is_whole:
        file = with_rows[0].path
    else:
        with file.open("wb") as out:
            for part in with_rows:
                part.write_to(out)
    tables: dict[str, dict[str, None]] = {}
    for part in with_rows:
        for table, names in part.mark.names.items():
            tables.setdefault(table, {}).update(dict.fromkeys(names))
    return sum(
        _fold_table(connection, table, names, file, touched, starts)
        for table, names in tables.items()
    )


def _fold_table(
    connection: DuckDBPyConnection,
    table: str,
    names: dict[str, None],
    file: Path,
    touched: dict[RunId, RunRecord],
    starts: dict[str, int],
) -> int:
    struct = struct_of(names)
    kinds = "n: 'BIGINT', t: 'DOUBLE', w: 'VARCHAR', r: 'VARCHAR', e: 'VARCHAR', k: 'VARCHAR'"
    kinds += f", d: {literal(struct)}" if struct else ""
    source = (
        f"(SELECT *, (t * 1e6)::BIGINT AS us FROM read_json({literal(str(file))}, "
        f"format='newline_delimited', columns={{{kinds}}}) "
        f"WHERE e = {literal(table)} AND k IS NULL)"
    )
    columns = make_room(connection, table, list(names), source)
    places = ["row_id", "track_id", "timestamp", *(quoted(column.name) for column in columns)]
    values = [_ROW_ID, "r", "make_timestamp(us)::TIMESTAMPTZ", *map(value_of, columns)]
    before = _last_rowid(connection, table)
    starts.setdefault(table.lower(), before)
    connection.execute(
        f"INSERT INTO {quoted(table)} ({', '.join(places)}) "
        f"SELECT {', '.join(values)} FROM {source}"
    )
    added = connection.fetchone()
    _last_values(connection, table, columns, before, touched)
    return int(added[0]) if added else 0


def _last_rowid(connection: DuckDBPyConnection, table: str) -> int:
    found = connection.execute(f"SELECT max(rowid) FROM {quoted(table)}").fetchone()
    return -1 if found is None or found[0] is None else int(found[0])


def _last_values(
    connection: DuckDBPyConnection,
    table: str,
    columns: Sequence[Column],
    before: int,
    touched: dict[RunId, RunRecord],
) -> None:
    """Take the last number of each key of the rows just added as its run's metric."""
    for run, found in last_numbers(connection, table, columns, "rowid > ?", [before]).items():
        record = touched.get(run) or _existing(connection, run)
        values = {key: last.value for key, last in found.items()}
        touched[run] = record.with_metrics(values, {key: last.at for key, last in found.items()})


def _existing(connection: DuckDBPyConnection, run: str) -> RunRecord:
    found = edited.as_logged(connection, [RunId(run)])
    return found[0] if found else RunRecord(RunId(run))


def _fold_controls(
    connection: DuckDBPyConnection,
    fresh: Sequence[Slice],
    touched: dict[RunId, RunRecord],
) -> None:
    controls = in_order(control for part in fresh for control in part.controls)
    named = {control.run for control in controls if control.run} - set(touched)
    for run in edited.as_logged(connection, named):
        touched[run.id] = run
    for control in controls:
        if control.kind == Kind.ENVIRONMENT:
            _keep_environment(connection, control)
        elif control.kind == Kind.ASSET:
            assets.fold(connection, control)
        elif control.run is not None and control.kind != Kind.KEYS:
            changed = apply(touched.get(control.run), control)
            if changed is not None:
                touched[control.run] = changed


def _tidy(run: RunRecord) -> RunRecord:
    """A parameter that is logged with every row is no metric."""
    metrics = {key: value for key, value in run.metrics.items() if key not in run.params}
    return replace(run, metrics=metrics)


def _keep_environment(connection: DuckDBPyConnection, control: Control) -> None:
    facts = cast("dict[str, Json]", control.facts)
    connection.execute(
        "INSERT INTO environments SELECT ?, ? "
        "WHERE NOT EXISTS (FROM environments WHERE digest = ?)",
        [facts["digest"], to_json(facts["facts"]), facts["digest"]],
    )


def _advance(connection: DuckDBPyConnection, fresh: Sequence[Slice]) -> None:
    for part in fresh:
        names = to_json({table: list(its) for table, its in part.mark.names.items()})
        connection.execute("DELETE FROM folds WHERE writer = ?", [part.writer])
        connection.execute(
            "INSERT INTO folds VALUES (?, ?, ?, ?)",
            [part.writer, part.mark.sequence, part.mark.position, names],
        )


def keep_damaged(folder: Path, name: str, line: bytes) -> Path:
    """Keep a line that was set apart, once, in a file named as its journal; returns the file."""
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / name
    held = place.read_bytes() if place.exists() else b""
    if line not in held:
        write_durably(place, held + line)
    return place
