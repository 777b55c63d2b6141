"""What DVC tracks in a tree or a commit: every output of every ``.dvc`` file and pipeline's lock.

The one reader of pointers. A file that cannot be read costs its own outputs and no others. Reads
only; a path that leads out of the tree is never taken.
"""

from __future__ import annotations

import errno
import os
import posixpath
import re
import shlex
import stat
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xvc.core.late_pattern import late
from xvc.core.run import DataFile
from xvc.core.run_inputs import is_digest
from xvc.dvc.pipeline import FILE, Pipeline, Read, StageOut, joined, load, read_pipeline
from xvc.errors import PipelineCorrupt, PointerCorrupt, Unresolved, XvcError
from xvc.system.yaml_text import BadYaml, edit_yaml, has_merge_marks, parse_yaml
from xvc.types import Digest, Json

SUFFIX, LOCK = ".dvc", "dvc.lock"
PATTERNS = ("*.dvc", LOCK, f"*/{LOCK}")
"""What git's pathspecs call the files that are read here."""

# Exactly what `dvc add` writes of a file with a simple name: no YAML has to be parsed.
_SIMPLE = late(
    rb"outs:\n- md5: ([0-9a-f]{32}(?:\.dir)?)\n  size: ([0-9]+)\n(?:  nfiles: [0-9]+\n)?"
    rb"  hash: md5\n  path: ([A-Za-z_][A-Za-z0-9_./-]*)\n"
)
_RESERVED = (b"true", b"false", b"null")
_NUMBER = late(rb"[0-9]+(?:e[0-9]+)?")
_OF_CONTENT = ("md5", "size", "nfiles", "hash", "path", "cloud", "files", "version_id", "etag")
"""The keys of a pointer's output that speak of one content and not of the output."""


@dataclass(frozen=True, slots=True)
class Out:
    """One tracked file or folder: its path from the top, and the file that says so.

    ``is_made`` tells that a stage of a pipeline writes it, ``stage`` which, in full; ``remote``
    the DVC remote that it alone goes to; ``is_pushed`` is false for what stays in the cache;
    ``source`` is the command by which DVC brings it from where it was imported; ``is_old`` tells
    that its digest is of DVC 2, which hashed text with line ends of Unix.
    """

    path: str
    digest: Digest
    said_by: str
    size: int | None = None
    is_made: bool = False
    stage: str = ""
    remote: str | None = None
    is_pushed: bool = True
    source: str = ""
    is_old: bool = False

    @property
    def is_imported(self) -> bool:
        """Whether DVC can bring it from where it was imported."""
        return bool(self.source)

    @property
    def file(self) -> DataFile:
        """The same as a value of the core."""
        return DataFile(self.digest, self.size)


@dataclass(frozen=True, slots=True)
class Pending:
    """An output without a hash: declared or imported, and not there yet."""

    path: str
    said_by: str
    is_imported: bool = False


@dataclass(slots=True)
class Survey:
    """What was read: outputs, those without a hash yet, what stages need, and what was unreadable.

    ``needs`` are pairs of a stage and a path from the top that it depends on.
    """

    outs: list[Out] = field(default_factory=list)
    pending: list[Pending] = field(default_factory=list)
    needs: list[tuple[str, str]] = field(default_factory=list)
    problems: list[XvcError] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Pointer:
    """What a ``.dvc`` file says of its one output."""

    path: str
    digest: Digest
    size: int | None = None

    @property
    def file(self) -> DataFile:
        """The same as a value of the core."""
        return DataFile(self.digest, self.size)


def survey(read: Read, files: Iterable[str]) -> Survey:
    """Read the outputs that ``.dvc`` and ``dvc.lock`` files name; nothing is raised."""
    found = Survey()
    for file in files:
        try:
            content = read(file)
            if content is not None and is_lock(file):
                _read_lock(read, file, content, found)
            elif content is not None:
                _read_pointer(file, content, found)
        except (PointerCorrupt, Unresolved) as err:
            found.problems.append(err)
    return found


def tracked_outs(top: Path, files: Iterable[str]) -> list[Out]:
    """Read the outputs that these ``.dvc`` and ``dvc.lock`` files of a tree name.

    Raises:
        PointerCorrupt: one cannot be read.
        Unresolved: one holds merge marks.
    """
    return outs_in(reader_of(top), files)


def outs_in(read: Read, files: Iterable[str]) -> list[Out]:
    """Read the outputs that ``.dvc`` and ``dvc.lock`` files name.

    Raises:
        PointerCorrupt: one cannot be read, or names no md5 where one belongs.
        Unresolved: one holds merge marks.
    """
    found = survey(read, files)
    for problem in found.problems:
        raise problem
    return found.outs


