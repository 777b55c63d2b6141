"""Merging rows that both sides changed: cell by cell, by rule or choice; the rest are conflicts.

Works on copies of those rows only, however large the tables are: ``mine``, ``yours`` and ``was``
as the three stores have them, and ``merged``, which comes of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

from xvc.core.account import Fate
from xvc.core.merge import Choice, Conflict, Place, Side, remembered
from xvc.journal.codec import from_json
from xvc.store.alignment import BASE, OURS, THEIRS, MergedTable
from xvc.store.keys import in_json
from xvc.store.run_merge import settle_run
from xvc.store.runs import ContentsCorrupt
from xvc.store.schema import literal
from xvc.store.shape import MergedColumn
from xvc.types import Json

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_COPIES = {"mine": (OURS, "orow"), "yours": (THEIRS, "trow"), "was": (BASE, "brow")}
_BETWEEN = {"DOUBLE": "1", "FLOAT": "1", "INTERVAL": "INTERVAL 1 MICROSECOND"}
_HERE = "the store here"
_JOINED = "FROM mine m JOIN yours y USING (k) LEFT JOIN was w USING (k)"


class RowConflicts:
    """The rows of one table that both sides touched; ``fates`` says which."""

    def __init__(self, connection: DuckDBPyConnection, table: MergedTable, source: str) -> None:
        self._connection, self._table, self._source = connection, table, source

    def settle(self, before: Sequence[Conflict]) -> list[Conflict]:
        """Make the rows of ``merged``; returns the conflicts, with the choices that were met.

        A conflict without a choice has our value.
        """
        for copy, (store, place) in _COPIES.items():
            self._copy_rows(copy, store, place)
        self._connection.execute("CREATE OR REPLACE TEMP TABLE merged AS FROM mine")
        found = [each for cell in self._table.cells for each in self._merge_cell(cell)]
        ruled = self._ruled(found) if self._table.name == "runs" else {}
        rest = [each for each in found if each.place not in ruled] + self._deletions()
        told = remembered(rest, before)
        decided = {each.place: each.choice for each in told if each.choice is not None}
        self._put({**ruled, **decided})
        return sorted(told, key=lambda each: (each.key, each.column or ""))

    def overruled(self, conflicts: Sequence[Conflict]) -> tuple[list[str], list[str]]:
        """List the keys of rows that we deleted and get back, and of ours that are deleted."""
        theirs = [each for each in conflicts if each.choice and each.choice.side is Side.THEIRS]
        restored = [each.key for each in theirs if each.kind == Fate.DELETED_BY_US]
        return restored, [each.key for each in theirs if each.kind == Fate.DELETED_BY_THEM]

    def _copy_rows(self, copy: str, store: str, place: str) -> None:
        """Copy the rows that both changed; cells by their aliases, so that no name clashes."""
        table = self._table.at(store)
        cells = [
            f"{cell.read(store) if table else 'NULL::' + cell.physical} AS {cell.alias}"
            for cell in self._table.cells
        ]
        source = (
            f"SELECT {', '.join(cells)}, rowid AS r FROM {table}"
            if table
            else (f"SELECT {', '.join(cells)}, 0 AS r WHERE false")
        )
        chosen = f"SELECT k, {place} AS r FROM fates WHERE fate = '{Fate.BOTH_CHANGED}'"
        self._connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {copy} AS "
            f"SELECT * EXCLUDE (r) FROM ({chosen}) JOIN ({source}) USING (r)"
        )

    def _merge_cell(self, cell: MergedColumn) -> list[Conflict]:
        """Take their value of one cell where only they changed it; returns where both did."""
        mine, yours, was = (f"{side}.{cell.alias}" for side in "myw")
        differ = _differ(mine, yours, cell)
        both = f"{_differ(mine, was, cell)} AND {_differ(yours, was, cell)}"
        fresh = "true" if cell.is_shared else both
        clash = f"(CASE WHEN w.k IS NULL THEN {fresh} ELSE {both} END)"
        shown = ", ".join(_shown(value, cell) for value in (was, mine, yours))
        rows = self._connection.execute(
            f"SELECT k::VARCHAR, {shown}, {self._newer()} {_JOINED} WHERE {differ} AND {clash}"
        ).fetchall()
        taken = f"{differ} AND NOT {clash} AND NOT {_differ(mine, was, cell)}"
        self._set(cell, f"SELECT k, {yours} AS c {_JOINED} WHERE {taken}")
        return [
            Conflict(
                source=self._source,
                table=self._table.name,
                key=key,
                column=cell.shown,
                kind="both-changed" if base is not None else "both-set",
                base=base,
                ours=ours,
                theirs=theirs,
                newer=Side(newer) if newer else None,
            )
            for key, base, ours, theirs, newer in rows
        ]

    def _newer(self) -> str:
        """Write which side's row is the later one; NULL where the rows do not tell."""
        aliases = {cell.name: cell.alias for cell in self._table.cells if cell.logged is None}
        names = ("finished", "started") if self._table.name == "runs" else ("timestamp",)
        times = [f"{{0}}.{aliases[name]}" for name in names if name in aliases]
        if not times:
            return "NULL"
        mine, yours = (f"coalesce({', '.join(times)})".format(alias) for alias in "my")
        return f"CASE WHEN {mine} > {yours} THEN 'ours' WHEN {mine} < {yours} THEN 'theirs' END"

    def _deletions(self) -> list[Conflict]:
        """Find the rows that one side deleted and the other changed."""
        found = []
        for fate, store, place in (
            (Fate.DELETED_BY_US, THEIRS, "trow"),
            (Fate.DELETED_BY_THEM, OURS, "orow"),
        ):
            table = self._table.at(store)
            if table is None:
                continue
            rows = self._connection.execute(
                f"SELECT f.k::VARCHAR, t.w FROM fates f JOIN "
                f"(SELECT {self._whole(store)} AS w, rowid AS r FROM {table}) t "
                f"ON t.r = f.{place} WHERE f.fate = '{fate}'"
            ).fetchall()
            for key, row in rows:
                ours, theirs = (None, row) if store == THEIRS else (row, None)
                found.append(
                    Conflict(
                        source=self._source,
                        table=self._table.name,
                        key=key,
                        column=None,
                        kind=fate.value,
                        ours=ours,
                        theirs=theirs,
                        newer=Side.THEIRS if store == THEIRS else Side.OURS,
                    )
                )
        return found

    def _whole(self, store: str) -> str:
        parts = [
            f"{literal(cell.name)}: {_plain(cell.read(store), cell)}" for cell in self._table.cells
        ]
        return f"to_json({{{', '.join(parts)}}})::VARCHAR"

    def _ruled(self, conflicts: Sequence[Conflict]) -> dict[Place, Choice]:
        """Let the core settle what it can of the runs in dispute."""
        columns: dict[str, list[str]] = {}
        for each in conflicts:
            columns.setdefault(each.key, []).append(each.column or "")
        ruled: dict[Place, Choice] = {}
        for key, base, ours, theirs in self._facts(list(columns)):
            chosen = settle_run(base, ours, theirs, columns[key])
            ruled |= {("runs", key, column): choice for column, choice in chosen.items()}
        return ruled

    def _facts(self, keys: list[str]) -> list[tuple[str, _Facts | None, _Facts, _Facts]]:
        """Read the runs in dispute as both sides and the ancestor had them."""
        packed = [
            "to_json({"
            + ", ".join(f"{literal(c.name)}: {side}.{c.alias}" for c in self._table.cells)
            + "})::VARCHAR"
            for side in "wmy"
        ]
        rows = self._connection.execute(
            f"SELECT k::VARCHAR, w.k IS NOT NULL, {', '.join(packed)} {_JOINED} "
            "WHERE k::VARCHAR IN (SELECT unnest(?::VARCHAR[]))",
            [keys],
        ).fetchall()
        return [
            (
                key,
                _read(base, _HERE) if has_base else None,
                _read(ours, _HERE),
                _read(theirs, self._source),
            )
            for key, has_base, base, ours, theirs in rows
        ]

    def _put(self, chosen: Mapping[Place, Choice]) -> None:
        """Write the chosen values into ``merged``."""
        for cell in self._table.cells:
            here = {p[1]: c for p, c in chosen.items() if p[2] == cell.shown}
            for copy, side in (("mine", Side.OURS), ("yours", Side.THEIRS)):
                keys = [key for key, choice in here.items() if choice.side is side]
                self._copy(copy, cell, keys)
            values = {key: choice.value for key, choice in here.items() if choice.value is not None}
            if values:
                told = "SELECT unnest(?::VARCHAR[]) AS k, unnest(?::VARCHAR[]) AS v"
                value = f"SELECT m.k, {_cast('t.v', cell)} AS c"
                source = f"{value} FROM mine m JOIN ({told}) t ON m.k::VARCHAR = t.k"
                self._set(cell, source, [list(values), list(values.values())])

    def _copy(self, copy: str, cell: MergedColumn, keys: list[str]) -> None:
        if keys:
            among = "k::VARCHAR IN (SELECT unnest(?::VARCHAR[]))"
            self._set(cell, f"SELECT k, {cell.alias} AS c FROM {copy} WHERE {among}", [keys])

    def _set(self, cell: MergedColumn, source: str, values: Sequence[object] = ()) -> None:
        """Set a cell of the rows that *source* lists as ``k`` and ``c``.

        Some by way of another value: DuckDB passes over an update from 0.0 to -0.0, or from a month
        to 30 days, as from equal to equal.
        """
        between = _BETWEEN.get(cell.physical)
        for value in ("p.c",) if between is None else (between, "p.c"):
            self._connection.execute(
                f"UPDATE merged SET {cell.alias} = {value} FROM ({source}) p WHERE merged.k = p.k",
                list(values),
            )


