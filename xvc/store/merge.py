"""Merging one store into another: row by row, cell by cell, every row accounted for.

Works in a connection that has ``ours`` (a copy that nobody else sees), ``theirs`` and, when the
two have a common ancestor, ``base`` open. Changes ours only; what both changed is left to choices.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from xvc.core.account import Account, Fate
from xvc.core.merge import Conflict
from xvc.store import db
from xvc.store.alignment import BASE, OURS, THEIRS, MergedTable, align
from xvc.store.conflicts import RowConflicts
from xvc.store.schema import quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_FATE = f"""CASE
    WHEN th IS NOT DISTINCT FROM bh THEN CASE
        WHEN th IS NULL THEN '{Fate.KEPT_NEW}'
        WHEN oh IS NULL THEN '{Fate.KEPT_DELETED}' ELSE '{Fate.KEPT_CHANGED}' END
    WHEN oh IS NOT DISTINCT FROM bh THEN CASE
        WHEN oh IS NULL THEN '{Fate.TAKEN_NEW}'
        WHEN th IS NULL THEN '{Fate.TAKEN_DELETED}' ELSE '{Fate.TAKEN_CHANGED}' END
    WHEN oh IS NULL THEN '{Fate.DELETED_BY_US}'
    WHEN th IS NULL THEN '{Fate.DELETED_BY_THEM}'
    ELSE '{Fate.BOTH_CHANGED}' END"""
_OUT = (Fate.TAKEN_CHANGED, Fate.TAKEN_DELETED, Fate.BOTH_CHANGED)
_IN = (Fate.TAKEN_NEW, Fate.TAKEN_CHANGED)


@dataclass(frozen=True, slots=True)
class Source:
    """A store to merge: the name a person gave it, its file, and the ancestor's, if there is one.

    ``digest`` is what it is remembered by: the same content is never merged twice.
    """

    name: str
    path: Path
    digest: str
    base: Path | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What merging one source did: the account of each table, and what is left to decide.

    ``is_related`` is False when the ancestor turned out to be none of ours, and was not used.
    """

    source: str
    accounts: tuple[Account, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    has_changed: bool = False
    is_related: bool = True
    doubled: tuple[str, ...] = ()

    @property
    def open(self) -> tuple[Conflict, ...]:
        """The conflicts that nobody has decided."""
        return tuple(each for each in self.conflicts if each.choice is None)


def merge_into(copy: Path, source: Source, before: Sequence[Conflict], scratch: Path) -> Outcome:
    """Merge a source into *copy*, a store that nobody else has open.

    *before* are conflicts of a former look: a choice made there holds where the dispute is still
    the same. A conflict without a choice keeps our value and stays open.

    Raises:
        MergeUnsound: a row is not accounted for.
        StoreBusy: another program writes to the source.
        StoreCorrupt: the source is no store, or rotten.
        TooNew: a newer xvc wrote it.
        StoreFailed: DuckDB refused.
    """
    if _is_merged(copy, source.digest):
        return Outcome(source.name)
    stores = {OURS: copy, THEIRS: source.path}
    has_moved = source.base != source.path
    if source.base is not None and has_moved:
        stores[BASE] = source.base
    with db.side_by_side(stores, OURS, scratch) as connection:
        base = BASE if has_moved else THEIRS
        is_related = source.base is None or _is_ancestor(connection, base)
        if is_related and not has_moved:
            return Outcome(source.name)
        used = tuple(name for name in stores if name != BASE or is_related)
        merged = _merged(connection, source, used, before)
        outcome = replace(merged, is_related=is_related)
        if outcome.has_changed or outcome.conflicts:
            remember(connection, source.digest)
        return outcome


def _is_merged(copy: Path, digest: str) -> bool:
    with db.reading(copy) as connection:
        question = "SELECT 1 FROM meta WHERE key = 'merged' AND value = ?"
        return connection.execute(question, [digest]).fetchone() is not None


def merged_digests(path: Path, *, is_known: bool = False) -> frozenset[str]:
    """Read which stores a store has been merged with; *is_known* as in `db.reading`."""
    with db.reading(path, is_known=is_known) as connection:
        found = connection.execute("SELECT value FROM meta WHERE key = 'merged'").fetchall()
    return frozenset(value for (value,) in found)


def _is_ancestor(connection: DuckDBPyConnection, base: str) -> bool:
    """Whether both sides have folded all that the base has: else it is the ancestor of neither.

    A pointer that was taken from one side by hand makes git name a base that we never had; every
    row of it would look as if we had deleted it.
    """
    lacking = " UNION ALL ".join(
        f"SELECT 1 FROM {base}.main.folds b LEFT JOIN {side}.main.folds s USING (writer) "
        "WHERE s.sequence IS NULL OR s.sequence < b.sequence"
        for side in (OURS, THEIRS)
    )
    return connection.execute(f"{lacking} LIMIT 1").fetchone() is None


def _merged(
    connection: DuckDBPyConnection,
    source: Source,
    stores: Sequence[str],
    before: Sequence[Conflict],
) -> Outcome:
    accounts, conflicts, doubled = [], [], []
    shape = _shape(connection)
    for table in align(connection, stores):
        counts = {store: _count(connection, table.at(store)) for store in stores}
        if not (counts[OURS] or counts[THEIRS]):
            accounts.append(Account(table.name))
            continue
        pair_rows(connection, table)
        if table.key is not None and not _tells_apart(connection, counts):
            doubled.append(table.name)
            table = replace(table, key=None)  # noqa: PLW2901 - the same table, told apart otherwise
            pair_rows(connection, table)
        account, found = _merge_table(connection, source.name, table, counts, before)
        accounts.append(account)
        conflicts += found
    moved = _merge_notes(connection)
    has_changed = moved or _shape(connection) != shape or any(map(_changes, accounts))
    return Outcome(
        source.name, tuple(accounts), tuple(conflicts), has_changed, doubled=tuple(doubled)
    )


def _changes(account: Account) -> bool:
    return bool(account.taken or account.changed or account.deleted or account.disputed)


def _shape(connection: DuckDBPyConnection) -> object:
    """Describe our tables and what is noted of their columns."""
    question = (
        f"SELECT table_name, sql FROM duckdb_tables() WHERE database_name = '{OURS}' ORDER BY ALL"
    )
    shape = connection.execute(question).fetchall()
    return shape, connection.execute(f"FROM {OURS}.main.columns ORDER BY ALL").fetchall()


def _merge_table(
    connection: DuckDBPyConnection,
    source: str,
    table: MergedTable,
    counts: Mapping[str, int],
    before: Sequence[Conflict],
) -> tuple[Account, list[Conflict]]:
    fates = {
        Fate(fate): count
        for fate, count in connection.execute(
            "SELECT fate, count(*) FROM fates GROUP BY 1 UNION ALL "
            f"SELECT '{Fate.EQUAL}', count(*) FROM pairs WHERE is_equal HAVING count(*) > 0"
        ).fetchall()
    }
    disputes = RowConflicts(connection, table, source)
    is_disputed = bool({*fates} & {Fate.BOTH_CHANGED, Fate.DELETED_BY_US, Fate.DELETED_BY_THEM})
    conflicts = disputes.settle(before) if is_disputed else []
    restored, removed = disputes.overruled(conflicts)
    _apply(connection, table, fates, restored, removed)
    stood = {Fate.RESTORED: len(restored), Fate.REMOVED: len(removed)}
    fates[Fate.DELETED_BY_US] = fates.get(Fate.DELETED_BY_US, 0) - len(restored)
    fates[Fate.DELETED_BY_THEM] = fates.get(Fate.DELETED_BY_THEM, 0) - len(removed)
    account = Account(
        table=table.name,
        ours=counts[OURS],
        theirs=counts[THEIRS],
        result=_count(connection, table.place),
        fates={**fates, **stood},
    )
    return account.checked(), conflicts


def _count(connection: DuckDBPyConnection, place: str | None) -> int:
    if place is None:
        return 0
    found = connection.execute(f"SELECT count(*) FROM {place}").fetchone()
    return int(found[0]) if found else 0


def pair_rows(connection: DuckDBPyConnection, table: MergedTable) -> None:
    """Write the rows of both sides into ``pairs``, and of those that differ into ``fates``.

    The ancestor is looked at for those only: most rows are equal, and a third join would cost as
    much as all the rest.
    """
    ours, theirs, base = (_keyed(table, store) for store in (OURS, THEIRS, BASE))
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE pairs AS SELECT k, oh = th AS is_equal, oh, th, orow, trow "
        f"FROM (SELECT k, h AS oh, r AS orow FROM ({ours})) "
        f"FULL JOIN (SELECT k, h AS th, r AS trow FROM ({theirs})) USING (k)"
    )
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE fates AS SELECT k, {_FATE} AS fate, orow, trow, brow "
        "FROM (FROM pairs WHERE is_equal IS NOT TRUE) "
        f"LEFT JOIN (SELECT k, h AS bh, r AS brow FROM ({base})) USING (k)"
    )


