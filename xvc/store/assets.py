"""The table of assets: which run kept what, by digest. The bytes are files; none is opened here."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, cast

from xvc.core.asset import Asset, is_removal
from xvc.core.record import Control
from xvc.store.columns import tables
from xvc.store.schema import ASSETS, quoted, same_name
from xvc.types import Json

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_AT_ONCE = 100  # columns a query
_TEXTS = ("VARCHAR", "VARIANT")


def fold(connection: DuckDBPyConnection, control: Control) -> None:
    """Put one record into the table: an asset of a run, once, or that it was deleted."""
    facts = cast("dict[str, Json]", control.facts)
    connection.execute(ASSETS)  # a store of an older xvc has no such table
    if is_removal(facts):
        connection.execute("DELETE FROM assets WHERE digest = ?", [facts["digest"]])
        return
    connection.execute(
        "INSERT INTO assets SELECT ?, ?, ?, ?, ?, ?, make_timestamp(?)::TIMESTAMPTZ WHERE NOT "
        "EXISTS (FROM assets WHERE digest = ? AND run IS NOT DISTINCT FROM ? AND name = ?)",
        [
            *(facts[name] for name in ("digest", "kind", "name", "type", "size")),
            control.run,
            round(control.at * 1e6),
            *(facts["digest"], control.run, facts["name"]),
        ],
    )


def listed(connection: DuckDBPyConnection) -> list[Asset]:
    """Read each asset as the first run kept it, oldest first."""
    if not _has_table(connection):
        return []
    found = connection.execute(
        "SELECT digest, arg_min(struct_pack(kind, name, type, size, run), kept) "
        "FROM assets GROUP BY digest ORDER BY min(kept), digest"
    ).fetchall()
    return [Asset(digest, **facts) for digest, facts in found]


def of_run(connection: DuckDBPyConnection, run: str) -> list[Asset]:
    """Read the assets that a run kept, in that order."""
    if not _has_table(connection):
        return []
    found = connection.execute(
        "SELECT digest, kind, name, type, size, run FROM assets WHERE run = ? ORDER BY kept, name",
        [run],
    ).fetchall()
    return [Asset(*facts) for facts in found]


def _has_table(connection: DuckDBPyConnection) -> bool:
    return bool(connection.execute("FROM duckdb_tables() WHERE table_name = 'assets'").fetchone())


def holders(connection: DuckDBPyConnection, digest: str) -> list[tuple[str, str]]:
    """List the tables and keys whose cells hold a digest."""
    found = []
    for table in tables(connection):
        held = connection.execute(
            f"SELECT key, column_name FROM columns WHERE {same_name('table_name')} AND type IN ?",
            [table, list(_TEXTS)],
        ).fetchall()
        for key, name in held:
            cell = f"{quoted(name)}::VARCHAR = ?"
            query = f"SELECT 1 FROM {quoted(table)} WHERE {cell} LIMIT 1"
            if connection.execute(query, [digest]).fetchone():
                found.append((table, key))
    return found


def references(connection: DuckDBPyConnection, digests: Collection[str]) -> dict[str, int]:
    """Count the cells of all event tables that hold each digest; those with none are left out."""
    counts: dict[str, int] = {}
    if not digests:
        return counts
    for table in tables(connection):
        found = connection.execute(
            f"SELECT column_name FROM columns WHERE {same_name('table_name')} AND type IN ?",
            [table, list(_TEXTS)],
        ).fetchall()
        names = [name for (name,) in found]
        for start in range(0, len(names), _AT_ONCE):
            some = ", ".join(f"{quoted(name)}::VARCHAR" for name in names[start : start + _AT_ONCE])
            query = f"SELECT unnest([{some}]) AS cell FROM {quoted(table)}"
            for digest, count in connection.execute(
                f"SELECT cell, count(*) FROM ({query}) WHERE cell IN (SELECT unnest(?)) GROUP BY 1",
                [list(digests)],
            ).fetchall():
                counts[digest] = counts.get(digest, 0) + int(count)
    return counts
