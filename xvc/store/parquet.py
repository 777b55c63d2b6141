"""Parquet files as DuckDB reads them: their columns, what is noted in them, how they are packed.

Reads only. A folder is one table, made of all its files; one partitioned by the names of its
folders is refused, because those columns are in no file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from xvc.core.table_merge import CODECS, NamesClash, NoTableFile
from xvc.store.column_types import Kind, kind_of
from xvc.store.db import reading_file
from xvc.store.schema import literal
from xvc.store.shape import SideColumn

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_ENDING = ".parquet"
_FEWEST_ROWS = 122_880  # of a row group, unless the file has several smaller ones


@dataclass(frozen=True, slots=True)
class ParquetFile:
    """One Parquet file; ``weak`` says of a column why DuckDB does not read it as it is."""

    path: Path
    columns: Mapping[str, Kind]
    rows: int
    weak: Mapping[str, str]

    @property
    def sql(self) -> str:
        """Write the table function that reads it."""
        return f"read_parquet([{literal(str(self.path))}], hive_partitioning = false)"

    def held(self) -> dict[str, SideColumn]:
        """Describe its columns by their names."""
        return {name: SideColumn(self.sql, name, kind) for name, kind in self.columns.items()}


@dataclass(frozen=True, slots=True)
class ParquetTable:
    """A file, or the files of a folder, by the name that was given."""

    name: Path
    files: tuple[ParquetFile, ...]

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return sum(file.rows for file in self.files)


@dataclass(frozen=True, slots=True)
class Packing:
    """How a file is compressed, in how many rows a group, and what others noted in it."""

    codec: str
    group_rows: int
    notes: Mapping[str, bytes]


def files_of(path: Path) -> tuple[Path, ...]:
    """List the files of a table.

    Raises:
        NoTableFile: there are none.
    """
    if path.is_file():
        return (path,)
    if not path.is_dir():
        raise NoTableFile(str(path), "there is no such file")
    found = []
    for file in sorted(path.rglob(f"*{_ENDING}")):
        inside = file.relative_to(path).parts
        if not file.is_file() or any(part.startswith((".", "_")) for part in inside):
            continue
        if any("=" in part for part in inside[:-1]):
            raise NoTableFile(str(path), f"{inside[0]}: a column is in the names of its folders")
        found.append(file)
    if not found:
        raise NoTableFile(str(path), f"no file in it ends in {_ENDING}")
    return tuple(found)


def read_table(connection: DuckDBPyConnection, path: Path) -> ParquetTable:
    """Look at the columns of a file, or of a folder's files.

    Raises:
        NoTableFile: there are none.
        NotParquet: one is no Parquet file.
        NamesClash: DuckDB cannot tell two columns of one apart.
    """
    return ParquetTable(path, tuple(_read(connection, file) for file in files_of(path)))


def _read(connection: DuckDBPyConnection, path: Path) -> ParquetFile:
    bare = ParquetFile(path, {}, 0, {})
    with reading_file(path):
        shape = connection.execute(f"SELECT * FROM {bare.sql} LIMIT 0").description or []
        written = connection.execute(
            "SELECT name, num_children, type, logical_type, precision FROM parquet_schema(?)",
            [str(path)],
        ).fetchall()
        counted = connection.execute(
            "SELECT num_rows FROM parquet_file_metadata(?)", [str(path)]
        ).fetchone()
    names = [str(part[0]) for part in shape]
    own = _top(written)
    if list(own) != names:
        raise NamesClash(tuple(name for name in names if name not in own) or tuple(names))
    weak = {name: reason for name, leaves in own.items() if (reason := _weakness(leaves))}
    columns = {name: kind_of(part[1]) for name, part in zip(names, shape, strict=True)}
    return ParquetFile(path, columns, int(counted[0]) if counted else 0, weak)


def _top(written: Sequence[tuple[object, ...]]) -> dict[str, list[tuple[object, ...]]]:
    """Group the lines of a schema, which is listed depth first, by their column."""
    found: dict[str, list[tuple[object, ...]]] = {}
    open_ends, here = 0, ""
    for line in written[1:]:
        if open_ends == 0:
            here, open_ends = str(line[0]), 1
            found.setdefault(here, [])
        found[here].append(line)
        open_ends += int(str(line[1] or 0)) - 1
    return found


def _weakness(leaves: Sequence[tuple[object, ...]]) -> str:
    """Say what DuckDB loses as it reads: it tells nobody."""
    for _, _, stored, _, precision in leaves:
        if stored == "INT96":
            return "INT96 times are read in microseconds"
        if isinstance(precision, int) and precision > 38:
            return f"a decimal of {precision} digits is read as DOUBLE"
    return ""


def packing_of(connection: DuckDBPyConnection, path: Path) -> Packing:
    """Look at how a file is packed, so that another can be packed alike."""
    with reading_file(path):
        groups = connection.execute(
            "SELECT row_group_id, any_value(row_group_num_rows), list(compression) "
            "FROM parquet_metadata(?) GROUP BY row_group_id",
            [str(path)],
        ).fetchall()
        noted = notes_of(connection, path)
    codecs = Counter(str(codec).lower() for *_, found in groups for codec in found)
    usual = codecs.most_common(1)[0][0] if codecs else "snappy"
    most = max((int(rows) for _, rows, _ in groups), default=0)
    rows = most if len(groups) > 1 else max(most, _FEWEST_ROWS)
    return Packing(usual if usual in CODECS else "snappy", rows, noted)


def notes_of(connection: DuckDBPyConnection, path: Path) -> dict[str, bytes]:
    """Read what programs have noted in a file, by key."""
    with reading_file(path):
        found = connection.execute(
            "SELECT key, value FROM parquet_kv_metadata(?)", [str(path)]
        ).fetchall()
    return {bytes(key).decode("utf-8", "replace"): bytes(value) for key, value in found}