def _tells_apart(connection: DuckDBPyConnection, counts: Mapping[str, int]) -> bool:
    """Whether each row has one place in ``pairs``: another program may have doubled a key."""
    found = connection.execute(
        "SELECT count(orow), count(trow), count(*) - count(k), "
        "count(*) FILTER (is_equal IS NOT TRUE) - (SELECT count(*) FROM fates) FROM pairs"
    ).fetchone()
    return found == (counts[OURS], counts[THEIRS], 0, 0)


def _keyed(table: MergedTable, store: str) -> str:
    """Write the question for a store's rows: key, a digest of the rest, the place."""
    place = table.at(store)
    if place is None:
        kind = "VARCHAR" if table.key is None else table.key_kind
        return f"SELECT NULL::{kind} AS k, 0::UBIGINT AS h, 0::BIGINT AS r WHERE false"
    signs = [sign for cell in table.cells for sign in cell.kind.signs(cell.read(store))]
    if table.key is not None:
        rest = f"hash({', '.join(signs)}) AS h, rowid AS r"
        return f"SELECT {quoted(table.key)} AS k, {rest} FROM {place}"
    packed = ", ".join(f"c{number} := {sign}" for number, sign in enumerate(signs))
    whole = f"md5(to_json(struct_pack({packed}))::VARCHAR)"
    return (
        f"SELECT w || '.' || row_number() OVER (PARTITION BY w) AS k, 0::UBIGINT AS h, r "
        f"FROM (SELECT {whole} AS w, rowid AS r FROM {place})"
    )


