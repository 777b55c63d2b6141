"""What pandas notes in a Parquet file: its index and the dtypes of its columns, carried to another.

Pure. Refuses nothing: what cannot be read is left out, and pandas reads the columns as they are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import cast

from xvc.types import Json

KEY = "pandas"
_SIGNED = {"TINYINT": "int8", "SMALLINT": "int16", "INTEGER": "int32", "BIGINT": "int64"}
_NUMPY = _SIGNED | {f"U{kind}": f"u{name}" for kind, name in _SIGNED.items()}
_NUMPY |= {"FLOAT": "float32", "DOUBLE": "float64"}
Notes = dict[str, Json]


def read_notes(text: bytes | None) -> Notes | None:
    """Read a file's note; None where there is none that means something."""
    try:
        found = json.loads(text) if text else None
    except (ValueError, RecursionError):
        return None
    is_whole = isinstance(found, dict) and isinstance(found.get("columns"), list)
    return cast("Notes", found) if is_whole else None


def merged_notes(
    notes: Sequence[Notes | None], columns: Mapping[str, str], changed: set[str], rows: int
) -> bytes | None:
    """Write the note of a merged file; None when the base, the first one, has none.

    Args:
        notes: the base's note, then those of the other files.
        columns: the type of each column of the result.
        changed: the columns whose type is not the base's.
        rows: how many rows the result has.
    """
    base = notes[0] if notes else None
    if base is None:
        return None
    entries: dict[str, Notes] = {}
    for note in notes:
        for entry in cast("list[Notes]", note["columns"]) if note else []:
            entries.setdefault(str(entry.get("field_name")), entry)
    told = [
        _widened(entries[name], kind) if name in changed else entries[name]
        for name, kind in columns.items()
        if name in entries
    ]
    index = [_counted(part, rows) for part in cast("list[Json]", base.get("index_columns") or [])]
    kept = [part for part in index if not isinstance(part, str) or part in columns]
    whole = {**base, "index_columns": kept, "columns": [entry for entry in told if entry]}
    return json.dumps(whole).encode()


def _counted(index: Json, rows: int) -> Json:
    """Let an index that is only a count of rows count those of the result."""
    if not isinstance(index, dict) or index.get("kind") != "range":
        return index
    start, step = int(cast("int", index["start"])), int(cast("int", index["step"]))
    return {**index, "stop": start + rows * step}


def _widened(entry: Notes, kind: str) -> Notes | None:
    if kind not in _NUMPY:
        return None
    return {**entry, "pandas_type": _NUMPY[kind], "numpy_type": _NUMPY[kind], "metadata": None}
