"""Mirroring a run while it goes on: a thread follows the journals and hands batches to a sink.

`log` does nothing more than without it: the journal on the disk is the queue. At most so much is
read at once, so a sink that is slower than the run falls behind, and the run never waits for it.
What was not sent when the run ends, within a few seconds, or because the sink fails, is sent by
``xvc mirror --resume``; a warning says so once.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from xvc.mirrors import sink_kind
from xvc.mirrors.ledger import Ledger, Ledgers
from xvc.mirrors.rows import Fresh, Tails, numbers_of, step_of
from xvc.mirrors.sink import MirrorRow, Sink, lack_in_words

INTERVAL = 0.5
PATIENCE = 5.0
"""Seconds between two looks, and seconds that the end of a run waits for what is not sent yet."""

_TRIES = 3
_KEEP_GOING = 0.01


class Mirror:
    """Mirrors one run to one sink until `close`.

    Args:
        ledgers: where it is noted what was sent.
        ledger: of this run and sink; this process's.
        tails: what is logged.
        warn: called once, from the thread, with what went wrong.
    """

    def __init__(
        self, ledgers: Ledgers, ledger: Ledger, tails: Tails, warn: Callable[[str], None]
    ) -> None:
        self._ledgers, self._ledger, self._tails, self._warn = ledgers, ledger, tails, warn
        self._ending, self._status = threading.Event(), ""
        self._pid = os.getpid()
        self._thread = threading.Thread(target=self._work, name="xvc-mirror", daemon=True)
        self._thread.start()

    def close(self, status: str = "", patience: float = PATIENCE) -> None:
        """Send what is left, for *patience* seconds; with *status* the run has ended so."""
        if os.getpid() != self._pid:
            return  # the thread stayed with the parent
        self._status = status
        self._ending.set()
        self._thread.join(patience)
        if self._thread.is_alive():
            self._say("it has not answered in time")

    def _work(self) -> None:
        sink: Sink | None = None
        try:
            sink = sink_kind(self._ledger.sink).open(self._ledger.options)
            self._ledger.remote = sink.begin(self._ledger.mirrored, self._ledger.remote)
            self._ledgers.save(self._ledger)
            self._follow(sink)
        except Exception as err:  # noqa: BLE001 - nothing of another tool may stop a run
            self._say(lack_in_words(self._ledger.sink, err))
            self._leave(sink)
        finally:
            self._tails.close()

    def _follow(self, sink: Sink) -> None:
        pause, is_last = INTERVAL, False
        while not is_last:
            is_last = self._ending.wait(pause)
            fresh = self._tails.read()
            send(sink, self._ledgers, self._ledger, fresh, self._ending)
            pause = _KEEP_GOING if fresh.has_more else INTERVAL
            is_last = is_last and not fresh.has_more
        sink.end(self._status or None)
        if self._status:
            self._ledgers.forget(self._ledger)
        else:
            self._ledgers.leave(self._ledger)

    def _leave(self, sink: Sink | None) -> None:
        try:
            self._ledgers.leave(self._ledger)
            if sink is not None:
                sink.end(None)
        except Exception:  # noqa: BLE001, S110 - it failed before, and that was said
            pass

    def _say(self, words: str) -> None:
        said, self._warn = self._warn, lambda _: None
        said(
            f"{self._ledger.sink} does not get all of run {self._ledger.run} now ({words}); "
            "nothing is lost, `xvc mirror --resume` sends the rest"
        )


def send(
    sink: Sink, ledgers: Ledgers, ledger: Ledger, fresh: Fresh, ending: threading.Event | None
) -> int:
    """Hand params and rows to a sink, try again where it fails, and note what it took.

    Returns how many rows it took.
    """
    if fresh.params:
        _try(lambda: sink.params(fresh.params), ending)
        ledger.numbers |= numbers_of(fresh.params)
    new = [row for row in fresh.rows if ledger.is_new(row.writer, row.sequence)]
    before = {writer: list(sent) for writer, sent in ledger.sent.items()}
    rows = []
    for row in new:
        place = ledger.count(row.writer, row.sequence)
        values = {k: v for k, v in row.values.items() if ledger.numbers.get(k) != v}
        if values:
            rows.append(MirrorRow(step_of(values, place), row.at, values))
    try:
        if rows:
            _try(lambda: sink.rows(rows), ending)
    except BaseException:
        ledger.sent = before
        raise
    if new:
        ledgers.save(ledger)
    return len(rows)


def _try(call: Callable[[], object], ending: threading.Event | None) -> None:
    for left in reversed(range(_TRIES)):
        try:
            call()
        except Exception:
            if not left or ending is None or ending.wait(INTERVAL * (_TRIES - left)):
                raise
        else:
            return


def begin_mirrors(
    room: Path,
    journal: Path,
    run: tuple[str, str | None, str],
    sinks: Mapping[str, Mapping[str, object]],
    warn: Callable[[str], None],
) -> list[Mirror]:
    """Begin to mirror a run to each of the sinks.

    Args:
        room: the private folder.
        journal: the journal of this process; those beside it that are new are followed, too.
        run: its id, its name, and the project's.
        sinks: options by the name of the sink.
        warn: called with what goes wrong, once for each sink.
    """
    ledgers, (identity, name, project) = Ledgers(room), run
    found = []
    for sink, options in sinks.items():
        wanted = Ledger(run=identity, name=name, project=project, sink=sink, options=dict(options))
        try:
            ledger = ledgers.claim(wanted)
        except OSError as err:
            warn(f"{sink} does not get run {identity}: {err}")
            continue
        if ledger is not None:
            found.append(Mirror(ledgers, ledger, Tails(journal.parent, identity, journal), warn))
    return found
