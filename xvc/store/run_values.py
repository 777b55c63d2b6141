"""What single keys of runs hold, for all runs at once, without reading the runs. Reads only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, cast

from xvc.core.human_units import instant
from xvc.core.json_values import from_plain
from xvc.core.objective import in_order
from xvc.core.run import series_in
from xvc.journal.codec import from_cell, from_json
from xvc.store.query import pointer
from xvc.store.runs import lacking
from xvc.types import Json, Nanoseconds, RunId

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_AT_ONCE = 10_000
_MOST_KNOWN = 100_000  # answers that are remembered
_SIDES = ("metrics", "params")


def _command(text: object) -> Json:
    words = from_json(cast("str", text)) if text else []
    return " ".join(map(str, words)) if isinstance(words, list) else ""


def _labels(text: object) -> Json:
    words = from_json(cast("str", text)) if text else []
    return (", ".join(map(str, words)) or None) if isinstance(words, list) else None


def _series(name: object) -> Json:
    return series_in(cast("str | None", name))


def _same(value: object) -> Json:
    return cast("Json", value)


def _seconds(microseconds: object) -> Json:
    return None if microseconds is None else max(0.0, cast("int", microseconds) * 1000 / 1e9)


def _moment(microseconds: object) -> Json:
    at = None if microseconds is None else Nanoseconds(cast("int", microseconds) * 1000)
    return instant(at)


FACTS: Mapping[str, tuple[str, Callable[[object], Json]]] = {
    **{
        name: (f'"{name}"', _same)
        for name in (
            *("id", "name", "status", "branch", "worktree", "commit", "note", "host"),
            *("idea", "parent", "fixes", "decision"),
        )
    },
    "dirty": ("coalesce(dirty, false)", _same),
    "exit_code": ("exit_code", _same),
    "started": ("epoch_us(started)", _moment),
    "seconds": ("epoch_us(finished) - epoch_us(started)", _seconds),
    "command": ("command", _command),
    "labels": ("labels", _labels),
    "series": ('"name"', _series),
}
"""The facts of a run that can be asked for: the SQL of each, and how its value is read."""


def has_key(connection: DuckDBPyConnection, key: str) -> bool:
    """Whether any run has a metric or a param of this name, or with ``metrics.`` before it."""
    places = _places(key)
    where = " OR ".join(f"json_exists({side}, ?)" for side, _ in places)
    question = f"SELECT 1 FROM runs WHERE {where} LIMIT 1"
    return (
        connection.execute(question, [pointer(name) for _, name in places]).fetchone() is not None
    )


def fitting(
    connection: DuckDBPyConnection,
    keys: Sequence[str],
    fits: Callable[[Callable[[str], Json]], bool],
    others: Mapping[str, Mapping[RunId, Json]],
) -> set[RunId]:
    """List the runs that fit, by what they hold under *keys*.

    Args:
        connection: an open store.
        keys: metrics, params and facts that are asked for; ``metrics.x`` and ``params.x`` as well.
        fits: given what looks a key up, and raises KeyError where a run has none.
        others: what is known of runs beside the store, by key.
    """
    absent = lacking(connection)
    picked, values, readers = ["id"], list[object](), list[Callable[[object], Json]]()
    held: list[tuple[str, int]] = []
    for key in keys:
        places = _places(key)
        said = ", ".join(f"{side} -> ?" for side, _ in places)
        picked.append(f"coalesce({said})")
        values += [pointer(name) for _, name in places]
        held.append((key, len(picked) - 1))
        readers.append(read_value)
        if key in FACTS:
            column, reader = FACTS[key]
            picked.append("NULL" if key in absent else column)
            readers.append(reader)
    asked = connection.execute(f"SELECT {', '.join(picked)} FROM runs", values)
    found: set[RunId] = set()
    known: dict[tuple[object, ...], bool] = {}
    while rows := asked.fetchmany(_AT_ONCE):
        for name, *cells in rows:
            own = {key: its[name] for key, its in others.items() if key in keys and name in its}
            seen = (*cells, *own.values())
            if seen not in known:
                if len(known) >= _MOST_KNOWN:
                    known.clear()
                known[seen] = fits(_Row(held, cells, readers, own).value)
            if known[seen]:
                found.add(RunId(name))
    return found


def ordered(
    connection: DuckDBPyConnection, key: str, own: Mapping[RunId, Json], *, descending: bool
) -> list[RunId]:
    """List the ids of all runs by what they hold under a key, as `in_order` does.

    Args:
        connection: an open store.
        key: a metric, param or fact; ``metrics.x`` and ``params.x`` as well.
        own: what is known of runs under this key beside the store.
        descending: the largest first.
    """
    places = _places(key)
    column, reader = FACTS.get(key, ("NULL", _same))
    fact = "NULL" if key in lacking(connection) else column
    said = ", ".join(f"{side} -> ?" for side, _ in places)
    found = connection.execute(
        f"SELECT id, coalesce({said}), {fact} FROM runs ORDER BY started NULLS FIRST, id",
        [pointer(name) for _, name in places],
    )
    values: dict[RunId, Json] = {}
    while rows := found.fetchmany(_AT_ONCE):
        for name, held, told in rows:
            known = own.get(RunId(name))
            values[RunId(name)] = (
                known if known is not None else reader(told) if held is None else read_value(held)
            )
    return in_order(values, descending=descending)


def put_values(connection: DuckDBPyConnection, key: str) -> dict[int, Json]:
    """Number what runs hold under a key, metrics, params and facts alike: ``temp.valued``.

    Returns:
        Each value by its number; a run that holds nothing is as one that holds None.
    """
    places = _places(key)
    column, reader = FACTS.get(key, ("NULL", _same))
    fact = "NULL" if key in lacking(connection) else column
    said = ", ".join(f"{side} -> ?" for side, _ in places)
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE valued AS SELECT id, dense_rank() OVER (ORDER BY held, told) "
        f"AS place, held, told FROM (SELECT id, coalesce({said})::VARCHAR AS held, "
        f"CASE WHEN held IS NULL THEN {fact} END AS told FROM runs)",
        [pointer(name) for _, name in places],
    )
    values: dict[int, Json] = {}
    first: dict[str, int] = {}
    same: dict[int, int] = {}
    asked = connection.execute("SELECT DISTINCT place, held, told FROM temp.valued")
    while rows := asked.fetchmany(_AT_ONCE):
        for place, held, told in rows:
            value = reader(told) if held is None else read_value(held)
            number = first.setdefault(repr(value), place)
            values.setdefault(number, value)
            if number != place:
                same[place] = number
    if same:
        connection.execute(
            "CREATE OR REPLACE TEMP TABLE valued AS SELECT valued.* REPLACE "
            "(coalesce(same.number, place) AS place) FROM temp.valued LEFT JOIN "
            "(SELECT unnest(?::BIGINT[]) AS place, unnest(?::BIGINT[]) AS number) AS same "
            "USING (place)",
            [[*same], [*same.values()]],
        )
    return values


class _Row:
    """The cells of one run."""

    __slots__ = ("_cells", "_held", "_own", "_readers")

    def __init__(
        self,
        held: Sequence[tuple[str, int]],
        cells: Sequence[object],
        readers: Sequence[Callable[[object], Json]],
        own: Mapping[str, Json],
    ) -> None:
        self._held, self._cells, self._readers, self._own = dict(held), cells, readers, own

    def value(self, key: str) -> Json:
        """Return what the run has under a key.

        Raises:
            KeyError: nothing.
        """
        if key in self._own:
            return self._own[key]
        place = self._held[key] - 1
        if self._cells[place] is not None:
            return self._readers[place](self._cells[place])
        if key not in FACTS:
            raise KeyError(key)
        return self._readers[place + 1](self._cells[place + 1])


def read_value(text: object) -> Json:
    """Read a cell of what runs hold under a key."""
    return cast("Json", from_plain(from_cell(cast("str", text))))


def _places(key: str) -> list[tuple[str, str]]:
    """List where a key is looked for, the first that has it counts."""
    named = [(side, key.removeprefix(f"{side}.")) for side in _SIDES if key.startswith(f"{side}.")]
    return named + [(side, key) for side in _SIDES]
