"""What DVC tracks in a work tree or a commit: every output of every pointer and pipeline's lock.

Reads only. A path that leads out of the tree is never taken.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from xvc.core.run_inputs import is_digest
from xvc.dvc.repository import SUFFIX, Dvc, load_yaml
from xvc.errors import CorruptError, NoObject, ObjectCorrupt, PointerCorrupt
from xvc.types import Digest, Json

_FOLDER = ".dir"


@dataclass(frozen=True, slots=True)
class Out:
    """One tracked file or folder: its path from the top, and the file that says so.

    ``is_made`` tells that a stage of the pipeline writes it.
    """

    path: str
    digest: Digest
    said_by: str
    size: int | None = None
    is_made: bool = False


def tracked_outs(top: Path, files: Iterable[str]) -> list[Out]:
    """Read the outputs that these ``.dvc`` and ``dvc.lock`` files of a tree name.

    Raises:
        PointerCorrupt: one cannot be read.
        Unresolved: one holds merge marks.
    """

    def read(file: str) -> bytes | None:
        return (top / file).read_bytes() if (top / file).is_file() else None

    return outs_in(read, files)


def outs_in(read: Callable[[str], bytes | None], files: Iterable[str]) -> list[Out]:
    """Read the outputs that ``.dvc`` and ``dvc.lock`` files name; *read* gives what a file holds.

    Raises:
        PointerCorrupt: one cannot be read, or names no md5 where one belongs.
        Unresolved: one holds merge marks.
    """
    found: list[Out] = []
    for file in files:
        content = read(file)
        held = None if content is None else load_yaml(content, file)
        if not isinstance(held, dict):
            continue
        if file.endswith(SUFFIX):
            found += _outs(held, file, str(held.get("wdir") or "."), is_made=False)
        elif PurePosixPath(file).name == "dvc.lock":
            pipeline = str(PurePosixPath(file).with_name("dvc.yaml"))
            found += _locked(held, file, load_yaml(read(pipeline) or b"", "dvc.yaml"))
    return found


def _locked(lock: Mapping[str, Json], file: str, pipeline: Json) -> Iterator[Out]:
    """Read a lock; only ``dvc.yaml`` knows the folder of a stage and what is not in the cache."""
    written = pipeline.get("stages") if isinstance(pipeline, dict) else None
    stages = lock.get("stages")
    for name, stage in stages.items() if isinstance(stages, dict) else ():
        said = written.get(name.partition("@")[0]) if isinstance(written, dict) else None
        if isinstance(said, dict) and isinstance(said.get("do"), dict):
            said = said["do"]
        said = said if isinstance(said, dict) else {}
        apart = _uncached(said)
        if isinstance(stage, dict):
            outs = _outs(stage, file, str(said.get("wdir") or "."), is_made=True)
            base = PurePosixPath(file).parent / str(said.get("wdir") or ".")
            yield from (out for out in outs if out.path not in {_plain(base / a) for a in apart})


def _uncached(stage: Mapping[str, Json]) -> Iterator[str]:
    for kind in ("outs", "metrics", "plots"):
        listed = stage.get(kind)
        for entry in listed if isinstance(listed, list) else ():
            for path, options in entry.items() if isinstance(entry, dict) else ():
                if isinstance(options, dict) and options.get("cache") is False:
                    yield path


def _outs(held: Mapping[str, Json], file: str, folder: str, *, is_made: bool) -> Iterator[Out]:
    listed = held.get("outs")
    for entry in listed if isinstance(listed, list) else ():
        if not isinstance(entry, dict) or entry.get("cache") is False:
            continue
        path, digest, size = entry.get("path"), entry.get("md5"), entry.get("size")
        if not isinstance(path, str) or not isinstance(digest, str) or "://" in path:
            continue  # in a cloud, or not made yet
        if not is_digest(digest):
            raise PointerCorrupt(file, f"{digest[:40]!r} is no md5")
        whole = _plain(PurePosixPath(file).parent / folder / path)
        if whole is not None:
            known = size if isinstance(size, int) else None
            yield Out(whole, Digest(digest), file, known, is_made)


def _plain(path: PurePosixPath) -> str | None:
    """Write a path without dots; None for one that leads out of the tree or to the top itself."""
    parts: list[str] = []
    for part in path.parts:
        if part == "..":
            if not parts:
                return None
            parts.pop()
        else:
            parts.append(part)
    is_inside = bool(parts) and not path.is_absolute() and parts[0] not in (".git", ".dvc")
    return "/".join(parts) if is_inside else None


def object_of(dvc: Dvc, digest: str) -> Path:
    """Name the cache object of a digest; those of DVC 2 lie elsewhere."""
    place = dvc.place(digest)
    older = dvc.cache / digest[:2] / digest[2:]
    return older if not place.exists() and older.is_file() else place


def members(dvc: Dvc, out: Out) -> dict[str, Path]:
    """Map the files of an output, by path from the top, to their cache objects.

    Raises:
        NoObject: the folder's list, or one of the objects, is not in the cache.
        ObjectCorrupt: the list is not what its name says, or the objects' sizes are not.
        BadListing: the list names a file outside the folder.
    """
    found = {path: object_of(dvc, digest) for path, digest in digests_of(dvc, out).items()}
    sizes = 0
    for place in found.values():
        try:
            sizes += place.stat().st_size
        except FileNotFoundError:
            raise NoObject(place.parent.name + place.name, out.path) from None
    if out.size is not None and sizes != out.size:
        raise ObjectCorrupt(out.digest, f"{sizes} bytes")
    return found


def digests_of(dvc: Dvc, out: Out) -> dict[str, str]:
    """Map the files of an output, by path from the top, to their digests.

    Raises:
        NoObject: the folder's list is not in the cache.
        ObjectCorrupt: the list is not what its name says.
        BadListing: the list names a file outside the folder.
    """
    if not out.digest.endswith(_FOLDER):
        return {out.path: out.digest}
    if dvc.holds(out.digest):
        dvc.verify(out.digest, out.path)
    return dict(_listed(out, object_of(dvc, out.digest)))


def _listed(out: Out, listing: Path) -> Iterator[tuple[str, str]]:
    try:
        entries = json.loads(listing.read_bytes())
        pairs = [(str(entry["relpath"]), entry["md5"]) for entry in entries]
    except FileNotFoundError:
        raise NoObject(out.digest, out.path) from None
    except (ValueError, KeyError, TypeError):
        raise BadListing(out.path, "what is no path") from None
    for name, digest in pairs:
        path = _plain(PurePosixPath(out.path) / name)
        if path is None or not path.startswith(f"{out.path}/") or not is_digest(digest):
            raise BadListing(out.path, name)
        yield path, digest


class BadListing(CorruptError):
    """The list of a tracked folder names a file outside it."""

    code = "bad-listing"

    def __init__(self, path: str, member: str) -> None:
        super().__init__(path, member)
        self.path, self.member = path, member

    def __str__(self) -> str:
        return f"the list of {self.path} names {self.member!r}, which is outside it"

    @property
    def hint(self) -> str:
        """Says what to doubt."""
        return "Track the folder anew with `dvc add`; nothing was written."
