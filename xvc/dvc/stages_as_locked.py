"""Which stages of a pipeline are as its lock says: what they read and left is so on the disk.

Of a pipeline that stopped half way, or of which one stage was asked for, the lock still says of all
other stages what they left some time before. Reads only; runs no stage.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from xvc.core.run import DataFile
from xvc.core.run_inputs import is_digest
from xvc.dvc.pipeline import FILE, Pipeline, PipelineStage, bodies_of, joined, load, paths_in
from xvc.dvc.pointers import plain_path, reader_of
from xvc.errors import BadValue, PipelineCorrupt, Unresolved
from xvc.types import Json

Look = Callable[[Mapping[str, DataFile]], Mapping[str, DataFile]]
"""Tells of files, by paths from the top, whether they are what they are said to be."""


@dataclass(frozen=True, slots=True)
class _Locked:
    """What a lock says of one stage: its files by digest, and its params by file and key.

    ``is_declared`` says whether its command, its dependencies, its outputs and the keys of its
    params are those of ``dvc.yaml``: else it was to be run, and what lies there is older.
    """

    files: Mapping[str, str]
    params: Mapping[str, Mapping[str, Json]]
    is_declared: bool


def stages_as_locked(
    top: Path, locks: Mapping[str, bytes], pipelines: Mapping[str, Pipeline], look: Look
) -> set[str]:
    """Name, in full, the stages whose files and params are on the disk what their lock says.

    One that ``dvc.yaml`` declares otherwise than the lock is none of them.

    A file without an md5 in the lock, in a cloud or outside of the tree, is not looked at.

    Raises:
        OSError: a file cannot be read.
    """
    found = dict(_locked(top, locks, pipelines))
    said: dict[str, DataFile] = {}
    for stage in found.values():
        for path, digest in stage.files.items():
            said.setdefault(path, DataFile(digest))
    here = {path: file for path, file in said.items() if os.path.lexists(top / path)}
    now = {path: file.digest for path, file in look(here).items() if (top / path).exists()}
    return {
        name
        for name, stage in found.items()
        if stage.is_declared
        and all(now.get(path) == digest for path, digest in stage.files.items())
        and all(_says(top / file, keys) for file, keys in stage.params.items())
    }


def _locked(
    top: Path, locks: Mapping[str, bytes], pipelines: Mapping[str, Pipeline]
) -> Iterator[tuple[str, _Locked]]:
    for lock, content in locks.items():
        file = joined(posixpath.dirname(lock), FILE)
        try:
            held = load(content, lock)
        except (PipelineCorrupt, Unresolved):
            continue
        stages = held.get("stages") if isinstance(held, dict) else None
        pipeline = pipelines.get(file, Pipeline())
        try:
            declared = bodies_of(reader_of(top), file)
        except (PipelineCorrupt, Unresolved):
            continue
        for name, body in stages.items() if isinstance(stages, dict) else ():
            stage = pipeline.stage(str(name))
            if stage is not None and isinstance(body, dict):
                now = declared.get(str(name))
                yield f"{file}:{name}", _of_stage(stage, body, now)


def _of_stage(
    stage: PipelineStage, body: Mapping[str, Json], declared: Mapping[str, Json] | None
) -> _Locked:
    folder, files = stage.folder, dict[str, str]()
    paths: dict[str, set[str]] = {"deps": set(), "outs": set()}
    for part in ("deps", "outs"):
        listed = body.get(part)
        for entry in listed if isinstance(listed, list) else ():
            if isinstance(entry, dict):
                paths[part].add(posixpath.normpath(str(entry.get("path"))))
            digest = str(entry.get("md5")).lower() if isinstance(entry, dict) else ""
            path = plain_path(folder, str(entry.get("path"))) if isinstance(entry, dict) else None
            if path is not None and is_digest(digest):
                files[path] = digest
    held = body.get("params")
    params = {
        joined(folder, str(file)): keys
        for file, keys in (held.items() if isinstance(held, dict) else ())
        if isinstance(keys, dict)
    }
    is_declared = (
        declared is not None
        and declared.get("cmd") == body.get("cmd")
        and paths_in(declared) == paths
        and all(key in params.get(file, ()) for file, keys in stage.params.items() for key in keys)
    )
    return _Locked(files, params, is_declared)


def _says(file: Path, keys: Mapping[str, Json]) -> bool:
    """Whether a params file says these values, as numbers or as text, in whatever order."""
    from xvc.system.value_files import values_named  # late: loads yaml

    try:
        pairs = [(value, values_named(file, key)) for key, value in keys.items()]
    except (BadValue, OSError):
        return False
    return all(
        found and (found[-1] == value or str(found[-1]) == str(value)) for value, found in pairs
    )
