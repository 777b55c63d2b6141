"""Random histories of rows on two sides, the stores that hold them, and a slow merge of them.

A store holds several histories, each in a table of its own: opening files is what costs.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from xvc.store import db

ROWS = 110  # histories of a row in one history of a table
TABLES = 8  # of one store
SIDES = ("base", "ours", "theirs")

History = dict[UUID, dict[str, Any]]
Rows = dict[str, dict[str, str]]

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


class Histories:
    """The rows of one table on both sides: begun together or not, set, added, deleted."""

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
        self.fill(dice, ROWS, together=0.7)

    def fill(self, dice: random.Random, count: int, *, together: float) -> None:
        """Give the table rows; *together* is how many begin before the sides part."""
        self.rows: dict[str, History] = {"base": {}, "ours": {}, "theirs": {}}
        for number in range(count):
            identity = UUID(int=number << 80 | 7 << 76 | 1 << 63 | dice.getrandbits(60))
            begun = self.row(dice, "base") if dice.random() < together else None
            if begun is not None:
                self.rows["base"][identity] = begun
            for side in ("ours", "theirs"):
                row = self._edited(dice, side, begun)
                if row is not None:
                    self.rows[side][identity] = row

    def row(self, dice: random.Random, side: str) -> dict[str, Any]:
        return {key: dice.choice(VALUES[key][1]) for key in self.keys[side] if dice.random() < 0.7}

    def _edited(
        self, dice: random.Random, side: str, begun: dict[str, Any] | None
    ) -> dict[str, Any] | None:
        chance = dice.random()
        if begun is None:
            return self.row(dice, side) if chance < 0.5 else None
        if chance < 0.4:
            return begun
        if chance < 0.55:
            return None
        key = dice.choice(self.keys[side])
        return {**begun, key: dice.choice(VALUES[key][1])}

    def merged(self, *, related: bool) -> tuple[Rows, set[Any]]:
        """Merge slowly: the rows with our values where sides disagree, and where they do."""
        found: Rows = {}
        disputes: set[tuple[str, str | None]] = set()
        for identity in {**self.rows["ours"], **self.rows["theirs"]}:
            key = str(identity)
            ours, theirs, base = (
                _signs(self.rows[side].get(identity)) for side in ("ours", "theirs", "base")
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


def _signs(row: Mapping[str, Any] | None) -> dict[str, str] | None:
    if row is None:
        return None
    return {key: sign(value) for key, value in row.items() if value is not None}


def build(folder: Path, tables: Mapping[str, Histories]) -> dict[str, Path]:
    """Write the stores of the two sides and of what both come from."""
    stores = {side: folder / f"{side}.duckdb" for side in SIDES}
    for side, path in stores.items():
        db.create(path)
        with db.writing(path) as connection:
            for table, histories in tables.items():
                _fill(connection, table, histories.rows[side], histories.keys[side])
    return stores


def _fill(connection: Any, table: str, rows: History, keys: Sequence[str]) -> None:
    """Write a table of these rows; columns are made in the order of *keys*."""
    names: dict[str, str] = {}
    for key in keys:
        taken = {name.lower() for name in names.values()}
        names[key] = f"{key}_2" if key.lower() in taken else key
    logged = "".join(f', "{names[key]}" {VALUES[key][0]}' for key in keys)
    connection.execute(
        f"CREATE TABLE {table} (row_id UUID, track_id VARCHAR, timestamp TIMESTAMPTZ{logged})"
    )
    connection.execute("INSERT INTO meta VALUES ('table', ?)", [table])
    for key in keys:
        noted = [table, key, names[key], VALUES[key][0]]
        connection.execute("INSERT INTO columns VALUES (?, ?, ?, ?)", noted)
    if rows:
        line = ", ".join(["?", *(f"?::{VALUES[key][0]}" for key in keys)])
        places = ", ".join(["row_id", *(f'"{names[key]}"' for key in keys)])
        values = [[identity, *(row.get(key) for key in keys)] for identity, row in rows.items()]
        lines = ", ".join(f"({line})" for _ in rows)
        flat = [value for row in values for value in row]
        connection.execute(f"INSERT INTO {table} ({places}) VALUES {lines}", flat)


def rows_of(path: Path) -> dict[str, Rows]:
    """Read a store's rows by table and logged key, values as signs; empty cells are left out."""
    with db.reading(path, is_known=True) as connection:
        tables = "SELECT value FROM meta WHERE key = 'table'"
        return {name: _rows(connection, name) for (name,) in connection.execute(tables).fetchall()}


def _rows(connection: Any, table: str) -> Rows:
    noted = "SELECT key, column_name FROM columns WHERE table_name = ?"
    names = dict(connection.execute(noted, [table]).fetchall())
    picked = "".join(f', "{column}", "{column}" IS NULL' for column in names.values())
    found: Rows = {}
    for identity, *cells in connection.execute(f"SELECT row_id{picked} FROM {table}").fetchall():
        assert str(identity) not in found
        held = zip(names, cells[::2], cells[1::2], strict=True)
        found[str(identity)] = {key: sign(value) for key, value, is_null in held if not is_null}
    return found
