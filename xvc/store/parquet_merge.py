"""Merging and rebasing tables in SQL: which rows are new, which give way, and the account of all.

Decides only: what is to be written is a query. The base is never copied; what comes in is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xvc.core.account import Account, Fate
from xvc.core.table_merge import RowsRefused
from xvc.store.keys import empty, some_of
from xvc.store.parquet import ParquetTable
from xvc.store.parquet_union import Shape, signs_of
from xvc.store.schema import quoted
from xvc.store.shape import MergedColumn

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_TAKE_LAST = "take the later row of each key with `--on-duplicate last`, or mend the files"
_FILL = "fill the key, or leave the row out: without one nothing finds it again"
_BEFORE = 1 << 60  # rows of the base that are judged like incoming ones come before those


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided: the account, and the query of the rows to write, in their order."""

    account: Account
    query: str


@dataclass(frozen=True, slots=True)
class Meeting:
    """The tables of one merge, in one shape, open in one connection of their own."""

    connection: DuckDBPyConnection
    shape: Shape
    base: ParquetTable
    sources: tuple[ParquetTable, ...]

    @property
    def incoming(self) -> int:
        """How many rows the sources have."""
        return sum(table.rows for table in self.sources)

    def run(self, statement: str) -> None:
        """Run a statement."""
        self.connection.execute(statement)

    def count(self, query: str) -> int:
        """Return the one number that a query gives."""
        found = self.connection.execute(query).fetchone()
        return int(found[0] or 0) if found else 0

    def account(
        self, added: int, *, replacing: int = 0, dropped: int = 0, replaced: int = 0
    ) -> Account:
        """Count what became of every row; the incoming ones that are left were there already."""
        fates = {
            Fate.KEPT_NEW: self.base.rows - replaced,
            Fate.REPLACED: replaced,
            Fate.TAKEN_NEW: added,
            Fate.REPLACING: replacing,
            Fate.DROPPED: dropped,
            Fate.REPEATED: self.incoming - added - replacing - dropped,
        }
        result = self.base.rows - replaced + added + replacing
        return Account("the table", self.base.rows, self.incoming, result, fates).checked()

    def refuse(self, what: str, query: str, order: str, way_out: str) -> None:
        """Refuse the rows of a query, if there are any; they are shown in the order of *order*.

        Raises:
            RowsRefused: there are some.
        """
        cells = ", ".join(f"{quoted(each.name)} := {each.alias}" for each in self.shape.columns)
        shown = f"to_json(struct_pack({cells}))::VARCHAR"
        total, some = some_of(self.connection, query, shown, order)
        if total:
            raise RowsRefused(what, total, some, way_out)


def merge_rows(meeting: Meeting) -> Decided:
    """Add what the base lacks: of equal rows, the result has as many as any one table.

    So no order of the tables matters, and what was merged before adds nothing.
    """
    shape, columns = meeting.shape, meeting.shape.aliases
    meeting.run(f"CREATE TEMP VIEW base AS {shape.rows(meeting.base)}")
    meeting.run("CREATE TEMP TABLE fresh AS SELECT 0::BIGINT AS n, * FROM base LIMIT 0")
    marks = ", ".join(f"{sign} AS s{place}" for place, sign in enumerate(shape.signs()))
    alike = [f"s{place}" for place, _ in enumerate(shape.signs())]
    is_same = " AND ".join(f"i.{name} IS NOT DISTINCT FROM h.{name}" for name in alike)
    for source in meeting.sources:
        meeting.run(f"CREATE OR REPLACE TEMP VIEW source AS {_numbered(shape, (source,))}")
        meeting.run(
            f"INSERT INTO fresh SELECT n, {columns} FROM ("
            f"SELECT *, row_number() OVER (PARTITION BY {', '.join(alike)} ORDER BY n) AS nth "
            f"FROM (SELECT n, {columns}, {marks} FROM source)) i "
            f"ANTI JOIN (SELECT {marks}, count(*) AS many FROM "
            f"(FROM base UNION ALL SELECT {columns} FROM fresh) GROUP BY {', '.join(alike)}) h "
            f"ON {is_same} AND i.nth <= h.many ORDER BY n"
        )
    added = meeting.count("SELECT count(*) FROM fresh")
    account = meeting.account(added=added)
    return Decided(account, f"FROM base UNION ALL SELECT {columns} FROM fresh")


