"""What each run tried, said by SQL among more runs than are read one by one.

It follows the rule of `xvc.runs.repeats`: runs with the same ``code``, ``own``, ``rest`` and
``has_seed`` of ``temp.asked`` are one experiment, and each ``seed`` of it counts once. Reads only;
what it makes is temporary.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
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
class Rule:
    """What tells experiments apart that SQL cannot: data, seeds that were put into words, code.

    ``data`` says as a text what a run was given. ``words`` are those of the command of a run that
    seeds were put into, with a mark that no word can have in the place of each; ``params`` are
    those of such a run that are its own, its seeds among them. ``code`` maps runs to what tells
    their code; one that is not in it stands alone.
    """

    data: Callable[[RunRecord], str]
    words: Callable[[RunRecord], Sequence[str]]
    params: Callable[[RunRecord], Mapping[str, Json]]
    code: Callable[[Sequence[RunRecord]], Mapping[RunId, str]]


@dataclass(frozen=True, slots=True)
class Counted:
    """Which finished runs count: all, or these; of a table `temp.chosen`, those of it.

    Discarded ones only where they are asked for.
    """

    among: Collection[RunId] | None = None
    _: KW_ONLY
    chosen: bool = False
    discarded: bool = False


def put_asked(connection: DuckDBPyConnection, counted: Counted, metric: str, rule: Rule) -> bool:
    """Say of each run that counts what it tried, and its number: ``temp.asked``.

    Returns:
        False where only reading all runs tells experiments apart: a param of one run is what
        another never opened the file of.
    """
    _put_counted(connection, counted)
    if connection.execute(_IN_DOUBT).fetchone() is not None:
        return False
    _put_filled(connection, rule)
    _put_commands(connection)
    _put_data(connection, rule)
    _put_params(connection)
    _put_numbers(connection, metric)
    for table in ("counted", "commands", "said"):  # texts of 200,000 runs are 0.1 GB
        connection.execute(f"DROP TABLE temp.{table}")
    _put_code(connection, rule)
    return True


_IN_DOUBT = """
    WITH unopened AS (
        SELECT DISTINCT unnest(json_keys(part.value, '$.says')) AS key
        FROM (SELECT left_out FROM runs SEMI JOIN temp.counted USING (id)
            WHERE left_out::VARCHAR LIKE '%"unopened"%') AS held, json_each(held.left_out) AS part
    )
    SELECT 1 FROM temp.counted, unopened
    WHERE list_contains(json_keys(params), unopened.key) LIMIT 1
"""
_CONTESTED = """
    CASE WHEN left_out::VARCHAR LIKE '%"contested"%' THEN list_sort(list_filter(
        left_out::JSON[], lambda part: json_exists(part, '$.contested')))::VARCHAR END
"""
_WORDS = """'["VARCHAR"]'"""


def _put_counted(connection: DuckDBPyConnection, counted: Counted) -> None:
    """Name the runs that count: ``temp.counted``."""
    gone = sorted(runs.discarded(connection))
    values: dict[str, object] = {"gone": gone}
    where = "" if counted.discarded else "AND NOT is_gone"
    if counted.among is not None:
        where += " AND id IN (SELECT unnest($among::VARCHAR[]))"
        values["among"] = sorted(counted.among)
    if counted.chosen:
        where += " AND id IN (FROM temp.chosen)"
    seeded = "false" if "seeded" in runs.lacking(connection) else "seeded IS NOT NULL"
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE counted AS
        SELECT id, {seeded} AS is_filled, id IN (SELECT unnest($gone::VARCHAR[])) AS is_gone,
            coalesce(command::VARCHAR, '[]') AS command,
            coalesce(params::VARCHAR, '{{}}') AS params,
            coalesce(data::VARCHAR, '{{}}') AS data
        FROM runs WHERE status = 'finished' {where}
        """,
        values,
    )