def _apply(
    connection: DuckDBPyConnection,
    table: MergedTable,
    fates: Mapping[Fate, int],
    restored: Sequence[str],
    removed: Sequence[str],
) -> None:
    """Carry the fates out: rows that go or change leave, then what takes their place comes."""
    outgoing = _rows("orow", _OUT, Fate.DELETED_BY_THEM)
    incoming = _rows("trow", _IN, Fate.DELETED_BY_US)
    if removed or any(fates.get(fate) for fate in _OUT):
        connection.execute(
            f"DELETE FROM {table.place} WHERE rowid IN ({outgoing})", [list(removed)]
        )
    if restored or any(fates.get(fate) for fate in _IN):
        connection.execute(
            f"INSERT INTO {table.place} BY NAME SELECT {table.selected(THEIRS)} "
            f"FROM {table.at(THEIRS)} WHERE rowid IN ({incoming})",
            [list(restored)],
        )
    if fates.get(Fate.BOTH_CHANGED):
        renamed = ", ".join(f"{cell.alias} AS {quoted(cell.name)}" for cell in table.cells)
        connection.execute(f"INSERT INTO {table.place} BY NAME SELECT {renamed} FROM merged")


def _rows(place: str, fates: Sequence[Fate], chosen: Fate) -> str:
    listed = ", ".join(f"'{fate}'" for fate in fates)
    return (
        f"SELECT {place} FROM fates WHERE fate IN ({listed}) "
        f"OR (fate = '{chosen}' AND k::VARCHAR IN (SELECT unnest(?::VARCHAR[])))"
    )


def _merge_notes(connection: DuckDBPyConnection) -> bool:
    """Take over how far each writer is in, and what was merged before; tells whether that is new.

    A side's rows hold all that its mark says, so the union holds what the greater mark says.
    """
    ahead = (
        f"SELECT t.* FROM {THEIRS}.main.folds t LEFT JOIN {OURS}.main.folds o USING (writer) "
        "WHERE o.writer IS NULL OR t.sequence > o.sequence"
    )
    connection.execute(f"CREATE OR REPLACE TEMP TABLE ahead AS {ahead}")
    moved = _count(connection, "ahead") > 0
    connection.execute(f"DELETE FROM {OURS}.main.folds WHERE writer IN (SELECT writer FROM ahead)")
    connection.execute(f"INSERT INTO {OURS}.main.folds BY NAME FROM ahead")
    connection.execute(
        f"INSERT INTO {OURS}.main.meta SELECT key, value FROM {THEIRS}.main.meta t "
        f"WHERE key = 'merged' AND NOT EXISTS "
        f"(FROM {OURS}.main.meta o WHERE o.key = t.key AND o.value = t.value)"
    )
    return moved


def remember(connection: DuckDBPyConnection, digest: str) -> None:
    """Note in our store that all of another one is in it."""
    connection.execute(
        f"INSERT INTO {OURS}.main.meta SELECT 'merged', $1 WHERE NOT EXISTS "
        f"(FROM {OURS}.main.meta WHERE key = 'merged' AND value = $1)",
        [digest],
    )
