"""Replacing rows by key loses no other row: held against a slow rebase in plain Python."""

from __future__ import annotations

import math
import os
import random
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from histories import SIDES, TABLES, Histories, Rows, build, rows_of
from stores import filled, insert, rebase, values_in
from xvc.core.rebase import ReplaceRequest
from xvc.errors import NoColumn
from xvc.store.column_types import Kind
from xvc.store.keys import KeysDiffer, KeysDoubled, KeysEmpty, refuse_kinds
from xvc.store.rebase import RowsDoubled

EXAMPLES = int(os.environ.get("MERGE_EXAMPLES", "8"))  # histories of a table
CHOICES: dict[str, list[Any]] = {
    "note": ["", "null", "it's", "a"],
    "Loss": [0, 1, (1 << 53) + 1, -1],
    "loss": [0.0, -0.0, math.nan, math.inf, 0.1],
    "tags": [None, [], [None], ["a"]],
}
KEYS = ("note", "Loss", "loss")


class Replacing(Histories):
    """Random histories with few rows and few keys, so that some rows meet and some do not."""

    def __init__(self, seed: int, wanted: ReplaceRequest) -> None:
        dice = random.Random(seed)
        self.wanted = wanted
        self.keys = {side: dice.sample([*CHOICES], 4) for side in SIDES}
        self._empty = dice.choice([0.0, 0.0, 0.1])
        self.fill(dice, dice.randrange(12), together=0.5)

    def row(self, dice: random.Random, side: str) -> dict[str, Any]:
        row = {key: dice.choice(CHOICES[key]) for key in self.keys[side]}
        return {key: value for key, value in row.items() if dice.random() >= self._empty}

    def rebased(self, *, related: bool) -> type[Exception] | tuple[dict[str, Any], set[str]]:
        """Rebase slowly: the rows that are left and those of ours that went, or why not."""
        turned = dict(self.rows, ours=self.rows["theirs"], theirs=self.rows["ours"])
        self.rows, kept = turned, self.rows
        merged, _ = self.merged(related=related)  # where both changed something, theirs stands
        self.rows = kept
        before = self.rows["base"] if related else {}
        incoming = sorted(str(name) for name in self.rows["theirs"] if name not in before)
        keys = {name: self._key(row) for name, row in merged.items()}
        if any(None in keys[name] for name in incoming):
            return KeysEmpty
        if not self.wanted.takes_last and len({keys[n] for n in incoming}) < len(incoming):
            return KeysDoubled
        winners = {keys[name]: name for name in incoming}
        left = {n: row for n, row in merged.items() if winners.get(keys[n], n) == n}
        gone = {str(name) for name in self.rows["ours"]} & merged.keys() - left.keys()
        return left, gone

    def _key(self, row: Mapping[str, str]) -> tuple[str | None, ...]:
        values = (row.get(key) for key in self.wanted.keys)
        return tuple("float 0.0" if value == "float -0.0" else value for value in values)


@dataclass(frozen=True)
class Rebasing:
    """The rows that are left, after one rebase and after two, and what went; or why none was."""

    rows: dict[str, Rows] = field(default_factory=dict)
    twice: dict[str, Rows] = field(default_factory=dict)
    gone: frozenset[tuple[str, str]] = frozenset()
    count: int = 0
    refusal: type[Exception] | None = None
    are_inputs_as_before: bool = True


def rebased(seed: int, *, related: bool) -> list[tuple[Rebasing, Rebasing]]:
    """Rebase random histories, and the same ones slowly: those that can be, and those refused."""
    dice = random.Random(seed)
    keys = tuple(dice.sample(KEYS, dice.choice([1, 2, 3])))
    wanted = ReplaceRequest(keys, takes_last=dice.random() < 0.6, shown=None)
    tables = {f"t{n}": Replacing(seed * TABLES + n, wanted) for n in range(TABLES)}
    slow = {name: each.rebased(related=related) for name, each in tables.items()}
    refused = {name: why for name, why in slow.items() if isinstance(why, type)}
    left = {name: done for name, done in slow.items() if not isinstance(done, type)}
    rows = {name: found for name, (found, _) in left.items()}
    gone = frozenset((name, row) for name, (_, those) in left.items() for row in those)
    pairs = []
    if left:
        done = _carried_out({name: tables[name] for name in left}, wanted, related)
        pairs.append((done, Rebasing(rows, rows, gone, len(gone))))
    for why in {*refused.values()}:
        those = {name: tables[name] for name, its in refused.items() if its is why}
        pairs.append((_carried_out(those, wanted, related), Rebasing(refusal=why)))
    return pairs


