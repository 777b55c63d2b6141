"""A store's tables and Parquet files obey the same laws: rows, refusals, types and accounts.

Each property gives the same rows to both engines and holds them against a few lines of Python.
Values are texts that DuckDB writes exactly as it reads them, so equal texts are equal values.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stores import merge, rebase, theirs_wins
from xvc.core.account import Account
from xvc.core.merge import Conflict
from xvc.core.rebase import ReplaceRequest
from xvc.core.table_merge import ColumnsClash, RowsRefused, Style
from xvc.errors import StoreCorrupt
from xvc.store import db
from xvc.store.column_types import Kind, kind_of, widest
from xvc.store.keys import KeysDiffer, KeysDoubled, KeysEmpty, refuse_kinds
from xvc.store.merge import Outcome, Source, merge_into
from xvc.store.missing_rows import MissingRows, missing_rows
from xvc.store.parquet import ParquetFile, ParquetTable, read_table
from xvc.store.parquet_merge import Meeting, merge_by_key, merge_rows
from xvc.store.parquet_union import unite
from xvc.store.parquet_write import expect_writable, write_table
from xvc.store.rebase import RowsDoubled

EXAMPLES = int(os.environ.get("MERGE_EXAMPLES", "4"))
SAMPLES: dict[str, tuple[str, ...]] = {
    # values that DuckDB's own comparison, hash or JSON could take for one another
    "DOUBLE": ("0.0", "-0.0", "nan", "inf", "0.1"),
    "FLOAT": ("0.0", "-0.0", "nan", "0.1"),
    "BIGINT": ("0", "1", "9007199254740993"),
    "VARCHAR": ("", "a", "A", "a ", "null", "NULL"),
    "BLOB": ("", "\\x00", "a", "\\x5Cx00"),
    "BOOLEAN": ("true", "false"),
    "DATE": ("2026-01-01", "2026-01-02"),
    "TIMESTAMP_NS": ("2026-01-01 00:00:00.000000001", "2026-01-01 00:00:00.000000002"),
    "TIME": ("12:00:00", "12:00:00.000001"),
    "INTERVAL": ("1 month", "30 days"),
    "DECIMAL(10,2)": ("1.50", "-1.50"),
    "JSON": ("{}", '{"a":1}', '{"a": 1}', "null"),
    "DOUBLE[]": ("[]", "[NULL]", "[0.0]", "[-0.0]", "[nan]"),
    "VARCHAR[]": ("[]", "[NULL]", "[a]", "['']", "['NULL']"),
    "INTERVAL[]": ("[1 month]", "[30 days]"),
    "STRUCT(a VARCHAR, b BIGINT[])": ("{'a': x, 'b': []}", "{'a': x, 'b': NULL}"),
    "MAP(VARCHAR, DOUBLE)": ("{}", "{a=0.0}", "{a=-0.0}", "{a=NULL}"),
}
NO_KEYS = ("FLOAT", "INTERVAL", "JSON")  # of SAMPLES; FLOAT: 0.1 is no double's 0.1


@dataclass(frozen=True)
class Row:
    """One row: its id, and the texts of its cells by column; an empty cell is not there."""

    id: int
    cells: Mapping[str, str]

    @property
    def whole(self) -> tuple[tuple[str, str], ...]:
        return tuple(sorted(self.cells.items()))


@dataclass(frozen=True)
class Side:
    """One table: its columns with their types, in their order, and its rows."""

    types: Mapping[str, str]
    rows: Sequence[Row]

    def write(self, connection: duckdb.DuckDBPyConnection, place: str, *, ids: bool) -> None:
        """Write it as a table, with the ids as row ids or without."""
        kinds = {**({"row_id": "UUID"} if ids else {}), **self.types}
        named = ", ".join(f'"{name}" {kind}' for name, kind in kinds.items())
        connection.execute(f"CREATE TABLE {place} ({named})")
        for row in self.rows:
            told = {**({"row_id": str(UUID(int=row.id))} if ids else {}), **row.cells}
            picked = ", ".join(f'CAST(? AS {kinds[name]}) AS "{name}"' for name in told)
            if told:
                values = list(told.values())
                connection.execute(f"INSERT INTO {place} BY NAME SELECT {picked}", values)
            else:
                connection.execute(f"INSERT INTO {place} SELECT {', '.join(['NULL'] * len(kinds))}")


@dataclass(frozen=True)
class Result:
    """What came of it: how often each row is there, the counts, or why it was refused."""

    rows: Counter[tuple[tuple[str, str], ...]] = field(default_factory=Counter)
    counts: Mapping[str, int] = field(default_factory=dict)
    refusal: str | None = None


def as_store(path: Path, side: Side, *, events: bool) -> Path:
    """Write a store with one table: of events, or one that another program made."""
    db.create(path)
    with db.writing(path) as connection:
        if not events:
            side.write(connection, "main.prices", ids=False)
            return path
        side.write(connection, "main.events", ids=True)
        for name in ("track_id VARCHAR", "timestamp TIMESTAMPTZ"):
            connection.execute(f"ALTER TABLE events ADD COLUMN {name}")
        connection.execute("INSERT INTO meta VALUES ('table', 'events')")
        for name, kind in side.types.items():
            if not kind.startswith(("STRUCT", "MAP")):  # those no log makes: only other programs
                noted = ["events", name, name, kind]
                connection.execute("INSERT INTO columns VALUES (?, ?, ?, ?)", noted)
    return path


def as_parquet(path: Path, side: Side, *, ids: bool) -> Path:
    """Write a Parquet file."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        side.write(connection, "written", ids=ids)
        connection.execute(f"COPY written TO '{path}' (FORMAT parquet)")
    return path


