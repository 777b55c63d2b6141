"""What a run uses over time: kept beside its output while it goes on, read for its page."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from xvc.core.run import ResourceUsage
from xvc.core.usage_series import UsageLook, UsageSeries, series_from
from xvc.git.snapshot import LOGS, USAGE
from xvc.project import Project
from xvc.types import RunId

_FEW = 3  # looks that make a curve: of a run of two seconds nothing is kept


def usage_file(project: Project, run: RunId) -> Path:
    """Name the file that a run's figures of use are in, on the machine where it was made."""
    return project.room.logs / f"{run}{USAGE}"


class UsageKeeper:
    """Writes a run's series of looks, each time that there is another; at most a few kB."""

    def __init__(self, path: Path) -> None:
        self._path, self._series = path, UsageSeries()

    def take(self, seconds: float, usage: ResourceUsage) -> None:
        """Add a look. A disk that refuses is no reason to end anything: figures are lost then."""
        is_longer = self._series.add(UsageLook.of(seconds, usage))
        if not is_longer or len(self._series.looks) < _FEW:
            return
        fresh = self._path.with_name(f"{self._path.name}.new")
        with suppress(OSError):
            fresh.write_text(json.dumps(self._series.facts(), separators=(",", ":")))
            fresh.replace(self._path)


def looks_of(project: Project, run: RunId) -> list[UsageLook]:
    """Read what a run used over time: here, or as another clone pushed it; nothing where it is not.

    What lies there and is no series counts as nothing.
    """
    content = b""
    path = usage_file(project, run)
    if path.is_file():
        with suppress(OSError):
            content = path.read_bytes()
    elif project.place is not None:
        ref = LOGS + run + USAGE
        name = project.git.refs(ref).get(ref)
        content = project.git.call("cat-file", "blob", name) if name else b""
    try:
        return series_from(json.loads(content or b"null"))
    except (ValueError, RecursionError):
        return []
