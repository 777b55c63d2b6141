"""Folding: putting the records of journals into the store's tables, in the caller's transaction.

Idempotent: each writer's watermark is stored beside its rows, so a record counts once however
often it is offered. A record that the store cannot take is set aside, and stops no other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from xvc.core.ids import row_id
from xvc.core.json_values import from_plain
from xvc.core.name_words import catalog_name
from xvc.core.nested import numbers_in
from xvc.core.record import Control, RecordKind, apply, in_order
from xvc.core.run import RunRecord
from xvc.errors import BadValue, RecordRefused
from xvc.journal.codec import CONTROL, control_from, decode_line, to_json
from xvc.journal.reader import ReadPosition, Slice, born, read_new, spelled
from xvc.store import assets, edited_runs, edits
from xvc.store.bad_record_search import halves, lines_of, nothing_of
from xvc.store.columns import Column, is_held, make_room, make_tables, value_of
from xvc.store.db import is_of_what_was_asked
from xvc.store.last_values import is_param, last_numbers, summarised
from xvc.store.new_rows import SEVERAL, WIDE, NewRows, flat_beside, rows_in, staged, together
from xvc.store.schema import EVENT_COLUMNS, TYPES, quoted
from xvc.store.system_table_checks import book_value, wrong_book
from xvc.system.files import write_durably
from xvc.types import Json, RunId

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

AT_ONCE = 10_000
"""Records that are no rows: so many are held at once, and what is known of their runs with them."""

_FEW = 300
"""Of so many rows a table, their last numbers are read from the records, not by a query a table."""

_SMALL = 1 << 26  # bytes of records that are held at once for that

Keep = Callable[[str, bytes], object]
"""Keeps a record, given the name of its journal."""


@dataclass(frozen=True, slots=True)
class Folded:
    """What a fold did: journals read, rows added, damaged lines set apart by journal.

    ``refused`` are records that the store cannot take: the journal and the reason of each.
    """

    journals: int = 0
    rows: int = 0
    damaged: tuple[tuple[str, bytes], ...] = ()
    refused: tuple[tuple[str, str], ...] = ()

    def and_then(self, more: Folded) -> Folded:
        """Add what another fold did."""
        return Folded(
            self.journals + more.journals,
            self.rows + more.rows,
            self.damaged + more.damaged,
            self.refused + more.refused,
        )


def positions(connection: DuckDBPyConnection) -> dict[str, int]:
    """Read how many bytes of each writer's journal are in."""
    return dict(connection.execute("SELECT writer, position FROM folds").fetchall())


def marks(connection: DuckDBPyConnection, writers: Iterable[str]) -> dict[str, ReadPosition]:
    """Read how far each of these writers is in; one that is not in at all is left out."""
    found = connection.execute(
        "SELECT writer, position, sequence, names FROM folds "
        "WHERE writer IN (SELECT unnest(?::VARCHAR[]))",
        [list(writers)],
    ).fetchall()
    return {
        writer: ReadPosition(position, sequence, _names(connection, names))
        for writer, position, sequence, names in found
    }


def _names(connection: DuckDBPyConnection, text: str | None) -> dict[str, tuple[str, ...]]:
    """Read the names that a writer has used in each table."""
    held = {} if text is None else book_value(connection, "folds", text)
    if not isinstance(held, dict):
        raise wrong_book(connection, "folds", text or "")
    found: dict[str, tuple[str, ...]] = {}
    for table, its in held.items():
        named = (
            tuple(name for name in its if isinstance(name, str)) if isinstance(its, list) else ()
        )
        if not isinstance(its, list) or len(named) < len(its):
            raise wrong_book(connection, "folds", text or "")
        found[table] = named
    return found