def read(
    connection: duckdb.DuckDBPyConnection, rows: str, names: Iterable[str]
) -> Counter[tuple[tuple[str, str], ...]]:
    """Count the rows of a query; cells as texts."""
    columns = sorted(names)
    picked = ", ".join(f'"{name}"::VARCHAR' for name in columns)
    found = connection.execute(f"SELECT {picked} FROM {rows}").fetchall()
    held = ([(n, v) for n, v in zip(columns, row, strict=True) if v is not None] for row in found)
    return Counter(tuple(row) for row in held)


def all_names(sides: Iterable[Side]) -> list[str]:
    return list(dict.fromkeys(name for side in sides for name in side.types))


def merged_stores(folder: Path, sides: Sequence[Side]) -> Result:
    """Merge stores, one after the other, into the first; whole rows tell rows apart."""
    paths = [as_store(folder / f"{n}.duckdb", side, events=False) for n, side in enumerate(sides)]
    accounts = []
    for number, path in enumerate(paths[1:]):
        done = merge_into(paths[0], Source(str(number), path, str(number)), (), folder)
        accounts += [each for each in done.accounts if each.table == "prices"]
    with db.reading(paths[0], is_known=True) as connection:
        rows = read(connection, "prices", all_names(sides))
    counts = {
        "ours": accounts[0].ours,
        "theirs": sum(each.theirs for each in accounts),
        "equal": sum(each.equal for each in accounts),
        "added": sum(each.taken for each in accounts),
        "result": accounts[-1].result,
    }
    return Result(rows, counts)


def joined(
    folder: Path, sides: Sequence[Side], keys: Sequence[str] = (), **how: bool
) -> tuple[Result, Account]:
    """Merge Parquet files into the first one, by keys or by whole rows."""
    ids = bool(keys)
    paths = [as_parquet(folder / f"{n}.parquet", side, ids=ids) for n, side in enumerate(sides)]
    out, trial = folder / "out.parquet", folder / "trial.parquet"
    with db.on_files(out, folder / "spill", "500MB") as connection:
        base, *others = (read_table(connection, path) for path in paths)
        shape = unite(connection, (base, *others), keys, {})
        expect_writable(connection, shape, trial)
        meeting = Meeting(connection, shape, base, tuple(others))
        decided = merge_by_key(meeting, keys, **how) if keys else merge_rows(meeting)
        write_table(meeting, decided, out, Style(), trial)
    with duckdb.connect() as connection:
        names = [*(("row_id",) if ids else ()), *all_names(sides)]
        rows = read(connection, f"'{out}'", names)
    account = decided.account
    counts = {
        "ours": account.ours,
        "theirs": account.theirs,
        "equal": account.equal,
        "added": account.taken,
        "result": account.result,
    }
    return Result(rows, counts), account


