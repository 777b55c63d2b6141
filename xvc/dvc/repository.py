"""DVC: its pointers, its cache, and, imported late, its own Python API.

Pointers and cache objects are written here, byte for byte as ``dvc add`` writes them, because its
own write is not on the disk when it returns. Never links a tracked file into the cache.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Collection, Iterable, Mapping
from functools import cached_property
from pathlib import Path

from xvc.core.run import DataFile
from xvc.core.run_inputs import is_digest
from xvc.dvc import pointers as dvc_files
from xvc.dvc.config import Config, changed_config, config_text, read_config
from xvc.errors import BadListing, CacheUnreadable, DvcFailed, NoObject, ObjectCorrupt
from xvc.system.files import (
    beside,
    copy_durably,
    make_folder,
    md5_of,
    md5_of_text,
    sync_folder,
    write_durably,
)
from xvc.types import Digest

_FOLDER = ".dir"
_SHARED_FOLDER, _FOLDER_MODE = 0o2775, 0o777  # as DVC makes them under `cache.shared group`


def pointer_of(path: Path) -> Path:
    """Name the pointer of a tracked file or folder."""
    return path.with_name(path.name + dvc_files.SUFFIX)


def is_named(path: Path, digest: str, *, is_old: bool) -> bool:
    """Whether a file's bytes are what a digest says; one of DVC 2 takes CRLF for LF in text."""
    name = digest.removesuffix(_FOLDER)
    return md5_of(path) == name or (is_old and md5_of_text(path) == name)


