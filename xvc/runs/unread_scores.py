"""Scores of a run without metrics: what it printed or wrote that nothing has read as metrics.

Reads, and records nothing: a person says with a setting or an option what is a metric.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from itertools import product
from pathlib import Path

from xvc.errors import XvcError
from xvc.project import Project
from xvc.recording.metric_sources import read_metrics
from xvc.runs.request import RunRequest
from xvc.runs.run import Ran
from xvc.types import Json

_LOOKED_AT = 1 << 14  # bytes at the end of a log: the last lines say how it went
_SMALL = 1 << 20  # bytes of a file of metrics
_CUSTOMARY = tuple(
    f"{name}.{ending}"
    for name, ending in product(
        ("metrics", "scores", "results", "eval"), ("json", "yaml", "yml", "toml")
    )
)


def printed_scores(ran: Ran, request: RunRequest) -> dict[str, int | float]:
    """Say which scores the command has printed at its end, where the run has no metric at all.

    Raises:
        OSError: the log cannot be read.
    """
    record = ran.record
    if request.captures or record.metrics or record.log is None:
        return {}
    with open(record.log, "rb") as log:
        log.seek(max(0, log.seek(0, os.SEEK_END) - _LOOKED_AT))
        end = log.read()
    if not any(digit in end for digit in b"0123456789"):
        return {}
    from xvc.runs.printed_metrics import judged  # late: it compiles many patterns

    return judged(end)


def written_scores(
    project: Project, ran: Ran, request: RunRequest
) -> tuple[str, dict[str, int | float]] | None:
    """Name a file with numbers that the run wrote and no setting names, where it has no metric.

    Known are customary names, as ``metrics.json``, in the folder of the run and at the root.

    Returns:
        Its path from the project's root, and the numbers in it by key; None where there is none.
    """
    started = ran.record.started
    if ran.record.metrics or started is None:
        return None
    for folder in dict.fromkeys((project.root, request.folder)):
        for name in _CUSTOMARY:
            path = folder / name
            if not _is_written(path, started) or project.way_out(path) is not None:
                continue
            values: dict[str, Json] = {}
            with suppress(XvcError, OSError):  # nobody said that metrics are in it
                values = read_metrics(path)
            numbers = {
                key: value for key, value in values.items() if isinstance(value, int | float)
            }
            if numbers:
                return os.path.relpath(path, project.root), numbers
    return None


def _is_written(path: Path, started: int) -> bool:
    """Whether a small file was written since; a large one costs more than this word is worth."""
    try:
        facts = path.stat()
    except OSError:
        return False
    is_small = stat.S_ISREG(facts.st_mode) and facts.st_size <= _SMALL
    return is_small and facts.st_mtime_ns >= started
