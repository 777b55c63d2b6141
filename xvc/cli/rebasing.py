"""What ``xvc rebase`` shows: the account of each table, the rows that go, and whose they were."""

from __future__ import annotations

import json
from dataclasses import asdict

from xvc.cli.output import Answer, table
from xvc.core.rebase import Account, Gone
from xvc.flows.rebase import Rebased
from xvc.types import Json

_HEAD = ("table", "ours", "taken", "changed", "deleted", "replaced", "dropped", "after")
_RUNS = 20


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
    gone: list[Json] = [_facts(each) for each in done.replaced.gone]
    data: Json = {
        "sources": list(done.sources),
        "tables": [_account(each) for each in done.replaced.accounts],
        "replaced": {"total": done.replaced.count, "rows": gone},
        "runs": {
            "total": len(runs),
            "runs": [{"run": run, "rows": count} for run, count in runs[:_RUNS]],
        },
        "backup": done.backup,
        "store": done.digest,
        "changed": done.digest is not None,
        "operation": done.operation,
    }
    return Answer("rebase", data, "\n".join(lines), done.warnings)


def _told(done: Rebased) -> list[Account]:
    return [each for each in done.replaced.accounts if each.ours or each.taken]


def _cells(account: Account) -> list[str]:
    facts = list(_account(account).values())
    return [str(facts[0]), *(f"{count:,}" for count in facts[1:])]


def _account(account: Account) -> dict[str, Json]:
    facts = asdict(account)
    return {name: facts["result" if name == "after" else name] for name in _HEAD}


def _gone_lines(done: Rebased, *, is_plan: bool) -> list[str]:
    shown, runs = done.replaced.gone, done.replaced.runs
    rows = [[each.table, _key(each), each.run or "-", each.row] for each in shown]
    verb = "would go" if is_plan else "are gone"
    names = ", ".join(run for run, _ in runs[:5]) + (" …" if len(runs) > 5 else "")
    lines = [f"rows that {verb}:", table(("table", "key", "run", "row"), rows)]
    if done.replaced.count > len(shown):
        lines.append(f"… {done.replaced.count - len(shown)} more (`--limit 0` shows all)")
    return [*lines, f"the runs they are of stay: {names}"]


def _key(gone: Gone) -> str:
    return " ".join(f"{name}={value}" for name, value in json.loads(gone.key).items())


def _facts(gone: Gone) -> dict[str, Json]:
    key: Json = json.loads(gone.key)
    return {"table": gone.table, "key": key, "run": gone.run, "row": gone.row}
