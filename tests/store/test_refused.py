"""One record that the store cannot take stops no other; it is kept, named, and tried again."""

from __future__ import annotations

import math
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from xvc.core.limits import KEY, KEYS, RECORD, VALUE
from xvc.core.record import RecordKind
from xvc.errors import RecordRefused, TooLarge
from xvc.journal.layout import Room
from xvc.journal.writer import Journal
from xvc.store import columns, db, new_rows, query
from xvc.store.keeper import Keeper
from xvc.types import RunId

RUN = RunId("bzk3nzk3r8d7")


@pytest.fixture
def keeper(tmp_path: Path) -> Keeper:
    return Keeper(tmp_path / "s.duckdb", Room(tmp_path / "room"), None)


def values(keeper: Keeper, key: str, run: RunId = RUN) -> list[object]:
    with keeper.view() as connection:
        return query.values_of(connection, "events", run, key)


def poison(journal: Journal, line: bytes) -> None:
    """Append a line as another program would: with the writer's numbers, and values of its own."""
    number, at = journal._sequence + 1, 1.8e9
    head = b'"v":1,"n":%d,"t":%f,"c":%d,"w":"%s",' % (
        *(number, at, journal._chain),
        journal.writer.encode(),
    )
    journal._append(line.replace(b"HEAD", head) + b"\n")


@pytest.mark.parametrize(
    "line",
    [
        b'{HEAD"r":"bzk3nzk3r8d7","e":"events","d":{"d:day":"never"}}',
        b'{HEAD"r":"bzk3nzk3r8d7","e":"events","d":{"x:raw":"%%%"}}',
        b'\t{"k":"begin",HEAD"r":"aaaaaaaaaaaa","e":null,"f":{"started":"yesterday"}}',
        b'\t{"k":"params",HEAD"r":"aaaaaaaaaaaa","e":null,"f":{"params":1,"a":'
        + b"[" * 200
        + b"]" * 200
        + b"}}",
        b'\t{"k":"value",HEAD"r":null,"e":null,"f":{"table":"meta","key":"a","value":["i",1]}}',
        b'\t{"k":"environment",HEAD"r":null,"e":null,"f":[1]}',
    ],
    ids=["day", "bytes", "time", "depth", "edit", "environment"],
)
def test_a_record_that_does_not_fit_stops_no_other(keeper: Keeper, line: bytes) -> None:
    """Rows before it, behind it and of other runs are there; it is kept, and tried again."""
    good = [Journal(keeper.room.journals, {}) for _ in range(2)]
    bad = Journal(keeper.room.journals, {})
    for step in range(3):
        good[0].row(RUN, "events", {"step": step})
    bad.row(RUN, "events", {"step": 3, "day": date(2020, 1, 1), "raw": b"x"})
    poison(bad, line)
    bad.row(RUN, "events", {"step": 4})
    good[1].row(RUN, "events", {"step": 5})
    for journal in (*good, bad):
        journal.close()

    assert sorted(map(str, values(keeper, "step"))) == ["0", "1", "2", "3", "4", "5"]
    assert any(bad.writer in warning and "--retry" in warning for warning in keeper.warnings)
    kept = (keeper.room.refused / bad.path.name).read_bytes()
    assert kept.count(b"\n") == 1
    assert [type(error) for error in keeper.retry()] == [RecordRefused]
    assert (keeper.room.refused / bad.path.name).read_bytes() == kept


