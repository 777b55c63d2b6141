"""Copying one store's runs and rows into another, from Python: `xvc.copy`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from xvc.core.record import RecordKind
from xvc.database.copy import copy as copy_table
from xvc.database.list_assets import list_assets
from xvc.project import Project
from xvc.recording.begin_run import open_journal
from xvc.store.extract import held_table
from xvc.tracking.options import StrPath
from xvc.tracking.reader import need_store


def copy(
    source: StrPath,
    target: StrPath,
    assets: bool = True,
    tables: Sequence[str] | None = None,
) -> int:
    """Copy what a store has and another lacks; returns how many rows are new there.

    Each row keeps its id, so that copying twice is copying once. Rows that are logged and not in
    the file yet are copied, too.

    Args:
        source: the store to read.
        target: the store that gets the rows; it is made when it is missing.
        assets: whether objects and files that runs kept come along.
        tables: the event tables; None are all.

    Raises:
        NoStore: there is no store at *source*.
        BadValue: both are one store.
        NoTable: *source* has no such table.
        StoresDiffer: a run or row of one id is not the same in both; nothing of it was copied.

    >>> import os, tempfile
    >>> from xvc import Tracker, copy
    >>> os.chdir(tempfile.mkdtemp())
    >>> for name in ("a.duckdb", "b.duckdb"):
    ...     with Tracker(name) as tracker:
    ...         _ = tracker.log({"loss": 0.5})
    >>> copy("a.duckdb", "b.duckdb"), copy("a.duckdb", "b.duckdb")
    (1, 0)
    """
    here, there = _project(Path(target)), _project(Path(source))
    need_store(there)
    there.keeper.refresh()
    wanted = [None] if not tables else [_named(there, table) for table in tables]
    for table in wanted:
        copy_table(here, there.store_path, table=table, dry_run=True)  # refuses what it will refuse
    if assets:  # before the rows: a digest in a row is always of something that is there
        _bring_assets(there, here)
    copied = [copy_table(here, there.store_path, table=table) for table in wanted]
    here.keeper.refresh()
    return sum(sum(each.rows.values()) for each in copied)


def _project(store: Path) -> Project:
    return Project.of_store(store.resolve(), os.environ)


def _named(project: Project, table: str) -> str:
    """The table that is meant: ``default`` is what other trackers call the one without a name."""
    if table != "default":
        return table
    with project.keeper.view() as connection:
        return table if held_table(connection, table) is not None else "events"


def _bring_assets(source: Project, target: Project) -> None:
    known = {each.asset.digest for each in list_assets(target) if each.is_here}
    lacking = [
        each.asset
        for each in list_assets(source)
        if each.is_here and each.asset.digest not in known
    ]
    if not lacking:
        return
    journal = open_journal(target)
    try:
        for asset in lacking:
            if asset.kind == "folder":
                for part in source.assets.parts(asset.digest) or ():
                    target.assets.keep_file(source.assets.verify(part.digest))
            target.assets.keep_file(source.assets.verify(asset.digest))
            journal.note(RecordKind.ASSET, asset.run, asset.facts())
    finally:
        journal.close()
