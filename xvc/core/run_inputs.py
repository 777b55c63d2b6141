"""The data of a run: which DVC-tracked files count as its inputs, and one short hash of them.

Pure rules over pointers and locks that others have read. Refuses outputs of the last stage (a
model is a result, not an input) and dependencies that git keeps (those are code).
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from xvc.core.late_pattern import late
from xvc.core.run import DataFile

_SHORT = 6
_DIGEST = late(r"[0-9a-f]{32}(\.dir)?")


def data_hash(files: Mapping[str, DataFile]) -> str | None:
    """Return six hex digits that stand for all inputs together, or None without inputs.

    One input is called by its own digest, so the name can be found again in its pointer.

    >>> data_hash({"data/iris.csv": DataFile("3a2f1b90c4d5e6f708192a3b4c5d6e7f")})
    '3a2f1b'
    """
    found = given(files)
    if not found:
        return None
    if len(found) == 1:
        return short(next(iter(found.values())))
    lines = "".join(f"{path} {found[path]}\n" for path in sorted(found))
    packed = lines.encode("utf-8", "surrogateescape")
    return hashlib.md5(packed, usedforsecurity=False).hexdigest()[:_SHORT]


def short(identity: str) -> str:
    """Shorten what tells data apart, to six digits.

    >>> short("3a2f1b90c4d5e6f7"), short("outside:3a2f1b90c4")
    ('3a2f1b', '3a2f1b')
    """
    return identity.rpartition(":")[2][:_SHORT]


def given(files: Mapping[str, DataFile]) -> dict[str, str]:
    """Return the identities of what a run was given, by path: not of what it made of that itself.

    >>> given({"raw": DataFile("3a2f1b"), "net": DataFile("90c4d5", is_made=True)})
    {'raw': '3a2f1b'}
    """
    return {path: file.identity for path, file in files.items() if not file.is_made}


@dataclass(frozen=True, slots=True)
class Made:
    """An output of a pipeline's stage, as the pipeline's lock has it."""

    stage: str
    file: DataFile


def inputs(
    tracked: Mapping[str, DataFile],
    made: Mapping[str, Made],
    needs: Collection[tuple[str, str]],
    excluded: Collection[str] = (),
) -> dict[str, DataFile]:
    """Return the inputs of a run by path, sorted.

    Args:
        tracked: what the ``.dvc`` files track; all of them count.
        made: what the stages of pipelines make; of it only that counts on which another stage
            depends, wholly or in part.
        needs: pairs of a stage and a path that it depends on.
        excluded: paths that never count, nor anything below them: the store, models, assets.
    """
    handed_on = {path: each.file for path, each in made.items() if _is_needed(path, each, needs)}
    found = {**handed_on, **tracked}
    return _without(found, excluded)


def results(
    made: Mapping[str, Made],
    needs: Collection[tuple[str, str]],
    excluded: Collection[str] = (),
) -> dict[str, DataFile]:
    """Return what a pipeline makes for nobody else in it, by path, sorted; as for `inputs`."""
    found = {path: each.file for path, each in made.items() if not _is_needed(path, each, needs)}
    return _without(found, excluded)


def _without(found: Mapping[str, DataFile], excluded: Collection[str]) -> dict[str, DataFile]:
    return {
        path: found[path]
        for path in sorted(found)
        if not any(_covers(folder, path) for folder in excluded)
    }


def _is_needed(path: str, made: Made, needs: Collection[tuple[str, str]]) -> bool:
    return any(user != made.stage and overlap(path, need) for user, need in needs)


def overlap(one: str, other: str) -> bool:
    """Whether two paths are the same, or one lies in the other."""
    return _covers(one, other) or _covers(other, one)


def _covers(folder: str, path: str) -> bool:
    folder = folder.rstrip("/")
    return path == folder or path.startswith(folder + "/")


def is_digest(text: object) -> bool:
    """Whether this can be the name of an object: a path is made of it.

    >>> is_digest("d41d8cd98f00b204e9800998ecf8427e.dir"), is_digest("../" * 10 + "ab")
    (True, False)
    """
    return isinstance(text, str) and _DIGEST.fullmatch(text) is not None
