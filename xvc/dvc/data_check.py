"""Whether the data in a tree is what its pointers name: looked at by inode, time and size.

Bytes are read only where neither DVC nor an earlier look knows the file. What was found is noted,
so that the next look at an untouched folder costs no more than its files' dates.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, replace
from pathlib import Path

from xvc.core.run import ABSENT, MODIFIED, DataFile
from xvc.dvc.hash_state import check_of, stamps_from_state
from xvc.dvc.outputs import digests_of, object_of
from xvc.dvc.pointers import Out
from xvc.dvc.repository import Dvc, pointer_of
from xvc.errors import BadListing, CorruptError, NoObject
from xvc.system.files import md5_of, write_durably
from xvc.types import Digest

_FOLDER = ".dir"
_BLOCK = 512  # the bytes by which DVC 2 told text from binary
_Files = dict[str, os.stat_result]
Ignored = Callable[[str], set[str]]
"""Tells which paths below a folder, from the top, ``.dvcignore`` takes out of it."""


@dataclass(frozen=True, slots=True)
class Looker:
    """Looks at data in one tree.

    Args:
        dvc: the DVC set-up of the tree.
        top: what paths count from.
        memory: a folder for the notes.
        environment: where DVC's own notes may be named.
        ignored: see `Ignored`.
    """

    dvc: Dvc
    top: Path
    memory: Path
    environment: Mapping[str, str]
    ignored: Ignored

    def look(self, data: Mapping[str, DataFile]) -> dict[str, DataFile]:
        """Return the data as it is: unchanged, or marked with its own digest, or as absent.

        What a pipeline's lock names and nobody has made yet stays as it is: a stage makes it.

        Raises:
            OSError: a file cannot be read.
        """
        return {path: self._looked_at(path, file) for path, file in data.items()}

    def _looked_at(self, path: str, file: DataFile) -> DataFile:
        place = self.top / path
        try:
            facts = place.stat()
        except (FileNotFoundError, NotADirectoryError):
            is_data = pointer_of(place).exists()
            return replace(file, state=ABSENT) if is_data else file
        files = _files(place) if stat.S_ISDIR(facts.st_mode) else {path: facts}
        if place.is_dir():
            files = {f"{path}/{name}": each for name, each in files.items()}
        print_ = _print(files)
        noted = self._noted(path)
        latest = max((each.st_ctime_ns for each in files.values()), default=0)
        is_known = noted.get("print") == print_
        touched = _changed_since(files, noted.get("latest")) if is_known else set()
        if is_known and not touched:
            found = DataFile(str(noted["digest"]), int(str(noted["size"])))
        else:
            found = self._hashed(path, file, files, touched)
            self._note(path, print_, found, latest)
        if found.digest == file.digest:
            return file
        return replace(found, state=MODIFIED, tracked=file.digest)

    def _hashed(self, path: str, file: DataFile, files: _Files, touched: Set[str]) -> DataFile:
        expected = self._expected(path, file)
        if path not in files and expected and files.keys() - expected.keys():
            out = self.ignored(path) - expected.keys()
            files = {name: facts for name, facts in files.items() if name not in out}
        digests = self._digests(files, expected, touched)
        size = sum(facts.st_size for facts in files.values())
        if digests == expected:
            return DataFile(file.digest, size)
        if path in files:
            return DataFile(digests[path], size)
        return DataFile(listing_digest({k[len(path) + 1 :]: v for k, v in digests.items()}), size)

    def _expected(self, path: str, file: DataFile) -> dict[str, str]:
        """What the pointer names, file by file; nothing where its list is not in the cache."""
        out = Out(path, Digest(file.digest), path, file.size)
        try:
            return digests_of(self.dvc, out)
        except (NoObject, CorruptError, BadListing):
            return {}

    def _digests(
        self, files: _Files, expected: Mapping[str, str], touched: Set[str]
    ) -> dict[str, str]:
        """Hash files; DVC's notes count but for those *touched*, of which they know nothing."""
        own = files.keys() & touched
        files = {name: facts for name, facts in files.items() if name not in touched}
        checks = {name: check_of(facts) for name, facts in files.items()}
        top = f"{self.top}/"  # joined by hand: a tenth of the time of a path, ten thousand times
        found = self._known(checks, {name: top + name for name in files})
        linked = {  # to its object: DVC may know that one
            name: str(object_of(self.dvc, expected[name]))
            for name in files.keys() - found.keys()
            if name in expected and (files[name].st_nlink > 1 or os.path.islink(self.top / name))
        }
        found |= self._known(checks, linked)
        for name in (*own, *(files.keys() - found.keys())):
            found[name] = self._read(name, expected.get(name))
        return found

    def _known(self, checks: Mapping[str, str], places: Mapping[str, str]) -> dict[str, str]:
        """Return the digests that DVC has noted of files as they are, by where it may name them."""
        if not places:
            return {}
        stamps = stamps_from_state(self.dvc.root, self.environment, places.values())
        nobody = ("", "")
        noted = ((name, stamps.get(place, nobody)) for name, place in places.items())
        return {name: digest for name, (check, digest) in noted if check == checks[name]}

    def _read(self, name: str, expected: str | None) -> str:
        file = self.top / name
        digest = md5_of(file)
        if expected not in (None, digest) and _as_dvc_2(file) == expected:
            return str(expected)
        return digest

    def _noted(self, path: str) -> dict[str, object]:
        try:
            found = json.loads(self._place(path).read_bytes())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) and found.get("path") == path else {}

    def _note(self, path: str, print_: str, found: DataFile, latest: int) -> None:
        facts = {"path": path, "print": print_, "digest": found.digest, "size": found.size}
        facts["latest"] = latest
        with contextlib.suppress(OSError):  # then the next look reads again
            self.memory.mkdir(parents=True, exist_ok=True)
            write_durably(self._place(path), json.dumps(facts).encode())

    def _place(self, path: str) -> Path:
        name = hashlib.md5(os.fsencode(path), usedforsecurity=False).hexdigest()
        return self.memory / f"{name}.json"