_Facts = Mapping[str, Json]


def _read(text: str, place: str) -> _Facts:
    try:
        return cast("dict[str, Json]", from_json(text))
    except ValueError as err:  # deeper than any JSON of ours, or a number that no float holds
        raise ContentsCorrupt(place, "runs", str(err)) from err


def _differ(one: str, other: str, cell: MergedColumn) -> str:
    pairs = zip(cell.kind.signs(one), cell.kind.signs(other), strict=True)
    return "(" + " OR ".join(f"{x} IS DISTINCT FROM {y}" for x, y in pairs) + ")"


def _plain(value: str, cell: MergedColumn) -> str:
    """Write a value so that it can stand in JSON, which has no NaN and no infinity."""
    return in_json(value, cell.kind) if cell.kind.is_float else value


def _shown(value: str, cell: MergedColumn) -> str:
    return f"CASE WHEN {value} IS NOT NULL THEN to_json({_plain(value, cell)})::VARCHAR END"


def _cast(value: str, cell: MergedColumn) -> str:
    """Write how JSON text becomes a value of the cell's type."""
    whole = cell.kind.name in {"JSON", "VARIANT"} or cell.kind.is_nested
    read = (
        f"{value}::JSON::{cell.physical}" if whole else f"({value}::JSON ->> '$')::{cell.physical}"
    )
    return f"CASE WHEN {value} <> 'null' THEN {read} END"
