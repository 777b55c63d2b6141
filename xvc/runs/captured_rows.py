"""Rows that a run prints, beside those that its own `Tracker` logs.

A script that logs ``accuracy`` may print it, too, rounded or in per cent. One key of one run has
one meaning, so what the script logs counts, and what it prints of that key is not recorded.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from xvc.core.human_units import counted, few_of
from xvc.mirrors.rows import Tails
from xvc.runs.printed_metrics import LineMetrics
from xvc.runs.printed_names import PROGRESS
from xvc.types import Json, RunId

_PAUSE = 0.2  # seconds between looks at what the run logs, once the keys of a line are known
_PROGRESS = frozenset(PROGRESS.values())


class CapturedRows:
    """Reads rows from a run's output, and lets those pass whose keys the run does not log itself.

    The first row of a key waits for the next one, or for the end: a loop prints and logs in either
    order, and by then it has done both once.

    Args:
        journals: the folder into which the run's processes write what they log.
        run: its id.
        patterns: how metrics are printed, beside the usual ways.
    """

    def __init__(self, journals: Path, run: RunId, patterns: Sequence[re.Pattern[str]]) -> None:
        self._reader = LineMetrics(loose=True, patterns=patterns)
        self._tails = Tails(journals, run, Path())
        self._known: set[str] = set()
        self._waiting: list[Mapping[str, Json]] = []
        self._logged: set[str] = set()
        self._dropped: set[str] = set()
        self._looked = 0.0

    def feed(self, chunk: bytes) -> Iterator[Mapping[str, Json]]:
        """Take a piece of output; returns the rows to record now, in the order of their lines."""
        yield from self._passing(self._reader.feed(chunk))

    def close(self) -> Iterator[Mapping[str, Json]]:
        """Return the rows that have waited, and look no more."""
        yield from self._passing(self._reader.close())
        yield from self._rest()
        self._tails.close()

    def warnings(self) -> list[str]:
        """Say what was not read, and what was read and not recorded."""
        reader, told = self._reader, list[str]()
        if not reader.found:
            told.append(
                f"--capture read no metric in {counted(reader.lines, 'line')} of output; "
                "`--capture-pattern 'REGEX'` says how they are printed"
            )
        if reader.unread:
            told.append(
                f"--capture has not recorded {few_of(sorted(reader.unread))}: nothing says that "
                "they are metrics; `--capture-pattern 'REGEX'` does"
            )
        if reader.mixed:
            told.append(
                f"{few_of(sorted(reader.mixed))} was printed in several units; what is not in the "
                "unit of the first is not recorded"
            )
        if self._dropped:
            told.append(
                f"the run logs {few_of(sorted(self._dropped))} itself, so what it prints of that "
                "is not recorded"
            )
        return told

    def _passing(self, rows: Iterable[Mapping[str, Json]]) -> Iterator[Mapping[str, Json]]:
        for row in rows:
            is_due = bool(self._waiting) or time.monotonic() > self._looked + _PAUSE
            self._waiting.append(row)
            if row.keys() <= self._known:
                yield from self._rest(looks=is_due)
            self._known |= row.keys()

    def _rest(self, *, looks: bool = True) -> Iterator[Mapping[str, Json]]:
        waiting, self._waiting = self._waiting, []
        if waiting and looks:
            self._look()
        for row in waiting:
            own = row.keys() & self._logged - _PROGRESS
            self._dropped |= own
            kept = {key: value for key, value in row.items() if key not in own}
            if kept.keys() - _PROGRESS or not own:
                yield kept

    def _look(self) -> None:
        """Learn which keys the run's own processes have logged by now."""
        has_more = True
        while has_more:
            fresh = self._tails.read()
            self._logged |= {key for row in fresh.rows for key in row.values}
            has_more = fresh.has_more
        self._looked = time.monotonic()
