"""Reading one event table: frames, single columns, counts, SQL, files. For Tracker and Reader."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self, overload

from xvc.tracking.options import SKIP_INSERT, StrPath
from xvc.types import RunId

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from pandas import DataFrame, Series
    from polars import DataFrame as PolarsFrame
    from pyarrow import Table  # type: ignore[import-untyped]

    from xvc.project import Project
    from xvc.store.extract import RowSlice
    from xvc.store.frames import Backend
    from xvc.store.keeper import Keeper
    from xvc.store.select import Connection

_SHOWN = 10  # rows of a table that is printed


class Rows:
    """The rows of one event table of one store."""

    table: str
    track_id: RunId
    _store: Path
    _root: Path

    @property
    def _own(self) -> RunId | None:
        """The run whose rows are meant when none is named; None are those of all runs."""
        return self.track_id

    def _project(self) -> Project:
        from xvc.errors import NotKept
        from xvc.project import Project  # late: reading is not what logging should pay for

        if str(self._store) == SKIP_INSERT:
            raise NotKept
        near = Project.find(self._root, os.environ)
        return Project.of_store(self._store, os.environ, near)

    @property
    def _keeper(self) -> Keeper:
        return self._project().keeper

    @contextmanager
    def _view(self, *, into: Path | None = None) -> Iterator[DuckDBPyConnection]:
        """Open everything logged so far, for reading."""
        if str(self._store) == SKIP_INSERT:
            from xvc.store.db import without_rows

            with without_rows(into=into) as connection:
                yield connection
            return
        with self._keeper.view(into=into) as connection:
            self._check(connection)
            yield connection

    def _check(self, connection: DuckDBPyConnection) -> None:
        """Refuse a table that should be there; a tracker's own comes with its first row."""

    def _part(
        self,
        track_id: str | None,
        head: int | None,
        tail: int | None,
        *,
        every: bool = False,
    ) -> RowSlice:
        from xvc.store.extract import RowSlice

        run = RunId(track_id) if track_id is not None else None if every else self._own
        return RowSlice(run, head, tail)

    @property
    def conn(self) -> Connection:
        """Ask in SQL: ``tracker.conn.execute("SELECT * FROM events WHERE loss < ?", [0.5])``.

        Each question sees everything logged so far and lets the store go before it is answered.
        """
        from xvc.store.select import Connection

        return Connection(self._keeper)

    @overload
    def to_df(
        self,
        *,
        all: bool = ...,
        backend: Literal["pandas"] = ...,
        head: int | None = ...,
        tail: int | None = ...,
        track_id: str | None = ...,
    ) -> DataFrame: ...

    @overload
    def to_df(
        self,
        *,
        all: bool = ...,
        backend: Literal["polars"],
        head: int | None = ...,
        tail: int | None = ...,
        track_id: str | None = ...,
    ) -> PolarsFrame: ...

    @overload
    def to_df(
        self,
        *,
        all: bool = ...,
        backend: Literal["arrow"],
        head: int | None = ...,
        tail: int | None = ...,
        track_id: str | None = ...,
    ) -> Table: ...

    def to_df(
        self,
        *,
        all: bool = False,  # noqa: A002 - the word users know
        backend: Backend = "pandas",
        head: int | None = None,
        tail: int | None = None,
        track_id: str | None = None,
    ) -> DataFrame | PolarsFrame | Table:
        """Return rows as a frame, oldest first, one column for each key.

        In pandas, nested values and those of mixed columns are the Python values that were
        logged; in polars and Arrow they are JSON text, as are integers beyond 64 bits. Times have
        a zone, UTC.

        Args:
            all: the rows of all runs; else this run's. A Reader means all runs anyway.
            backend: "pandas", "polars" or "arrow"; the last two need ``xvc-experiments[frames]``.
            head: only the first so many rows.
            tail: only the last so many rows.
            track_id: only the rows of the run with this id.

        Raises:
            BadValue: there is no such backend; head and tail together, or below 0.
            NoPackage: the backend is not installed.
            NoTable: a Reader's table is not there.
        """
        from xvc.store.extract import as_plain_columns, as_values
        from xvc.store.frames import check_backend, to_arrow, to_pandas, to_polars

        check_backend(backend)
        part = self._part(track_id, head, tail, every=all)
        with self._view() as connection:
            if backend == "pandas":
                return to_pandas(connection, as_values(connection, self.table, part))
            question = as_plain_columns(connection, self.table, part)
            return (to_polars if backend == "polars" else to_arrow)(connection, question)

    def head(self, n: int = 5) -> DataFrame:
        """Return the first rows as a pandas frame."""
        return self.to_df(head=n)

    def tail(self, n: int = 5) -> DataFrame:
        """Return the last rows as a pandas frame."""
        return self.to_df(tail=n)

    @property
    def columns(self) -> list[str]:
        """The columns of `to_df`, in order: ``track_id``, ``timestamp``, then the keys."""
        return list(self.dtypes)

    @property
    def dtypes(self) -> dict[str, str]:
        """The columns with the DuckDB type of each: VARIANT is mixed, NULL was never but None."""
        from xvc.store.extract import kinds

        with self._view() as connection:
            return kinds(connection, self.table)

    def to_csv(self, path: StrPath, *, all: bool = False) -> None:  # noqa: A002
        """Write the rows into a CSV file, replacing it at once and whole, as pandas replaces it.

        Columns are called as in the store, where no two names differ by case alone (``Loss_2``).
        Nested and mixed values are JSON text.

        Raises:
            StoreFailed: the file cannot be written.
        """
        self._write(Path(path), "csv", every=all)

    def to_parquet(self, path: StrPath, *, all: bool = False) -> None:  # noqa: A002
        """Write the rows into a Parquet file; else as `to_csv`."""
        self._write(Path(path), "parquet", every=all)

    def _write(self, path: Path, kind: str, *, every: bool) -> None:
        from xvc.store.extract import write_file

        path = path.absolute()
        with self._view(into=path.parent) as connection:
            part = self._part(None, None, None, every=every)
            write_file(connection, self.table, part, path, kind)

    def __bool__(self) -> bool:
        """True: a tracker without rows is a tracker."""
        return True

    def __len__(self) -> int:
        """How many rows there are in the table: of this run, or of all for a Reader."""
        from xvc.store.query import rows_of

        with self._view() as connection:
            return rows_of(connection, self.table, self._own)

    def count_run(self) -> int:
        """How many rows these are, as ``len`` says."""
        return len(self)

    def count_all(self) -> int:
        """How many rows the table has, of all runs."""
        from xvc.store.query import rows_of

        with self._view() as connection:
            return rows_of(connection, self.table, None)

    @property
    def db(self) -> str:
        """The path of the store."""
        return str(self._store)

    @property
    def table_name(self) -> str:
        """The table that rows go to; ``table`` is its other name."""
        return self.table

    @property
    def engine(self) -> Self:
        """This object itself: it has the connection, the columns and the table's name."""
        return self

    def __iter__(self) -> Iterator[str]:
        """The keys, as `columns` lists them."""
        return iter(self.columns)

    def __contains__(self, key: object) -> bool:
        """Whether any of these rows has a value for a key."""
        from xvc.errors import NoColumn

        try:
            return any(value is not None for value in self.values(str(key)))
        except NoColumn:
            return False

    def __getitem__(self, key: str) -> Series:
        """The column of one key as a pandas series, oldest row first, as `to_df` has it.

        Raises:
            NoColumn: no row has the key; it is a `KeyError`, too, and names the nearest.
        """
        from xvc.store.extract import one_column
        from xvc.store.frames import to_pandas

        with self._view() as connection:
            question = one_column(connection, self.table, self._own, key)
            column: Series = to_pandas(connection, question)[key]
            return column

    def values(self, key: str) -> list[object]:
        """The values of one key, as they were logged, oldest first; None where a row lacks it.

        Raises:
            NoColumn: no row has the key; it is a `KeyError`, too, and names the nearest.

        >>> import os, tempfile
        >>> from xvc import Tracker
        >>> with Tracker(os.path.join(tempfile.mkdtemp(), "t.duckdb")) as tracker:
        ...     for row in ({"loss": 0.5}, {"epoch": 1}):
        ...         _ = tracker.log(row)
        ...     tracker.values("loss")
        [0.5, None]
        """
        from xvc.store.query import values_of

        with self._view() as connection:
            return values_of(connection, self.table, self._own, key)

    def __str__(self) -> str:
        """The last rows as a table of text, below a line that says of what."""
        from xvc.tracking.showing import as_text

        return as_text(repr(self), len(self), *self._last())

    def _repr_html_(self) -> str:
        """The same for a notebook."""
        from xvc.tracking.showing import as_html

        return as_html(repr(self), len(self), *self._last())

    def _last(self) -> tuple[list[str], list[list[object]]]:
        from xvc.store.extract import as_values, rows_as_logged

        with self._view() as connection:
            question = as_values(connection, self.table, self._part(None, None, _SHOWN))
            return list(question.names), rows_as_logged(connection, question)
