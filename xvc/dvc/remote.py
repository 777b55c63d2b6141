"""A DVC remote as a store of objects: which are there, sending them, bringing them.

DVC's configuration and file systems do the work, imported late. Nothing is believed: what was
brought is hashed before it gets its name, what is sent is hashed before and listed afterwards. Of
DVC's own ways neither the index, which takes a folder's list for the folder, nor a `Repo`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xvc.core.best_effort import in_words
from xvc.dvc.foreign_remote import refuse_foreign
from xvc.dvc.outputs import digests_of, object_of
from xvc.dvc.pointers import Out
from xvc.dvc.repository import Dvc, is_named
from xvc.errors import (
    ConflictError,
    CorruptError,
    DvcFailed,
    ExternalError,
    NoPackage,
    NotFoundError,
    error,
)
from xvc.system.files import copy_durably, make_folder, sync_folder
from xvc.system.staging import Staging
from xvc.system.stall_timeout import waiting_for

if TYPE_CHECKING:
    from dvc.config import Config
    from dvc_objects.fs.base import FileSystem

_LOCAL, _SSH = "local", "ssh"
_EXTRAS = {"s3", "ssh"}
_ASKING = {"ask_password", "ask_passphrase"}  # nothing is asked; what is wanted is in a setting
_FORBIDDEN, _NOWHERE = 403, {404, 410}  # of HTTP
_AT_ONCE = 8  # files put on the disk together
_FOREIGN = {
    "dvc.exceptions": "DvcException",
    "botocore.exceptions": "BotoCoreError",
    "aiohttp": "ClientError",
    "asyncssh": "Error",
}


@error("no-dvc-remote")
class NoRemote(NotFoundError):
    """DVC has no remote of that name, or no default one."""

    name: str
    known: tuple[str, ...]

    def __str__(self) -> str:
        return f"DVC has no remote {self.name!r}" if self.name else "DVC has no default remote"

    @property
    def hint(self) -> str:
        """Names the command that adds one, or chooses among those that are there."""
        if self.known:
            names = ", ".join(self.known)
            return f"There are: {names}. Choose with --dvc-remote or `dvc remote default NAME`."
        return (
            "Add one: `dvc remote add -d storage URL`, where URL is a folder, s3://BUCKET/PATH or "
            "ssh://HOST/PATH. If others of the project have one, they have not committed it: "
            "`git commit -m 'DVC remote' -- .dvc/config` and `xvc push` there, then `xvc pull`."
        )


@error("versioned-remote")
class VersionedRemote(ConflictError):
    """A remote keeps files under their own names, as ``version_aware`` and ``worktree`` say."""

    remote: str
    option: str
    says = "DVC remote {remote} is {option}: it keeps files by their names, and no objects"
    way = (
        "Nothing was sent or brought. Give xvc one without that: `dvc remote add objects URL`, and "
        "`--dvc-remote objects`; `dvc push` and `dvc pull` go on with {remote}."
    )


@error("remote-corrupt")
class RemoteCorrupt(CorruptError):
    """An object that came from the remote holds other bytes than its name says."""

    digest: str
    remote: str
    says = "remote {remote} holds other bytes under {digest:.10}"
    way = "Rename the object there and `xvc push` from a clone that has it; nothing was kept."


@error("not-arrived")
class NotArrived(ExternalError):
    """An object that was sent is not on the remote as it should be."""

    digests: tuple[str, ...]
    remote: str
    says = "objects that did not arrive on remote {remote}: {digests!n}"
    way = "No version was pushed. Push again; what is there already is not sent."


@dataclass(frozen=True, slots=True)
class RemoteObject:
    """What a remote says of an object: size in bytes and tag of its content, if it tells them."""

    size: int | None
    etag: str = ""


class Remote:
    """One remote of a DVC repository; `open` finds it."""

    def __init__(
        self, dvc: Dvc, name: str, system: FileSystem, root: str, notify: Callable[[str], object]
    ) -> None:
        self.dvc, self.name, self._notify = dvc, name, notify
        self._system, self._root = system, root
        self._where: dict[str, str] = {}  # as last seen
        self._are_etags_md5 = True
        self._refusal: BaseException | None = None  # an HTTP 403

    @classmethod
    def open(
        cls,
        dvc: Dvc,
        name: str | None = None,
        said: str | None = None,
        *,
        notify: Callable[[str], object] = str,
    ) -> Remote:
        """Open a remote by name, or the default one; nothing is asked of it yet.

        Args:
            dvc: the repository.
            name: of the remote.
            said: the text of a configuration that stands in for the repository's own.
            notify: hears of a remote that keeps us waiting.

        Raises:
            NoRemote: there is none.
            VersionedRemote: it keeps files by their names, and no objects.
            RemoteAsks: the clone's settings have it call a command, or read private files.
            OutsideProject: they have it be a folder of something else.
            NoPackage: its kind needs an extra.
            DvcFailed: its settings cannot be used.
        """
        # late: 120 ms of CPU, for what talks to remotes alone
        from dvc.fs import RemoteMissingDepsError, get_cloud_fs

        with _mapped("read the remote's settings"):
            config = _config(dvc, said)
            chosen = name or config["core"].get("remote")
            if not chosen or chosen.lower() not in config["remote"]:
                raise NoRemote(chosen or "", tuple(config["remote"]))
            options = config["remote"][chosen.lower()]
            for option in ("version_aware", "worktree"):
                if options.get(option):
                    raise VersionedRemote(chosen, option)
            refuse_foreign(dvc, chosen, said)
            options |= dict.fromkeys(options.keys() & _ASKING, False)
            kind = str(options["url"]).partition("://")[0]
            try:
                system, settings, root = get_cloud_fs(config, name=chosen)
                return cls(dvc, chosen, system(**settings), root, notify)
            except (ImportError, RemoteMissingDepsError) as err:
                kind = {"https": "http", "webdavs": "webdav"}.get(kind, kind)
                raise NoPackage(f"dvc-{kind}", kind if kind in _EXTRAS else "") from err

    def entries(self, digests: Iterable[str]) -> dict[str, RemoteObject]:
        """Look which of these objects are there, by listing the folders they would be in.

        Raises:
            DvcFailed: the remote does not answer.
        """
        wanted = {digest: self._places(digest) for digest in digests}
        asked = {place for places in wanted.values() for place in places}
        lists = bool(self._system.CAN_TRAVERSE)  # HTTP has no folders
        if lists:
            asked = {place.rpartition("/")[0] for place in asked}
        seen: dict[str, RemoteObject] = {}
        with self._asked(f"look into remote {self.name}"), self._pool() as pool:
            self._system.fs.invalidate_cache()
            for listed in pool.map(self._listed if lists else self._looked_at, sorted(asked)):
                seen |= listed
            if self._refusal is not None and not seen:
                raise self._refusal
        found: dict[str, RemoteObject] = {}
        for digest, places in wanted.items():
            for place in places:
                if place in seen:
                    found[digest], self._where[digest] = seen[place], place
        return found

    def held(self, digests: Iterable[str], outs: Iterable[Out] = ()) -> set[str]:
        """Tell which of these objects the remote has, with the size that the cache's copy has.

        An etag that is an md5 counts, too. What has no copy here must give its output the size
        that the pointer says; where a pointer says none, any size will do.

        Args:
            digests: of the objects.
            outs: the outputs that they belong to.

        Raises:
            DvcFailed: the remote does not answer.
        """
        entries = self.entries(digests)
        right = {digest for digest, entry in entries.items() if self._is_right(digest, entry)}
        sizes = {digest: entries[digest].size for digest in right if not self._is_here(digest)}
        away = {digest: size for digest, size in sizes.items() if size is not None}
        return right - set().union(*(self._doubtful(out, away) for out in outs if away))

    def _doubtful(self, out: Out, away: Mapping[str, int]) -> set[str]:
        """Name the objects of an output that are only there, where they give it another size."""
        if out.size is None or (out.digest.endswith(".dir") and not self._is_here(out.digest)):
            return set()
        parts = list(digests_of(self.dvc, out).values())
        there = {digest for digest in parts if digest in away}
        if not there or any(digest not in away and not self._is_here(digest) for digest in parts):
            return set()
        sizes = (
            away[digest] if digest in away else object_of(self.dvc, digest).stat().st_size
            for digest in parts
        )
        return there if sum(sizes) != out.size else set()

    def _is_here(self, digest: str) -> bool:
        return object_of(self.dvc, digest).is_file()

    def send(self, digests: Collection[str]) -> int:
        """Send objects of the cache, whose bytes were verified; returns how many bytes.

        Raises:
            DvcFailed: the remote refused.
            NotArrived: one is not there afterwards, or not with the right size.
        """
        sources = {digest: object_of(self.dvc, digest) for digest in sorted(digests)}
        with self._asked(f"send objects to remote {self.name}"):
            if self._system.protocol == _LOCAL:
                self._copy_out(sources)
            elif sources:
                self._upload(sources)
        missing = sources.keys() - self.held(sources)
        if missing:
            raise NotArrived(tuple(sorted(missing)), self.name)
        return sum(place.stat().st_size for place in sources.values())

    def bring(self, digests: Collection[str]) -> int:
        """Bring objects into the cache, on the disk; returns how many bytes.

        Raises:
            DvcFailed: the remote did not give one.
            RemoteCorrupt: one is not what its name says; none of that name is kept.
        """
        from dvc_objects.fs import generic  # late, as above
        from dvc_objects.fs.local import localfs

        home = self.dvc.cache / "files" / "md5"
        make_folder(home)
        with Staging(home / "objects") as staging:  # what a killed one has left there goes
            wanted = {digest: staging.folder / digest for digest in sorted(digests)}
            with self._asked(f"bring objects from remote {self.name}"):
                places = [self._place(digest) for digest in wanted]
                targets = [str(path) for path in wanted.values()]
                generic.copy(self._system, places, localfs, targets)
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                return sum(pool.map(self._settle, wanted, wanted.values()))

    def _settle(self, digest: str, fresh: Path) -> int:
        is_old = self._place(digest) == self._old_place(digest)
        if not is_named(fresh, digest, is_old=is_old):
            raise RemoteCorrupt(digest, self.name)
        place = self.dvc.old_place(digest) if is_old else self.dvc.place(digest)
        make_folder(place.parent)
        fresh.chmod(0o444)
        with fresh.open("rb") as file:
            os.fsync(file.fileno())
            size = os.fstat(file.fileno()).st_size
        os.replace(fresh, place)
        sync_folder(place.parent)
        return size

    def _place(self, digest: str) -> str:
        """Name where an object is there, or belongs."""
        return self._where.get(digest) or self._places(digest)[-1]

    def _places(self, digest: str) -> list[str]:
        """Name where an object may be there, the best last: DVC 2 has places of its own."""
        place = "/".join((self._root.rstrip("/"), "files", "md5", digest[:2], digest[2:]))
        if not self.dvc.is_old(digest):
            return [place]
        return [place, self._old_place(digest)]

    def _old_place(self, digest: str) -> str:
        return "/".join((self._root.rstrip("/"), digest[:2], digest[2:]))

    @contextmanager
    def _asked(self, doing: str) -> Iterator[None]:
        """Say it where the remote keeps us waiting; its file system has limits of its own."""
        with _mapped(doing), waiting_for(f"DVC remote {self.name}", self._notify):
            yield

    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(max(1, min(self._system.jobs, 32)))

    def _listed(self, folder: str) -> dict[str, RemoteObject]:
        try:
            found = list(self._system.ls(folder, detail=True))
        except FileNotFoundError:
            return {}
        return {
            f"{folder}/{each['name'].rstrip('/').rpartition('/')[2]}": RemoteObject(
                int(each.get("size") or 0), str(each.get("ETag") or "").strip('"')
            )
            for each in found
        }

    def _looked_at(self, place: str) -> dict[str, RemoteObject]:
        try:
            found = self._system.info(place)
        except FileNotFoundError as err:
            self._refuse_silence(err.__cause__)
            return {}
        size = found.get("size")
        return {place: RemoteObject(None if size is None else int(size))}

    def _refuse_silence(self, cause: BaseException | None) -> None:
        """Raise why a web server was silent: to fsspec, whatever goes wrong is a file not found.

        A bucket that must not be listed says 403 of what is not there, so that it is a refusal
        only where all are refused.
        """
        if isinstance(cause, FileNotFoundError):
            return
        status = getattr(cause, "status", None)
        if status == _FORBIDDEN:
            self._refusal = cause
        elif isinstance(cause, _foreign()) and status not in _NOWHERE:
            raise cause

    def _is_right(self, digest: str, entry: RemoteObject) -> bool:
        here = object_of(self.dvc, digest)
        if not here.is_file() or entry.size is None:
            return True
        if entry.size != here.stat().st_size:
            return False
        name = digest.removesuffix(".dir")
        if not self._are_etags_md5 or len(entry.etag) != 32 or entry.etag == name:
            return True
        if not self._is_read_back(digest):
            return False
        self._are_etags_md5 = False  # an encrypted bucket's etags are something else
        return True

    def _is_read_back(self, digest: str) -> bool:
        fresh = self.dvc.cache / "files" / "md5" / f".{os.getpid()}.{os.urandom(4).hex()}"
        try:
            self._system.get_file(self._place(digest), str(fresh))
            return is_named(fresh, digest, is_old=self.dvc.is_old(digest))
        finally:
            fresh.unlink(missing_ok=True)

    def _copy_out(self, sources: Mapping[str, Path]) -> None:
        """Into a folder, so that a power cut leaves no empty file under a right name."""
        places = {digest: Path(self._place(digest)) for digest in sources}
        for folder in {place.parent for place in places.values()}:
            make_folder(folder)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(lambda each: _copied(sources[each], places[each]), sources))

    def _upload(self, sources: Mapping[str, Path]) -> None:
        from dvc_objects.fs import generic  # late, as above
        from dvc_objects.fs.local import localfs

        places = [self._place(digest) for digest in sources]
        # over SSH half a file would have the object's name
        ending = f".{os.urandom(4).hex()}.tmp" if self._system.protocol == _SSH else ""
        files = [str(path) for path in sources.values()]
        generic.copy(localfs, files, self._system, [place + ending for place in places])
        if ending:
            with self._pool() as pool:
                list(pool.map(lambda place: self._system.fs.mv(place + ending, place), places))


def _copied(source: Path, target: Path) -> None:
    copy_durably(source, target, mode=0o444)


def _config(dvc: Dvc, said: str | None) -> Config:
    """Read DVC's settings; a text stands in for the repository's own, at the same place."""
    from tempfile import NamedTemporaryFile

    from dvc.config import Config  # late, as above

    class _Told(Config):  # type: ignore[misc]
        def _load_config(self, level: str) -> Any:
            if level != "repo" or said is None:
                return super()._load_config(level)
            with NamedTemporaryFile() as file:
                file.write(said.encode("utf-8", "surrogateescape"))
                file.flush()
                return self.load_file(file.name)

    return _Told(str(dvc.root / ".dvc"))


@contextmanager
def _mapped(doing: str) -> Iterator[None]:
    try:
        yield
    except _foreign() as err:
        words = in_words(err) if isinstance(err, OSError) else str(err) or type(err).__name__
        raise DvcFailed(doing, words) from err


def _foreign() -> tuple[type[BaseException], ...]:
    """The errors of whatever DVC has loaded to reach the remote."""
    loaded = ((sys.modules.get(module), name) for module, name in _FOREIGN.items())
    found = (getattr(module, name, None) for module, name in loaded if module is not None)
    return (OSError, NotImplementedError, *(kind for kind in found if kind is not None))