@st.composite
def schemas(draw: st.DrawFn) -> dict[str, str]:
    kinds = draw(st.lists(st.sampled_from(list(SAMPLES)), min_size=1, max_size=3, unique=True))
    return {f"c{number} {kind[:3]}": kind for number, kind in enumerate(kinds)}


def cells(types: Mapping[str, str], *, full: bool = False) -> st.SearchStrategy[dict[str, str]]:
    parts = {name: st.sampled_from(SAMPLES[kind]) for name, kind in types.items()}
    return st.fixed_dictionaries(parts if full else {}, optional={} if full else parts)


@st.composite
def wholes(draw: st.DrawFn) -> list[Side]:
    """Two or three tables whose rows often are the same, with their columns in any order."""
    types = draw(schemas())
    pool = draw(st.lists(cells(types), min_size=1, max_size=3))
    sides = []
    for _ in range(draw(st.integers(2, 3))):
        rows = draw(st.lists(st.sampled_from(pool), max_size=4))
        used = {name for row in rows for name in row}
        names = draw(st.permutations([n for n in types if n in used or draw(st.booleans())]))
        kept = {name: types[name] for name in names or types}
        sides.append(Side(kept, [Row(n, row) for n, row in enumerate(rows)]))
    return sides


@settings(max_examples=EXAMPLES, deadline=None)
@given(wholes())
def test_whole_rows_are_united_alike(sides: list[Side]) -> None:
    """Without a key each row is there as often as where it is most, in stores and in files."""
    tables = [Counter(row.whole for row in side.rows) for side in sides]
    union: Counter[tuple[tuple[str, str], ...]] = Counter()
    for table in tables:
        union |= table
    incoming = sum(table.total() for table in tables[1:])
    added = union.total() - tables[0].total()
    counts = {"ours": tables[0].total(), "theirs": incoming, "added": added}
    wanted = Result(union, {**counts, "equal": incoming - added, "result": union.total()})
    with TemporaryDirectory() as place:
        stores, (files, _) = merged_stores(Path(place), sides), joined(Path(place), sides)

    assert stores == wanted
    assert files == wanted


@dataclass(frozen=True)
class Parting:
    """Two sides that grew from a base, to which both only added."""

    base: Side
    ours: Side
    theirs: Side


@st.composite
def partings(draw: st.DrawFn, *, same: bool) -> Parting:
    """Sides with rows by id; unless *same*, some rows of one id differ between the sides."""
    types = draw(schemas())
    every = [Row(number, draw(cells(types))) for number in range(draw(st.integers(0, 6)))]
    where = [draw(st.sampled_from(["both", "ours", "theirs"])) for _ in every]
    base = [row for row, its in zip(every, where, strict=True) if its == "both"]
    ours = [row for row, its in zip(every, where, strict=True) if its != "theirs"]
    theirs = [row for row, its in zip(every, where, strict=True) if its != "ours"]
    if not same:
        theirs = [Row(row.id, draw(cells(types))) if draw(st.booleans()) else row for row in theirs]
    return Parting(*(Side(types, rows) for rows in (base, ours, theirs)))


def with_ids(rows: Iterable[Row]) -> Counter[tuple[tuple[str, str], ...]]:
    return Counter(
        tuple(sorted({**row.cells, "row_id": str(UUID(int=row.id))}.items())) for row in rows
    )