def _files(folder: Path) -> _Files:
    """Map the files of a folder, by path in it, to what the disk says of them."""
    found: _Files = {}
    _add_files(found, folder, "")
    return found


def _add_files(found: _Files, folder: str | Path, below: str) -> None:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                _add_files(found, entry.path, f"{below}{entry.name}/")
            elif not entry.is_dir():
                try:
                    found[below + entry.name] = entry.stat()
                except FileNotFoundError:  # a link to nothing
                    continue


def _print(files: _Files) -> str:
    """Write what changes whenever a file of these is written, replaced, added or removed."""
    lines = [f"{name} {f.st_ino} {f.st_size} {f.st_mtime_ns}" for name, f in files.items()]
    text = "\n".join(sorted(lines)).encode("utf-8", "surrogateescape")
    return hashlib.md5(text, usedforsecurity=False).hexdigest()


def _changed_since(files: _Files, latest: object) -> set[str]:
    """Name the files that changed since, whatever their times say: nobody sets that of a change.

    A file with several names changes with each name that it gets, as objects of the cache do.
    """
    if not isinstance(latest, int):
        return set()
    return {name for name, f in files.items() if f.st_ctime_ns > latest and f.st_nlink == 1}


def listing_digest(files: Mapping[str, str]) -> str:
    """Name the list of a folder's files, the md5 of each path in it, as `Dvc.keep_listing` does."""
    entries = [{"md5": digest, "relpath": name} for name, digest in files.items()]
    entries.sort(key=lambda entry: tuple(entry["relpath"].split("/")))
    listing = json.dumps(entries, sort_keys=True).encode()
    return hashlib.md5(listing, usedforsecurity=False).hexdigest() + _FOLDER


def _as_dvc_2(file: Path) -> str | None:
    """Hash a text as DVC 2 did, with the line ends of Unix; None for what is no text."""
    content = file.read_bytes()
    if b"\0" in content[:_BLOCK]:
        return None
    unix = content.replace(b"\r\n", b"\n")
    return hashlib.md5(unix, usedforsecurity=False).hexdigest()
