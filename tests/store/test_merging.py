"""Merging two stores loses nothing: held against a slow merge in plain Python."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from histories import TABLES, Histories, Rows, build, rows_of, sign
from stores import filled, insert, merge, theirs_wins, values_in
from xvc.errors import StoreCorrupt, TooNew
from xvc.journal.reader import journals
from xvc.journal.writer import Journal
from xvc.store import db
from xvc.store.base_tables import StoreComputes
from xvc.store.fold import fold
from xvc.store.merge import Outcome, Source, merge_into
from xvc.types import RunId

RUN = RunId("bzk3nzk3r8d7")
EXAMPLES = int(os.environ.get("MERGE_EXAMPLES", "8"))  # histories of a table


@dataclass(frozen=True)
class Merging:
    """The rows of each table and what is disputed in it, from either side, and merged again."""

    rows: dict[str, Rows]
    disputes: set[tuple[str, str, str | None]]
    turned: dict[str, Rows]
    turned_disputes: set[tuple[str, str, str | None]]
    taken_again: int = 0


def merged(seed: int, *, related: bool) -> tuple[Merging, Merging]:
    """Merge random histories, and the same ones slowly."""
    tables = {f"t{n}": Histories(seed * TABLES + n) for n in range(TABLES)}
    slow = {name: each.merged(related=related) for name, each in tables.items()}
    rows = {name: found for name, (found, _) in slow.items()}
    disputes = {(name, *place) for name, (_, places) in slow.items() for place in places}
    with TemporaryDirectory() as place:
        folder = Path(place)
        stores = build(folder, tables)
        base = stores["base"] if related else None
        there, found = merge(folder, stores["ours"], stores["theirs"], base)
        first = rows_of(there)
        again = merge_into(there, Source("them", stores["theirs"], "other"), (), folder)
        back, flipped = merge(folder, stores["theirs"], stores["ours"], base, theirs_wins)
        news = sum(each.taken for each in again.accounts if not related)
        done = Merging(first, _places(found), rows_of(back), _places(flipped), news)
    return done, Merging(rows, disputes, rows, disputes)


def _places(found: Outcome) -> set[tuple[str, str, str | None]]:
    return {(each.table, each.key, each.column) for each in found.conflicts}


@settings(max_examples=-(-EXAMPLES // TABLES), deadline=None)
@given(st.integers(0, 1 << 32), st.booleans())
def test_a_merge_equals_the_slow_one(seed: int, related: bool) -> None:
    """Random histories: the same rows and disputes, whichever side merges; twice is once."""
    done, slow = merged(seed, related=related)

    assert done == slow


@pytest.mark.sweep
@pytest.mark.timeout(3600)
@settings(max_examples=-(-500 // TABLES), deadline=None)
@given(st.integers(0, 1 << 32), st.booleans())
def test_five_hundred_merges_equal_the_slow_one(seed: int, related: bool) -> None:
    """As above, for long."""
    done, slow = merged(seed, related=related)

    assert done == slow


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.mark.parametrize(
    ("mine", "yours", "kind", "values"),
    [
        (("BIGINT", "1"), ("DOUBLE", "0.5::DOUBLE"), "DOUBLE", [1.0, 0.5]),
        (
            ("BIGINT", f"{(1 << 53) + 1}"),
            ("DOUBLE", "0.5::DOUBLE"),
            "VARIANT",
            [(1 << 53) + 1, 0.5],
        ),
        (("BIGINT", "7"), ("VARCHAR", "'seven'"), "VARIANT", [7, "seven"]),
        (("BOOLEAN", "true"), ("BIGINT", "1"), "VARIANT", [True, 1]),
        (("BIGINT", "1"), ("HUGEINT", f"{1 << 70}::HUGEINT"), "HUGEINT", [1, 1 << 70]),
        (("VARCHAR", "'a'"), ("BLOB", "'b'::BLOB"), "VARIANT", ["a", b"b"]),
    ],
)
def test_types_widen_without_loss(
    folder: Path, mine: tuple[str, str], yours: tuple[str, str], kind: str, values: list[Any]
) -> None:
    """One key of two types: each value is read back as it was logged, either way round."""
    ours = filled(folder / "o.duckdb", insert(1, "x", mine[1]), logged={"x": mine[0]})
    theirs = filled(folder / "t.duckdb", insert(2, "x", yours[1]), logged={"x": yours[0]})
    question = "SELECT x FROM events ORDER BY row_id"
    there = values_in(merge(folder, ours, theirs)[0], question)
    copy, _ = merge(folder, theirs, ours)

    assert [sign(value) for (value,) in there] == [sign(value) for value in values]
    assert values_in(copy, question) == there
    assert values_in(copy, "SELECT type FROM columns") == [(kind,)]


@pytest.mark.parametrize(
    ("kind", "value", "held"),
    [("ENUM('sgd', 'adam')", "'adam'", "adam"), ("STRUCT(a INTEGER)", "{'a': 1}", {"a": 1})],
)
def test_a_store_can_be_read_whatever_type_a_logged_column_was_given(
    folder: Path, kind: str, value: str, held: object
) -> None:
    """Another program made it an ENUM or a STRUCT: the value stays, as VARIANT."""
    ours = filled(folder / "o.duckdb", insert(1, "x", "1"), logged={"x": "BIGINT"})
    theirs = filled(folder / "t.duckdb", insert(2, "y", "'a'"), logged={"y": "VARCHAR"})
    with duckdb.connect(str(theirs)) as connection:
        connection.execute(f"ALTER TABLE events ALTER y TYPE {kind} USING {value}::{kind}")
    copy, _ = merge(folder, ours, theirs)

    assert values_in(copy, "SELECT type FROM columns WHERE key = 'y'") == [("VARIANT",)]
    assert values_in(copy, "SELECT y FROM events WHERE y IS NOT NULL") == [(held,)]


def test_a_drop_wins_where_the_other_side_left_the_column_alone(folder: Path) -> None:
    """An untouched column goes with its key; one that got a new value stays."""
    logged = {"gone": "DOUBLE", "used": "DOUBLE"}
    base = filled(folder / "b.duckdb", insert(1, "gone", "1.0"), logged=logged)
    ours = filled(
        folder / "o.duckdb", insert(1, "gone", "1.0"), insert(2, "used", "2.0"), logged=logged
    )
    theirs = filled(folder / "t.duckdb", insert(1, "track_id", "NULL"), logged={})
    copy, _ = merge(folder, ours, theirs, base)

    assert values_in(copy, "SELECT key FROM columns") == [("used",)]
    assert values_in(copy, "SELECT used FROM events ORDER BY row_id") == [(None,), (2.0,)]


def test_a_rename_is_kept(folder: Path) -> None:
    """A column that one side gave another name, its key being the same, has that name."""
    base, ours, theirs = (
        filled(folder / f"{side}.duckdb", insert(1, "x", "1.0"), logged={"x": "DOUBLE"})
        for side in "bot"
    )
    with db.writing(theirs) as connection:
        connection.execute("ALTER TABLE events RENAME x TO y")
        connection.execute("UPDATE columns SET column_name = 'y'")
    with db.writing(ours) as connection:
        connection.execute(insert(2, "x", "2.0"))
    copy, _ = merge(folder, ours, theirs, base)

    assert values_in(copy, "SELECT y FROM events ORDER BY row_id") == [(1.0,), (2.0,)]


@pytest.mark.parametrize("key", ["group", "f1-score", 'a"b', "it's", "rowid_", "k", "c0", "select"])
def test_any_name_of_a_column_does(folder: Path, key: str) -> None:
    """Reserved words, signs and the merge's own words are columns like others."""
    quoted = key.replace('"', '""')
    sides = {}
    for side, value in {"b": "0", "o": "1", "t": "2"}.items():
        path = folder / f"{side}.duckdb"
        db.create(path)
        with db.writing(path) as connection:
            connection.execute(
                "CREATE TABLE events (row_id UUID, track_id VARCHAR, timestamp TIMESTAMPTZ, "
                f'"{quoted}" BIGINT)'
            )
            connection.execute("INSERT INTO meta VALUES ('table', 'events')")
            connection.execute("INSERT INTO columns VALUES ('events', ?, ?, 'BIGINT')", [key, key])
            connection.execute(insert(1, quoted, value))
        sides[side] = path
    copy, found = merge(folder, sides["o"], sides["t"], sides["b"], theirs_wins)

    assert [each.column for each in found.conflicts] == [key]
    assert values_in(copy, f'SELECT "{quoted}" FROM events') == [(2,)]


