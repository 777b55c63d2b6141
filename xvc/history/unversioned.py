"""Counting what no version holds: the rows of each run that are in journals alone.

A journal goes when a version holds its rows; one that was still written then is counted from
where that version stops. Reads only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from xvc.core.run import RunRecord, Status
from xvc.errors import GitFailed, StoreBusy, StoreCorrupt
from xvc.history.find import known_versions, versions, versions_by_run
from xvc.journal.codec import CONTROL
from xvc.journal.folders import unheld_journals
from xvc.project import Project
from xvc.store import db
from xvc.store.fold import positions
from xvc.types import RunId

_RUN = re.compile(rb'"r":"([a-z0-9]{12})"')


def unsaved(project: Project) -> dict[RunId, int]:
    """Map each run of this tree that no version holds wholly to its rows outside any version."""
    found = unheld_journals(project.room.journals)
    return rows_in(found, _saved(project)) if found else {}


def taggable(
    project: Project, records: Iterable[RunRecord], kept: Mapping[RunId, int]
) -> RunId | None:
    """Name the first of *records*, newest first, that is unsaved and that a version would save.

    It has finished and has no version; None, too, where no versions can be made.
    """
    if not kept or project.place is None or project.dvc is None:
        return None
    tagged = versions_by_run(known_versions(project))
    done = (run.id for run in records if run.status is Status.FINISHED and run.id in kept)
    return next((run for run in done if run not in tagged), None)


def rows_in(paths: Iterable[Path], saved: Mapping[str, int] | None = None) -> dict[RunId, int]:
    """Count the rows of each run in journals, behind the bytes that *saved* gives by writer."""
    counts: dict[RunId, int] = {}
    for path in paths:
        with path.open("rb") as file:
            file.seek((saved or {}).get(path.stem, 0))
            for line in file:
                name = _RUN.search(line)
                if name is not None:
                    run = RunId(name[1].decode())
                    is_row = line.endswith(b"\n") and not line.startswith(CONTROL)
                    counts[run] = counts.get(run, 0) + is_row
    return counts


def _saved(project: Project) -> dict[str, int]:
    """How far each journal is in the version that the pointer names."""
    pointer, dvc = project.keeper.pointer, project.dvc
    if pointer is None or dvc is None or not dvc.holds(pointer.digest):
        return {}
    try:
        if all(info.message.store != pointer.digest for info in versions(project)):
            return {}
        with db.reading(dvc.place(pointer.digest)) as connection:
            return positions(connection)
    except (GitFailed, StoreBusy, StoreCorrupt):
        return {}  # counted as unsaved: the safe side
