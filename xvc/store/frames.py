"""Frames: the only door to pandas, polars and pyarrow, each imported when it is asked for."""

from __future__ import annotations

import warnings
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Literal, cast

from xvc.errors import BadValue, NoPackage

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from pandas import DataFrame
    from polars import DataFrame as PolarsFrame
    from pyarrow import Table  # type: ignore[import-untyped]

Backend = Literal["pandas", "polars", "arrow"]
Decoder = Callable[[object], object]
BACKENDS = ("pandas", "polars", "arrow")
_INFINITE = {"inf", "-inf"}
_EXACT, _LONG = 2**53, 2**63
"""The whole numbers that a float, and an int64, hold exactly."""


@dataclass(frozen=True, slots=True)
class Question:
    """A query, the names its columns are to have, and how to read what pandas has no type for."""

    query: str
    values: Sequence[object]
    names: Sequence[str]
    decoders: Mapping[int, Decoder] = field(default_factory=dict)


def check_backend(backend: str) -> None:
    """Refuse a name that is no backend.

    Raises:
        BadValue: it is none.
    """
    if backend not in BACKENDS:
        raise BadValue("backend", f"{backend!r} is none of {', '.join(BACKENDS)}")


def to_pandas(connection: DuckDBPyConnection, question: Question) -> DataFrame:
    """Return the answer as a pandas frame; what has no pandas type is there as Python values.

    Raises:
        NoPackage: pandas is not installed.
    """
    pandas = _needed("pandas")
    with warnings.catch_warnings():  # DuckDB calls what newer versions of pandas warn of
        warnings.simplefilter("ignore", DeprecationWarning)
        frame = connection.execute(question.query, list(question.values)).df()
    for place, decode in question.decoders.items():
        column = frame.iloc[:, place]
        gaps = column.isna() if column.dtype != object else map(_is_missing, column)
        read = [
            None if is_gap else decode(value) for value, is_gap in zip(column, gaps, strict=True)
        ]
        frame.isetitem(place, pandas.Series(read, dtype=object))
    frame.columns = list(question.names)
    return frame


def _is_missing(value: object) -> bool:
    """Whether DuckDB had no value here: among Python values NaN is one."""
    return value is None or type(value).__name__ == "NAType"


def to_polars(connection: DuckDBPyConnection, question: Question) -> PolarsFrame:
    """Return the answer as a polars frame.

    Raises:
        NoPackage: polars or pyarrow is not installed.
    """
    polars = _needed("polars")
    return cast("PolarsFrame", polars.from_arrow(to_arrow(connection, question)))


def to_arrow(connection: DuckDBPyConnection, question: Question) -> Table:
    """Return the answer as an Arrow table, over DuckDB's own memory.

    Raises:
        NoPackage: pyarrow is not installed.
    """
    _needed("pyarrow")
    answer = connection.sql(question.query, params=list(question.values)).to_arrow_table()
    return answer.rename_columns(list(question.names))


def arrow_note(
    written: Path, names: Sequence[str], like: Mapping[str, Path], notes: Mapping[str, bytes]
) -> bytes | None:
    """Write what Arrow notes in a Parquet file of its columns; None without pyarrow.

    Args:
        written: a file with columns of the same types, in the same order.
        names: what the columns are called.
        like: the file in which Arrow has noted the column, where there is one.
        notes: what else is noted there; Arrow reads it here, and not beside.
    """
    try:
        parquet = import_module("pyarrow.parquet")
        pyarrow = import_module("pyarrow")
    except ImportError:
        return None
    noted = {path: parquet.read_schema(path) for path in set(like.values())}
    plain = parquet.read_schema(written)
    fields = [
        noted[like[name]].field(name).with_nullable(True)
        if name in like
        else plain.field(place).with_name(name)
        for place, name in enumerate(names)
    ]
    schema = pyarrow.schema(fields, metadata=dict(notes))
    return b64encode(schema.serialize().to_pybytes())


def _needed(name: str) -> ModuleType:
    try:
        return import_module(name)
    except ImportError as err:
        raise NoPackage(name, "frames") from err


def rows_of_frame(frame: object) -> list[dict[str, object]] | None:
    """Take a pandas frame apart into rows; None when it is no frame."""
    if type(frame).__module__.partition(".")[0] != "pandas":
        return None
    rows = cast("DataFrame", frame).to_dict(orient="records")
    return [{str(key): value for key, value in row.items()} for row in rows]


def from_rows(rows: Iterable[Mapping[str, object]]) -> DataFrame:
    """Make a frame of rows read from JSON; ``timestamp`` as times, whole numbers whole.

    A column of numbers in which ``inf`` or ``-inf`` is text has infinities there.

    Raises:
        NoPackage: pandas is not installed.
    """
    pandas = _needed("pandas")
    listed = list(rows)
    names = dict.fromkeys(name for row in listed for name in row)
    columns = {name: [row.get(name) for row in listed] for name in names}
    made = {name: pandas.Series(values, **_kind(values)) for name, values in columns.items()}
    if "timestamp" in made:
        made["timestamp"] = pandas.to_datetime(made["timestamp"], utc=True, format="ISO8601")
    return cast("DataFrame", pandas.DataFrame(made))


def from_grid(
    names: Sequence[str], rows: Sequence[Sequence[object]], times: Sequence[str] = ()
) -> DataFrame:
    """Make a frame of rows of values; the columns of *times* hold ISO 8601.

    Raises:
        NoPackage: pandas is not installed.
    """
    pandas = _needed("pandas")
    frame = pandas.DataFrame(index=range(len(rows)))
    for place, name in enumerate(names):
        values = [row[place] for row in rows]
        if name in times:
            made = pandas.Series(pandas.to_datetime(values, utc=True, format="ISO8601"))
        else:
            made = pandas.Series(values, **(_kind(values) if values else {"dtype": "object"}))
        frame.insert(place, name, made, allow_duplicates=True)
    return cast("DataFrame", frame)


def _kind(values: list[object]) -> dict[str, str]:
    kinds = {type(value) for value in values} - {type(None)}
    if any(isinstance(value, int) and not _fits(value, kinds) for value in values):
        return {"dtype": "object"}
    has_gaps = any(value is None for value in values)
    if kinds == {int}:
        return {"dtype": "Int64" if has_gaps else "int64"}
    if kinds == {bool}:
        return {"dtype": "boolean" if has_gaps else "bool"}
    texts = {value for value in values if isinstance(value, str)}
    if kinds & {int, float} and kinds <= {int, float, str} and texts <= _INFINITE:
        return {"dtype": "float64"}
    return {} if kinds == {str} else {"dtype": "object"}


def _fits(value: int, kinds: set[type]) -> bool:
    """Whether a column of such kinds holds a whole number exactly."""
    return abs(value) <= _EXACT if float in kinds else -_LONG <= value < _LONG