def merged_events(
    folder: Path,
    parting: Parting,
    *,
    related: bool,
    decide: Callable[[Outcome], Iterable[Conflict]] = lambda found: (),
) -> tuple[Result, set[str]]:
    """Merge stores of events by their row ids; returns the ids in dispute, too."""
    stores = [
        as_store(folder / f"{name}-{related}.duckdb", getattr(parting, name), events=True)
        for name in ("ours", "theirs", "base")
    ]
    copy, done = merge(folder, *(stores if related else stores[:2]), decide=decide)
    with db.reading(copy, is_known=True) as connection:
        rows = read(connection, "events", ["row_id", *parting.ours.types])
    account = next((each for each in done.accounts if each.table == "events"), None)
    counts = {} if account is None else {"added": account.taken, "result": account.result}
    return Result(rows, counts), {each.key for each in done.conflicts}


def looked_through(folder: Path) -> MissingRows:
    """Look for what a copy would bring, in the stores that `merged_events` has made."""
    return missing_rows(folder / "ours-False.duckdb", folder / "theirs-False.duckdb", None)


@settings(max_examples=EXAMPLES, deadline=None)
@given(partings(same=True))
def test_what_both_sides_added_is_united_alike(parting: Parting) -> None:
    """With an ancestor, without one, as files and as a copy: the rows of both, once."""
    every = {row.id: row for row in (*parting.ours.rows, *parting.theirs.rows)}
    rows, added = with_ids(every.values()), len(every) - len(parting.ours.rows)
    how = {"replaces": False, "takes_last": False}
    with TemporaryDirectory() as place:
        folder = Path(place)
        found = [merged_events(folder, parting, related=related) for related in (True, False)]
        files, _ = joined(folder, [parting.ours, parting.theirs], ["row_id"], **how)
        copied = looked_through(folder)

    mine = {row.id for row in parting.ours.rows}
    missing = [UUID(int=row.id) for row in parting.theirs.rows if row.id not in mine]
    assert copied.rows.get("events", []) == missing
    assert (copied.present, copied.differing) == (len(parting.theirs.rows) - len(missing), [])
    assert [each.rows for each, _ in found] == [rows, rows]
    assert [disputes for _, disputes in found] == [set(), set()]
    assert all(each.counts in ({}, {"added": added, "result": len(every)}) for each, _ in found)
    assert (files.rows, files.counts["added"], files.counts["result"]) == (rows, added, len(every))


@settings(max_examples=EXAMPLES, deadline=None)
@given(partings(same=False))
def test_rows_of_one_id_that_differ_are_in_dispute_alike(parting: Parting) -> None:
    """Where a store has a conflict, files and a copy are refused; and nowhere else."""
    theirs = {row.id: row for row in parting.theirs.rows}
    shared = [row for row in parting.ours.rows if row.id in theirs]
    differing = {str(UUID(int=r.id)) for r in shared if r.whole != theirs[r.id].whole}
    how = {"replaces": False, "takes_last": False}
    with TemporaryDirectory() as place:
        _, disputes = merged_events(Path(place), parting, related=False)
        copied = looked_through(Path(place))
        try:
            joined(Path(place), [parting.ours, parting.theirs], ["row_id"], **how)
            refused = 0
        except RowsRefused as err:
            refused = err.total

    assert disputes == differing
    assert set(copied.differing) == {f"row {row} of events" for row in differing}
    assert copied.present == len(shared) - len(differing)
    assert refused == 2 * len(differing)


def test_values_that_look_alike_are_told_apart_alike() -> None:
    """What DuckDB's comparison takes for one another is in dispute, and the chosen one stands."""
    names = {kind: f"c{number}" for number, kind in enumerate(SAMPLES)}
    types = {name: kind for kind, name in names.items()}
    pairs = [(kind, *two) for kind, its in SAMPLES.items() for two in combinations(its, 2)]
    ours, theirs = (
        Side(types, [Row(n, {names[pair[0]]: pair[side]}) for n, pair in enumerate(pairs)])
        for side in (1, 2)
    )
    wholes = [Counter(row.whole for row in side.rows) for side in (ours, theirs)]
    how = {"replaces": False, "takes_last": False}
    with TemporaryDirectory() as place:
        folder = Path(place)
        stores, (files, _) = merged_stores(folder, [ours, theirs]), joined(folder, [ours, theirs])
        parting = Parting(Side(types, []), ours, theirs)
        taken, disputes = merged_events(folder, parting, related=False, decide=theirs_wins)
        copied = looked_through(folder)
        with pytest.raises(RowsRefused) as caught:
            joined(folder, [ours, theirs], ["row_id"], **how)

    assert stores.rows == files.rows == wholes[0] | wholes[1]
    assert disputes == {str(UUID(int=row.id)) for row in ours.rows}
    assert len(copied.differing) == len(pairs)
    assert taken.rows == with_ids(theirs.rows)
    assert caught.value.total == 2 * len(pairs)


