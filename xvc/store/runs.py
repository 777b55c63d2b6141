"""Rows of the ``runs`` table and the values they stand for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, cast

from xvc.core.human_units import moment_of
from xvc.core.record import CONTESTED, UNOPENED, facts_of, run_from
from xvc.core.run import DISCARDED, RunRecord
from xvc.errors import CorruptError, error
from xvc.journal.codec import from_json, to_json
from xvc.types import Json, Nanoseconds, RunId

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@error("contents-corrupt")
class ContentsCorrupt(CorruptError):
    """A row of a store is not as xvc writes it: another program has made or changed it."""

    path: str
    table: str
    reason: str
    says = "{path} has a row in {table} that is none of xvc's: {reason}"
    way = (
        "`xvc db head --table {table}` shows it; put that right or take the store from its version."
    )


_IN_PLACE = "in_place"
_TEXT = (
    *("id", "name", "status", "parent", "folder", "signal", "reason", "host", "owner"),
    *("environment", "log", "note", "idea", "fixes", "decision"),
)
_CODE = {"commit": "commit", "snapshot": "snapshot", "branch": "branch", "worktree": "worktree"}
_WORDS = ("command", "labels", "asked", "seeded", "unused")
_JSON = (
    *("data", "outs", "touched", "params", "metrics", "metric_times", "usage"),
    *_WORDS,
)
_TIMES = ("started", "finished")

COLUMNS = {
    **dict.fromkeys(_TEXT, "VARCHAR"),
    **dict.fromkeys(_CODE, "VARCHAR"),
    "dirty": "BOOLEAN",
    "left_out": "JSON",
    **dict.fromkeys(_JSON, "JSON"),
    **dict.fromkeys(_TIMES, "TIMESTAMPTZ"),
    "exit_code": "BIGINT",
}
LATER = ("idea", "fixes", "decision", "labels", "asked", "seeded", "unused")
"""Columns that a store of an older xvc has not; it gets them when a run is written into it."""

_AT_ONCE = 5_000

_MICROSECONDS = ", ".join(f"epoch_us({name}) AS {name}" for name in _TIMES)


def load(
    connection: DuckDBPyConnection,
    where: str = "",
    values: Sequence[object] = (),
    *,
    table: str = "runs",
) -> list[RunRecord]:
    """Read runs; *where* is what follows FROM, with its parameters bound.

    Raises:
        ContentsCorrupt: a row is not as xvc writes it.
    """
    chosen = f"SELECT * REPLACE ({_MICROSECONDS}) FROM {table} {where}"
    found = connection.execute(chosen, list(values))
    names = [part[0] for part in found.description or ()]
    nothing = dict.fromkeys(COLUMNS)
    try:
        read: list[RunRecord] = []
        while rows := found.fetchmany(_AT_ONCE):  # at once, texts of 200,000 runs took 0.3 GB
            read += [_value({**nothing, **dict(zip(names, row, strict=True))}) for row in rows]
        return read
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError) as err:
        raise ContentsCorrupt(_file_of(connection), table, str(err) or type(err).__name__) from err


def _file_of(connection: DuckDBPyConnection) -> str:
    question = "SELECT path FROM duckdb_databases() WHERE database_name = current_database()"
    found = connection.execute(question).fetchone()
    return str(found[0]) if found else ""


def _value(row: dict[str, object]) -> RunRecord:
    facts: dict[str, Json] = {
        name: cast("Json", row[name]) for name in _TEXT if row[name] is not None
    }
    if row["exit_code"] is not None:
        facts["exit_code"] = cast("int", row["exit_code"])
    for name in _JSON:
        if row[name] is not None:
            facts[name] = _shaped(name, from_json(cast("str", row[name])))
    code = {name: cast("Json", row[column]) for name, column in _CODE.items()}
    code["is_dirty"] = bool(row["dirty"])
    code |= _left_out(from_json(cast("str", row["left_out"] or "[]")))
    facts["code"] = code
    for name in _TIMES:
        if row[name] is not None:
            facts[name] = cast("int", row[name]) * 1000
    if not row["id"]:
        raise ValueError("it has no id")
    return run_from(facts, RunRecord(RunId(cast("str", row["id"]))))


def _shaped(name: str, value: Json) -> Json:
    if not isinstance(value, list if name in _WORDS else dict):
        raise ValueError(f"{name} is {str(value)[:40]}")
    if isinstance(value, list) and not all(isinstance(word, str) for word in value):
        raise ValueError(f"{name} has words that are no text: {str(value)[:40]}")
    return value


def _left_out(listed: Json) -> dict[str, Json]:
    """Take apart what a run lacks: a text is no code, an object says what it is."""
    each = listed if isinstance(listed, list) else []
    said = [part for part in each if isinstance(part, dict)]
    return {
        "left_out": [part for part in each if isinstance(part, str)],
        "incomplete": [part["code"] for part in said if "code" in part],
        "unheld": {
            str(part[kind]): part["is"]
            for part in said
            for kind in ("code", _IN_PLACE)
            if {kind, "is"} <= part.keys()
        },
        "unread": [part["unread"] for part in said if "unread" in part],
        "unopened": {
            str(part["unopened"]): part.get("says", {}) for part in said if "unopened" in part
        },
        "contested": {
            str(part[CONTESTED]): str(part["says"]) for part in said if CONTESTED in part
        },
    }


def discarded(connection: DuckDBPyConnection) -> set[RunId]:
    """List the runs that people have discarded."""
    if not lacking(connection, "runs"):
        where = "WHERE decision = ? OR starts_with(decision, ?)"
        its = connection.execute(f"SELECT id FROM runs {where}", [DISCARDED, f"{DISCARDED}:"])
        return {RunId(name) for (name,) in its.fetchall()}
    return set()


def lacking(connection: DuckDBPyConnection, table: str = "runs") -> list[str]:
    """List the columns that a store of an older xvc has not."""
    held = {name for name, *_ in connection.execute(f"DESCRIBE {table}").fetchall()}
    return [name for name in LATER if name not in held]


def branches(connection: DuckDBPyConnection, ids: Collection[RunId]) -> dict[RunId, str | None]:
    """Map runs to the branches that they were made on; None where it was none."""
    found = connection.execute(
        "SELECT id, branch FROM runs WHERE id IN (SELECT unnest(?::VARCHAR[]))", [list(ids)]
    ).fetchall()
    return {RunId(run): branch for run, branch in found}


def remove(connection: DuckDBPyConnection, ids: Iterable[RunId], *, table: str = "runs") -> None:
    """Take runs out of the table."""
    connection.execute(
        f"DELETE FROM {table} WHERE id IN (SELECT unnest(?::VARCHAR[]))", [list(ids)]
    )


def save(connection: DuckDBPyConnection, runs: Sequence[RunRecord], *, table: str = "runs") -> None:
    """Put runs in place of what the table holds of them, in bulk."""
    if not runs:
        return
    for name in lacking(connection, table):
        connection.execute(f"ALTER TABLE {table} ADD COLUMN {name} {COLUMNS[name]}")
    rows = to_json([cast("Json", _row(run)) for run in runs])
    remove(connection, [run.id for run in runs], table=table)
    connection.execute(
        f"INSERT INTO {table} BY NAME SELECT unnest(from_json(?, ?), max_depth := 2)",
        [rows, to_json([dict(COLUMNS)])],
    )


def _row(run: RunRecord) -> dict[str, Json]:
    facts = facts_of(run)
    code = run.code
    row: dict[str, Json] = {name: facts.get(name) for name in (*_TEXT, *_JSON)}
    row |= {column: cast("Json", getattr(code, name)) for name, column in _CODE.items()}
    lacking: list[Json] = [*code.left_out]
    lacking += [
        {"code": path, **({"is": code.unheld[path]} if path in code.unheld else {})}
        for path in code.incomplete
    ]
    in_place = [name for name in code.unheld if name not in code.incomplete]
    lacking += [{_IN_PLACE: name, "is": code.unheld[name]} for name in in_place]
    lacking += [{"unread": path} for path in code.unread]
    plain = cast("dict[str, dict[str, Json]]", facts.get("code", {})).get(UNOPENED, {})
    lacking += [{"unopened": path, "says": said} for path, said in plain.items()]
    lacking += [{CONTESTED: key, "says": says} for key, says in code.contested.items()]
    row |= {"dirty": code.is_dirty, "left_out": lacking, "exit_code": run.exit_code}
    return row | {name: _iso(getattr(run, name)) for name in _TIMES}


def _iso(at: Nanoseconds | None) -> str | None:
    if at is None:
        return None
    return moment_of(at).isoformat()