class Dvc:
    """The DVC set-up of one folder: where its cache is and what it holds."""

    def __init__(
        self, root: Path, environment: Mapping[str, str], second: Path | None = None
    ) -> None:
        self.root, self._environment = root, environment
        self.second = second
        """Where stores have a second name, which `git clean -x` does not reach."""
        self.of_dvc_2: set[str] = set()
        """Digests that pointers of DVC 2 name, as far as pointers were read."""

    @classmethod
    def find(cls, folder: Path, top: Path, environment: Mapping[str, str]) -> Dvc | None:
        """Look for ``.dvc`` from *folder* up to *top*."""
        for place in (folder, *folder.parents):
            if (place / ".dvc").is_dir():
                return cls(place, environment)
            if place == top:
                break
        return None

    @cached_property
    def config(self) -> Config:
        """What DVC's configuration files say; read once.

        Raises:
            DvcFailed: one cannot be read.
        """
        return Config(self.root, self._environment)

    @cached_property
    def cache(self) -> Path:
        """The cache folder, from DVC's own configuration, else ``.dvc/cache``; read once."""
        said = self.config.path("cache", "dir")
        return said.resolve() if said is not None else self.root / ".dvc" / "cache"

    @cached_property
    def cache_said_by(self) -> Path | None:
        """The configuration file that names the cache folder; None where none does."""
        return self.config.said_by("cache", "dir")

    def remotes(self) -> list[str]:
        """List the remotes that are configured, by name."""
        return list(self.config.remotes)

    def place(self, digest: str) -> Path:
        """Name the cache object of a digest."""
        return self.cache / "files" / "md5" / digest[:2] / digest[2:]

    def old_place(self, digest: str) -> Path:
        """Name the cache object of a digest of DVC 2."""
        return self.cache / digest[:2] / digest[2:]

    def object_of(self, digest: str, *, is_old: bool = False) -> Path:
        """Name the file of an object: where it is, those of DVC 2 lie elsewhere.

        *is_old*: a pointer of DVC 2 names it. A text with CRLF then and its LF form now have the
        same digest, and each its own place.
        """
        first, second = self.place(digest), self.old_place(digest)
        if is_old:
            first, second = second, first
        return second if not first.exists() and second.is_file() else first

    def is_old(self, digest: str) -> bool:
        """Whether an object is where DVC 2 keeps it, or belongs there and is not here."""
        place = self.object_of(digest)
        return self.lies_old(place) or (digest in self.of_dvc_2 and not place.exists())

    def lies_old(self, place: Path) -> bool:
        """Whether an object lies where DVC 2 keeps it."""
        return place.parent.parent == self.cache

    def holds(self, digest: str) -> bool:
        """Whether the cache has an object of that name that can be reached, whatever is in it."""
        with contextlib.suppress(OSError):
            return self.object_of(digest).is_file()
        return False

    def lack_of(self, digest: str, path: str) -> NoObject:
        """Say why an object is not had: the cache lacks it, or nothing in the cache can be read."""
        reason = "it is a link that leads nowhere" if self.cache.is_symlink() else ""
        try:
            os.stat(self.cache / "files" / "md5" / "00" / "0")
        except FileNotFoundError:
            reason *= not self.cache.exists()
        except OSError as err:
            reason = os.strerror(err.errno or 0)
        if reason:
            return CacheUnreadable(digest, path, place=str(self.cache), reason=reason)
        return NoObject(digest, path)

    def refuse_wrong(self, digest: str, place: Path) -> None:
        """Read an object of the cache and compare it with its name.

        Raises:
            ObjectCorrupt: its bytes are not what its name says.
        """
        if not is_named(place, digest, is_old=self.lies_old(place)):
            raise ObjectCorrupt(digest, md5_of(place))

    def has_bytes_of(self, path: Path) -> bool:
        """Whether the cache has an object with just a file's bytes."""
        found = md5_of(path)
        if self.holds(found):
            return True
        old = self.old_place(md5_of_text(path))
        return old.is_file() and md5_of(old) == found

    def make_folder(self, folder: Path) -> None:
        """Make a folder of the cache, with the modes that DVC gives it."""
        is_shared = self.config.get("cache", "shared").lower() == "group"
        make_folder(folder, mode=_SHARED_FOLDER if is_shared else None)

    def keep_file(self, path: Path) -> tuple[Digest, int]:
        """Put a file's bytes into the cache, on the disk; an object that rotted is replaced."""
        staging = self.cache / "files" / "md5" / f".{os.getpid()}.{os.urandom(4).hex()}"
        self.make_folder(staging.parent)
        try:
            digest, size = copy_durably(path, staging, mode=0o444)
            self._settle(staging, digest)
        finally:
            staging.unlink(missing_ok=True)
        return Digest(digest), size

    def keep_store(self, path: Path) -> tuple[Digest, int]:
        """Put a store into the cache, and give the object a second name: it may be all there is."""
        digest, size = self.keep_file(path)
        if self.second is not None and not self.cache.is_relative_to(self.second.parent):
            with contextlib.suppress(OSError):  # another file system
                make_folder(self.second)
                os.link(self.place(digest), self.second / digest)
        return digest, size

    def bring_back(self, *, each: bool = False) -> int:
        """Give stores their names in a cache that was deleted, as `git clean -x` does.

        Returns how many; *each*: also where only some were deleted, which takes a look at each.
        """
        home = self.cache / "files" / "md5"
        if self.second is None or not self.second.is_dir() or (os.path.exists(home) and not each):
            return 0
        brought = 0
        with contextlib.suppress(OSError):
            for kept in filter(Path.is_file, self.second.iterdir()):
                if not self.place(kept.name).exists():
                    self.make_folder(self.place(kept.name).parent)
                    os.link(kept, self.place(kept.name))
                    brought += 1
        return brought

    def take_over(self, older: Path) -> None:
        """Take the second names that an older xvc put into the folder of another repository.

        Those that its cache has are its own; where that was deleted whole, all may be.
        """
        home = self.cache / "files" / "md5"
        if self.second is None or self.second == older or not older.is_dir():
            return
        with contextlib.suppress(OSError):
            for kept in filter(Path.is_file, older.iterdir()):
                own, is_own = self.second / kept.name, self.place(kept.name).exists()
                if (is_own or not home.exists()) and not own.exists():
                    make_folder(self.second)
                    os.link(kept, own)
                if is_own:
                    kept.unlink()

    def _settle(self, staging: Path, digest: str) -> None:
        place = self.place(digest)
        self.make_folder(place.parent)
        os.replace(staging, place)
        sync_folder(place.parent)

    def keep_folder(self, folder: Path, without: Collection[str] = ()) -> tuple[Digest, int]:
        """Put a folder's files, but those *without*, and their list into the cache.

        Returns digest and bytes.
        """
        files = {
            path.relative_to(folder).as_posix(): path
            for path in sorted(part for part in folder.rglob("*") if part.is_file())
        }
        kept = {name: self.keep_file(path) for name, path in files.items() if name not in without}
        total = sum(size for _, size in kept.values())
        return self.keep_listing({name: digest for name, (digest, _) in kept.items()}), total

    def keep_listing(self, files: Mapping[str, str]) -> Digest:
        """Put a folder's list, the md5 of each path in it, into the cache."""
        entries = [{"md5": digest, "relpath": name} for name, digest in files.items()]
        entries.sort(key=lambda entry: tuple(entry["relpath"].split("/")))
        listing = json.dumps(entries, sort_keys=True).encode()
        name = hashlib.md5(listing, usedforsecurity=False).hexdigest() + ".dir"
        self.make_folder(self.place(name).parent)
        write_durably(self.place(name), listing, mode=0o444)
        return Digest(name)

    def listing(self, digest: str, path: str) -> dict[str, str]:
        """Read a folder's list: the md5 of each path in it. *path* is named in errors.

        Raises:
            NoObject: the list is not in the cache.
            ObjectCorrupt: its bytes are not what its name says.
            BadListing: it names a file outside the folder, or one of git's.
        """
        place = self.verify(digest, path)
        try:
            entries = json.loads(place.read_bytes())
            pairs = [(str(entry["relpath"]), str(entry["md5"])) for entry in entries]
        except (ValueError, KeyError, TypeError, RecursionError):
            raise BadListing(path, "what is no path") from None
        for name, member in pairs:
            parts = name.split("/")  # ten times as fast as a path
            is_path = name[:1] != "/" and ".." not in parts and {*parts} - {"", "."}
            if not is_path or "\0" in name or not is_digest(member) or _is_of_git(parts):
                raise BadListing(path, name)
        return dict(pairs)

    def keep(self, path: Path) -> DataFile:
        """Put a file or a folder into the cache, on the disk.

        Raises:
            DvcFailed: there is no such file or folder.
        """
        if path.is_dir():
            return DataFile(*self.keep_folder(path))
        if not path.is_file():
            raise DvcFailed(f"keep {path.name}", "there is no such file")
        return DataFile(*self.keep_file(path))

    def pointer_text(self, path: Path, file: DataFile) -> bytes:
        """Write what the pointer of *path* says, keeping what a person added to it."""
        return self.repointed(pointer_of(path), path.name, file)

    def repointed(self, pointer: Path, name: str, file: DataFile) -> bytes:
        """Write what a pointer, wherever its text lies, says when it names another content."""
        files = None
        if file.digest.endswith(_FOLDER):
            files = len(self.listing(file.digest, name))
        old = pointer.read_bytes() if pointer.exists() else None
        return dvc_files.repointed(old, name, file, files)

    def verify(self, digest: str, path: str) -> Path:
        """Return the place of an object whose bytes have been checked.

        Raises:
            NoObject: it is not in the cache, or cannot be read.
            ObjectCorrupt: its bytes are not what its name says.
        """
        place = self._reached(digest, path)
        self.refuse_wrong(digest, place)
        return place

    def _reached(self, digest: str, path: str) -> Path:
        """Name the file of an object that can be read.

        Raises:
            NoObject: it is not in the cache.
            CacheUnreadable: it cannot be read, or nothing in the cache can.
        """
        if not self.holds(digest):
            raise self.lack_of(digest, path)
        place = self.object_of(digest)
        if not os.access(place, os.R_OK):
            raise CacheUnreadable(digest, path, place=str(place), reason=os.strerror(errno.EACCES))
        return place

    def materialise(self, digest: str, target: Path) -> None:
        """Put a checked copy of an object at *target*; never a link.

        Raises:
            NoObject: it is not in the cache, or cannot be read.
            ObjectCorrupt: its bytes are not what its name says.
        """
        place = self._reached(digest, target.name)
        target.parent.mkdir(parents=True, exist_ok=True)
        sibling = beside(target, "new")
        found, _ = copy_durably(place, sibling)
        if found != digest and not is_named(sibling, digest, is_old=self.lies_old(place)):
            sibling.unlink()
            raise ObjectCorrupt(digest, found)
        os.replace(sibling, target)