WIDENED: dict[str, str] = {"BIGINT": "1", "DOUBLE": "1.0", "HUGEINT": "1", "VARIANT": "1.0"}


@pytest.mark.parametrize("here", list(WIDENED))
@pytest.mark.parametrize("there", list(WIDENED))
def test_a_column_that_was_widened_has_the_same_values(
    tmp_path: Path, here: str, there: str
) -> None:
    """A number is the same in whichever type its column has become on each side."""
    sides = []
    for name, kind in (("ours", here), ("theirs", there)):
        path = as_store(tmp_path / f"{name}.duckdb", Side({}, [Row(1, {})]), events=True)
        number = f"{WIDENED[kind]}::{'DOUBLE' if '.' in WIDENED[kind] else kind}::{kind}"
        with db.writing(path) as connection:
            connection.execute(f"ALTER TABLE events ADD COLUMN x {kind}")
            connection.execute(f"UPDATE events SET x = {number}")
            connection.execute("INSERT INTO columns VALUES ('events', 'x', 'x', ?)", [kind])
        sides.append(path)
    _, done = merge(tmp_path, *sides)
    copied = missing_rows(*sides, None)

    assert done.conflicts == ()
    assert (copied.present, copied.differing) == (1, [])


def test_a_copy_says_which_table_a_store_lacks(tmp_path: Path) -> None:
    """Another program has dropped it; what xvc has noted of it is still there."""
    stores = [as_store(tmp_path / n, Side({}, [Row(1, {})]), events=True) for n in ("a", "b")]
    with db.writing(stores[1]) as connection:
        connection.execute("DROP TABLE events")

    with pytest.raises(StoreCorrupt, match="its table events is missing"):
        missing_rows(*stores, None)


def test_a_copy_refuses_rows_that_no_id_tells_apart(tmp_path: Path) -> None:
    """Another program has doubled them: which of them would be copied is not to be guessed."""
    one, twice = Side({}, [Row(1, {})]), Side({}, [Row(2, {}), Row(2, {})])
    stores = [as_store(tmp_path / n, s, events=True) for n, s in (("a", one), ("b", twice))]

    with pytest.raises(RowsDoubled):
        missing_rows(*stores, None)


@dataclass(frozen=True)
class Replacing:
    """A rebase: the keys, whether the last of several stands, and both sides."""

    keys: tuple[str, ...]
    takes_last: bool
    ours: Side
    theirs: Side

    def carried_out(self) -> Result:
        """Rebase slowly."""
        keys = {row.id: self._key(row) for row in (*self.ours.rows, *self.theirs.rows)}
        incoming = sorted(row.id for row in self.theirs.rows)
        if any(None in keys[number] for number in incoming):
            return Result(refusal="empty")
        if not self.takes_last and len({keys[n] for n in incoming}) < len(incoming):
            return Result(refusal="doubled")
        winners = {keys[number]: number for number in incoming}
        held = {row.id: row for row in (*self.ours.rows, *self.theirs.rows)}
        left = [row for n, row in held.items() if winners.get(keys[n], n) == n]
        gone = held.keys() - {row.id for row in left}
        replaced = len(gone & {row.id for row in self.ours.rows})
        counts = {"ours": len(self.ours.rows), "replaced": replaced, "result": len(left)}
        return Result(with_ids(left), counts)

    def _key(self, row: Row) -> tuple[str | None, ...]:
        values = (row.cells.get(key) for key in self.keys)
        return tuple("0.0" if value == "-0.0" else value for value in values)