def fold(
    connection: DuckDBPyConnection,
    journals: Iterable[Path],
    scratch: Path,
    *,
    keep: Keep | None = None,
    is_ours: bool = True,
) -> Folded:
    """Put what is new in *journals* into the store that *connection* has open, and commit it.

    In pieces, the journals that began first before the others, so that many runs take no more
    memory than some thousand.

    Args:
        connection: a store, within a transaction.
        journals: their files.
        scratch: a folder for what lies in between.
        keep: is given each record that the store cannot take, before it is passed over.
        is_ours: whether nobody else can have changed the tables: then whatever does not fit into
            them is the record's own fault.

    Raises:
        TooNew: a newer xvc wrote one of them.
        OSError: one cannot be read, or *scratch* not written.
    """
    once = {path.stem: path for path in journals}  # one that is being moved is listed twice
    known = marks(connection, once)
    folding = _Folding(connection, scratch, keep or (lambda *_: None), is_ours)
    folded = Folded()
    for piece in _pieces(once, known):
        scratch.mkdir(parents=True, exist_ok=True)
        folded = folded.and_then(folding.fold(piece))
    return folded


def _pieces(once: Mapping[str, Path], known: dict[str, ReadPosition]) -> Iterator[list[Slice]]:
    """Read what is new, so much at once as is folded at once."""
    piece: list[Slice] = []
    room = AT_ONCE
    for path in sorted(once.values(), key=born):
        while (part := read_new(path, known.get(path.stem, ReadPosition()), room)) is not None:
            known[path.stem] = part.mark
            piece.append(part)
            room -= len(part.controls)
            if room > 0:
                break  # it was read to its end
            yield piece
            piece, room = [], AT_ONCE
    if piece:
        yield piece


def fold_again(connection: DuckDBPyConnection, lines: bytes, journal: Path, scratch: Path) -> None:
    """Put records that were set aside into the store, whose journal has been read beyond them.

    Raises:
        RecordRefused: it still cannot take them.
    """
    mark = marks(connection, [journal.stem]).get(journal.stem, ReadPosition())
    names = spelled(lines, {})
    whole = Slice(
        path=journal,
        start=0,
        mark=mark,
        controls=(),
        has_rows=True,
        mended=lines,
        longest=len(lines),
        names=names,
    )
    controls = tuple(
        control_from(decode_line(line)) for line in lines_of(whole) if line.startswith(CONTROL)
    )
    scratch.mkdir(parents=True, exist_ok=True)
    try:
        if not _is_in(connection, lines):
            _fold_at_once(connection, [replace(whole, controls=controls)], scratch)
    except Exception as err:
        raise RecordRefused(journal.name, _reason(err)) from err


def _is_in(connection: DuckDBPyConnection, line: bytes) -> bool:
    """Whether a row is in the store already: an earlier retry stored it and was then killed."""
    said = decode_line(line)
    table = str(said.get("e"))
    if line.startswith(CONTROL) or not is_held(connection, table):
        return False
    at, number, writer = (said[name] for name in "tnw")
    name = row_id(cast("float", at), cast("int", number), str(writer))
    found = connection.execute(f"SELECT 1 FROM {quoted(table)} WHERE row_id = ?", [name])
    return found.fetchone() is not None


@dataclass(frozen=True, slots=True)
class _Folding:
    connection: DuckDBPyConnection
    scratch: Path
    keep: Keep
    is_ours: bool

    def fold(self, parts: Sequence[Slice]) -> Folded:
        """Fold at once what can be; else by halves, down to the record that cannot."""
        try:
            folded = _fold_at_once(self.connection, parts, self.scratch)
            self._commit()
        except Exception as err:
            if not _is_of_a_record(err, is_ours=self.is_ours):
                raise
            self.connection.execute("ROLLBACK")
            self.connection.execute("BEGIN")
            cut = halves(parts)
            if cut is None:
                return self._pass_over(parts[0], _reason(err))
            first, second = map(self.fold, cut)
            return first.and_then(second)
        return folded

    def _pass_over(self, part: Slice, reason: str) -> Folded:
        line, name = b"".join(lines_of(part)), part.path.name
        self.keep(name, line)  # first: once it is passed over, its journal may go
        _advance(self.connection, [nothing_of(part)])
        self._commit()
        damaged = tuple((name, each) for each in part.damaged)
        return Folded(damaged=damaged, refused=((name, reason),))

    def _commit(self) -> None:
        self.connection.execute("COMMIT")
        self.connection.execute("BEGIN")


