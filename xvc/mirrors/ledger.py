"""What of a run was sent to a sink: a small file, there until all is sent.

``<private folder>/mirrors/<run>-<sink>.json``. A run is one process's to mirror at a time.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from xvc.errors import BadValue, LockBusy
from xvc.mirrors.sink import MirroredRun
from xvc.system.lock import FileLock
from xvc.system.process_id import Owner, current_owner, is_alive
from xvc.types import RunId

_CLAIM = 2.0  # seconds


@dataclass(slots=True)
class Ledger:
    """``sent`` has for each writer the last sequence number, and how many rows were sent.

    ``numbers`` are the params that are numbers: every row repeats them, and they are no metrics.
    ``remote`` is the run's id in the sink; ``owner`` the process that mirrors it now.
    """

    run: str
    name: str | None
    project: str
    sink: str
    options: dict[str, object] = field(default_factory=dict)
    remote: str | None = None
    sent: dict[str, list[int]] = field(default_factory=dict)
    numbers: dict[str, float] = field(default_factory=dict)
    owner: str | None = None

    @property
    def mirrored(self) -> MirroredRun:
        """The run, as its sink knows it."""
        return MirroredRun(RunId(self.run), self.name, self.project)

    def is_new(self, writer: str, sequence: int) -> bool:
        """Whether a row was not sent yet."""
        return sequence > self.sent.get(writer, [0, 0])[0]

    def count(self, writer: str, sequence: int) -> int:
        """Note a row as the next one of its writer; returns its place, from 0."""
        place = self.sent.get(writer, [0, 0])[1]
        self.sent[writer] = [sequence, place + 1]
        return place


class Ledgers:
    """The ledgers of a project, in its private folder."""

    def __init__(self, room: Path) -> None:
        self.folder = room / "mirrors"
        self._lock = FileLock(room / "locks" / "mirrors")

    def claim(self, wanted: Ledger) -> Ledger | None:
        """Make a run this process's to mirror; None while another one lives that does."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire(_CLAIM, "mirroring a run")
        except LockBusy:
            return None
        try:
            known = self._read(self._path(wanted))
            if known is not None and _is_anothers(known.owner):
                return None
            mine = replace(known or wanted, owner=str(current_owner()))
            self.save(mine)
            return mine
        finally:
            self._lock.release()

    def save(self, ledger: Ledger) -> None:
        """Write a ledger: whole, or as it was."""
        path = self._path(ledger)
        beside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
        beside.write_text(json.dumps(asdict(ledger)), encoding="utf-8")
        os.replace(beside, path)

    def leave(self, ledger: Ledger) -> None:
        """Let another process go on."""
        ledger.owner = None
        self.save(ledger)

    def forget(self, ledger: Ledger) -> None:
        """Everything is sent."""
        self._path(ledger).unlink(missing_ok=True)

    def open(self) -> Iterator[Ledger]:
        """Read the ledgers of all runs of which something may have to be sent."""
        for path in sorted(self.folder.glob("*.json")):
            found = self._read(path)
            if found is not None:
                yield found

    def of(self, run: str) -> list[Ledger]:
        """Read those of one run."""
        return [each for each in self.open() if each.run == run]

    def _path(self, ledger: Ledger) -> Path:
        return self.folder / f"{ledger.run}-{ledger.sink}.json"

    @staticmethod
    def _read(path: Path) -> Ledger | None:
        try:
            return Ledger(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None


def _is_anothers(owner: str | None) -> bool:
    if owner is None or owner == str(current_owner()):
        return False
    try:
        return is_alive(Owner.parse(owner)) is not False
    except BadValue:
        return False


def asked_sinks(
    sinks: str | Sequence[str] | Mapping[str, Mapping[str, object]],
) -> dict[str, dict[str, object]]:
    """Read what sinks were asked for: names, or options by name.

    >>> asked_sinks(["mlflow"]), asked_sinks({"jsonl": {"path": "x"}})
    ({'mlflow': {}}, {'jsonl': {'path': 'x'}})

    Raises:
        BadValue: an option cannot be written down.
    """
    named = [sinks] if isinstance(sinks, str) else sinks
    found = {name: dict(named[name]) if isinstance(named, Mapping) else {} for name in named}
    try:
        json.dumps(found)
    except (TypeError, ValueError) as err:
        raise BadValue("sinks", f"options are texts and numbers: {err}") from err
    return found
