"""What a run came from and what came of it, among runs that have been read. Pure; reads nothing.

A run comes from its parent, from the run that it fixes and from those that left what it read. Files
are the same by their digests: a path says nothing here, and what was absent comes from nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xvc.core.run import DataFile, RunRecord

_MOST_PARENTS = 20
_ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Lineage:
    """The runs above and below one: the nearest parent first, files by the path of this run."""

    parents: tuple[RunRecord, ...]
    children: tuple[RunRecord, ...]
    fixes: RunRecord | None
    fixed_by: tuple[RunRecord, ...]
    made_by: Mapping[str, tuple[RunRecord, ...]]
    used_by: Mapping[str, tuple[RunRecord, ...]]


def lineage(run: RunRecord, runs: Sequence[RunRecord]) -> Lineage:
    """Find what a run came from and what came of it."""
    others = [each for each in runs if each.id != run.id]
    by_id = {each.id: each for each in others}
    parents: list[RunRecord] = []
    above = by_id.get(run.parent) if run.parent else None
    while above is not None and above not in parents and len(parents) < _MOST_PARENTS:
        parents.append(above)
        above = by_id.get(above.parent) if above.parent else None
    return Lineage(
        parents=tuple(parents),
        children=tuple(each for each in others if each.parent == run.id),
        fixes=by_id.get(run.fixes) if run.fixes else None,
        fixed_by=tuple(each for each in others if each.fixes == run.id),
        made_by=_sharing(run.data, others, "outs"),
        used_by=_sharing(run.outs, others, "data"),
    )


def _sharing(
    held: Mapping[str, DataFile], others: Sequence[RunRecord], side: str
) -> dict[str, tuple[RunRecord, ...]]:
    """Name, for each file of one run, the others that have the same bytes on a side."""
    wanted = {file.digest: path for path, file in held.items() if file.state != _ABSENT}
    found: dict[str, list[RunRecord]] = {}
    for other in others if wanted else ():
        files: Mapping[str, DataFile] = getattr(other, side)
        for digest in {file.digest for file in files.values() if file.state != _ABSENT}:
            if digest in wanted:
                found.setdefault(wanted[digest], []).append(other)
    return {path: tuple(runs) for path, runs in found.items()}
