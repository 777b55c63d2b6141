"""The output of runs as git blobs, so that push can send it: one blob and one hidden ref a run.

Masked, and capped once more: the first half and the last. A log that is kept is not written again.
What a run used over time goes with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress

from xvc.core.secrets import mask_text
from xvc.git.snapshot import LOGS, USAGE
from xvc.project import Project
from xvc.system.output_log import shortened
from xvc.types import RunId

LARGEST = 1_000_000  # bytes of one log in git: 500 runs are at most half a GB, and pack well
_AT_ONCE = 50


def keep_logs(project: Project, runs: Iterable[RunId]) -> dict[str, str]:
    """Keep the logs that are here of runs that have ended as blobs; returns refs with objects.

    Raises:
        GitFailed: git could not.
    """
    git = project.git
    found = git.refs(LOGS)
    wanted = [run for run in dict.fromkeys(runs) if LOGS + run not in found]
    for part in _parts(wanted):
        held: dict[str, bytes] = {}
        for run in part:
            with suppress(OSError):
                content = (project.room.logs / f"{run}.log").read_bytes()
                masked = mask_text(content.decode("latin-1")).encode("latin-1")
                held[LOGS + run] = shortened(masked, LARGEST)
            with suppress(OSError):
                held[LOGS + run + USAGE] = (project.room.logs / f"{run}{USAGE}").read_bytes()
        if held:
            kept = git.keep_blobs(held, project.room.scratch)
            fresh = {ref: meta.split()[-1] for ref, meta in kept.items()}
            git.keep_all(fresh)
            found |= fresh
    return found


def _parts(runs: list[RunId]) -> Iterator[list[RunId]]:
    for start in range(0, len(runs), _AT_ONCE):
        yield runs[start : start + _AT_ONCE]
