"""Runs by what they hold under a key, and how a metric lies in each group; none is read one by one.

What makes two runs repeats is the rule of `xvc.store.experiment_keys`. Reads only; what it makes
is temporary.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xvc.core.run import Status
from xvc.store.experiment_keys import FIRST_OF_SEEDS, Counted, Rule, put_asked
from xvc.store.query import pointer
from xvc.store.run_values import put_values, read_value
from xvc.types import Json, RunId

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True, slots=True)
class Members:
    """A group: what its runs hold, and how many finished, failed or are still going on."""

    place: int
    value: Json
    finished: int
    failed: int
    running: int


@dataclass(frozen=True, slots=True)
class Figures:
    """How a metric lies in a group: its experiments, the number of each repeat, the best runs.

    ``odd`` are runs whose number no float holds: SQL says neither their number nor their order.
    ``runs`` are those of the only experiment; empty where there are several.
    """

    experiments: int
    numbers: Sequence[float]
    best: RunId | None
    odd: tuple[RunId, ...]
    odd_repeats: tuple[RunId, ...]
    runs: tuple[RunId, ...] = ()


def put_groups(
    connection: DuckDBPyConnection,
    key: str,
    among: Collection[RunId] | None,
    but: Collection[RunId],
    order: Sequence[RunId] | None,
) -> list[Members]:
    """Group runs by a key, in the order of the first of each: ``temp.grouped``.

    Args:
        connection: an open store.
        key: a metric, a param or a fact.
        among: these runs; None: all.
        but: and none of these.
        order: all runs in order; None: the newest first.
    """
    values = put_values(connection, key)
    where, bound = "runs.id NOT IN (SELECT unnest($but::VARCHAR[]))", {"but": sorted(but)}
    if among is not None:
        where += " AND runs.id IN (SELECT unnest($among::VARCHAR[]))"
        bound["among"] = sorted(among)
    turn = "row_number() OVER (ORDER BY started DESC NULLS LAST, runs.id)"
    turns = ""
    if order is not None:
        turn, bound["order"] = "turns.turn", list(order)
        turns = (
            "JOIN (SELECT unnest($order::VARCHAR[]) AS id, "
            "generate_subscripts($order::VARCHAR[], 1) AS turn) AS turns ON turns.id = runs.id"
        )
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE grouped AS SELECT runs.id AS id, status, valued.place, "
        f"{turn} AS turn FROM runs JOIN temp.valued ON valued.id = runs.id {turns} WHERE {where}",
        bound,
    )
    found = connection.execute(
        "SELECT place, count(*) FILTER (status = $done), count(*) FILTER (status = $running), "
        "count(*) FROM temp.grouped GROUP BY place ORDER BY min(turn)",
        {"done": Status.FINISHED.value, "running": Status.RUNNING.value},
    ).fetchall()
    return [
        Members(place, values[place], done, every - done - running, running)
        for place, done, running, every in found
    ]


def newest_value(connection: DuckDBPyConnection, metric: str, *, finished: bool) -> Json:
    """Return what the first run in order holds under a metric, of ``temp.grouped``; None of none.

    Args:
        connection: an open store.
        metric: the metric.
        finished: look at finished runs alone.
    """
    status = "AND grouped.status = 'finished'" if finished else ""
    found = connection.execute(
        "SELECT metrics -> $key FROM runs JOIN temp.grouped USING (id) "
        f"WHERE json_exists(metrics, $key) {status} ORDER BY turn LIMIT 1",
        {"key": pointer(metric)},
    ).fetchone()
    return None if found is None or found[0] is None else read_value(found[0])


def metric_keys(connection: DuckDBPyConnection, *, finished: bool) -> list[str]:
    """List the metrics that runs of ``temp.grouped`` have."""
    status = "WHERE grouped.status = 'finished'" if finished else ""
    found = connection.execute(
        "SELECT DISTINCT unnest(json_keys(metrics)) FROM runs JOIN temp.grouped USING (id) "
        + status
    ).fetchall()
    return sorted(key for (key,) in found if key is not None)


def figures(
    connection: DuckDBPyConnection,
    metric: str,
    *,
    highest: bool | None,
    rule: Rule,
    places: Sequence[int],
    judged: bool,
) -> dict[int, Figures] | None:
    """Say how a metric lies in these groups of ``temp.grouped``.

    *judged* asks for the runs of groups that are one experiment.
    None where only reading all runs tells experiments apart.
    """
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE chosen AS "
        "SELECT id FROM temp.grouped WHERE place IN (SELECT unnest(?::BIGINT[]))",
        [[*places]],
    )
    if not put_asked(connection, Counted(chosen=True, discarded=True), metric, rule):
        return None
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE asked AS SELECT asked.*, place "
        "FROM temp.asked JOIN temp.grouped USING (id)"
    )
    better = {True: "-number", False: "number", None: "NULL"}[highest]
    ranked = connection.execute(
        f"""
        SELECT place, arg_min(id, {{'number': {better}, 'at': began, 'id': id}})
                FILTER (number IS NOT NULL AND NOT is_gone),
            list(id) FILTER (is_odd AND NOT is_gone)
        FROM temp.asked GROUP BY place
        """
    ).fetchall()
    best = {place: (name, odd) for place, name, odd in ranked}
    told = connection.execute(
        f"""
        WITH repeats AS ({FIRST_OF_SEEDS})
        SELECT place, count(DISTINCT (code, own, rest, has_seed)),
            list(first.number) FILTER (first.number IS NOT NULL),
            list(first.id) FILTER (first.is_odd)
        FROM repeats GROUP BY place
        """
    ).fetchall()
    single = [place for place, several, *_ in told if several == 1 and judged]
    whole = connection.execute(
        "SELECT place, list(id) FROM temp.asked "
        "WHERE place IN (SELECT unnest(?::BIGINT[])) GROUP BY place",
        [single],
    )
    runs = {place: tuple(map(RunId, names)) for place, names in whole.fetchall()}
    return {
        place: Figures(
            experiments=several,
            numbers=numbers or (),
            best=None if best[place][0] is None else RunId(best[place][0]),
            odd=tuple(map(RunId, best[place][1] or ())),
            odd_repeats=tuple(map(RunId, odd or ())),
            runs=runs.get(place, ()),
        )
        for place, several, numbers, odd in told
    }