_FAULTS = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


def _is_of_a_record(err: Exception, *, is_ours: bool) -> bool:
    """Whether a record is to blame: neither the disk, nor another program's doing, nor a lock."""
    return isinstance(err, (BadValue, *_FAULTS)) or is_of_what_was_asked(err, shapes=is_ours)


def _reason(err: Exception) -> str:
    lines = str(err).strip().splitlines()
    return lines[0][:300] if lines else type(err).__name__


def _fold_at_once(connection: DuckDBPyConnection, fresh: Sequence[Slice], scratch: Path) -> Folded:
    file = scratch / f"fold-{fresh[0].writer}.jsonl"
    touched: dict[RunId, RunRecord] = {}
    starts: dict[str, int] = {}
    arrived = edits.arrive(connection, (control for part in fresh for control in part.controls))
    try:
        rows = _fold_rows(connection, fresh, file, touched, starts)
    finally:
        file.unlink(missing_ok=True)
        flat_beside(file).unlink(missing_ok=True)
    edits.replay(connection, arrived, starts)
    _fold_controls(connection, fresh, touched)
    summarised(connection, touched)
    edited_runs.save(connection, [_tidy(run) for run in touched.values()], arrived)
    _advance(connection, fresh)
    damaged = tuple((part.path.name, line) for part in fresh for line in part.damaged)
    return Folded(len(fresh), rows, damaged)


def _fold_rows(
    connection: DuckDBPyConnection,
    fresh: Sequence[Slice],
    file: Path,
    touched: dict[RunId, RunRecord],
    starts: dict[str, int],
) -> int:
    with_rows = [part for part in fresh if part.has_rows]
    if not with_rows:
        return 0
    longest = max(part.longest for part in with_rows)
    if len(with_rows) == 1 and with_rows[0].is_whole:
        file = with_rows[0].path
    else:
        with file.open("wb") as out:
            for part in with_rows:
                part.write_to(out)
    found = _names_of(with_rows, file).items()
    each = (NewRows(table, names, file, longest) for table, names in found)
    added, few = 0, dict[str, list[Column]]()
    for some in together(each):
        if len(some) < SEVERAL:
            added += sum(_fold_table(connection, rows, touched, starts) for rows in some)
        else:
            added += _fold_tables(connection, some, touched, starts, few)
    _last_values_of_few(connection, file, few, touched)
    return added


def _names_of(parts: Sequence[Slice], file: Path) -> dict[str, dict[str, None]]:
    """List, for each table, the names that its new rows may carry."""
    tables: dict[str, dict[str, None]] = {}
    for part in parts:
        for table, names in (part.mark.names if part.names is None else part.names).items():
            known = (name for name in names if name.partition(":")[0] in TYPES)
            tables.setdefault(table, {}).update(dict.fromkeys(known))
    if sum(map(len, tables.values())) < WIDE:
        return tables
    # A wide table is read by what is there, not by what may be; None is declared and not there.
    nothing = {t: tuple(n for n in its if n.startswith("n:")) for t, its in tables.items()}
    said = spelled(file.read_bytes(), nothing)
    return {table: dict.fromkeys(said[table]) for table in tables}


def _fold_table(
    connection: DuckDBPyConnection,
    rows: NewRows,
    touched: dict[RunId, RunRecord],
    starts: dict[str, int],
) -> int:
    columns = make_room(connection, rows.table, list(rows.names), rows.source())
    before = _last_rowid(connection, rows.table)
    starts.setdefault(catalog_name(rows.table), before)
    added = _insert(connection, rows, columns)
    if rows.is_wide:
        said = ((row, row) for row in rows_in(flat_beside(rows.file)))
        _last_values_said(connection, said, columns, touched)
    else:
        _last_values(connection, rows.table, columns, before, touched)
    return added


