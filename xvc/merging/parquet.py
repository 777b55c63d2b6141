"""Merging and rebasing Parquet files: into a new file beside, which takes the place of the old one.

The files that are read are never written, the result's place under its own name excepted. Works
in git and DVC and outside. What would lose rows is only shown until it is agreed to.
"""

from __future__ import annotations

import glob
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from xvc.core.account import Account, MergeUnsound
from xvc.core.table_merge import (
    FileChanged,
    FolderKept,
    NotParquet,
    Order,
    TablesFailed,
)
from xvc.dvc.new_output import expect_trackable, follow, real_place, replace_tracked
from xvc.dvc.pointers import SUFFIX
from xvc.dvc.repository import Dvc
from xvc.project import Project
from xvc.store.db import on_files
from xvc.store.parquet import ParquetTable, files_of, read_table
from xvc.store.parquet_merge import Decided, Meeting, merge_by_key, merge_rows
from xvc.store.parquet_union import unite
from xvc.store.parquet_write import Written, expect_writable, is_like_base, write_table
from xvc.system.files import beside, make_folder
from xvc.system.lock import FileLock

_WAIT = 120.0  # seconds for another merge into the same file
_ENDING = "merge"

Tell = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class MergedTables:
    """What a merge of tables did, or would do.

    ``is_done`` tells that the result's file is as the account says; ``digest`` is what its pointer
    names now, if DVC tracks it.
    """

    order: Order
    account: Account
    has_changed: bool
    is_done: bool
    new_columns: tuple[str, ...] = ()
    digest: str | None = None
    warnings: tuple[str, ...] = ()


def merge_tables(
    project: Project,
    order: Order,
    *,
    dry_run: bool = False,
    agreed: bool = False,
    tell: Tell = str,
) -> MergedTables:
    """Merge tables into a file; what loses rows, or another file, is done only when *agreed*.

    Raises:
        NoTableFile, NotParquet: a file cannot be read.
        FolderKept: the result would go into a folder.
        ColumnsClash, NamesClash, WouldWeaken, NoColumn: the columns cannot be united.
        RowsRefused: rows that the key does not place.
        NoPackage: notes of Arrow's have to change, and pyarrow is not installed.
        FileChanged: another program wrote to a file meanwhile.
        LockBusy: another merge into the same file goes on for long.
        NoProject, NoObject: the pointer of the result could not follow.
    """
    style = order.style.checked()
    there = Project.find(order.out.parent, project.environment)
    dvc = there.dvc or Dvc.find(order.out.parent, Path("/"), project.environment)
    out = real_place(order.out, dvc)
    if out.is_dir():
        raise FolderKept(str(order.out))
    order = replace(order, out=out, style=style)
    paths = [file for name in (order.base, *order.sources) for file in files_of(name)]
    make_folder(out.parent)
    with _locked(there, out), _workplace(there, out) as (fresh, spill):
        expect_trackable(out, dvc)
        with _unchanged(paths):
            done, written = _carried_out(
                order, fresh, spill, dry_run=dry_run, agreed=agreed, tell=tell
            )
        if written is not None:
            digest = replace_tracked(fresh, out, dvc)
        else:
            digest = follow(out, dvc) if done.is_done else None
    return replace(done, digest=digest, warnings=(*done.warnings, *_notes_left_out(written)))


def _carried_out(
    order: Order, fresh: Path, spill: Path, *, dry_run: bool, agreed: bool, tell: Tell
) -> tuple[MergedTables, Written | None]:
    """Decide, and write what is to take the file's place unless it is only to be shown."""
    with on_files(order.out, spill, order.style.memory) as connection:
        base, *others = (read_table(connection, path) for path in (order.base, *order.sources))
        shape = unite(connection, (base, *others), order.keys, order.style.types)
        trial = fresh.with_name("trial.parquet")
        expect_writable(connection, shape, trial)
        meeting = Meeting(connection, shape, base, tuple(others))
        tell(f"comparing {meeting.incoming:,} rows with {base.rows:,} of {order.base} …")
        decided = _decided(meeting, order)
        is_new = not _is_same_file(order.out, order.base)
        has_changed = is_new or _differs(meeting, decided)
        is_over = is_new and order.out.exists()
        gives_way = decided.account.replaced or decided.account.dropped
        loses = has_changed and bool(order.replaces or gives_way or is_over)
        is_plan = dry_run or (loses and not agreed)
        done = MergedTables(
            order,
            decided.account,
            has_changed=has_changed,
            is_done=not is_plan,
            new_columns=_new_columns(meeting),
            warnings=_emptied(meeting, decided.account),
        )
        if is_plan or not has_changed:
            return done, None
        tell(f"writing {decided.account.result:,} rows …")
        return done, write_table(meeting, decided, fresh, order.style, trial)


