"""Validating what was recorded: which checks apply to which table, and what they find.

Reads only. Every check answers: ok, found, or not applicable and why.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from xvc.core.human_units import counted
from xvc.core.model import TABLE as MODELS
from xvc.core.run import RunRecord
from xvc.database.queries import looking
from xvc.errors import NoColumn
from xvc.project import Project
from xvc.runs import run_checks
from xvc.runs.check_results import Check, Finding, Level, ValidationResult, first
from xvc.runs.code_fingerprint import fingerprints
from xvc.runs.renamed_keys import Key, Rename, Values, renames
from xvc.store import query, validation_queries
from xvc.store.columns import tables
from xvc.store.extract import held_table, need_table
from xvc.store.filter_sql import Field
from xvc.store.validation_queries import Filled
from xvc.types import RunId

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_SPLITS = ("split", "fold", "subset")
_KEYS = (
    *("id", "key", "sample_id", "example_id", "item_id", "record_id", "image_id", "doc_id"),
    *("document_id", "question_id", "uid", "uuid"),
)
_INPUTS = ("input", "inputs", "text", "prompt", "question", "sentence", "features", "content")
_CALL = ("function_name", "args", "kwargs", "error", "traceback", "cache", "function_result")
_PARTING = ("seed", "random_state", "repeat", "fold")


@dataclass(frozen=True, slots=True)
class ValidateRequest:
    """What to look at: a table or all; how its splits, its keys and its inputs are called."""

    table: str | None = None
    split: str | None = None
    key: str | None = None
    inputs: tuple[str, ...] = ()
    most: int = 3


@dataclass(frozen=True, slots=True)
class _Scene:
    """One table as the checks see it, and the runs by their ids."""

    connection: DuckDBPyConnection
    project: Project
    request: ValidateRequest
    table: str
    runs: dict[RunId, RunRecord]
    fields: list[Field] = field(default_factory=list)

    def column(self, *names: str) -> Field | None:
        """Find the column that has the first of these names, in another case if need be."""
        held = {each.label.lower(): each for each in self.fields}
        held |= {each.label: each for each in self.fields}
        found = (held.get(name, held.get(name.lower())) for name in names)
        return next((each for each in found if each), None)


def validate(project: Project, request: ValidateRequest) -> ValidationResult:
    """Check the runs and one event table, or all.

    Raises:
        NoTable: there is no such table.
        NoColumn: no table that is checked has a column that was named.
    """
    with looking(project) as connection:
        if request.table is not None:
            need_table(connection, request.table)
        names = [held_table(connection, request.table)] if request.table else _own(connection)
        records = {run.id: run for run in query.newest(connection)}
        total = query.count(connection)
        scenes = [
            _Scene(
                connection=connection,
                project=project,
                request=request,
                table=name,
                runs=records,
                fields=validation_queries.logged(connection, name),
            )
            for name in names
            if name is not None
        ]
        _need_columns(request, scenes)
        made = [_of_table(scene) for scene in scenes]
        if request.table is not None:
            of_table = validation_queries.runs_of(connection, scenes[0].table)
            records = {run: record for run, record in records.items() if run in of_table}
            total = len(records) if total <= query.MANY else total
        in_tables = {each.label for scene in scenes for each in scene.fields}
        size = counted(len(records), "run")
        if total > len(records):
            size = f"the newest {query.MANY:,} of {total:,} runs"
        of_runs = _of_runs(project, list(records.values()), in_tables, made, request.most, size)
    return ValidationResult((*of_runs, *(check for its, _ in made for check in its)))


def _own(connection: DuckDBPyConnection) -> list[str]:
    """List the tables of the user's: what was promoted is a record of xvc's."""
    return [name for name in tables(connection) if name != MODELS]


def _need_columns(request: ValidateRequest, scenes: Sequence[_Scene]) -> None:
    known = tuple(dict.fromkeys(each.label for scene in scenes for each in scene.fields))
    for name in (request.split, request.key, *request.inputs):
        if name is not None and name not in known:
            raise NoColumn(name, known)


def _of_runs(
    project: Project,
    runs: Sequence[RunRecord],
    in_tables: set[str],
    made: Sequence[tuple[list[Check], set[str]]],
    most: int,
    size: str,
) -> list[Check]:
    if not runs:
        why = "no run is recorded"
        return [Check(name, None, why_not=why) for name in ("failures", "duplicates", "params")]
    code = fingerprints(project, runs)
    renamed = {name for _, names in made for name in names}
    keys = _keys_of_runs([run for run in runs if run.command], in_tables)
    drift = [_renamed(pair, None) for its in keys for pair in renames(its)]
    renamed |= {pair.old.name for its in keys for pair in renames(its)}
    return [
        Check("failures", None, run_checks.failures(runs, most), looked_at=size),
        Check(
            name="duplicates",
            table=None,
            findings=run_checks.duplicates(runs, code, most),
            why_not="" if code else "the code of no run is recorded",
            looked_at=size,
        ),
        Check("params", None, run_checks.missing_params(runs, renamed, most), looked_at=size),
        Check("drift", None, tuple(drift), looked_at=size),
    ]


def _keys_of_runs(runs: Sequence[RunRecord], in_tables: set[str]) -> list[list[Key]]:
    """Tell where params and metrics that are in no table begin and end, script by script."""
    found = []
    for its in _by_script(runs):
        for side in ([run.params for run in its], [run.metrics for run in its]):
            names = {name for held in side for name in held} - in_tables
            made = []
            for name in sorted(names):
                places = [place for place, held in enumerate(side) if name in held]
                numbers = [held[name] for held in side if name in held]
                kind = "number" if all(map(_is_number, numbers)) else "other"
                made.append(Key(name, kind, places[0], places[-1]))
            found.append(made)
    return found


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _by_script(runs: Iterable[RunRecord]) -> list[list[RunRecord]]:
    scripts: dict[str, list[RunRecord]] = {}
    for run in sorted(runs, key=lambda run: (run.started or 0, run.id)):
        scripts.setdefault(run_checks.script_of(run.command), []).append(run)
    return list(scripts.values())


def _of_table(scene: _Scene) -> tuple[list[Check], set[str]]:
    """Make the checks of a table; returns the keys that have a new name, too."""
    held = list(validation_queries.filled(scene.connection, scene.table, scene.fields))
    rows = held[0].rows if held else 0
    if not rows:
        return [Check("rows", scene.table, why_not="the table has no rows")], set()
    drift = _drift(scene, held)
    size = counted(rows, "row")
    made: list[tuple[str, Callable[[], tuple[tuple[Finding, ...], str]]]] = [
        ("leaks", lambda: _leaks(scene)),
        ("errors", lambda: _row_errors(scene)),
        ("drift", lambda: (tuple(_renamed(pair, scene.table) for pair in drift), "")),
        ("columns", lambda: (_columns(scene, held), "")),
        ("cache", lambda: _cache(scene)),
    ]
    found = [Check(name, scene.table, *look(), looked_at=size) for name, look in made]
    return found, {pair.old.name for pair in drift}


def _leaks(scene: _Scene) -> tuple[tuple[Finding, ...], str]:
    request = scene.request
    split = scene.column(request.split) if request.split else scene.column(*_SPLITS)
    if split is None:
        return (), "no column is called split, fold or subset; --by names another"
    key = scene.column(request.key) if request.key else scene.column(*_KEYS)
    inputs = [each for name in request.inputs or _INPUTS if (each := scene.column(name))]
    inputs = [each for each in inputs if request.inputs or not each.is_number]
    asked = [("key", [key])] if key else []
    asked += [
        ("content", [each])
        for each in inputs
        if validation_queries.has_several(scene.connection, scene.table, each)
    ]
    if not asked and not inputs:
        return (), "no column is known as key or input; --key and --inputs name them"
    within: list[Field | str] = [
        each for name in _PARTING if (each := scene.column(name)) and each != split
    ]
    if validation_queries.has_split_runs(scene.connection, scene.table, split):
        within.insert(0, "track_id")  # another run may have split the same data otherwise
    found = []
    for what, columns in asked:
        its = validation_queries.leaks(
            scene.connection, scene.table, split, columns, within, scene.request.most
        )
        if its.count:
            found.append(_leak(what, columns, split, its))
    return tuple(found), ""


def _leak(
    what: str, columns: Sequence[Field], split: Field, its: validation_queries.Leaks
) -> Finding:
    names = ", ".join(each.label for each in columns)
    things = {"key": "key", "content": "input"}[what]
    says = f"{counted(its.count, things)} ({names}) in more than one {split.label}"
    lines = [f"{value}: {splits}" for value, splits in its.examples]
    shown = first(lines, len(lines))
    more = (f"… {its.count - len(lines)} more",) if its.count > len(lines) else ()
    step = f"xvc db sql {shlex.quote(its.question)}"
    return Finding(Level.PROBLEM, says, its.count, (*shown, *more), step)


def _row_errors(scene: _Scene) -> tuple[tuple[Finding, ...], str]:
    error = scene.column("error")
    if error is None:
        return (), "no column is called error"
    found = validation_queries.row_errors(scene.connection, scene.table, error)
    if not found:
        return (), ""
    count = sum(times for _, times, _ in found)
    lines = [f"{text} ({counted(times, 'row')}, run {run})" for text, times, run in found]
    says = f"{counted(count, 'row')} failed, for {counted(len(found), 'reason')}"
    step = f"xvc db head --table {shlex.quote(scene.table)} --where \"{error.label} != ''\""
    return (Finding(Level.PROBLEM, says, count, first(lines, scene.request.most), step),), ""


def _drift(scene: _Scene, held: Sequence[Filled]) -> list[Rename]:
    own = [each for each in held if each.field.label not in _CALL]
    has = validation_queries.presence(scene.connection, scene.table, [each.field for each in own])
    found = []
    for its in _by_script(run for run in scene.runs.values() if run.id in has):
        keys = []
        for each in own:
            name = each.field.label
            places = [place for place, run in enumerate(its) if name in has[run.id]]
            if places:
                keys.append(_key(each, places[0], places[-1]))
        found += renames(keys)
    return found


def _key(each: Filled, begins: int, ends: int) -> Key:
    kind = "number" if each.field.is_number else each.field.type
    values = None
    if each.mean is not None and each.deviation is not None:
        values = Values(each.mean, each.deviation)
    return Key(name=each.field.label, kind=kind, first=begins, last=ends, values=values)


def _renamed(pair: Rename, table: str | None) -> Finding:
    old, new = pair.old.name, pair.new.name
    says = f"{old!r} ended where {new!r} began: likely its new name ({pair.score:.0%})"
    of = f" --table {shlex.quote(table)}" if table else ""
    step = f"xvc db columns{of} --columns {shlex.quote(f'{old},{new}')}" if table else "xvc ls"
    return Finding(Level.PROBLEM, says, 1, (), step)


def _columns(scene: _Scene, held: Sequence[Filled]) -> tuple[Finding, ...]:
    params = {key for run in scene.runs.values() for key in run.params}
    own = [each for each in held if each.field.label not in _CALL]
    blank = [each.field.label for each in own if each.blank == each.rows]
    same = [
        each.field.label
        for each in own
        if each.is_constant and each.blank < each.rows and each.field.label not in params
    ]
    found, most = [], scene.request.most
    of = f"--table {shlex.quote(scene.table)}"
    if blank:
        says = f"{counted(len(blank), 'key')} without any value: all rows are null, NaN or empty"
        step = f"xvc db columns {of}"
        found.append(Finding(Level.PROBLEM, says, len(blank), first(blank, most), step))
    if same:
        says = f"{counted(len(same), 'key')} with one value in all rows"
        step = f"xvc db describe {of}"
        found.append(Finding(Level.NOTE, says, len(same), first(same, most), step))
    return tuple(found)


def _cache(scene: _Scene) -> tuple[tuple[Finding, ...], str]:
    cache = scene.column("cache")
    if cache is None or cache.type not in ("VARCHAR", "NULL"):
        return (), "no cached function was tracked"
    use = validation_queries.cache_use(scene.connection, scene.table, cache)
    if not use.hits:
        return (), "" if use.computed else "no cached function was tracked"
    others = [hit for hit in use.hits if hit[0] != hit[1]]
    involved = {run for own, source, _ in others for run in (own, source)}
    runs = {run.id: run for run in query.by_ids(scene.connection, sorted(involved))}
    code = fingerprints(scene.project, list(runs.values()))
    unknown, odd, hits = list[str](), list[str](), 0
    for own, source, count in others:
        if source not in runs:
            unknown.append(f"{own} took {counted(count, 'result')} of {source}")
            continue
        differs = _differences(runs[own], runs[source]) if own in runs else []
        differs += ["code"] if code.get(own) != code.get(source) else []
        if differs:
            hits += count
            what = ", ".join(differs)
            odd.append(f"{own} took {counted(count, 'result')} of {source}: other {what}")
    return _told_cache(unknown, odd, hits, scene.request.most), ""


def _told_cache(
    unknown: Sequence[str], odd: Sequence[str], hits: int, most: int
) -> tuple[Finding, ...]:
    found = []
    if unknown:
        says = f"{counted(len(unknown), 'run')} took cached results of runs that are not recorded"
        step = "xvc cache ls"
        found.append(Finding(Level.PROBLEM, says, len(unknown), first(unknown, most), step))
    if odd:
        says = f"{counted(hits, 'cached result')} came from runs of other code or params"
        found.append(Finding(Level.NOTE, says, hits, first(odd, most), "xvc cache ls"))
    return tuple(found)


def _differences(own: RunRecord, source: RunRecord) -> list[str]:
    keys = sorted({*own.params, *source.params})
    return [key for key in keys if own.params.get(key) != source.params.get(key)]
