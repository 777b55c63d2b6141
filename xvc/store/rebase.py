"""Replacing rows by key, in a copy of a store into which the sources are merged already.

Incoming rows are those that a source has and the common ancestor has not: rows that both stores
had when they parted are not incoming. Every other row of ours with the key of an incoming row goes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from xvc.core.account import Account
from xvc.core.name_words import catalog_name
from xvc.core.rebase import ReplacedRow, ReplaceOutcome, ReplaceRequest
from xvc.errors import ConflictError, NoColumn, NoTable, error
from xvc.store import db
from xvc.store.alignment import OURS, Identity, columns_of, tables_of
from xvc.store.column_types import Kind
from xvc.store.keys import in_json, refuse_doubled, refuse_empty, refuse_kinds
from xvc.store.merge import Source, remember
from xvc.store.schema import EVENT_COLUMNS, literal, quoted
from xvc.store.shape import SideColumn

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_WAS = "was"
_NO_COLUMN = SideColumn("", "", Kind("NULL"))


@error("rows-doubled")
class RowsDoubled(ConflictError):
    """Rows of a table have doubled or empty ids."""

    table: str
    says = "rows of {table} have doubled or empty row ids: which goes cannot be told"
    way = "Nothing was changed. Another program did that; `xvc merge` compares whole rows."


@dataclass(frozen=True, slots=True)
class Stores:
    """The copy that changes, the store as it was before, and what was merged into the copy.

    A source's base counts only when it is an ancestor of both; ``doubled`` names the tables whose
    row ids tell no rows apart.
    """

    copy: Path
    before: Path
    sources: tuple[Source, ...]
    doubled: frozenset[str] = frozenset()

    def named(self) -> dict[Path, str]:
        """Give each file one name: DuckDB opens none twice."""
        others = [path for each in self.sources for path in (each.path, each.base) if path]
        names = {path: f"s{number}" for number, path in enumerate(dict.fromkeys(others))}
        return {self.copy: OURS, self.before: _WAS, **names}


def replace_by_key(
    stores: Stores, wanted: ReplaceRequest, accounts: Mapping[str, Account], scratch: Path
) -> ReplaceOutcome:
    """Take out of the copy what the sources' rows replace; *accounts* tell of the merges before.

    Raises:
        NoTable: no source has the table.
        NoColumn: no table of a source has all of the keys.
        KeysDiffer: a key has several types.
        KeysEmpty: incoming rows have no value in a key.
        KeysDoubled: incoming rows share a key, and the last is not to be taken.
        RowsDoubled: row ids are doubled or empty.
        MergeUnsound: a row is not accounted for.
    """
    names = stores.named()
    by_name = {name: path for path, name in names.items()}
    with db.side_by_side(by_name, OURS, scratch) as connection:
        work = _Work(connection, stores.sources, names, wanted)
        found = dict(accounts)
        gone: list[ReplacedRow] = []
        runs: dict[str, int] = {}
        for table in work.tables():
            if table in stores.doubled:
                raise RowsDoubled(table)
            found[table] = work.replace_in(table, found.get(table, Account(table)))
            gone += work.gone(table)
            for run, count in work.runs():
                runs[run] = runs.get(run, 0) + count
        replaced = ReplaceOutcome(
            tuple(found.values()), tuple(gone[: wanted.shown]), tuple(runs.items())
        )
        if replaced.has_changed:
            for source in stores.sources:
                remember(connection, source.digest)
        return replaced


_Columns = dict[Identity, SideColumn]


class _Work:
    """One rebase, in one connection; ``incoming`` and ``leaving`` are tables of its own."""

    def __init__(
        self,
        connection: DuckDBPyConnection,
        sources: Sequence[Source],
        names: Mapping[Path, str],
        wanted: ReplaceRequest,
    ) -> None:
        self._connection, self._sources = connection, sources
        self._names, self._wanted = names, wanted
        self._tables = {name: tables_of(connection, name) for name in names.values()}

    def tables(self) -> list[str]:
        """List our tables in which rows are replaced.

        Raises:
            NoTable: no source has the one that was asked for.
            NoColumn: none has all of the keys.
        """
        known = {
            name: columns
            for name, ours in self._tables[OURS].items()
            if (columns := self._of_sources(name)) and self._is_event(ours)
        }
        asked = self._wanted.table
        if asked is not None and catalog_name(asked) not in known:
            raise NoTable(asked, tuple(known))
        chosen = known if asked is None else {(its := catalog_name(asked)): known[its]}
        found = [n for n, its in chosen.items() if any(self._has_keys(each) for each in its)]
        if not found:
            keys = {key for its in chosen.values() for each in its for _, key in each}
            lacking = [key for key in self._wanted.keys if key not in keys]
            raise NoColumn((lacking or [", ".join(self._wanted.keys)])[0], tuple(sorted(keys)))
        return [self._tables[OURS][name] for name in found]

    def _of_sources(self, table: str) -> list[_Columns]:
        places = [self._names[each.path] for each in self._sources]
        return [self._columns(place, table) for place in places if table in self._tables[place]]

    def _columns(self, place: str, table: str) -> _Columns:
        name = self._tables[place].get(catalog_name(table))
        return columns_of(self._connection, place, name) if name is not None else {}

    def _is_event(self, table: str) -> bool:
        return all(("", name) in self._columns(OURS, table) for name in EVENT_COLUMNS)

    def _has_keys(self, columns: _Columns) -> bool:
        return all(_column(columns, key) is not None for key in self._wanted.keys)

    def replace_in(self, table: str, account: Account) -> Account:
        """Replace rows of one table; returns its account, checked."""
        self._refuse_kinds(table)
        self._gather(table)
        parts = [f"k{number}" for number in range(len(self._wanted.keys))]
        shown = self._shown(parts)
        refuse_empty(self._connection, table, "incoming", parts, shown)
        if not self._wanted.takes_last:
            refuse_doubled(self._connection, table, "incoming", parts, shown)
        replaced, dropped = self._take_out(table, parts)
        result = self._count(f"FROM {self._place(OURS, table)}")
        return account.after_replacing(replaced, dropped, result).balanced()

    def _place(self, store: str, table: str) -> str:
        return f"{store}.main.{quoted(self._tables[store][catalog_name(table)])}"

    def _refuse_kinds(self, table: str) -> None:
        places = {_WAS: "this store", **{self._names[s.path]: s.name for s in self._sources}}
        for key in self._wanted.keys:
            kinds, seen = {}, {}
            for place, name in places.items():
                column = _column(self._columns(place, table), key)
                if column is not None and column.kind.name != "NULL":
                    kinds[name] = column.kind
                    seen[name] = self._example(column)
            refuse_kinds(table, key, kinds, seen)

    def _example(self, column: SideColumn) -> str:
        value = quoted(column.name)
        found = self._connection.execute(
            f"SELECT {value}::VARCHAR || ' in row ' || row_id::VARCHAR FROM {column.rows} "
            f"WHERE {value} IS NOT NULL ORDER BY row_id LIMIT 1"
        ).fetchone()
        return str(found[0]) if found else "no row"

    def _gather(self, table: str) -> None:
        """Lay the incoming rows out: id, number of the source, time, and the keys (k0, k1, …)."""
        sides = [
            self._incoming(number, source, table)
            for number, source in enumerate(self._sources)
            if catalog_name(table) in self._tables[self._names[source.path]]
        ]
        columns = self._columns(OURS, table)
        keys = [(_column(columns, key) or _NO_COLUMN).name for key in self._wanted.keys]
        parts = "".join(f", {quoted(name)} AS k{n}" for n, name in enumerate(keys))
        self._connection.execute(
            f"CREATE OR REPLACE TEMP VIEW keyed AS SELECT row_id, track_id, timestamp{parts} "
            f"FROM {self._place(OURS, table)}"
        )
        self._connection.execute(
            "CREATE OR REPLACE TEMP TABLE incoming AS FROM keyed JOIN (SELECT row_id, "
            f"max(source) AS source FROM ({' UNION ALL '.join(sides)}) GROUP BY 1) USING (row_id)"
        )

    def _incoming(self, number: int, source: Source, table: str) -> str:
        place = self._place(self._names[source.path], table)
        rows = f"SELECT row_id, {number} AS source FROM {place}"
        if source.base is None:
            return rows
        base = self._names[source.base]
        if catalog_name(table) not in self._tables[base]:
            return rows
        return f"{rows} ANTI JOIN {self._place(base, table)} USING (row_id)"

    def _shown(self, parts: Sequence[str]) -> str:
        """Write an incoming row for people: keys, id and source."""
        keys = [
            f"{literal(f'{key}=')} || coalesce({part}::VARCHAR, 'NULL')"
            for key, part in zip(self._wanted.keys, parts, strict=True)
        ]
        names = ", ".join(literal(source.name) for source in self._sources)
        where = f"' in row ' || row_id::VARCHAR || ' of ' || [{names}][source + 1]"
        return "concat_ws(', ', " + ", ".join(keys) + f") || {where}"

    def _take_out(self, table: str, parts: Sequence[str]) -> tuple[int, int]:
        """Delete what is replaced; returns how many rows of ours, and how many incoming ones."""
        key = ", ".join(parts)
        self._connection.execute(
            "CREATE OR REPLACE TEMP TABLE winning AS FROM incoming QUALIFY row_number() OVER "
            f"(PARTITION BY {key} ORDER BY source DESC, timestamp DESC NULLS LAST, row_id DESC) = 1"
        )
        known = "false"
        if catalog_name(table) in self._tables[_WAS]:
            known = f"row_id IN (SELECT row_id FROM {self._place(_WAS, table)})"
        self._connection.execute(
            f"CREATE OR REPLACE TEMP TABLE leaving AS SELECT *, {known} AS is_ours FROM keyed "
            f"SEMI JOIN winning USING ({key}) WHERE row_id NOT IN (SELECT row_id FROM winning)"
        )
        place, among = self._place(OURS, table), "WHERE row_id IN (SELECT row_id FROM leaving)"
        leaving = self._count("FROM leaving")
        is_doubled = self._count(f"FROM {place} {among}") != leaving
        if is_doubled or self._count("FROM incoming GROUP BY row_id HAVING count(*) > 1 LIMIT 1"):
            raise RowsDoubled(table)
        self._connection.execute(f"DELETE FROM {place} {among}")
        ours = self._count("FROM leaving WHERE is_ours")
        return ours, leaving - ours

    def _count(self, rows: str) -> int:
        found = self._connection.execute(f"SELECT count(*) {rows}").fetchone()
        return int(found[0]) if found else 0

    def gone(self, table: str) -> list[ReplacedRow]:
        """List the rows of ours that have just gone, some of them."""
        columns = self._columns(OURS, table)
        pairs = ", ".join(
            f"{literal(key)}, {in_json(f'k{number}', (_column(columns, key) or _NO_COLUMN).kind)}"
            for number, key in enumerate(self._wanted.keys)
        )
        most = "" if self._wanted.shown is None else f" LIMIT {self._wanted.shown}"
        found = self._connection.execute(
            f"SELECT row_id::VARCHAR, track_id, json_object({pairs})::VARCHAR FROM leaving "
            f"WHERE is_ours ORDER BY row_id{most}"
        ).fetchall()
        return [ReplacedRow(table, json.loads(key), run, row) for row, run, key in found]

    def runs(self) -> list[tuple[str, int]]:
        """Count the rows that each run has just lost."""
        return self._connection.execute(
            "SELECT coalesce(track_id, ''), count(*) FROM leaving WHERE is_ours GROUP BY 1 "
            "ORDER BY 1"
        ).fetchall()


def _column(columns: _Columns, key: str) -> SideColumn | None:
    """Find a key's column and type: a logged key, else one of those that each row has."""
    return columns.get(("key", key)) or columns.get(("", key))