def _fold_tables(
    connection: DuckDBPyConnection,
    some: Sequence[NewRows],
    touched: dict[RunId, RunRecord],
    starts: dict[str, int],
    few: dict[str, list[Column]],
) -> int:
    """Put rows into many tables, new ones made at once; *few* is told of those with few rows."""
    read, every = staged(connection, some)
    made = make_tables(connection, {rows.table: list(rows.names) for rows in read})
    are_few = every <= _FEW * len(read) and read[0].file.stat().st_size <= _SMALL
    for rows in read:
        is_new = rows.table in made
        columns = (
            made[rows.table]
            if is_new
            else make_room(connection, rows.table, list(rows.names), rows.source())
        )
        before = -1 if is_new else _last_rowid(connection, rows.table)
        starts.setdefault(catalog_name(rows.table), before)
        _insert(connection, rows, columns)
        if are_few:
            few[rows.table] = columns
        else:
            _last_values(connection, rows.table, columns, before, touched)
    connection.execute("DROP TABLE temp.staged")
    return every


def _insert(connection: DuckDBPyConnection, rows: NewRows, columns: Sequence[Column]) -> int:
    places = [*EVENT_COLUMNS, *(quoted(column.name) for column in columns)]
    values = [*rows.places, *map(value_of, columns)]
    connection.execute(
        f"INSERT INTO {quoted(rows.table)} ({', '.join(places)}) "
        f"SELECT {', '.join(values)} FROM {rows.source()}"
    )
    added = connection.fetchone()
    return int(added[0]) if added else 0


def _last_rowid(connection: DuckDBPyConnection, table: str) -> int:
    found = connection.execute(f"SELECT max(rowid) FROM {quoted(table)}").fetchone()
    return -1 if found is None or found[0] is None else int(found[0])


def _last_values(
    connection: DuckDBPyConnection,
    table: str,
    columns: Sequence[Column],
    before: int,
    touched: dict[RunId, RunRecord],
) -> None:
    """Take the last number of each key of the rows just added as its run's metric."""
    found = last_numbers(connection, table, columns, "rowid > ?", [before])
    _know(connection, found, touched)
    for run, numbers in found.items():
        values = {key: last.value for key, last in numbers.items()}
        times = {key: last.at for key, last in numbers.items()}
        touched[run] = touched[run].with_metrics(values, times)


def _last_values_of_few(
    connection: DuckDBPyConnection,
    file: Path,
    few: Mapping[str, Sequence[Column]],
    touched: dict[RunId, RunRecord],
) -> None:
    """Do as `_last_values` does for many tables of few rows each, reading the records once."""
    said: dict[str, list[dict[str, Json]]] = {table: [] for table in few}
    for row in rows_in(file) if few else ():
        its = said.get(str(row["e"]))
        if its is not None:
            its.append(row)
    _know(connection, {str(row["r"]) for rows in said.values() for row in rows}, touched)
    for table, rows in said.items():
        values = ((row, cast("dict[str, Json]", row["d"])) for row in rows)
        _last_values_said(connection, values, few[table], touched)


def _last_values_said(
    connection: DuckDBPyConnection,
    said: Iterable[tuple[Mapping[str, Json], Mapping[str, Json]]],
    columns: Sequence[Column],
    touched: dict[RunId, RunRecord],
) -> None:
    """Do as `_last_values` does, from rows as they were written, each with its values.

    A query on a table of 4,000 columns takes 0.1 s, whatever it asks.
    """
    numbers = {n: each for each in columns for n in each.arriving if n.partition(":")[0] in "fihj"}
    values: dict[str, dict[str, Json]] = {}
    latest: dict[str, dict[str, _Place]] = {}
    for row, its_values in said:
        run, place = str(row["r"]), _place(row)
        held, its = values.setdefault(run, {}), latest.setdefault(run, {})
        for name in its_values.keys() & numbers.keys():
            for key, value in _numbers_said(name, numbers[name], its_values[name]).items():
                if key not in its or place >= its[key]:
                    held[key], its[key] = value, place
    _know(connection, values, touched)
    for run, held in values.items():
        times = {key: at for key, (at, *_) in latest[run].items()}
        touched[RunId(run)] = touched[RunId(run)].with_metrics(held, times)


