"""Merging plain tables: what was asked, and what hinders. Pure values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from xvc.errors import (
    BadValue,
    BusyError,
    ConflictError,
    CorruptError,
    ExternalError,
    UsageError,
    error,
)

CODECS = ("uncompressed", "snappy", "gzip", "zstd", "brotli", "lz4", "lz4_raw")
"""What a Parquet file may be compressed with."""

_SIZE = re.compile(r"[0-9]+(\.[0-9]+)? ?[KMGT]i?B", re.IGNORECASE)
_TYPE = re.compile(r"[A-Z_][A-Z_0-9 ]*(\([0-9]+(, ?[0-9]+)?\))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Style:
    """How the file is written: codec and rows of a row group, None as the base has them.

    ``types`` gives a column another type than the files agree on; ``memory`` is what DuckDB may
    take before it spills to the disk, as in ``1GB``.
    """

    codec: str | None = None
    group_rows: int | None = None
    types: Mapping[str, str] = field(default_factory=dict)
    memory: str = "1GB"

    def checked(self) -> Style:
        """Return itself when each part can be meant.

        Raises:
            BadValue: a codec, size or type that there is not.
        """
        if self.codec is not None and self.codec not in CODECS:
            raise BadValue("--compression", f"{self.codec!r} is none of {', '.join(CODECS)}")
        if not _SIZE.fullmatch(self.memory):
            raise BadValue("--memory-limit", f"{self.memory!r} is no size such as 1GB")
        for column, name in self.types.items():
            if not _TYPE.fullmatch(name):
                raise BadValue("--map", f"{column}: {name!r} is no type such as DECIMAL(20,0)")
        return self


@dataclass(frozen=True, slots=True)
class Order:
    """A merge, or with ``replaces`` a rebase, of tables into the first one.

    ``keys`` tell rows apart, the whole row does without; ``takes_last`` lets the later of several
    rows of one key stand.
    """

    base: Path
    sources: tuple[Path, ...]
    out: Path
    keys: tuple[str, ...] = ()
    replaces: bool = False
    takes_last: bool = False
    style: Style = Style()


@error("no-table-file")
class NoTableFile(UsageError):
    """A name leads to no Parquet file, and to no folder of some."""

    path: str
    reason: str
    says = "{path}: {reason}"
    way = "Name Parquet files, or folders in which the files end in .parquet."


@error("folder-kept")
class FolderKept(UsageError):
    """A folder of files would be changed in place."""

    path: str
    says = "{path} is a folder: it is read as one table, and never changed"
    way = "Name the file that is to hold the result, with `-o FILE.parquet`."


@error("not-parquet")
class NotParquet(CorruptError):
    """A file is no Parquet file, or a damaged one."""

    path: str
    reason: str
    says = "{path} cannot be read as Parquet: {reason}"
    way = "Nothing was changed. Write the file again, or `dvc checkout` it."


@error("columns-clash")
class ColumnsClash(ConflictError):
    """The files do not agree on a column, and no type holds the values of both."""

    column: str
    claims: tuple[str, ...]
    says = "column {column!r} cannot be one: {claims:; }"
    way = "Say what it is to be, such as `--map COLUMN=VARCHAR`, or change a file."


@error("names-clash")
class NamesClash(ConflictError):
    """Two columns are called the same but for capital letters; DuckDB cannot tell them apart."""

    names: tuple[str, ...]
    says = "columns that differ only by case, or not at all: {names}"
    way = "Rename one of them in the program that writes the file."


@error("would-weaken")
class WouldWeaken(ConflictError):
    """A column has a Parquet type that would be written as a weaker one."""

    column: str
    reason: str
    says = "column {column!r} would not be written as it is: {reason}"
    way = "Accept it by saying the type, such as `--map COLUMN=DOUBLE` or VARCHAR."


@error("rows-refused")
class RowsRefused(ConflictError):
    """Rows that a merge by key cannot place; some are shown."""

    what: str
    total: int
    rows: tuple[str, ...]
    way_out: str
    way = "Nothing was changed; {way_out}."

    def __str__(self) -> str:
        more = f"; … {self.total - len(self.rows)} more" if self.total > len(self.rows) else ""
        return f"{self.total} {self.what}: {'; '.join(self.rows)}{more}"


@error("file-changed")
class FileChanged(BusyError):
    """Another program wrote to a file while it was read."""

    path: str
    says = "{path} was changed by another program meanwhile; nothing was written"


@error("tables-failed")
class TablesFailed(ExternalError):
    """DuckDB could not read or write the files; its words are kept."""

    path: str
    words: str
    says = "{path}: {words}"
    way = "Nothing was changed. Where memory was short, raise `--memory-limit`."