def _put_filled(connection: DuckDBPyConnection, rule: Rule) -> None:
    """Say of runs that seeds were put into what they were called: in ``temp.counted``, too."""
    rows: list[tuple[str, str, str]] = []
    where = "WHERE id IN (SELECT id FROM temp.counted WHERE is_filled)"
    for run in runs.load(connection, where):
        held = to_json({key: to_plain(value) for key, value in rule.params(run).items()})
        words = [_without_marks(word) for word in rule.words(run)]
        rows.append((run.id, to_json([*words]), held))
    if rows:
        connection.execute(
            """
            CREATE OR REPLACE TEMP TABLE counted AS SELECT counted.* REPLACE (
                coalesce(filled.command, counted.command) AS command,
                CASE WHEN filled.id IS NULL THEN counted.params ELSE filled.params END AS params
            ) FROM temp.counted LEFT JOIN (
                SELECT unnest($ids::VARCHAR[]) AS id, unnest($words::VARCHAR[]) AS command,
                    unnest($params::VARCHAR[]) AS params
            ) AS filled USING (id)
            """,
            dict(zip(("ids", "words", "params"), map(list, zip(*rows, strict=True)), strict=True)),
        )


def _without_marks(word: str) -> str:
    r"""Write a NUL, by which seeds are marked, so that SQL can hold it, and no other word is it.

    >>> _without_marks("--out=s\0seed\0"), _without_marks("\x01")
    ('--out=s\x01nseed\x01n', '\x01\x01')
    """
    return word.replace("\x01", "\x01\x01").replace("\0", "\x01n")


_MAY_BE_SEED = "seed|rng|randomstate|repeat|replicat|repetition|fold"


def _put_commands(connection: DuckDBPyConnection) -> None:
    """Part each command from the values of its seeds: ``temp.commands``."""
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE commands AS SELECT command, from_json(command, {_WORDS}) "
        "AS words FROM (SELECT DISTINCT command FROM temp.counted)"
    )
    asked = connection.execute(
        f"""
        WITH options AS (
            SELECT DISTINCT split_part(word, '=', 1) AS option
            FROM (SELECT unnest(words) AS word FROM temp.commands)
        )
        SELECT option FROM options
        WHERE regexp_matches(regexp_replace(lower(option), '[^a-z]', '', 'g'), '{_MAY_BE_SEED}')
            OR regexp_matches(option, '[^\\x00-\\x7F]')
        """
    )
    seeds = [option for (option,) in asked.fetchall() if is_seed(option)]
    connection.execute(
        """
        CREATE OR REPLACE TEMP TABLE commands AS
        WITH named AS (
            SELECT *, list_transform(words,
                lambda w: list_contains($seeds::VARCHAR[], split_part(w, '=', 1))
                    AND NOT regexp_matches(w, '=.*[= \t\n\r\f\v]', 's')) AS named
            FROM temp.commands
        ), followed AS (
            SELECT *, list_transform(words, lambda w, i:
                named[i] AND NOT contains(w, '=') AND starts_with(w, '-')) AS follows
            FROM named
        ), parted AS (
            SELECT *, list_transform(words, lambda w, i: i > 1 AND follows[i - 1]
                AND (NOT starts_with(w, '-') OR regexp_full_match(w, '-?[0-9]+'))) AS taken
            FROM followed
        )
        SELECT command, to_json(list_filter(words, lambda w, i: NOT taken[i] AND NOT follows[i]
                AND NOT (named[i] AND contains(w, '='))))::VARCHAR AS kept,
            nullif(to_json(list_filter(list_transform(words, lambda w, i: CASE WHEN taken[i] THEN w
                WHEN named[i] AND contains(w, '=') THEN substr(w, strpos(w, '=') + 1) END),
                lambda w: w IS NOT NULL))::VARCHAR, '[]') AS seeds
        FROM parted
        """,
        {"seeds": seeds},
    )


def _put_data(connection: DuckDBPyConnection, rule: Rule) -> None:
    """Say what each text of data comes to: ``temp.given``."""
    asked = connection.execute("SELECT DISTINCT data FROM temp.counted")
    texts = [text for (text,) in asked.fetchall()]
    given = [
        rule.data(run_from({"data": book_value(connection, "runs", text)}, RunRecord(RunId("-"))))
        for text in texts
    ]
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE given AS SELECT unnest($texts::VARCHAR[]) AS data, "
        "unnest($given::VARCHAR[]) AS given",
        {"texts": texts, "given": given},
    )


_IS_DEEP = "coalesce(regexp_matches(each.value::VARCHAR, '^[{[].*[{]', 's'), false)"
_IS_SEED = "list_contains($seeds::VARCHAR[], each.key)"


