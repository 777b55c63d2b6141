"""One shape for the columns of several Parquet tables: united by name, widened without loss.

A column that a file lacks is empty there. Columns are ``c0``, ``c1`` … to SQL, so that no name of
a user's is ever read as something else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xvc.core.name_words import catalog_name
from xvc.core.table_merge import ColumnsClash, NamesClash, WouldWeaken
from xvc.errors import NoColumn
from xvc.store.column_types import Kind, same_key, widest
from xvc.store.parquet import ParquetFile, ParquetTable
from xvc.store.shape import MergedColumn, paired

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_NOT_IN_PARQUET = ("HUGEINT", "UHUGEINT")  # it would be written as DOUBLE


@dataclass(frozen=True, slots=True)
class Shape:
    """The columns of the result, in order: the base's, then those that others bring."""

    columns: tuple[MergedColumn, ...]

    @property
    def aliases(self) -> str:
        """All columns, as a list in SQL."""
        return ", ".join(column.alias for column in self.columns)

    def signs(self) -> list[str]:
        """Write what tells two rows apart to the last bit."""
        return [sign for column in self.columns for sign in signs_of(column)]

    def named(self, names: Sequence[str]) -> tuple[MergedColumn, ...]:
        """Find columns by name.

        Raises:
            NoColumn: there is none of that name.
        """
        found = {column.name: column for column in self.columns}
        for name in names:
            if name not in found:
                raise NoColumn(name, tuple(found))
        return tuple(found[name] for name in names)

    def rows(self, table: ParquetTable) -> str:
        """Write a query of a table's rows, in their order, in the shape of the result."""
        return " UNION ALL ".join(
            f"SELECT {self._read(file)} FROM {file.sql}" for file in table.files
        )

    def _read(self, file: ParquetFile) -> str:
        return ", ".join(
            f"{column.read(str(file.path), column.kind.sql)} AS {column.alias}"
            for column in self.columns
        )


def signs_of(column: MergedColumn, owner: str = "") -> list[str]:
    """Write what tells two values of a column apart to the last bit, in rows called *owner*."""
    value = f"{owner}.{column.alias}" if owner else column.alias
    signs = column.kind.signs(value)
    return signs if value in signs else [value, *signs]


def unite(
    connection: DuckDBPyConnection,
    tables: Sequence[ParquetTable],
    keys: Sequence[str],
    types: Mapping[str, str],
) -> Shape:
    """Find the columns of the result, and look at each value that may not fit its type.

    Args:
        connection: where to look.
        tables: the base, then the others.
        keys: the columns that tell rows apart; every table has them, of one type.
        types: columns whose type was chosen.

    Raises:
        ColumnsClash: no type holds all values of a column.
        NamesClash: two columns differ only by the case of a to z.
        WouldWeaken: DuckDB reads a column otherwise than it is.
        NoColumn: a table lacks a key, or a type is chosen for a column that there is not.
    """
    files = {str(file.path): file for table in tables for file in table.files}
    found = paired({path: file.held() for path, file in files.items()})
    by_small: dict[str, str] = {}
    for name in found:
        first = by_small.setdefault(catalog_name(name), name)
        if first != name:
            raise NamesClash((first, name))
    for wanted in (*keys, *types):
        if wanted not in found:
            raise NoColumn(wanted, tuple(found))
    _expect_keys(files.values(), keys)
    columns = []
    for number, (name, its) in enumerate(found.items()):
        holders = [files[path] for path in its]
        kind = Kind(types[name]) if name in types else _agreed(name, holders, name in keys)
        columns.append(MergedColumn(name, kind, dict.fromkeys(its, name), alias=f"c{number}"))
        for path, held in its.items():
            misfits = held.misfits(connection, kind)
            if misfits:
                words = f"{misfits} values of {path} do not fit {kind.sql}"
                raise ColumnsClash(name, (words,))
    return Shape(tuple(columns))


def _expect_keys(files: Iterable[ParquetFile], keys: Sequence[str]) -> None:
    for file in files:
        for key in keys:
            if key not in file.columns:
                raise NoColumn(key, tuple(file.columns))


def _agreed(name: str, holders: Sequence[ParquetFile], is_key: bool) -> Kind:
    """Find the type of one column."""
    for file in holders:
        if name in file.weak:
            raise WouldWeaken(name, f"{file.weak[name]} ({file.path})")
    kinds = [file.columns[name] for file in holders]
    unfit = next((kind for kind in kinds if is_key and not kind.can_be_key), None)
    if unfit is not None:
        raise ColumnsClash(name, (f"{unfit.sql} is no key",))
    found = widest(kinds, looks=True) if not is_key or same_key(kinds) else None
    if found is None or any(found.uses(huge) for huge in _NOT_IN_PARQUET):
        raise ColumnsClash(name, _claims(name, holders))
    return found


def _claims(name: str, holders: Sequence[ParquetFile]) -> tuple[str, ...]:
    """Say which file has the column as what; each type once."""
    first: dict[str, ParquetFile] = {}
    for file in holders:
        first.setdefault(file.columns[name].sql, file)
    return tuple(f"{kind} in {file.path}" for kind, file in first.items())