def test_what_was_refused_is_taken_when_it_fits(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table that has room again takes the row that it had none for, once."""
    monkeypatch.setattr(columns, "COLUMNS", 2)
    journal = Journal(keeper.room.journals, {})
    journal.row(RUN, "events", {"a": 1, "b": 1})
    journal.row(RUN, "events", {"a": 2, "c": 2})
    journal.row(RUN, "events", {"a": 3})
    journal.close()
    before = values(keeper, "a")
    monkeypatch.undo()

    assert before == [1, 3]
    assert keeper.retry() == []
    assert keeper.retry() == []
    assert (values(keeper, "a"), values(keeper, "c")) == ([1, 2, 3], [None, 2, None])


def test_a_wide_table_holds_what_a_narrow_one_would(tmp_path: Path) -> None:
    """Rows that are read as columns have the same values, types and last values."""
    row: dict[str, Any] = {
        "nan": math.nan,
        "none": None,
        "day": date(2020, 1, 1),
        "raw": b"x",
        "big": 1 << 70,
        "nested": {"a": [1, math.inf]},
        "Loss": 0.5,
        "loss": 1,
        "text": "ü",
        "yes": True,
    }
    found = []
    for name, more in (("narrow", 0), ("wide", new_rows.WIDE + 50)):
        keeper = Keeper(tmp_path / f"{name}.duckdb", Room(tmp_path / name), None)
        journal = Journal(keeper.room.journals, {})
        journal.note(RecordKind.BEGIN, RUN, {"name": name})
        journal.row(RUN, "events", {"loss": 7, "before": 1})
        keeper.refresh()
        journal.row(RUN, "events", {**row, **{f"k{n}": float(n) for n in range(more)}})
        journal.row(RUN, "events", {**row, "loss": 2.5, "mixed": "x"})
        journal.close()
        with keeper.view() as connection:
            record = query.by_id(connection, RUN)
            held = columns.known(connection, "events")
        assert record is not None
        said = {key: record.metrics.get(key) for key in row}
        kinds = {key: held[key].type for key in row}
        found.append(
            (repr([values(keeper, key) for key in (*row, "before", "mixed")]), said, kinds)
        )

    assert repr(found[0]) == repr(found[1])


def test_limits_are_told_before_a_row_is_acknowledged(tmp_path: Path) -> None:
    """At a limit a row is kept, beyond it refused whole, naming the key."""
    journal = Journal(tmp_path / "j", {})
    half = "x" * (RECORD // 2 - 60)
    journal.row(RUN, "events", {"a": "x" * VALUE})
    journal.row(RUN, "events", {"a" * KEY: 1})
    size = journal.path.stat().st_size
    for row, key in (
        ({"a": "x" * (VALUE + 1)}, "a"),
        ({"a": "ü" * (VALUE // 2 + 1)}, "a"),
        ({"a": ["x" * VALUE]}, "a"),
        ({"b": half, "a": half, "c": half}, "b"),
        ({"a" * (KEY + 1): 1}, "aaa"),
        ({f"k{n}": n for n in range(KEYS)}, f"k{KEYS - 2}"),
    ):
        with pytest.raises(TooLarge) as refused:
            journal.row(RUN, "events", row)
        assert refused.value.name.startswith(key)
        assert "log_artifact" in refused.value.hint
    with pytest.raises(TooLarge):
        journal.note(RecordKind.SET, RUN, {"note": "x" * RECORD})

    assert journal.path.stat().st_size == size


def test_a_store_has_blocks_for_its_size(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small at first, large where it grows, small again when it was made by an older xvc."""
    monkeypatch.setattr(db, "_CHANGE", 1_200_000)
    db.create(keeper.path, 1 << 30)
    sizes = []
    for rows, text in ((3, "x"), (3, "x"), (40, "x" * 100_000), (3, "x")):
        journal = Journal(keeper.room.journals, {})
        for step in range(rows):
            journal.row(RUN, "events", {"step": step, "text": text + str(step) * 20_000})
        journal.close()
        keeper.refresh()
        with db.reading(keeper.path) as connection:
            found = connection.execute(
                "SELECT block_size FROM pragma_database_size() WHERE database_name = 'db'"
            ).fetchone()
        sizes.append(found[0] if found else 0)

    assert sizes == [1 << 14, 1 << 14, 1 << 18, 1 << 18]
    assert len(values(keeper, "step")) == 49
