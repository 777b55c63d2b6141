"""Small stores made by hand, and merges and rebases of them on a copy."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

from xvc.core.account import added_up
from xvc.core.merge import Choice, Side
from xvc.core.rebase import ReplaceOutcome, ReplaceRequest
from xvc.store import db
from xvc.store.merge import Outcome, Source, merge_into
from xvc.store.rebase import Stores, replace_by_key


def filled(path: Path, *statements: str, logged: Mapping[str, str] | None = None) -> Path:
    """Write a store with an events table, its columns, and what the statements do."""
    db.create(path)
    with db.writing(path) as connection:
        connection.execute(
            "CREATE TABLE events (row_id UUID, track_id VARCHAR, timestamp TIMESTAMPTZ)"
        )
        connection.execute("INSERT INTO meta VALUES ('table', 'events')")
        for key, kind in (logged or {}).items():
            connection.execute(f'ALTER TABLE events ADD COLUMN "{key}" {kind}')
            connection.execute("INSERT INTO columns VALUES ('events', ?, ?, ?)", [key, key, kind])
        for statement in statements:
            connection.execute(statement)
    return path


def values_in(path: Path, question: str) -> list[Any]:
    with db.reading(path, is_known=True) as connection:
        return connection.execute(question).fetchall()


def insert(number: int, column: str, value: str) -> str:
    identity = UUID(int=number)
    return (
        f"INSERT INTO events BY NAME SELECT '{identity}'::UUID AS row_id, {value} AS \"{column}\""
    )


def merge(
    folder: Path,
    ours: Path,
    theirs: Path,
    base: Path | None = None,
    decide: Callable[[Outcome], Iterable[Any]] = lambda found: (),
) -> tuple[Path, Outcome]:
    """Merge on a copy; returns it with the outcome. *decide* makes the choices of a second look."""
    copy = folder / "merged.duckdb"
    source = Source("them", theirs, theirs.name, base)
    shutil.copyfile(ours, copy)
    outcome = merge_into(copy, source, (), folder)
    if chosen := list(decide(outcome)):
        shutil.copyfile(ours, copy)
        outcome = merge_into(copy, source, chosen, folder)
    return copy, outcome


def theirs_wins(found: Outcome) -> list[Any]:
    return [replace(each, choice=Choice(Side.THEIRS)) for each in found.conflicts]


def rebase(
    folder: Path, ours: Path, theirs: Path, wanted: ReplaceRequest, base: Path | None = None
) -> tuple[Path, ReplaceOutcome]:
    """Rebase on a copy; returns it with what was replaced."""
    copy = folder / "rebased.duckdb"
    source = Source("them", theirs, f"{theirs.name} {ours.name}", base)
    shutil.copyfile(ours, copy)
    outcome = merge_into(copy, source, (), folder)
    if outcome.conflicts:
        shutil.copyfile(ours, copy)
        outcome = merge_into(copy, source, theirs_wins(outcome), folder)
    if not outcome.accounts:
        return copy, ReplaceOutcome()  # as `xvc rebase` does with what brings nothing new
    stores = Stores(copy, ours, (source,), frozenset(outcome.doubled))
    return copy, replace_by_key(stores, wanted, added_up(outcome.accounts), folder)
