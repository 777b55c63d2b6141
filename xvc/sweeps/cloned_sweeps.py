"""Sweeps that were begun in another clone: told by their runs, in whichever store at hand has them.

What a sweep was asked for travels with the runs, among the facts that many of them share. Only
where it was begun it can go on: code, points and notes of it are there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from xvc.core.record import RecordKind
from xvc.core.run import RunRecord, Status
from xvc.core.sweep import Sweep, SweepRequest, Trial, told_by_runs_alone
from xvc.core.trial_names import trial_of
from xvc.errors import AmbiguousRun, ConflictError, error
from xvc.history.other_stores import other_stores
from xvc.project import Project
from xvc.recording.begin_run import open_journal
from xvc.recovery.lost_runs import opened
from xvc.store import query
from xvc.sweeps.sweep_folder import BadNote, Folder, NoSweep, load_sweep, sweep_named
from xvc.types import Json

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_MARK = "sweep:"
_LONGEST = 100_000  # characters of a space; of a longer one the params are told, not their values


@error("sweep-elsewhere")
class SweepElsewhere(ConflictError):
    """A sweep was begun in another clone, and cannot go on here."""

    name: str
    trials: int
    total: int
    says = "sweep {name} was begun in another clone; {trials} of its {total} trials have runs here"
    way = "Call this where it was begun; here `xvc sweep show {name}` shows its trials."


@dataclass(frozen=True, slots=True)
class ClonedSweep:
    """A sweep by its runs: what it was asked for, its trials by number, the store they are in.

    ``where`` is None for the store of this tree.
    """

    sweep: Sweep
    trials: dict[int, Trial]
    where: str | None = None


def remember(home: Project, sweep: Sweep) -> None:
    """Have what a sweep was asked for go wherever its runs go.

    Raises:
        JournalFailed: it cannot be written.
    """
    journal = open_journal(home)
    try:
        facts: dict[str, Json] = {"digest": _MARK + sweep.id, "facts": _shared(sweep)}
        journal.note(RecordKind.ENVIRONMENT, None, facts)
    finally:
        journal.close()


def _shared(sweep: Sweep) -> dict[str, Json]:
    """Write what is true of it in every clone; where it ran and how it was sent there is not."""
    request = sweep.request
    asked = SweepRequest(
        request.space,
        request.command,
        sampler=request.sampler,
        style=request.style,
        metric=request.metric,
        direction=request.direction,
        refs=request.refs,
        seed=request.seed,
        signs=request.signs,
    )
    facts = replace(sweep, root="", codes={}, request=asked).facts
    said = cast("dict[str, Json]", facts["wish"])
    if len(json.dumps(said["space"])) > _LONGEST:
        said["space"] = {key: {"choices": []} for key in request.space}
    return facts


def sweep_here(project: Project, name: str | None) -> tuple[Sweep, Folder]:
    """Find a sweep that can go on here, by the beginning of its id; the last one without.

    Raises:
        NoSweep: there is none.
        SweepElsewhere: it was begun in another clone.
        AmbiguousRun: several begin so.
        BadNote: it cannot be read.
    """
    try:
        return sweep_named(project, name)
    except NoSweep:
        found = find_cloned(project, name)
        if found is None:
            raise
    raise SweepElsewhere(found.sweep.id, len(found.trials), found.sweep.total)


def find_cloned(project: Project, name: str | None) -> ClonedSweep | None:
    """Find a sweep by what its runs tell, in this tree's store or any other; the last without name.

    One that no run is of was refused before any trial could begin, and is none.

    Raises:
        AmbiguousRun: several begin so.
    """
    for where, connection in _stores(project):
        known = _known(connection, name or "")
        if name is not None and len(known) > 1:
            raise AmbiguousRun(name, tuple(sorted(known)))
        for sweep in sorted(known.values(), key=lambda each: each.created, reverse=True):
            if runs := query.named_below(connection, f"{sweep.id}/"):
                return ClonedSweep(sweep, _trials(sweep, runs), where)
    return None


def told_ids(project: Project) -> list[str]:
    """List the sweeps that this tree's store tells of, the newest last."""
    with project.keeper.view() as connection:
        known = _known(connection, "")
    return sorted(known, key=lambda name: known[name].created)


def sweep_of(project: Project, run: RunRecord) -> str | None:
    """Say of which sweep a run is a trial; None of one that is none, or is not known."""
    trial = trial_of(run.name)
    if trial is None or "/" in trial[0]:
        return None
    sweep_id, number = trial
    with suppress(BadNote, NoSweep):  # a version does not depend on it
        return load_sweep(project, sweep_id).told_of(number)
    with project.keeper.view() as connection:
        sweep = _known(connection, sweep_id).get(sweep_id)
    return sweep.told_of(number) if sweep is not None else None


def _stores(project: Project) -> Iterator[tuple[str | None, DuckDBPyConnection]]:
    with opened(project) as connection:
        yield None, connection
    for other in other_stores(project):
        yield other.where, other.connection


def _known(connection: DuckDBPyConnection, beginning: str) -> dict[str, Sweep]:
    found: dict[str, Sweep] = {}
    for facts in query.shared_facts(connection, _MARK + beginning).values():
        with suppress(KeyError, ValueError, TypeError):  # of a later xvc, or edited by hand
            sweep = Sweep.from_facts(cast("dict[str, Json]", facts))
            found[sweep.id] = sweep
    return found


def _trials(sweep: Sweep, runs: list[RunRecord]) -> dict[int, Trial]:
    by_number: dict[int, list[RunRecord]] = {}
    for run in runs:
        trial = trial_of(run.name)
        if trial is not None and trial[0] == sweep.id:
            by_number.setdefault(trial[1], []).append(run)
    return {number: _trial(sweep, number, by_number[number]) for number in sorted(by_number)}


def _trial(sweep: Sweep, number: int, runs: list[RunRecord]) -> Trial:
    """Tell of a trial what its runs do; their params are those that were used."""
    newest = max(runs, key=lambda run: (run.status is Status.FINISHED, run.started or 0))
    params = {key: newest.params[key] for key in sweep.request.space if key in newest.params}
    trial = Trial(number, params, attempts=len(runs))
    return told_by_runs_alone(trial, runs, sweep.request.metric)
