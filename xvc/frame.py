"""Frames: the only door to pandas, which is imported when a frame is asked for."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from xvc.errors import BadValue

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from pandas import DataFrame


def to_pandas(connection: DuckDBPyConnection, query: str, values: list[object]) -> DataFrame:
    """Run a query and return its rows as a frame.

    Raises:
        BadValue: pandas is not installed.
    """
    try:
        import pandas  # noqa: F401 - DuckDB needs it and says so less clearly
    except ImportError as err:
        raise BadValue("to_df", "pandas is not installed; add `xvc-experiments[frames]`") from err
    with warnings.catch_warnings():  # DuckDB calls what newer versions of pandas warn of
        warnings.simplefilter("ignore", DeprecationWarning)
        return connection.execute(query, values).df()
