"""Merging two stores loses nothing: held against a slow merge in plain Python."""

from __future__ import annotations

import math
import os
import random
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stores import filled, insert, merge, theirs_wins, values_in
from xvc.errors import StoreCorrupt, TooNew
from xvc.journal.reader import journals
from xvc.journal.writer import Journal
from xvc.store import db
from xvc.store.fold import fold
from xvc.store.merge import Source, merge_into
from xvc.types import RunId

RUN = RunId("bzk3nzk3r8d7")
ROWS = 110  # histories of a row in one example
EXAMPLES = int(os.environ.get("MERGE_EXAMPLES", "5"))

History = dict[UUID, dict[str, Any]]

# Each key with values that DuckDB's own comparison or hash takes for one another.
VALUES: dict[str, tuple[str, list[Any]]] = {
    "loss": ("DOUBLE", [None, 0.0, -0.0, math.nan, math.inf, 0.1]),
    "Loss": ("BIGINT", [None, 0, 1, (1 << 53) + 1]),
    "tags": ("VARCHAR[]", [None, [], [None], ["a"], ["null"]]),
    "note": ("VARCHAR", [None, "", "null", "NULL", "it's"]),
    "NOTE": ("JSON", [None, "{}", '{"a": null}', "[]"]),
    "mixed": ("VARIANT", [None, 1, 1.5, "1", "", True]),
    "at": ("TIMESTAMP WITH TIME ZONE", [None, datetime(2026, 1, 2, tzinfo=UTC)]),
}


def sign(value: Any) -> str:
    """Write a value so that different ones differ."""
    if isinstance(value, datetime):
        value = value.isoformat()
    return f"{type(value).__name__} {value!r}"


def build(path: Path, rows: Mapping[UUID, Mapping[str, Any]], keys: Sequence[str]) -> Path:
    """Write a store that holds these rows; columns are made in the order of *keys*."""
    db.create(path)
    with db.writing(path) as connection:
        connection.execute(
            "CREATE TABLE events (row_id UUID, track_id VARCHAR, timestamp TIMESTAMPTZ)"
        )
        connection.execute("INSERT INTO meta VALUES ('table', 'events')")
        names: dict[str, str] = {}
        for key in keys:
            taken = {name.lower() for name in names.values()}
            names[key] = f"{key}_2" if key.lower() in taken else key
            kind = VALUES[key][0]
            connection.execute(f'ALTER TABLE events ADD COLUMN "{names[key]}" {kind}')
            noted = ["events", key, names[key], kind]
            connection.execute("INSERT INTO columns VALUES (?, ?, ?, ?)", noted)
        if rows:
            line = ", ".join(["?", *(f"?::{VALUES[key][0]}" for key in keys)])
            places = ", ".join(["row_id", *(f'"{names[key]}"' for key in keys)])
            values = [[identity, *(row.get(key) for key in keys)] for identity, row in rows.items()]
            lines = ", ".join(f"({line})" for _ in rows)
            flat = [value for row in values for value in row]
            connection.execute(f"INSERT INTO events ({places}) VALUES {lines}", flat)
    return path


def rows_of(path: Path) -> dict[str, dict[str, str]]:
    """Read a store's rows by logged key, each value as its sign; empty cells are left out."""
    with db.reading(path) as connection:
        names = dict(connection.execute("SELECT key, column_name FROM columns").fetchall())
        found: dict[str, dict[str, str]] = {}
        for (identity,) in connection.execute("SELECT row_id FROM events").fetchall():
            assert str(identity) not in found
            found[str(identity)] = {}
        for key, column in names.items():
            question = f'SELECT row_id, "{column}" FROM events WHERE "{column}" IS NOT NULL'
            for identity, value in connection.execute(question).fetchall():
                found[str(identity)][key] = sign(value)
        return found


