"""The runs as they were last read, so that a look at ten thousand reads only what has changed.

One for the whole server, whoever visits: it holds records and no more, and is brought up to date
whenever somebody asks.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from xvc.core.run import RunRecord, Status
from xvc.history.find import known_versions, versions_by_run
from xvc.page.file_watch import look_at
from xvc.page.live import Stamp, stamp
from xvc.project import Project
from xvc.recovery.lost_runs import opened
from xvc.reports.many_curves import CurveKeys, keys_with_curves
from xvc.store import query
from xvc.types import RunId

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True, slots=True)
class HeldRuns:
    """All runs, newest first, their versions, and at which revision each was last another."""

    runs: list[RunRecord] = field(default_factory=list)
    versions: dict[RunId, str] = field(default_factory=dict)
    since: dict[RunId, int] = field(default_factory=dict)
    gone: dict[RunId, int] = field(default_factory=dict)
    revision: int = 0
    shape: int = 0
    """Counts the changes of which runs there are, their keys and their states."""
    logged: CurveKeys = field(default_factory=CurveKeys)
    """The keys that have curves."""

    def after(self, revision: int) -> list[RunRecord]:
        """List the runs that have changed after a revision."""
        return [run for run in self.runs if self.since[run.id] > revision]

    def running(self) -> list[RunId]:
        """List the runs that are going on."""
        return [run.id for run in self.runs if run.status is Status.RUNNING]


class RunTable:
    """Reads runs, and keeps them until they change."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._marks: dict[RunId, int] = {}
        self._seen: tuple[Stamp, ...] | None = None
        self.held = HeldRuns()

    @property
    def is_filled(self) -> bool:
        """Whether it was ever read."""
        return self.held.revision > 0

    def read(self, project: Project) -> HeldRuns:
        """Read what has changed, and return all; where nothing was written, nothing is opened."""
        with self._lock:
            seen = (*look_at(project, ()).values(), stamp(project.store_path))
            if seen == self._seen and not self.held.running():
                return self.held
            with opened(project) as connection:
                marks = query.marks(connection)
                changed = [run for run, mark in marks.items() if self._marks.get(run) != mark]
                fresh = {run.id: run for run in _read(connection, changed, len(marks))}
                logged = keys_with_curves(connection)
            tagged = versions_by_run(known_versions(project)) if marks else {}
            self.held = replace(self._next(marks, fresh, tagged), logged=logged)
            self._marks, self._seen = marks, seen
            return self.held

    def _next(
        self, marks: dict[RunId, int], fresh: dict[RunId, RunRecord], tagged: dict[RunId, str]
    ) -> HeldRuns:
        old = self.held
        was = {run.id: run for run in old.runs}
        renamed = {run for run in marks if tagged.get(run) != old.versions.get(run)}
        lost = was.keys() - marks.keys()
        if not (fresh or renamed or lost) and old.revision:
            return old
        now = old.revision + 1
        since = {run: now if run in fresh or run in renamed else old.since[run] for run in marks}
        gone = {run: at for run, at in old.gone.items() if run not in marks}
        runs = [fresh.get(run) or was[run] for run in marks]
        is_alike = not lost and all(run in was and _is_alike(was[run], fresh[run]) for run in fresh)
        shape = old.shape if is_alike and old.revision else now
        return HeldRuns(
            runs=runs,
            versions=tagged,
            since=since,
            gone=gone | dict.fromkeys(lost, now),
            revision=now,
            shape=shape,
        )


def _is_alike(old: RunRecord, new: RunRecord) -> bool:
    """Whether only values have changed: a run goes on, and logs what it has logged before."""
    return (old.status, old.is_discarded, old.metrics.keys(), old.params.keys()) == (
        *(new.status, new.is_discarded, new.metrics.keys(), new.params.keys()),
    )


def _read(connection: DuckDBPyConnection, changed: Sequence[RunId], of: int) -> list[RunRecord]:
    if not changed:
        return []
    return query.all_runs(connection) if len(changed) == of else query.by_ids(connection, changed)