def _decided(meeting: Meeting, order: Order) -> Decided:
    if not order.keys:
        return merge_rows(meeting)
    return merge_by_key(meeting, order.keys, replaces=order.replaces, takes_last=order.takes_last)


def _differs(meeting: Meeting, decided: Decided) -> bool:
    account = decided.account
    return bool(account.taken or account.replacing or account.replaced) or not is_like_base(meeting)


def _new_columns(meeting: Meeting) -> tuple[str, ...]:
    held = {name for file in meeting.base.files for name in file.columns}
    return tuple(each.name for each in meeting.shape.columns if each.name not in held)


def _emptied(meeting: Meeting, account: Account) -> tuple[str, ...]:
    """Say which cells become empty, because what replaces their rows has no such column."""
    if not account.replaced:
        return ()
    return tuple(
        f"{table.name} has no column {each.name!r}: it is empty in the rows that come from there"
        for table in meeting.sources
        for each in meeting.shape.columns
        if not _has(table, each.name)
    )


def _has(table: ParquetTable, column: str) -> bool:
    return any(column in file.columns for file in table.files)


def _notes_left_out(written: Written | None) -> tuple[str, ...]:
    if written is None or not written.forgotten:
        return ()
    names = ", ".join(written.forgotten)
    return (f"not carried over, because the columns are others now: {names}",)


def _is_same_file(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.samefile(other)


@contextmanager
def _unchanged(paths: Sequence[Path]) -> Iterator[None]:
    """Notice that another program writes to a file while it is read."""
    before = {path: _stamp(path) for path in paths}
    try:
        yield
    except (TablesFailed, NotParquet, MergeUnsound) as err:
        _refuse_changed(before, err)
        raise
    _refuse_changed(before, None)


def _refuse_changed(before: Mapping[Path, object], reason: Exception | None) -> None:
    for path, stamp in before.items():
        if _stamp(path) != stamp:
            raise FileChanged(str(path)) from reason


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _locked(there: Project, out: Path) -> AbstractContextManager[None]:
    """Keep other merges from the same file; outside git the lock is a hidden file beside it."""
    place = (out.parent.resolve() / out.name).as_posix()
    name = hashlib.sha256(place.encode()).hexdigest()[:16]
    lock = there.room.table_lock(name) if there.place else out.with_name(f".{out.name}.lock")
    return FileLock(lock).held(wait=_WAIT, doing="merge data")


@contextmanager
def _workplace(there: Project, out: Path) -> Iterator[tuple[Path, Path]]:
    """Name a new file on the disk of the result, and a folder to spill into; both go afterwards.

    What a killed call left is cleared first: nobody else is at it.
    """
    name = glob.escape(out.name.lstrip("."))
    for left in out.parent.glob(f".{name}.*.{_ENDING}"):
        shutil.rmtree(left)
    for left in out.parent.glob(f".{name}{SUFFIX}.*.tmp"):
        left.unlink(missing_ok=True)
    work = beside(out, _ENDING)
    spill = there.room.scratch / f"{os.getpid()}-{work.name}" if there.place else work / "spill"
    work.mkdir()
    spill.mkdir(parents=True)
    try:
        yield work / "result.parquet", spill
    finally:
        shutil.rmtree(work, ignore_errors=True)
        shutil.rmtree(spill, ignore_errors=True)