@st.composite
def replacings(draw: st.DrawFn) -> Replacing:
    """Few keys, so that rows meet; now and then an empty one."""
    types = draw(schemas())
    simple = [n for n, kind in types.items() if "(" not in kind and "[" not in kind]
    keys = [name for name in simple if types[name] not in NO_KEYS]
    if not keys:
        types, keys = {**types, "key": "BIGINT"}, ["key"]
    chosen = draw(st.lists(st.sampled_from(keys), min_size=1, max_size=2, unique=True))
    full = draw(st.sampled_from([True, True, False]))
    every = [Row(n, draw(cells(types, full=full))) for n in range(draw(st.integers(0, 6)))]
    where = [draw(st.sampled_from(["both", "ours", "theirs"])) for _ in every]
    ours = [row for row, its in zip(every, where, strict=True) if its != "theirs"]
    theirs = [row for row, its in zip(every, where, strict=True) if its != "ours"]
    return Replacing(tuple(chosen), draw(st.booleans()), Side(types, ours), Side(types, theirs))


def replaced_in_stores(folder: Path, asked: Replacing) -> Result:
    """Rebase a store on another one."""
    stores = [
        as_store(folder / f"{name}.duckdb", getattr(asked, name), events=True)
        for name in ("ours", "theirs")
    ]
    how = ReplaceRequest(asked.keys, takes_last=asked.takes_last, shown=None)
    try:
        copy, done = rebase(folder, *stores, how)
    except (KeysEmpty, KeysDoubled) as err:
        return Result(refusal="empty" if isinstance(err, KeysEmpty) else "doubled")
    with db.reading(copy, is_known=True) as connection:
        rows = read(connection, "events", ["row_id", *asked.ours.types])
    account = next(each for each in done.accounts if each.table == "events")
    counts = {"ours": account.ours, "replaced": account.replaced, "result": account.result}
    return Result(rows, counts)


def replaced_in_files(folder: Path, asked: Replacing) -> Result:
    """Rebase a Parquet file on another one."""
    sides, how = [asked.ours, asked.theirs], {"replaces": True, "takes_last": asked.takes_last}
    try:
        done, account = joined(folder, sides, asked.keys, **how)
    except RowsRefused as err:
        return Result(refusal="empty" if "empty" in err.what else "doubled")
    counts = {"ours": account.ours, "replaced": account.replaced, "result": account.result}
    return Result(done.rows, counts)


@settings(max_examples=EXAMPLES, deadline=None)
@given(replacings())
def test_rows_are_replaced_by_key_alike(asked: Replacing) -> None:
    """The same rows go, the same count is given, and the same keys are refused."""
    wanted = asked.carried_out()
    with TemporaryDirectory() as place:
        found = replaced_in_stores(Path(place), asked)
        files = replaced_in_files(Path(place), asked)

    assert found == wanted
    assert files == wanted


TYPES: dict[str, str] = {
    # one value of each type
    **dict.fromkeys(("TINYINT", "INTEGER", "BIGINT", "FLOAT", "DOUBLE"), "1"),
    **{f"U{kind}": "2" for kind in ("TINYINT", "INTEGER", "BIGINT")},
    "DECIMAL(4,1)": "1.5",
    "DECIMAL(38,0)": "3",
    "VARCHAR": "1",
    "BLOB": "1",
    "JSON": "1",
    "BOOLEAN": "true",
    "DATE": "2026-01-01",
    "TIMESTAMP": "2026-01-01 00:00:00",
    "TIMESTAMP_NS": "2026-01-01 00:00:00",
    "TIMESTAMPTZ": "2026-01-01 00:00:00+00",
    "INTERVAL": "1 day",
    "INTEGER[]": "[1]",
    "DOUBLE[]": "[1.5]",
    "VARCHAR[]": "[1]",
    "STRUCT(a INTEGER)": "{'a': 1}",
    "STRUCT(a BIGINT, b DATE)": "{'a': 1}",
}


