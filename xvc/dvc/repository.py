"""DVC: its pointers, its cache, and, imported late, its own Python API.

Pointers and cache objects are written here, byte for byte as ``dvc add`` writes them, because its
own write is not on the disk when it returns. Never links a tracked file into the cache.
"""

from __future__ import annotations

import configparser
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import cast

import yaml

from xvc.core.run import DataFile
from xvc.core.run_inputs import is_digest
from xvc.errors import DvcFailed, NoObject, ObjectCorrupt, PointerCorrupt, Unresolved
from xvc.system.files import beside, copy_durably, make_folder, md5_of, sync_folder, write_durably
from xvc.types import Digest, Json

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CONFLICT = ("<<<<<<< ", ">>>>>>> ")
SUFFIX = ".dvc"


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


def pointer_of(path: Path) -> Path:
    """Name the pointer of a tracked file or folder."""
    return path.with_name(path.name + SUFFIX)


def load_yaml(text: str | bytes, path: str) -> Json:
    """Read YAML, safely.

    Raises:
        PointerCorrupt: it is not YAML.
        Unresolved: it holds merge marks.
    """
    words = text if isinstance(text, str) else text.decode("utf-8", "replace")
    if any(line.startswith(_CONFLICT) for line in words.splitlines()):
        raise Unresolved(path)
    try:
        return cast("Json", yaml.load(words, _Loader))  # noqa: S506 - it is a safe loader
    except yaml.YAMLError as err:
        raise PointerCorrupt(path, str(err).splitlines()[0]) from err


def parse_pointer(text: str | bytes, path: str) -> Pointer:
    """Read a pointer.

    Raises:
        PointerCorrupt: empty, torn, or of another shape.
        Unresolved: it holds merge marks.
    """
    found = load_yaml(text, path)
    outs = found.get("outs") if isinstance(found, dict) else None
    first = outs[0] if isinstance(outs, list) and outs else None
    if not isinstance(first, dict) or not isinstance(first.get("path"), str):
        raise PointerCorrupt(path, "it names no output")
    digest, size = first.get("md5"), first.get("size")
    if not is_digest(digest):
        raise PointerCorrupt(path, "it names no md5")
    return Pointer(str(first["path"]), Digest(str(digest)), size if isinstance(size, int) else None)


def read_pointer(path: Path, name: str = "") -> Pointer | None:
    """Read the pointer file, called *name* in errors; None when there is none."""
    try:
        return parse_pointer(path.read_bytes(), name or path.name)
    except FileNotFoundError:
        return None


def render_pointer(name: str, digest: str, size: int, files: int | None = None) -> bytes:
    """Write a pointer as ``dvc add`` does."""
    count = "" if files is None else f"  nfiles: {files}\n"
    quoted = yaml.safe_dump(name, allow_unicode=True).removesuffix("...\n").strip()
    return (
        f"outs:\n- md5: {digest}\n  size: {size}\n{count}  hash: md5\n  path: {quoted}\n".encode()
    )


