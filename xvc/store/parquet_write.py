"""Writing a merged table: packed as the base is, with its notes, of the types that were meant.

Writes one new file, on the disk when it returns. Refuses a type that Parquet would weaken.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from xvc.core.account import MergeUnsound
from xvc.core.table_merge import Style, WouldWeaken
from xvc.errors import NoPackage
from xvc.store.column_types import kind_of
from xvc.store.frames import arrow_note
from xvc.store.pandas_metadata import KEY, merged_notes, read_notes
from xvc.store.parquet import Packing, notes_of, packing_of
from xvc.store.parquet_merge import Decided, Meeting
from xvc.store.parquet_union import Shape
from xvc.store.schema import literal, quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

ARROW = "ARROW:schema"


@dataclass(frozen=True, slots=True)
class Written:
    """What is in the file beside the rows; ``forgotten`` are notes that would not be true of it."""

    codec: str
    group_rows: int
    forgotten: tuple[str, ...] = ()


def expect_writable(connection: DuckDBPyConnection, shape: Shape, trial: Path) -> None:
    """Write an empty table of that shape to *trial*, and read which types it has.

    Raises:
        WouldWeaken: a type comes back as another one.
    """
    nothing = ", ".join(f"NULL::{each.kind.sql} AS {each.alias}" for each in shape.columns)
    connection.execute(f"COPY (SELECT {nothing} LIMIT 0) TO {literal(str(trial))} (FORMAT parquet)")
    meant = connection.execute(f"SELECT {nothing} LIMIT 0").description or []
    found = connection.execute(f"FROM read_parquet({literal(str(trial))})").description or []
    for column, wanted, got in zip(shape.columns, meant, found, strict=True):
        if kind_of(wanted[1]) != kind_of(got[1]):
            raise WouldWeaken(column.name, f"Parquet has {got[1]} for {wanted[1]}")


def write_table(
    meeting: Meeting, decided: Decided, target: Path, style: Style, trial: Path
) -> Written:
    """Write the rows that were decided to a new file, and count them there.

    *trial* is an empty file of the same shape, from `expect_writable`.

    Raises:
        MergeUnsound: the file has not as many rows as the account says.
        NoPackage: what Arrow noted in the base would have to change, and pyarrow is not installed.
    """
    packing = packing_of(meeting.connection, meeting.base.files[0].path)
    codec = style.codec or packing.codec
    group_rows = style.group_rows or packing.group_rows
    notes = _notes(meeting, packing, decided.account.result, trial)
    options = ["FORMAT parquet", f"COMPRESSION {codec}", f"ROW_GROUP_SIZE {group_rows}"]
    if notes:
        told = ", ".join(f"{quoted(key)}: {_blob(value)}" for key, value in notes.items())
        options.append(f"KV_METADATA {{{told}}}")
    picked = ", ".join(f"{each.alias} AS {quoted(each.name)}" for each in meeting.shape.columns)
    meeting.run(
        f"COPY (SELECT {picked} FROM ({decided.query})) TO {literal(str(target))} "
        f"({', '.join(options)})"
    )
    _sync(target)
    rows = meeting.count(f"SELECT num_rows FROM parquet_file_metadata({literal(str(target))})")
    if rows != decided.account.result:
        raise MergeUnsound(target.name, "the rows written", decided.account.result, rows)
    lost = tuple(key for key in packing.notes if key not in notes)
    return Written(codec, group_rows, lost)


def _notes(meeting: Meeting, packing: Packing, rows: int, trial: Path) -> dict[str, bytes]:
    """Carry over what is noted in the base, as far as it is true of the result.

    Without pyarrow, Arrow's note, which has all the others in it, can only stay as it is.
    """
    before = {key: value for key, value in packing.notes.items() if key != ARROW}
    notes = dict(before)
    if KEY in notes:
        told = _pandas(meeting, notes.pop(KEY), rows)
        notes |= {KEY: told} if told else {}
    if ARROW in packing.notes:
        names = [each.name for each in meeting.shape.columns]
        noted = arrow_note(trial, names, _models(meeting), notes)
        if noted is None and not (is_like_base(meeting) and notes == before):
            raise NoPackage("pyarrow", "frames")
        notes |= {ARROW: noted or packing.notes[ARROW]}
    return notes


def is_like_base(meeting: Meeting) -> bool:
    """Whether the result has the columns of each file of the base: names, types and order."""
    meant = [(each.name, each.kind.sql) for each in meeting.shape.columns]
    return all(
        [(name, kind.sql) for name, kind in file.columns.items()] == meant
        for file in meeting.base.files
    )


def _models(meeting: Meeting) -> dict[str, Path]:
    """Map each column to the first file that has it with the type of the result."""
    files = [file for table in (meeting.base, *meeting.sources) for file in table.files]
    found: dict[str, Path] = {}
    for each in meeting.shape.columns:
        for file in files:
            if each.name in file.columns and file.columns[each.name].sql == each.kind.sql:
                found.setdefault(each.name, file.path)
    return found


def _pandas(meeting: Meeting, base: bytes, rows: int) -> bytes | None:
    files = [file for table in (meeting.base, *meeting.sources) for file in table.files]
    others = [notes_of(meeting.connection, file.path).get(KEY) for file in files[1:]]
    first: dict[str, str] = {}
    for file in files:
        for name, kind in file.columns.items():
            first.setdefault(name, kind.sql)
    columns: Mapping[str, str] = {each.name: each.kind.sql for each in meeting.shape.columns}
    changed = {name for name, sql in columns.items() if first[name] != sql}
    return merged_notes([read_notes(note) for note in (base, *others)], columns, changed, rows)


def _blob(value: bytes) -> str:
    return "'" + "".join(f"\\x{byte:02X}" for byte in value) + "'::BLOB"


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