def paired() -> tuple[list[tuple[str, str]], list[Side]]:
    """Two tables with a column for each pair of types: one type here, the other one there."""
    pairs = [(one, other) for one in TYPES for other in TYPES]
    sides = []
    for number in (0, 1):
        types = {f"c{place}": pair[number] for place, pair in enumerate(pairs)}
        sides.append(Side(types, [Row(number, {n: TYPES[kind] for n, kind in types.items()})]))
    return pairs, sides


def read_as_kinds(folder: Path, sides: Sequence[Side], *keys: str) -> list[Kind | None]:
    """Find the type of each column of two files; None where the files are refused for it."""
    files = [as_parquet(folder / f"{n}.parquet", side, ids=False) for n, side in enumerate(sides)]
    found: list[Kind | None] = []
    with db.on_files(folder / "out", folder / "spill", "500MB") as connection:
        tables = [read_table(connection, path) for path in files]
        for name in sides[0].types:
            alone = [
                ParquetTable(t.name, tuple(only(file, name) for file in t.files)) for t in tables
            ]
            try:
                kind = unite(connection, alone, keys and [name], {}).columns[0].kind
                found.append(kind)
            except ColumnsClash:
                found.append(None)
    return found


def only(file: ParquetFile, column: str) -> ParquetFile:
    """The file, as if it had that column only."""
    return replace(file, columns={column: file.columns[column]})


def test_types_are_widened_alike(tmp_path: Path) -> None:
    """A column of two types is of the same one; where files have none, stores have VARIANT."""
    pairs, sides = paired()
    stores = [as_store(tmp_path / f"{n}.duckdb", s, events=False) for n, s in enumerate(sides)]
    copy, _ = merge(tmp_path, *stores)
    with db.reading(copy, is_known=True) as connection:
        shape = connection.execute("SELECT * FROM prices LIMIT 0").description or []
    kinds = dict(zip(pairs, (kind_of(part[1]) for part in shape), strict=True))
    files = dict(zip(pairs, read_as_kinds(tmp_path, sides), strict=True))
    apart = {pair for pair, kind in kinds.items() if kind != files[pair]}

    assert {kinds[pair].name for pair in apart} == {"VARIANT", "HUGEINT"}
    assert {pair for pair in apart if files[pair] is not None} == set()
    assert all("BIGINT" in str(pair) for pair in apart if kinds[pair].name == "HUGEINT")
    assert kinds["INTEGER", "BIGINT"] == kinds["BIGINT", "INTEGER"] == Kind("BIGINT")


def refused_in_stores(kinds: Sequence[Kind]) -> bool:
    places = {str(number): kind for number, kind in enumerate(kinds)}
    try:
        refuse_kinds("events", "x", places, dict.fromkeys(places, ""))
    except KeysDiffer:
        return True
    return False


def test_keys_of_two_types_are_refused_alike(tmp_path: Path) -> None:
    """What is one key in files is one in stores; only of HUGEINT files have none."""
    pairs, sides = paired()
    with duckdb.connect() as connection:
        found = connection.execute(
            f"SELECT {', '.join(f'NULL::{kind}' for kind in TYPES)}"
        ).description
    kinds = dict(zip(TYPES, (kind_of(part[1]) for part in found or []), strict=True))
    both = {pair: [kinds[name] for name in pair] for pair in pairs}
    huge = {pair for pair in pairs if widest(both[pair], looks=False) == Kind("HUGEINT")}
    files = dict(zip(pairs, read_as_kinds(tmp_path, sides, "key"), strict=True))
    refused = {pair for pair, kind in files.items() if kind is None}

    assert refused - huge == {pair for pair in pairs if refused_in_stores(both[pair])} - huge
    assert refused >= huge


@pytest.mark.parametrize("kind", list(SAMPLES))
def test_the_samples_are_written_as_they_are_read(kind: str) -> None:
    """Else equal texts would not be equal values."""
    with duckdb.connect() as connection:
        found = [
            connection.execute(f"SELECT CAST(CAST(? AS {kind}) AS VARCHAR)", [text]).fetchone()
            for text in SAMPLES[kind]
        ]

    assert found == [(text,) for text in SAMPLES[kind]]
