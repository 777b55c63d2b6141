"""Replacing rows by key: what other stores bring takes the place of ours, behind a backup tag.

On a copy, published as a merge is: object, pointer, file. The sources are only read, and what both
sides changed is as the source has it. No commit is made on the branch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from xvc.core.account import added_up
from xvc.core.human_units import counted
from xvc.core.merge import Side
from xvc.core.rebase import ReplaceOutcome, ReplaceRequest
from xvc.core.run import DataFile
from xvc.dvc.repository import Dvc
from xvc.git.branch import clear
from xvc.merging.backup import back_up
from xvc.merging.merge import (
    Policy,
    Tell,
    merge_all,
    refuse_unfinished,
    warnings_of,
)
from xvc.merging.sources import MergeSource, resolve
from xvc.project import Project
from xvc.recovery.exclusive import exclusively
from xvc.recovery.operation_log import new_operation
from xvc.recovery.pending_operation import intended
from xvc.recovery.recover import mend
from xvc.store import db
from xvc.store.merge import Outcome, Source
from xvc.store.publish import held_still, keep, publish, renew
from xvc.store.rebase import Stores, replace_by_key
from xvc.system.files import beside


@dataclass(frozen=True, slots=True)
class Rebased:
    """What a rebase did, or would do; ``backup`` and ``digest`` are None while nothing changed."""

    sources: tuple[str, ...]
    replaced: ReplaceOutcome
    has_changed: bool
    backup: str | None = None
    digest: str | None = None
    operation: str | None = None
    warnings: tuple[str, ...] = ()


def rebase(
    project: Project,
    names: Sequence[str],
    wanted: ReplaceRequest,
    *,
    dry_run: bool = False,
    tell: Tell = str,
) -> Rebased:
    """Replace rows of this tree's store by those that sources bring with the same key.

    Raises:
        NoProject: no git or no DVC here.
        MergeUnfinished: a merge waits for decisions.
        NoSource: a name means nothing that has a store.
        NotFetched: a store is not in the DVC cache.
        NoTable: no source has the table.
        NoColumn: no table has all of the keys.
        KeysEmpty: incoming rows have no value in a key.
        KeysDoubled: incoming rows share a key.
        KeysDiffer: a key has different types.
        RowsDoubled: row ids are doubled or empty.
        MergeUnsound: a row is not accounted for.
        NoIdentity: git does not know who makes the backup tag.
    """
    dvc = project.needed_dvc()
    mend(project)
    with exclusively(project):
        clear(project.git, project.pending)
        refuse_unfinished(project)
        project.keeper.refresh()
        sources = [resolve(project, dvc, name) for name in dict.fromkeys(names)]
        project.room.scratch.mkdir(parents=True, exist_ok=True)
        before = beside(project.keeper.path, "before")
        try:
            with held_still(project.keeper) as copy:
                renew(project.keeper, before)
                planned = _planned(project, sources, wanted, copy, before, tell)
                if dry_run or not planned.has_changed:
                    return planned
                return _published(project, dvc, planned, wanted, copy, before)
        finally:
            before.unlink(missing_ok=True)
            db.wal_of(before).unlink(missing_ok=True)


def _planned(
    project: Project,
    sources: Sequence[MergeSource],
    wanted: ReplaceRequest,
    copy: Path,
    before: Path,
    tell: Tell,
) -> Rebased:
    theirs = Policy(Side.THEIRS)
    outcomes = merge_all(project, copy, sources, (), theirs, tell)
    fresh = [
        Source(found.name, found.path, found.digest, found.base if outcome.is_related else None)
        for found, outcome in zip(sources, outcomes, strict=True)
        if outcome.accounts
    ]
    accounts = added_up(account for each in outcomes for account in each.accounts)
    done = ReplaceOutcome(tuple(accounts.values()))
    if fresh:
        tell(f"replacing by {', '.join(wanted.keys)} …")
        doubled = frozenset(table for each in outcomes for table in each.doubled)
        stores = Stores(copy, before, tuple(fresh), doubled)
        done = replace_by_key(stores, wanted, accounts, project.room.scratch)
    has_changed = done.has_changed or any(each.has_changed or each.conflicts for each in outcomes)
    told = (*project.keeper.warnings, *warnings_of(outcomes), *_settled(outcomes))
    told += tuple(
        f"{found.name} brings nothing new: what it has is here already, and replaces nothing"
        for found, outcome in zip(sources, outcomes, strict=True)
        if not outcome.accounts
    )
    return Rebased(tuple(each.name for each in sources), done, has_changed, warnings=told)


def _settled(outcomes: Sequence[Outcome]) -> list[str]:
    return [
        f"{each.source}: {len(each.conflicts)} cells or rows that both sides changed are as it "
        "has them"
        for each in outcomes
        if each.conflicts
    ]


def _published(
    project: Project, dvc: Dvc, planned: Rebased, wanted: ReplaceRequest, copy: Path, before: Path
) -> Rebased:
    """Keep the store of before under a tag, then publish the copy and write the operation down."""
    sources, keys = ", ".join(planned.sources), ", ".join(wanted.keys)
    what = f"rebased {sources} on {keys}: {counted(planned.replaced.count, 'row')} replaced"
    was, made = DataFile(*dvc.keep_store(before)), keep(dvc, copy)
    backup = back_up(project, dvc, was, f"before xvc {what}")
    undo = f"the store is again as {backup} has it, with what was recorded since"
    operation = new_operation(project, "rebase", what, undo)
    operation = replace(operation, was=was.digest, made=made.digest)
    with intended(project, operation):
        publish(project.keeper, dvc, copy, made)
    return replace(planned, backup=backup, digest=made.digest, operation=operation.id)
