"""Edits as they are asked for, with Python's values, and as a journal carries them."""

from __future__ import annotations

from typing import cast

from xvc.core.edit import LABEL, RUNS, SAYABLE, Edit, JournalValue, RowCondition
from xvc.core.record import RecordKind
from xvc.errors import BadValue
from xvc.journal.codec import check_key, encode_value
from xvc.types import Json, Row, RunId


def setting(
    table: str, key: str, value: object, run: RunId | None, where: tuple[str, object] | None = None
) -> Edit:
    """Make the edit that sets *key* in a table's rows: of one run or of all, that hold something.

    Raises:
        BadValue: a key or value cannot be kept, or cannot be compared.
    """
    condition = None
    if where is not None:
        condition = RowCondition(check_key(where[0]), _typed(*where))
        if condition.value.tag == "j":
            raise BadValue(where[0], "a condition compares single values, no lists or dicts")
    return Edit(
        kind=RecordKind.VALUE,
        table=table,
        run=run,
        key=check_key(key),
        value=_typed(key, value),
        where=condition,
    )


def saying(run: RunId, key: str, text: str | None) -> Edit:
    """Make the edit that says something of a run itself, secrets masked; an empty text undoes it.

    Raises:
        BadValue: it is nothing that can be said of a run, or the text cannot be kept.
    """
    if key not in SAYABLE:
        raise BadValue(key, f"what can be said of a run is {', '.join(SAYABLE)}, labels.NAME")
    said = _masked(text) if text else None
    return Edit(kind=RecordKind.VALUE, table=RUNS, run=run, key=key, value=_typed(key, said))


def _masked(text: str) -> str:
    from xvc.core.secrets import mask_text  # late: values of rows are set without it

    return mask_text(text)


def labelling(run: RunId, label: str, *, on: bool = True) -> Edit:
    """Make the edit that gives a run a label, or takes it off.

    Raises:
        BadValue: a label is empty or has a comma.
    """
    if not label.strip() or "," in label:
        raise BadValue("--label", f"{label!r} is no label: a few letters, without a comma")
    label = _masked(label)
    return Edit(
        kind=RecordKind.VALUE,
        table=RUNS,
        run=run,
        key=check_key(LABEL + label.strip()),
        value=_typed("label", on),
    )


def _typed(key: str, value: object) -> JournalValue:
    tag, carried = encode_value(key, value)
    return JournalValue(tag, cast("Json", carried))


def holds(where: RowCondition | None, row: Row) -> bool:
    """Whether a row holds what an edit asks for.

    >>> holds(RowCondition("step", JournalValue("i", 1)), {"step": 1.0})
    True
    """
    return where is None or where.value.equals(_typed(where.key, row.get(where.key)))
