"""What ``xvc merge`` shows: the account of each table, conflicts as a table, CSV or JSON."""

from __future__ import annotations

import csv
import io
import json

from xvc.cli.output import Answer, table
from xvc.core.merge import Conflict, Fate, Tally
from xvc.flows.choices import FIELDS
from xvc.flows.merge import Merged
from xvc.flows.unfinished import Unfinished
from xvc.types import Json

_HEAD = ("table", "ours", "theirs", "equal", "kept", "taken", "changed", "deleted", "both", "after")
_SHOWN = 20
_WIDEST = 40


def merged_answer(done: Merged, *, is_dry: bool) -> Answer:
    """Show what a merge did, or would do."""
    text = "\n".join(_outcome_lines(done))
    if done.undecided:
        text += f"\n{done.undecided} conflicts to decide; the store is as it was\n"
        text += _conflict_table(done.conflicts)
    elif is_dry:
        text += "\nnothing was changed (--dry-run)"
    elif done.digest is None:
        text += "\nnothing to merge: the store has all of it"
    elif done.is_git:
        text += "\nmerged; git has the pointer: go on where it stopped (`git status`)"
    else:
        text += "\nmerged; the next version keeps it (`xvc tag`)"
    step = "git status" if done.is_git else "xvc tag minor"
    steps: tuple[str, ...] = (step,) if done.digest else ()
    if done.undecided:
        steps = ("xvc merge --conflicts", "xvc merge --theirs", "xvc merge --continue")
    data: Json = {
        "sources": [outcome.source for outcome in done.outcomes],
        "tables": [
            {"source": outcome.source, **_tally(tally)}
            for outcome in done.outcomes
            for tally in outcome.tallies
        ],
        "conflicts": [_facts(each) for each in done.conflicts],
        "undecided": done.undecided,
        "store": done.digest,
        "changed": done.digest is not None,
        "dry_run": is_dry,
    }
    code = 4 if done.undecided else 0
    return Answer("merge", data, text, done.warnings, steps, code)


def _outcome_lines(done: Merged) -> list[str]:
    lines = []
    for outcome in done.outcomes:
        rows = [_cells(tally) for tally in outcome.tallies if tally.ours or tally.theirs]
        lines.append(f"from {outcome.source}" if rows else f"from {outcome.source}: nothing new")
        if rows:
            lines.append(table(_HEAD, rows, right=range(1, len(_HEAD))))
    return lines


def _cells(tally: Tally) -> list[str]:
    facts = _tally(tally)
    return [f"{facts[name]:,}" if name != "table" else tally.table for name in _HEAD]


def _tally(tally: Tally) -> dict[str, Json]:
    return {
        "table": tally.table,
        "ours": tally.ours,
        "theirs": tally.theirs,
        "equal": tally.equal,
        "kept": tally.kept,
        "taken": tally.taken,
        "changed": tally.changed,
        "deleted": tally.deleted,
        "both": tally.disputed,
        "after": tally.result,
        "fates": {fate.value: tally.of(fate) for fate in Fate},
    }


def listed(found: Unfinished, *, as_csv: bool) -> Answer:
    """Show the conflicts of an unfinished merge."""
    data: Json = {
        "sources": [each.name for each in found.sources],
        "conflicts": [_facts(each) for each in found.conflicts],
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
    data: Json = {"sources": list(names), "aborted": True}
    return Answer("merge", data, f"gave up merging {', '.join(names)}; the store is as it was")


def _conflict_table(conflicts: tuple[Conflict, ...], most: int | None = _SHOWN) -> str:
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


def _facts(conflict: Conflict) -> dict[str, Json]:
    choice = conflict.choice
    told: dict[str, Json] = {name: getattr(conflict, name) for name in FIELDS[:5]}
    values = {name: _value(getattr(conflict, name)) for name in ("base", "ours", "theirs")}
    word = None if choice is None else choice.side.value if choice.side else "value"
    value = _value(choice.value) if choice is not None else None
    newer = conflict.newer.value if conflict.newer else None
    return {**told, **values, "newer": newer, "choice": word, "value": value}


def _value(text: str | None) -> Json:
    found: Json = None if text is None else json.loads(text)
    return found


def _csv(conflicts: tuple[Conflict, ...]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, FIELDS, lineterminator="\n")
    writer.writeheader()
    for each in conflicts:
        texts = {name: getattr(each, name) or "" for name in ("base", "ours", "theirs")}
        value = each.choice.value or "" if each.choice else ""
        facts = {name: cell or "" for name, cell in _facts(each).items()}
        writer.writerow({**facts, **texts, "value": value})
    return out.getvalue()
