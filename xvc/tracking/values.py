"""Rows as they can be kept: values that no cell holds are spread into columns or kept as assets.

What cannot be kept in any way costs itself and never its row: it is left out, and named.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING

from xvc.core.json_values import simpler
from xvc.core.limits import RECORD
from xvc.errors import AssetFailed, BadValue, TooLarge, XvcError
from xvc.journal.codec import check_key, encode_value
from xvc.journal.writer import too_many
from xvc.tracking.objects import keep_object, size_in_a_cell
from xvc.tracking.unpack import parts_of, plainer, put, resolved, unpacked

if TYPE_CHECKING:
    from xvc.tracking.handle import RunHandle

_DIGEST = 66  # bytes of what stands for an asset
_AROUND = 100_000  # bytes of a record beside its values: quotes, tags, the writer
_NESTED = (list, tuple, set, frozenset, Mapping)
Refused = dict[str, XvcError]


def named(values: object) -> dict[str, object]:
    """Return params by name: those of a mapping, a dataclass, a pydantic model or a Namespace.

    Raises:
        BadValue: it is something else.
    """
    values = resolved(values)
    if isinstance(values, Mapping):
        return dict(values)
    if isinstance(values, Namespace | SimpleNamespace):
        return dict(vars(values))
    parts = None if isinstance(values, type) else parts_of(values)
    if parts is None:
        kind = type(values).__name__
        raise BadValue("params", f"a dict, a dataclass or a Namespace of values, not one {kind}")
    return parts


def fitting(
    tracker: RunHandle, row: Mapping[str, object], instead: Callable[[object], str] | None = None
) -> tuple[dict[str, object], XvcError | None]:
    """Return what can be kept of a row, and the error that names what cannot.

    Args:
        tracker: who logs; it keeps the objects.
        row: values by key.
        instead: gives the text that stands for a value that cannot be kept.
    """
    refused: Refused = {}
    spread = _spread(row, refused)
    kept: dict[str, object] = {}
    sizes: dict[str, int] = {}
    for key, value in spread.items():
        try:
            size = size_in_a_cell(check_key(key), value)
            kept[key] = value if size is not None else keep_object(tracker, key, value)
            sizes[key] = _DIGEST if size is None else size
        except (BadValue, AssetFailed) as err:
            refused[str(key)] = err
            if instead is None or not isinstance(key, str) or not key:
                continue
            kept[key] = instead(value)
            sizes[key] = len(str(kept[key]))
    beyond = tracker._journal.beyond(tracker.table, kept)
    refused |= dict.fromkeys(beyond, too_many(beyond)) if beyond else {}
    _leave_out_large(sizes, refused, beyond)
    names = {key: value for key, value in kept.items() if key in sizes and key not in beyond}
    return names, _as_one(refused)


def _spread(row: Mapping[str, object], refused: Refused) -> dict[str, object]:
    """Have dataclasses and models as columns, paths and enums as text."""
    found: dict[str, object] = {}
    columns: dict[str, dict[str, object]] = {}
    for key, value in row.items():
        try:
            parts, plain = _looked_at(key, value)
        except BadValue as err:
            refused[str(key)] = err
            continue
        if parts is None:
            found[key] = plain
        else:
            columns[key] = parts
    for key, parts in columns.items():
        for name, part in parts.items():
            try:
                put(found, name, part, key)
            except BadValue as err:
                refused[key] = err
    return found


def _looked_at(key: str, value: object) -> tuple[dict[str, object] | None, object]:
    value = resolved(value)
    try:
        encode_value(key, value)
    except TooLarge:
        return None, value
    except BadValue:
        pass
    else:
        return None, value if isinstance(value, _NESTED) else simpler(value)
    try:
        parts = unpacked(key, value)
        return parts, plainer(value) if parts is None else None
    except BadValue:
        raise
    except Exception as err:  # objects run code of their own when they are looked at
        words = str(err) or type(err).__name__
        raise BadValue(str(key), f"cannot be looked at: {words}") from err


def _leave_out_large(sizes: dict[str, int], refused: Refused, beyond: list[str]) -> None:
    """Take the largest values out until the row is short enough for a record."""
    for key in beyond:
        sizes.pop(key, None)
    while sizes and sum(sizes.values()) > RECORD - _AROUND:
        largest = max(sizes, key=sizes.__getitem__)
        words = f"the row has more than the {RECORD:,} bytes that a record may have"
        refused[largest] = TooLarge(largest, words)
        del sizes[largest]


def _as_one(refused: Refused) -> XvcError | None:
    """Make one error of all: that of the first key, which names the others, too."""
    if not refused:
        return None
    first, *others = refused.items()
    error = first[1]
    if not isinstance(error, BadValue):
        return error
    also = [key for key, its in others if its is not error]
    names = ", ".join(also[:5]) + (" …" if len(also) > 5 else "")
    told = f"{error.reason}; neither can {names}" if also else error.reason
    return type(error)(error.name, f"{told}; the rest is kept")
