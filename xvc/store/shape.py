"""The columns of a merged table: which column of each side is the same, and of which type it is.

Stores and Parquet files are united by these. A column that a side lacks is empty there.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from xvc.store.column_types import Kind, wider
from xvc.store.schema import quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


_Identity = TypeVar("_Identity", bound=Hashable)


@dataclass(frozen=True, slots=True)
class MergedColumn:
    """One column of the merged table; ``names`` is what each side calls it.

    ``alias`` is its name in SQL meanwhile, so that no name of a user's is read as something else.
    ``logged`` is the key behind it, None for a column that no log made; ``is_shared`` tells whether
    both sides had it, so that an empty cell says something.
    """

    name: str
    kind: Kind
    names: Mapping[str, str]
    alias: str
    logged: str | None = None
    is_shared: bool = True

    @property
    def shown(self) -> str:
        """What a person calls it."""
        return self.name if self.logged is None else self.logged

    @property
    def physical(self) -> str:
        """Its type in a store, where a column without a value is text."""
        return "VARCHAR" if self.kind.name == "NULL" else self.kind.sql

    def read(self, side: str, kind: str | None = None) -> str:
        """Write the expression of its value in a side's table, as *kind* or as a store has it."""
        value = quoted(self.names[side]) if side in self.names else "NULL"
        return f"CAST({value} AS {kind or self.physical})"


@dataclass(frozen=True, slots=True)
class SideColumn:
    """A column as one side has it: what follows FROM there, its name, its type."""

    rows: str
    name: str
    kind: Kind

    def misfits(self, connection: DuckDBPyConnection, target: Kind, *, most: int = 0) -> int:
        """Count the values that another type does not hold; looks only where the types do not tell.

        Args:
            connection: where to look.
            target: the other type.
            most: the largest whole number that a number of floating point may hold; 0 is any that
                comes back as it was.
        """
        if wider(self.kind, target) == target:
            return 0
        value = quoted(self.name)
        is_changed = (
            f"TRY_CAST(TRY_CAST({value} AS {target.sql}) AS {self.kind.sql}) "
            f"IS DISTINCT FROM {value}"
        )
        if most and self.kind.is_whole and target.is_float:
            is_changed = f"{value} NOT BETWEEN {-most} AND {most}"
        found = connection.execute(
            f"SELECT count(*) FROM {self.rows} WHERE {is_changed}"
        ).fetchone()
        return int(found[0]) if found else 0


def paired(
    sides: Mapping[str, Mapping[_Identity, SideColumn]],
) -> dict[_Identity, dict[str, SideColumn]]:
    """Find which columns of the sides are the same one, in the order in which the sides have them.

    Args:
        sides: the columns of each side by what each is: its logged key, or its name.

    >>> loss = SideColumn("ours.events", "loss", Kind("DOUBLE"))
    >>> list(paired({"ours": {"loss": loss}, "theirs": {"loss": loss}})["loss"])
    ['ours', 'theirs']
    """
    found: dict[_Identity, dict[str, SideColumn]] = {}
    for side, columns in sides.items():
        for identity, held in columns.items():
            found.setdefault(identity, {})[side] = held
    return found
