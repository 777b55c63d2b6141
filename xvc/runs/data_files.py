"""Which files of their data runs do not share: each with its size and, of a table, its rows.

What is not in the DVC cache has no more than its digest; nothing is fetched.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from xvc.core.run import DataFile, RunRecord
from xvc.core.run_inputs import is_digest
from xvc.dvc.outputs import digests_of, object_of
from xvc.dvc.pointers import Out
from xvc.errors import XvcError
from xvc.project import Project
from xvc.store.row_counts import is_table, row_counts
from xvc.types import Digest

_SECONDS = 2.0
MOST = 300
"""How many files are told of."""


@dataclass(frozen=True, slots=True)
class DataPart:
    """One file as a run read it: bytes and rows are None where nobody here can tell."""

    digest: str
    size: int | None
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class FileDifference:
    """A file by its path from the top, and what each run had there; None where it had none."""

    path: str
    parts: tuple[DataPart | None, ...]


@dataclass(frozen=True, slots=True)
class DataFiles:
    """The files that differ, the first of *total*; in how many paths no file could be looked at."""

    files: tuple[FileDifference, ...]
    total: int
    unseen: tuple[str, ...]


def data_files(project: Project, runs: Sequence[RunRecord], seconds: float = _SECONDS) -> DataFiles:
    """Tell which files of their data differ between runs.

    Args:
        project: whose cache is looked into.
        runs: two or more.
        seconds: how long rows are counted at most; the smallest tables come first.
    """
    unseen: list[str] = []
    found: dict[str, list[DataPart | None]] = {}
    for path in _differing(runs):
        for place, run in enumerate(runs):
            held = run.data.get(path)
            if held is None or held.identity != held.digest:
                continue
            parts = _parts(project, path, held)
            if parts is None:
                parts = {path: DataPart(held.digest, held.size)}
                unseen.append(path)
            for name, part in parts.items():
                found.setdefault(name, [None] * len(runs))[place] = part
    differing = {
        name: parts
        for name, parts in sorted(found.items())
        if len({part.digest if part else None for part in parts}) > 1
    }
    first = dict(list(differing.items())[:MOST])
    counts = _counts(project, first, seconds)
    files = [FileDifference(name, tuple(_counted(parts, counts))) for name, parts in first.items()]
    return DataFiles(tuple(files), len(differing), tuple(dict.fromkeys(unseen)))


def _differing(runs: Sequence[RunRecord]) -> list[str]:
    paths = dict.fromkeys(path for run in runs for path in run.data)
    held = {path: [run.data.get(path) for run in runs] for path in paths}
    return [
        path
        for path, files in held.items()
        if len({file.identity if file else None for file in files}) > 1
    ]


def _parts(project: Project, path: str, held: DataFile) -> dict[str, DataPart] | None:
    """Look up the files of a tracked path in the cache; None where it has them not."""
    dvc = project.dvc
    if dvc is None or not is_digest(held.digest):
        return None
    out = Out(path, Digest(held.digest), path, held.size)
    try:
        digests = digests_of(dvc, out)
    except (XvcError, OSError):
        return None
    found = {}
    for name, digest in digests.items():
        size = None
        with suppress(OSError):
            size = object_of(dvc, digest, out).stat().st_size
        found[name] = DataPart(digest, held.size if name == path else size)
    return found


def _counts(
    project: Project, found: Mapping[str, Sequence[DataPart | None]], seconds: float
) -> dict[str, int]:
    """Count the rows of tables, by digest: each once, the smallest first."""
    dvc = project.dvc
    if dvc is None:
        return {}
    wanted: dict[str, tuple[int, str]] = {}
    for name, parts in found.items():
        for part in parts:
            if part is not None and is_table(name) and dvc.holds(part.digest):
                wanted[part.digest] = (part.size or 0, name)
    named = {f"{digest}/{name}": digest for digest, (_, name) in sorted(wanted.items(), key=_size)}
    if not named:
        return {}
    places = {name: object_of(dvc, digest) for name, digest in named.items()}
    with suppress(XvcError, OSError):
        counted = row_counts(places, project.room.scratch, seconds)
        return {named[name]: rows for name, rows in counted.items()}
    return {}


def _size(each: tuple[str, tuple[int, str]]) -> int:
    return each[1][0]


def _counted(
    parts: Iterable[DataPart | None], counts: Mapping[str, int]
) -> Iterable[DataPart | None]:
    for part in parts:
        yield None if part is None else replace(part, rows=counts.get(part.digest))
