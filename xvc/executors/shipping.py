"""Trials on a machine that does not share our disk: what is sent there, and what comes back.

The code travels as a git bundle of one commit, the way to the data as DVC's private settings, with
their credentials; what a trial recorded comes back as bytes. Taking it in twice is taking it once:
journals are named by their writers, everything else by its content.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from xvc.dvc.local_config import Settings, settings_away
from xvc.dvc.repository import Dvc
from xvc.errors import BadValue, ObjectCorrupt
from xvc.git.commands import Git
from xvc.journal.layout import Room
from xvc.system.asset_files import Assets
from xvc.system.files import make_folder, write_durably

SENT = "refs/xvc/sent/"


@dataclass(frozen=True, slots=True)
class Parcel:
    """What a machine needs to run trials of one commit; made once, and the same for all.

    ``top`` is the work tree at home and ``python`` its interpreter, as jobs name them; ``store``
    is a path from the top; ``dvc`` where in it the DVC repository is, if there is one, with its
    ``settings``. ``scratch`` is the folder for clones there; None is the machine's temporary one.
    """

    commit: str
    bundle: bytes = field(repr=False)
    top: str
    python: str
    store: str
    dvc: str | None = None
    settings: Settings = field(default_factory=dict, repr=False)
    scratch: str | None = None

    @property
    def name(self) -> str:
        """What clones of this very parcel are called."""
        options = sorted((name, sorted(held.items())) for name, held in self.settings.items())
        said = repr((self.commit, self.top, self.store, self.dvc, options))
        return hashlib.sha256(said.encode()).hexdigest()[:16]

    @property
    def own(self) -> tuple[str, str]:
        """The tracked paths that xvc writes: the store and the folder of its assets."""
        return self.store, Assets.beside(Path(self.store)).folder.as_posix()


@dataclass(frozen=True, slots=True)
class Brought:
    """What one trial left in its clone, whole.

    Journals and logs by file name, assets by sha256, objects of declared outputs by DVC's digest,
    blobs of tracked files that it changed, run refs with their commits; ``bundle`` holds those
    commits that are not the one that was sent.
    """

    journals: Mapping[str, bytes] = field(default_factory=dict)
    logs: Mapping[str, bytes] = field(default_factory=dict)
    assets: Mapping[str, bytes] = field(default_factory=dict)
    objects: Mapping[str, bytes] = field(default_factory=dict)
    blobs: tuple[bytes, ...] = ()
    refs: Mapping[str, str] = field(default_factory=dict)
    bundle: bytes = b""


@dataclass(frozen=True, slots=True)
class JobOutcome:
    """How a job ended on another machine; ``exit_code`` None and a ``reason`` when it did not."""

    exit_code: int | None
    output: bytes = b""
    reason: str = ""
    brought: Brought | None = None


@dataclass(frozen=True, slots=True)
class Home:
    """Where what comes back belongs."""

    git: Git
    room: Room
    assets: Path
    dvc: Dvc | None

    def take_in(self, brought: Brought) -> None:
        """Keep what a trial left, on the disk when this returns; journals last, they name the rest.

        Raises:
            ObjectCorrupt: something is not what its name says.
            GitFailed: git could not take the commits.
            OSError: the disk refused.
        """
        for digest, content in brought.objects.items():
            _check(digest, hashlib.md5(content, usedforsecurity=False).hexdigest())
            if self.dvc is not None:
                _put(self.dvc.place(digest), content, mode=0o444)
        for digest, content in brought.assets.items():
            _check(digest, hashlib.sha256(content).hexdigest())
            _put(self.assets / digest[:2] / digest, content, mode=0o444)
        self._take_code(brought)
        for name, content in brought.logs.items():
            _put(self.room.logs / Path(name).name, content)
        for name, content in brought.journals.items():
            if not (self.room.folded / Path(name).name).exists():
                _put(self.room.journals / Path(name).name, content)

    def _take_code(self, brought: Brought) -> None:
        for blob in brought.blobs:
            self.git.call("hash-object", "-w", "--stdin", stdin=blob)
        if brought.bundle:
            file = self.room.scratch / f"brought-{os.getpid()}-{os.urandom(4).hex()}"
            make_folder(file.parent)
            try:
                file.write_bytes(brought.bundle)
                self.git.call("bundle", "unbundle", str(file))
            finally:
                file.unlink(missing_ok=True)
        for ref, commit in brought.refs.items():
            self.git.keep(ref, commit)


@dataclass(frozen=True, slots=True)
class Away:
    """Both ends of the way: what is sent, and where what comes back belongs."""

    parcel: Parcel
    home: Home


def pack(
    git: Git, commit: str, store: Path, room: Room, dvc: Dvc | None, scratch: str | None = None
) -> Away:
    """Pack a commit, and all that a trial of it needs, for machines that do not share our disk.

    Args:
        git: of the work tree at home.
        commit: the code, such as the snapshot of a sweep; the caller keeps it from git's gc.
        store: of the work tree; journals that come back are folded into it.
        room: where those journals go.
        dvc: of the work tree; its private settings, credentials included, are sent.
        scratch: a folder there for clones; None is the machine's temporary one.

    Raises:
        BadValue: the store lies outside the work tree.
        GitFailed: git has no such commit.
        DvcFailed: a DVC configuration file cannot be read.
    """
    top = git.place.top
    check_store(top, store)
    parcel = Parcel(
        commit=commit,
        bundle=_bundled(git, commit),
        top=str(top),
        python=sys.executable,
        store=store.relative_to(top).as_posix(),
        dvc=None if dvc is None else dvc.root.relative_to(top).as_posix(),
        settings={} if dvc is None else settings_away(dvc),
        scratch=scratch,
    )
    return Away(parcel, Home(git, room, Assets.beside(store).folder, dvc))


def check_store(top: Path, store: Path) -> None:
    """Check that a clone can have a store where ours is.

    Raises:
        BadValue: the store lies outside the work tree.
    """
    if not store.is_relative_to(top):
        raise BadValue("database", f"{store} lies outside {top}, so a clone cannot have its like")


def _bundled(git: Git, commit: str) -> bytes:
    ref = f"{SENT}{os.getpid()}-{commit}"  # git bundles what has a name
    git.call("update-ref", "--end-of-options", ref, commit)
    try:
        return git.call("bundle", "create", "-q", "-", ref)
    finally:
        git.call("update-ref", "-d", ref)


def _check(name: str, found: str) -> None:
    if name.removesuffix(".dir") != found:
        raise ObjectCorrupt(name, found)


def _put(place: Path, content: bytes, *, mode: int = 0o644) -> None:
    if place.exists() and place.stat().st_size == len(content):
        return
    make_folder(place.parent)
    write_durably(place, content, mode=mode)