_Place = tuple[int, int, str]


def _place(row: Mapping[str, Json]) -> _Place:
    """Say what orders rows as their ids do: when one was logged, then its number and writer."""
    at, number, writer = (row[name] for name in "tnw")
    return round(cast("float", at) * 1e6), cast("int", number), str(writer)


def _numbers_said(name: str, column: Column, said: Json) -> dict[str, int | float]:
    """Read what a written value has of numbers: itself, or those of a dict by their paths."""
    if name.startswith("j:"):
        return numbers_in(column.key, from_plain(said))
    is_float = name.startswith("f:") or column.type == "DOUBLE"
    number = cast("str | float", said)
    return {column.key: float(number) if is_float else int(number)}


def _know(
    connection: DuckDBPyConnection, runs: Iterable[str], touched: dict[RunId, RunRecord]
) -> None:
    """Read the records of these runs together; one by one takes 3 ms each."""
    missing = {RunId(run) for run in runs} - set(touched)
    touched |= {run: RunRecord(run) for run in missing}
    touched |= {run.id: run for run in edited_runs.as_logged(connection, missing)}


def _fold_controls(
    connection: DuckDBPyConnection,
    fresh: Sequence[Slice],
    touched: dict[RunId, RunRecord],
) -> None:
    controls = in_order(control for part in fresh for control in part.controls)
    named = {control.run for control in controls if control.run} - set(touched)
    for run in edited_runs.as_logged(connection, named):
        touched[run.id] = run
    _keep_environments(
        connection, [each for each in controls if each.kind == RecordKind.ENVIRONMENT]
    )
    for control in controls:
        if control.kind == RecordKind.ASSET:
            assets.fold(connection, control)
        elif control.run is not None and control.kind != RecordKind.KEYS:
            changed = apply(touched.get(control.run), control)
            if changed is not None:
                touched[control.run] = changed


def _tidy(run: RunRecord) -> RunRecord:
    """A parameter that is logged with every row is no metric."""
    metrics = {k: value for k, value in run.metrics.items() if not is_param(k, run.params)}
    return replace(run, metrics=metrics)


def _keep_environments(connection: DuckDBPyConnection, controls: Sequence[Control]) -> None:
    said = [cast("dict[str, Json]", control.facts) for control in controls]
    found = {cast("str", facts["digest"]): to_json(facts["facts"]) for facts in said}
    if found:
        connection.execute(
            "INSERT INTO environments FROM (SELECT unnest(?::VARCHAR[]) AS digest, "
            "unnest(?::VARCHAR[])::JSON AS facts) fresh WHERE digest NOT IN "
            "(SELECT digest FROM environments WHERE digest IS NOT NULL)",
            [list(found), list(found.values())],
        )


def _advance(connection: DuckDBPyConnection, fresh: Sequence[Slice]) -> None:
    writers = [part.writer for part in fresh]
    names = [
        to_json({table: list(its) for table, its in part.mark.names.items()}) for part in fresh
    ]
    connection.execute("DELETE FROM folds WHERE writer IN (SELECT unnest(?::VARCHAR[]))", [writers])
    connection.execute(
        "INSERT INTO folds SELECT unnest(?::VARCHAR[]), unnest(?::BIGINT[]), unnest(?::BIGINT[]), "
        "unnest(?::VARCHAR[])",
        [
            writers,
            [part.mark.sequence for part in fresh],
            [part.mark.position for part in fresh],
            names,
        ],
    )


def keep_damaged(folder: Path, name: str, line: bytes) -> Path:
    """Keep a line that was set apart, once, in a file named as its journal; returns the file."""
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / name
    held = place.read_bytes() if place.exists() else b""
    if line not in held:
        write_durably(place, held + line)
    return place
