"""Which experiments lead by a metric, found by SQL among more runs than are read one by one.

It follows the rule of `xvc.runs.repeats`, so that what comes back are whole experiments: who reads
the runs puts them together by that rule itself. Reads only; what it makes is temporary.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xvc.core.json_values import to_plain
from xvc.core.record import run_from
from xvc.core.run import RunRecord
from xvc.core.seed_names import is_seed
from xvc.journal.codec import to_json
from xvc.store import runs
from xvc.store.query import EXACT, pointer
from xvc.store.system_table_checks import book_value
from xvc.types import Json, RunId

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
class Rule:
    """What tells experiments apart that SQL cannot: commands, seeds that were put into them, code.

    ``settings`` and ``seeds`` say it of a run's folder, data and command, as texts; a run without
    seeds has None. ``params`` are those of a run that are its own, its seeds among them. ``code``
    maps runs to what tells their code; one that is not in it stands alone.
    """

    settings: Callable[[RunRecord], str]
    seeds: Callable[[RunRecord], str | None]
    params: Callable[[RunRecord], Mapping[str, Json]]
    code: Callable[[Sequence[RunRecord]], Mapping[RunId, str]]


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
    _put_among(connection, wanted.among)
    if connection.execute(_IN_DOUBT).fetchone() is not None:
        return None
    _put_commands(connection, rule)
    _put_params(connection)
    _put_numbers(connection, wanted.metric)
    _put_code(connection, rule)
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


_IN_DOUBT = """
    WITH unopened AS (
        SELECT DISTINCT unnest(json_keys(part.value, '$.says')) AS key
        FROM (SELECT left_out FROM runs SEMI JOIN temp.counted USING (id)
            WHERE left_out::VARCHAR LIKE '%"unopened"%') AS held, json_each(held.left_out) AS part
    )
    SELECT 1 FROM temp.counted, unopened
    WHERE list_contains(json_keys(params), unopened.key) LIMIT 1
"""
_CALL = "hash((folder, command::VARCHAR, data::VARCHAR))"


def _put_among(connection: DuckDBPyConnection, among: Collection[RunId] | None) -> None:
    """Name the runs that count: ``temp.counted``."""
    gone = sorted(runs.discarded(connection))
    where, values = "id NOT IN (SELECT unnest(?::VARCHAR[]))", [gone]
    if among is not None:
        where, values = f"{where} AND id IN (SELECT unnest(?::VARCHAR[]))", [gone, sorted(among)]
    seeded = "NULL::VARCHAR" if "seeded" in runs.lacking(connection) else "seeded::VARCHAR"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE counted AS SELECT id, {seeded} AS seeded, {_CALL} AS call, "
        f"params::VARCHAR AS params FROM runs WHERE status = 'finished' AND {where}",
        values,
    )


def _put_commands(connection: DuckDBPyConnection, rule: Rule) -> None:
    """Say what each command comes to: ``temp.commands``; of runs that seeds were put into, each."""
    known: dict[str | None, int] = {}
    rows: list[tuple[int, int, int | None]] = []
    asked = connection.execute(
        "SELECT DISTINCT ON (call) call, folder, command::VARCHAR, data::VARCHAR FROM runs "
        "JOIN (SELECT id, call FROM temp.counted WHERE seeded IS NULL) USING (id)"
    )
    for call, folder, command, data in asked.fetchall():
        run = _run_of(connection, folder, command, data)
        seeds = rule.seeds(run)
        rest = known.setdefault(rule.settings(run), len(known))
        rows.append((call, rest, None if seeds is None else known.setdefault(seeds, len(known))))
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE commands AS SELECT unnest(?::UBIGINT[]) AS call, "
        "unnest(?::BIGINT[]) AS rest, unnest(?::BIGINT[]) AS seeds",
        [[row[place] for row in rows] for place in range(3)],
    )
    own: list[tuple[str, int, int | None, str]] = []
    for run in runs.load(
        connection, "WHERE id IN (SELECT id FROM temp.counted WHERE seeded IS NOT NULL)"
    ):
        seeds = rule.seeds(run)
        rest = known.setdefault(rule.settings(run), len(known))
        held = to_json({key: to_plain(value) for key, value in rule.params(run).items()})
        place = None if seeds is None else known.setdefault(seeds, len(known))
        own.append((run.id, rest, place, held))
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE filled AS SELECT unnest(?::VARCHAR[]) AS id, "
        "unnest(?::BIGINT[]) AS rest, unnest(?::BIGINT[]) AS seeds, unnest(?::VARCHAR[]) AS params",
        [[row[place] for row in own] for place in range(4)],
    )


def _run_of(
    connection: DuckDBPyConnection, folder: str | None, command: str | None, data: str | None
) -> RunRecord:
    facts: dict[str, Json] = {} if folder is None else {"folder": folder}
    for name, text in (("command", command), ("data", data)):
        if text is not None:
            facts[name] = book_value(connection, "runs", text)
    return run_from(facts, RunRecord(RunId("-")))


def _put_params(connection: DuckDBPyConnection) -> None:
    """Sum up params, seeds apart, in whatever order they stand: ``temp.said``."""
    keys = connection.execute(
        "SELECT DISTINCT unnest(json_keys(params)) FROM temp.counted"
    ).fetchall()
    number = "coalesce(TRY_CAST(atom::VARCHAR AS DOUBLE)::VARCHAR, atom::VARCHAR)"
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE said AS
        WITH texts AS (
            SELECT params AS text FROM temp.counted WHERE params IS NOT NULL
            UNION SELECT params FROM temp.filled
        ), parts AS (
            SELECT text, its.key AS key, its.key AS place, its.type AS type, its.atom AS atom
            FROM texts, json_each(text) AS its WHERE its.type NOT IN ('OBJECT', 'ARRAY')
            UNION ALL
            SELECT text, its.key, its.key || part.fullkey, part.type, part.atom
            FROM texts, json_each(text) AS its, json_tree(its.value) AS part
            WHERE its.type IN ('OBJECT', 'ARRAY')
        ), summed AS (
            SELECT text, type, key IN (SELECT unnest(?::VARCHAR[])) AS is_seed, md5_number_lower(
                place || chr(0) || type || chr(0) || coalesce(
                    CASE type WHEN 'DOUBLE' THEN {number} ELSE atom::VARCHAR END, '')
            ) AS sum FROM parts
        )
        SELECT text AS params, bit_xor(sum) FILTER (NOT is_seed) AS own,
            bit_xor(sum) FILTER (is_seed AND type <> 'NULL') AS seeds
        FROM summed GROUP BY text
        """,
        [[key for (key,) in keys if key is not None and is_seed(key)]],
    )


