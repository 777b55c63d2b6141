"""What was changed after it was logged: a key set, rows deleted, or such an edit taken back.

Pure values. An edit concerns the rows logged before it, whenever they arrive; deleting a run
concerns all of it. Its id sorts by time as the ids of rows do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import cast
from uuid import UUID

from xvc.core.ids import origin_of, row_id
from xvc.core.name_words import catalog_name
from xvc.core.record import Control, RecordKind
from xvc.core.run import RunRecord
from xvc.types import Json, RunId

RUNS = "runs"
"""The table that an edit names when it says something of a run itself, and not of its rows."""

SAYABLE = ("name", "note", "idea", "fixes", "decision")
"""What can be said of a run after it began, beside its labels."""

LABEL = "labels."
"""Each label is a key of its own, so that two people who add one each have both."""

EDITING = (RecordKind.VALUE, RecordKind.DELETE, RecordKind.UNDO)
"""The kinds of records that are edits."""


@dataclass(frozen=True, slots=True)
class JournalValue:
    """A value as a journal carries it: the tag of its type, and JSON."""

    tag: str
    carried: Json

    @property
    def number(self) -> int | float | None:
        """The value, when it is a number.

        >>> JournalValue("f", "-inf").number, JournalValue("h", "9223372036854775808").number
        (-inf, 9223372036854775808)
        """
        if self.tag == "f":
            return float(cast("float | str", self.carried))
        return int(cast("int | str", self.carried)) if self.tag in "ih" else None

    def equals(self, other: JournalValue) -> bool:
        """Whether both are the same value: 1 is 1.0, true is not 1, and NaN is NaN.

        >>> one = JournalValue("i", 1)
        >>> one.equals(JournalValue("f", 1.0)), one.equals(JournalValue("b", True))
        (True, False)
        """
        one, two = self.number, other.number
        if one is not None and two is not None:
            return one == two or (one != one and two != two)  # noqa: PLR0124 - only NaN is not itself
        return (self.tag, self.carried) == (other.tag, other.carried)


@dataclass(frozen=True, slots=True)
class RowCondition:
    """What a row holds that an edit concerns."""

    key: str
    value: JournalValue


@dataclass(frozen=True, slots=True)
class Edit:
    """One change.

    ``table`` is None when it concerns all tables, ``run`` when all runs; ``undone`` is the id of
    the edit that an undo takes back.
    """

    kind: RecordKind
    table: str | None = None
    run: RunId | None = None
    key: str | None = None
    value: JournalValue | None = None
    where: RowCondition | None = None
    undone: str | None = None
    id: str = ""

    @property
    def at(self) -> int:
        """When it was made, in microseconds since the epoch."""
        return origin_of(UUID(self.id))[0]

    @property
    def is_tombstone(self) -> bool:
        """Whether it deletes a run, for good and whole."""
        return self.kind is RecordKind.DELETE and self.run is not None

    @property
    def is_metric(self) -> bool:
        """Whether it says a number of whole runs."""
        its = self.value is not None and self.where is None and self.value.number is not None
        return its and not self.is_of_runs

    @property
    def is_of_runs(self) -> bool:
        """Whether it says something of a run itself: its note, its name, what was decided."""
        return self.table == RUNS

    def meets(self, other: Edit) -> bool:
        """Whether both may concern the same row.

        >>> one = Edit(RecordKind.VALUE, "events", RunId("a"), "k")
        >>> one.meets(Edit(RecordKind.DELETE, run=RunId("a")))
        True
        >>> one.meets(Edit(RecordKind.DELETE, "other"))
        False
        """
        return _same(self.table, other.table) and _same(self.run, other.run)


def _same(one: str | None, other: str | None) -> bool:
    return one is None or other is None or catalog_name(one) == catalog_name(other)


def part_of(edit: Edit) -> str:
    """Name the part of a run that an edit of it is about.

    >>> label = Edit(RecordKind.VALUE, RUNS, RunId("a"), "labels.slow")
    >>> part_of(label), part_of(Edit(RecordKind.VALUE, RUNS))
    ('labels', 'note')
    """
    key = edit.key or ""
    return "labels" if key.startswith(LABEL) else key if key in SAYABLE else "note"


def with_said(run: RunRecord, edit: Edit) -> RunRecord:
    """Say of a run what an edit says; an empty value takes it back.

    >>> edit = Edit(RecordKind.VALUE, RUNS, RunId("a"), "note", JournalValue("s", "warm start"))
    >>> with_said(RunRecord(RunId("a")), edit).note
    'warm start'
    """
    if edit.key is None or edit.value is None:
        return run
    tag, carried = edit.value.tag, edit.value.carried
    if edit.key.startswith(LABEL):
        label = edit.key.removeprefix(LABEL)
        others = tuple(each for each in run.labels if each != label)
        return replace(run, labels=(*others, label) if (tag, carried) == ("b", True) else others)
    if edit.key not in SAYABLE:
        return run
    said: object = carried if tag == "s" else None
    return replace(run, **{edit.key: said})  # type: ignore[arg-type]


def facts_of_edit(edit: Edit) -> dict[str, Json]:
    """Write down an edit, without what it does not say.

    >>> facts_of_edit(Edit(RecordKind.VALUE, "events", RunId("a"), "acc", JournalValue("f", 0.5)))
    {'table': 'events', 'run': 'a', 'key': 'acc', 'value': ['f', 0.5]}
    """
    where: Json = None
    if edit.where is not None:
        where = [edit.where.key, edit.where.value.tag, edit.where.value.carried]
    said: dict[str, Json] = {
        "table": edit.table,
        "run": edit.run,
        "key": edit.key,
        "value": [edit.value.tag, edit.value.carried] if edit.value else None,
        "where": where,
        "undone": edit.undone,
    }
    return {name: fact for name, fact in said.items() if fact is not None}


def edit_from(control: Control) -> Edit:
    """Read an edit that `facts_of_edit` wrote."""
    facts = cast("Mapping[str, Json]", control.facts)
    value, where = facts.get("value"), facts.get("where")
    condition = None
    if isinstance(where, list):
        key, tag, carried = where
        condition = RowCondition(str(key), JournalValue(str(tag), carried))
    return Edit(
        kind=RecordKind(control.kind),
        table=cast("str | None", facts.get("table")),
        run=cast("RunId | None", facts.get("run")),
        key=cast("str | None", facts.get("key")),
        value=JournalValue(str(value[0]), value[1]) if isinstance(value, list) else None,
        where=condition,
        undone=cast("str | None", facts.get("undone")),
        id=str(row_id(control.at, control.sequence, control.writer)),
    )


def cancelled(undos: Iterable[Edit]) -> set[str]:
    """List the ids of edits that are taken back; an undo that is itself undone counts for nothing.

    >>> undo = Edit(RecordKind.UNDO, undone="1", id="2")
    >>> undos = [undo, Edit(RecordKind.UNDO, undone="2", id="3")]
    >>> cancelled(undos)
    {'2'}
    """
    gone: set[str] = set()
    for undo in sorted(undos, key=lambda undo: undo.id, reverse=True):
        if undo.id not in gone and undo.undone is not None:
            gone.add(undo.undone)
    return gone


def effective(edits: Iterable[Edit]) -> list[Edit]:
    """Leave out what nobody sees: a key set for whole runs, and set again before it is asked for.

    A script that sets its best value in every epoch is then one pass over its rows.

    >>> one = Edit(RecordKind.VALUE, "events", RunId("a"), "best", JournalValue("i", 1), id="1")
    >>> two = Edit(RecordKind.VALUE, "events", RunId("a"), "best", JournalValue("i", 2), id="2")
    >>> [edit.id for edit in effective([one, two])]
    ['2']
    """
    kept: list[Edit] = []
    hidden: set[tuple[str, RunId | None, str]] = set()
    for edit in sorted(edits, key=lambda edit: edit.id, reverse=True):
        if edit.where is not None:
            asked = edit.where.key
            hidden = {its for its in hidden if its[2] != asked}
        elif edit.kind is RecordKind.VALUE:
            table, key = catalog_name(edit.table or ""), edit.key or ""
            if hidden & {(table, edit.run, key), (table, None, key)}:
                continue
            hidden.add((table, edit.run, key))
        kept.append(edit)
    return kept[::-1]