def _is_of_git(parts: Iterable[str]) -> bool:
    """Whether a path leads into a repository of its own, whose settings git would obey."""
    return any(len(part) == 4 and part.lower() == ".git" for part in parts)


def start(root: Path, top: Path, site: Path, environment: Mapping[str, str]) -> None:
    """Make *root* a DVC repository, with analytics off and its state in a private folder.

    A process of its own, because DVC takes its site folder from the environment.

    Raises:
        DvcFailed: DVC refused.
    """
    where = [] if root == top else ["--subdir"]
    called = subprocess.run(
        [sys.executable, "-X", "utf8", "-m", "dvc", "init", "-q", *where],
        cwd=root,
        env={**environment, "DVC_SITE_CACHE_DIR": str(site), "DVC_NO_ANALYTICS": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    config = root / ".dvc" / "config"
    if called.returncode != 0 and not config.is_file():
        raise DvcFailed("make a repository", complaint(called.stderr))
    # With the file there it is one; what failed is only that git takes note of it (a locked index).
    if "analytics" not in read_config(config).get("core", {}):
        held = config.read_text(encoding="utf-8")
        write_durably(config, f"[core]\n    analytics = false\n{held}".encode())


def complaint(stderr: bytes) -> str:
    """Find the line in which DVC says what is wrong; it says other things around it."""
    lines = [line for line in stderr.decode("utf-8", "replace").splitlines() if line.strip()]
    said = next((line for line in lines if line.startswith("ERROR:")), lines[-1] if lines else "")
    return said.removeprefix("ERROR:").strip() or "it said nothing"


def change_local(
    root: Path, changes: Mapping[str, Mapping[str, str | None]], *, mode: int = 0o644
) -> None:
    """Set options in ``config.local``, or remove those that are None; the rest stays.

    A new file gets *mode*; one that is there keeps its own.

    Raises:
        DvcFailed: it cannot be read, or DVC's grammar cannot express a value.
    """
    local = root / ".dvc" / "config.local"
    text = config_text(local)
    if text:
        mode = local.stat().st_mode & 0o777  # it may hold what others may not read
    write_local(root, changed_config(text, changes, local.name), mode)


def write_local(root: Path, text: bytes, mode: int) -> None:
    """Replace ``config.local``; half of it, after a kill, lies where git ignores it."""
    local, fresh = root / ".dvc" / "config.local", root / ".dvc" / "tmp" / "xvc-config"
    make_folder(fresh.parent)
    write_durably(fresh, text, mode=mode)
    os.replace(fresh, local)
    sync_folder(local.parent)