class Histories:
    """Random histories of rows on two sides: begun together or not, set, added, deleted."""

    def __init__(self, seed: int) -> None:
        dice = random.Random(seed)
        every = list(VALUES)
        dice.shuffle(every)
        self.keys = {"base": every[: dice.randrange(2, len(every))]}
        for side in ("ours", "theirs"):
            more = [key for key in every if key not in self.keys["base"] and dice.random() < 0.6]
            self.keys[side] = dice.sample(
                [*self.keys["base"], *more], len(more + self.keys["base"])
            )
        self.rows: dict[str, History] = {"base": {}, "ours": {}, "theirs": {}}
        for number in range(ROWS):
            identity = UUID(int=number << 80 | 7 << 76 | 1 << 63 | dice.getrandbits(60))
            begun = self._row(dice, "base") if dice.random() < 0.7 else None
            if begun is not None:
                self.rows["base"][identity] = begun
            for side in ("ours", "theirs"):
                row = self._edited(dice, side, begun)
                if row is not None:
                    self.rows[side][identity] = row

    def _row(self, dice: random.Random, side: str) -> dict[str, Any]:
        return {key: dice.choice(VALUES[key][1]) for key in self.keys[side] if dice.random() < 0.7}

    def _edited(
        self, dice: random.Random, side: str, begun: dict[str, Any] | None
    ) -> dict[str, Any] | None:
        chance = dice.random()
        if begun is None:
            return self._row(dice, side) if chance < 0.5 else None
        if chance < 0.4:
            return begun
        if chance < 0.55:
            return None
        key = dice.choice(self.keys[side])
        return {**begun, key: dice.choice(VALUES[key][1])}

    def merged(self, *, related: bool) -> tuple[dict[str, dict[str, str]], set[Any]]:
        """Merge slowly: the rows with our values where sides disagree, and where they do."""
        found: dict[str, dict[str, str]] = {}
        disputes: set[tuple[str, str | None]] = set()
        for identity in {**self.rows["ours"], **self.rows["theirs"]}:
            key = str(identity)
            ours, theirs, base = (
                self._signs(self.rows[side].get(identity)) for side in ("ours", "theirs", "base")
            )
            base = base if related else None
            if ours is not None and theirs is not None:
                found[key], differing = self._cells(ours, theirs, base)
                disputes |= {(key, name) for name in differing}
                continue
            there = theirs if ours is None else ours
            if base is None or (there != base and ours is not None):
                found[key] = there or {}
            if base is not None and there != base:
                disputes.add((key, None))
        return found, disputes

    def _cells(
        self, ours: dict[str, str], theirs: dict[str, str], base: dict[str, str] | None
    ) -> tuple[dict[str, str], list[str]]:
        row, differing = {}, []
        shared = set(self.keys["ours"]) & set(self.keys["theirs"])
        for name in VALUES:
            mine, yours, was = ours.get(name), theirs.get(name), (base or {}).get(name)
            if base is None and name in shared:
                was = "something else"
            if mine != yours and mine != was and yours != was:
                differing.append(name)
            value = yours if mine == was else mine
            if value is not None:
                row[name] = value
        return row, differing

    def _signs(self, row: Mapping[str, Any] | None) -> dict[str, str] | None:
        if row is None:
            return None
        return {key: sign(value) for key, value in row.items() if value is not None}


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.integers(0, 1 << 32), st.booleans())
def test_a_merge_equals_the_slow_one(seed: int, related: bool) -> None:
    """Random histories: the same rows and disputes, whichever side merges; twice is once."""
    histories = Histories(seed)
    with TemporaryDirectory() as place:
        folder = Path(place)
        stores = {
            side: build(folder / f"{side}.duckdb", histories.rows[side], histories.keys[side])
            for side in ("base", "ours", "theirs")
        }
        base = stores["base"] if related else None
        there, found = merge(folder, stores["ours"], stores["theirs"], base)
        first = rows_of(there)
        again = merge_into(there, Source("them", stores["theirs"], "other"), (), folder)
        back, flipped = merge(folder, stores["theirs"], stores["ours"], base, theirs_wins)
        expected, disputes = histories.merged(related=related)

        assert first == expected
        assert {(each.key, each.column) for each in found.conflicts} == disputes
        assert all(tally.taken == 0 for tally in again.tallies if not related)
        assert rows_of(back) == expected
        assert {each.place for each in flipped.conflicts} == {c.place for c in found.conflicts}


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
    """A view over a file is not looked into, a macro is never called."""
    secret = folder / "secret.csv"
    secret.write_text("word\nswordfish\n")
    ours = filled(folder / "o.duckdb", insert(1, "track_id", "'a'"))
    theirs = filled(
        folder / "t.duckdb",
        insert(2, "track_id", "'b'"),
        f"CREATE VIEW leak AS FROM read_csv('{secret}')",
        "CREATE MACRO hash(x) AS 1",
        "CREATE MACRO to_json(x) AS 'evil'",
    )
    copy, _ = merge(folder, ours, theirs)

    assert values_in(copy, "SELECT track_id FROM events ORDER BY 1") == [("a",), ("b",)]
    assert values_in(copy, "SELECT view_name FROM duckdb_views() WHERE NOT internal") == []
    assert b"swordfish" not in copy.read_bytes()


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
        with db.writing(path) as connection:
            fold(connection, journals(folder / "j"), folder / "scratch")
    copy, _ = merge(folder, *stores)
    journal.row(RUN, "events", {"step": 2})
    with db.writing(copy) as connection:
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
    tally = next(each for each in found.tallies if each.table == "events")

    assert Counter({f.value: n for f, n in tally.fates.items()}) == Counter(
        {"equal": 2, "kept-new": 1, "kept-changed": 1, "kept-deleted": 1}
        | {"taken-new": 1, "taken-changed": 1, "taken-deleted": 1}
    )
    assert (tally.ours, tally.theirs, tally.result) == (6, 6, 6)
