"""What ``xvc merge`` shows: the account of each table, conflicts as a table, CSV or JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, TypedDict

from xvc.cli.output import FEW, Answer, few, table
from xvc.core.account import Account, Fate
from xvc.core.human_units import counted
from xvc.core.merge import Conflict, Side
from xvc.types import Json

if TYPE_CHECKING:
    from xvc.merging.merge import Merged
    from xvc.merging.unfinished import Unfinished

_FATES = tuple(Fate)[: tuple(Fate).index(Fate.RESTORED)]  # those of a merge without keys
_STOOD = {Fate.DELETED_BY_US: (Fate.RESTORED,), Fate.DELETED_BY_THEM: (Fate.REMOVED,)}
_HEAD = ("table", "ours", "theirs", "equal", "kept", "taken", "changed", "deleted", "both", "after")
_WIDEST = 40


class TableMerge(TypedDict):
    """Rows of one table on each side and after, and what became of them."""

    table: str
    ours: int
    theirs: int
    equal: int
    kept: int
    taken: int
    changed: int
    deleted: int
    both: int
    after: int
    fates: Mapping[str, int]


class SourceMerge(TableMerge):
    """Of one source; tables without rows are not told."""

    source: str


class Dispute(TypedDict):
    """One cell that both sides changed; ``column`` null is the row as a whole."""

    source: str
    table: str
    key: str
    column: str | None
    kind: str
    base: object
    ours: object
    theirs: object
    newer: Side | None
    choice: Annotated[str | None, "ours, theirs or value; null is to decide."]
    value: object


class Merging(TypedDict):
    """What a merge did, or would do; ``store`` is the digest of the merged one."""

    sources: list[str]
    tables: list[SourceMerge]
    conflicts: Annotated[list[Dispute], "The first twenty; --conflicts lists all."]
    total: Annotated[int, "Conflicts in all."]
    undecided: int
    store: str | None
    changed: bool
    operation: Annotated[str | None, "What `xvc undo` takes back."]
    dry_run: bool


class Conflicts(TypedDict):
    """With --conflicts, or after deciding some: all conflicts of the unfinished merge."""

    sources: list[str]
    conflicts: list[Dispute]
    total: int
    undecided: int


class Aborted(TypedDict):
    """With --abort: what was to be merged."""

    sources: list[str]
    aborted: bool


MergeData = Merging | Conflicts | Aborted


def merged_answer(done: Merged, *, is_dry: bool) -> Answer:
    """Show what a merge did, or would do."""
    text = "\n".join(_outcome_lines(done))
    if done.undecided:
        text += f"\n{counted(done.undecided, 'conflict')} to decide; the store is as it was\n"
        text += _conflict_table(done.conflicts)
    elif is_dry:
        text += "\nnothing was changed (--dry-run)"
    elif done.digest is None:
        text += "\nnothing to merge: the store has all of it"
    elif done.is_git:
        text += "\nmerged; git has the pointer: go on where it stopped (`git status`)"
    else:
        text += "\nmerged; the next version keeps it (`xvc tag`), `xvc undo --yes` takes it back"
    step = "git status" if done.is_git else "xvc tag minor"
    steps: tuple[str, ...] = (step,) if done.digest else ()
    if done.undecided:
        steps = ("xvc merge --conflicts", "xvc merge --theirs", "xvc merge --continue")
    data: Merging = {
        "sources": [outcome.source for outcome in done.outcomes],
        "tables": [
            {"source": outcome.source, **_table(account)}
            for outcome in done.outcomes
            for account in _told(outcome.accounts)
        ],
        "conflicts": [_facts(each) for each in few(done.conflicts)],
        "total": len(done.conflicts),
        "undecided": done.undecided,
        "store": done.digest,
        "changed": done.digest is not None,
        "operation": done.operation,
        "dry_run": is_dry,
    }
    code = 4 if done.undecided else 0
    return Answer("merge", data, text, done.warnings, steps, code)


def _outcome_lines(done: Merged) -> list[str]:
    lines = []
    for outcome in done.outcomes:
        rows = [_cells(account) for account in _told(outcome.accounts)]
        lines.append(f"from {outcome.source}" if rows else f"from {outcome.source}: nothing new")
        if rows:
            lines.append(table(_HEAD, rows, right=range(1, len(_HEAD))))
    return lines


def _told(accounts: Sequence[Account]) -> list[Account]:
    return [each for each in accounts if each.ours or each.theirs]


def _cells(account: Account) -> list[str]:
    facts: Mapping[str, object] = _table(account)
    return [f"{facts[name]:,}" if name != "table" else account.table for name in _HEAD]


def _table(account: Account) -> TableMerge:
    return {
        "table": account.table,
        "ours": account.ours,
        "theirs": account.theirs,
        "equal": account.equal,
        "kept": account.kept,
        "taken": account.taken,
        "changed": account.changed,
        "deleted": account.deleted,
        "both": account.disputed,
        "after": account.result,
        "fates": {fate.value: account.of(fate, *_STOOD.get(fate, ())) for fate in _FATES},
    }


def listed(found: Unfinished, *, as_csv: bool) -> Answer:
    """Show the conflicts of an unfinished merge."""
    data: Conflicts = {
        "sources": [each.name for each in found.sources],
        "conflicts": [_facts(each) for each in found.conflicts],
        "total": len(found.conflicts),
        "undecided": found.open,
    }
    if as_csv:
        text = _csv(found.conflicts)
    else:
        text = _conflict_table(found.conflicts, most=None)
        text += f"\n{found.open} of {len(found.conflicts)} to decide"
    step = "xvc merge --theirs" if found.open else "xvc merge --continue"
    return Answer("merge", data, text, next=(step,))


def abort_answer(found: Unfinished) -> Answer:
    """Show that a merge was given up."""
    names = [each.name for each in found.sources]
    data: Aborted = {"sources": names, "aborted": True}
    return Answer("merge", data, f"gave up merging {', '.join(names)}; the store is as it was")


def _conflict_table(conflicts: tuple[Conflict, ...], most: int | None = FEW) -> str:
    rows = [_line(each) for each in conflicts[:most]]
    text = table(["table", "key", "column", "base", "ours", "theirs", "choice"], rows)
    hidden = len(conflicts) - len(rows)
    return text + (f"\n… {hidden} more: `xvc merge --conflicts`" if hidden else "")


def _line(each: Conflict) -> list[str]:
    values = [_short(value) for value in (each.base, each.ours, each.theirs)]
    return [each.table, each.key, each.column or "(row)", *values, _chosen(each)]


def _short(value: str | None) -> str:
    text = "-" if value is None else " ".join(value.split())
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"


def _chosen(conflict: Conflict) -> str:
    choice = conflict.choice
    if choice is None:
        return "?"
    return choice.side.value if choice.side else _short(choice.value)


def _facts(conflict: Conflict) -> Dispute:
    choice = conflict.choice
    return {
        "source": conflict.source,
        "table": conflict.table,
        "key": conflict.key,
        "column": conflict.column,
        "kind": conflict.kind,
        "base": _value(conflict.base),
        "ours": _value(conflict.ours),
        "theirs": _value(conflict.theirs),
        "newer": conflict.newer,
        "choice": None if choice is None else choice.side.value if choice.side else "value",
        "value": _value(choice.value) if choice is not None else None,
    }


def _value(text: str | None) -> Json:
    found: Json = None if text is None else json.loads(text)
    return found


def _csv(conflicts: tuple[Conflict, ...]) -> str:
    from xvc.merging.choices import FIELDS  # late: it reads files

    out = io.StringIO()
    writer = csv.DictWriter(out, FIELDS, lineterminator="\n")
    writer.writeheader()
    for each in conflicts:
        texts = {name: getattr(each, name) or "" for name in ("base", "ours", "theirs")}
        value = each.choice.value or "" if each.choice else ""
        facts = {name: cell or "" for name, cell in _facts(each).items()}
        writer.writerow({**facts, **texts, "value": value})
    return out.getvalue()
