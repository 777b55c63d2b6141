"""What the page looks at to see that something was written: sizes and times, no contents."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from xvc.dvc.repository import pointer_of
from xvc.page.live import Stamp, stamp
from xvc.project import Project
from xvc.runs.usage_over_time import usage_file
from xvc.types import RunId

RUNS, REFS, LOGS, USES = "runs", "refs", "logs", "usage"


def look_at(project: Project, running: Sequence[RunId]) -> dict[str, Stamp]:
    """Look at a project: its journals and store, its refs, what runs that go on print and use."""
    room, place = project.room, project.place
    refs: Stamp = ()
    if place is not None:
        heads = (place.folder / "HEAD", place.common / "packed-refs")
        refs = _folders(place.common / "refs") + stamp(*heads)
    return {
        RUNS: stamp(room.journals, pointer_of(project.store_path)),
        REFS: refs,
        LOGS: stamp(*(room.logs / f"{run}.log" for run in running)),
        USES: stamp(*(usage_file(project, run) for run in running)),
    }


def _folders(root: Path) -> Stamp:
    """Note the times of folders: a ref that is written is a file renamed into one.

    Left out are the code of runs: it says nothing that their journals do not.
    """
    found = []
    for folder, below, _ in os.walk(root):
        if os.path.basename(folder) == "xvc":
            below.clear()
        found.append((folder, 0, os.stat(folder).st_mtime_ns))
    return tuple(found)
