"""Decisions of a merge that a person wrote into a file: the conflicts as they were listed, edited.

Reads JSON and CSV. Refuses an entry that names no conflict, and a choice that is none.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from xvc.core.merge import Choice, Conflict, Side
from xvc.errors import BadValue

FIELDS = (
    *("source", "table", "key", "column", "kind"),
    *("base", "ours", "theirs", "newer", "choice", "value"),
)


def read_choices(path: Path, conflicts: Sequence[Conflict]) -> list[Conflict]:
    """Give the conflicts the choices that a file has for them; others stay as they are.

    An entry's ``choice`` is ``ours``, ``theirs``, or ``value``, which takes its ``value`` (JSON).

    Raises:
        BadValue: the file cannot be read, or an entry means nothing.
    """
    is_text = path.suffix == ".csv"
    made = {_place(entry): _choice(entry, is_text=is_text) for entry in _entries(path)}
    known = {(each.source, *each.place) for each in conflicts}
    for place in made:
        if place not in known:
            shown = " ".join(str(part) for part in place if part)
            raise BadValue(path.name, f"no conflict is at {shown}")
    return [
        replace(each, choice=made.get((each.source, *each.place)) or each.choice)
        for each in conflicts
    ]


_Entry = Mapping[str, object]


def _entries(path: Path) -> list[_Entry]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as err:
        raise BadValue(path.name, str(err)) from err
    if path.suffix == ".csv":
        return list(csv.DictReader(io.StringIO(text)))
    try:
        found = json.loads(text)
    except ValueError as err:
        raise BadValue(path.name, f"it is not JSON: {err}") from err
    if isinstance(found, dict):
        found = found.get("data", found).get("conflicts")
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise BadValue(path.name, "it holds no list of conflicts")
    return found


def _place(entry: _Entry) -> tuple[str, str, str, str | None]:
    source, table, key, column = (entry.get(name) for name in FIELDS[:4])
    return str(source), str(table), str(key), str(column) if column else None


def _choice(entry: _Entry, *, is_text: bool) -> Choice | None:
    word = str(entry.get("choice") or "")
    if not word:
        return None
    if word != "value":
        try:
            return Choice(Side(word))
        except ValueError as err:
            raise BadValue("choice", f"{word!r} is neither ours, theirs nor value") from err
    if not entry.get("column"):
        raise BadValue("choice", "a row as a whole takes no value; choose ours or theirs")
    value = entry.get("value")
    return Choice(value=_as_json(str(value)) if is_text else json.dumps(value, ensure_ascii=False))


def _as_json(text: str) -> str:
    """Take a cell of CSV as JSON where it is, else as the text that it says."""
    try:
        json.loads(text)
    except ValueError:
        return json.dumps(text, ensure_ascii=False)
    return text