def _put_params(connection: DuckDBPyConnection) -> None:
    """Sum up params, seeds apart, in whatever order they stand: ``temp.said``.

    A map has its values as JSON writes them, and takes a text apart in a third of the time of
    ``json_each``. What is no map, because it names a key twice, is told by its text.
    """
    keys = connection.execute(
        "SELECT DISTINCT unnest(json_keys(params)) FROM temp.counted"
    ).fetchall()
    seeds = {"seeds": [key for (key,) in keys if key is not None and is_seed(key)]}
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE said AS
        WITH texts AS (
            SELECT params,
                list_sort(map_entries(TRY_CAST(params::JSON AS MAP(VARCHAR, JSON)))) AS its
            FROM (SELECT DISTINCT params FROM temp.counted)
        ), parts AS (
            SELECT params, its IS NULL AS is_odd,
                list_filter(its, lambda each: NOT {_IS_SEED} AND NOT {_IS_DEEP}) AS own,
                list_filter(its, lambda each: {_IS_SEED} AND each.value IS NOT NULL) AS seeds,
                list_filter(its, lambda each: NOT {_IS_SEED} AND {_IS_DEEP}) AS deep
            FROM texts
        )
        SELECT params, hash((CASE WHEN is_odd THEN params ELSE '' END, own)) AS own,
            CASE WHEN len(seeds) > 0 THEN hash(seeds) END AS seeds,
            CASE WHEN len(deep) > 0 THEN deep END AS deep
        FROM parts
        """,
        seeds,
    )
    if connection.execute("SELECT 1 FROM temp.said WHERE deep IS NOT NULL LIMIT 1").fetchone():
        _add_deep(connection)


def _add_deep(connection: DuckDBPyConnection) -> None:
    """Add what stands in dicts below params, in whatever order, to ``temp.said``."""
    connection.execute(
        """
        CREATE OR REPLACE TEMP TABLE said AS
        WITH parts AS (
            SELECT params, part.key AS key, part.value::VARCHAR AS value
            FROM (SELECT params, unnest(deep) AS part FROM temp.said)
        ), sums AS (
            SELECT held.value AS value,
                bit_xor(hash((leaf.fullkey, leaf.type, leaf.atom::VARCHAR))) AS sum
            FROM (SELECT DISTINCT value FROM parts) AS held, json_tree(held.value) AS leaf
            GROUP BY held.value
        ), summed AS (
            SELECT params, bit_xor(hash((key, sum))) AS sum
            FROM parts JOIN sums USING (value) GROUP BY params
        )
        SELECT params, CASE WHEN sum IS NULL THEN own ELSE hash((own, sum)) END AS own, seeds
        FROM temp.said LEFT JOIN summed USING (params)
        """
    )


def _put_numbers(connection: DuckDBPyConnection, metric: str) -> None:
    """Say of each run what it tried, with which seed, and its number: ``temp.asked``."""
    texts = [to_json(to_plain(value)) for value in (math.nan, math.inf, -math.inf)]
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE asked AS
        WITH held AS (
            SELECT id, coalesce(epoch_us(started), 0) AS began, folder, {_CONTESTED} AS doubts,
                hash((folder, snapshot, "commit", coalesce(dirty, false), outs::VARCHAR,
                    data::VARCHAR, left_out::VARCHAR)) AS code,
                json_type(metrics, $key) AS kind, (metrics -> $key)::VARCHAR AS text,
                TRY_CAST(metrics ->> $key AS DOUBLE) AS number
            FROM runs SEMI JOIN temp.counted USING (id)
        ), numbers AS (
            SELECT id, began, code, folder, doubts, CASE
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
        SELECT id, began, code, number, is_odd, counted.is_gone, said.own,
            hash((folder, doubts, commands.kept, given.given)) AS rest,
            CASE WHEN said.seeds IS NOT NULL THEN 'p' || said.seeds ELSE commands.seeds END AS seed,
            seed IS NOT NULL AS has_seed
        FROM numbers JOIN temp.counted USING (id)
            JOIN temp.commands USING (command) JOIN temp.given USING (data)
            JOIN temp.said USING (params)
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
        "REPLACE (hash((is_gone, CASE WHEN codes.code IS NULL THEN 'run ' || id ELSE digest END)) "
        "AS code) "
        "FROM temp.asked LEFT JOIN temp.codes ON codes.code = asked.code"
    )


FIRST_OF_SEEDS = """
    SELECT asked.* EXCLUDE (id, began, number, is_odd), min({'at': began, 'id': id}) AS began,
        arg_min({'number': number, 'is_odd': is_odd, 'id': id}, {'began': began, 'id': id}) AS first
    FROM temp.asked GROUP BY ALL
"""
"""Each seed counts once, by the run that began first; whatever else `temp.asked` has parts them."""