def merge_by_key(
    meeting: Meeting, keys: Sequence[str], *, replaces: bool, takes_last: bool
) -> Decided:
    """Add the rows of new keys; a row whose key is there and that differs replaces or is refused.

    Args:
        meeting: the tables.
        keys: the columns that tell rows apart.
        replaces: whether rows of the base give way (a rebase).
        takes_last: whether the later of several rows of a key stands.

    Raises:
        RowsRefused: a key is empty, or has several rows that differ.
    """
    found = meeting.shape.named(keys)
    on = _all_equal(found, "b", "f")
    is_same = _all_same(meeting.shape.columns, "b", "f")
    meeting.run(f"CREATE TEMP VIEW base AS {meeting.shape.rows(meeting.base)}")
    _gather(meeting, found, with_base=not replaces)
    dropped = _one_each(meeting, found, takes_last=takes_last)
    meeting.run(
        "CREATE TEMP TABLE hits AS SELECT f.n, count(*) AS many, "
        f"count(*) FILTER ({is_same}) AS same FROM base b JOIN fresh f ON {on} GROUP BY f.n"
    )
    if not (replaces or takes_last):
        apart = "FROM fresh f SEMI JOIN (FROM hits WHERE same < many) h ON f.n = h.n"
        pairs = (
            f"SELECT f.n, 0 AS side, b.* FROM base b JOIN ({apart}) f ON {on} "
            f"UNION ALL SELECT n, 1, {meeting.shape.aliases} {apart}"
        )
        what = f"rows share a key ({', '.join(keys)}) and differ"
        meeting.refuse(what, pairs, "n, side", _TAKE_LAST)
    meeting.run("DELETE FROM fresh WHERE n IN (SELECT n FROM hits WHERE many = 1 AND same = 1)")
    account = _accounted(meeting, dropped)
    fresh = f"SELECT {meeting.shape.aliases} FROM (FROM fresh ORDER BY n)"
    return Decided(account, f"FROM base b ANTI JOIN fresh f ON {on} UNION ALL {fresh}")


def _numbered(shape: Shape, tables: Sequence[ParquetTable]) -> str:
    rows = " UNION ALL ".join(shape.rows(table) for table in tables)
    return f"SELECT row_number() OVER () AS n, * FROM ({rows})"


def _gather(meeting: Meeting, keys: Sequence[MergedColumn], *, with_base: bool) -> None:
    """Bring in what comes in, and with it the rows of the base that share a key."""
    rows = _numbered(meeting.shape, meeting.sources)
    meeting.run(f"CREATE TEMP TABLE fresh AS {rows}")
    is_empty = empty(key.alias for key in keys)
    names = ", ".join(key.name for key in keys)
    query = f"FROM fresh WHERE {is_empty}"
    meeting.refuse(f"rows have an empty key ({names})", query, "n", _FILL)
    if with_base:
        those = ", ".join(key.alias for key in keys)
        meeting.run(
            f"CREATE TEMP TABLE shared AS SELECT {those} FROM base WHERE NOT ({is_empty}) "
            "GROUP BY ALL HAVING count(*) > 1"
        )
        meeting.run(
            f"INSERT INTO fresh SELECT row_number() OVER () - {_BEFORE}, b.* FROM base b "
            f"SEMI JOIN shared f ON {_all_equal(keys, 'b', 'f')}"
        )


def _one_each(meeting: Meeting, keys: Sequence[MergedColumn], *, takes_last: bool) -> int:
    """Leave the last row of each key; returns how many incoming rows that differ gave way to it."""
    those = ", ".join(key.alias for key in keys)
    meeting.run(
        f"CREATE TEMP TABLE last AS SELECT {those}, max(n) AS n FROM fresh "
        f"GROUP BY {those} HAVING count(*) > 1"
    )
    if not meeting.count("SELECT count(*) FROM last"):
        return 0
    on, is_same = _all_equal(keys, "b", "f"), _all_same(meeting.shape.columns, "b", "f")
    lasts = "(FROM fresh SEMI JOIN last USING (n))"
    apart = f"SELECT b.* FROM fresh b JOIN {lasts} f ON {on} WHERE b.n < f.n AND NOT ({is_same})"
    if not takes_last:
        several = f"FROM fresh b SEMI JOIN ({apart}) f ON {on}"
        names = ", ".join(key.name for key in keys)
        what = f"rows share a key ({names}) and differ"
        meeting.refuse(what, several, f"{those}, n", _TAKE_LAST)
    dropped = meeting.count(f"SELECT count(*) FROM ({apart}) WHERE n > 0")
    meeting.run(f"DELETE FROM fresh b USING last f WHERE {on} AND b.n < f.n")
    return dropped


def _accounted(meeting: Meeting, dropped: int) -> Account:
    """Count what became of every row."""
    own = "SELECT count(*) FROM fresh f"
    hits = f"{own} SEMI JOIN (FROM hits WHERE same {{}} 0) h ON f.n = h.n"
    back = meeting.count(hits.format(">"))  # one of the base's rows of that key is this very row
    replacing = meeting.count(hits.format("="))
    added = meeting.count(f"{own} ANTI JOIN hits h ON f.n = h.n")
    gone = meeting.count("SELECT sum(many) FROM hits SEMI JOIN fresh USING (n)")
    return meeting.account(added, replacing=replacing, dropped=dropped, replaced=gone - back)


def _all_equal(columns: Sequence[MergedColumn], one: str, other: str) -> str:
    return " AND ".join(f"{one}.{c.alias} = {other}.{c.alias}" for c in columns)


def _all_same(columns: Sequence[MergedColumn], one: str, other: str) -> str:
    pairs = (
        pair for c in columns for pair in zip(signs_of(c, one), signs_of(c, other), strict=True)
    )
    return " AND ".join(f"{mine} IS NOT DISTINCT FROM {its}" for mine, its in pairs)
