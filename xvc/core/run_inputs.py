"""The data of a run: which DVC-tracked files count as its inputs, and one short hash of them.

Pure rules over pointers and a lock that others have read. Refuses outputs of the last stage (a
model is a result, not an input) and dependencies that git keeps (those are code).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping

from xvc.core.run import DataFile

_SHORT = 6
_DIGEST = re.compile(r"[0-9a-f]{32}(\.dir)?")


def data_hash(files: Mapping[str, DataFile]) -> str | None:
    """Return six hex digits that stand for all inputs together, or None without inputs.

    One input is called by its own digest, so the name can be found again in its pointer.

    >>> data_hash({"data/iris.csv": DataFile("3a2f1b90c4d5e6f708192a3b4c5d6e7f")})
    '3a2f1b'
    """
    if not files:
        return None
    if len(files) == 1:
        return next(iter(files.values())).identity[:_SHORT]
    lines = "".join(f"{path} {files[path].identity}\n" for path in sorted(files))
    packed = lines.encode("utf-8", "surrogateescape")
    return hashlib.md5(packed, usedforsecurity=False).hexdigest()[:_SHORT]


def inputs(
    pointers: Mapping[str, DataFile],
    lock: Mapping[str, object],
    excluded: Collection[str] = (),
) -> dict[str, DataFile]:
    """Return the inputs of a run by path, sorted.

    Args:
        pointers: what the ``.dvc`` files track; all of them count.
        lock: a parsed ``dvc.lock``; of its outputs only those count on which another stage
            depends, wholly or in part.
        excluded: paths that never count, nor anything below them: the store, models, assets.
    """
    found = {**_intermediate(lock), **pointers}
    return {
        path: found[path]
        for path in sorted(found)
        if not any(_covers(folder, path) for folder in excluded)
    }


def _intermediate(lock: Mapping[str, object]) -> dict[str, DataFile]:
    stages = lock.get("stages")
    if not isinstance(stages, Mapping):
        return {}
    needed = [(name, path) for name in stages for path, _ in _entries(stages[name], "deps")]
    return {
        path: file
        for name in stages
        for path, file in _entries(stages[name], "outs")
        if file is not None
        and any(user != name and _overlap(path, dependency) for user, dependency in needed)
    }


def _entries(stage: object, kind: str) -> Iterator[tuple[str, DataFile | None]]:
    listed = stage.get(kind) if isinstance(stage, Mapping) else None
    for entry in listed if isinstance(listed, list) else []:
        path = entry.get("path") if isinstance(entry, Mapping) else None
        if isinstance(path, str):
            yield path, _file(entry)


def _file(entry: Mapping[str, object]) -> DataFile | None:
    digest, size = entry.get("md5"), entry.get("size")
    if not isinstance(digest, str):
        return None
    return DataFile(digest, size if isinstance(size, int) else None)


def _overlap(one: str, other: str) -> bool:
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