def _carried_out(
    tables: Mapping[str, Histories], wanted: ReplaceRequest, related: bool
) -> Rebasing:
    with TemporaryDirectory() as place:
        folder = Path(place)
        stores = build(folder, tables)
        before = [path.read_bytes() for path in stores.values()]
        base = stores["base"] if related else None
        try:
            there, done = rebase(folder, stores["ours"], stores["theirs"], wanted, base)
        except (KeysEmpty, KeysDoubled) as err:
            found = Rebasing(refusal=type(err))
        else:
            rows, again = rows_of(there), shutil.copyfile(there, folder / "first.duckdb")
            since = stores["theirs"] if related else None  # as `resolve` finds what was merged
            twice, _ = rebase(folder, again, stores["theirs"], wanted, since)
            gone = frozenset((each.table, each.row) for each in done.gone)
            found = Rebasing(rows, rows_of(twice), gone, done.count)
        are_same = [path.read_bytes() for path in stores.values()] == before
        return replace(found, are_inputs_as_before=are_same)


@settings(max_examples=-(-EXAMPLES // TABLES), deadline=None)
@given(st.integers(0, 1 << 32), st.booleans())
def test_a_rebase_equals_the_slow_one(seed: int, related: bool) -> None:
    """Random histories: the same rows left and gone, or the same refusal; twice is once."""
    pairs = rebased(seed, related=related)

    assert [done for done, _ in pairs] == [slow for _, slow in pairs]


@pytest.mark.sweep
@pytest.mark.timeout(3600)
@settings(max_examples=-(-500 // TABLES), deadline=None)
@given(st.integers(0, 1 << 32), st.booleans())
def test_five_hundred_rebases_equal_the_slow_one(seed: int, related: bool) -> None:
    """As above, for long."""
    pairs = rebased(seed, related=related)

    assert [done for done, _ in pairs] == [slow for _, slow in pairs]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def one(folder: Path, name: str, kind: str, *values: str) -> Path:
    """A store with one row for each value of ``x``; ids differ between names."""
    rows = [insert(ord(name) * 100 + n, "x", value) for n, value in enumerate(values)]
    return filled(folder / f"{name}.duckdb", *rows, logged={"x": kind})


@pytest.mark.parametrize(
    ("mine", "yours"),
    [
        (("BIGINT", "1"), ("VARCHAR", "'1'")),
        (("BIGINT", "9007199254740993"), ("DOUBLE", "9007199254740992.0::DOUBLE")),
        (("BOOLEAN", "true"), ("BIGINT", "1")),
        (("DATE", "'2026-01-01'::DATE"), ("TIMESTAMP", "'2026-01-01'::TIMESTAMP")),
        (("TIMESTAMP", "'2026-01-01'::TIMESTAMP"), ("TIMESTAMPTZ", "'2026-01-01'::TIMESTAMPTZ")),
        (("VARCHAR", "'a'"), ("BLOB", "'a'::BLOB")),
        (("VARIANT", "1::VARIANT"), ("VARIANT", "1::VARIANT")),
        (("JSON", "'{}'::JSON"), ("JSON", "'{}'::JSON")),
        (("BIGINT[]", "[1]"), ("BIGINT[]", "[1]")),
    ],
)
def test_types_that_differ_match_nothing(
    folder: Path, mine: tuple[str, str], yours: tuple[str, str]
) -> None:
    """What DuckDB would call equal after a cast is refused, and so is a type that holds several."""
    ours, theirs = one(folder, "o", *mine), one(folder, "t", *yours)

    with pytest.raises(KeysDiffer, match="in row"):
        rebase(folder, ours, theirs, ReplaceRequest(("x",)))


@pytest.mark.parametrize(
    ("mine", "yours"),
    [
        (("BIGINT", "1"), ("HUGEINT", "1::HUGEINT")),
        (("VARCHAR", "'A'", "'a'", "'a '", "'ä'"), ("VARCHAR", "'a'")),
        (("DATE", "'2026-01-01'::DATE"), ("DATE", "'2026-01-01'::DATE")),
        (("BLOB", "'a'::BLOB"), ("BLOB", "'a'::BLOB")),
    ],
)
def test_the_same_value_is_replaced(
    folder: Path, mine: tuple[str, ...], yours: tuple[str, ...]
) -> None:
    """One row goes and one comes; text that differs in case, spaces or accents stays."""
    ours, theirs = one(folder, "o", *mine), one(folder, "t", *yours)
    copy, done = rebase(folder, ours, theirs, ReplaceRequest(("x",)))

    assert done.count == 1
    assert len(values_in(copy, "FROM events")) == len(mine) - 1


@pytest.mark.parametrize(
    ("kind", "value", "told"),
    [
        ("BIGINT", "9007199254740993", 9007199254740993),
        ("HUGEINT", "1::HUGEINT << 70", 1 << 70),
        ("DOUBLE", "0.1::DOUBLE", 0.1),
        ("DOUBLE", "'inf'::DOUBLE", "inf"),
        ("BOOLEAN", "true", True),
        ("VARCHAR", "'1'", "1"),
        ("DATE", "'2026-01-01'::DATE", "2026-01-01"),
    ],
)
def test_a_row_that_goes_is_told_with_the_value_of_its_key(
    folder: Path, kind: str, value: str, told: object
) -> None:
    """Numbers are numbers in JSON, and text is text; what JSON has not is text."""
    ours, theirs = one(folder, "o", kind, value), one(folder, "t", kind, value)
    _, done = rebase(folder, ours, theirs, ReplaceRequest(("x",)))
    found = done.gone[0].key["x"]

    assert (found, type(found)) == (told, type(told))


def test_doubled_row_ids_are_refused(folder: Path) -> None:
    """Where another program doubled ids, nobody can say which row would go."""
    twice = [insert(1, "x", "1"), insert(1, "x", "2")]
    ours = filled(folder / "o.duckdb", *twice, logged={"x": "BIGINT"})
    theirs = one(folder, "t", "BIGINT", "1")

    with pytest.raises(RowsDoubled):
        rebase(folder, ours, theirs, ReplaceRequest(("x",)))


def test_keys_in_different_tables_are_no_key(folder: Path) -> None:
    """Both keys have to be in one table."""
    ours, theirs = one(folder, "o", "BIGINT", "1"), one(folder, "t", "BIGINT", "1")

    with pytest.raises(NoColumn, match="y"):
        rebase(folder, ours, theirs, ReplaceRequest(("x", "y")))


def test_a_column_that_each_row_has_can_be_the_key(folder: Path) -> None:
    """`--on track_id` replaces the rows of a run."""
    ours, theirs = (
        filled(folder / f"{name}.duckdb", insert(number, "track_id", "'a'"))
        for number, name in enumerate("ot")
    )
    copy, done = rebase(folder, ours, theirs, ReplaceRequest(("track_id",)))

    assert done.runs == (("a", 1),)
    assert values_in(copy, "SELECT row_id FROM events") == [(UUID(int=1),)]


def _refused(kinds: Sequence[str]) -> bool:
    places = {str(number): Kind(kind) for number, kind in enumerate(kinds)}
    try:
        refuse_kinds("events", "x", places, dict.fromkeys(places, ""))
    except KeysDiffer:
        return True
    return False


def test_a_column_without_a_value_has_no_type_to_differ() -> None:
    """A key that one side never had is no hindrance."""
    assert not _refused(["NULL", "VARCHAR"])
    assert _refused(["VARCHAR", "BIGINT", "NULL"])
