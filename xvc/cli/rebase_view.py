"""What ``xvc rebase`` shows: the account of each table, the rows that go, and whose they were."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, TypedDict, cast

from xvc.cli.output import Answer, few, table
from xvc.core.account import Account, Fate
from xvc.core.rebase import ReplacedRow

if TYPE_CHECKING:
    from xvc.merging.rebase import Rebased

_HEAD = ("table", "ours", "taken", "changed", "deleted", "replaced", "dropped", "after")


class TableAccount(TypedDict):
    """Our rows of a table before, what became of them, what came in, the rows after."""

    table: str
    ours: int
    taken: int
    changed: int
    deleted: int
    replaced: int
    dropped: int
    after: int


class Loss(TypedDict):
    """How many rows a run loses; the run itself stays."""

    run: str
    rows: int


class Rebasing(TypedDict):
    """What a rebase did, or would do; ``backup`` is the tag that has the store of before."""

    sources: list[str]
    tables: list[TableAccount]
    gone: Annotated[list[ReplacedRow], "As many as --limit says."]
    total: Annotated[int, "Rows that go, in all."]
    runs: Annotated[list[Loss], "The first twenty."]
    runs_total: int
    backup: str | None
    store: str | None
    changed: bool
    operation: str | None
    dry_run: bool


def rebased_answer(done: Rebased, *, is_plan: bool) -> Answer:
    """Show what a rebase did, or would do."""
    lines = [table(_HEAD, map(_cells, _told(done)), right=range(1, len(_HEAD)))]
    if done.replaced.gone:
        lines += _gone_lines(done, is_plan=is_plan)
    if not done.has_changed:
        lines = ["nothing to do: the store has all of it"]
    elif done.backup is not None:
        lines.append(f"rebased; {done.backup} has the store of before (`xvc undo --yes`)")
    runs = done.replaced.runs
    data: Rebasing = {
        "sources": list(done.sources),
        "tables": [_account(each) for each in _told(done)],
        "gone": list(done.replaced.gone),
        "total": done.replaced.count,
        "runs": [{"run": run, "rows": count} for run, count in few(runs)],
        "runs_total": len(runs),
        "backup": done.backup,
        "store": done.digest,
        "changed": done.digest is not None,
        "operation": done.operation,
        "dry_run": is_plan,
    }
    steps = ("xvc undo",) if done.operation is not None else ()
    return Answer("rebase", data, "\n".join(lines), done.warnings, steps)


def _told(done: Rebased) -> list[Account]:
    return [each for each in done.replaced.accounts if each.ours or _taken(each)]


def _cells(account: Account) -> list[str]:
    facts = list(_account(account).values())
    return [str(facts[0]), *(f"{count:,}" for count in facts[1:])]


def _taken(account: Account) -> int:
    return account.of(Fate.TAKEN_NEW, Fate.RESTORED, Fate.DROPPED)


def _account(account: Account) -> TableAccount:
    return {
        "table": account.table,
        "ours": account.ours,
        "taken": _taken(account),
        "changed": account.changed + account.disputed,
        "deleted": account.of(Fate.TAKEN_DELETED, Fate.REMOVED),
        "replaced": account.replaced,
        "dropped": account.dropped,
        "after": account.result,
    }


def _gone_lines(done: Rebased, *, is_plan: bool) -> list[str]:
    shown, runs = done.replaced.gone, done.replaced.runs
    rows = [[each.table, _key(each), each.run or "-", each.row] for each in shown]
    verb = "would go" if is_plan else "are gone"
    names = ", ".join(run for run, _ in runs[:5]) + (" …" if len(runs) > 5 else "")
    lines = [f"rows that {verb}:", table(("table", "key", "run", "row"), rows)]
    if done.replaced.count > len(shown):
        lines.append(f"… {done.replaced.count - len(shown)} more (`--limit 0` shows all)")
    return [*lines, f"the runs they are of stay: {names}"]


def _key(gone: ReplacedRow) -> str:
    parts = cast("Mapping[str, object]", gone.key).items()
    return " ".join(f"{n}={v if isinstance(v, str) else json.dumps(v)}" for n, v in parts)
