"""SQL that a user wrote: kept from everything but the store, its mistakes told from our faults."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from xvc.errors import BadQuery
from xvc.store.columns import tables
from xvc.store.db import first_line

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_NEAR = re.compile("Did you mean|Candidate bindings")
_NAMES = re.compile(r'"([^"]+)"')
_THEIRS = ("pg_", "sqlite_", "duckdb_")  # DuckDB's own tables, which it also offers
_LOCKED = (
    "python_enable_replacements=false",
    "allow_community_extensions=false",
    "enable_external_access=false",
    "lock_configuration=true",
)


@contextmanager
def asking() -> Iterator[None]:
    """Tell a mistake in SQL that a user wrote from a fault of the store.

    Raises:
        BadQuery: it cannot be run.
    """
    import duckdb

    faults = (duckdb.IOException, duckdb.InternalException, duckdb.FatalException)
    try:
        yield
    except faults:
        raise
    except duckdb.Error as err:
        lines = str(err).splitlines()
        near = _NAMES.findall(lines[1]) if len(lines) > 1 and _NEAR.match(lines[1]) else []
        ours = tuple(name for name in near if not name.startswith(_THEIRS))
        raise BadQuery(first_line(str(err)), ours) from err


def lock_down(connection: DuckDBPyConnection) -> None:
    """Before SQL of a user's: no file, no extension, no variable of ours, and no way back."""
    for setting in _LOCKED:
        connection.execute(f"SET {setting}")


def named_default(connection: DuckDBPyConnection, question: str) -> str:
    """Read ``db.default`` and ``FROM "default"`` as ``events``, where no table is called so.

    Other trackers call the table so that nobody has named. Text and comments stay as they are.
    """
    if "default" in tables(connection) or "default" not in question.lower():
        return question
    import duckdb

    raw = question.encode()  # DuckDB counts bytes
    starts = [start for start, _ in duckdb.tokenize(question)]
    words = [raw[a:b].strip() for a, b in zip(starts, [*starts[1:], len(raw)], strict=True)]
    for place in range(len(words) - 1, 0, -1):
        before, word = [each.lower() for each in words[max(place - 2, 0) : place]], words[place]
        is_in_store = before == [b"db", b"."] and word.lower().strip(b'"') == b"default"
        is_alone = before[-1] in (b"from", b"join") and word.lower() == b'"default"'
        if is_in_store or is_alone:
            at = starts[place]
            raw = raw[:at] + b"events" + raw[at + len(words[place]) :]
    return raw.decode()