def reader_of(top: Path) -> Read:
    """Read the files of a work tree, by their paths from its top; none that a link leads out of it.

    Its function raises PointerCorrupt, of pipelines PipelineCorrupt, for such a file.
    """
    home = os.path.realpath(top).rstrip("/") + "/"
    folders: dict[str, bool] = {}  # looked at once: a tree may have ten thousand pointers

    def read(file: str) -> bytes | None:
        place = os.path.join(top, file)
        folder = os.path.dirname(place)
        if folder not in folders:
            folders[folder] = f"{os.path.realpath(folder)}/".startswith(home)
        is_out = os.path.islink(place) and not os.path.realpath(place).startswith(home)
        if is_out or not folders[folder]:
            raise _corrupt(file, "a link leads out of the project")
        try:
            mode = os.stat(place).st_mode
            if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):  # a pipe would be waited for
                raise _corrupt(file, "it is no file (a pipe, a socket or a device)")
            return Path(place).read_bytes()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as err:
            if os.path.islink(place) and not os.path.exists(place):
                raise _corrupt(file, "it is a link to nowhere") from err
            return None
        except OSError as err:  # no right to read it, a disk that fails
            is_loop = err.errno == errno.ELOOP
            why = "it is a link to itself" if is_loop else err.strerror or str(err)
            raise _corrupt(file, why) from err

    return read


def _corrupt(file: str, reason: str) -> PointerCorrupt | PipelineCorrupt:
    return (PointerCorrupt if file.endswith(SUFFIX) else PipelineCorrupt)(file, reason)


def is_lock(file: str) -> bool:
    """Whether a file is a pipeline's lock."""
    return posixpath.basename(file) == LOCK


def parse_pointer(text: str | bytes, path: str) -> Pointer:
    """Read a pointer of one output.

    Raises:
        PointerCorrupt: empty, torn, or of another shape.
        Unresolved: it holds merge marks.
    """
    content = text.encode() if isinstance(text, str) else text
    simple = _simple(content)
    if simple is not None:
        return Pointer(simple[3].decode(), Digest(simple[1].decode()), int(simple[2]))
    first = next(iter(_entries(content, path)), None)
    if first is None or not isinstance(first.get("path"), str):
        raise PointerCorrupt(path, "it names no output")
    digest, size = _digest(first, path), first.get("size")
    if digest is None:
        raise PointerCorrupt(path, "it names no md5")
    return Pointer(str(first["path"]), digest, size if isinstance(size, int) else None)


def read_pointer(path: Path, name: str = "") -> Pointer | None:
    """Read the pointer file, called *name* in errors; None when there is none."""
    try:
        return parse_pointer(path.read_bytes(), name or path.name)
    except FileNotFoundError:
        return None


def render_pointer(name: str, digest: str, size: int, files: int | None = None) -> bytes:
    """Write a pointer as ``dvc add`` does."""
    count = {} if files is None else {"nfiles": files}
    facts = {"md5": digest, "size": size, **count, "hash": "md5", "path": name}
    lines = "\n  ".join(f"{key}: {value}" for key, value in facts.items())
    plain = f"outs:\n- {lines}\n".encode("utf-8", "surrogateescape")
    if _simple(plain):
        return plain
    return edit_yaml("", lambda held: held.update(outs=[facts])).encode()


def repointed(old: bytes | None, name: str, file: DataFile, files: int | None) -> bytes:
    """Write a pointer that names another content; what a person added to the old one stays."""
    fresh = render_pointer(name, file.digest, file.size or 0, files)
    if old is None or _simple(old):
        return fresh
    new = next(_entries(fresh, name))

    def change(whole: MutableMapping[str, Any]) -> None:
        out = whole["outs"][0]
        for key in _OF_CONTENT:
            if key in new and out.get(key) != new[key]:
                out[key] = new[key]
            elif key not in new:
                out.pop(key, None)
        whole.pop("md5", None)  # of the file as it was

    try:
        held = next(_entries(old, name), {})
        if not held or {key: held[key] for key in _OF_CONTENT if key in held} == new:
            return old if held else fresh
        return edit_yaml(old.decode(), change).encode()
    except (PointerCorrupt, Unresolved):
        return fresh


def _simple(content: bytes) -> re.Match[bytes] | None:
    """Match a pointer that needs no YAML parser: every word in it is plain text in YAML, too."""
    found = _SIMPLE.fullmatch(content)
    is_odd = found and (found[3].lower() in _RESERVED or _NUMBER.fullmatch(found[1]))
    return None if is_odd else found


