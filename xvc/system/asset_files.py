"""Assets: objects, files and folders by the sha256 of their bytes, one copy each.

A folder of read-only files ``<aa>/<sha256>``, written by any number of processes at once: each
writes a file of its own and renames it, so a name never holds half an asset. Knows no database.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from xvc.core.late_pattern import late
from xvc.errors import AmbiguousAsset, AssetCorrupt, AssetFailed, BadValue, NoAsset, NoPickle
from xvc.system.files import beside, make_folder, refuse_link, sync_folder
from xvc.types import Json

if TYPE_CHECKING:
    from xvc.system.pickling import Write

NAME = "assets"
_DIGEST = late(r"[0-9a-f]{64}")
_PREFIX = late(r"[0-9a-f]{8,64}")
_FOLDERS = late(r"[0-9a-f]{2}")
_NEW = ".new-"
_CHUNK = 1 << 20
_LISTING = b'{"xvc folder": ['


@dataclass(frozen=True, slots=True)
class FolderFile:
    """One file of a kept folder: where it lies in there, the digest of its bytes, their number."""

    path: str
    digest: str
    size: int
    is_executable: bool = False


class Assets:
    """The assets in *folder*, which is made with the first of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def beside(cls, store: Path) -> Assets:
        """The assets of a store: the folder ``assets`` where its file is."""
        return cls(store.with_name(NAME))

    def keep(self, value: object) -> str:
        """Pickle an object (protocol 5) and return the sha256 of the pickle, on the disk.

        Large arrays are not copied in memory. Equal objects usually, not always, have one digest:
        a pickle shows what is inside an object, the order of a set included.

        Raises:
            BadValue: it cannot be pickled; nothing is kept.
            AssetFailed: the disk refused.
        """
        from xvc.system import pickling  # late: few runs keep objects

        return self._written(lambda write: pickling.dump(value, write))[0]

    def keep_file(self, path: Path) -> str:
        """Copy a file and return its sha256.

        Raises:
            BadValue: there is no such file, or it is none.
            AssetFailed: the disk refused.
        """
        return self._file(path)[0]

    def _file(self, path: Path) -> tuple[str, int]:
        if not path.is_file():
            raise BadValue(str(path), "there is no such file")
        return self._written(lambda write: _read_into(path, write))

    def keep_folder(self, path: Path) -> str:
        """Copy a folder's files, each once, and return the sha256 of their list.

        Empty folders in it are not kept, nor anything of a file but bytes and being executable.

        Raises:
            BadValue: there is no such folder, or something in it is neither file nor folder.
            AssetFailed: the disk refused.
        """
        parts = [self._part(path, file) for file in _files_below(path)]
        entries = [[part.path, part.digest, part.size, part.is_executable] for part in parts]
        body = ",\n".join(json.dumps(entry) for entry in entries).encode()
        return self._written(lambda write: write(_LISTING + body + b"]}"))[0]

    def _part(self, folder: Path, file: Path) -> FolderFile:
        digest, size = self._file(file)
        name = file.relative_to(folder).as_posix()
        return FolderFile(name, digest, size, os.access(file, os.X_OK))

    def load(self, digest: str) -> object:
        """Unpickle an object. **This runs code**: whatever the one who pickled it put in there.

        The bytes are hashed first, so what is unpickled is what was kept, by whoever kept it.

        Raises:
            NoAsset: it is not here.
            AmbiguousAsset: several digests begin so.
            AssetCorrupt: its bytes are not what its name says; nothing was unpickled.
            NoPickle: it is a file or a folder.
        """
        from xvc.system import pickling  # late: as above

        with self._verified(digest) as file:
            if not pickling.is_pickle(file.read(1)):
                raise NoPickle(digest)
            file.seek(0)
            return pickling.load(file)

    def get(self, digest: str, default: object = None) -> object:
        """Unpickle an object as `load` does, which **runs code**; *default* when it is not here.

        Raises:
            AmbiguousAsset: several digests begin so.
            AssetCorrupt: its bytes are not what its name says; nothing was unpickled.
            NoPickle: it is a file or a folder.
        """
        try:
            return self.load(digest)
        except NoAsset:
            return default

    def export(self, digest: str, target: Path) -> Path:
        """Copy an asset to *target* without unpickling it; a folder becomes a folder.

        What is at *target* is replaced when it is a file; in a folder files are added.

        Raises:
            NoAsset: it, or a file of the folder, is not here.
            AmbiguousAsset: several digests begin so.
            AssetCorrupt: bytes are not what their name says; *target* is as it was, or lacks them.
        """
        parts = self.parts(digest)
        if parts is None:
            self._copy(digest, target)
            return target
        target.mkdir(parents=True, exist_ok=True)
        for part in parts:
            place = target / part.path
            place.parent.mkdir(parents=True, exist_ok=True)
            self._copy(part.digest, place, is_executable=part.is_executable)
        return target

    def _copy(self, digest: str, target: Path, *, is_executable: bool = False) -> None:
        sibling = beside(target, "new")
        try:
            with self._verified(digest) as file, sibling.open("wb") as out:
                shutil.copyfileobj(file, out, _CHUNK)
            if is_executable:
                mode = sibling.stat().st_mode & 0o777
                sibling.chmod(mode | (mode & 0o444) >> 2)  # for whom the umask lets read it
            os.replace(sibling, target)
        finally:
            sibling.unlink(missing_ok=True)

    def parts(self, digest: str) -> tuple[FolderFile, ...] | None:
        """List the files of a kept folder; None when *digest* is no folder.

        Raises:
            NoAsset: it is not here.
            AmbiguousAsset: several digests begin so.
            AssetCorrupt: its bytes are not what its name says.
        """
        with self.path(digest).open("rb") as file:
            if file.read(len(_LISTING)) != _LISTING:
                return None
        with self._verified(digest) as file:
            found = cast("dict[str, list[list[Json]]]", json.load(file))
        return tuple(_part_from(entry) for entry in next(iter(found.values())))

    def size(self, digest: str) -> int:
        """Return how many bytes an asset has; of a folder, all its files together.

        Raises:
            NoAsset: it is not here.
        """
        parts = self.parts(digest)
        return self.path(digest).stat().st_size if parts is None else sum(p.size for p in parts)

    def path(self, digest: str) -> Path:
        """Find an asset's file by its digest or the first eight letters of it, or more.

        Raises:
            NoAsset: it is not here.
            AmbiguousAsset: several digests begin so.
        """
        text = digest.lower()
        if not _PREFIX.fullmatch(text):
            raise NoAsset(digest)
        near = self.folder / text[:2]
        if len(text) == 64 and (near / text).is_file():
            return near / text
        found = sorted(path for path in near.glob(f"{text}*") if _DIGEST.fullmatch(path.name))
        if not found:
            raise NoAsset(digest)
        if len(found) > 1:
            raise AmbiguousAsset(digest, tuple(path.name for path in found))
        return found[0]

    def verify(self, digest: str) -> Path:
        """Return an asset's file, its bytes checked.

        Raises:
            NoAsset: it is not here.
            AmbiguousAsset: several digests begin so.
            AssetCorrupt: its bytes are not what its name says.
        """
        with self._verified(digest) as file:
            return Path(file.name)

    @contextmanager
    def _verified(self, digest: str) -> Iterator[BinaryIO]:
        """Open an asset whose bytes, read through this very descriptor, are what its name says."""
        path = self.path(digest)
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
            if found != path.name:
                raise AssetCorrupt(path.name, found)
            file.seek(0)
            yield cast("BinaryIO", file)

    def all(self) -> dict[str, Path]:
        """Map the digest of each asset that is here to its file."""
        if not self.folder.is_dir():
            return {}
        near = sorted(path for path in self.folder.iterdir() if _FOLDERS.fullmatch(path.name))
        files = (path for folder in near for path in sorted(folder.iterdir()))
        return {path.name: path for path in files if _DIGEST.fullmatch(path.name)}

    def __iter__(self) -> Iterator[str]:
        """The digests of the assets that are here."""
        return iter(self.all())

    def __len__(self) -> int:
        return len(self.all())

    def __bool__(self) -> bool:
        """True: a folder without assets is one."""
        return True

    def __contains__(self, digest: object) -> bool:
        return digest in self.all()

    def remove(self, digest: str) -> None:
        """Remove one file: an object, a file, or the list of a folder; nothing when it is gone."""
        with suppress(NoAsset):
            self.path(digest).unlink(missing_ok=True)

    def _written(self, fill: Callable[[Write], object]) -> tuple[str, int]:
        """Write beside, hash on the way, rename; returns the digest and the number of bytes.

        An equal asset that is there is replaced: whatever rot it may have had is gone.
        """
        sha256, size = hashlib.sha256(), 0
        try:
            self._make_ready()
            with self._new_file() as (file, path):

                def write(piece: bytes | memoryview) -> None:
                    nonlocal size
                    size += file.write(piece)
                    sha256.update(piece)

                fill(write)
                file.flush()
                os.fchmod(file.fileno(), 0o444)
                os.fsync(file.fileno())
                place = self.folder / sha256.hexdigest()[:2] / sha256.hexdigest()
                make_folder(place.parent)
                os.replace(path, place)
                sync_folder(place.parent)
        except OSError as err:
            raise AssetFailed(str(self.folder), err.strerror or str(err)) from err
        return sha256.hexdigest(), size

    @contextmanager
    def _new_file(self) -> Iterator[tuple[BinaryIO, Path]]:
        """A file of this writer's own, locked for as long as it lives under that name."""
        path = self.folder / f"{_NEW}{os.urandom(8).hex()}"
        with path.open("xb") as file:
            _lock(file.fileno(), wait=True)  # before it, another's `clear` may have taken the file
            if not path.exists():
                with self._new_file() as another:
                    yield another
                return
            try:
                yield file, path
            finally:
                path.unlink(missing_ok=True)

    def clear(self) -> None:
        """Remove what killed writers left: half assets that no living process holds a lock on."""
        for path in self.folder.glob(f"{_NEW}*") if self.folder.is_dir() else ():
            with suppress(OSError), path.open("rb") as file:
                if _lock(file.fileno(), wait=False):
                    path.unlink()

    def _make_ready(self) -> None:
        if self.folder.is_dir():
            self.clear()
            return
        store = self.folder.parent.resolve()
        if any((place / ".git").exists() for place in (store, *store.parents)):
            _ignore(store / ".gitignore", f"/{self.folder.name}")  # DVC keeps them
        make_folder(self.folder)


def _ignore(file: Path, line: str) -> None:
    """Append in one write; two processes at once may leave the line twice, which is harmless."""
    refuse_link(file)
    held = file.read_text(encoding="utf-8") if file.exists() else ""
    if line not in held.splitlines():
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a", encoding="utf-8") as out:
            out.write(f"\n{line}\n" if held and not held.endswith("\n") else f"{line}\n")


def _lock(descriptor: int, *, wait: bool) -> bool:
    """Hold a file; False where another does, or where files cannot be held at all."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        return False
    return True


def _read_into(path: Path, write: Write) -> None:
    with path.open("rb") as file:
        while piece := file.read(_CHUNK):
            write(piece)


def _files_below(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise BadValue(str(folder), "there is no such folder")
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            found.append(path)
        elif path.is_symlink() or not path.is_dir():
            raise BadValue(str(path), "is neither a file nor a folder, so it cannot be kept")
    return found


def _part_from(entry: list[Json]) -> FolderFile:
    path, digest, size, is_executable = entry
    if not isinstance(path, str) or Path(path).is_absolute() or ".." in Path(path).parts:
        raise BadValue(str(path), "leads out of the folder, so it is not written")
    return FolderFile(path, str(digest), int(cast("int", size)), bool(is_executable))
