"""Sending what a sink has missed, out of the store: everything recorded is there, and its order."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast
from uuid import UUID

from xvc.core.ids import origin_of
from xvc.core.run import RunRecord, Status
from xvc.mirrors import sink_kind
from xvc.mirrors.ledger import Ledger, Ledgers
from xvc.mirrors.live import PATIENCE, send
from xvc.mirrors.rows import Fresh, Logged, numbers_of
from xvc.mirrors.sink import lack_in_words
from xvc.project import Project
from xvc.recovery.lost_runs import opened
from xvc.store import query
from xvc.store import table_queries as look
from xvc.store.columns import tables
from xvc.store.table_queries import WantedRows
from xvc.types import RunId

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Sent:
    """One run and one sink: how many rows were sent now, and what kept the rest from it.

    ``is_open``: the run goes on, and so does its mirror.
    """

    run: str
    sink: str
    rows: int
    problem: str | None = None
    is_open: bool = False


def waiting(project: Project) -> list[Ledger]:
    """List the runs and sinks of which something may have to be sent."""
    return list(Ledgers(project.room.folder).open())


def send_rest(project: Project, which: Sequence[Ledger] | None = None) -> list[Sent]:
    """Send what sinks have missed; one that fails stops no other.

    Args:
        project: where the runs are.
        which: of these runs and sinks; None is all.
    """
    ledgers = Ledgers(project.room.folder)
    return [_send_one(project, ledgers, each) for each in which or waiting(project)]


def finish_mirrors(project: Project, run: str) -> list[str]:
    """Send the rest of a run that has ended, as far as a few seconds reach; returns warnings."""
    ledgers = Ledgers(project.room.folder)
    if not ledgers.folder.is_dir() or not ledgers.of(run):
        return []
    found: list[Sent] = []
    thread = threading.Thread(
        target=lambda: found.extend(send_rest(project, ledgers.of(run))), daemon=True
    )
    thread.start()
    thread.join(PATIENCE)
    problems = [f"{each.sink}: {each.problem}" for each in found if each.problem is not None]
    if thread.is_alive():
        problems.append("it takes longer")
    said = "not all of run {} is mirrored ({}); `xvc mirror --resume` sends the rest"
    return [said.format(run, "; ".join(problems))] if problems else []


def _send_one(project: Project, ledgers: Ledgers, wanted: Ledger) -> Sent:
    ledger = ledgers.claim(wanted)
    if ledger is None:
        return Sent(wanted.run, wanted.sink, 0, is_open=True)
    count = 0
    try:
        record, rows = _recorded(project, ledger)
        if record is None:
            ledgers.forget(ledger)  # the run was deleted, or is another store's
            return Sent(ledger.run, ledger.sink, 0)
        sink = sink_kind(ledger.sink).open(ledger.options)
        ledger.remote = sink.begin(ledger.mirrored, ledger.remote)
        ledgers.save(ledger)
        for start in range(0, len(rows) or 1, _AT_ONCE):
            fresh = Fresh(rows[start : start + _AT_ONCE], {} if start else dict(record.params))
            count += send(sink, ledgers, ledger, fresh, None)
        has_ended = record.status is not Status.RUNNING
        sink.end(record.status.value if has_ended else None)
    except Exception as err:  # noqa: BLE001 - code of others
        ledgers.leave(ledger)
        words = lack_in_words(ledger.sink, err)
        return Sent(ledger.run, ledger.sink, count, words)
    if has_ended:
        ledgers.forget(ledger)
        return Sent(ledger.run, ledger.sink, count)
    ledgers.leave(ledger)
    return Sent(ledger.run, ledger.sink, count, is_open=True)


def _recorded(project: Project, ledger: Ledger) -> tuple[RunRecord | None, list[Logged]]:
    """Read a run and those of its rows that were not sent, each writer's in its order."""
    with opened(project) as connection:
        record = query.by_id(connection, RunId(ledger.run))
        rows = [row for table in tables(connection) for row in _rows(connection, table, ledger)]
    return record, sorted(rows, key=lambda row: (row.at, row.writer, row.sequence))


def _rows(connection: DuckDBPyConnection, table: str, ledger: Ledger) -> Iterator[Logged]:
    labels = ("row_id", *(each.label for each in look.fields(connection, table)))
    wanted = WantedRows(table, tuple(dict.fromkeys(labels)), run=RunId(ledger.run))
    grid = look.rows(connection, wanted, None, newest=False)
    for cells in grid.rows:
        row = dict(zip(grid.columns, cells, strict=True))
        at, number, writer = origin_of(UUID(cast("str", row.pop("row_id"))))
        if ledger.is_new(writer, number):
            row.pop("timestamp", None)
            yield Logged(writer, number, at / 1e6, numbers_of(row))
