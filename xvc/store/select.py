"""Questions in SQL to a store that others write to: one SELECT at a time, nothing else.

The answer is put into a private file before the store is let go, so that it keeps DuckDB's types
and may be larger than memory. SQL reaches no other file.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from xvc.errors import BadQuery, WriteRefused
from xvc.store import db
from xvc.store.extract import exact_columns, plain_columns
from xvc.store.file_names import file_name
from xvc.store.frames import Decoder, Question, to_arrow, to_pandas, to_polars
from xvc.store.keeper import Keeper
from xvc.store.schema import STORAGE, literal
from xvc.store.user_sql import asking, named_default

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from pandas import DataFrame
    from polars import DataFrame as PolarsFrame
    from pyarrow import Table  # type: ignore[import-untyped]

Parameters = Sequence[object] | Mapping[str, object]
_READING = ("SELECT", "MULTI")  # a PIVOT is several statements, of which the last one asks


class Connection:
    """What ``tracker.conn`` is: asks the store, journals included, and never holds it open."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper

    def execute(self, sql: str, parameters: Parameters | None = None) -> QueryResult:
        """Answer one SELECT (or DESCRIBE, SHOW, SUMMARIZE, PIVOT) with everything logged so far.

        A table can be named alone (``events``) or in the store (``db.events``). Where no table is
        called ``default``, ``db.default`` is ``events``.

        Raises:
            WriteRefused: it is a statement of another kind.
            BadQuery: it cannot be answered; DuckDB says why.
        """
        folder = Path(tempfile.mkdtemp(prefix="xvc-answer-"))
        try:
            with self._keeper.view(into=folder) as connection:
                question = named_default(connection, _question(connection, sql))
                _answer_into(connection, folder / "answer.duckdb", question, parameters)
            return QueryResult(db.opened(folder / "answer.duckdb"))
        finally:
            shutil.rmtree(folder, ignore_errors=True)  # an open file lives on without its name

    def cursor(self) -> Cursor:
        """Return what ``pandas.read_sql_query(sql, tracker.conn)`` asks with."""
        return Cursor(self)

    def __repr__(self) -> str:
        return f"<read-only connection to {self._keeper.path}>"


class Cursor:
    """Asks one question after another, as Python's database interface has it (PEP 249)."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._answer: QueryResult | None = None

    def execute(self, sql: str, parameters: Parameters | None = None) -> Cursor:
        """Ask a question; raises what `Connection.execute` does."""
        self._answer = self._connection.execute(sql, parameters)
        return self

    @property
    def description(self) -> list[tuple[object, ...]] | None:
        """The columns of the answer; None before a question."""
        return None if self._answer is None else self._answer.description

    def fetchall(self) -> list[tuple[object, ...]]:
        """Return the rows that were not fetched yet."""
        return [] if self._answer is None else self._answer.fetchall()

    def fetchmany(self, size: int = 1) -> list[tuple[object, ...]]:
        """Return the next few rows."""
        return [] if self._answer is None else self._answer.fetchmany(size)

    def close(self) -> None:
        """Let go of the answer."""
        self._answer = None


class QueryResult:
    """The rows that a query found; the store is closed already."""

    def __init__(self, connection: DuckDBPyConnection) -> None:
        self._connection = connection
        shape = connection.cursor().execute("SELECT * FROM answer LIMIT 0").description or ()
        self.description: list[tuple[object, ...]] = [tuple(part) for part in shape]
        self._types = {str(part[0]): str(part[1]) for part in shape}
        self._rows: DuckDBPyConnection | None = None

    @property
    def columns(self) -> list[str]:
        """The names of the columns, in order."""
        return list(self._types)

    def _following(self) -> DuckDBPyConnection:
        if self._rows is None:
            self._rows = self._connection.cursor().execute("FROM answer")
        return self._rows

    def fetchall(self) -> list[tuple[object, ...]]:
        """Return the rows that were not fetched yet, values as DuckDB gives them."""
        return cast("list[tuple[object, ...]]", self._following().fetchall())

    def fetchmany(self, size: int = 1) -> list[tuple[object, ...]]:
        """Return the next few rows."""
        return cast("list[tuple[object, ...]]", self._following().fetchmany(size))

    def fetchone(self) -> tuple[object, ...] | None:
        """Return the next row; None after the last."""
        return cast("tuple[object, ...] | None", self._following().fetchone())

    def __iter__(self) -> Iterator[tuple[object, ...]]:
        while (row := self.fetchone()) is not None:
            yield row

    def df(self) -> DataFrame:
        """Return all rows as a pandas frame; nested and mixed values are Python's."""
        columns, decoders = exact_columns(self._types)
        return to_pandas(self._connection.cursor(), self._question(columns, decoders))

    def pl(self) -> PolarsFrame:
        """Return all rows as a polars frame; nested and mixed values are JSON text."""
        return to_polars(self._connection.cursor(), self._question(plain_columns(self._types)))

    def arrow(self) -> Table:
        """Return all rows as an Arrow table; nested and mixed values are JSON text."""
        return to_arrow(self._connection.cursor(), self._question(plain_columns(self._types)))

    def _question(self, picked: str, decoders: Mapping[int, Decoder] | None = None) -> Question:
        return Question(f"SELECT {picked} FROM answer", (), self.columns, decoders or {})


def _question(connection: DuckDBPyConnection, sql: str) -> str:
    with asking():
        found = connection.extract_statements(sql)
    for statement in found:
        if statement.type.name not in _READING:
            raise WriteRefused(statement.type.name)
    if len(found) != 1:
        raise BadQuery("it has to be one statement")
    return str(found[0].query).strip().rstrip(";")


def _answer_into(
    connection: DuckDBPyConnection, file: Path, question: str, parameters: Parameters | None
) -> None:
    connection.execute(
        f"ATTACH {literal(file_name(file))} AS private (STORAGE_VERSION '{STORAGE}')"
    )
    with asking():
        made = f"CREATE TABLE private.answer AS FROM (\n{question}\n)"
        connection.execute(made, parameters if parameters is not None else [])
    connection.execute("DETACH private")