def _read_pointer(file: str, content: bytes, found: Survey) -> None:
    folder = posixpath.dirname(file)
    simple = _simple(content)
    if simple is not None:
        path = plain_path(folder, simple[3].decode())
        if path is not None:
            found.outs.append(Out(path, Digest(simple[1].decode()), file, int(simple[2])))
        return
    held = _held(content, file)
    folder = joined(folder, str(held.get("wdir") or "."))
    deps = held.get("deps")
    is_made = "cmd" in held
    source = _source(file, deps) if isinstance(deps, list) and deps and not is_made else ""
    for entry in _entries(content, file):
        if not isinstance(entry.get("path"), str):
            raise PointerCorrupt(file, "it names no output")
        said = StageOut(
            str(entry.get("path")),
            is_cached=entry.get("cache") is not False,
            is_pushed=entry.get("push") is not False,
            remote=str(entry["remote"]) if entry.get("remote") else None,
        )
        if said.is_cached:
            _add(found, file, folder, said, entry, is_made=is_made, source=source)


def _source(file: str, deps: list[Json]) -> str:
    """Name the command that brings an import: DVC keeps the commit of another repository alone."""
    is_of_repository = any("repo" in dep for dep in _dicts(deps))
    return f"dvc {'pull' if is_of_repository else 'update'} {shlex.quote(file)}"


def _read_lock(read: Read, file: str, content: bytes, found: Survey) -> None:
    """Read a lock by its ``dvc.yaml``, which alone knows folders and what is in the cache."""
    held = load(content, file)
    stages = held.get("stages") if isinstance(held, dict) and "schema" in held else held
    pipeline = _pipeline_of(read, file, found)
    for name, locked in stages.items() if isinstance(stages, dict) else ():
        stage = pipeline.stage(str(name))
        if stage is None or not isinstance(locked, dict):
            continue  # a stage that is no more
        whole = f"{joined(posixpath.dirname(file), FILE)}:{name}"
        said = {str(e.get("path")): e for e in _dicts(locked.get("outs"))}
        for out in stage.outs:
            if out.is_cached:
                _add(found, file, stage.folder, out, said.get(out.path, {}), stage=whole)
        for dep in _dicts(locked.get("deps")):
            path = plain_path(stage.folder, str(dep.get("path")))
            if path is not None:
                found.needs.append((whole, path))


def _pipeline_of(read: Read, file: str, found: Survey) -> Pipeline:
    pipeline = read_pipeline(read, posixpath.join(posixpath.dirname(file), FILE))
    found.problems += pipeline.problems
    return pipeline


def _add(
    found: Survey,
    file: str,
    folder: str,
    said: StageOut,
    entry: Mapping[str, Json],
    *,
    stage: str = "",
    is_made: bool = False,
    source: str = "",
) -> None:
    path = plain_path(folder, said.path)
    if path is None or "://" in said.path:
        return  # in a cloud, or outside
    digest, size = _digest(entry, file), entry.get("size")
    if digest is None:
        found.pending.append(Pending(path, file, bool(source)))
        return
    found.outs.append(
        Out(
            path,
            digest,
            file,
            size if isinstance(size, int) else None,
            is_made=bool(stage) or is_made,
            stage=stage,
            remote=said.remote,
            is_pushed=said.is_pushed,
            source=source,
            is_old=entry.get("hash") != "md5",
        )
    )


def _digest(entry: Mapping[str, Json], file: str) -> Digest | None:
    said = entry.get("md5")
    if said is None:
        return None
    if not is_digest(str(said).lower()):
        raise PointerCorrupt(file, f"{str(said)[:40]!r} is no md5")
    return Digest(str(said).lower())


def _held(content: bytes, file: str) -> dict[str, Json]:
    if has_merge_marks(content):
        raise Unresolved(file)
    try:
        held = parse_yaml(content)
    except BadYaml as err:
        raise PointerCorrupt(file, str(err)) from err
    if not isinstance(held, dict):
        raise PointerCorrupt(file, "it names no output")
    return held


def _entries(content: bytes, file: str) -> Iterator[dict[str, Json]]:
    yield from _dicts(_held(content, file).get("outs"))


def _dicts(listed: Json) -> Iterator[dict[str, Json]]:
    yield from (
        (each for each in listed if isinstance(each, dict)) if isinstance(listed, list) else ()
    )


def plain_path(folder: str, path: str) -> str | None:
    r"""Write a path from the top without dots; None for the top, what is not in it, or with a NUL.

    >>> plain_path("a", "../b"), plain_path("a", "../../b"), plain_path("", "x\0y")
    ('b', None, None)
    """
    whole = joined(folder, path)
    first = whole.partition("/")[0]
    is_none = whole == "." or "\0" in whole or first in ("", "..", ".git", ".dvc")
    return None if is_none else whole