def test_doubled_and_empty_keys_lose_no_row(folder: Path) -> None:
    """Where another program doubled a row id or left it out, whole rows are compared."""
    logged = {"x": "BIGINT"}
    odd = ["INSERT INTO events (x) VALUES (7)", insert(1, "x", "1"), insert(1, "x", "2")]
    ours = filled(folder / "o.duckdb", *odd, logged=logged)
    theirs = filled(
        folder / "t.duckdb", *odd, insert(1, "x", "3"), insert(2, "x", "4"), logged=logged
    )
    copy, found = merge(folder, ours, theirs)
    before = values_in(copy, "SELECT x FROM events ORDER BY x")
    again = merge_into(copy, Source("again", theirs, "other"), (), folder)

    assert before == [(1,), (2,), (3,), (4,), (7,)]
    assert found.doubled == ("events",)
    assert not again.has_changed


def test_tables_of_other_hands_are_merged_by_whole_rows(folder: Path) -> None:
    """A table that xvc does not know is united, equal rows once, as often as a side has them."""
    table = "CREATE TABLE prices (day DATE, eur DOUBLE)"
    row = "INSERT INTO prices VALUES ('2026-01-01', 1.0)"
    ours = filled(folder / "o.duckdb", table, row)
    theirs = filled(folder / "t.duckdb", table, row, row, "INSERT INTO prices VALUES (NULL, 'nan')")
    copy, _ = merge(folder, ours, theirs)

    assert values_in(copy, "SELECT count(*), count(day) FROM prices") == [(3, 2)]


