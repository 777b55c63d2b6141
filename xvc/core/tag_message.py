"""The message of a version's tag: one line for people, trailers that xvc reads back.

Pure: text in, text out. Refuses nothing: a tag made by hand has a subject and no record, and a
damaged trailer counts as absent. No value can leave its line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import TypeGuard

from xvc.core.commit_subject import headline, one_line
from xvc.core.human_units import moment_of
from xvc.core.json_values import from_plain, to_plain
from xvc.core.version import Version
from xvc.types import CommitId, Digest, Json, Nanoseconds, RunId

_TRAILER = re.compile(r"(Xvc-[A-Za-z]+):(.*)")
_BREAKS = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff]")  # JSON leaves these as they are
_TIME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?Z")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = 10**9


@dataclass(frozen=True, slots=True)
class TagMessage:
    """What a tag says of its run; ``store`` is the digest of the store that holds it.

    ``data`` maps the path of each input to its digest; ``subject`` is one line; ``sweep``
    says of which sweep the run is a trial, and among what; ``project`` is the project's folder,
    from the top of the work tree.
    """

    subject: str
    run: RunId | None = None
    snapshot: CommitId | None = None
    store: Digest | None = None
    started: Nanoseconds | None = None
    params: Mapping[str, Json] = field(default_factory=dict)
    metrics: Mapping[str, Json] = field(default_factory=dict)
    data: Mapping[str, str] = field(default_factory=dict)
    note: str | None = None
    sweep: str | None = None
    project: str | None = None

    def render(self) -> str:
        """Return the whole message; what is unknown or empty has no trailer.

        >>> print(TagMessage("lr=0.1", run=RunId("k7f3m2q9x1b4"), params={"lr": 0.1}).render())
        lr=0.1
        <BLANKLINE>
        Xvc-Run: k7f3m2q9x1b4
        Xvc-Params: {"lr": 0.1}
        <BLANKLINE>
        """
        trailers = [f"Xvc-{name}: {value}" for name, value in self._trailers()]
        return "\n".join([headline(self.subject), *([""] if trailers else []), *trailers, ""])

    def _trailers(self) -> Iterator[tuple[str, str]]:
        plain: dict[str, str | None] = {"Run": self.run, "Snapshot": self.snapshot}
        plain |= {"Store": self.store, "Sweep": self.sweep}
        for name, value in plain.items():
            if value is not None and (kept := one_line(value)):
                yield name, kept
        if self.started is not None:
            yield "Started", _written_time(self.started)
        records = {"Params": self.params, "Metrics": self.metrics, "Data": self.data}
        for name, record in records.items():
            if record:
                yield name, _written(record)
        if self.note is not None:
            yield "Note", _written(self.note)
        if self.project is not None:
            yield "Project", _written(self.project)

    @classmethod
    def parse(cls, text: str) -> TagMessage:
        """Read the message of any tag; total.

        >>> TagMessage.parse("made by hand").subject
        'made by hand'
        """
        first, *lines = text.lstrip("\r\n").split("\n")
        found: dict[str, str] = {}
        for line in lines:
            if trailer := _TRAILER.fullmatch(line.rstrip("\r")):
                found.setdefault(trailer[1], trailer[2].strip())
        note = _read(found.get("Xvc-Note"))
        project = _read(found.get("Xvc-Project"))
        names = ("Xvc-Run", "Xvc-Snapshot", "Xvc-Store")
        run, snapshot, store = (one_line(found[name]) if name in found else "" for name in names)
        data = _record(found.get("Xvc-Data"))
        return cls(
            subject=one_line(first),
            run=RunId(run) if run else None,
            snapshot=CommitId(snapshot) if snapshot else None,
            store=Digest(store) if store else None,
            started=_read_time(found.get("Xvc-Started", "")),
            params=_record(found.get("Xvc-Params")),
            metrics=_record(found.get("Xvc-Metrics")),
            data={path: digest for path, digest in data.items() if isinstance(digest, str)},
            note=note if isinstance(note, str) else None,
            sweep=(one_line(found["Xvc-Sweep"]) or None) if "Xvc-Sweep" in found else None,
            project=project if _is_folder(project) else None,
        )


@dataclass(frozen=True, slots=True)
class VersionInfo:
    """One version: its tag and what the tag's message says."""

    version: Version
    name: str
    commit: str
    at: int
    message: TagMessage


def _written(value: object) -> str:
    line = json.dumps(to_plain(value), sort_keys=True, ensure_ascii=False, allow_nan=False)
    return _BREAKS.sub(lambda found: f"\\u{ord(found[0]):04x}", line)


def _read(line: str | None) -> object:
    if line is None:
        return None
    try:
        return from_plain(json.loads(line or "null"))
    except (ValueError, TypeError, RecursionError):  # edited by hand
        return None


def _is_folder(read: object) -> TypeGuard[str]:
    """Whether a text names a folder below the top; a tag may say anything."""
    if not isinstance(read, str) or not read.isprintable():
        return False
    path = PurePosixPath(read)
    return read == path.as_posix() and not path.is_absolute() and ".." not in path.parts


def _record(line: str | None) -> dict[str, Json]:
    read = _read(line)
    return read if isinstance(read, dict) and all(isinstance(key, str) for key in read) else {}


def _written_time(at: Nanoseconds) -> str:
    seconds, rest = divmod(at, _SECOND)
    return f"{moment_of(seconds * _SECOND):%Y-%m-%dT%H:%M:%S}.{rest:09}Z"


def _read_time(text: str) -> Nanoseconds | None:
    found = _TIME.fullmatch(text)
    try:
        moment = datetime.fromisoformat(found[1] + "Z") if found else None
    except ValueError:
        return None
    if moment is None or found is None:
        return None
    seconds = (moment - _EPOCH) // timedelta(seconds=1)
    return Nanoseconds(seconds * _SECOND + int((found[2] or "").ljust(9, "0")))
