"""Which experiments lead by a metric, found by SQL among more runs than are read one by one.

What comes back are whole experiments: who reads the runs puts them together by the rule of
`xvc.runs.repeats` itself. Reads only; what it makes is temporary.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xvc.core.run import RunRecord
from xvc.store import runs
from xvc.store.experiment_keys import FIRST_OF_SEEDS, Counted, Rule, put_asked
from xvc.types import RunId

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked: which runs count, by which metric, and how many experiments are wanted."""

    metric: str
    highest: bool
    most: int
    among: Collection[RunId] | None = None


@dataclass(frozen=True, slots=True)
class LeadingRuns:
    """All runs of the experiments that lead; how many experiments have the metric at all.

    ``noise`` is the deviation between repeats over all of them, None without repeats.
    """

    runs: list[RunRecord]
    total: int
    noise: float | None


def leading(connection: DuckDBPyConnection, wanted: Wanted, rule: Rule) -> LeadingRuns | None:
    """Find the experiments of finished runs, discarded ones aside, that lead by their means.

    None where only reading all runs tells experiments apart: a param of one run is what another
    never opened the file of.
    """
    if not put_asked(connection, Counted(wanted.among), wanted.metric, rule):
        return None
    connection.execute(_EXPERIMENTS)
    told = connection.execute(
        "SELECT count(*), sum(spread * (held - 1)) FILTER (isfinite(spread)), "
        "sum(held - 1) FILTER (isfinite(spread)) FROM temp.experiments WHERE held > 0 OR is_odd"
    ).fetchone() or (0, None, None)
    total, squares, freedom = told
    order = "DESC" if wanted.highest else "ASC"
    chosen = connection.execute(
        f"""
        WITH first AS (
            (SELECT code, own, rest, has_seed FROM temp.experiments WHERE held > 0 AND NOT is_odd
                ORDER BY mean {order}, began LIMIT {int(wanted.most)})
            UNION ALL SELECT code, own, rest, has_seed FROM temp.experiments WHERE is_odd
        )
        SELECT id FROM temp.asked JOIN first USING (code, own, rest, has_seed)
        """
    ).fetchall()
    found = runs.load(
        connection,
        "WHERE id IN (SELECT unnest(?::VARCHAR[])) ORDER BY started DESC NULLS LAST, id",
        [[name for (name,) in chosen]],
    )
    return LeadingRuns(found, int(total), math.sqrt(squares / freedom) if freedom else None)


_EXPERIMENTS = f"""
    CREATE OR REPLACE TEMP TABLE experiments AS
    WITH repeats AS ({FIRST_OF_SEEDS})
    SELECT code, own, rest, has_seed, min(began) AS began, count(first.number) AS held,
        avg(first.number) AS mean, CASE WHEN count(first.number) > 1 AND isfinite(mean)
            THEN var_samp(CASE WHEN isfinite(first.number) THEN first.number END) END AS spread,
        bool_or(first.is_odd) AS is_odd
    FROM repeats GROUP BY ALL
"""