def _put_numbers(connection: DuckDBPyConnection, metric: str) -> None:
    """Say of each run what it tried, with which seed, and its number: ``temp.asked``."""
    texts = [to_json(to_plain(value)) for value in (math.nan, math.inf, -math.inf)]
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE asked AS
        WITH held AS (
            SELECT id, coalesce(epoch_us(started), 0) AS began,
                hash((folder, snapshot, "commit", coalesce(dirty, false), outs::VARCHAR,
                    data::VARCHAR, left_out::VARCHAR)) AS code,
                json_type(metrics, $key) AS kind, (metrics -> $key)::VARCHAR AS text,
                TRY_CAST(metrics ->> $key AS DOUBLE) AS number
            FROM runs SEMI JOIN temp.counted USING (id)
        ), numbers AS (
            SELECT id, began, code, CASE
                WHEN text = $nan OR kind IN ('VARCHAR', 'BOOLEAN', 'NULL', 'ARRAY') THEN NULL
                WHEN text = $up THEN 'inf'::DOUBLE WHEN text = $down THEN '-inf'::DOUBLE
                WHEN kind IN ('BIGINT', 'UBIGINT', 'DOUBLE') AND isfinite(number)
                    AND abs(number) < {EXACT} THEN number
                END AS number,
                coalesce(kind NOT IN ('VARCHAR', 'BOOLEAN', 'NULL', 'ARRAY')
                    AND text NOT IN ($nan, $up, $down) AND NOT coalesce(
                        kind IN ('BIGINT', 'UBIGINT', 'DOUBLE') AND isfinite(number)
                        AND abs(number) < {EXACT}, false), false) AS is_odd
            FROM held
        )
        SELECT numbers.*, coalesce(said.own, 0) AS own,
            coalesce(filled.rest, commands.rest) AS rest,
            CASE WHEN said.seeds IS NOT NULL THEN 'p' || said.seeds
                WHEN filled.id IS NOT NULL THEN 'c' || filled.seeds
                ELSE 'c' || commands.seeds END AS seed,
            seed IS NOT NULL AS has_seed
        FROM numbers JOIN temp.counted USING (id)
            LEFT JOIN temp.filled USING (id)
            LEFT JOIN temp.commands ON temp.commands.call = temp.counted.call
            LEFT JOIN temp.said ON temp.said.params = coalesce(filled.params, counted.params)
        """,
        {"key": pointer(metric), "nan": texts[0], "up": texts[1], "down": texts[2]},
    )


def _put_code(connection: DuckDBPyConnection, rule: Rule) -> None:
    """Put in place of what a run says of its code what tells it; alone stands what says nothing."""
    shared = (
        "SELECT own, rest, has_seed FROM temp.asked GROUP BY own, rest, has_seed "
        "HAVING count(*) > 1"
    )
    asked = connection.execute(
        f"SELECT code, min(id) FROM temp.asked SEMI JOIN ({shared}) USING (own, rest, has_seed) "
        "GROUP BY code"
    ).fetchall()
    held = runs.load(
        connection,
        "WHERE id IN (SELECT unnest(?::VARCHAR[]))",
        [[name for _, name in asked]],
    )
    told = rule.code(held)
    known = [(code, told[RunId(name)]) for code, name in asked if RunId(name) in told]
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE codes AS SELECT unnest(?::UBIGINT[]) AS code, "
        "unnest(?::VARCHAR[]) AS digest",
        [[code for code, _ in known], [digest for _, digest in known]],
    )
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE asked AS SELECT asked.* "
        "REPLACE (hash(CASE WHEN codes.code IS NULL THEN 'run ' || id ELSE digest END) AS code) "
        "FROM temp.asked LEFT JOIN temp.codes ON codes.code = asked.code"
    )


_EXPERIMENTS = """
    CREATE OR REPLACE TEMP TABLE experiments AS
    WITH repeats AS (
        SELECT code, own, rest, has_seed, seed, min({'at': began, 'id': id}) AS began,
            arg_min({'number': number, 'is_odd': is_odd}, {'began': began, 'id': id}) AS first
        FROM temp.asked GROUP BY ALL
    )
    SELECT code, own, rest, has_seed, min(began) AS began, count(first.number) AS held,
        avg(first.number) AS mean, CASE WHEN count(first.number) > 1 AND isfinite(mean)
            THEN var_samp(CASE WHEN isfinite(first.number) THEN first.number END) END AS spread,
        bool_or(first.is_odd) AS is_odd
    FROM repeats GROUP BY ALL
"""
"""Each seed counts once, by the run that began first."""