class Dvc:
    """The DVC set-up of one folder: where its cache is and what it holds."""

    def __init__(self, root: Path, environment: Mapping[str, str]) -> None:
        self.root, self._environment = root, environment

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
    def cache(self) -> Path:
        """The cache folder, from DVC's own configuration, else ``.dvc/cache``; read once."""
        file = self.cache_said_by
        if file is None:
            return self.root / ".dvc" / "cache"
        return (file.parent / Path(_cache_setting(file)).expanduser()).resolve()

    @cached_property
    def cache_said_by(self) -> Path | None:
        """The configuration file that names the cache folder; None where none does."""
        return next((file for file in self._config_files() if _cache_setting(file)), None)

    def _config_files(self) -> list[Path]:
        home = Path(self._environment.get("HOME", "/"))
        user = Path(self._environment.get("XDG_CONFIG_HOME") or home / ".config")
        return [
            self.root / ".dvc" / "config.local",
            self.root / ".dvc" / "config",
            user / "dvc" / "config",
            home / "Library" / "Application Support" / "dvc" / "config",
            Path("/etc/xdg/dvc/config"),
        ]

    def remotes(self) -> list[str]:
        """List the remotes that are configured, by name."""
        names: dict[str, None] = {}
        for file in self._config_files():
            for section in config_of(file).sections():
                words = section.strip("'").split('"')
                if words[0].strip() == "remote" and len(words) > 1:
                    names[words[1]] = None
        return list(names)

    def place(self, digest: str) -> Path:
        """Name the cache object of a digest."""
        return self.cache / "files" / "md5" / digest[:2] / digest[2:]

    def holds(self, digest: str) -> bool:
        """Whether the cache has an object of that name; its bytes are not looked at."""
        return self.place(digest).is_file()

    def keep_file(self, path: Path) -> tuple[Digest, int]:
        """Put a file's bytes into the cache, on the disk; an object that rotted is replaced."""
        staging = self.cache / "files" / "md5" / f".{os.getpid()}.{os.urandom(4).hex()}"
        make_folder(staging.parent)
        try:
            digest, size = copy_durably(path, staging, mode=0o444)
            self._settle(staging, digest)
        finally:
            staging.unlink(missing_ok=True)
        return Digest(digest), size

    def _settle(self, staging: Path, digest: str) -> None:
        place = self.place(digest)
        make_folder(place.parent)
        os.replace(staging, place)
        descriptor = os.open(place.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def keep_folder(self, folder: Path) -> tuple[Digest, int]:
        """Put a folder's files and their list into the cache; returns digest and bytes."""
        kept = {
            path.relative_to(folder).as_posix(): self.keep_file(path)
            for path in sorted(part for part in folder.rglob("*") if part.is_file())
        }
        total = sum(size for _, size in kept.values())
        return self.keep_listing({name: digest for name, (digest, _) in kept.items()}), total

    def keep_listing(self, files: Mapping[str, str]) -> Digest:
        """Put a folder's list, the md5 of each path in it, into the cache."""
        entries = [{"md5": digest, "relpath": name} for name, digest in files.items()]
        entries.sort(key=lambda entry: tuple(entry["relpath"].split("/")))
        listing = json.dumps(entries, sort_keys=True).encode()
        name = hashlib.md5(listing, usedforsecurity=False).hexdigest() + ".dir"
        make_folder(self.place(name).parent)
        write_durably(self.place(name), listing, mode=0o444)
        return Digest(name)

    def listing(self, digest: str, path: str) -> dict[str, str]:
        """Read a folder's list: the md5 of each path in it. *path* is named in errors.

        Raises:
            NoObject: the list is not in the cache.
            ObjectCorrupt: its bytes are not what its name says.
        """
        self.verify(digest, path)
        entries = cast("list[dict[str, str]]", self._entries(digest))
        return {entry["relpath"]: entry["md5"] for entry in entries}

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
        files = len(self._entries(file.digest)) if file.digest.endswith(".dir") else None
        fresh = render_pointer(name, file.digest, file.size or 0, files)
        return _updated(pointer, fresh) if pointer.exists() else fresh

    def _entries(self, digest: str) -> list[Json]:
        return cast("list[Json]", json.loads(self.place(digest).read_bytes()))

    def verify(self, digest: str, path: str) -> Path:
        """Return the place of an object whose bytes have been checked.

        Raises:
            NoObject: it is not in the cache.
            ObjectCorrupt: its bytes are not what its name says.
        """
        place = self.place(digest)
        if not place.is_file():
            raise NoObject(digest, path)
        found = md5_of(place)
        if found != digest.removesuffix(".dir"):
            raise ObjectCorrupt(digest, found)
        return place

    def materialise(self, digest: str, target: Path) -> None:
        """Put a checked copy of an object at *target*; never a link.

        Raises:
            NoObject: it is not in the cache.
            ObjectCorrupt: its bytes are not what its name says.
        """
        place = self.place(digest)
        if not place.is_file():
            raise NoObject(digest, target.name)
        target.parent.mkdir(parents=True, exist_ok=True)
        sibling = beside(target, "new")
        found, _ = copy_durably(place, sibling, mode=0o644)
        if found != digest:
            sibling.unlink()
            raise ObjectCorrupt(digest, found)
        os.replace(sibling, target)


def config_of(file: Path) -> configparser.ConfigParser:
    """Read one of DVC's configuration files; an empty one where it is missing."""
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return parser
    except configparser.Error as err:
        raise DvcFailed(f"read {file.name}", str(err).splitlines()[0]) from err
    return parser


def _cache_setting(file: Path) -> str:
    return config_of(file).get("cache", "dir", fallback="")


def _updated(pointer: Path, fresh: bytes) -> bytes:
    """Carry over the keys that a person added to a pointer (desc, meta, remote …)."""
    try:
        old = load_yaml(pointer.read_bytes(), pointer.name)
    except (PointerCorrupt, Unresolved):
        return fresh
    new = cast("dict[str, list[dict[str, Json]]]", load_yaml(fresh, pointer.name))
    outs = old.get("outs") if isinstance(old, dict) else None
    held = outs[0] if isinstance(outs, list) and outs and isinstance(outs[0], dict) else {}
    extra_top = set(old) - {"outs"} if isinstance(old, dict) else set()
    if not extra_top and not set(held) - {"md5", "size", "hash", "path", "nfiles"}:
        return fresh
    merged = {**held, **new["outs"][0]}
    whole = {**(old if isinstance(old, dict) else {}), "outs": [merged]}
    return yaml.safe_dump(whole, sort_keys=False, allow_unicode=True).encode()


def read_pointers(root: Path, paths: Iterable[str]) -> dict[str, DataFile]:
    """Read ``.dvc`` files by their paths below *root*; the key is the tracked path."""
    found: dict[str, DataFile] = {}
    for path in paths:
        pointer = read_pointer(root / path)
        if pointer is not None:
            tracked = (Path(path).parent / pointer.path).as_posix()
            found[tracked] = pointer.file
    return found


def pipeline_outs(root: Path) -> list[Path]:
    """List what the pipeline of *root* makes, as its ``dvc.lock`` has it."""
    lock = root / "dvc.lock"
    found = load_yaml(lock.read_bytes(), lock.name) if lock.is_file() else None
    stages = found.get("stages") if isinstance(found, dict) else None
    each = stages.values() if isinstance(stages, dict) else ()
    listed = [stage.get("outs") for stage in each if isinstance(stage, dict)]
    outs = [out for some in listed if isinstance(some, list) for out in some]
    paths = [out.get("path") for out in outs if isinstance(out, dict)]
    return [root / path for path in paths if isinstance(path, str)]


def start(root: Path, top: Path, site: Path, environment: Mapping[str, str]) -> None:
    """Make *root* a DVC repository, with analytics off and its state in a private folder.

    A process of its own, because DVC takes its site folder from the environment.

    Raises:
        DvcFailed: DVC refused.
    """
    where = [] if root == top else ["--subdir"]
    called = subprocess.run(
        [sys.executable, "-m", "dvc", "init", "-q", *where],
        cwd=root,
        env={**environment, "DVC_SITE_CACHE_DIR": str(site), "DVC_NO_ANALYTICS": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    if called.returncode != 0:
        raise DvcFailed("make a repository", complaint(called.stderr))
    config = root / ".dvc" / "config"
    if not config_of(config).has_option("core", "analytics"):
        held = config.read_text(encoding="utf-8")
        write_durably(config, f"[core]\n    analytics = false\n{held}".encode())


def complaint(stderr: bytes) -> str:
    """Find the line in which DVC says what is wrong; it says other things around it."""
    lines = [line for line in stderr.decode("utf-8", "replace").splitlines() if line.strip()]
    said = next((line for line in lines if line.startswith("ERROR:")), lines[-1] if lines else "")
    return said.removeprefix("ERROR:").strip() or "it said nothing"


def use_site(root: Path, site: Path) -> bool:
    """Keep DVC's own state of this clone in *site*; tells whether ``config.local`` changed."""
    return _set_local(root, "core", "site_cache_dir", str(site))


def use_cache(root: Path, cache: Path) -> bool:
    """Keep a linked work tree's objects where its main tree does; tells whether that is new."""
    return _set_local(root, "cache", "dir", str(cache))


def _set_local(root: Path, section: str, option: str, value: str) -> bool:
    local = root / ".dvc" / "config.local"
    if config_of(local).has_option(section, option):
        return False
    held = local.read_text(encoding="utf-8") if local.exists() else ""
    head, line = f"[{section}]\n", f"    {option} = {value}\n"
    at = held.find(head) + len(head) if head in held else len(held)
    new = line if head in held else head + line
    mode = local.stat().st_mode & 0o777 if held else 0o644  # it may hold what others may not read
    write_local(root, f"{held[:at]}{new}{held[at:]}", mode)
    return True


def write_local(root: Path, text: str, mode: int) -> None:
    """Replace ``config.local``; half of it, after a kill, lies where git ignores it."""
    local, fresh = root / ".dvc" / "config.local", root / ".dvc" / "tmp" / "xvc-config"
    make_folder(fresh.parent)
    write_durably(fresh, text.encode(), mode=mode)
    os.replace(fresh, local)
    sync_folder(local.parent)
