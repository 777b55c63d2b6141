"""Following journals while they are written: every value once, of the named runs only."""

from __future__ import annotations

from pathlib import Path

from xvc.core.record import RecordKind
from xvc.journal.following import Follower, ReportedValue
from xvc.journal.writer import Journal
from xvc.types import RunId

MINE, OTHER = RunId("b00000000001"), RunId("b00000000002")


def test_values_are_reported_once_as_they_come(tmp_path: Path) -> None:
    """Of rows of several writers, only those of the followed runs; steps as logged or counted."""
    outer, inner = Journal(tmp_path, {}), Journal(tmp_path, {})
    outer.note(RecordKind.BEGIN, MINE, {"name": "s/3"})
    outer.note(RecordKind.BEGIN, OTHER, {"name": "ss/3"})
    follower = Follower(tmp_path, "s/", "Acc")
    inner.row(MINE, "events", {"Acc": 0.5, "step": 10})
    inner.row(OTHER, "events", {"Acc": 0.9})
    first = follower.read()
    inner.row(MINE, "events", {"loss": 1.0})
    inner.row(MINE, "events", {"Acc": 1})

    second = follower.read()

    assert first == [ReportedValue("s/3", 10, 0.5)]
    assert second == [ReportedValue("s/3", 1, 1.0)]
    assert follower.read() == []
    outer.close()
    inner.close()


def test_a_param_is_no_step(tmp_path: Path) -> None:
    """`epoch=10` that was asked for stands in every row: its values are counted."""
    journal = Journal(tmp_path, {})
    journal.note(RecordKind.BEGIN, MINE, {"name": "s/3"})
    journal.note(RecordKind.PARAMS, MINE, {"epoch": 10})
    for value in (0.5, 0.6):
        journal.row(MINE, "events", {"Acc": value, "epoch": 10})
    journal.row(MINE, "events", {"Acc": 0.7, "epoch": 10, "step": 2})

    assert [each.step for each in Follower(tmp_path, "s/", "Acc").read()] == [0, 1, 2]
    journal.close()
