"""Tables and keys whose names differ only in letters that other programs take for one."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from surroundings import Begun, Called, Calling, git
from xvc import Reader, Tracker
from xvc.core.name_words import catalog_name
from xvc.store.schema import quoted, same_name

NAMES = (
    *("é", "É", "e\u0301", "ß", "ẞ", "SS", "İ", "i\u0307", "i", "ı", "ſ", "s"),
    *("\u212a", "k", "\uff21", "\uff41", "Σ", "σ", "ς", "K", "E\u0301"),
)
"""Kelvin, full width, sigmas, combined and composed; the last two share tables with others."""

TABLES = NAMES[:-2]
WHOLE = {name: number for number, name in enumerate(NAMES)}
LAST: dict[str, float] = {**WHOLE, **dict.fromkeys(TABLES, 0.5)}

name = st.sampled_from(NAMES) | st.text(
    st.characters(exclude_characters="\0", codec="utf-8"), min_size=1
)


@settings(max_examples=200, deadline=None)
@example("\u212a", "k")
@example("K", "k")
@given(name, name)
def test_two_names_are_one_exactly_where_the_catalog_says_so(one: str, other: str) -> None:
    """DuckDB takes two names for one column where `catalog_name` and its SQL say that they are."""
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE t ({quoted(one)} INTEGER)")
        try:
            connection.execute(f"SELECT {quoted(other)} FROM t")
            is_one = True
        except duckdb.BinderException:
            is_one = False
        [in_sql] = connection.execute(
            f"SELECT {same_name('its')} FROM (SELECT ? AS its)", [other, one]
        ).fetchone() or [None]

    assert (catalog_name(one) == catalog_name(other)) is is_one
    assert in_sql is is_one


def as_key(name: str) -> str:
    """Write a key for a filter."""
    return f"`{name}`"


def ran(call_xvc: Calling, *words: str) -> Called:
    done = call_xvc(*words)
    assert done.code == 0, (words, done.err + done.out)
    return done


def logged(side: str) -> None:
    """Record a run with a row in each table, under the name of the table, and one of all keys."""
    with Tracker(name=side) as tracker:
        tracker.log({**WHOLE, "of": side})
        for name in TABLES:
            tracker.table = name
            tracker.log({"who": name, "of": side, name: 0.5})


@pytest.fixture
def parted(project: Path, call_xvc: Calling, begun: Begun) -> Path:
    """Main and side have a run in common, and each has logged one since they parted."""

    def sides() -> None:
        logged("both")
        ran(call_xvc, "tag", "minor")
        git(project, "checkout", "-q", "-b", "side")
        logged("side")
        ran(call_xvc, "tag", "minor")
        git(project, "checkout", "-q", "main")
        logged("main")
        ran(call_xvc, "ls")

    begun(project, sides)
    return project


def sides_of(key: str, store: Path | None = None) -> dict[str, list[str]]:
    """Read which sides have a row in each table, and check that each row is of this table."""
    found = {}
    for name in TABLES:
        reader = Reader(store, name)
        assert set(reader.values("who")) == {name}, name
        assert reader.values(name) == [0.5] * len(reader.values("who"))
        found[name] = sorted(map(str, reader.values(key)))
    return found


def test_every_row_is_in_its_table_under_its_key(parted: Path, call_xvc: Calling) -> None:
    """Whatever reads runs and rows finds each table and each key, and no other in its place."""
    listed = ran(call_xvc, "db", "ls", "-n", "0", "--json").data["rows"]
    counts = {each["table"]: each["rows"] for each in listed}
    whole = ran(call_xvc, "ls", "--sort", "É", "--columns", ",".join(NAMES), "--json").data["runs"]
    sql = " UNION ALL ".join(
        f"SELECT {quoted(name)} AS it, who FROM db.{quoted(name)}" for name in TABLES
    )

    assert sides_of("of") == {key: ["both", "main"] for key in TABLES}
    assert {name: counts.get(name) for name in TABLES} == dict.fromkeys(TABLES, 2)
    assert [{name: run["metrics"].get(name) for name in NAMES} for run in whole] == [LAST] * 2
    for name in ("É", "\u212a", "E\u0301"):
        asked = ran(call_xvc, "ls", "--where", f"{as_key(name)} == {LAST[name]}", "--json")
        assert len(asked.data["runs"]) == 2, name
        top = ran(call_xvc, "db", "top", name, "--where", f"{as_key(name)} >= 0", "--json").data
        assert [row[name] for row in top["rows"]] == [WHOLE[name]]
    assert len(ran(call_xvc, "db", "sql", sql, "--json").data["rows"]) == 2 * len(TABLES)


@pytest.mark.sweep
def test_what_changes_tables_keeps_them_apart(
    parted: Path, call_xvc: Calling, tmp_path: Path
) -> None:
    """Set, copied, merged and rebased, as Parquet too, a table changes by what is its own."""
    pair, store = ("é", "É"), Path("results/experiments.duckdb").resolve()
    other, parts = tmp_path / "other.duckdb", [str(tmp_path / f"{n}.parquet") for n in "ab"]
    for number, name in enumerate(pair):
        words = ("db", "set", "mark", str(number), "--table", name, "--run", "main", "--yes")
        assert ran(call_xvc, *words, "--json").data["rows"] == 1
    ran(call_xvc, "ls")  # what was set is in the journal until somebody reads
    with Tracker(other, table="É") as tracker:
        tracker.log({"who": "É", "of": "other", "É": 0.5})
    ran(call_xvc, "db", "copy", str(store), "--db", str(other), "--yes")
    for part in parts:
        Reader().to_parquet(part, all=True)
    ran(call_xvc, "merge", "data", *parts)
    ran(call_xvc, "rebase", "side", "--on", "who", "--table", "É", "--yes")
    three = {name: ["both", "main", "side"] for name in TABLES}

    assert [Reader(table=name).values("mark") for name in pair] == [[None, None, 0], [None]]
    assert [Reader(other, name).values("mark") for name in pair] == [[None, 0], [None, 1, None]]
    assert sides_of("of") == {**three, "É": ["side"]}
    assert sides_of("of", other) == {
        **{key: ["both", "main"] for key in TABLES},
        "É": ["both", "main", "other"],
    }
    assert set(TABLES) <= set(duckdb.read_parquet(parts[0]).columns)
