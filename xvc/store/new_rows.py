"""New rows of journals as SQL reads them: each table's from the file, or those of many read once.

Reads the file of records only; what it makes in the store is temporary.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from xvc.journal.codec import CONTROL, decode_line, to_json
from xvc.store.columns import struct_of, types_of
from xvc.store.file_names import file_name
from xvc.store.schema import literal
from xvc.types import Json

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# The id that core.ids.row_id computes, in SQL: milliseconds, microseconds, sequence, writer.
_ROW_ID = """((((us // 1000)::UHUGEINT << 80) | ((28672 + us % 1000)::UHUGEINT << 64)
    | (9223372036854775808 + ((n::UBIGINT & 4194303) << 40))::UHUGEINT
    | ('0x' || w)::UBIGINT::UHUGEINT)::UUID)"""

WIDE = 300
"""So many keys of one table are read as columns, not as one struct."""

SEVERAL = 8
"""So many tables are read together: each for itself reads the whole file once more."""

_LINE = 1 << 24  # bytes of the longest line that DuckDB reads unless told otherwise


@dataclass(frozen=True, slots=True)
class NewRows:
    """The new rows of one table: the names that they may carry, and the file that holds them.

    Those that are ``staged`` stand with the rows of other tables in ``temp.staged``.
    """

    table: str
    names: Mapping[str, None]
    file: Path
    longest: int
    staged: bool = False

    @property
    def is_wide(self) -> bool:
        """Whether they have so many keys that each is read as a column."""
        return len(self.names) >= WIDE

    @property
    def places(self) -> list[str]:
        """Write what SQL reads a row's id, run and time from."""
        if self.staged:
            return ["row_id", "r", "moment"]
        return [_ROW_ID, "r", "make_timestamp(us)::TIMESTAMPTZ"]

    def source(self) -> str:
        """Write what SQL reads them from, with their values in ``d``."""
        if self.staged:
            return f"(SELECT * FROM temp.staged WHERE e = {literal(self.table)}) AS new_rows"
        if not self.is_wide:
            its = f" WHERE e = {literal(self.table)} AND k IS NULL"
            return f"({_read(self.file, self.names, self.longest)}{its}) AS new_rows"
        kinds = {literal(name): literal(kind) for name, kind in types_of(self.names).items()}
        columns = [f"{name}: {kind}" for name, kind in kinds.items()]
        return f"({_select(self._flattened(), columns, self.longest)}) AS d"

    def _flattened(self) -> Path:
        """Write the rows with their values beside the other fields.

        DuckDB reads a struct once for each of its fields: 4,000 keys took 0.8 GB and 13 s, as
        columns they take 0.15 GB and 1 s.
        """
        flat = flat_beside(self.file)
        with flat.open("wb") as out:
            for row in rows_in(self.file):
                if row.get("e") == self.table:
                    said = {name: row[name] for name in "vncwtr"}
                    values = cast("dict[str, Json]", row["d"])
                    out.write(to_json({**said, **values}).encode() + b"\n")
        return flat


def _read(file: Path, names: Mapping[str, None], longest: int) -> str:
    struct = struct_of(names)
    kinds = ["e: 'VARCHAR'", "k: 'VARCHAR'", *([f"d: {literal(struct)}"] if struct else [])]
    return _select(file, kinds, longest)


def _select(file: Path, kinds: Sequence[str], longest: int) -> str:
    every = ["n: 'BIGINT'", "t: 'DOUBLE'", "w: 'VARCHAR'", "r: 'VARCHAR'", *kinds]
    return (
        f"SELECT *, (t * 1e6)::BIGINT AS us FROM read_json({literal(file_name(file))}, "
        f"format='newline_delimited', maximum_object_size={max(_LINE, longest + 1)}, "
        f"columns={{{', '.join(every)}}})"
    )


def flat_beside(file: Path) -> Path:
    """Name the file in which the rows of a wide table have their values beside the rest."""
    return file.with_name(f"{file.name}.flat")


def rows_in(file: Path) -> Iterator[dict[str, Json]]:
    """Read the records of a file that are rows."""
    with file.open("rb") as lines:
        for line in lines:
            if not line.startswith(CONTROL):
                yield decode_line(line)


def together(rows: Iterable[NewRows]) -> Iterator[list[NewRows]]:
    """Put tables together whose rows can be read at once: they have few names, all of them.

    >>> of = lambda table, many: NewRows(table, dict.fromkeys(map(str, range(many))), Path(), 0)
    >>> [len(each) for each in together([of("a", 2), of("b", 2), of("c", 900), of("d", 2)])]
    [2, 1, 1]
    """
    some: list[NewRows] = []
    names: dict[str, None] = {}
    for each in rows:
        if some and len({**names, **each.names}) >= WIDE:
            yield some
            some, names = [], {}
        some.append(each)
        names.update(each.names)
    if some:
        yield some


def staged(connection: DuckDBPyConnection, some: Sequence[NewRows]) -> tuple[list[NewRows], int]:
    """Read the rows of these tables once, into ``temp.staged``; returns how many there are, too."""
    names = {name: None for each in some for name in each.names}
    said = _read(some[0].file, names, some[0].longest)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE staged AS SELECT * EXCLUDE (n, t, w, us, k), {_ROW_ID} AS "
        f"row_id, make_timestamp(us)::TIMESTAMPTZ AS moment FROM ({said}) "
        "WHERE k IS NULL AND e IN (SELECT unnest(?::VARCHAR[]))",
        [[each.table for each in some]],
    )
    added = connection.fetchone()
    return [replace(each, staged=True) for each in some], int(added[0]) if added else 0
