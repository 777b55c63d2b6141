"""One shape for the columns of several Parquet tables: united by name, widened without loss.

A column that a file lacks is empty there. Columns are ``c0``, ``c1`` … to SQL, so that no name of
a user's is ever read as something else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xvc.core.table_merge import ColumnsClash, NamesClash, WouldWeaken
from xvc.errors import NoColumn
from xvc.store.alignment import signs_of
from xvc.store.column_types import Kind, wider
from xvc.store.parquet import File, Table
from xvc.store.schema import quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the result: its name, its type for SQL, and what it is called meanwhile."""

    name: str
    sql: str
    alias: str

    def signs(self, owner: str = "") -> list[str]:
        """Write what tells two values of it apart to the last bit."""
        value = f"{owner}.{self.alias}" if owner else self.alias
        signs = signs_of(value, self.sql)
        return signs if value in signs else [value, *signs]


@dataclass(frozen=True, slots=True)
class Shape:
    """The columns of the result, in order: the base's, then those that others bring."""

    columns: tuple[Column, ...]

    @property
    def aliases(self) -> str:
        """All columns, as a list in SQL."""
        return ", ".join(column.alias for column in self.columns)

    def signs(self) -> list[str]:
        """Write what tells two rows apart to the last bit."""
        return [sign for column in self.columns for sign in column.signs()]

    def named(self, names: Sequence[str]) -> tuple[Column, ...]:
        """Find columns by name.

        Raises:
            NoColumn: there is none of that name.
        """
        found = {column.name: column for column in self.columns}
        for name in names:
            if name not in found:
                raise NoColumn(name, tuple(found))
        return tuple(found[name] for name in names)

    def rows(self, table: Table) -> str:
        """Write a query of a table's rows, in their order, in the shape of the result."""
        return " UNION ALL ".join(
            f"SELECT {self._read(file)} FROM {file.sql}" for file in table.files
        )

    def _read(self, file: File) -> str:
        return ", ".join(
            f"CAST({quoted(column.name) if column.name in file.columns else 'NULL'} "
            f"AS {column.sql}) AS {column.alias}"
            for column in self.columns
        )


def unite(
    connection: DuckDBPyConnection,
    tables: Sequence[Table],
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
        NamesClash: two columns differ by case only.
        WouldWeaken: DuckDB reads a column otherwise than it is.
        NoColumn: a table lacks a key, or a type is chosen for a column that there is not.
    """
    files = [file for table in tables for file in table.files]
    names = list(dict.fromkeys(name for file in files for name in file.columns))
    by_small: dict[str, str] = {}
    for name in names:
        if by_small.setdefault(name.lower(), name) != name:
            raise NamesClash((by_small[name.lower()], name))
    for wanted in (*keys, *types):
        if wanted not in names:
            raise NoColumn(wanted, tuple(names))
    _expect_keys(files, keys)
    columns = []
    for number, name in enumerate(names):
        holders = [file for file in files if name in file.columns]
        agreed = None if name in types else _agreed(name, holders, name in keys)
        target = types[name] if agreed is None else agreed.sql
        columns.append(Column(name, target, f"c{number}"))
        for file in holders:
            kind = file.columns[name]
            if agreed is None or wider(kind, agreed) != agreed:
                _look(connection, file, name, target)
    return Shape(tuple(columns))


def _expect_keys(files: Sequence[File], keys: Sequence[str]) -> None:
    for file in files:
        for key in keys:
            if key not in file.columns:
                raise NoColumn(key, tuple(file.columns))


def _agreed(name: str, holders: Sequence[File], is_key: bool) -> Kind:
    """Find the type of one column."""
    for file in holders:
        if name in file.weak:
            raise WouldWeaken(name, f"{file.weak[name]} ({file.path})")
    found = holders[0].columns[name]
    for file in holders[1:]:
        its = file.columns[name]
        may_be_key = its == found or (its.is_whole and found.is_whole)
        joined = wider(found, its, looks=True) if may_be_key or not is_key else None
        if joined is None:
            raise ColumnsClash(name, _claims(name, holders))
        found = joined
    if is_key and found.parts:
        raise ColumnsClash(name, (f"{found.sql} is no key",))
    return found


def _claims(name: str, holders: Sequence[File]) -> tuple[str, ...]:
    """Say which file has the column as what; each type once."""
    first: dict[str, File] = {}
    for file in holders:
        first.setdefault(file.columns[name].sql, file)
    return tuple(f"{kind} in {file.path}" for kind, file in first.items())


def _look(connection: DuckDBPyConnection, file: File, name: str, target: str) -> None:
    """Take each value there and back."""
    value, kind = quoted(name), file.columns[name].sql
    back = f"TRY_CAST(TRY_CAST({value} AS {target}) AS {kind})"
    query = f"SELECT count(*) FROM {file.sql} WHERE {back} IS DISTINCT FROM {value}"
    found = connection.execute(query).fetchone()
    if found and found[0]:
        raise ColumnsClash(name, (f"{found[0]} values of {file.path} do not fit {target}",))
