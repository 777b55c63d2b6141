"""Counting what no version holds: the rows of each run that are in journals alone.

A journal goes when a version holds its rows; one that was still written then is counted from
where that version stops. Reads only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from xvc.errors import GitFailed, StoreBusy, StoreCorrupt, StoreFailed
from xvc.history.find import known_versions, versions, versions_by_run
from xvc.journal.folders import unheld_journals
from xvc.journal.reader import count_rows
from xvc.project import Project
from xvc.store import db, query
from xvc.store.fold import positions
from xvc.types import RunId


def unsaved(project: Project, *, apart_from: str | None = None) -> dict[RunId, int]:
    """Map each run of this tree that no version holds wholly to its rows outside any version.

    Rows of the table *apart_from* are not counted; their runs are named.
    """
    found = unheld_journals(project.room.journals)
    return rows_in(found, _saved(project), apart_from=apart_from) if found else {}


def taggable(project: Project, kept: Collection[RunId]) -> RunId | None:
    """Name the newest of the unsaved runs that a version would save.

    It has finished and has no version; None, too, where no versions can be made.
    """
    if not kept or project.place is None or project.dvc is None:
        return None
    tagged = versions_by_run(known_versions(project))
    with project.keeper.view() as connection:
        return query.newest_among(connection, kept, tagged)


def rows_in(
    paths: Iterable[Path],
    saved: Mapping[str, int] | None = None,
    *,
    apart_from: str | None = None,
) -> dict[RunId, int]:
    """Count the rows of each run in journals, behind the bytes that *saved* gives by writer."""
    counts: Counter[RunId] = Counter()
    for path in paths:
        start = (saved or {}).get(path.stem, 0)
        count_rows(path, start, counts, apart_from=apart_from)
    return dict(counts)


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
    except (GitFailed, StoreBusy, StoreCorrupt, StoreFailed):
        return {}  # counted as unsaved: the safe side