def test_a_foreign_store_can_only_hold_data(folder: Path) -> None:
    """A store with a view or a macro is refused by their names; ours is as it was."""
    secret = folder / "secret.csv"
    secret.write_text("word\nswordfish\n")
    ours = filled(folder / "o.duckdb", insert(1, "track_id", "'a'"))
    theirs = filled(folder / "t.duckdb", insert(2, "track_id", "'b'"))
    with duckdb.connect(str(theirs)) as connection:
        connection.execute(f"CREATE VIEW leak AS FROM read_csv('{secret}')")
        connection.execute("CREATE MACRO hash(x) AS 1")
    before = ours.read_bytes()

    with pytest.raises(StoreComputes, match="the macro hash") as caught:
        merge_into(ours, Source("them", theirs, "x"), (), folder)

    assert caught.value.path == str(theirs)
    assert ours.read_bytes() == before


def test_a_source_that_is_no_store_is_refused(folder: Path) -> None:
    """Neither text, nor another program's database, nor one of a newer xvc; ours is as it was."""
    ours = filled(folder / "o.duckdb", insert(1, "track_id", "'a'"))
    text, other = folder / "text", folder / "other.duckdb"
    text.write_text("no database")
    duckdb.connect(str(other)).close()
    newer = filled(folder / "n.duckdb", "UPDATE meta SET value = '99' WHERE key = 'schema'")
    before = ours.read_bytes()
    for path, error in ((text, StoreCorrupt), (other, StoreCorrupt), (newer, TooNew)):
        with pytest.raises(error):
            merge_into(ours, Source("them", path, "x"), (), folder)

    assert ours.read_bytes() == before


def test_rows_that_are_only_in_the_log_count(folder: Path) -> None:
    """A source whose writer died with rows in the log beside the file brings those, too."""
    ours = filled(folder / "o.duckdb", insert(1, "track_id", "'a'"))
    theirs = filled(folder / "t.duckdb", insert(2, "track_id", "'b'"))
    live = duckdb.connect(str(theirs))
    live.execute(insert(3, "track_id", "'c'"))
    left = folder / "left.duckdb"
    shutil.copyfile(theirs, left)
    shutil.copyfile(db.wal_of(theirs), db.wal_of(left))
    live.close()
    copy, _ = merge(folder, ours, left)

    assert len(values_in(copy, "FROM events")) == 3


def test_what_a_source_has_folded_is_not_folded_again(folder: Path) -> None:
    """Our journal, folded further in the source, adds nothing after the merge, and goes on."""
    journal = Journal(folder / "j", {})
    stores = [folder / "o.duckdb", folder / "t.duckdb"]
    for number, path in enumerate(stores):
        journal.row(RUN, "events", {"step": number})
        db.create(path)
        with db.writing(path, folder / "scratch", folder / "j") as connection:
            fold(connection, journals(folder / "j"), folder / "scratch")
    copy, _ = merge(folder, *stores)
    journal.row(RUN, "events", {"step": 2})
    with db.writing(copy, folder / "scratch", folder / "j") as connection:
        fold(connection, journals(folder / "j"), folder / "scratch")

    assert values_in(copy, "SELECT step FROM events ORDER BY step") == [(0,), (1,), (2,)]
    assert values_in(copy, "SELECT metrics ->> 'step' FROM runs") == [("2",)]


def test_the_side_that_knows_more_of_a_run_is_right(folder: Path) -> None:
    """Lost here, finished there: finished, with nothing left of the guess, either way round."""
    running = "INSERT INTO runs BY NAME SELECT 'r' AS id, 'running' AS status"
    lost = "UPDATE runs SET status = 'lost', reason = 'its process is gone'"
    ended = "UPDATE runs SET status = 'finished', exit_code = 0, finished = '2026-01-01 00:00:00Z'"
    base = filled(folder / "b.duckdb", running)
    ours = filled(folder / "o.duckdb", running, lost)
    theirs = filled(folder / "t.duckdb", running, ended)
    question = "SELECT status, exit_code, reason FROM runs"
    there, found = merge(folder, ours, theirs, base)
    first = values_in(there, question)
    back, other = merge(folder, theirs, ours, base)

    assert first == values_in(back, question) == [("finished", 0, None)]
    assert found.conflicts == other.conflicts == ()


def test_an_account_adds_up(folder: Path) -> None:
    """What was taken, kept and equal is counted, and the sums are the inputs."""
    logged = {"x": "BIGINT"}
    base = filled(folder / "b.duckdb", *(insert(n, "x", "0") for n in range(6)), logged=logged)
    ours, theirs = folder / "o.duckdb", folder / "t.duckdb"
    for path, changes in (
        (
            ours,
            (
                "UPDATE events SET x = 1 WHERE row_id = '{1}'",
                "DELETE FROM events WHERE row_id = '{2}'",
            ),
        ),
        (
            theirs,
            (
                "UPDATE events SET x = 2 WHERE row_id = '{3}'",
                "DELETE FROM events WHERE row_id = '{4}'",
            ),
        ),
    ):
        shutil.copyfile(base, path)
        with db.writing(path) as connection:
            for change in changes:
                connection.execute(change.format(*(UUID(int=n) for n in range(6))))
            connection.execute(insert(10 + len(path.stem + str(path == ours)), "x", "9"))
    _, found = merge(folder, ours, theirs, base)
    account = next(each for each in found.accounts if each.table == "events")

    assert Counter({f.value: n for f, n in account.fates.items()}) == Counter(
        {"equal": 2, "kept-new": 1, "kept-changed": 1, "kept-deleted": 1}
        | {"taken-new": 1, "taken-changed": 1, "taken-deleted": 1}
    )
    assert (account.ours, account.theirs, account.result) == (6, 6, 6)


def test_a_damaged_source_is_not_for_doctor(tmp_path: Path) -> None:
    """`xvc doctor` rebuilds the store of the project, and no other file."""
    junk = tmp_path / "junk.duckdb"
    junk.write_text("no database")

    with pytest.raises(db.SourceCorrupt) as caught:
        merge(tmp_path, filled(tmp_path / "o.duckdb"), junk)

    assert caught.value.path == str(junk)
    assert "doctor" not in caught.value.hint
